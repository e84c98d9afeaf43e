//! Two clocks: business time, which is injected and can stand still, and machine time, which is real.
//!
//! Business time decides promises, quiet hours and due work. Machine time decides leases, retries, tokens and retention.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;

/// Real time, for leases, retries, tokens, retention and telemetry; in whole microseconds, as PostgreSQL keeps it, so that what a caller is
/// told before a write equals what is read after it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
pub fn machine_now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).expect("a machine's clock stays within a timestamp's range")
}

/// The business clock of a process: the machine's, or one that is moved by hand.
#[derive(Debug, Clone)]
pub struct BusinessClock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl BusinessClock {
    /// Runs with the machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Stands at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// The business time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => machine_now(),
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Moves a manual clock forward; answers whether it did: business time never runs backwards, and a system clock is not moved.
    pub fn advance_to(&self, to: Timestamp) -> bool {
        match &self.0 {
            Source::System => false,
            Source::Manual(time) => time.send_if_modified(|now| {
                let forward = to > *now;
                if forward {
                    *now = to;
                }
                forward
            }),
        }
    }

    /// Whether it is moved by hand.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Waits until business time is `due` or `at_most` of real time has passed.
    pub async fn sleep_until(&self, due: Option<Timestamp>, at_most: Duration) {
        match &self.0 {
            Source::System => {
                let until_due = due.map_or(at_most, |due| {
                    Duration::try_from(due.duration_since(machine_now())).unwrap_or(Duration::ZERO)
                });
                tokio::time::sleep(until_due.min(at_most)).await;
            }
            Source::Manual(time) => {
                let mut time = time.subscribe();
                let due_now = time.wait_for(|now| due.is_some_and(|due| due <= *now));
                // The sender lives as long as this clock, so the wait ends by the time or the limit.
                let _ = tokio::time::timeout(at_most, due_now).await;
            }
        }
    }
}
