//! The feed of a service: its events in the one order that all readers see.
//!
//! One tail reader per process reads new events and keeps the newest in memory; every subscriber that keeps up is served from there. One that
//! lies further behind reads the table until it has caught up.

mod rpc;
mod tail;

use std::{
    collections::VecDeque,
    sync::{Arc, RwLock},
};

use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use sqlx::{FromRow, Row, postgres::PgRow};
use tokio::sync::watch;
use tonic::Code;
use uuid::Uuid;

pub use rpc::FeedRpc;
pub use tail::follow;

use crate::{Database, Event, Fault};

/// Events that one batch holds at most.
pub const BATCH: usize = 200;
/// Events that are kept in memory for subscribers that keep up.
const KEPT_IN_MEMORY: usize = 8192;

/// Where a reader stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Before the oldest event that is kept.
    Earliest,
    /// After the newest.
    Latest,
    /// After this number, read in this epoch.
    After {
        /// The last number that was seen.
        feed_no: i64,
        /// The epoch in which it was seen, if known.
        epoch: Option<String>,
    },
}

/// Some events in feed order; none: a heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// In feed order, without gaps.
    pub events: Vec<Arc<Event>>,
    /// The cursor after them.
    pub last_feed_no: i64,
    /// The newest number of the feed.
    pub head: i64,
    /// The feed's epoch.
    pub epoch: String,
}

/// Where a feed begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The newest number.
    pub head: i64,
    /// Cursors below it have expired.
    pub floor: i64,
    /// Changed after a restore.
    pub epoch: Uuid,
}

/// A service's feed: a cheap handle.
#[derive(Debug, Clone)]
pub struct Feed {
    db: Database,
    /// The newest number that was given.
    sequenced: Arc<watch::Sender<i64>>,
    /// The newest number that subscribers can read; the tail reader moves it.
    readable: Arc<watch::Sender<i64>>,
    newest: Arc<RwLock<VecDeque<Arc<Event>>>>,
}

impl Feed {
    /// The feed of this database. [`follow`] has to run for it to move.
    pub fn new(db: Database) -> Self {
        Self { db, sequenced: Arc::default(), readable: Arc::default(), newest: Arc::default() }
    }

    /// Tells the tail reader that the feed has grown.
    pub(crate) fn announce_head(&self, head: i64) {
        raise(&self.sequenced, head);
    }

    /// Whose events they are, such as `//customers`.
    pub fn source(&self) -> String {
        self.db.source()
    }

    /// The newest number that this process knows of.
    pub fn head(&self) -> i64 {
        *self.sequenced.borrow()
    }

    /// Where the feed begins and ends, from the database.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn bounds(&self) -> Result<Bounds, Fault> {
        let row = sqlx::query("select head, floor, epoch from seva.feed_state").fetch_one(self.db.workers()).await?;
        Ok(Bounds { head: row.try_get(0)?, floor: row.try_get(1)?, epoch: row.try_get(2)? })
    }

    /// Turns a start into a cursor.
    ///
    /// # Errors
    /// `FEED_CURSOR_EXPIRED`, `FEED_CURSOR_AHEAD`, `FEED_EPOCH_CHANGED`.
    pub async fn cursor(&self, start: &Start) -> Result<(i64, Uuid), Error> {
        let Bounds { head, floor, epoch } = self.bounds().await?;
        let cursor = match start {
            Start::Earliest => floor,
            Start::Latest => head,
            Start::After { epoch: Some(seen), .. } if *seen != epoch.to_string() => {
                return Err(Error::precondition(
                    ErrorReason::FeedEpochChanged,
                    "FEED_EPOCH",
                    "feed",
                    "the feed was restored to another history; rebase the consumer",
                )
                .with_metadata("epoch", epoch.to_string()));
            }
            Start::After { feed_no, .. } if *feed_no < floor => {
                return Err(Error::new(
                    Code::OutOfRange,
                    ErrorReason::FeedCursorExpired,
                    format!("the feed no longer holds what follows {feed_no}; list the owner's resources and start at its head"),
                )
                .with_metadata("floor", floor.to_string()));
            }
            Start::After { feed_no, .. } if *feed_no > head => {
                return Err(Error::new(
                    Code::OutOfRange,
                    ErrorReason::FeedCursorAhead,
                    format!("the feed ends at {head}, before {feed_no}: was it restored?"),
                )
                .with_metadata("head", head.to_string()));
            }
            Start::After { feed_no, .. } => *feed_no,
        };
        self.announce_head(head);
        Ok((cursor, epoch))
    }

    /// What follows `cursor`, at most [`BATCH`] events; none when there is nothing new.
    ///
    /// # Errors
    /// When the database cannot be asked, and `FEED_CURSOR_EXPIRED` when the reader was overtaken by retention.
    pub async fn read_after(&self, cursor: i64) -> Result<Vec<Arc<Event>>, Error> {
        if let Some(events) = self.read_memory(cursor) {
            return Ok(events);
        }
        let events = read_table(&self.db, cursor, BATCH).await?;
        // Days end within each other, so what retention leaves below its floor has holes: nothing is told from beyond one.
        let is_gone = !events.is_empty();
        let unbroken = events.into_iter().zip(cursor + 1..).take_while(|(event, expected)| event.feed_no == *expected);
        let events: Vec<_> = unbroken.map(|(event, _)| Arc::new(event)).collect();
        if events.is_empty() && is_gone {
            return Err(Error::new(
                Code::OutOfRange,
                ErrorReason::FeedCursorExpired,
                format!("the feed no longer holds what follows {cursor}"),
            ));
        }
        Ok(events)
    }

    /// What follows `cursor` when memory reaches back that far.
    fn read_memory(&self, cursor: i64) -> Option<Vec<Arc<Event>>> {
        let newest = self.newest.read().expect("no holder of this lock panics");
        let first = newest.front()?.feed_no;
        let skip = usize::try_from(cursor + 1 - first).ok()?;
        Some(newest.iter().skip(skip).take(BATCH).cloned().collect())
    }

    /// Puts freshly read events into memory.
    fn keep(&self, events: impl IntoIterator<Item = Event>) {
        let mut newest = self.newest.write().expect("no holder of this lock panics");
        for event in events {
            // Readers count on numbers without gaps; after one, memory begins anew.
            if newest.back().is_some_and(|last| last.feed_no + 1 != event.feed_no) {
                newest.clear();
            }
            newest.push_back(Arc::new(event));
        }
        let excess = newest.len().saturating_sub(KEPT_IN_MEMORY);
        newest.drain(..excess);
    }

    /// Waits until there is something to read after `cursor`.
    pub async fn wait_beyond(&self, cursor: i64) {
        wait_above(&self.readable, cursor).await;
    }
}

/// Sets a watched number unless it is that high already.
fn raise(watched: &watch::Sender<i64>, to: i64) {
    watched.send_if_modified(|known| {
        let grown = to > *known;
        if grown {
            *known = to;
        }
        grown
    });
}

/// Waits until a watched number is above `bound`.
async fn wait_above(watched: &watch::Sender<i64>, bound: i64) {
    // The sender outlives the wait, so it ends only by a higher number.
    let _ = watched.subscribe().wait_for(|known| *known > bound).await;
}

/// Reads the table after `cursor`, in feed order.
async fn read_table(db: &Database, cursor: i64, limit: usize) -> Result<Vec<Event>, Fault> {
    let source = db.source();
    let rows: Vec<FeedRow> = sqlx::query_as(
        // Event by event, each by its key, whatever is known of the tables' sizes: a join of the two may be planned as one over all events
        // that are kept. `offset 0` keeps the planner from making that join of it.
        "select f.feed_no, o.event_id, o.type, o.subject, o.sequence, o.occurred_at, o.recorded_at, o.actor, o.correlation_id,
                o.causation_id, o.hops, o.schema_version, o.traceparent, o.payload
         from (select feed_no, position, day from seva.feed where feed_no > $1 order by feed_no limit $2) f
         cross join lateral (select * from seva.outbox where day = f.day and position = f.position offset 0) o
         order by f.feed_no",
    )
    .bind(cursor)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(db.workers())
    .await?;
    Ok(rows
        .into_iter()
        .map(|FeedRow(mut event)| {
            event.source.clone_from(&source);
            event
        })
        .collect())
}

/// A row of the feed; the source is the database's and not kept with each event.
struct FeedRow(Event);

impl FromRow<'_, PgRow> for FeedRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let time = |column: &str| row.try_get::<jiff_sqlx::Timestamp, _>(column).map(jiff_sqlx::Timestamp::to_jiff);
        Ok(Self(Event {
            event_id: row.try_get("event_id")?,
            kind: row.try_get("type")?,
            source: String::new(),
            subject: row.try_get("subject")?,
            sequence: row.try_get("sequence")?,
            occurred_at: time("occurred_at")?,
            recorded_at: time("recorded_at")?,
            actor: row.try_get("actor")?,
            correlation_id: row.try_get("correlation_id")?,
            causation_id: row.try_get("causation_id")?,
            hops: row.try_get("hops")?,
            schema_version: row.try_get("schema_version")?,
            traceparent: row.try_get("traceparent")?,
            payload: row.try_get::<Vec<u8>, _>("payload")?.into(),
            feed_no: row.try_get("feed_no")?,
        }))
    }
}
