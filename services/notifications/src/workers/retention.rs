//! The end of what is kept of messages for a time only.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_runtime::{Error, clock::machine_now};
use seva_store::{Database, due::DueWork};

use crate::notification::store;

/// How long a message and the decisions about it are kept, in business time: thirteen months.
pub const NOTIFICATIONS_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);
/// Between two rounds, in machine time.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// Messages that one statement removes at most, so that it stays short.
const ROWS: i64 = 2000;

/// Removes messages that were kept long enough. Its rounds go by machine time, as nobody waits for them.
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
}

#[async_trait]
impl DueWork for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    async fn run_batch(&self, now: Timestamp, _: i64) -> Result<usize, Error> {
        let machine_time = machine_now();
        if machine_time < *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(0);
        }
        let removed =
            store::forget(&self.db, now.checked_sub(NOTIFICATIONS_KEPT).unwrap_or(Timestamp::MIN), ROWS).await?;
        if removed == 0 {
            *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) = machine_time + PERIOD;
        }
        Ok(usize::try_from(removed).unwrap_or(usize::MAX))
    }

    /// Nothing of it is due in business time.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }
}
