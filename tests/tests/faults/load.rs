//! Load from several clients who never give up on a request, and write down what they were told.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use seva_proto::{
    customers::v1::{
        ContactPoint, CreateCustomerRequest, Customer, EventResult, PublishEventsRequest, StreamEventsRequest,
        contact_point, customer_service_client::CustomerServiceClient, event_result::Outcome,
        intake_service_client::IntakeServiceClient,
    },
    io::cloudevents::v1::CloudEvent,
};
use seva_runtime::client::Peer;
use seva_tests::{
    Installation, Journal,
    drained::drained,
    installation,
    journal::Acknowledged,
    shop::{SOURCE, ShopOrder, Shopper},
    team::{self, Recruit},
};
use seva_values::id::new_id;
use tokio::{sync::watch, task::JoinSet};
use tonic::Code;
use uuid::Uuid;

mod tickets;

const CREATING: usize = 4;
const STREAMING: usize = 2;
const OPENING: usize = 1;
const CARRYING: usize = 1;
/// Between two tries of the same request.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// What the clients share.
struct Shared {
    journal: Journal,
    stopping: AtomicBool,
    /// Of the customers service.
    customers: Successes,
    /// Of the tickets service.
    tickets: Successes,
}

/// How many requests to a service succeeded, and when the last one that did was sent and answered.
type Successes = watch::Sender<Success>;

/// Whose tickets are carried.
pub struct Desk {
    customer: String,
}

/// Opens a desk with somebody who has room for all tickets, and makes the customer whose they are.
pub async fn desk(installation: &Installation) -> Desk {
    let department = team::department(installation, "care", &["question"]).await;
    Recruit::new("an-agent", &department, &["en"], &["question"]).engage(installation).await;
    let mut customers = CustomerServiceClient::new(installation.as_role("customers", "agent"));
    let request_id = new_id();
    let request = CreateCustomerRequest { customer: Some(alice(request_id)), request_id: request_id.to_string() };
    let customer = customers.create_customer(request).await.unwrap().into_inner().customer.unwrap().name;
    drained(installation).await;
    Desk { customer }
}

/// Somebody whose mail address nobody else has.
fn alice(id: Uuid) -> Customer {
    let email = ContactPoint {
        kind: contact_point::Kind::Email.into(),
        value: format!("{}@example.com", id.simple()),
        ..Default::default()
    };
    Customer {
        given_name: "Alice".to_owned(),
        family_name: "Baker".to_owned(),
        languages: vec!["en".to_owned()],
        zone: "Europe/London".to_owned(),
        contact_points: vec![email],
        ..Default::default()
    }
}

#[derive(Debug, Clone, Copy)]
struct Success {
    count: u64,
    sent: Instant,
    answered: Instant,
}

/// Running clients.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

impl Load {
    /// Starts the clients.
    pub async fn start(installation: &Installation, desk: &Desk, journal: PathBuf) -> Self {
        let now = Instant::now();
        let none = Success { count: 0, sent: now, answered: now };
        let shared = Arc::new(Shared {
            journal: Journal::create(journal),
            stopping: AtomicBool::new(false),
            customers: watch::Sender::new(none),
            tickets: watch::Sender::new(none),
        });
        let mut clients = JoinSet::new();
        for _ in 0..CREATING {
            let peer = installation.as_role("customers", "agent").with_default_deadline(Duration::from_secs(2));
            clients.spawn(create(peer, Arc::clone(&shared)));
        }
        let shop = installation.as_pusher(&[SOURCE]).await.with_default_deadline(Duration::from_secs(2));
        for _ in 0..STREAMING {
            clients.spawn(stream(shop.clone(), Arc::clone(&shared)));
        }
        clients.spawn(publish(shop, Arc::clone(&shared)));
        let agent = installation.as_user("tickets", "an-agent", "agent").with_default_deadline(Duration::from_secs(2));
        for carries in [false; OPENING].into_iter().chain([true; CARRYING]) {
            let agent = tickets::Agent::new(agent.clone(), Arc::clone(&shared), desk.customer.clone());
            clients.spawn(agent.work(carries));
        }
        Self { shared, clients }
    }

    /// Waits until some more requests have succeeded.
    pub async fn some_successes(&self) {
        for (successes, more) in [(&self.shared.customers, 20), (&self.shared.tickets, 5)] {
            let begun = successes.borrow().count;
            wait(successes, |success| success.count >= begun + more).await;
        }
    }

    /// When every service that is written to had answered a write with success that was sent after `gone`, when what was killed was no more.
    pub async fn first_success(&self, gone: Instant) -> Instant {
        let customers = wait(&self.shared.customers, |success| success.sent >= gone).await.answered;
        customers.max(wait(&self.shared.tickets, |success| success.sent >= gone).await.answered)
    }

    /// Ends the clients, each after its present request has succeeded, and answers what they were told.
    pub async fn stop(mut self) -> Vec<Acknowledged> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client saw something that may not be");
        }
        self.shared.journal.read()
    }
}

async fn wait(successes: &Successes, condition: impl Fn(&Success) -> bool) -> Success {
    let mut successes = successes.subscribe();
    let found = tokio::time::timeout(PATIENCE, successes.wait_for(condition)).await;
    *found.expect("clients succeed within a minute").expect("the sender lives as long as this")
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
    }

    fn succeeded(&self, successes: &Successes, sent: Instant, acknowledged: &[Acknowledged]) {
        self.journal.note(acknowledged);
        let answered = Instant::now();
        successes.send_modify(|success| {
            // The earliest one sent is the one that is asked for; later ones follow soon.
            *success = Success { count: success.count + 1, sent, answered };
        });
    }
}

/// Whether the outcome of a refused call may be another one next time; anything else may never happen.
fn may_pass(status: &tonic::Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Aborted)
}

/// Makes customers, each under a request id of its own, until it is told that it was done; now and then asks once more.
async fn create(peer: Peer, shared: Arc<Shared>) {
    let mut customers = CustomerServiceClient::new(peer);
    while shared.goes_on() {
        let request_id = new_id();
        let request = CreateCustomerRequest { customer: Some(alice(request_id)), request_id: request_id.to_string() };
        let mut answers = Vec::new();
        // The mail address is theirs alone: a second customer under another name would be refused, and seen.
        let asked = if request_id.as_u128().is_multiple_of(8) { 2 } else { 1 };
        while answers.len() < asked {
            let sent = Instant::now();
            match customers.create_customer(request.clone()).await {
                Ok(answer) => {
                    let made = answer.into_inner().customer.unwrap();
                    let acknowledged =
                        Acknowledged::Customer { name: made.name.clone(), request_id: request_id.to_string() };
                    shared.succeeded(&shared.customers, sent, &[acknowledged]);
                    answers.push(made);
                }
                Err(status) => {
                    assert!(may_pass(&status), "{status:?}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    }
}

/// What a shop pushes next: orders placed, and some of them delivered at once.
fn batch() -> Vec<CloudEvent> {
    let shopper = Shopper::new("ur");
    let orders = (0..4).flat_map(|number| {
        let mut order = ShopOrder::new(&shopper);
        let mut events = vec![order.placed(installation::now(), None)];
        if number % 2 == 0 {
            events.push(order.handed_to_carrier(installation::now()));
            events.push(order.delivered(installation::now()));
        }
        events
    });
    orders.collect()
}

fn acknowledged(events: &[CloudEvent], results: &[EventResult]) -> Vec<Acknowledged> {
    assert_eq!(events.len(), results.len(), "one result for each event");
    for result in results {
        assert!(matches!(result.outcome(), Outcome::Accepted | Outcome::Duplicate), "{result:?}");
    }
    let events = events.iter();
    events.map(|event| Acknowledged::Event { source: event.source.clone(), id: event.id.clone() }).collect()
}

/// Pushes batches on a stream; when the stream breaks, the same batch again on another one.
async fn stream(peer: Peer, shared: Arc<Shared>) {
    let mut intake = IntakeServiceClient::new(peer);
    let mut events = batch();
    while shared.goes_on() {
        let (batches, sending) = tokio::sync::mpsc::channel(1);
        let opened = tokio::time::timeout(
            PATIENCE / 20,
            intake.stream_events(tokio_stream::wrappers::ReceiverStream::new(sending)),
        );
        let Ok(Ok(answers)) = opened.await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let mut answers = answers.into_inner();
        while shared.goes_on() {
            let sent = Instant::now();
            if batches.send(StreamEventsRequest { events: events.clone() }).await.is_err() {
                break;
            }
            let Ok(Ok(Some(answer))) = tokio::time::timeout(PATIENCE / 20, answers.message()).await else { break };
            shared.succeeded(&shared.customers, sent, &acknowledged(&events, &answer.results));
            events = batch();
        }
    }
}

/// Pushes batches in calls of their own.
async fn publish(peer: Peer, shared: Arc<Shared>) {
    let mut intake = IntakeServiceClient::new(peer);
    let mut events = batch();
    while shared.goes_on() {
        let sent = Instant::now();
        match intake.publish_events(PublishEventsRequest { events: events.clone() }).await {
            Ok(answer) => {
                shared.succeeded(&shared.customers, sent, &acknowledged(&events, &answer.into_inner().results));
                events = batch();
            }
            Err(status) => {
                assert!(may_pass(&status), "{status:?}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
