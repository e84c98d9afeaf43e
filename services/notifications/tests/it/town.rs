//! A town with customers, orders and a post: the customers service's database and ours, with the feed between them. Its neighbours are the
//! services of tickets and surveys.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use jiff::Timestamp;
use prost::Message;
use seva_customers::{customer::CustomerRpc, recipient::RecipientRpc};
use seva_notifications::{
    Dispatch, Notices, NotificationsConfig, Recipients, Settings, ensure_catalog,
    notification::NotificationRpc,
    preference::{OwnPreferenceRpc, PreferenceRpc},
    provider::{Fault, OutgoingMail, Provider},
    template_version::TemplateRpc,
};
use seva_proto::{
    common::v1 as values,
    customers::v1::{
        self as customers, CreateCustomerRequest, Order, OrderEvent, customer_service_server::CustomerService,
        recipient_service_client::RecipientServiceClient, recipient_service_server::RecipientServiceServer,
    },
    notifications::v1::{
        self as pb, DecisionReason, ExplainNotificationRequest, notification::State,
        notification_service_server::NotificationService,
    },
};
use seva_runtime::{
    BusinessClock,
    auth::{LinkSigner, Principal, PrincipalKind, links::LinkKeys},
    call::{Method, Story},
    config::{Company, Faults},
    tasks::{OnFailure, Tasks},
};
use seva_store::{
    Database, NewEvent,
    consumer::Consumer,
    due::{Bell, Due, DueWork},
    event,
    feed::{self, Feed},
    sequencer,
    service::Foundation,
};
use seva_testkit::{TestDatabase, eventually, server::foundation};
use seva_values::{Language, new_id, parse_name};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, body::Body};
use uuid::Uuid;

use crate::neighbours::Neighbours;

/// Business time at which every test begins: a Saturday noon in Kolkata.
pub const NOON: &str = "2026-11-21T06:30:00Z";

/// The post of somebody else: it answers what it is told to, and takes everything when it is told nothing.
#[derive(Default)]
pub struct Post {
    answers: Mutex<VecDeque<Result<(), Fault>>>,
    taken: Mutex<Vec<OutgoingMail>>,
}

impl Post {
    /// The next hand-over is answered so.
    pub fn will_answer(&self, answer: Result<(), Fault>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// What it was handed, whatever it answered.
    pub fn handed(&self) -> Vec<OutgoingMail> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl Provider for Post {
    async fn deliver(&self, message: &OutgoingMail) -> Result<(), Fault> {
        self.taken.lock().unwrap().push(message.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

pub struct Town {
    pub customers: TestDatabase,
    pub notifications: TestDatabase,
    pub clock: BusinessClock,
    pub post: Arc<Post>,
    pub foundation: Foundation,
    pub feed: Feed,
    pub consumer: Consumer,
    pub dispatch: Dispatch,
    pub neighbours: Neighbours,
    pub signer: LinkSigner,
    customers_foundation: Foundation,
    sequences: Mutex<HashMap<String, i64>>,
    _running: Vec<DropGuard>,
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

pub fn settings(provider: Arc<dyn Provider>) -> Settings {
    let settings = NotificationsConfig::default().check(Some(&Company::default()), &mut Faults::new()).unwrap();
    Settings { provider, ..settings }
}

/// The customers service in this process, called as the notifications service calls it.
pub fn recipients(foundation: &Foundation) -> Arc<dyn Recipients> {
    let server = RecipientServiceServer::new(RecipientRpc::new(foundation));
    Arc::new(RecipientServiceClient::new(tower::util::MapRequest::new(server, identified as Identified)))
}

pub type Identified = fn(http::Request<Body>) -> http::Request<Body>;

/// A call of this service, as the layers of another one's server hand it on.
pub fn identified(mut request: http::Request<Body>) -> http::Request<Body> {
    request.extensions_mut().insert(principal("service:notifications", None));
    let method = Method(request.uri().path().to_owned());
    request.extensions_mut().insert(method);
    request
}

pub fn principal(subject: &str, customer: Option<Uuid>) -> Principal {
    Principal {
        subject: subject.to_owned(),
        kind: PrincipalKind::User,
        roles: Arc::default(),
        scopes: Arc::new(BTreeSet::new()),
        sources: Vec::new(),
        customer,
        on_behalf_of: None,
        expires_at: None,
    }
}

/// A request as the server's layers hand it on.
pub fn by<M>(principal: Principal, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(principal);
    request.extensions_mut().insert(Method(format!("/test/{}", std::any::type_name::<M>())));
    request
}

pub fn by_agent<M>(message: M) -> Request<M> {
    by(principal("user:agent", None), message)
}

pub fn request_id() -> String {
    new_id().to_string()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Town {
    pub async fn new() -> Self {
        let post = Arc::<Post>::default();
        Self::with_provider(post.clone(), post).await
    }

    pub async fn with_provider(post: Arc<Post>, provider: Arc<dyn Provider>) -> Self {
        let customers = TestDatabase::new(seva_customers::NAME, &seva_customers::MIGRATOR).await;
        let notifications = TestDatabase::new(seva_notifications::NAME, &seva_notifications::MIGRATOR).await;
        let clock = BusinessClock::manual(at(NOON));
        let customers_foundation = foundation(customers.db.clone(), clock.clone());
        let foundation = foundation(notifications.db.clone(), clock.clone());
        ensure_catalog(&notifications.db, &clock).await.unwrap();
        let feed = Feed::new(customers.db.clone());
        let mut running = vec![
            beside(|stopping| sequencer::run(customers.db.clone(), feed.clone(), stopping)),
            beside(|stopping| feed::follow(feed.clone(), stopping)),
        ];
        let notices = Arc::new(Notices::new("notices", clock.clone(), Bell::default()));
        let consumer = Consumer::new("notices", notifications.db.clone(), Arc::new(feed.clone()), notices);
        running.push(beside(|stopping| consumer.clone().run(stopping)));
        let signer = LinkSigner::new(LinkKeys::generate());
        let neighbours = Neighbours::new(&notifications, &clock, &signer).await;
        let dispatch = Dispatch::new(
            notifications.db.clone(),
            clock.clone(),
            settings(provider),
            recipients(&customers_foundation),
            neighbours.owners(),
            signer.clone(),
        );
        Self {
            customers,
            notifications,
            clock,
            post,
            foundation,
            feed,
            consumer,
            dispatch,
            neighbours,
            signer,
            customers_foundation,
            sequences: Mutex::default(),
            _running: running,
        }
    }

    /// Somebody with a mail address who reads these languages.
    pub async fn somebody(&self, languages: &[&str]) -> Uuid {
        self.customer(customers::Customer {
            languages: languages.iter().map(|&tag| tag.to_owned()).collect(),
            contact_points: vec![customers::ContactPoint {
                kind: customers::contact_point::Kind::Email.into(),
                value: format!("c{}@example.com", new_id().simple()),
                primary: true,
                ..Default::default()
            }],
            ..somebody_without_address()
        })
        .await
    }

    pub async fn customer(&self, customer: customers::Customer) -> Uuid {
        let request = CreateCustomerRequest { customer: Some(customer), request_id: request_id() };
        let created = self.customer_rpc().create_customer(by_agent(request)).await.unwrap().into_inner();
        parse_name("customers", &created.customer.unwrap().name).unwrap()
    }

    /// A dispatch through another provider.
    pub fn dispatch_with(&self, provider: Arc<dyn Provider>) -> Dispatch {
        self.dispatch_to(settings(provider), self.recipients())
    }

    pub fn recipients(&self) -> Arc<dyn Recipients> {
        recipients(&self.customers_foundation)
    }

    /// A dispatch with other settings, that asks others who the recipients are.
    pub fn dispatch_to(&self, settings: Settings, recipients: Arc<dyn Recipients>) -> Dispatch {
        let (db, clock) = (self.notifications.db.clone(), self.clock.clone());
        Dispatch::new(db, clock, settings, recipients, self.neighbours.owners(), self.signer.clone())
    }

    pub fn customer_rpc(&self) -> CustomerRpc {
        CustomerRpc::new(&self.customers_foundation)
    }

    pub fn preferences(&self) -> PreferenceRpc {
        PreferenceRpc::new(&self.foundation)
    }

    pub fn own_preferences(&self) -> OwnPreferenceRpc {
        let language = Language::parse("en").unwrap();
        OwnPreferenceRpc::new(&self.foundation, self.signer.clone(), language)
    }

    pub fn templates(&self) -> TemplateRpc {
        TemplateRpc::new(&self.foundation)
    }

    pub fn rpc(&self) -> NotificationRpc {
        NotificationRpc::new(&self.foundation)
    }

    /// Appends an event to the customers service's outbox, as its next of the subject.
    pub async fn happens(&self, kind: &'static str, subject: &str, payload: &impl Message) {
        let sequence = {
            let mut sequences = self.sequences.lock().unwrap();
            let sequence = sequences.entry(subject.to_owned()).or_default();
            *sequence += 1;
            *sequence
        };
        append(&self.customers.db, kind, subject, sequence, self.clock.now(), payload).await;
    }

    /// An event of an order of this customer.
    pub async fn order(&self, kind: &'static str, customer: Uuid, order: &str) {
        self.happens(kind, order, &an_order(customer, order)).await;
    }

    /// Waits until every event that happened has been decided upon.
    pub async fn settled(&self) {
        eventually("the feed is drained", || async {
            let drained = sequencer::is_drained(&self.customers.db).await.unwrap_or(false);
            let head = self.feed.bounds().await.unwrap().head;
            (drained && self.consumer.standing().feed_no == head).then_some(())
        })
        .await;
        self.neighbours.settled().await;
    }

    /// Decides upon everything and hands over what is due; answers how many messages were claimed.
    pub async fn works(&self) -> usize {
        self.settled().await;
        self.dispatch_all().await
    }

    /// Hands over what is due; answers how many messages were claimed.
    pub async fn dispatch_all(&self) -> usize {
        let mut count = 0;
        loop {
            let claimed = self.dispatch.run_batch(self.clock.now(), 200).await.unwrap();
            if claimed == 0 {
                return count;
            }
            count += claimed;
        }
    }

    /// The dispatch loop, running until the guard is dropped.
    pub fn dispatching(&self, bell: Bell) -> DropGuard {
        let due = Due::new(Arc::new(self.dispatch.clone()), bell);
        let clock = self.clock.clone();
        beside(|stopping| due.run(clock, stopping))
    }

    /// What became of the message to a customer of a milestone, and the decisions that led there.
    pub async fn explained(&self, customer: Uuid, subject: &str, milestone: &str) -> Explained {
        let request = ExplainNotificationRequest {
            customer: format!("customers/{customer}"),
            subject: subject.to_owned(),
            milestone: milestone.to_owned(),
            ..Default::default()
        };
        let answer = self.rpc().explain_notification(by_agent(request)).await.unwrap().into_inner();
        let decisions = answer.decisions.iter().map(|decision| (decision.state(), decision.reason())).collect();
        Explained { decisions, details: answer.decisions, notification: answer.notification.unwrap() }
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.notifications.owner).await.unwrap()
    }
}

pub struct Explained {
    pub notification: pb::Notification,
    pub decisions: Vec<(State, DecisionReason)>,
    pub details: Vec<pb::Decision>,
}

pub fn somebody_without_address() -> customers::Customer {
    customers::Customer {
        given_name: "Asha".to_owned(),
        family_name: "Rao".to_owned(),
        languages: vec!["en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        ..Default::default()
    }
}

/// Appends an event with a trace of its own.
pub async fn append(
    db: &Database,
    kind: &'static str,
    subject: &str,
    sequence: i64,
    occurred_at: Timestamp,
    payload: &impl Message,
) {
    let story = Story {
        correlation_id: format!("story of {subject}"),
        causation_id: "a push".to_owned(),
        hops: 1,
        traceparent: Some(format!("00-{}-00f067aa0ba902b7-01", new_id().simple())),
    };
    let event = NewEvent::new(kind, subject.to_owned(), sequence, occurred_at, story, payload);
    let mut transaction = db.begin().await.unwrap();
    event::lock_subjects(&mut transaction, &[subject.to_owned()]).await.unwrap();
    event::append(&mut transaction, "key:shop", &[event]).await.unwrap();
    db.commit(transaction).await.unwrap();
}

pub fn new_order() -> String {
    format!("orders/{}", new_id())
}

pub fn promised(date: &str) -> Option<values::PromisedDate> {
    Some(values::PromisedDate { date: date.to_owned(), zone: "Asia/Kolkata".to_owned() })
}

/// An order with everything that a message may want to say.
pub fn an_order(customer: Uuid, order: &str) -> OrderEvent {
    OrderEvent {
        order: Some(Order {
            name: order.to_owned(),
            customer: format!("customers/{customer}"),
            order_number: "A-1029".to_owned(),
            current_promised_date: promised("2026-11-25"),
            carrier: "Blue Dart".to_owned(),
            tracking_number: "BD123".to_owned(),
            tracking_link: "https://track.example/BD123".to_owned(),
            ..Default::default()
        }),
        previous_promised_date: promised("2026-11-23"),
        ..Default::default()
    }
}

pub const PLACED: &str = "seva.customers.order.placed.v1";
pub const CONFIRMED: &str = "seva.customers.order.confirmed.v1";
pub const DELAYED: &str = "seva.customers.order.delayed.v1";
pub const AT_RISK: &str = "seva.customers.order.promised_day_at_risk.v1";
pub const OUT_FOR_DELIVERY: &str = "seva.customers.order.out_for_delivery.v1";
pub const DELIVERED: &str = "seva.customers.order.delivered.v1";
pub const RESCHEDULED: &str = "seva.customers.order.rescheduled.v1";
pub const SCANNED: &str = "seva.customers.order.scanned.v1";
pub const FIRST_ORDER: &str = "seva.customers.customer.first_order_placed.v1";
