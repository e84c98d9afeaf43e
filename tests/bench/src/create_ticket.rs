//! A ticket's opening, durable, with its clocks, audit, event and request id: through us, through a bare tonic handler with the same load and
//! statement, and by pgbench with the same statement over TCP; then the first page of the queue that they made.

use std::{
    convert::Infallible,
    fs,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use jiff::{SignedDuration, civil::Weekday};
use prost::Message;
use serde_json::json;
use seva_proto::{
    customers::v1::{ResolveSendersRequest, ResolveSendersResponse},
    tickets::v1::{
        CreateTicketRequest, CreateTicketResponse, ListTicketsRequest, Ticket, TicketFilter,
        ticket::{Kind, State},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::{
    BusinessClock, Error,
    auth::{ApiKeys, StoredApiKey},
    client::Peer,
    clock::machine_now,
    tasks::{OnFailure, Tasks},
};
use seva_store::{Database, consumer::EventSource, feed::Feed};
use seva_testkit::{TestServer, foundation, keyring};
use seva_tickets::{
    Peers,
    clock::{Calendar, Clocks},
    inbound::Senders,
    policy::Targets,
};
use seva_values::{BusinessCalendar, WeeklyInterval, Zone, new_id};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::http,
    server::{Grpc, NamedService, UnaryService},
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use uuid::Uuid;

use crate::{
    load::{median, percentile, rate},
    report::{Bar, Report},
    surroundings::{Surroundings, checked_statement, pgbench},
};

/// The queue of the page that is measured has so many tickets at least.
const QUEUE: i64 = 10_000;
const CUSTOMER: Uuid = Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0001);
const DEPARTMENT: Uuid = Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0002);
/// What tells our statements from the others.
const OPENS: &str = "with created as (\n               insert into ticket (id";
const LOADS: &str = "select nextval('ticket_number') as \"number!\", r.sequence";

/// Measures the three in turn, three times, and then the page.
pub async fn measure(report: &mut Report, surroundings: &Surroundings, span: Duration) -> anyhow::Result<()> {
    let db = surroundings.database("tickets_alone", &seva_tickets::MIGRATOR).await?;
    let calendar = known_to(&db).await?;
    let server = alone(&db).await;
    let script = tempfile::Builder::new().prefix("seva-bench-").suffix(".sql").tempfile()?;
    fs::write(script.path(), for_pgbench(&checked_statement("tickets", OPENS)?, &calendar)?)?;
    let url = surroundings.tcp_url("tickets_alone");
    let bare = Bare::start(&url, &calendar).await?;
    let (mut rates, mut to_pgbench, mut to_bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let ours = rate(span, |_| TicketServiceClient::new(server.as_role("agent")), open::<Peer>).await?;
        let by_bare = rate(span, |_| bare.client(), open::<Channel>).await?;
        let by_pgbench = pgbench(surroundings, &url, script.path(), span).await?;
        rates.push(ours);
        to_pgbench.push(ours / by_pgbench);
        to_bare.push(ours / by_bare);
    }
    report.note("CreateTicket, durable, 8 callers", median(rates), "calls/s");
    report.against("CreateTicket: ours / pgbench, same statement", median(to_pgbench), "ratio", Bar::AtLeast(0.5));
    report.against(
        "CreateTicket: ours / bare tonic, same load and statement",
        median(to_bare),
        "ratio",
        Bar::AtLeast(0.8),
    );
    bare.stop().await;

    let count = "select count(*) from ticket where state = 'new'";
    while sqlx::query_scalar::<_, i64>(count).fetch_one(db.workers()).await? < QUEUE {
        rate(span, |_| TicketServiceClient::new(server.as_role("agent")), open::<Peer>).await?;
    }
    // Now, and not by the database of itself while pages are measured.
    sqlx::query("vacuum analyze ticket").execute(db.workers()).await?;
    let waits = Arc::new(std::sync::Mutex::new(Vec::new()));
    let pages = {
        let waits = waits.clone();
        rate(
            span,
            |_| TicketServiceClient::new(server.as_role("agent")),
            move |mut client| {
                let waits = waits.clone();
                async move {
                    let begin = Instant::now();
                    let page = client.list_tickets(queue()).await?.into_inner();
                    anyhow::ensure!(page.tickets.len() == 50, "a page of {}", page.tickets.len());
                    waits.lock().expect("nobody panics while holding it").push(begin.elapsed().as_secs_f64() * 1000.0);
                    Ok(client)
                }
            },
        )
        .await?
    };
    let p99 = percentile(&mut waits.lock().expect("nobody panics while holding it"), 0.99);
    report.against(
        "first page of a queue of 10,000 tickets or more, 8 callers",
        pages,
        "pages/s",
        Bar::AtLeast(3000.0),
    );
    report.against("its p99", p99, "ms", Bar::AtMost(10.0));
    server.tasks.stop(Duration::from_secs(5)).await;
    db.close().await;
    Ok(())
}

/// Whom nothing is asked here: no message comes in and no key is shown.
struct Nobody;

#[async_trait::async_trait]
impl Senders for Nobody {
    async fn resolve(&self, _: ResolveSendersRequest) -> Result<ResolveSendersResponse, Error> {
        Ok(ResolveSendersResponse::default())
    }
}

#[async_trait::async_trait]
impl ApiKeys for Nobody {
    async fn find(&self, _: Uuid) -> Result<Option<StoredApiKey>, Error> {
        Ok(None)
    }
}

/// The service with its calls and its sequencer only.
pub async fn alone(db: &Database) -> TestServer {
    let nobody: Arc<dyn EventSource> = Arc::new(Feed::new(db.clone()));
    let peers = Peers {
        customers: nobody.clone(),
        staff: nobody.clone(),
        surveys: nobody.clone(),
        notifications: nobody,
        senders: Arc::new(Nobody),
        keys: Arc::new(Nobody),
    };
    let keyring = keyring();
    let foundation = foundation(db.clone(), BusinessClock::system());
    let mut service = seva_tickets::service(foundation, peers, keyring.links.clone());
    service.consumers.clear();
    service.due.clear();
    TestServer::start(service).await
}

/// What the service would have heard: a customer, and a department with its calendar.
async fn known_to(db: &Database) -> anyhow::Result<BusinessCalendar> {
    let hours = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday]
        .map(|day| Ok(WeeklyInterval::new(day, "09:00".parse()?, "18:00".parse()?)))
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    let zone = Zone::parse("Asia/Kolkata").map_err(|invalid| anyhow::anyhow!("{invalid}"))?;
    let calendar = BusinessCalendar::new(zone, hours, Vec::new()).map_err(|invalid| anyhow::anyhow!("{invalid}"))?;
    sqlx::query("insert into recipient values ($1, 1, 'hi', 'standard', 'Asia/Kolkata', false)")
        .bind(CUSTOMER)
        .execute(db.workers())
        .await?;
    sqlx::query("insert into department values ($1, 1, 'shipping', 1, '{delivery}')")
        .bind(DEPARTMENT)
        .execute(db.workers())
        .await?;
    sqlx::query("insert into department_calendar values ($1, 1, $2)")
        .bind(DEPARTMENT)
        .bind(serde_json::to_value(&calendar)?)
        .execute(db.workers())
        .await?;
    Ok(calendar)
}

fn request() -> CreateTicketRequest {
    let ticket = Ticket {
        customer: format!("customers/{CUSTOMER}"),
        kind: Kind::Delivery.into(),
        title: "My order has not come".to_owned(),
        stated_problem: "It was promised for Monday, and today is Wednesday.".to_owned(),
        ..Ticket::default()
    };
    CreateTicketRequest { ticket: Some(ticket), request_id: new_id().to_string() }
}

fn queue() -> ListTicketsRequest {
    let filter = TicketFilter {
        department: format!("departments/{DEPARTMENT}"),
        state: State::New.into(),
        ..TicketFilter::default()
    };
    ListTicketsRequest { page_size: 50, filter: Some(filter), ..ListTicketsRequest::default() }
}

async fn open<T>(mut client: TicketServiceClient<T>) -> anyhow::Result<TicketServiceClient<T>>
where
    T: tonic::client::GrpcService<Body> + Send,
    T::Future: Send,
    T::Error: Into<tonic::codegen::StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let opened: CreateTicketResponse = client.create_ticket(request()).await?.into_inner();
    anyhow::ensure!(opened.ticket.is_some(), "no ticket came back");
    Ok(client)
}

/// What the first policy says for a usual ticket of a usual customer.
fn targets() -> Targets {
    let [first_response, resolution_first, resolution_total] = [240, 960, 2700].map(SignedDuration::from_mins);
    Targets {
        first_response,
        next_response: first_response,
        update_cadence: SignedDuration::from_mins(1620),
        resolution_first,
        resolution_total,
        handoff_ack: first_response,
        handoff_done: resolution_first,
        pauses_while_external: false,
        pauses_while_scheduled: true,
        reopen_days: 30,
        return_after: SignedDuration::from_mins(120),
        weight: 1,
    }
}

/// The clocks of a ticket as our statement is given them.
fn clocks(calendar: &BusinessCalendar) -> anyhow::Result<serde_json::Value> {
    let clocks = Clocks::start(&targets(), 1, &Calendar::of(DEPARTMENT, 1, calendar.clone()), machine_now());
    Ok(serde_json::to_value(&clocks.writes().0)?)
}

/// The same statement with values in place of parameters: fresh ids where ids are, the sizes that our request has elsewhere.
fn for_pgbench(statement: &str, calendar: &BusinessCalendar) -> anyhow::Result<String> {
    // In hex, as pgbench would take what follows a colon for a variable.
    let hex =
        |json: serde_json::Value| -> String { json.to_string().bytes().map(|byte| format!("{byte:02x}")).collect() };
    let (clocks, targets) = (hex(clocks(calendar)?), hex(serde_json::to_value(targets())?));
    let story = "'019a0000-0000-7000-8000-000000000000'";
    let context = "jsonb_build_object('actor', 'user agent', 'method', '/seva.tickets.v1.TicketService/CreateTicket', \
                   'correlation_id', '019a0000-0000-7000-8000-000000000000', 'causation_id', '019a0000-0000-7000-8000-000000000000', \
                   'hops', 0, 'request_id', gen_random_uuid(), 'request_hash', repeat('ab', 32))";
    let values = [
        "gen_random_uuid()".to_owned(),
        "nextval('ticket_number')".to_owned(),
        format!("'{CUSTOMER}'::uuid"),
        "'delivery'".to_owned(),
        "'normal'".to_owned(),
        "'My order has not come'".to_owned(),
        "'It was promised for Monday, and today is Wednesday.'".to_owned(),
        "null".to_owned(),
        "null".to_owned(),
        "null".to_owned(),
        format!("'{DEPARTMENT}'::uuid"),
        "clock_timestamp()".to_owned(),
        "'hi'".to_owned(),
        "null::uuid".to_owned(),
        story.to_owned(),
        story.to_owned(),
        "0::smallint".to_owned(),
        "null".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        format!("convert_from(decode('{clocks}', 'hex'), 'UTF8')::jsonb"),
        context.to_owned(),
        "gen_random_uuid()".to_owned(),
        "'seva.tickets.ticket.created.v1'".to_owned(),
        "'tickets/' || gen_random_uuid()".to_owned(),
        "decode(repeat('ab', 350), 'hex')".to_owned(),
        "decode(repeat('ab', 450), 'hex')".to_owned(),
        "clock_timestamp() + interval '4 hours'".to_owned(),
        "'standard'".to_owned(),
        format!("convert_from(decode('{targets}', 'hex'), 'UTF8')::jsonb"),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "1".to_owned(),
    ];
    let mut script = statement.to_owned();
    // From the last, so that $1 does not match the beginning of $10.
    for (at, value) in values.iter().enumerate().rev() {
        script = script.replace(&format!("${}", at + 1), value);
    }
    let one_line = script.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    Ok(format!("{one_line};\n"))
}

/// A tonic server without our layers whose handler only sends our two statements.
struct Bare {
    url: String,
    tasks: Tasks,
}

impl Bare {
    async fn start(database: &str, calendar: &BusinessCalendar) -> anyhow::Result<Self> {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .connect(database)
            .await?;
        let handler = BareHandler(Arc::new(BareOpening {
            pool,
            load: checked_statement("tickets", LOADS)?,
            open: checked_statement("tickets", OPENS)?,
            clocks: clocks(calendar)?,
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let tasks = Tasks::new();
        let server = tonic::transport::Server::builder().tcp_nodelay(true).add_service(handler);
        tasks.spawn("bare", OnFailure::Log, server.serve_with_incoming(TcpListenerStream::new(listener)));
        Ok(Self { url, tasks })
    }

    /// A client over a connection of its own.
    fn client(&self) -> TicketServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(self.url.clone()).expect("made of an address").tcp_nodelay(true);
        TicketServiceClient::new(endpoint.connect_lazy())
    }

    async fn stop(self) {
        self.tasks.stop(Duration::from_millis(100)).await;
    }
}

struct BareOpening {
    pool: PgPool,
    load: String,
    open: String,
    clocks: serde_json::Value,
}

#[derive(Clone)]
struct BareHandler(Arc<BareOpening>);

impl NamedService for BareHandler {
    const NAME: &'static str = "seva.tickets.v1.TicketService";
}

/// As generated code does it, for the one method.
impl tower::Service<http::Request<Body>> for BareHandler {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = Opening(self.0.clone());
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(method, request).await) })
    }
}

struct Opening(Arc<BareOpening>);

impl UnaryService<CreateTicketRequest> for Opening {
    type Response = CreateTicketResponse;
    type Future = BoxFuture<'static, Result<Response<CreateTicketResponse>, Status>>;

    fn call(&mut self, request: Request<CreateTicketRequest>) -> Self::Future {
        let opening = self.0.clone();
        Box::pin(async move { opening.open(request.into_inner()).await })
    }
}

impl BareOpening {
    async fn open(&self, request: CreateTicketRequest) -> Result<Response<CreateTicketResponse>, Status> {
        let failed = |error: sqlx::Error| Status::internal(error.to_string());
        let row = sqlx::query(AssertSqlSafe(self.load.clone()))
            .bind(CUSTOMER)
            .bind("delivery")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let number: i64 = sqlx::Row::get(&row, 0);
        let mut ticket = request.ticket.unwrap_or_default();
        let id = new_id();
        ticket.name = format!("tickets/{id}");
        let context = json!({
            "actor": "user:bare", "method": "CreateTicket", "correlation_id": request.request_id,
            "causation_id": request.request_id, "hops": 0, "request_id": request.request_id, "request_hash": "ab".repeat(32),
        });
        let response = CreateTicketResponse { ticket: Some(ticket.clone()) };
        sqlx::query(AssertSqlSafe(self.open.clone()))
            .bind(id)
            .bind(number)
            .bind(CUSTOMER)
            .bind("delivery")
            .bind("normal")
            .bind(&ticket.title)
            .bind(&ticket.stated_problem)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(DEPARTMENT)
            .bind(jiff_sqlx::Timestamp::from(machine_now()))
            .bind("hi")
            .bind(None::<Uuid>)
            .bind(&request.request_id)
            .bind(&request.request_id)
            .bind(0_i16)
            .bind(None::<String>)
            .bind(Vec::<Uuid>::new())
            .bind(Vec::<String>::new())
            .bind(Vec::<String>::new())
            .bind(Vec::<Uuid>::new())
            .bind(Vec::<String>::new())
            .bind(Vec::<String>::new())
            .bind(&self.clocks)
            .bind(context)
            .bind(new_id())
            .bind("seva.tickets.ticket.created.v1")
            .bind(&ticket.name)
            .bind(vec![0xab_u8; 350])
            .bind(response.encode_to_vec())
            .bind(jiff_sqlx::Timestamp::from(machine_now() + SignedDuration::from_hours(4)))
            .bind("standard")
            .bind(sqlx::types::Json(targets()))
            .bind(Vec::<String>::new())
            .bind(json!({}))
            .bind(1_i32)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(Response::new(response))
    }
}
