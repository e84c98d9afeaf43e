//! The service as it runs, with feeds of customers, tickets and notifications into which tests put what those would tell.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use prost::Message;
use prost_types::FieldMask;
use seva_proto::{
    common::v1::{LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item},
    customers::v1::{CustomerEvent, Order, OrderEvent},
    notifications::v1::{DecisionReason, Notification, NotificationEvent, notification::State as MailState},
    surveys::v1::{
        Answer, GetInvitationRequest, GetQuestionnaireRequest, Invitation, InvitationFilter, ListInvitationsRequest,
        ListLoopCasesRequest, ListProgrammesRequest, LoopCase, Programme, Questionnaire, SaveAnswersRequest,
        UpdateProgrammeRequest, answer::Value, invitation::State, invitation_service_client::InvitationServiceClient,
        loop_case_service_client::LoopCaseServiceClient, programme::Trigger,
        programme_service_server::ProgrammeService, response_service_client::ResponseServiceClient,
    },
    tickets::v1::{
        TicketEvent,
        ticket::{Closure, State as TicketState},
    },
};
use seva_runtime::{
    auth::LinkSigner,
    call::Story,
    tasks::{OnFailure, Tasks},
};
use seva_store::{
    Database, NewEvent,
    consumer::{Consumer, EventSource, rebase, standings},
    due::Due,
    event,
    feed::{self, Feed},
    sequencer,
};
use seva_surveys::{MIGRATOR, Peers, ensure_catalog, service_with_rules, throttle::Rules};
use seva_testkit::{TestDatabase, TestServer, eventually, keyring};
use seva_values::{format_name, new_id};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use uuid::Uuid;

use crate::office::{Office, call};

/// The trace in which every source tells.
pub const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A service of which only the outbox is there.
pub struct Source {
    database: TestDatabase,
    feed: Feed,
    sequences: Mutex<HashMap<String, i64>>,
    _running: [DropGuard; 2],
}

pub struct World {
    pub office: Office,
    pub server: TestServer,
    pub customers: Source,
    pub tickets: Source,
    pub notifications: Source,
    pub links: LinkSigner,
    consumers: Vec<Consumer>,
    due: Vec<Due>,
}

/// Runs `work` beside the test until the guard is dropped.
pub fn beside<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(CancellationToken) -> F) -> DropGuard {
    let stopping = CancellationToken::new();
    let work = work(stopping.clone());
    Tasks::new().spawn("beside", OnFailure::Log, async {
        work.await;
        Ok::<_, Infallible>(())
    });
    stopping.drop_guard()
}

impl Source {
    pub async fn new(service: &'static str) -> Self {
        // Which tables it has besides those of every service does not matter.
        Self::of(TestDatabase::new(service, &MIGRATOR).await)
    }

    /// What lies in the outbox of a database.
    pub fn of(database: TestDatabase) -> Self {
        let feed = Feed::new(database.db.clone());
        let running = [
            beside(|stopping| sequencer::run(database.db.clone(), feed.clone(), stopping)),
            beside(|stopping| feed::follow(feed.clone(), stopping)),
        ];
        Self { database, feed, sequences: Mutex::default(), _running: running }
    }

    /// Appends an event as the next of its subject.
    pub async fn tells(&self, kind: &'static str, subject: &str, at: Timestamp, payload: &impl Message) {
        let sequence = {
            let mut sequences = self.sequences.lock().unwrap();
            let sequence = sequences.entry(subject.to_owned()).or_default();
            *sequence += 1;
            *sequence
        };
        let story = Story {
            correlation_id: format!("story of {subject}"),
            causation_id: "a test".to_owned(),
            hops: 0,
            traceparent: Some(TRACEPARENT.to_owned()),
        };
        let event = NewEvent::new(kind, subject.to_owned(), sequence, at, story, payload);
        let mut transaction = self.database.db.begin().await.unwrap();
        event::append(&mut transaction, "a test", &[event]).await.unwrap();
        self.database.db.commit(transaction).await.unwrap();
    }

    pub fn feed(&self) -> Arc<dyn EventSource> {
        Arc::new(self.feed.clone())
    }

    /// Whether everything that was told has been applied to this database.
    async fn is_applied(&self, db: &Database) -> bool {
        let drained = sequencer::is_drained(&self.database.db).await.unwrap();
        let (head, source) = (self.feed.bounds().await.unwrap().head, self.feed.source());
        let standings = standings(db).await.unwrap();
        let mut followers = standings.iter().filter(|standing| standing.source == source);
        drained && (head == 0 || followers.next().is_some_and(|standing| standing.feed_no >= head))
    }
}

impl World {
    /// With the usual pauses.
    pub async fn new() -> Self {
        Self::with_rules(Rules::default()).await
    }

    pub async fn with_rules(rules: Rules) -> Self {
        // Assembling a whole service is a large future.
        Box::pin(Self::beside(Source::new("tickets").await, Office::new().await, rules)).await
    }

    /// In this office, beside this source of tickets.
    pub async fn beside(tickets: Source, office: Office, rules: Rules) -> Self {
        let (customers, notifications) = (Source::new("customers").await, Source::new("notifications").await);
        let peers = Peers { customers: customers.feed(), tickets: tickets.feed(), notifications: notifications.feed() };
        ensure_catalog(&office.foundation.db, &office.foundation.clock).await.unwrap();
        let keyring = keyring();
        let links = keyring.links.clone();
        let service = service_with_rules(office.foundation.clone(), peers, links.clone(), rules);
        let (consumers, due) = (service.consumers.clone(), service.due.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = TestServer::start_on(listener, service, keyring).await;
        Self { office, server, customers, tickets, notifications, links, consumers, due }
    }

    pub fn now(&self) -> Timestamp {
        self.office.now()
    }

    /// Lets business time pass, and everything come to rest. What was told before is heard before: decisions would be made without it.
    pub async fn pass(&self, hours: i64) {
        self.pass_minutes(60 * hours).await;
    }

    pub async fn pass_minutes(&self, minutes: i64) {
        self.rest().await;
        self.office.pass(60 * minutes);
        self.rest().await;
    }

    /// Waits until everything that was told is applied, and nothing is due.
    pub async fn rest(&self) {
        eventually("everything is at rest", || async {
            for source in [&self.customers, &self.tickets, &self.notifications] {
                if !source.is_applied(&self.office.foundation.db).await {
                    return None;
                }
            }
            for due in &self.due {
                if due.next_due().await.unwrap().is_some_and(|due_at| due_at <= self.now()) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// Sets all cursors back to the beginning, and waits until everything was heard again.
    pub async fn hears_everything_again(&self) {
        let db = &self.office.foundation.db;
        for consumer in &self.consumers {
            assert!(rebase(db, consumer.name(), &consumer.source(), 0).await.unwrap());
        }
        self.rest().await;
        assert_eq!(self.office.count("select count(*) from seva.dead_letter").await, 0);
    }

    /// A customer who reads this language.
    pub async fn customer(&self, language: &str) -> Uuid {
        let customer = new_id();
        self.customer_says(customer, &reading(language)).await;
        customer
    }

    pub async fn customer_says(&self, customer: Uuid, state: &CustomerEvent) {
        let name = format_name("customers", customer);
        let state = CustomerEvent { customer: name.clone(), ..state.clone() };
        self.customers.tells("seva.customers.customer.updated.v1", &name, self.now(), &state).await;
    }

    /// An order of this customer arrives.
    pub async fn delivered(&self, customer: Uuid) -> String {
        let order = format_name("orders", new_id());
        self.order_says("seva.customers.order.delivered.v1", customer, &order).await;
        order
    }

    pub async fn order_says(&self, kind: &'static str, customer: Uuid, order: &str) {
        let state = OrderEvent {
            order: Some(Order {
                name: order.to_owned(),
                customer: format_name("customers", customer),
                ..Order::default()
            }),
            ..OrderEvent::default()
        };
        self.customers.tells(kind, order, self.now(), &state).await;
    }

    /// A ticket of this customer, closed because they say that it is solved.
    pub async fn closed(&self, customer: Uuid) -> String {
        let ticket = a_closed_ticket(customer);
        self.ticket_says("seva.tickets.ticket.closed.v1", &ticket).await;
        ticket.ticket
    }

    pub async fn ticket_says(&self, kind: &'static str, ticket: &TicketEvent) {
        self.tickets.tells(kind, &ticket.ticket, self.now(), ticket).await;
    }

    /// What became of the mail with an invitation.
    pub async fn mail_is(&self, invitation: &Invitation, state: MailState, reason: DecisionReason) {
        let notification = Notification {
            subject: invitation.name.clone(),
            state: state.into(),
            reason: reason.into(),
            ..Notification::default()
        };
        let payload = NotificationEvent { notification: Some(notification) };
        let name = format_name("notifications", new_id());
        self.notifications.tells("seva.notifications.notification.sent.v1", &name, self.now(), &payload).await;
        self.rest().await;
    }

    pub async fn is_sent(&self, invitation: &Invitation) {
        self.mail_is(invitation, MailState::Sent, DecisionReason::HandedOver).await;
    }

    /// A customer with an invitation to say how a delivery was that can be answered.
    pub async fn asked(&self) -> Invitation {
        let customer = self.customer("bn").await;
        let order = self.delivered(customer).await;
        self.pass(48).await;
        let invitation = self.about(&order).await;
        assert_eq!(invitation.state(), State::Queued, "{invitation:?}");
        invitation
    }

    pub async fn invitations(&self, filter: InvitationFilter) -> Vec<Invitation> {
        let mut invitations = InvitationServiceClient::new(self.server.as_role("agent"));
        let request = ListInvitationsRequest { page_size: 1000, filter: Some(filter), ..Default::default() };
        invitations.list_invitations(request).await.unwrap().into_inner().invitations
    }

    pub async fn of(&self, customer: Uuid) -> Vec<Invitation> {
        self.invitations(InvitationFilter { customer: format_name("customers", customer), ..Default::default() }).await
    }

    /// The only invitation about a matter.
    pub async fn about(&self, subject: &str) -> Invitation {
        let mut all = self.invitations(InvitationFilter::default()).await;
        all.retain(|invitation| invitation.subject == subject);
        assert_eq!(all.len(), 1, "one invitation about {subject}: {all:?}");
        all.remove(0)
    }

    /// An invitation as it is now.
    pub async fn again(&self, invitation: &Invitation) -> Invitation {
        let mut invitations = InvitationServiceClient::new(self.server.as_role("agent"));
        let request = GetInvitationRequest { name: invitation.name.clone() };
        invitations.get_invitation(request).await.unwrap().into_inner().invitation.unwrap()
    }

    /// How often each state is there.
    pub fn states(invitations: &[Invitation]) -> BTreeMap<State, usize> {
        let mut states = BTreeMap::new();
        for invitation in invitations {
            *states.entry(invitation.state()).or_default() += 1;
        }
        states
    }

    /// The link to an invitation, as notifications gets it; empty when it leads nowhere.
    pub async fn link(&self, invitation: &Invitation) -> String {
        let item = Item { purpose: LinkPurpose::Survey.into(), subject: invitation.name.clone() };
        let mut links = LinkServiceClient::new(self.server.as_service("notifications"));
        let answer = links.mint_links(MintLinksRequest { items: vec![item] }).await.unwrap().into_inner();
        answer.links.into_iter().next().unwrap().token
    }

    /// What the holder of a link sees, by way of the portal.
    pub async fn questionnaire(&self, token: &str) -> Result<Questionnaire, Status> {
        let mut responses = ResponseServiceClient::new(self.server.as_service("portal"));
        let request = GetQuestionnaireRequest { token: token.to_owned() };
        Ok(responses.get_questionnaire(request).await?.into_inner().questionnaire.unwrap())
    }

    pub async fn save(&self, request: SaveAnswersRequest) -> Result<Questionnaire, Status> {
        let mut responses = ResponseServiceClient::new(self.server.as_service("portal"));
        Ok(responses.save_answers(request).await?.into_inner().questionnaire.unwrap())
    }

    /// Somebody who is asked answers with this score and nothing else.
    pub async fn answers(&self, invitation: &Invitation, csat: i32) -> Questionnaire {
        let token = self.link(invitation).await;
        self.save(saving(&token, 0, vec![scored("csat", csat)], true)).await.unwrap()
    }

    pub async fn loop_cases(&self) -> Vec<LoopCase> {
        let mut cases = LoopCaseServiceClient::new(self.server.as_role("agent"));
        let request = ListLoopCasesRequest { page_size: 1000, ..ListLoopCasesRequest::default() };
        cases.list_loop_cases(request).await.unwrap().into_inner().loop_cases
    }

    /// The programme that Seva brings along for a trigger.
    pub async fn programme(&self, trigger: Trigger) -> Programme {
        let request = ListProgrammesRequest::default();
        let answer = self.office.programmes.list_programmes(call("ListProgrammes", request)).await.unwrap();
        let mut programmes = answer.into_inner().programmes.into_iter();
        programmes.find(|programme| programme.trigger() == trigger).unwrap()
    }

    /// Lets the programme that Seva brings along for a trigger ask, or not.
    pub async fn switch(&self, trigger: Trigger, active: bool) {
        let request = UpdateProgrammeRequest {
            programme: Some(Programme { active, ..self.programme(trigger).await }),
            update_mask: Some(FieldMask { paths: vec!["active".to_owned()] }),
            request_id: new_id().to_string(),
        };
        self.office.programmes.update_programme(call("UpdateProgramme", request)).await.unwrap();
    }

    /// The acts that were told of a subject, in order: the last word but one of each type.
    pub async fn acts(&self, subject: &str) -> Vec<String> {
        let emitted = self.office.emitted().await.into_iter().filter(|event| event.subject == subject);
        let act = |(at, event): (usize, crate::office::Emitted)| {
            assert_eq!(event.sequence, i64::try_from(at).unwrap() + 1, "without a gap");
            event.kind.split('.').rev().nth(1).unwrap().to_owned()
        };
        emitted.enumerate().map(act).collect()
    }
}

/// Somebody who reads this language and can be written to.
pub fn reading(language: &str) -> CustomerEvent {
    CustomerEvent { languages: vec![language.to_owned()], has_email: true, ..CustomerEvent::default() }
}

pub fn a_closed_ticket(customer: Uuid) -> TicketEvent {
    TicketEvent {
        ticket: format_name("tickets", new_id()),
        customer: format_name("customers", customer),
        state: TicketState::Closed.into(),
        closure: Closure::Verified.into(),
        ..TicketEvent::default()
    }
}

pub fn scored(question: &str, score: i32) -> Answer {
    Answer { question_id: question.to_owned(), value: Some(Value::Score(score)) }
}

pub fn worded(question: &str, text: &str) -> Answer {
    Answer { question_id: question.to_owned(), value: Some(Value::Text(text.to_owned())) }
}

pub fn chosen(question: &str, choice: &str) -> Answer {
    Answer { question_id: question.to_owned(), value: Some(Value::ChoiceId(choice.to_owned())) }
}

pub fn saving(token: &str, revision: i32, answers: Vec<Answer>, complete: bool) -> SaveAnswersRequest {
    SaveAnswersRequest { token: token.to_owned(), revision, answers, complete, request_id: new_id().to_string() }
}
