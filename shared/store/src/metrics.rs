//! What operators watch of the backbone: lag of feeds and due work, dead letters, pools.

use std::{sync::LazyLock, time::Duration};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge},
};
use seva_runtime::{BusinessClock, telemetry::meter};
use tokio_util::sync::CancellationToken;

use crate::{Database, Fault, consumer::Consumer, dead_letter, due::Due};

/// Between two samples.
const PERIOD: Duration = Duration::from_secs(10);

struct Instruments {
    interrupted: Counter<u64>,
    retried: Counter<u64>,
    dead: Counter<u64>,
    feed_lag: Gauge<i64>,
    due_lag: Gauge<f64>,
    dead_letters: Gauge<i64>,
    pending: Gauge<i64>,
    connections: Gauge<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = meter();
    Instruments {
        interrupted: meter.u64_counter("seva.consumer.interruptions").build(),
        retried: meter.u64_counter("seva.consumer.batch.retries").build(),
        dead: meter.u64_counter("seva.consumer.dead_letters").build(),
        feed_lag: meter.i64_gauge("seva.consumer.lag").with_unit("{event}").build(),
        due_lag: meter.f64_gauge("seva.due.lag").with_unit("s").build(),
        dead_letters: meter.i64_gauge("seva.dead_letter.count").with_unit("{event}").build(),
        pending: meter.i64_gauge("seva.outbox.pending").with_unit("{event}").build(),
        connections: meter.u64_gauge("db.client.connection.count").with_unit("{connection}").build(),
    }
});

fn of(consumer: &str, source: &str) -> [KeyValue; 2] {
    [KeyValue::new("seva.consumer", consumer.to_owned()), KeyValue::new("seva.source", source.to_owned())]
}

/// A consumer's stream ended with an error.
pub(crate) fn consumer_interrupted(consumer: &str, source: &str, reason: &'static str) {
    let [consumer, source] = of(consumer, source);
    INSTRUMENTS.interrupted.add(1, &[consumer, source, KeyValue::new("error.type", reason)]);
}

/// A batch is tried again.
pub(crate) fn batch_retried(consumer: &str, source: &str) {
    INSTRUMENTS.retried.add(1, &of(consumer, source));
}

/// An event became a dead letter.
pub(crate) fn dead_letter(consumer: &str, source: &str) {
    INSTRUMENTS.dead.add(1, &of(consumer, source));
}

/// Samples lags, dead letters and pools of one service until `stopping`.
pub async fn sample(
    db: Database,
    clock: BusinessClock,
    consumers: Vec<Consumer>,
    due: Vec<Due>,
    stopping: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopping.cancelled() => return,
        }
        if let Err(fault) = sample_once(&db, &clock, &consumers, &due).await {
            tracing::debug!(service = db.service(), %fault, "metrics could not be sampled");
        }
    }
}

async fn sample_once(db: &Database, clock: &BusinessClock, consumers: &[Consumer], due: &[Due]) -> Result<(), Fault> {
    let service = KeyValue::new("seva.service", db.service());
    for (name, pool) in [("calls", db.calls()), ("workers", db.workers())] {
        let idle = pool.num_idle() as u64;
        let used = u64::from(pool.size()).saturating_sub(idle);
        for (state, count) in [("idle", idle), ("used", used)] {
            let pool = KeyValue::new("db.client.connection.pool.name", format!("{}-{name}", db.service()));
            INSTRUMENTS.connections.record(count, &[pool, KeyValue::new("db.client.connection.state", state)]);
        }
    }
    for consumer in consumers {
        let standing = consumer.standing();
        let lag = (standing.head - standing.feed_no).max(0);
        INSTRUMENTS.feed_lag.record(lag, &of(&standing.consumer, &standing.source));
    }
    for work in due {
        let lag = match work.next_due().await? {
            Some(next) => clock.now().duration_since(next).as_secs_f64().max(0.0),
            None => 0.0,
        };
        INSTRUMENTS.due_lag.record(lag, &[service.clone(), KeyValue::new("seva.work", work.name())]);
    }
    for (consumer, source, state, count) in dead_letter::counts(db).await? {
        let [consumer, source] = of(&consumer, &source);
        INSTRUMENTS.dead_letters.record(count, &[consumer, source, KeyValue::new("seva.dead_letter.state", state)]);
    }
    let pending = sqlx::query_scalar("select count(*) from seva.outbox_pending").fetch_one(db.workers()).await?;
    INSTRUMENTS.pending.record(pending, &[service]);
    Ok(())
}
