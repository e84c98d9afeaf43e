//! The transaction of an effect: the cursor first, then the events, and what fails for good to the dead letters.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use seva_runtime::{clock::machine_now, telemetry};
use sqlx::{Acquire, PgConnection, Row};
use tracing::Instrument;
use uuid::Uuid;

use super::{Consumer, Handler, cursor, cursor::Lease};
use crate::{Event, Fault, dead_letter, feed::Batch};

/// How often an event may fail alone, for whatever reason, before it is dead.
const TRIES_ALONE: u32 = 10;

/// Failures of single events, kept while a batch is tried again.
#[derive(Debug, Default)]
pub(super) struct Progress {
    failures: HashMap<Uuid, u32>,
    /// The batch as a whole has failed for good once: events are applied one by one from then on.
    one_by_one: bool,
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interruption {
    /// Another process has moved the cursor.
    #[error("another process reads for this consumer")]
    LeaseLost,
    /// A passing fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<sqlx::Error> for Interruption {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Applies a batch in one transaction, or leaves everything as it was.
pub(super) async fn batch(
    consumer: &Consumer,
    lease: &Lease,
    batch: &Batch,
    progress: &mut Progress,
) -> Result<(), Interruption> {
    if batch.events.is_empty() && lease.epoch.as_deref() == Some(batch.epoch.as_str()) {
        return Ok(());
    }
    let mut transaction = consumer.db.begin_effect().await?;
    if !cursor::advance(&mut transaction, lease, batch.last_feed_no, &batch.epoch).await? {
        return Err(Interruption::LeaseLost);
    }
    let (waiting, ready) = split_parked(&mut transaction, lease, &batch.events).await?;
    for event in &waiting {
        park(&mut transaction, &lease.consumer, event).await?;
    }
    if progress.one_by_one {
        one_by_one(consumer, &mut transaction, lease, &ready, progress).await?;
    } else if !ready.is_empty() {
        let mut savepoint = transaction.begin().await?;
        match guarded(consumer.handler(), &mut savepoint, &ready, consumer.name).await {
            Ok(()) => savepoint.commit().await?,
            Err(fault) => {
                // A passing fault is tried again as a batch first; only what keeps failing is looked at one by one.
                let count = progress.failures.entry(Uuid::nil()).or_default();
                *count += 1;
                progress.one_by_one = fault.is_permanent() || *count >= 3;
                if !progress.one_by_one {
                    return Err(fault.into());
                }
                savepoint.rollback().await?;
                one_by_one(consumer, &mut transaction, lease, &ready, progress).await?;
            }
        }
    }
    consumer.db.commit(transaction).await?;
    Ok(())
}

/// Applies events each in a savepoint of its own; what fails for good becomes a dead letter, and what follows it waits behind it.
async fn one_by_one(
    consumer: &Consumer,
    transaction: &mut PgConnection,
    lease: &Lease,
    events: &[Arc<Event>],
    progress: &mut Progress,
) -> Result<(), Interruption> {
    let mut dead_subjects: Vec<String> = Vec::new();
    for event in events {
        if dead_subjects.contains(&event.subject) {
            park(transaction, &lease.consumer, event).await?;
            continue;
        }
        let Err(fault) = apply_one(consumer.handler(), transaction, event, consumer.name).await else { continue };
        let failures = progress.failures.entry(event.event_id).or_default();
        *failures += 1;
        if !fault.is_permanent() && *failures < TRIES_ALONE {
            return Err(fault.into());
        }
        tracing::error!(consumer = lease.consumer, source = lease.source, event_id = %event.event_id, kind = event.kind, %fault,
            "an event cannot be applied; it and what follows of its subject wait as dead letters");
        dead_letter::bury(transaction, &lease.consumer, event, &fault.told(), *failures).await?;
        dead_subjects.push(event.subject.clone());
    }
    Ok(())
}

/// Applies one event in a savepoint, which is rolled back when it fails.
pub(crate) async fn apply_one(
    handler: &Arc<dyn Handler>,
    transaction: &mut PgConnection,
    event: &Arc<Event>,
    consumer: &'static str,
) -> Result<(), Fault> {
    let mut savepoint = transaction.begin().await?;
    match guarded(handler, &mut savepoint, std::slice::from_ref(event), consumer).await {
        Ok(()) => Ok(savepoint.commit().await?),
        Err(fault) => {
            savepoint.rollback().await?;
            Err(fault)
        }
    }
}

/// Runs the handler under the trace of the first event's creation, linked to those of the others; a panic is a refusal.
async fn guarded(
    handler: &Arc<dyn Handler>,
    connection: &mut PgConnection,
    events: &[Arc<Event>],
    consumer: &'static str,
) -> Result<(), Fault> {
    let mut creations = events.iter().filter_map(|event| event.traceparent.as_deref());
    let span = telemetry::event_span(creations.next(), consumer);
    creations.for_each(|creation| telemetry::link(&span, creation));
    AssertUnwindSafe(handler.apply(connection, events).instrument(span)).catch_unwind().await.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(dead_letter::panicked(said.as_deref().unwrap_or("without a word")))
    })
}

/// Events that have to wait behind a dead letter of their subject, and the others. After a rebase come events from before the dead letter;
/// they need not wait, and behind it they would be out of order.
async fn split_parked(
    connection: &mut PgConnection,
    lease: &Lease,
    events: &[Arc<Event>],
) -> Result<(Vec<Arc<Event>>, Vec<Arc<Event>>), Fault> {
    if events.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let subjects: Vec<&str> = events.iter().map(|event| event.subject.as_str()).collect();
    let dead = sqlx::query(
        // Subject by subject, each by the index: a filter over all subjects would read every dead letter of the consumer in each batch.
        "select wanted.subject, first.feed_no from unnest($3::text[]) as wanted (subject)
         cross join lateral (
             select feed_no from seva.dead_letter
             where consumer = $1 and source = $2 and subject = wanted.subject order by feed_no limit 1
         ) as first",
    )
    .bind(&lease.consumer)
    .bind(&lease.source)
    .bind(&subjects)
    .fetch_all(connection)
    .await?;
    let dead: HashMap<String, i64> = dead.iter().map(|row| (row.get(0), row.get(1))).collect();
    Ok(events.iter().cloned().partition(|event| dead.get(&event.subject).is_some_and(|first| event.feed_no >= *first)))
}

/// Puts an event behind the dead letter of its subject.
pub(crate) async fn park(connection: &mut PgConnection, consumer: &str, event: &Event) -> Result<(), Fault> {
    dead_letter::insert(
        connection,
        consumer,
        event,
        "parked",
        "waits behind an earlier event of its subject",
        0,
        machine_now(),
    )
    .await
}
