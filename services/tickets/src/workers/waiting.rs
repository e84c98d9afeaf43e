//! Goes on with tickets whose day has come: what was scheduled for it, or what somebody outside has named.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, due::DueWork};

use super::carry_out;
use crate::ticket::store;

/// Who says so in the events.
const ACTOR: &str = "worker:waiting";

/// The days until which tickets wait (TK12).
#[derive(Debug, Clone)]
pub struct Waiting {
    db: Database,
}

impl Waiting {
    /// Looks after the waiting tickets of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl DueWork for Waiting {
    fn name(&self) -> &'static str {
        "waiting"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::wait_due(&self.db, now, limit).await?;
        carry_out(&self.db, ACTOR, &due, now, |ticket, now| ticket.wait_is_over(now).into_iter().collect()).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_wait(&self.db).await?)
    }
}
