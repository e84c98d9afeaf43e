//! The services beside us: tickets with its own database, and of surveys and customers what they tell and the links they sign.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use jiff::SignedDuration;
use seva_notifications::{LinkOwner, LinkOwners, Notices};
use seva_proto::{
    common::v1::{
        ErrorReason, Link as LinkMessage, LinkPurpose, MintLinksRequest, MintLinksResponse,
        link_service_client::LinkServiceClient,
        link_service_server::{LinkService, LinkServiceServer},
    },
    customers::v1::{CustomerEvent, ResolveSendersRequest, ResolveSendersResponse, ResolvedSender, SendingCustomer},
    surveys::v1::{Invitation, InvitationEvent, invitation},
    tickets::v1::{
        CreateTicketRequest, InboundMessage, PublishMessagesRequest, Ticket, TicketEvent, inbound_message,
        inbound_message_service_server::InboundMessageService, message, ticket, ticket_service_server::TicketService,
    },
};
use seva_runtime::{
    BusinessClock, Error,
    auth::{LinkSigner, Principal, PrincipalKind, links::Link},
};
use seva_store::{
    consumer::Consumer,
    due::Bell,
    feed::{self, Feed},
    sequencer,
    service::Foundation,
};
use seva_testkit::{TestDatabase, eventually, server::foundation};
use seva_tickets::{
    conversation::{ConversationRpc, LinkRpc},
    inbound::{Delivery, InboundRpc, Senders},
    policy::Policies,
    ticket::{Commands, TicketRpc},
};
use seva_values::new_id;
use tokio_util::sync::DropGuard;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::town::{Identified, append, beside, by, by_agent, identified, principal, request_id};

/// Another service's feed, and our consumer of it.
pub struct Neighbour {
    pub database: TestDatabase,
    pub feed: Feed,
    consumer: Consumer,
    _running: [DropGuard; 3],
}

impl Neighbour {
    async fn new(
        database: TestDatabase,
        name: &'static str,
        notifications: &TestDatabase,
        clock: &BusinessClock,
    ) -> Self {
        let feed = Feed::new(database.db.clone());
        let notices = Arc::new(Notices::new(name, clock.clone(), Bell::default()));
        let consumer = Consumer::new(name, notifications.db.clone(), Arc::new(feed.clone()), notices);
        let running = [
            beside(|stopping| sequencer::run(database.db.clone(), feed.clone(), stopping)),
            beside(|stopping| feed::follow(feed.clone(), stopping)),
            beside(|stopping| consumer.clone().run(stopping)),
        ];
        Self { database, feed, consumer, _running: running }
    }

    /// Waits until everything that it told has been decided upon.
    async fn settled(&self) {
        eventually("the feed of a neighbour is drained", || async {
            let drained = sequencer::is_drained(&self.database.db).await.unwrap_or(false);
            let head = self.feed.bounds().await.unwrap().head;
            (drained && self.consumer.standing().feed_no == head).then_some(())
        })
        .await;
    }
}

pub struct Neighbours {
    pub tickets: Neighbour,
    pub surveys: Neighbour,
    pub ticket_links: Arc<Owner>,
    pub survey_links: Arc<Owner>,
    pub place_links: Arc<Owner>,
    clock: BusinessClock,
    signer: LinkSigner,
    tickets_foundation: Foundation,
    commands: Commands,
}

impl Neighbours {
    pub async fn new(notifications: &TestDatabase, clock: &BusinessClock, signer: &LinkSigner) -> Self {
        let tickets = TestDatabase::new(seva_tickets::NAME, &seva_tickets::MIGRATOR).await;
        // Of surveys only the outbox is needed.
        let surveys = TestDatabase::new("surveys", &seva_customers::MIGRATOR).await;
        let tickets_foundation = foundation(tickets.db.clone(), clock.clone());
        let policies = Policies::new(tickets.db.clone());
        let commands = Commands::new(tickets.db.clone(), clock.clone(), policies, Bell::default());
        let ticket_links = LinkRpc::new(&tickets_foundation, signer.clone());
        let signs = |word| Signs { word, clock: clock.clone(), signer: signer.clone() };
        Self {
            ticket_links: Owner::new(ticket_links),
            survey_links: Owner::new(signs("survey")),
            place_links: Owner::new(signs("place")),
            tickets: Neighbour::new(tickets, "ticket_notices", notifications, clock).await,
            surveys: Neighbour::new(surveys, "survey_notices", notifications, clock).await,
            clock: clock.clone(),
            signer: signer.clone(),
            tickets_foundation,
            commands,
        }
    }

    pub fn owners(&self) -> LinkOwners {
        LinkOwners {
            tickets: self.ticket_links.clone(),
            surveys: self.survey_links.clone(),
            places: self.place_links.clone(),
        }
    }

    pub async fn settled(&self) {
        self.tickets.settled().await;
        self.surveys.settled().await;
    }

    /// What a customer sees who has opened the link to a ticket.
    pub fn conversations(&self) -> ConversationRpc {
        ConversationRpc::new(&self.tickets_foundation, self.signer.clone(), self.commands.clone())
    }

    /// Opens a ticket of this customer with the tickets service.
    pub async fn ticket(&self, customer: Uuid) -> TicketEvent {
        let heard = CustomerEvent {
            customer: format!("customers/{customer}"),
            languages: vec!["en".to_owned()],
            zone: "Asia/Kolkata".to_owned(),
            ..CustomerEvent::default()
        };
        let known = seva_tickets::recipient::Recipient::heard(1, &heard).unwrap();
        let mut connection = self.tickets.database.owner.acquire().await.unwrap();
        seva_tickets::recipient::store::save(&mut connection, &[known]).await.unwrap();
        let ticket = Ticket {
            customer: heard.customer.clone(),
            kind: ticket::Kind::Question.into(),
            title: "Does it come in red?".to_owned(),
            stated_problem: "I would like a red one.".to_owned(),
            ..Ticket::default()
        };
        let request = CreateTicketRequest { ticket: Some(ticket), request_id: request_id() };
        let rpc = TicketRpc::new(&self.tickets_foundation, self.commands.clone());
        let created = rpc.create_ticket(by_agent(request)).await.unwrap().into_inner().ticket.unwrap();
        TicketEvent {
            ticket: created.name,
            number: created.number,
            customer: created.customer,
            state: ticket::State::New.into(),
            version: 1,
            ..TicketEvent::default()
        }
    }

    /// A message of this customer comes in with the tickets service; answers the ticket that it came to.
    pub async fn receives(&self, customer: Uuid, message: InboundMessage) -> String {
        let (db, policies) = (self.tickets.database.db.clone(), Policies::new(self.tickets.database.db.clone()));
        let delivery = Delivery::new(db, self.clock.clone(), policies, Arc::new(Sends(customer)), Bell::default());
        let rpc = InboundRpc::new(&self.tickets_foundation, &delivery);
        let sources = vec![message.source.clone()];
        let adapter = Principal { kind: PrincipalKind::ApiKey, sources, ..principal("key:mail", None) };
        let request = PublishMessagesRequest { messages: vec![message] };
        let result = rpc.publish_messages(by(adapter, request)).await.unwrap().into_inner().results.remove(0);
        assert_eq!(result.state(), inbound_message::State::Delivered, "{result:?}");
        result.ticket
    }

    /// The next event of a ticket, as the tickets service would tell it.
    pub async fn tells(&self, kind: &'static str, ticket: &mut TicketEvent, change: impl FnOnce(&mut TicketEvent)) {
        ticket.version += 1;
        change(ticket);
        self.tells_again(kind, ticket).await;
    }

    /// An event of a ticket as it was at that version.
    pub async fn tells_again(&self, kind: &'static str, ticket: &TicketEvent) {
        let now = self.clock.now();
        append(&self.tickets.database.db, kind, &ticket.ticket, ticket.version, now, ticket).await;
    }

    /// The next event of an invitation.
    pub async fn invitation(
        &self,
        kind: &'static str,
        customer: Uuid,
        name: &str,
        sequence: i64,
        state: invitation::State,
    ) {
        let invitation = Invitation {
            name: name.to_owned(),
            customer: format!("customers/{customer}"),
            state: state.into(),
            ..Invitation::default()
        };
        let event = InvitationEvent { invitation: Some(invitation), ..InvitationEvent::default() };
        append(&self.surveys.database.db, kind, name, sequence, self.clock.now(), &event).await;
    }
}

/// Somebody says something that the customer can read, or not.
pub fn said(ticket: &mut TicketEvent, author: message::Author, visibility: message::Visibility) {
    ticket.message = format!("{}/messages/{}", ticket.ticket, new_id());
    ticket.set_message_author(author);
    ticket.set_message_visibility(visibility);
}

/// How a service answers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// Refuses every call.
    Gone,
    /// Takes every call and answers none.
    Hanging,
}

/// A service that signs links, reached as it is over the network; it can fall silent, and say that something has ended.
pub struct Owner {
    server: Box<dyn LinkOwner>,
    mood: Mutex<Mood>,
    ended: Mutex<BTreeSet<String>>,
    asked: Mutex<Vec<Vec<String>>>,
}

impl Owner {
    fn new(server: impl LinkService) -> Arc<Self> {
        let server = tower::util::MapRequest::new(LinkServiceServer::new(server), identified as Identified);
        Arc::new(Self {
            server: Box::new(LinkServiceClient::new(server)),
            mood: Mutex::default(),
            ended: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn ends(&self, subject: &str) {
        self.ended.lock().unwrap().insert(subject.to_owned());
    }

    /// The subjects of every call.
    pub fn asked(&self) -> Vec<Vec<String>> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl LinkOwner for Owner {
    async fn mint(&self, purpose: LinkPurpose, subjects: &[String]) -> Result<Vec<Option<String>>, Error> {
        self.asked.lock().unwrap().push(subjects.to_vec());
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Well => {}
            Mood::Gone => {
                let reason = ErrorReason::ServiceUnavailable;
                return Err(Error::unavailable(reason, "gone", std::time::Duration::from_secs(1)));
            }
            Mood::Hanging => std::future::pending().await,
        }
        let tokens = self.server.mint(purpose, subjects).await?;
        let ended = self.ended.lock().unwrap();
        Ok(subjects.iter().zip(tokens).map(|(subject, token)| token.filter(|_| !ended.contains(subject))).collect())
    }
}

/// Signs a link to whatever it is asked for, as the contract says.
struct Signs {
    word: &'static str,
    clock: BusinessClock,
    signer: LinkSigner,
}

#[tonic::async_trait]
impl LinkService for Signs {
    async fn mint_links(&self, request: Request<MintLinksRequest>) -> Result<Response<MintLinksResponse>, Status> {
        let expires_at = self.clock.now() + SignedDuration::from_hours(24);
        let links = request.into_inner().items.into_iter().map(|item| {
            let subject = item.subject.rsplit('/').next().unwrap().to_owned();
            let token = self.signer.sign(self.word, &Link { subject, generation: 0, expires_at });
            LinkMessage { token, expire_time: None }
        });
        Ok(Response::new(MintLinksResponse { links: links.collect() }))
    }
}

/// Whatever address a message comes from, it is this customer's.
struct Sends(Uuid);

#[async_trait]
impl Senders for Sends {
    async fn resolve(&self, request: ResolveSendersRequest) -> Result<ResolveSendersResponse, Error> {
        let customer = SendingCustomer {
            customer: format!("customers/{}", self.0),
            languages: vec!["en".to_owned()],
            zone: "Asia/Kolkata".to_owned(),
            ..SendingCustomer::default()
        };
        let of_each = |_| ResolvedSender { customers: vec![customer.clone()] };
        Ok(ResolveSendersResponse { senders: request.senders.into_iter().map(of_each).collect() })
    }
}
