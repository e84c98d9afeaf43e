//! Asks customers again whether it is solved, and closes what nobody answers about (TK5).

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, due::DueWork};

use super::carry_out;
use crate::ticket::store;

/// Who says so in the events.
const ACTOR: &str = "worker:verification";

/// The attempts to have resolutions confirmed.
#[derive(Debug, Clone)]
pub struct Verification {
    db: Database,
}

impl Verification {
    /// Looks after the resolved tickets of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl DueWork for Verification {
    fn name(&self) -> &'static str {
        "verification"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::verification_due(&self.db, now, limit).await?;
        carry_out(&self.db, ACTOR, &due, now, |ticket, now| ticket.verify(now).into_iter().collect()).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_verification(&self.db).await?)
    }
}
