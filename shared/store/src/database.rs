//! The pools of one service's database and the one way to write.

use std::{future::Future, sync::Arc, time::Duration};

use seva_runtime::{Error, deadline};
use sqlx::{
    PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Notify;

use crate::Fault;

/// Connections for calls, per service.
const CALL_CONNECTIONS: u32 = 8;
/// Connections for workers and consumers, per service.
const WORKER_CONNECTIONS: u32 = 4;
/// Begins a transaction. What is written in one are arrays of which no two are equally long, for each of which PostgreSQL would plan anew, and that
/// takes longer than the statement. Claims of due work stand outside: how many rows they take is what their plan depends on.
const BEGIN: &str = "begin; set local plan_cache_mode = force_generic_plan";
/// The same, whose commit does not wait for the disk.
const BEGIN_EFFECT: &str = "begin; set local plan_cache_mode = force_generic_plan; set local synchronous_commit = off";
/// How long a call waits for a connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// One service's database: a cheap handle.
#[derive(Debug, Clone)]
pub struct Database {
    service: &'static str,
    calls: PgPool,
    workers: PgPool,
    options: PgConnectOptions,
    committed: Arc<Notify>,
}

impl Database {
    /// Opens pools on `url` without connecting yet; `service` names the connections, such as `customers`.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn open(service: &'static str, url: &str) -> Result<Self, Fault> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name(&format!("seva-{service}")).options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
        let calls = PgPoolOptions::new()
            .max_connections(CALL_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        // Plans are kept with a connection. One that was made while a table was young reads it from end to end when it has grown, and
        // workers look for the same few rows for ever: they have an index for everything.
        let by_index = options.clone().options([("enable_seqscan", "off")]);
        let workers = PgPoolOptions::new()
            .max_connections(WORKER_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(by_index);
        Ok(Self { service, calls, workers, options, committed: Arc::default() })
    }

    /// The service whose database it is.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Its events' source: `//customers`.
    pub fn source(&self) -> String {
        format!("//{}", self.service)
    }

    /// Connections for calls. They never hold a transaction open.
    pub fn calls(&self) -> &PgPool {
        &self.calls
    }

    /// Connections for workers and consumers. Transactions are begun by [`Database::begin`] alone.
    pub fn workers(&self) -> &PgPool {
        &self.workers
    }

    /// Settings of a connection of one's own, outside the pools.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Runs a write statement on [`Database::calls`]: not after the caller's deadline, and the sequencer is told of its commit.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` before the statement starts, and whatever the statement fails with.
    pub async fn write<T>(&self, statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Fault> {
        deadline::check()?;
        let written = statement.await?;
        self.announce_commit();
        Ok(written)
    }

    /// Begins a transaction on a worker's connection; for consumers and for writes over several aggregates.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Fault> {
        deadline::check()?;
        self.begin_with(BEGIN).await
    }

    /// Begins the transaction of a consumer's effect, whose commit does not wait for the disk.
    ///
    /// PostgreSQL writes its log in order, so whatever waits for the disk later has this commit on it first: the sequencer's commit, before
    /// anybody is told of an event of the effect, and the claim of work that the effect made due. What a crash takes away before that is the
    /// effect together with its cursor, and it happens again. Nobody was promised anything of it.
    ///
    /// # Errors
    /// When there is no connection.
    pub(crate) async fn begin_effect(&self) -> Result<Transaction<'static, Postgres>, Fault> {
        self.begin_with(BEGIN_EFFECT).await
    }

    /// Begins to the end, whatever becomes of the caller: sqlx 0.9.0 gives a connection back inside a transaction when its beginning is cancelled.
    #[expect(clippy::disallowed_methods, reason = "lives as long as one statement and answers to the caller")]
    async fn begin_with(&self, statement: &'static str) -> Result<Transaction<'static, Postgres>, Fault> {
        let workers = self.workers.clone();
        let beginning = tokio::spawn(async move { workers.begin_with(statement).await });
        // Nobody aborts the task and it does not panic: it fails only with the runtime, which takes the caller along.
        Ok(beginning.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
    }

    /// Commits and tells the sequencer.
    ///
    /// # Errors
    /// When the commit fails; whether it happened is then not known.
    pub async fn commit(&self, transaction: Transaction<'static, Postgres>) -> Result<(), Fault> {
        transaction.commit().await?;
        self.announce_commit();
        Ok(())
    }

    fn announce_commit(&self) {
        self.committed.notify_one();
    }

    /// Resolves after a commit of this process.
    pub(crate) async fn commit_announced(&self) {
        self.committed.notified().await;
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("select 1").execute(&self.calls).await.map_err(Fault::from)?;
        Ok(())
    }

    /// Closes the pools after their last use.
    pub async fn close(&self) {
        self.calls.close().await;
        self.workers.close().await;
    }
}
