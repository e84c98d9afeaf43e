//! What the figures are measured on: one durable cluster, the services in this process, and a handler with nothing around its statement.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener as StdListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use prost::Message;
use serde_json::json;
use seva::assembly::{PARTS, Part, Surroundings as Around};
use seva_notifications::{NotificationsConfig, Settings};
use seva_postgres::{Cluster, Options, binaries};
use seva_proto::customers::v1::{
    self as pb, CreateCustomerRequest, CreateCustomerResponse,
    customer_service_client::CustomerServiceClient,
    customer_service_server::{CustomerService, CustomerServiceServer},
};
use seva_runtime::{
    BusinessClock,
    auth::Keyring,
    client::{Identity, Peer},
    clock::machine_now,
    config::{Company, Faults},
    tasks::{OnFailure, Tasks},
};
use seva_store::{Database, consumer::Consumer, due::Due, feed::Feed, migrate, sequencer, service::Service};
use seva_testkit::{TestServer, foundation, keyring};
use seva_values::{AvailabilityWindows, Zone, new_id};
use sqlx::{AssertSqlSafe, PgPool, migrate::Migrator, types::Json};
use tokio::{net::TcpListener, process::Command};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint},
};

use crate::{CALLERS, create_customer::statement, mailbox::Mailbox};

const PASSWORD: &str = "bench";
/// The databases on which calls are compared with their ceilings.
const ALONE: [&str; 1] = ["customers_alone"];

/// The cluster and the running services.
pub struct Surroundings {
    cluster: Cluster,
    /// All services, wired as in an installation.
    servers: BTreeMap<&'static str, TestServer>,
    /// Services with their calls and their sequencer only: nothing follows from what is written, since nothing could follow from what the
    /// ceilings write beside them.
    alone: BTreeMap<&'static str, TestServer>,
    /// A channel of a system that pushes events.
    pub integration: Peer,
    /// Where messages end.
    pub mailbox: Arc<Mailbox>,
    databases: Vec<Database>,
    alone_databases: Vec<Database>,
    consumers: Vec<Consumer>,
    feeds: Vec<Feed>,
    due: Vec<Due>,
    _folder: tempfile::TempDir,
}

impl Surroundings {
    /// Starts everything: the services call each other over TCP, as separate processes would.
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
        let mailbox = Arc::new(Mailbox::default());
        let settings = NotificationsConfig::default().check(Some(&Company::default()), &mut Faults::new());
        let mut settings = settings.context("the defaults are settings")?;
        settings.provider = mailbox.clone();

        let mut listeners = BTreeMap::new();
        for part in &PARTS {
            listeners.insert(part.name, TcpListener::bind("127.0.0.1:0").await?);
        }
        let urls = listeners.iter().map(|(name, listener)| Ok((*name, format!("http://{}", listener.local_addr()?))));
        let urls: BTreeMap<_, _> = urls.collect::<std::io::Result<_>>()?;
        let keyring = keyring();
        let (mut services, mut alone) = (Vec::new(), Vec::new());
        for part in &PARTS {
            let db = database(&cluster, part.name, part.migrator).await?;
            services.push(assemble(part, db, &urls, &keyring, &settings).await?);
            if let Some(name) = ALONE.iter().find(|name| **name == alone_name(part.name)) {
                let db = database(&cluster, name, part.migrator).await?;
                let mut service = assemble(part, db, &urls, &keyring, &settings).await?;
                service.consumers.clear();
                service.due.clear();
                alone.push(service);
            }
        }

        let database_of = |service: &Service| service.foundation.db.clone();
        let databases = services.iter().map(database_of).collect();
        let alone_databases = alone.iter().map(database_of).collect();
        let consumers = services.iter().flat_map(|service| service.consumers.clone()).collect();
        let feeds = services.iter().map(|service| service.feed.clone()).collect();
        let due = services.iter().flat_map(|service| service.due.clone()).collect();
        let (mut servers, mut alone_servers) = (BTreeMap::new(), BTreeMap::new());
        for service in services {
            let (name, listener) = (service.name, listeners.remove(service.name).context("one for each service")?);
            servers.insert(name, TestServer::start_on(listener, service, keyring.clone()).await);
        }
        for service in alone {
            alone_servers.insert(service.name, TestServer::start(service).await);
        }
        Ok(Self {
            integration: servers["customers"].as_role("integration"),
            cluster,
            servers,
            alone: alone_servers,
            mailbox,
            databases,
            alone_databases,
            consumers,
            feeds,
            due,
            _folder: folder,
        })
    }

    /// A running service, with everything that follows.
    pub fn server(&self, service: &str) -> &TestServer {
        &self.servers[service]
    }

    /// The same service with its calls only.
    pub fn alone(&self, service: &str) -> &TestServer {
        &self.alone[service]
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
            if self.consumers.iter().filter(behind).any(|consumer| consumer.standing().feed_no < head) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn nothing_due(&self) -> anyhow::Result<bool> {
        for due in &self.due {
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

    /// One of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        binaries::find().map_or_else(|_| name.into(), |found| found.program(name))
    }

    /// Where the database of a service that is alone, and of its ceilings, is reached over TCP.
    pub fn ceiling(&self, service: &str) -> String {
        tcp_url(&self.cluster, &alone_name(service))
    }

    /// A further migrated database of this cluster.
    pub async fn database(&self, name: &'static str, migrator: &'static Migrator) -> anyhow::Result<Database> {
        database(&self.cluster, name, migrator).await
    }

    /// Where a database is reached over TCP.
    pub fn tcp_url(&self, database: &str) -> String {
        tcp_url(&self.cluster, database)
    }

    /// Stops everything.
    pub async fn stop(self) -> anyhow::Result<()> {
        for server in self.servers.values().chain(self.alone.values()) {
            server.tasks.stop(Duration::from_secs(5)).await;
        }
        for db in self.databases.iter().chain(&self.alone_databases) {
            db.close().await;
        }
        Ok(tokio::task::spawn_blocking(|| self.cluster.stop_and_delete()).await??)
    }
}

/// A service as in an installation, on this database.
async fn assemble(
    part: &Part,
    db: Database,
    urls: &BTreeMap<&'static str, String>,
    keyring: &Keyring,
    settings: &Settings,
) -> anyhow::Result<Service> {
    let peers = part.calls.iter().map(|called| {
        let signer = keyring.services[part.name].clone();
        let identity = Identity::Service { signer, audience: format!("service:{called}") };
        Ok((*called, Peer::connect_lazy(&urls[called], identity).map_err(anyhow::Error::msg)?))
    });
    let around = Around {
        peers: peers.collect::<anyhow::Result<_>>()?,
        links: part.signs_links.then(|| keyring.links.clone()),
        customers: seva_customers::Settings::default(),
        notifications: settings.clone(),
    };
    part.assemble(foundation(db, BusinessClock::system()), around).await.map_err(anyhow::Error::msg)
}

fn alone_name(service: &str) -> String {
    format!("{service}_alone")
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
            .connect(&surroundings.ceiling("customers"))
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

/// A statement as our handler sends it: the one that is checked at compile time and contains `mark`.
pub fn checked_statement(service: &str, mark: &str) -> anyhow::Result<String> {
    for entry in fs::read_dir(format!("services/{service}/.sqlx")).context("run from the project's root")? {
        let checked: serde_json::Value = serde_json::from_slice(&fs::read(entry?.path())?)?;
        let query = checked["query"].as_str().unwrap_or_default();
        if query.contains(mark) {
            return Ok(query.to_owned());
        }
    }
    anyhow::bail!("no checked statement contains {mark}")
}

/// Transactions a second of pgbench with this script, by as many callers.
pub async fn pgbench(
    surroundings: &Surroundings,
    database: &str,
    script: &Path,
    span: Duration,
) -> anyhow::Result<f64> {
    let output = Command::new(surroundings.program("pgbench"))
        .args(["-n", "-M", "prepared", "-c", &CALLERS.to_string(), "-j", "2", "-T"])
        .arg(span.as_secs().max(1).to_string())
        .arg("-f")
        .arg(script)
        .arg(database)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|rate| rate.parse().ok())
        .with_context(|| format!("pgbench said: {said}{}", String::from_utf8_lossy(&output.stderr)))
}
