//! A fresh, migrated database for every test, from one cluster per test binary.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use seva_postgres::{Cluster, Options};
use seva_store::{Database, migrate};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Transaction, migrate::Migrator};
use tokio::sync::Mutex;

/// The role that services have: no DDL.
const APPLICATION_ROLE: &str = "seva_application";
/// Prefix of the folders of test clusters; the number of the process that owns it follows.
const FOLDER: &str = "seva-test-";

/// The cluster ends with this process: its watchdog sees that we are gone.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let folders = std::env::temp_dir();
    remove_left_over(&folders);
    let data_dir = folders.join(format!("{FOLDER}{}", process::id()));
    let options = Options { durable: false, max_connections: 400, ..Options::new(data_dir) };
    let cluster = Cluster::start(options).unwrap();
    cluster.execute("postgres", &format!("create role {APPLICATION_ROLE} login")).unwrap();
    cluster
});

/// Migrated templates by name.
static TEMPLATES: LazyLock<Mutex<HashMap<&'static str, String>>> = LazyLock::new(Mutex::default);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database of one test.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// As the service sees it, with the application's rights.
    pub db: Database,
    /// As its owner sees it, for looking at everything.
    pub owner: PgPool,
    /// The application's URL.
    pub url: String,
    /// The owner's URL.
    pub owner_url: String,
}

impl TestDatabase {
    /// A fresh database of `service` with its migrations.
    pub async fn new(service: &'static str, migrator: &'static Migrator) -> Self {
        let template = template(service, migrator).await;
        let name = format!("t{}_{service}", COUNT.fetch_add(1, Ordering::Relaxed));
        execute(&format!("create database {name} template {template}")).await;
        let owner_url = CLUSTER.url(&name);
        let url = owner_url.replacen("postgres://seva@", &format!("postgres://{APPLICATION_ROLE}@"), 1);
        let db = Database::open(service, &url).unwrap();
        let owner = sqlx::postgres::PgPoolOptions::new().max_connections(4).connect_lazy(&owner_url).unwrap();
        Self { db, owner, url, owner_url }
    }
}

/// Begins on a pool of a test's own, to stand in the way of what is tested.
#[expect(clippy::disallowed_methods, reason = "no test cancels it")]
pub async fn begin(pool: &PgPool) -> Transaction<'static, Postgres> {
    pool.begin().await.unwrap()
}

/// The migrated template of a service, made once.
async fn template(service: &'static str, migrator: &'static Migrator) -> String {
    let mut templates = TEMPLATES.lock().await;
    if let Some(template) = templates.get(service) {
        return template.clone();
    }
    let template = format!("template_{service}");
    execute(&format!("create database {template}")).await;
    migrate::run(&CLUSTER.url(&template), Some(APPLICATION_ROLE), migrator).await.unwrap();
    templates.insert(service, template.clone());
    template
}

async fn execute(sql: &str) {
    let mut connection = PgConnection::connect(&CLUSTER.url("postgres")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Removes the folders of test runs whose process is gone.
fn remove_left_over(folders: &Path) {
    let mut left_over = Vec::new();
    for entry in fs::read_dir(folders).unwrap().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(FOLDER)).and_then(|id| id.parse::<u32>().ok());
        match owner {
            // Of an earlier process with our number: its place is needed now.
            Some(owner) if owner == process::id() => fs::remove_dir_all(entry.path()).unwrap(),
            Some(owner) if !PathBuf::from(format!("/proc/{owner}")).exists() => left_over.push(entry.path()),
            _ => {}
        }
    }
    if !left_over.is_empty() {
        // Tens of thousands of files: they go beside this run, and after its end if need be. Somebody else may be removing the same.
        std::thread::spawn(|| process::Command::new("rm").arg("-rf").args(left_over).status());
    }
}
