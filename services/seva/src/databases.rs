//! The databases of an installation: roles and databases of the private cluster, migrations, and where each service's database is.

use std::collections::BTreeMap;

use anyhow::Context;
use seva_postgres::{Cluster, Options};
use seva_runtime::config::Secret;
use seva_store::{Database, migrate};
use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use crate::{assembly::PARTS, data_dir::Layout, failure::Failure};

/// Where the database of a service is.
#[derive(Debug, Clone)]
pub struct Urls {
    /// As the service uses it.
    pub application: Secret<String>,
    /// As its owner, who migrates it; `None` when somebody else migrates it.
    pub owner: Option<Secret<String>>,
}

/// Where the databases of all services are, by service.
pub type AllUrls = BTreeMap<&'static str, Urls>;

/// Starts the private cluster of a data folder without holding up other tasks.
///
/// # Errors
/// PostgreSQL is missing, or the cluster cannot be started.
pub async fn start_cluster(layout: &Layout) -> Result<Cluster, Failure> {
    let options = Options::new(layout.postgres());
    let started = tokio::task::spawn_blocking(move || Cluster::start(options)).await;
    Ok(started.context("starting PostgreSQL was broken off")??)
}

/// Stops the private cluster in order.
pub async fn stop_cluster(cluster: Cluster) {
    match tokio::task::spawn_blocking(move || cluster.stop()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "PostgreSQL could not be stopped in order"),
        Err(error) => tracing::error!(%error, "stopping PostgreSQL was broken off"),
    }
}

/// Makes the roles and the database of every service that lacks them in the private cluster.
///
/// A database belongs to `<service>_owner`; `<service>_app` may connect, and gets its rights from the migrations. Nobody else may connect.
///
/// # Errors
/// The cluster refuses.
pub async fn create_missing(cluster: &Cluster, services: &[&'static str]) -> Result<AllUrls, Failure> {
    let create = async {
        let mut connection = PgConnection::connect(&cluster.url("postgres")).await?;
        for service in services {
            create_database(&mut connection, service).await?;
        }
        connection.close().await
    };
    create.await.context("making the databases")?;
    let urls = services.iter().map(|service| {
        let url = |role: &str| Secret::new(as_role(&cluster.url(service), &format!("{service}_{role}")));
        (*service, Urls { application: url("app"), owner: Some(url("owner")) })
    });
    Ok(urls.collect())
}

/// Another role in a URL of the private cluster, whose socket asks for no password.
fn as_role(url: &str, role: &str) -> String {
    url.replacen("postgres://seva@", &format!("postgres://{role}@"), 1)
}

async fn create_database(connection: &mut PgConnection, service: &'static str) -> Result<(), sqlx::Error> {
    for role in [format!("{service}_owner"), format!("{service}_app")] {
        let known = sqlx::query_scalar::<_, bool>("select exists (select from pg_roles where rolname = $1)")
            .bind(&role)
            .fetch_one(&mut *connection)
            .await?;
        if !known {
            execute(connection, format!("create role \"{role}\" login")).await?;
        }
    }
    let known = sqlx::query_scalar::<_, bool>("select exists (select from pg_database where datname = $1)")
        .bind(service)
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        execute(connection, format!("create database \"{service}\" owner \"{service}_owner\" template template0"))
            .await?;
    }
    execute(connection, format!("revoke all on database \"{service}\" from public")).await?;
    execute(connection, format!("grant connect on database \"{service}\" to \"{service}_app\"")).await
}

/// Runs a statement made of our own services' names.
async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(|_| ())
}

/// Brings a database to the present schema and gives the application's role its rights.
///
/// # Errors
/// The database cannot be reached, or refuses.
pub async fn migrate(
    service: &str,
    owner: &Secret<String>,
    application_role: Option<&str>,
    migrator: &Migrator,
) -> Result<(), Failure> {
    migrate::run(owner.reveal(), application_role, migrator)
        .await
        .map_err(|error| Failure::Unavailable(format!("the database of {service} cannot be migrated: {error}")))
}

/// The role that a URL names.
pub fn role_of(url: &Secret<String>) -> Option<String> {
    let options: PgConnectOptions = url.reveal().parse().ok()?;
    Some(options.get_username().to_owned())
}

/// Opens a service's database and checks that its schema is the program's.
///
/// # Errors
/// It cannot be reached, or is behind.
pub async fn open(service: &'static str, url: &Secret<String>, migrator: &Migrator) -> Result<Database, Failure> {
    let unavailable = |error: &dyn std::fmt::Display| {
        Failure::Unavailable(format!("the database of {service} cannot be used: {error}"))
    };
    let db = Database::open(service, url.reveal()).map_err(|error| unavailable(&error))?;
    migrate::check(&db, migrator).await.map_err(|error| unavailable(&error))?;
    Ok(db)
}

/// Databases that a command works on while no instance of its own runs, and the cluster that was started for them.
#[derive(Debug)]
pub struct Located {
    /// By service.
    pub urls: BTreeMap<&'static str, Secret<String>>,
    cluster: Option<Cluster>,
    _data_dir: Option<crate::data_dir::DataDir>,
}

impl Located {
    /// Finds the databases: those named by `SEVA_<SERVICE>_DATABASE_URL`, else those of the instance that runs in the data folder, else
    /// those of the folder's own cluster, which is started for the command.
    ///
    /// # Errors
    /// There are none.
    pub async fn find(named: BTreeMap<&'static str, Secret<String>>, layout: &Layout) -> Result<Self, Failure> {
        if !named.is_empty() {
            return Ok(Self { urls: named, cluster: None, _data_dir: None });
        }
        if let Some(running) = layout.running() {
            let url_of = |name: &str| running.services.iter().find(|service| service.name == name);
            let urls = PARTS
                .iter()
                .filter_map(|part| Some((part.name, Secret::new(url_of(part.name)?.database_url.clone()))))
                .collect();
            return Ok(Self { urls, cluster: None, _data_dir: None });
        }
        if !layout.postgres().exists() {
            return Err(Failure::Unavailable(format!(
                "there is no installation in {}; name one with --data-dir, or databases with SEVA_<SERVICE>_DATABASE_URL",
                layout.root().display()
            )));
        }
        let data_dir = crate::data_dir::DataDir::take(layout.root())?;
        let cluster = start_cluster(&data_dir.layout).await?;
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        let urls = create_missing(&cluster, &names).await?;
        let urls = urls.into_iter().map(|(name, urls)| (name, urls.application)).collect();
        Ok(Self { urls, cluster: Some(cluster), _data_dir: Some(data_dir) })
    }

    /// Opens all of them.
    ///
    /// # Errors
    /// One cannot be reached, or is behind.
    pub async fn open(&self) -> Result<Vec<Database>, Failure> {
        let mut databases = Vec::new();
        for part in &PARTS {
            if let Some(url) = self.urls.get(part.name) {
                databases.push(open(part.name, url, part.migrator).await?);
            }
        }
        Ok(databases)
    }

    /// Stops what was started for the command.
    pub async fn release(self) {
        if let Some(cluster) = self.cluster {
            stop_cluster(cluster).await;
        }
    }
}
