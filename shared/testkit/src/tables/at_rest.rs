//! An installation that does not run, opened for looking at all of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use seva_postgres::{Cluster, Options};
use seva_values::HumanNumber;
use sqlx::{Connection, PgConnection};

use super::{
    catalog::{self, Table},
    left_out::LEFT_OUT,
    likeness::Rows,
    mails,
    text::OtherNames,
};

/// What mails are called among the tables.
const MAILS: &str = "mails";

/// The databases and the mail of a data folder. Its PostgreSQL runs for as long as this value lives.
#[derive(Debug)]
pub struct AtRest {
    connections: BTreeMap<String, PgConnection>,
    names: OtherNames,
    mail: PathBuf,
    cluster: Cluster,
}

/// A table, or the folder of mails.
#[derive(Debug, Clone)]
pub enum Source {
    /// A table of a database.
    Table(Table),
    /// The folder of mails.
    Mails,
}

impl Source {
    /// With its database, such as `customers.seva.outbox`.
    pub fn name(&self) -> String {
        match self {
            Self::Table(table) => table.full_name(),
            Self::Mails => MAILS.to_owned(),
        }
    }
}

impl AtRest {
    /// Starts the private PostgreSQL of a data folder that nobody uses.
    pub async fn open(data_dir: &Path) -> Self {
        let options = Options::new(data_dir.join("postgres"));
        let cluster = tokio::task::spawn_blocking(|| Cluster::start(options).unwrap()).await.unwrap();
        let mut first = PgConnection::connect(&cluster.url("postgres")).await.unwrap();
        let databases: Vec<String> = sqlx::query_scalar(
            "select datname::text from pg_database where not datistemplate and datname <> 'postgres'",
        )
        .fetch_all(&mut first)
        .await
        .unwrap();
        first.close().await.unwrap();
        let mut connections = BTreeMap::new();
        for database in databases {
            let mut connection = PgConnection::connect(&cluster.url(&database)).await.unwrap();
            // Times as text are the same on both sides.
            sqlx::query("set timezone = 'UTC'").execute(&mut connection).await.unwrap();
            connections.insert(database, connection);
        }
        let mut names = OtherNames::default();
        if let Some(tickets) = connections.get_mut("tickets") {
            let numbers = sqlx::query_as::<_, (i64, String)>("select number, id::text from ticket");
            for (number, id) in numbers.fetch_all(tickets).await.unwrap() {
                names.add(HumanNumber::new(number).unwrap().to_string(), id);
            }
        }
        Self { connections, names, mail: data_dir.join("mail"), cluster }
    }

    /// The databases, each with the URL of a role that sees everything.
    pub fn urls(&self) -> BTreeMap<String, String> {
        self.connections.keys().map(|database| (database.clone(), self.cluster.url(database))).collect()
    }

    /// The connection through which a database is looked at.
    pub fn connection(&mut self, database: &str) -> &mut PgConnection {
        self.connections.get_mut(database).unwrap_or_else(|| panic!("there is no database {database}"))
    }

    /// All that is compared.
    pub async fn sources(&mut self) -> Vec<Source> {
        let mut sources = Vec::new();
        for (database, connection) in &mut self.connections {
            sources.extend(catalog::tables(database, connection).await.into_iter().map(Source::Table));
        }
        sources.push(Source::Mails);
        sources
    }

    /// What is compared of each row or mail, in no order.
    pub async fn rows(&mut self, source: &Source) -> Vec<String> {
        let rows = match source {
            Source::Table(table) => table.rows(self.connection(&table.database)).await,
            Source::Mails => mails::rows(&self.mail),
        };
        rows.into_iter().map(|row| self.names.replaced(&row)).collect()
    }

    /// Everything that is compared.
    pub async fn all_rows(&mut self) -> Rows {
        let mut rows = Rows::default();
        for source in self.sources().await {
            rows.add(&source.name(), &self.rows(&source).await);
        }
        rows
    }

    /// What is wrong whatever it is compared with: mails that were written twice, that are missing, or that nobody sent; and entries of
    /// [`LEFT_OUT`] that name nothing.
    pub async fn faults(&mut self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(notifications) = self.connections.get_mut("notifications") {
            let sent: Vec<String> = sqlx::query_scalar("select id::text from notification where state = 'sent'")
                .fetch_all(notifications)
                .await
                .unwrap();
            faults.extend(mails::faults(&self.mail, &sent.into_iter().collect::<BTreeSet<_>>()));
        }
        let sources = self.sources().await;
        let tables = || {
            sources.iter().filter_map(|source| match source {
                Source::Table(table) => Some(table),
                Source::Mails => None,
            })
        };
        for left_out in &LEFT_OUT {
            for column in left_out.columns {
                if !tables().any(|table| left_out.is_of(table) && table.columns.iter().any(|known| known == column)) {
                    faults.push(format!("{column} of {} is left out and does not exist", left_out.table));
                }
            }
        }
        faults
    }

    /// Stops its PostgreSQL.
    pub async fn close(self) {
        for connection in self.connections.into_values() {
            connection.close().await.unwrap();
        }
        tokio::task::spawn_blocking(|| self.cluster.stop().unwrap()).await.unwrap();
    }
}
