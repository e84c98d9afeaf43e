//! `seva serve`: one service in this process, configured by flags and environment.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use clap::Args;
use seva_customers::CustomersConfig;
use seva_notifications::NotificationsConfig;
use seva_runtime::{
    BusinessClock,
    auth::{LinkSigner, links::LinkKeys},
    client::{Identity, Peer},
    config::{
        self, AuthConfig, CompanyConfig, Faults, FaultySettings, LimitsConfig, Listen, Secret, TelemetryConfig,
        readable_file,
    },
    server::Limits,
    shutdown::{self, Sequence},
    tasks::Tasks,
    telemetry,
};
use seva_store::{paging::PageKey, service::Foundation};
use tokio::net::TcpListener;

use crate::{
    assembly::{Part, Surroundings, portal},
    clock::follow,
    databases,
    failure::Failure,
    instance,
    settings::{
        describe_company, describe_customers, describe_limits, describe_notifications, describe_telemetry, environment,
        masked, names, parse_database_url, parse_peer_url, roles, variable,
    },
};

mod edge;
#[cfg(test)]
mod tests;

use edge::{CheckedPortal, serve_portal};

/// One service and its surroundings.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The service, or `portal`
    service: String,
    /// Its database, as the role without DDL; `SEVA_<SERVICE>_DATABASE_URL` is read as well
    #[arg(long, env = "SEVA_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<Secret<String>>,
    /// A service that it calls, such as customers=http://customers:7101; `SEVA_<SERVICE>_URL` is read as well
    #[arg(long = "peer", value_name = "SERVICE=URL")]
    peers: Vec<String>,
    /// File with the secret that seals page tokens: 32 bytes or more, the same in all replicas
    #[arg(long, env = "SEVA_PAGE_KEY", value_name = "FILE")]
    page_key: Option<PathBuf>,
    /// File with the keys that links for customers are signed with, as `seva keys` makes it; the same for all services
    #[arg(long, env = "SEVA_LINK_KEYS", value_name = "FILE")]
    link_keys: Option<PathBuf>,
    /// Business time: `system`, or `file:PATH`, which follows the time in that file: for rehearsals whose time is moved by hand
    #[arg(long, env = "SEVA_CLOCK", value_name = "CLOCK", default_value = "system")]
    clock: String,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    auth: AuthConfig,
    #[command(flatten)]
    company: CompanyConfig,
    #[command(flatten)]
    customers: CustomersConfig,
    #[command(flatten)]
    notifications: NotificationsConfig,
    #[command(flatten)]
    limits: LimitsConfig,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

/// Checked settings of a service or of the portal.
pub enum Checked {
    /// Of a service.
    Service(Box<CheckedService>),
    /// Of the portal.
    Portal(Box<CheckedPortal>),
}

/// Checked settings of a service.
pub struct CheckedService {
    part: &'static Part,
    address: SocketAddr,
    database: Secret<String>,
    peers: BTreeMap<&'static str, String>,
    page_key: PageKey,
    /// Whose time is followed; `None`: the system's.
    clock: Option<PathBuf>,
    auth: config::Auth,
    /// Signs links, where the service does.
    links: Option<LinkSigner>,
    customers: seva_customers::Settings,
    notifications: seva_notifications::Settings,
    limits: Limits,
}

impl ServeArgs {
    /// The settings; notes every fault.
    pub fn check(&self, faults: &mut Faults) -> Option<Checked> {
        if self.service == portal::NAME {
            return self.check_portal(faults).map(|portal| Checked::Portal(Box::new(portal)));
        }
        self.check_service(faults).map(|service| Checked::Service(Box::new(service)))
    }

    fn check_service(&self, faults: &mut Faults) -> Option<CheckedService> {
        let address = self.listen.check(faults);
        let page_key =
            self.secret_file("--page-key (SEVA_PAGE_KEY)", self.page_key.as_ref(), faults).and_then(|file| {
                let read = std::fs::read(file).map_err(|error| error.to_string());
                let long_enough = read.and_then(|bytes| {
                    if bytes.len() < 32 { Err("holds fewer than 32 bytes".to_owned()) } else { Ok(bytes) }
                });
                faults.take("--page-key (SEVA_PAGE_KEY)", long_enough)
            });
        let clock = self.clock(faults);
        let company = self.company.check(faults);
        let customers = self.customers.check(faults);
        let notifications = self.notifications.check(company.as_ref(), faults);
        let limits = self.limits.check(faults);
        let Some(part) = Part::named(&self.service) else {
            faults.add("service", format!("{:?} is not one of {}", self.service, roles()));
            return None;
        };
        let database = self.database(part, faults);
        let peers = self.peers(part.name, part.calls, faults);
        let auth = self.auth.check(part.name, !part.calls.is_empty(), faults);
        if part.name == seva_notifications::NAME && company.is_some_and(|company| company.public_url.is_none()) {
            faults.add("--public-url (SEVA_PUBLIC_URL)", "is required: messages lead there");
        }
        let links = if part.signs_links { self.links(faults).map(Some) } else { Some(None) };
        Some(CheckedService {
            part,
            address: address?,
            database: database?,
            peers,
            page_key: PageKey::new(&page_key?),
            clock: clock?,
            auth: auth?,
            links: links?,
            customers: customers?,
            notifications: notifications?,
            limits: limits?,
        })
    }

    /// Signs what leads customers to their own things.
    fn links(&self, faults: &mut Faults) -> Option<LinkSigner> {
        let name = "--link-keys (SEVA_LINK_KEYS)";
        let file = self.secret_file(name, self.link_keys.as_ref(), faults)?;
        faults.take(name, LinkKeys::read(&file)).map(LinkSigner::new)
    }

    fn secret_file(&self, name: &str, file: Option<&PathBuf>, faults: &mut Faults) -> Option<PathBuf> {
        match file {
            Some(file) => faults.take(name, readable_file(file)),
            None => {
                faults.add(name, "is required");
                None
            }
        }
    }

    /// Whose time is followed, if anybody's.
    #[expect(clippy::option_option, reason = "a fault, the system's time, or a file's")]
    fn clock(&self, faults: &mut Faults) -> Option<Option<PathBuf>> {
        match (self.clock.as_str(), self.clock.strip_prefix("file:")) {
            ("system", _) => Some(None),
            (_, Some(file)) => faults.take("--clock (SEVA_CLOCK)", readable_file(Path::new(file))).map(Some),
            (other, None) => {
                faults.add("--clock (SEVA_CLOCK)", format!("{other:?} is not system or file:PATH"));
                None
            }
        }
    }

    fn database(&self, part: &Part, faults: &mut Faults) -> Option<Secret<String>> {
        let own = variable(part.name, "DATABASE_URL");
        let given = self.database_url.as_ref().map(|url| url.reveal().clone()).or_else(|| environment(&own));
        let given = given.ok_or_else(|| format!("is required; or {own}"));
        let parsed = given.and_then(|url| parse_database_url(&url).map_err(str::to_owned));
        faults.take("--database-url (SEVA_DATABASE_URL)", parsed)
    }

    /// Where the services are that `caller` calls.
    fn peers(&self, caller: &str, calls: &[&'static str], faults: &mut Faults) -> BTreeMap<&'static str, String> {
        let mut given = BTreeMap::new();
        for peer in &self.peers {
            match peer.split_once('=').filter(|(name, _)| Part::named(name).is_some()) {
                Some((name, url)) => {
                    given.insert(name.to_owned(), url.to_owned());
                }
                None => faults.add("--peer", format!("is not SERVICE=URL with a service of {}", names())),
            }
        }
        let mut peers = BTreeMap::new();
        for called in calls {
            let name = variable(called, "URL");
            let url = given.get(*called).cloned().or_else(|| environment(&name));
            let url = url.ok_or_else(|| format!("is required: {caller} calls {called}"));
            if let Some(url) =
                faults.take(format!("--peer {called}=.. ({name})"), url.and_then(|url| parse_peer_url(&url)))
            {
                peers.insert(*called, url);
            }
        }
        peers
    }

    /// The settings as they are in effect, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        let file =
            |file: &Option<PathBuf>| file.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
        let database = self
            .database_url
            .clone()
            .or_else(|| environment(&variable(&self.service, "DATABASE_URL")).map(Secret::new));
        let mut lines = vec![
            ("service".to_owned(), self.service.clone()),
            ("listen".to_owned(), self.listen.address.clone()),
            ("database".to_owned(), database.as_ref().map_or_else(|| "none".to_owned(), masked)),
            ("page_key".to_owned(), file(&self.page_key)),
            ("link_keys".to_owned(), file(&self.link_keys)),
            ("clock".to_owned(), self.clock.clone()),
            ("jwks".to_owned(), file(&self.auth.jwks)),
            ("issuer".to_owned(), self.auth.issuer.clone()),
            ("signing_key".to_owned(), file(&self.auth.signing_key)),
        ];
        let calls = Part::named(&self.service).map_or(&portal::CALLS[..], |part| part.calls);
        for (called, url) in self.peers(&self.service, calls, &mut Faults::new()) {
            lines.push((format!("peer.{called}"), url));
        }
        lines.extend(describe_company(&self.company));
        lines.push(describe_customers(&self.customers));
        lines.extend(describe_notifications(&self.notifications));
        lines.extend(describe_limits(&self.limits));
        lines.extend(describe_telemetry(&self.telemetry));
        lines
    }
}

/// Serves until a signal comes or a task fails whose failure stops the process.
///
/// # Errors
/// Faults of the settings; the database is missing or behind; the port is taken.
pub async fn run(args: ServeArgs) -> Result<(), Failure> {
    let mut faults = Faults::new();
    let checked = args.check(&mut faults);
    faults.finish()?;
    match checked.context("settings without a fault are settings")? {
        Checked::Service(service) => serve(*service, &args.telemetry).await,
        Checked::Portal(portal) => serve_portal(*portal, &args.telemetry).await,
    }
}

async fn serve(checked: CheckedService, telemetry: &TelemetryConfig) -> Result<(), Failure> {
    let CheckedService {
        part,
        address,
        database,
        peers,
        page_key,
        clock,
        auth,
        links,
        customers,
        notifications,
        limits,
    } = checked;
    let telemetry = telemetry::init(part.name, telemetry).map_err(FaultySettings)?;
    let signal = shutdown::signal().context("listening for signals")?;

    let db = databases::open(part.name, &database, part.migrator).await?;
    let listener = listen(address).await?;
    let tasks = Tasks::new();
    let clock = match clock {
        Some(file) => follow(&file, &tasks).map_err(|error| Failure::Unavailable(error.to_string()))?,
        None => BusinessClock::system(),
    };
    let foundation = Foundation { db: db.clone(), clock, page_key, tasks: tasks.clone() };
    let surroundings = Surroundings { peers: connect(peers, auth.signer)?, links, customers, notifications };
    let mut service = part.assemble(foundation, surroundings).await.map_err(Failure::Unavailable)?;
    let health = instance::serve(&mut service, auth.verifier, limits, None, listener)?;
    service.start_workers();
    health.set_ready(true).await;
    tracing::info!(service = part.name, %address, "ready");
    let sequence = Sequence::new(tasks.clone()).with_health(health).with_telemetry(telemetry);
    until_asked(signal, &tasks, sequence.closing("database pools", async move { db.close().await })).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Failure::Unavailable(format!("{address} cannot be listened on: {error}")))
}

/// Waits for a signal or the failure of a task, then ends in order.
async fn until_asked(signal: impl Future<Output = ()>, tasks: &Tasks, sequence: Sequence) -> Result<(), Failure> {
    let failed = tasks.failed();
    let by_signal = tokio::select! {
        () = signal => true,
        () = failed.cancelled() => false,
    };
    match (by_signal, sequence.run().await) {
        (true, true) => Ok(()),
        (true, false) => Err(anyhow!("not everything ended within its bound").into()),
        (false, _) => Err(anyhow!("a task failed without which the service cannot go on").into()),
    }
}

fn connect(
    peers: BTreeMap<&'static str, String>,
    signer: Option<seva_runtime::auth::Signer>,
) -> Result<BTreeMap<&'static str, Peer>, Failure> {
    let Some(signer) = signer.map(Arc::new) else { return Ok(BTreeMap::new()) };
    let mut connected = BTreeMap::new();
    for (called, url) in peers {
        let identity = Identity::Service { signer: signer.clone(), audience: format!("service:{called}") };
        connected.insert(called, Peer::connect_lazy(&url, identity).map_err(Failure::Usage)?);
    }
    Ok(connected)
}
