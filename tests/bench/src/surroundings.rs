//! What the figures are measured on: one durable cluster, the services in this process, and a handler with nothing around its statement.

use std::{
    net::TcpListener as StdListener,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use prost::Message;
use serde_json::json;
use seva_notifications::{Peers, Settings};
use seva_postgres::{Cluster, Options, binaries};
use seva_proto::customers::v1::{
    self as pb, CreateCustomerRequest, CreateCustomerResponse,
    customer_service_client::CustomerServiceClient,
    customer_service_server::{CustomerService, CustomerServiceServer},
    recipient_service_client::RecipientServiceClient,
};
use seva_runtime::{
    BusinessClock,
    client::{Identity, Peer},
    clock::machine_now,
    tasks::{OnFailure, Tasks},
};
use seva_store::{
    Database,
    consumer::{Consumer, GrpcSource},
    due::Due,
    feed::Feed,
    migrate, sequencer,
};
use seva_testkit::{TestServer, foundation, keyring};
use seva_values::{AvailabilityWindows, Language, Zone, new_id};
use sqlx::{AssertSqlSafe, PgPool, migrate::Migrator, types::Json};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint},
};

use crate::{create_customer::statement, mailbox::Mailbox};

const PASSWORD: &str = "bench";
/// The database on which calls are compared with their ceilings.
const ALONE: &str = "alone";

/// The cluster and the running services.
pub struct Surroundings {
    cluster: Cluster,
    pub customers: TestServer,
    pub notifications: TestServer,
    /// The customers service with its calls and its sequencer only: nothing follows from what is written, since nothing could follow from what
    /// the ceilings write beside it.
    alone: TestServer,
    /// A channel of a system that pushes events.
    pub integration: Peer,
    /// Where messages end.
    pub mailbox: Arc<Mailbox>,
    databases: [Database; 2],
    alone_db: Database,
    standings: Vec<Consumer>,
    feeds: [Feed; 2],
    dispatch: Vec<Due>,
    _folder: tempfile::TempDir,
}

impl Surroundings {
    /// Starts everything: the two services call each other over TCP, as separate processes would.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("seva-bench-").tempdir()?;
        let port = StdListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let options = Options {
            durable: true,
            port: Some(port),
            password: Some(PASSWORD.to_owned()),
            ..Options::new(folder.path().join("cluster"))
        };
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(options)).await??;
        let alone_db = database(&cluster, ALONE, &seva_customers::MIGRATOR).await?;
        let customers_db = database(&cluster, "customers", &seva_customers::MIGRATOR).await?;
        let notifications_db = database(&cluster, "notifications", &seva_notifications::MIGRATOR).await?;
        let clock = BusinessClock::system();
        seva_notifications::ensure_catalog(&notifications_db, &clock).await?;

        let keyring = keyring();
        let listeners = [TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?];
        let peer = |listener: &TcpListener, caller: &str, called: &str| {
            let identity =
                Identity::Service { signer: keyring.services[caller].clone(), audience: format!("service:{called}") };
            let url = format!("http://{}", listener.local_addr()?);
            Peer::connect_lazy(&url, identity).map_err(anyhow::Error::msg)
        };
        let to_notifications = peer(&listeners[1], "customers", "notifications")?;
        let to_customers = peer(&listeners[0], "notifications", "customers")?;

        let mailbox = Arc::new(Mailbox::default());
        let settings = Settings {
            provider: mailbox.clone(),
            company_name: "Seva Bench".to_owned(),
            default_language: Language::parse("en").expect("a well-known tag"),
            preferences_link: None,
        };
        let peers = Peers {
            customers: Arc::new(GrpcSource::new("customers", to_customers.clone())),
            recipients: Arc::new(RecipientServiceClient::new(to_customers)),
        };
        let messages = Arc::new(GrpcSource::new("notifications", to_notifications));
        let mut alone = seva_customers::service(foundation(alone_db.clone(), clock.clone()), messages.clone());
        alone.consumers.clear();
        alone.due.clear();
        let customers = seva_customers::service(foundation(customers_db.clone(), clock.clone()), messages);
        let notifications = seva_notifications::service(foundation(notifications_db.clone(), clock), peers, settings);

        let standings = [customers.consumers.clone(), notifications.consumers.clone()].concat();
        let feeds = [customers.feed.clone(), notifications.feed.clone()];
        let dispatch = notifications.due.clone();
        let [customers_port, notifications_port] = listeners;
        let customers = TestServer::start_on(customers_port, customers, keyring.clone()).await;
        let notifications = TestServer::start_on(notifications_port, notifications, keyring).await;
        Ok(Self {
            integration: customers.as_role("integration"),
            cluster,
            customers,
            notifications,
            alone: TestServer::start(alone).await,
            mailbox,
            databases: [customers_db, notifications_db],
            alone_db,
            standings,
            feeds,
            dispatch,
            _folder: folder,
        })
    }

    /// Waits until everything that was pushed has had all its effects; answers how long the slowest consumer took for its backlog. A dead
    /// letter is an error: the figures would be those of a consumer that gives up.
    pub async fn settled(&self) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let mut consumed = None;
        loop {
            if self.consumed().await? {
                consumed.get_or_insert_with(|| begin.elapsed());
                if self.nothing_due().await? && self.consumed().await? {
                    self.nothing_dead().await?;
                    return Ok(consumed.unwrap_or_default());
                }
            }
            anyhow::ensure!(begin.elapsed() < Duration::from_secs(120), "it does not settle");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether every consumer is at the head of its source, and the heads are final.
    async fn consumed(&self) -> anyhow::Result<bool> {
        for (db, feed) in self.databases.iter().zip(&self.feeds) {
            if !sequencer::is_drained(db).await? {
                return Ok(false);
            }
            let head = feed.bounds().await?.head;
            let behind = |consumer: &&Consumer| consumer.source() == feed.source();
            if self.standings.iter().filter(behind).any(|consumer| consumer.standing().feed_no < head) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn nothing_due(&self) -> anyhow::Result<bool> {
        for due in &self.dispatch {
            if due.next_due().await?.is_some_and(|due| due <= machine_now()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn nothing_dead(&self) -> anyhow::Result<()> {
        for db in &self.databases {
            let dead: Option<String> =
                sqlx::query_scalar("select min(error) from seva.dead_letter").fetch_one(db.workers()).await?;
            anyhow::ensure!(dead.is_none(), "{}: a dead letter: {}", db.service(), dead.unwrap_or_default());
        }
        Ok(())
    }

    /// Messages handed over so far.
    pub fn told(&self) -> usize {
        self.mailbox.count()
    }

    /// Clients of the whole customers service, each over a connection of its own.
    pub fn agents(&self) -> impl Fn() -> CustomerServiceClient<Peer> {
        || CustomerServiceClient::new(self.customers.as_role("agent"))
    }

    /// Clients of the one that is alone, each over a connection of its own.
    pub fn agents_alone(&self) -> impl Fn() -> CustomerServiceClient<Peer> {
        || CustomerServiceClient::new(self.alone.as_role("agent"))
    }

    /// One of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        binaries::find().map_or_else(|_| name.into(), |found| found.program(name))
    }

    /// Where the database of the ceilings is reached over TCP.
    pub fn ceiling(&self) -> String {
        tcp_url(&self.cluster, ALONE)
    }

    /// Stops everything.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.customers.tasks.stop(Duration::from_secs(5)).await;
        self.notifications.tasks.stop(Duration::from_secs(5)).await;
        self.alone.tasks.stop(Duration::from_secs(5)).await;
        for db in self.databases.iter().chain([&self.alone_db]) {
            db.close().await;
        }
        Ok(tokio::task::spawn_blocking(|| self.cluster.stop_and_delete()).await??)
    }
}

/// A migrated database of a service, reached over TCP.
async fn database(cluster: &Cluster, name: &'static str, migrator: &'static Migrator) -> anyhow::Result<Database> {
    cluster.execute("postgres", &format!("create database {name}"))?;
    let url = tcp_url(cluster, name);
    migrate::run(&url, None, migrator).await?;
    Ok(Database::open(name, &url)?)
}

fn tcp_url(cluster: &Cluster, database: &str) -> String {
    cluster.tcp_url(database).expect("the cluster was started with a port")
}

/// A tonic server without our layers whose handler only sends the statement.
pub struct Bare {
    url: String,
    tasks: Tasks,
}

impl Bare {
    /// Starts it on a pool of the same size as the service's.
    pub async fn start(surroundings: &Surroundings) -> anyhow::Result<Self> {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .connect(&surroundings.ceiling())
            .await?;
        let handler = BareHandler { pool, statement: statement()?.into() };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let tasks = Tasks::new();
        let server =
            tonic::transport::Server::builder().tcp_nodelay(true).add_service(CustomerServiceServer::new(handler));
        tasks.spawn("bare", OnFailure::Log, server.serve_with_incoming(TcpListenerStream::new(listener)));
        Ok(Self { url, tasks })
    }

    /// Clients, each over a connection of its own.
    pub fn client(&self) -> impl Fn() -> CustomerServiceClient<Channel> {
        let url = self.url.clone();
        move || {
            let endpoint = Endpoint::from_shared(url.clone()).expect("made of an address").tcp_nodelay(true);
            CustomerServiceClient::new(endpoint.connect_lazy())
        }
    }

    /// Lets go.
    pub async fn stop(self) {
        self.tasks.stop(Duration::from_millis(100)).await;
    }
}

struct BareHandler {
    pool: PgPool,
    statement: Arc<str>,
}

#[tonic::async_trait]
impl CustomerService for BareHandler {
    async fn create_customer(
        &self,
        request: Request<CreateCustomerRequest>,
    ) -> Result<Response<CreateCustomerResponse>, Status> {
        let request = request.into_inner();
        let mut customer = request.customer.unwrap_or_default();
        let id = new_id();
        customer.name = format!("customers/{id}");
        let now = seva_runtime::clock::machine_now();
        let context = json!({
            "actor": "user:bare", "method": "CreateCustomer", "correlation_id": request.request_id,
            "causation_id": request.request_id, "hops": 0, "request_id": request.request_id, "request_hash": "ab".repeat(32),
        });
        let windows = AvailabilityWindows::always(Zone::utc());
        let points = &customer.contact_points;
        let response = CreateCustomerResponse { customer: Some(customer.clone()) };
        sqlx::query(AssertSqlSafe(self.statement.clone()))
            .bind(id)
            .bind(&customer.given_name)
            .bind(&customer.family_name)
            .bind(&customer.languages)
            .bind(&customer.zone)
            .bind(Json(windows))
            .bind("standard")
            .bind(jiff_sqlx::Timestamp::from(now))
            .bind(points.iter().map(|_| "email").collect::<Vec<_>>())
            .bind(points.iter().map(|point| point.value.as_str()).collect::<Vec<_>>())
            .bind(points.iter().map(|_| false).collect::<Vec<_>>())
            .bind(points.iter().map(|_| false).collect::<Vec<_>>())
            .bind(Vec::<String>::new())
            .bind(Vec::<String>::new())
            .bind(context)
            .bind(new_id())
            .bind(&customer.name)
            .bind(vec![0xab_u8; 120])
            .bind(response.encode_to_vec())
            .execute(&self.pool)
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(response))
    }

    async fn get_customer(
        &self,
        _: Request<pb::GetCustomerRequest>,
    ) -> Result<Response<pb::GetCustomerResponse>, Status> {
        Err(not_measured())
    }

    async fn update_customer(
        &self,
        _: Request<pb::UpdateCustomerRequest>,
    ) -> Result<Response<pb::UpdateCustomerResponse>, Status> {
        Err(not_measured())
    }

    async fn list_customers(
        &self,
        _: Request<pb::ListCustomersRequest>,
    ) -> Result<Response<pb::ListCustomersResponse>, Status> {
        Err(not_measured())
    }

    async fn search_customers(
        &self,
        _: Request<pb::SearchCustomersRequest>,
    ) -> Result<Response<pb::SearchCustomersResponse>, Status> {
        Err(not_measured())
    }

    async fn resolve_customer(
        &self,
        _: Request<pb::ResolveCustomerRequest>,
    ) -> Result<Response<pb::ResolveCustomerResponse>, Status> {
        Err(not_measured())
    }

    async fn record_consent(
        &self,
        _: Request<pb::RecordConsentRequest>,
    ) -> Result<Response<pb::RecordConsentResponse>, Status> {
        Err(not_measured())
    }
}

fn not_measured() -> Status {
    Status::unimplemented("only creation is measured")
}
