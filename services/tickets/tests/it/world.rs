//! The service as it runs, the staff service beside it, and feeds of customers, surveys and notifications into which tests put what those would tell.

use std::{convert::Infallible, sync::Mutex};

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    common::v1::{BusinessCalendar, ErrorReason, PromisedDate, Translation, Weekday, WeeklyInterval},
    customers::v1::{CustomerEvent, Invoice, InvoiceEvent, Order, OrderEvent},
    staff::v1::{
        CreateDepartmentRequest, CreateStaffMemberRequest, Department, SetPresenceRequest, Shifts, StaffMember,
        department_service_client::DepartmentServiceClient,
        staff_member::{Presence, Role},
        staff_member_service_client::StaffMemberServiceClient,
    },
    tickets::v1::{
        ConfirmTicketRequest, CreateTicketRequest, GetTicketRequest, ListTicketsRequest, ResolveTicketRequest,
        RootProblem, Ticket, TicketEvent, TicketFilter, TicketView,
        conversation_service_client::ConversationServiceClient,
        root_problem::Cause,
        ticket::{Kind, State},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::{
    BusinessClock,
    auth::Keyring,
    call::Story,
    client::{Identity, Peer},
    error::reason_name,
    tasks::{OnFailure, Tasks},
};
use seva_store::{
    NewEvent, event,
    feed::{self, Feed},
    sequencer,
};
use seva_testkit::{TestDatabase, TestServer, eventually, foundation, keyring};
use seva_tickets::Peers;
use seva_values::{format_name, new_id};
use sqlx::Row;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::inbound::Directory;

/// Business time at which every world begins: a Monday, 14:30 in Kolkata.
pub const START: &str = "2026-03-02T09:00:00Z";

/// A service of which only the outbox is there.
pub struct Source {
    database: TestDatabase,
    sequences: Mutex<HashMap<String, i64>>,
    _running: [DropGuard; 2],
}

pub struct World {
    pub clock: BusinessClock,
    pub database: TestDatabase,
    pub server: TestServer,
    pub staff: TestServer,
    pub customers: Source,
    pub surveys: Source,
    pub notifications: Source,
    pub directory: Arc<Directory>,
    keyring: Arc<Keyring>,
    _staff_database: TestDatabase,
}

fn beside<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(CancellationToken) -> F) -> DropGuard {
    let stopping = CancellationToken::new();
    let work = work(stopping.clone());
    Tasks::new().spawn("beside", OnFailure::Log, async {
        work.await;
        Ok::<_, Infallible>(())
    });
    stopping.drop_guard()
}

impl Source {
    async fn new(service: &'static str) -> (Self, Feed) {
        let database = TestDatabase::new(service, &seva_staff::MIGRATOR).await;
        let feed = Feed::new(database.db.clone());
        let running = [
            beside(|stopping| sequencer::run(database.db.clone(), feed.clone(), stopping)),
            beside(|stopping| feed::follow(feed.clone(), stopping)),
        ];
        (Self { database, sequences: Mutex::default(), _running: running }, feed)
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
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        };
        let event = NewEvent::new(kind, subject.to_owned(), sequence, at, story, payload);
        let mut transaction = self.database.db.begin().await.unwrap();
        event::append(&mut transaction, "a test", &[event]).await.unwrap();
        self.database.db.commit(transaction).await.unwrap();
    }
}

impl World {
    pub async fn new() -> Self {
        let clock = BusinessClock::manual(START.parse().unwrap());
        let staff_database = TestDatabase::new(seva_staff::NAME, &seva_staff::MIGRATOR).await;
        let staff = seva_staff::service(foundation(staff_database.db.clone(), clock.clone()));
        let (customers, customers_feed) = Source::new("customers").await;
        let (surveys, surveys_feed) = Source::new("surveys").await;
        let (notifications, notifications_feed) = Source::new("notifications").await;
        let database = TestDatabase::new(seva_tickets::NAME, &seva_tickets::MIGRATOR).await;
        let directory = Arc::new(Directory::default());
        let peers = Peers {
            customers: Arc::new(customers_feed),
            staff: Arc::new(staff.feed.clone()),
            surveys: Arc::new(surveys_feed),
            notifications: Arc::new(notifications_feed),
            senders: directory.clone(),
            keys: directory.clone(),
        };
        let keyring = keyring();
        let foundation = foundation(database.db.clone(), clock.clone());
        let service = seva_tickets::service(foundation, peers, keyring.links.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            clock,
            server: TestServer::start_on(listener, service, keyring.clone()).await,
            staff: TestServer::start(staff).await,
            database,
            customers,
            surveys,
            notifications,
            directory,
            keyring,
            _staff_database: staff_database,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets business time pass.
    pub fn pass(&self, hours: i64) {
        self.pass_minutes(hours * 60);
    }

    pub fn pass_minutes(&self, minutes: i64) {
        self.pass_seconds(minutes * 60);
    }

    pub fn pass_seconds(&self, seconds: i64) {
        assert!(self.clock.advance_to(self.now() + jiff::SignedDuration::from_secs(seconds)));
    }

    pub fn tickets(&self) -> TicketServiceClient<Peer> {
        TicketServiceClient::new(self.server.as_role("agent"))
    }

    /// Tickets, for the person with this user.
    pub fn tickets_of(&self, user: &str) -> TicketServiceClient<Peer> {
        TicketServiceClient::new(self.as_user(user))
    }

    /// The service, as the person with this user sees it.
    pub fn as_user(&self, user: &str) -> Peer {
        self.person(user, "agent")
    }

    /// The service, as the person with this user and role sees it.
    pub fn person(&self, user: &str, role: &str) -> Peer {
        let token = self.keyring.issuer.mint_user_token(user, &[role], None, Duration::from_secs(3600));
        self.server.with_identity(Identity::Bearer(token))
    }

    /// The same, with a credential that ends after so long.
    pub fn person_for(&self, user: &str, role: &str, valid: Duration) -> Peer {
        let token = self.keyring.issuer.mint_user_token(user, &[role], None, valid);
        self.server.with_identity(Identity::Bearer(token))
    }

    /// The person with this user, in a role.
    pub fn in_role(&self, user: &str, role: &str) -> Peer {
        let token = self.keyring.issuer.mint_user_token(user, &[role], None, Duration::from_secs(3600));
        self.server.with_identity(Identity::Bearer(token))
    }

    pub fn conversations(&self) -> ConversationServiceClient<Peer> {
        ConversationServiceClient::new(self.server.as_service("portal"))
    }

    /// A customer who reads this language.
    pub async fn customer(&self, language: &str) -> Uuid {
        let id = new_id();
        let name = format_name("customers", id);
        let state = CustomerEvent {
            customer: name.clone(),
            languages: vec![language.to_owned()],
            zone: "Asia/Kolkata".to_owned(),
            has_email: true,
            ..CustomerEvent::default()
        };
        self.customers.tells("seva.customers.customer.created.v1", &name, self.now(), &state).await;
        eventually("the customer is known", || async {
            let known: i64 = sqlx::query_scalar("select count(*) from recipient where customer_id = $1")
                .bind(id)
                .fetch_one(&self.database.owner)
                .await
                .unwrap();
            (known == 1).then_some(())
        })
        .await;
        id
    }

    /// A department that takes these kinds; it works always.
    pub async fn department(&self, key: &str, kinds: &[&str]) -> String {
        let department = Department {
            key: key.to_owned(),
            titles: vec![Translation { language: "en".to_owned(), text: key.to_owned() }],
            calendar: Some(BusinessCalendar {
                zone: "Asia/Kolkata".to_owned(),
                intervals: always(),
                exceptions: Vec::new(),
            }),
            ticket_kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
            ..Department::default()
        };
        let request = CreateDepartmentRequest { department: Some(department), request_id: new_id().to_string() };
        let mut departments = DepartmentServiceClient::new(self.staff.as_role("manager"));
        let name = departments.create_department(request).await.unwrap().into_inner().department.unwrap().name;
        self.knows("department", &name).await;
        name
    }

    /// Somebody present who serves in these languages, at all hours.
    pub async fn member(&self, user: &str, department: &str, languages: &[&str], capacity: i32) -> String {
        self.member_with(user, department, languages, capacity, always()).await
    }

    pub async fn member_with(
        &self,
        user: &str,
        department: &str,
        languages: &[&str],
        capacity: i32,
        intervals: Vec<WeeklyInterval>,
    ) -> String {
        let kinds = ["question", "delivery", "billing", "complaint-service"];
        let member = StaffMember {
            given_name: "Radha".to_owned(),
            user: user.to_owned(),
            role: Role::Agent.into(),
            department: department.to_owned(),
            languages: languages.iter().map(|&tag| tag.to_owned()).collect(),
            skills: kinds.map(str::to_owned).to_vec(),
            shifts: Some(Shifts { zone: "Asia/Kolkata".to_owned(), intervals, exceptions: Vec::new() }),
            presence: Presence::Present.into(),
            capacity,
            ..StaffMember::default()
        };
        let request = CreateStaffMemberRequest { staff_member: Some(member), request_id: new_id().to_string() };
        let mut members = StaffMemberServiceClient::new(self.staff.as_role("manager"));
        let name = members.create_staff_member(request).await.unwrap().into_inner().staff_member.unwrap().name;
        self.knows("staff_member", &name).await;
        name
    }

    pub async fn presence(&self, member: &str, presence: Presence) {
        let request =
            SetPresenceRequest { name: member.to_owned(), presence: presence.into(), request_id: new_id().to_string() };
        let mut members = StaffMemberServiceClient::new(self.staff.as_role("manager"));
        members.set_presence(request).await.unwrap();
    }

    async fn knows(&self, table: &str, name: &str) {
        let sql = format!("select count(*) from {table} where id = $1");
        eventually("what staff tells is known", || async {
            let known: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.clone()))
                .bind(id_of(name))
                .fetch_one(&self.database.owner)
                .await
                .unwrap();
            (known == 1).then_some(())
        })
        .await;
    }

    /// A promised day of this customer's order has passed.
    pub async fn day_is_missed(&self, customer: Uuid, order: &str, day: &str) {
        let order_event = OrderEvent {
            order: Some(Order {
                name: order.to_owned(),
                customer: format_name("customers", customer),
                order_number: "A-1029".to_owned(),
                current_promised_date: Some(PromisedDate { date: day.to_owned(), zone: "Asia/Kolkata".to_owned() }),
                ..Order::default()
            }),
            ..OrderEvent::default()
        };
        let kind = "seva.customers.order.promised_day_missed.v1";
        self.customers.tells(kind, order, self.now(), &order_event).await;
    }

    /// A payment of this customer's invoice has failed for the nth time.
    pub async fn payment_fails(&self, customer: Uuid, invoice: &str, times: i32) {
        let invoice_event = InvoiceEvent {
            invoice: Some(Invoice {
                name: invoice.to_owned(),
                customer: format_name("customers", customer),
                invoice_number: "I-1029".to_owned(),
                failed_payments: times,
                ..Invoice::default()
            }),
            ..InvoiceEvent::default()
        };
        let kind = "seva.customers.invoice.payment_failed.v1";
        self.customers.tells(kind, invoice, self.now(), &invoice_event).await;
    }

    pub async fn create(&self, ticket: Ticket) -> Result<Ticket, Status> {
        let request = CreateTicketRequest { ticket: Some(ticket), request_id: new_id().to_string() };
        Ok(self.tickets().create_ticket(request).await?.into_inner().ticket.unwrap())
    }

    pub async fn get(&self, name: &str) -> Ticket {
        let request = GetTicketRequest { name: name.to_owned() };
        self.tickets().get_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    /// Waits until a ticket is as it should be.
    pub async fn until(&self, what: &str, name: &str, is: impl Fn(&Ticket) -> bool) -> Ticket {
        eventually(what, || async {
            let ticket = self.get(name).await;
            is(&ticket).then_some(ticket)
        })
        .await
    }

    pub async fn assigned(&self, name: &str) -> Ticket {
        self.until("it is assigned", name, |ticket| ticket.state() == State::Open).await
    }

    /// The only ticket of a customer, as soon as there is one.
    pub async fn ticket_of(&self, customer: Uuid) -> Ticket {
        eventually("the customer has a ticket", || async { self.all_of(customer).await.pop() }).await
    }

    pub async fn all_of(&self, customer: Uuid) -> Vec<Ticket> {
        let filter = Some(TicketFilter { customer: format_name("customers", customer), ..TicketFilter::default() });
        let request = ListTicketsRequest { filter, view: TicketView::Full.into(), ..ListTicketsRequest::default() };
        self.tickets().list_tickets(request).await.unwrap().into_inner().tickets
    }

    /// The customer says on the phone that it is solved.
    pub async fn confirm(&self, name: &str) -> Result<Ticket, Status> {
        let request = ConfirmTicketRequest {
            name: name.to_owned(),
            caller: "Asha".to_owned(),
            request_id: new_id().to_string(),
            ..ConfirmTicketRequest::default()
        };
        Ok(self.tickets().confirm_ticket(request).await?.into_inner().ticket.unwrap())
    }

    pub async fn resolve(&self, name: &str) -> Result<Ticket, Status> {
        let request = ResolveTicketRequest {
            name: name.to_owned(),
            root_problem: Some(RootProblem {
                cause: Cause::Carrier.into(),
                description: "The van broke down.".to_owned(),
                ..RootProblem::default()
            }),
            note: "It comes today.".to_owned(),
            request_id: new_id().to_string(),
            ..ResolveTicketRequest::default()
        };
        Ok(self.tickets().resolve_ticket(request).await?.into_inner().ticket.unwrap())
    }

    /// Everything that was told of a ticket, in order: the last word but one of the type, and the event.
    pub async fn told(&self, name: &str) -> Vec<(String, TicketEvent)> {
        let rows = sqlx::query("select type, sequence, payload from seva.outbox where subject = $1 order by sequence")
            .bind(name)
            .fetch_all(&self.database.owner)
            .await
            .unwrap();
        let told = rows.iter().enumerate().map(|(at, row)| {
            assert_eq!(row.get::<i64, _>("sequence"), i64::try_from(at).unwrap() + 1, "without a gap");
            let kind: String = row.get("type");
            let act = kind.trim_start_matches("seva.tickets.ticket.").trim_end_matches(".v1").to_owned();
            (act, TicketEvent::decode(row.get::<Vec<u8>, _>("payload").as_slice()).unwrap())
        });
        told.collect()
    }

    pub async fn acts(&self, name: &str) -> Vec<String> {
        self.told(name).await.into_iter().map(|(act, _)| act).collect()
    }

    /// The only value of a query on the whole database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.owner).await.unwrap()
    }
}

/// Every hour of the week.
pub fn always() -> Vec<WeeklyInterval> {
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    days.map(|day| WeeklyInterval { weekday: day.into(), start: "00:00".to_owned(), end: "00:00".to_owned() }).to_vec()
}

/// A question of this customer.
pub fn a_ticket(customer: Uuid) -> Ticket {
    Ticket {
        customer: format_name("customers", customer),
        kind: Kind::Question.into(),
        title: "Does it come in red?".to_owned(),
        stated_problem: "I would like a red one.".to_owned(),
        ..Ticket::default()
    }
}

/// The id inside a name.
pub fn id_of(name: &str) -> Uuid {
    name.split_once('/').unwrap().1.parse().unwrap()
}

/// Whether a refusal has this reason.
pub fn is_refused<T: std::fmt::Debug>(answer: Result<T, Status>, reason: ErrorReason) -> Status {
    let status = answer.expect_err("it is refused");
    let told = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!(told.as_deref(), Some(reason_name(reason)), "{status}");
    status
}

/// The invariant that a refusal names.
pub fn invariant(status: &Status) -> String {
    status.get_error_details().precondition_failure().unwrap().violations[0].r#type.clone()
}
