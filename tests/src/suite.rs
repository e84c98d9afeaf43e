//! Every service as a process of its own, with a private PostgreSQL: everything can be killed by itself.

use std::{
    collections::BTreeMap,
    ops::Deref,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use seva::{
    assembly::{PARTS, portal},
    data_dir, databases,
};
use seva_postgres::{Cluster, Options};
use seva_values::id::new_id;

use crate::{
    Installation,
    process::{self, Folder, Process, free_port, write_private},
};

/// The file that holds the business time, where it is moved by hand.
const CLOCK: &str = "clock";

/// How a suite is set up.
#[derive(Debug, Clone, Default)]
pub struct SuiteOptions {
    /// Whether PostgreSQL waits for the disk; only fault and load tests need it.
    pub durable: bool,
    /// Further settings of PostgreSQL.
    pub postgres: Vec<(String, String)>,
    /// Where mail goes instead of into the folder, such as `smtp://127.0.0.1:2525`.
    pub mail: Option<String>,
    /// Where telemetry goes, if anywhere.
    pub otlp_endpoint: Option<String>,
    /// Business time that is moved by hand, from this one on.
    pub clock: Option<Timestamp>,
    /// Further environment of every service.
    pub environment: BTreeMap<String, String>,
}

/// A running suite. It ends with this value, whatever the test has come to.
#[derive(Debug)]
pub struct Suite {
    installation: Installation,
    services: BTreeMap<String, Process>,
    cluster: Option<Cluster>,
    folder: Folder,
}

impl Deref for Suite {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl Suite {
    /// Starts PostgreSQL, makes and migrates the databases with the program itself, starts every service and waits until all are ready.
    ///
    /// # Panics
    /// When any of it fails; with the end of the log of what failed.
    pub async fn start(options: SuiteOptions) -> Self {
        let folder = Folder::new();
        let cluster_options = Options {
            durable: options.durable,
            extra: options.postgres.clone(),
            ..Options::new(folder.path().join("postgres"))
        };
        let cluster = blocking(move || Cluster::start(cluster_options)).await.expect("PostgreSQL starts");
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        let databases = databases::create_missing(&cluster, &names).await.expect("databases can be made");
        for (service, urls) in &databases {
            let owner = urls.owner.as_ref().expect("a private database has an owner");
            migrate(service, owner.reveal());
        }

        let roles = names.iter().copied().chain([portal::NAME]);
        let ports: BTreeMap<_, _> = roles.clone().map(|name| (name.to_owned(), free_port())).collect();
        let mut urls: BTreeMap<_, _> =
            ports.iter().map(|(name, port)| (name.clone(), format!("http://127.0.0.1:{port}"))).collect();
        let portal_url = urls.remove(portal::NAME).expect("the portal has a port");
        let everything = names.iter().map(|name| ((*name).to_owned(), cluster.url(name))).collect();
        let keys = folder.path().join("keys");
        let mail = folder.path().join("mail");
        let installation = Installation::new(&keys, mail, urls.clone(), portal_url.clone(), &everything);
        write_private(&keys.join("page.key"), format!("{}{}", new_id(), new_id()).as_bytes());

        if let Some(start) = options.clock {
            data_dir::write_private(&folder.path().join(CLOCK), start.to_string().as_bytes())
                .expect("a clock can be set");
        }
        let mut services = BTreeMap::new();
        for name in roles {
            let mut environment = environment_of(name, &folder, &installation, &options);
            environment.insert("SEVA_LISTEN".to_owned(), format!("127.0.0.1:{}", ports[name]));
            environment.insert("SEVA_PUBLIC_URL".to_owned(), portal_url.clone());
            if let Some(urls) = databases.get(name) {
                environment.insert("SEVA_DATABASE_URL".to_owned(), urls.application.reveal().clone());
            }
            for (other, url) in &urls {
                environment.insert(format!("SEVA_{}_URL", other.to_ascii_uppercase()), url.clone());
            }
            let log = folder.path().join(format!("{name}.log"));
            services.insert(name.to_owned(), Process::start(name, &["serve", name], environment, log));
        }
        let mut suite = Self { installation, services, cluster: Some(cluster), folder };
        suite.ready().await;
        suite
    }

    /// Waits until every service is ready.
    ///
    /// # Panics
    /// When one ends instead.
    pub async fn ready(&mut self) {
        for (name, process) in &mut self.services {
            if name == portal::NAME {
                process.serves_pages(self.installation.portal_url()).await;
            } else {
                process.ready(self.installation.url(name)).await;
            }
        }
    }

    /// Moves the business time of all processes; they see it a moment later.
    ///
    /// # Panics
    /// When the suite follows the system's time.
    pub fn advance_to(&self, time: Timestamp) {
        let file = self.folder.path().join(CLOCK);
        assert!(file.exists(), "the suite's time is moved by hand");
        data_dir::write_private(&file, time.to_string().as_bytes()).expect("the clock can be moved");
    }

    /// The process of a service.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn process(&mut self, service: &str) -> &mut Process {
        self.services.get_mut(service).unwrap_or_else(|| panic!("the suite has no service {service}"))
    }

    /// The private cluster.
    pub fn cluster(&mut self) -> &mut Cluster {
        self.cluster.as_mut().expect("it is there until the suite stops")
    }

    /// Kills every process of PostgreSQL without warning.
    ///
    /// # Panics
    /// When one cannot be killed.
    pub async fn kill_postgres(&mut self) {
        let cluster = self.cluster.take().expect("it is there until the suite stops");
        self.cluster = Some(on_cluster(cluster, Cluster::kill9).await);
    }

    /// Starts PostgreSQL again; it recovers first.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart_postgres(&mut self) {
        let cluster = self.cluster.take().expect("it is there until the suite stops");
        self.cluster = Some(on_cluster(cluster, Cluster::restart_after_kill).await);
    }

    /// Where logs, keys and data are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the log of a service is.
    pub fn log_file(&self, service: &str) -> PathBuf {
        self.folder.path().join(format!("{service}.log"))
    }

    /// Stops everything as an operator does.
    ///
    /// # Panics
    /// When a process does not end well.
    pub async fn stop(mut self) {
        for (name, process) in &mut self.services {
            let status = process.stop().await;
            assert!(status.success(), "{name} ended with {status}:\n{}", process.log());
        }
        if let Some(cluster) = self.cluster.take() {
            blocking(move || cluster.stop()).await.expect("PostgreSQL stops in order");
        }
    }
}

fn environment_of(
    name: &str,
    folder: &Folder,
    installation: &Installation,
    options: &SuiteOptions,
) -> BTreeMap<String, String> {
    let keys = folder.path().join("keys");
    let shown = |path: &Path| path.display().to_string();
    let mail = options.mail.clone().unwrap_or_else(|| format!("dir:{}", installation.mail.display()));
    let mut environment = BTreeMap::from([
        ("SEVA_JWKS".to_owned(), shown(&installation.keyring.jwks)),
        ("SEVA_SIGNING_KEY".to_owned(), shown(&keys.join(format!("service-{name}.pem")))),
        ("SEVA_PAGE_KEY".to_owned(), shown(&keys.join("page.key"))),
        ("SEVA_LINK_KEYS".to_owned(), shown(&keys.join("links.json"))),
        ("SEVA_NOTIFICATIONS_PROVIDER".to_owned(), mail),
        ("SEVA_LOG_FORMAT".to_owned(), "text".to_owned()),
        ("RUST_BACKTRACE".to_owned(), "1".to_owned()),
    ]);
    if options.clock.is_some() {
        environment.insert("SEVA_CLOCK".to_owned(), format!("file:{}", shown(&folder.path().join(CLOCK))));
    }
    if let Some(endpoint) = &options.otlp_endpoint {
        environment.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint.clone());
    }
    environment.extend(options.environment.clone());
    environment
}

/// Migrates a database as an installation's operators do: with the program, as the owner.
fn migrate(service: &str, owner_url: &str) {
    let variable = format!("SEVA_{}_OWNER_DATABASE_URL", service.to_ascii_uppercase());
    let environment = BTreeMap::from([(variable, owner_url.to_owned())]);
    let role = format!("{service}_app");
    let (status, said, faults) = process::run(&["migrate", service, "--application-role", &role], &environment);
    assert!(status.success(), "seva migrate {service} ended with {status}:\n{said}{faults}");
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it is not broken off")
}

async fn on_cluster(mut cluster: Cluster, act: fn(&mut Cluster) -> Result<(), seva_postgres::Error>) -> Cluster {
    blocking(move || {
        act(&mut cluster).expect("PostgreSQL can be killed and started again");
        cluster
    })
    .await
}
