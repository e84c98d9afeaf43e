//! Agents who open tickets, answer, resolve, and write down that the customer is content.

use std::{future::Future, sync::Arc, time::Instant};

use seva_proto::tickets::v1::{
    ConfirmTicketRequest, CreateTicketRequest, ReplyToTicketRequest, ResolveTicketRequest, RootProblem, Ticket,
    message::Visibility, root_problem::Cause, ticket::Kind, ticket_service_client::TicketServiceClient,
};
use seva_runtime::client::Peer;
use seva_tests::journal::Acknowledged;
use seva_values::id::new_id;
use tonic::{Response, Status};
use tonic_types::StatusExt;

use super::{PATIENCE, PAUSE, Shared, may_pass};

/// An agent.
pub struct Agent {
    tickets: TicketServiceClient<Peer>,
    shared: Arc<Shared>,
    customer: String,
}

impl Agent {
    /// With tickets of this customer.
    pub fn new(peer: Peer, shared: Arc<Shared>, customer: String) -> Self {
        Self { tickets: TicketServiceClient::new(peer), shared, customer }
    }

    /// Opens tickets and answers; with `carries` each is also resolved as soon as somebody has it, and every second one confirmed.
    pub async fn work(self, carries: bool) {
        let mut number = 0_u32;
        while self.shared.goes_on() {
            number += 1;
            let name = self.open().await;
            self.reply(&name).await;
            if carries {
                self.resolve(&name).await;
                if number.is_multiple_of(2) {
                    self.confirm(&name).await;
                }
            }
        }
    }

    async fn open(&self) -> String {
        let ticket = Ticket {
            customer: self.customer.clone(),
            kind: Kind::Question.into(),
            title: "Does it come in red?".to_owned(),
            stated_problem: "I would like a red one.".to_owned(),
            ..Ticket::default()
        };
        let request = CreateTicketRequest { ticket: Some(ticket), request_id: new_id().to_string() };
        let ask = || {
            let (mut tickets, request) = (self.tickets.clone(), request.clone());
            async move { tickets.create_ticket(request).await }
        };
        let (sent, answer) = until_done(ask).await;
        let name = answer.ticket.unwrap().name;
        self.told(sent, &name, &request.request_id);
        // Asked once more, it is still that one.
        if number_of(&request.request_id).is_multiple_of(4) {
            let (sent, again) = until_done(ask).await;
            self.told(sent, &again.ticket.unwrap().name, &request.request_id);
        }
        name
    }

    async fn reply(&self, name: &str) {
        let request = ReplyToTicketRequest {
            name: name.to_owned(),
            visibility: Visibility::Public.into(),
            text: "We have it in red and in blue.".to_owned(),
            request_id: new_id().to_string(),
            ..ReplyToTicketRequest::default()
        };
        let ask = || {
            let (mut tickets, request) = (self.tickets.clone(), request.clone());
            async move { tickets.reply_to_ticket(request).await }
        };
        let (sent, _) = until_done(ask).await;
        self.told(sent, name, &request.request_id);
    }

    async fn resolve(&self, name: &str) {
        let root_problem = RootProblem {
            cause: Cause::Information.into(),
            description: "Colours.".to_owned(),
            ..RootProblem::default()
        };
        let request = ResolveTicketRequest {
            name: name.to_owned(),
            root_problem: Some(root_problem),
            note: "It comes in red.".to_owned(),
            request_id: new_id().to_string(),
            ..ResolveTicketRequest::default()
        };
        let ask = || {
            let (mut tickets, request) = (self.tickets.clone(), request.clone());
            async move { tickets.resolve_ticket(request).await }
        };
        let (sent, _) = until_done(ask).await;
        self.told(sent, name, &request.request_id);
    }

    async fn confirm(&self, name: &str) {
        let request = ConfirmTicketRequest {
            name: name.to_owned(),
            caller: "Alice".to_owned(),
            request_id: new_id().to_string(),
            ..ConfirmTicketRequest::default()
        };
        let ask = || {
            let (mut tickets, request) = (self.tickets.clone(), request.clone());
            async move { tickets.confirm_ticket(request).await }
        };
        let (sent, _) = until_done(ask).await;
        self.told(sent, name, &request.request_id);
    }

    fn told(&self, sent: Instant, name: &str, request_id: &str) {
        let acknowledged = Acknowledged::Ticket { name: name.to_owned(), request_id: request_id.to_owned() };
        self.shared.succeeded(&self.shared.tickets, sent, &[acknowledged]);
    }
}

fn number_of(request_id: &str) -> u128 {
    request_id.parse::<uuid::Uuid>().unwrap().as_u128()
}

/// Asks again under the same request id until it is done; answers when the request was sent that was answered.
async fn until_done<R, F: Future<Output = Result<Response<R>, Status>>>(ask: impl Fn() -> F) -> (Instant, R) {
    let begun = Instant::now();
    loop {
        let sent = Instant::now();
        match ask().await {
            Ok(answer) => return (sent, answer.into_inner()),
            Err(status) => {
                assert!(may_pass(&status) || waits_for_somebody(&status), "{status:?}");
                // What a kill interrupted is taken up again after a minute.
                assert!(begun.elapsed() < 2 * PATIENCE, "{status:?}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether nobody has the ticket yet: it is given out by the service itself, which may have been killed meanwhile.
fn waits_for_somebody(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == "STATE_FORBIDS")
}
