//! Another service's events, each applied once in effect.
//!
//! The cursor lies in the consumer's own database and moves in the transaction of the effect; whoever does not move it has no effect. No
//! transaction is open while the network is waited for. The lease on the cursor's row only saves double work.

mod apply;
mod arrivals;
mod cursor;
mod source;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use seva_runtime::Error;
use sqlx::PgConnection;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use cursor::{Standing, feed_no_before, rebase, standings};
pub use source::{EventSource, GrpcSource};

pub(crate) use apply::apply_one;
pub(crate) use cursor::hold;

use crate::{
    Database, Event, Fault,
    feed::{Batch, Start},
};
use apply::Progress;
use arrivals::together;
use cursor::Lease;

/// How often a held lease is renewed while nothing comes.
const RENEWAL: Duration = Duration::from_secs(5);
/// Pauses between tries after a passing fault: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After a batch that brought it to the head of the feed a consumer rests so many times as long as the batch took. On a busy machine what comes
/// meanwhile is applied together: a transaction takes hardly longer for ten events than for one, and one for each would keep the machine busy.
const REST: u32 = 2;
/// The longest such rest.
const LONGEST_REST: Duration = Duration::from_millis(25);

/// What a service does with other services' events.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Applies events in order, inside a transaction that also moves the cursor. Ignores types it does not know, makes no call over the
    /// network, and writes many rows with `unnest`.
    ///
    /// An effect that creates has a unique key of the event's id; a projection writes only over an older sequence: then a cursor can be
    /// set back.
    ///
    /// # Errors
    /// A permanent fault ([`Fault::is_permanent`]) is a dead letter; anything else is tried again.
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault>;

    /// Called after the commit of a batch that had events: wakes the work that it made due.
    fn committed(&self) {}
}

/// Reads one source for one purpose.
#[derive(Clone)]
pub struct Consumer {
    name: &'static str,
    db: Database,
    source: Arc<dyn EventSource>,
    handler: Arc<dyn Handler>,
    applied: Arc<watch::Sender<Standing>>,
}

impl Consumer {
    /// A consumer; its name is its identity for ever, such as `notices`.
    pub fn new(name: &'static str, db: Database, source: Arc<dyn EventSource>, handler: Arc<dyn Handler>) -> Self {
        let standing = Standing { consumer: name.to_owned(), source: source.name(), feed_no: 0, head: 0 };
        Self { name, db, source, handler, applied: Arc::new(watch::Sender::new(standing)) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whose events it reads, such as `//customers`.
    pub fn source(&self) -> String {
        self.source.name()
    }

    /// What it does with them.
    pub(crate) fn handler(&self) -> &Arc<dyn Handler> {
        &self.handler
    }

    /// How far it is, as this process knows.
    pub fn standing(&self) -> Standing {
        self.applied.borrow().clone()
    }

    /// Reads until `stopping`. Faults are logged, counted and tried again; a cursor that the source refuses stops this source until it is
    /// rebased.
    pub async fn run(self, stopping: CancellationToken) {
        let owner = seva_values::id::new_id();
        let mut pause = FIRST_PAUSE;
        while !stopping.is_cancelled() {
            let started = Instant::now();
            let ended = tokio::select! {
                ended = self.read(owner, &stopping) => ended,
                () = stopping.cancelled() => break,
            };
            if started.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            match ended {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(consumer = self.name, source = self.source.name(), reason = error.reason_name(), %error,
                        "consumer interrupted; trying again");
                    crate::metrics::consumer_interrupted(self.name, &self.source.name(), error.reason_name());
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => break,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if let Err(fault) = cursor::release(&self.db, self.name, &self.source.name(), owner).await {
            tracing::debug!(consumer = self.name, %fault, "the lease runs out by itself");
        }
    }

    /// Takes the lease and applies what comes, until the stream ends or the lease is lost.
    async fn read(&self, owner: Uuid, stopping: &CancellationToken) -> Result<(), Error> {
        let Some(mut lease) = cursor::acquire(&self.db, self.name, &self.source.name(), owner).await? else {
            return Ok(());
        };
        let start = match &lease.epoch {
            None if lease.feed_no == 0 => Start::Earliest,
            epoch => Start::After { feed_no: lease.feed_no, epoch: epoch.clone() },
        };
        let mut arrivals = together(self.source.subscribe(start).await?);
        let mut renewal = tokio::time::interval(RENEWAL);
        loop {
            let arrived = tokio::select! {
                biased;
                () = stopping.cancelled() => return Ok(()),
                arrived = arrivals.next() => arrived,
                _ = renewal.tick() => {
                    if !cursor::renew(&self.db, &lease).await? {
                        return Ok(());
                    }
                    continue;
                }
            };
            let Some(arrived) = arrived else { return Ok(()) };
            let begun = Instant::now();
            let mut is_at_head = false;
            for batch in arrived {
                let batch = batch?;
                is_at_head = !batch.events.is_empty() && batch.last_feed_no >= batch.head;
                if !self.take(&mut lease, batch).await? {
                    return Ok(());
                }
            }
            if is_at_head {
                tokio::time::sleep((begun.elapsed() * REST).min(LONGEST_REST)).await;
            }
        }
    }

    /// Applies a batch, again and again after passing faults; answers whether the lease is still held.
    async fn take(&self, lease: &mut Lease, batch: Batch) -> Result<bool, Error> {
        let mut progress = Progress::default();
        let mut pause = FIRST_PAUSE;
        while let Err(fault) = apply::batch(self, lease, &batch, &mut progress).await {
            if matches!(fault, apply::Interruption::LeaseLost) {
                return Ok(false);
            }
            tracing::warn!(consumer = self.name, source = self.source.name(), %fault, "a batch failed; trying again");
            crate::metrics::batch_retried(self.name, &self.source.name());
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            // Many tries outlast a lease. If another process took over each time, it would count an event's failures from nothing, and
            // one that always fails would never be a dead letter. When it cannot be renewed for now, the next try tells.
            if matches!(cursor::renew(&self.db, lease).await, Ok(false)) {
                return Ok(false);
            }
        }
        lease.feed_no = batch.last_feed_no;
        lease.epoch = Some(batch.epoch);
        self.applied.send_modify(|standing| {
            standing.feed_no = batch.last_feed_no;
            standing.head = batch.head;
        });
        if !batch.events.is_empty() {
            self.handler.committed();
        }
        Ok(true)
    }
}
