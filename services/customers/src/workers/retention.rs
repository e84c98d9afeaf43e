//! The end of what the intake keeps for a time only.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_runtime::{Error, clock::machine_now};
use seva_store::{Database, Fault, due::DueWork};

/// How long the identity of an event of another system is remembered, and how long the body of a refused one, in machine time.
pub const INTAKE_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Between two rounds, in machine time.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// Rows that one statement removes at most, so that it stays short.
const ROWS: i64 = 5000;

/// Removes what the intake has kept long enough. It goes by machine time: business time may stand still or leap.
#[derive(Debug)]
pub struct Retention {
    db: Database,
    next_round_at: Mutex<Timestamp>,
}

impl Retention {
    /// Retention of this database; the first round comes at once.
    pub fn new(db: Database) -> Self {
        Self { db, next_round_at: Mutex::new(Timestamp::MIN) }
    }

    /// Removes what is too old at machine time `now`, a limited number of rows of each table; answers how many.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn forget(&self, now: Timestamp) -> Result<u64, Fault> {
        let before = jiff_sqlx::Timestamp::from(now - INTAKE_KEPT);
        let identities = sqlx::query!(
            "delete from intake_event e using (
                 select source, id from intake_event where received_at < $1 limit $2
             ) as old
             where e.source = old.source and e.id = old.id",
            before as _,
            ROWS
        );
        let identities = identities.execute(self.db.workers()).await?.rows_affected();
        let bodies = sqlx::query!(
            "delete from intake_quarantine where id in (
                 select id from intake_quarantine where received_at < $1 limit $2
             )",
            before as _,
            ROWS
        );
        Ok(identities + bodies.execute(self.db.workers()).await?.rows_affected())
    }
}

#[async_trait]
impl DueWork for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    async fn run_batch(&self, _: Timestamp, _: i64) -> Result<usize, Error> {
        let now = machine_now();
        if now < *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(0);
        }
        let removed = self.forget(now).await?;
        if removed == 0 {
            *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) = now + PERIOD;
        }
        Ok(usize::try_from(removed).unwrap_or(usize::MAX))
    }

    /// Nothing of it is due in business time: nobody waits for it.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }
}
