//! A running installation: all services in one process, with their database, keys and clock.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use seva_postgres::Cluster;
use seva_proto::events::v1::clock_service_server::ClockServiceServer;
use seva_runtime::{
    BusinessClock,
    auth::{Keyring, Rules, Verifier, keys::OWN_ISSUER},
    client::{Identity, Peer},
    server::{Health, Limits, Server},
    shutdown::Sequence,
    tasks::{OnFailure, Tasks},
    telemetry::TelemetryGuard,
};
use seva_store::{
    paging::PageKey,
    service::{Foundation, Service},
};
use seva_values::PublicUrl;
use tokio::net::TcpListener;

use crate::{
    assembly::{PARTS, Surroundings, portal},
    clock::{self, ClockRpc, StoredClock},
    data_dir::{DataDir, Layout, Running, RunningService, secret},
    databases::{self, AllUrls, Urls},
    failure::Failure,
    tokens,
};

/// The service whose server also serves the manual clock.
const SERVES_CLOCK: &str = seva_customers::NAME;

/// How to run an installation.
pub struct Settings {
    /// Its folder.
    pub data_dir: PathBuf,
    /// The ports of all services and of the portal; 0 takes a free one.
    pub ports: BTreeMap<&'static str, u16>,
    /// Databases elsewhere; the others are in the private cluster.
    pub databases: AllUrls,
    /// Business time by hand, beginning at this time when the folder has none yet.
    pub manual_clock: Option<Timestamp>,
    /// Whether the portal shows the mails of the data folder, to anybody who can reach it.
    pub shows_mail: bool,
    /// What is held of orders.
    pub customers: seva_customers::Settings,
    /// How messages are sent, and in whose name. When nobody says where customers reach the portal, it is on this machine.
    pub notifications: seva_notifications::Settings,
    /// Of every server.
    pub limits: Limits,
}

/// A running installation.
pub struct Instance {
    /// The services, running.
    pub services: Vec<Service>,
    /// Where they listen.
    pub addresses: BTreeMap<&'static str, SocketAddr>,
    /// Business time.
    pub clock: BusinessClock,
    /// All keys.
    pub keyring: Keyring,
    /// Its tasks.
    pub tasks: Tasks,
    data_dir: DataDir,
    cluster: Option<Cluster>,
    health: Vec<Health>,
}

impl Instance {
    /// Starts everything and returns when all is ready.
    ///
    /// # Errors
    /// `Unavailable` with what is missing. What was started by then is stopped again.
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        let data_dir = DataDir::take(&settings.data_dir)?;
        let layout = data_dir.layout.clone();
        let keyring =
            Keyring::open_or_create(&layout.keys()).map_err(|error| Failure::Unavailable(error.to_string()))?;
        let page_secret = secret(&layout.page_key())
            .map_err(|error| Failure::Unavailable(format!("{}: {error}", layout.page_key().display())))?;
        let listeners = bind(&settings.ports).await?;
        let stored_clock = match settings.manual_clock {
            Some(start) => Some(Arc::new(
                StoredClock::open(&layout.clock(), start).map_err(|error| Failure::Unavailable(error.to_string()))?,
            )),
            None => None,
        };
        let clock = stored_clock.as_ref().map_or_else(BusinessClock::system, |stored| stored.clock().clone());

        let embedded: Vec<_> =
            PARTS.iter().map(|part| part.name).filter(|name| !settings.databases.contains_key(name)).collect();
        let cluster = if embedded.is_empty() { None } else { Some(databases::start_cluster(&layout).await?) };
        let tasks = Tasks::new();
        let addresses = listeners
            .iter()
            .map(|(name, listener)| Ok((*name, listener.local_addr()?)))
            .collect::<std::io::Result<BTreeMap<_, _>>>()
            .context("asking for the bound ports")?;
        let mut instance =
            Self { services: Vec::new(), addresses, clock, keyring, tasks, data_dir, cluster, health: Vec::new() };
        match instance.bring_up(settings, listeners, &embedded, &page_secret, stored_clock).await {
            Ok(()) => Ok(instance),
            Err(failure) => {
                instance.stop(None).await;
                Err(failure)
            }
        }
    }

    async fn bring_up(
        &mut self,
        mut settings: Settings,
        mut listeners: BTreeMap<&'static str, TcpListener>,
        embedded: &[&'static str],
        page_secret: &[u8],
        stored_clock: Option<Arc<StoredClock>>,
    ) -> Result<(), Failure> {
        let mut urls = std::mem::take(&mut settings.databases);
        if let Some(cluster) = &self.cluster {
            urls.extend(databases::create_missing(cluster, embedded).await?);
        }
        if settings.notifications.company.public_url.is_none() {
            let own_url = PublicUrl::parse(&self.url_of(portal::NAME)?);
            settings.notifications.public_url = own_url.map_err(|fault| anyhow!("the portal's address: {fault}"))?;
        }
        for part in &PARTS {
            let Urls { application, owner } = &urls[part.name];
            if let Some(owner) = owner {
                let role = databases::role_of(application);
                databases::migrate(part.name, owner, role.as_deref(), part.migrator).await?;
            }
            let foundation = Foundation {
                db: databases::open(part.name, application, part.migrator).await?,
                clock: self.clock.clone(),
                page_key: PageKey::new(page_secret),
                tasks: self.tasks.clone(),
            };
            let surroundings = Surroundings {
                peers: self.peers_of(part.name, part.calls)?,
                links: part.signs_links.then(|| self.keyring.links.clone()),
                customers: settings.customers.clone(),
                notifications: settings.notifications.clone(),
            };
            let mut service = part.assemble(foundation, surroundings).await.map_err(Failure::Unavailable)?;
            let verifier = Verifier::open(part.name, OWN_ISSUER, &self.keyring.jwks)
                .map_err(|error| Failure::Unavailable(error.to_string()))?;
            let clock = stored_clock.clone().filter(|_| part.name == SERVES_CLOCK);
            let listener = listeners.remove(part.name).context("every service has a listener")?;
            let health = serve(&mut service, verifier, settings.limits.clone(), clock, listener)?;
            service.start_workers();
            self.health.push(health);
            self.services.push(service);
        }
        for health in &self.health {
            health.set_ready(true).await;
        }
        self.open_portal(&settings, listeners.remove(portal::NAME).context("the portal has a listener")?)?;
        self.announce(&urls)
    }

    /// Opens the web edge in front of the services.
    fn open_portal(&self, settings: &Settings, listener: TcpListener) -> Result<(), Failure> {
        let peers = self.peers_of(portal::NAME, &portal::CALLS)?;
        let intake = self.peer(seva_customers::NAME, Identity::Anonymous)?;
        let seva_notifications::Settings { company, public_url, .. } = &settings.notifications;
        let settings = seva_portal::Settings {
            public_url: public_url.as_str().parse().context("a public URL is a URL")?,
            company: company.name.clone(),
            forms: self.keyring.links.clone(),
            mail_folder: settings.shows_mail.then(|| self.layout().mail()),
            limits: seva_portal::Limits::default(),
        };
        let portal = portal::assemble(&peers, intake, settings).map_err(Failure::Unavailable)?;
        portal::serve(portal, listener, &self.tasks);
        Ok(())
    }

    /// Channels to the services that `name` calls, in its own name.
    fn peers_of(&self, name: &str, calls: &[&'static str]) -> Result<BTreeMap<&'static str, Peer>, Failure> {
        let signer = self.keyring.services.get(name).with_context(|| format!("{name} has no key"))?;
        let mut peers = BTreeMap::new();
        for called in calls {
            let identity = Identity::Service { signer: signer.clone(), audience: format!("service:{called}") };
            peers.insert(*called, self.peer(called, identity)?);
        }
        Ok(peers)
    }

    /// A channel to a service of this installation.
    ///
    /// # Errors
    /// There is no such service.
    pub fn peer(&self, service: &str, identity: Identity) -> Result<Peer, Failure> {
        Ok(Peer::connect_lazy(&self.url_of(service)?, identity).map_err(|fault| anyhow!(fault))?)
    }

    /// A channel to a service in the name of its operators.
    ///
    /// # Errors
    /// There is no such service.
    pub fn operators_peer(&self, service: &str) -> Result<Peer, Failure> {
        let token = self.keyring.issuer.mint_user_token("seva", &["ops"], None, tokens::LIFETIME);
        self.peer(service, Identity::Bearer(token))
    }

    /// The URL of a service.
    ///
    /// # Errors
    /// There is no such service.
    pub fn url_of(&self, service: &str) -> Result<String, Failure> {
        let address = self.addresses.get(service).with_context(|| format!("there is no service {service}"))?;
        Ok(format!("http://{address}"))
    }

    /// The parts of its folder.
    pub fn layout(&self) -> &Layout {
        &self.data_dir.layout
    }

    /// Tells other commands on this machine where everything is.
    fn announce(&self, urls: &AllUrls) -> Result<(), Failure> {
        let services = urls.iter().map(|(name, urls)| {
            Ok(RunningService {
                name: (*name).to_owned(),
                url: self.url_of(name)?,
                database_url: urls.application.reveal().clone(),
            })
        });
        let services = services.collect::<Result<_, Failure>>()?;
        let running = Running { pid: std::process::id(), services, portal_url: self.url_of(portal::NAME)? };
        Ok(self.layout().announce(&running).context("telling other commands about this instance")?)
    }

    /// Ends in order: calls, workers, telemetry, pools, PostgreSQL. Answers whether all of it ended within its bound.
    pub async fn stop(self, telemetry: Option<TelemetryGuard>) -> bool {
        let Self { services, tasks, data_dir, cluster, health, .. } = self;
        let mut sequence = health.into_iter().fold(Sequence::new(tasks), Sequence::with_health);
        if let Some(telemetry) = telemetry {
            sequence = sequence.with_telemetry(telemetry);
        }
        for service in &services {
            let db = service.foundation.db.clone();
            sequence = sequence.closing("database pools", async move { db.close().await });
        }
        let in_time = sequence.run().await;
        drop(services);
        // Outside the sequence and its bounds: it has bounds of its own, and a closing checkpoint is worth waiting for.
        if let Some(cluster) = cluster {
            databases::stop_cluster(cluster).await;
        }
        drop(data_dir);
        in_time
    }
}

/// Starts the server of a service. It says that it is not ready.
///
/// # Errors
/// An RPC does not say who may call it.
pub fn serve(
    service: &mut Service,
    verifier: Verifier,
    limits: Limits,
    clock: Option<Arc<StoredClock>>,
    listener: TcpListener,
) -> Result<Health, Failure> {
    let mut rpcs = service.rpcs.clone();
    if clock.is_some() {
        rpcs.push(clock::RPC);
    }
    let rules = Rules::for_services(&rpcs).map_err(|undeclared| {
        let told: Vec<_> = undeclared.iter().map(ToString::to_string).collect();
        anyhow!("{}", told.join("; "))
    })?;
    let tasks = service.foundation.tasks.clone();
    let mut server =
        Server::builder(service.name, rules, Arc::new(verifier), service.api_keys.clone(), tasks.clone(), limits);
    // The service keeps a registration that adds nothing.
    server = std::mem::replace(&mut service.register, Box::new(|server| server))(server);
    if let Some(clock) = clock {
        server = server.add_service(ClockServiceServer::new(ClockRpc::new(clock)));
    }
    let health = server.health();
    tasks.spawn("server", OnFailure::StopProcess, server.serve(listener));
    Ok(health)
}

/// Binds all ports, or tells all that are taken.
async fn bind(ports: &BTreeMap<&'static str, u16>) -> Result<BTreeMap<&'static str, TcpListener>, Failure> {
    let (mut listeners, mut taken) = (BTreeMap::new(), Vec::new());
    for (service, port) in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await {
            Ok(listener) => {
                listeners.insert(*service, listener);
            }
            Err(error) => taken.push(format!("  {service}: 127.0.0.1:{port}: {error}")),
        }
    }
    if taken.is_empty() {
        return Ok(listeners);
    }
    Err(Failure::Unavailable(format!(
        "ports cannot be used (choose others with --port-base or --port SERVICE=PORT):\n{}",
        taken.join("\n")
    )))
}
