//! The end of what is kept of messages that came in.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_runtime::{Error, clock::machine_now};
use seva_store::{Database, due::DueWork};

use super::store;

/// How long a message that came in is kept, and its identity remembered, in machine time: as long as an event of another system is.
pub const INBOUND_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Between two rounds, in machine time.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// Messages that one statement removes at most, so that it stays short.
const ROWS: i64 = 2000;

/// Removes messages that were kept long enough. It goes by machine time: business time may stand still or leap.
#[derive(Debug)]
pub struct Retention {
    db: Database,
    next_round_at: Mutex<Timestamp>,
}

impl Retention {
    /// Retention of this database; the first round comes at once.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db, next_round_at: Mutex::new(Timestamp::MIN) }
    }

    /// Removes what is too old at machine time `now`, a limited number; answers how many.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn forget(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(store::forget(&self.db, now - INBOUND_KEPT, ROWS).await?)
    }
}

#[async_trait]
impl DueWork for Retention {
    fn name(&self) -> &'static str {
        "inbound_retention"
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
