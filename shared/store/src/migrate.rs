//! Brings a database to the present schema: first the shared one (`seva`, with its own history), then the service's.

use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use crate::Fault;

/// The shared schema.
static SHARED: Migrator = sqlx::migrate!("./migrations");

/// Of the advisory lock that one migrating process holds.
const LOCK: i64 = 0x5345_5641_4d49_4752;

/// Why a database could not be brought to the present schema.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Database(#[from] Fault),
    /// A migration failed, or the database's history differs from the program's.
    #[error("{history}: {source}")]
    Migration {
        /// Whose history.
        history: &'static str,
        /// What happened.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The database's schema is not the program's.
    #[error("{history}: the database lacks migration {version}; run `seva migrate` first")]
    Behind {
        /// Whose history.
        history: &'static str,
        /// The first missing version.
        version: i64,
    },
}

/// Migrates as the owner of the database and gives `application_role` what it needs: no DDL, and audit and outbox to insert and select only.
///
/// Several processes may do it at once: one after the other does.
///
/// # Errors
/// See [`Error`].
pub async fn run(owner_url: &str, application_role: Option<&str>, service: &Migrator) -> Result<(), Error> {
    let options: PgConnectOptions = owner_url.parse().map_err(Fault::from)?;
    // Held until its connection ends: neither `create schema` nor grants bear company.
    let mut lock = PgConnection::connect_with(&options).await.map_err(Fault::from)?;
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut lock).await.map_err(Fault::from)?;
    let mut shared = connect(&options, "seva").await?;
    sqlx::raw_sql("create schema if not exists seva").execute(&mut shared).await.map_err(Fault::from)?;
    SHARED
        .run_direct(None, &mut shared, false)
        .await
        .map_err(|source| Error::Migration { history: "shared schema", source })?;
    let mut own = connect(&options, "public").await?;
    service
        .run_direct(None, &mut own, false)
        .await
        .map_err(|source| Error::Migration { history: "service's schema", source })?;
    if let Some(role) = application_role {
        grant(&mut own, role).await?;
    }
    for connection in [shared, own, lock] {
        connection.close().await.map_err(Fault::from)?;
    }
    Ok(())
}

/// Whether the database is at the program's schema; a server asks before it says that it is ready.
///
/// # Errors
/// [`Error::Behind`] and [`Error::Database`].
pub async fn check(db: &crate::Database, service: &Migrator) -> Result<(), Error> {
    for (history, table, migrator) in [
        ("shared schema", "select version from seva._sqlx_migrations where success", &SHARED),
        ("service's schema", "select version from public._sqlx_migrations where success", service),
    ] {
        let done: Vec<i64> = sqlx::query_scalar(table).fetch_all(db.calls()).await.map_err(Fault::from)?;
        if let Some(missing) = migrator.iter().find(|migration| !done.contains(&migration.version)) {
            return Err(Error::Behind { history, version: missing.version });
        }
    }
    Ok(())
}

async fn connect(options: &PgConnectOptions, schema: &str) -> Result<PgConnection, Fault> {
    Ok(PgConnection::connect_with(&options.clone().options([("search_path", schema), ("lock_timeout", "10s")])).await?)
}

/// Grants an application role its rights; the role's name is quoted as an identifier.
async fn grant(connection: &mut PgConnection, role: &str) -> Result<(), Fault> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let quoted = format!("'{}'", role.replace('\'', "''"));
    let grants = format!(
        "grant usage on schema seva, public to {role};
         grant select, insert, update, delete on all tables in schema public, seva to {role};
         revoke update, delete on seva.outbox, seva.audit from {role};
         do $$ declare v_partition regclass; begin
             -- Reached through their parent alone.
             for v_partition in select inhrelid from pg_inherits where inhparent = 'seva.outbox'::regclass loop
                 execute format('revoke all on %s from %s', v_partition, {quoted});
             end loop;
         end $$;
         revoke insert, update, delete on public._sqlx_migrations, seva._sqlx_migrations from {role};
         grant usage on all sequences in schema public, seva to {role};
         grant execute on all functions in schema seva to {role};"
    );
    sqlx::raw_sql(AssertSqlSafe(grants)).execute(connection).await?;
    Ok(())
}
