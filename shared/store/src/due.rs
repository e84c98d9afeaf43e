//! Work whose time comes: the domain row is the schedule, and one loop carries it out.
//!
//! A claim is a short statement (`for update skip locked`) that increments the row's `attempt` and sets a lease in machine time longer than the
//! work's bound. The finish is a statement `where id = .. and attempt = ..`, so a worker whose lease has run out cannot finish another's work.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Items that one claim takes at most.
pub const BATCH: i64 = 200;
/// How long work that other processes made due waits to be seen.
const POLL: Duration = Duration::from_secs(1);
/// The longest pause after a fault.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One sort of due work.
#[async_trait]
pub trait DueWork: Send + Sync + 'static {
    /// Its name, such as `dispatch`.
    fn name(&self) -> &'static str;

    /// Claims what is due at `now`, at most `limit` items, carries it out and answers how many it claimed. Items fail for themselves; an
    /// error means that nothing could be done.
    ///
    /// # Errors
    /// When the claim fails.
    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error>;

    /// When the earliest item is due, in business time; leased items count at the end of their lease, as due now.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error>;
}

/// A sort of due work, and the bell that wakes its loop.
#[derive(Clone)]
pub struct Due {
    work: Arc<dyn DueWork>,
    bell: Bell,
    lanes: usize,
}

/// Rings when something was made due. A wake never waits for a poll.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Wakes the loop.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

impl Due {
    /// Due work with the bell that its effects ring.
    pub fn new(work: Arc<dyn DueWork>, bell: Bell) -> Self {
        Self { work, bell, lanes: 1 }
    }

    /// Carries out so many batches beside each other: for work that waits for somebody outside, so that what becomes due meanwhile does not wait
    /// for the end of a batch. Claims keep the batches apart, as they do those of several processes.
    #[must_use]
    pub fn in_lanes(self, lanes: usize) -> Self {
        Self { lanes, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.work.name()
    }

    /// When the earliest item is due, in business time.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.work.next_due().await
    }

    /// Works until `stopping`, between two batches.
    pub async fn run(self, clock: BusinessClock, stopping: CancellationToken) {
        join_all((0..self.lanes).map(|_| self.run_lane(&clock, &stopping))).await;
    }

    async fn run_lane(&self, clock: &BusinessClock, stopping: &CancellationToken) {
        let mut pause = Duration::ZERO;
        while !stopping.is_cancelled() {
            let mut looked_at = clock.now();
            match self.drain(clock, stopping, &mut looked_at).await {
                Ok(()) => pause = Duration::ZERO,
                Err(error) => {
                    tracing::warn!(work = self.name(), %error, "due work failed; trying again");
                    pause = (pause * 2).clamp(Duration::from_millis(50), LONGEST_PAUSE);
                }
            }
            let next = self.next_due().await.unwrap_or(None).filter(|_| pause.is_zero());
            // Work that was due already and yet not claimed is leased elsewhere: it is looked for at the poll, not in a busy loop. What
            // became due since the last look is not; the clock may have moved meanwhile.
            let next = next.filter(|next| *next > looked_at);
            tokio::select! {
                () = self.bell.0.notified(), if pause.is_zero() => {}
                () = clock.sleep_until(next, if pause.is_zero() { POLL } else { pause }) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Works until nothing is due at `looked_at`, the time of its last look.
    async fn drain(
        &self,
        clock: &BusinessClock,
        stopping: &CancellationToken,
        looked_at: &mut Timestamp,
    ) -> Result<(), Error> {
        while !stopping.is_cancelled() {
            *looked_at = clock.now();
            if self.work.run_batch(*looked_at, BATCH).await? == 0 {
                break;
            }
        }
        Ok(())
    }
}
