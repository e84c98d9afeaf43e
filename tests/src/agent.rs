//! What those who serve do with tickets.

use seva_proto::tickets::v1::{
    CreateTicketRequest, ListTicketsRequest, Message, ReplyToTicketRequest, ResolveTicketRequest, RootProblem, Ticket,
    TicketFilter, TicketView, message::Visibility, root_problem::Cause, ticket::Kind,
    ticket_service_client::TicketServiceClient,
};
use seva_runtime::client::Peer;
use seva_values::id::new_id;

use crate::Installation;

/// Somebody who serves, by the name that their tokens have.
#[derive(Debug, Clone)]
pub struct Agent {
    tickets: TicketServiceClient<Peer>,
}

impl Agent {
    /// This user.
    pub fn new(installation: &Installation, user: &str) -> Self {
        Self { tickets: TicketServiceClient::new(installation.as_user("tickets", user, "agent")) }
    }

    /// The customer's tickets, oldest first and whole.
    ///
    /// # Panics
    /// When it is refused, as everywhere below.
    pub async fn tickets_of(&mut self, customer: &str) -> Vec<Ticket> {
        let filter = Some(TicketFilter { customer: customer.to_owned(), ..TicketFilter::default() });
        let request = ListTicketsRequest { filter, view: TicketView::Full.into(), ..ListTicketsRequest::default() };
        self.tickets.list_tickets(request).await.expect("agents may read tickets").into_inner().tickets
    }

    /// Opens a ticket for a customer.
    pub async fn create(&mut self, customer: &str, kind: Kind, title: &str) -> Ticket {
        let ticket = Ticket {
            customer: customer.to_owned(),
            kind: kind.into(),
            title: title.to_owned(),
            stated_problem: title.to_owned(),
            ..Ticket::default()
        };
        let request = CreateTicketRequest { ticket: Some(ticket), request_id: new_id().to_string() };
        let made = self.tickets.create_ticket(request).await.expect("agents may open tickets").into_inner();
        made.ticket.expect("what was opened is answered")
    }

    /// Answers the customer.
    pub async fn reply(&mut self, ticket: &str, text: &str) -> Message {
        self.say(ticket, text, false).await
    }

    /// Asks the customer something, and waits for the answer.
    pub async fn ask(&mut self, ticket: &str, text: &str) -> Message {
        self.say(ticket, text, true).await
    }

    async fn say(&mut self, ticket: &str, text: &str, awaits_customer: bool) -> Message {
        let request = ReplyToTicketRequest {
            name: ticket.to_owned(),
            visibility: Visibility::Public.into(),
            text: text.to_owned(),
            awaits_customer,
            request_id: new_id().to_string(),
            ..ReplyToTicketRequest::default()
        };
        let said = self.tickets.reply_to_ticket(request).await.expect("agents may answer").into_inner();
        said.message.expect("what was said is answered")
    }

    /// Says that it is solved.
    pub async fn resolve(&mut self, ticket: &str, note: &str) -> Ticket {
        let root_problem =
            RootProblem { cause: Cause::Carrier.into(), description: note.to_owned(), ..RootProblem::default() };
        let request = ResolveTicketRequest {
            name: ticket.to_owned(),
            root_problem: Some(root_problem),
            note: note.to_owned(),
            request_id: new_id().to_string(),
            ..ResolveTicketRequest::default()
        };
        let resolved = self.tickets.resolve_ticket(request).await.expect("agents may resolve").into_inner();
        resolved.ticket.expect("what was resolved is answered")
    }
}
