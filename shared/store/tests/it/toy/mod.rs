//! Two toy services: `accounts`, whose writes have the shapes that services use, and `ledger`, which reads its events.

pub mod account;
pub mod ledger;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
};

use seva_runtime::tasks::{OnFailure, Tasks};
use seva_store::{
    Database, Event,
    feed::{self, Feed},
    sequencer,
};
use seva_testkit::{TestDatabase, eventually};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// A fresh database of the accounts.
pub async fn accounts() -> TestDatabase {
    TestDatabase::new("accounts", &account::MIGRATOR).await
}

/// A fresh database of the ledger.
pub async fn ledgers() -> TestDatabase {
    TestDatabase::new("ledger", &ledger::MIGRATOR).await
}

/// Runs `work` beside the test until the token that it gets is cancelled.
pub fn beside<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(CancellationToken) -> F) -> DropGuard {
    let stopping = CancellationToken::new();
    let work = work(stopping.clone());
    Tasks::new().spawn("beside", OnFailure::Log, async {
        work.await;
        Ok::<_, Infallible>(())
    });
    stopping.drop_guard()
}

/// A process with a sequencer and a tail reader.
pub struct Process {
    pub feed: Feed,
    _running: [DropGuard; 2],
}

impl Process {
    pub fn start(db: &Database) -> Self {
        let feed = Feed::new(db.clone());
        let sequencing = beside(|stopping| sequencer::run(db.clone(), feed.clone(), stopping));
        let following = beside(|stopping| feed::follow(feed.clone(), stopping));
        Self { feed, _running: [sequencing, following] }
    }
}

/// Waits until every committed event has its feed number.
pub async fn drained(db: &Database) {
    eventually("the sequencer has drained", || async {
        sequencer::is_drained(db).await.unwrap_or(false).then_some(())
    })
    .await;
}

/// The whole feed, read as a subscriber reads that lies far behind.
pub async fn whole_feed(db: &Database) -> Vec<Arc<Event>> {
    let feed = Feed::new(db.clone());
    let mut events: Vec<Arc<Event>> = Vec::new();
    loop {
        let cursor = events.last().map_or(0, |event| event.feed_no);
        let next = feed.read_after(cursor).await.unwrap();
        if next.is_empty() {
            return events;
        }
        events.extend(next);
    }
}

/// What is wrong with a feed that has to tell `committed`; empty: nothing.
pub fn faults_of_feed(events: &[Arc<Event>], committed: &BTreeSet<Uuid>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut sequences: BTreeMap<&str, i64> = BTreeMap::new();
    for (event, expected) in events.iter().zip(1..) {
        if event.feed_no != expected {
            faults.push(format!("number {} where {expected} was expected", event.feed_no));
        }
        let last = sequences.insert(&event.subject, event.sequence).unwrap_or(0);
        if event.sequence != last + 1 {
            faults.push(format!("{}: {} follows {last}", event.subject, event.sequence));
        }
    }
    let told: BTreeSet<Uuid> = events.iter().map(|event| event.event_id).collect();
    if told.len() != events.len() {
        faults.push(format!("{} events are told twice", events.len() - told.len()));
    }
    faults.extend(committed.difference(&told).map(|lost| format!("{lost} is lost")));
    faults.extend(told.difference(committed).map(|unknown| format!("{unknown} was never committed")));
    faults
}
