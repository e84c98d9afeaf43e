//! Events that a consumer could not apply, and those of the same subject that wait behind them.

mod retry;
mod rpc;

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    common::v1::ErrorReason,
    events::v1::{self as pb, dead_letter},
};
use seva_runtime::{Error, clock::machine_now};
use seva_values::id::{format_name, new_id};
use sqlx::{FromRow, PgConnection, QueryBuilder, Row, postgres::PgRow};
use tonic::Code;
use uuid::Uuid;

pub use rpc::DeadLetterRpc;

use crate::{
    Database, Event, Fault,
    event::proto_timestamp,
    paging::{Page, PageRequest},
};

/// Collection of their names.
pub const COLLECTION: &str = "deadLetters";

/// An event that failed, or that waits behind one.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// The consumer that could not apply it.
    pub consumer: String,
    /// Whose feed it came from.
    pub source: String,
    /// Whether it failed itself or waits.
    pub state: dead_letter::State,
    /// The event.
    pub event: Event,
    /// Why.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// Machine time.
    pub created_at: Timestamp,
}

impl FromRow<'_, PgRow> for DeadLetter {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let event = pb::Event::decode(row.try_get::<&[u8], _>("event")?).map_err(|e| sqlx::Error::Decode(e.into()))?;
        let state = match row.try_get("state")? {
            "dead" => dead_letter::State::Dead,
            _ => dead_letter::State::Parked,
        };
        Ok(Self {
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            source: row.try_get("source")?,
            state,
            event: Event::try_from(event).map_err(|e| sqlx::Error::Decode(e.into()))?,
            error: row.try_get("error")?,
            attempts: row.try_get("attempts")?,
            created_at: row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.to_jiff(),
        })
    }
}

impl From<DeadLetter> for pb::DeadLetter {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, consumer, source, state, event, error, attempts, created_at } = letter;
        Self {
            name: format_name(COLLECTION, id),
            consumer,
            source,
            state: state.into(),
            event: Some(pb::Event::from(&event)),
            error,
            attempts,
            create_time: Some(proto_timestamp(created_at)),
        }
    }
}

/// The fault of a handler that panicked: permanent, as the same event would do it again.
pub(crate) fn panicked(said: &str) -> Fault {
    Error::new(Code::Internal, ErrorReason::Internal, format!("the handler panicked: {said}")).into()
}

/// Puts a failed event away.
pub(crate) async fn bury(
    connection: &mut PgConnection,
    consumer: &str,
    event: &Event,
    error: &str,
    attempts: u32,
) -> Result<(), Fault> {
    crate::metrics::dead_letter(consumer, &event.source);
    insert(connection, consumer, event, "dead", error, attempts, machine_now()).await
}

/// Puts an event away; a rebased cursor may bring the same again, which changes nothing.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    consumer: &str,
    event: &Event,
    state: &str,
    error: &str,
    attempts: u32,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query(
        "insert into seva.dead_letter
           (id, consumer, source, feed_no, event_id, subject, state, event, error, traceparent, attempts, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict on constraint dead_letter_once do nothing",
    )
    .bind(new_id())
    .bind(consumer)
    .bind(&event.source)
    .bind(event.feed_no)
    .bind(event.event_id)
    .bind(&event.subject)
    .bind(state)
    .bind(pb::Event::from(event).encode_to_vec())
    .bind(error)
    .bind(event.traceparent.as_deref())
    .bind(i32::try_from(attempts).unwrap_or(i32::MAX))
    .bind(jiff_sqlx::Timestamp::from(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// One of them.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(db: &Database, id: Uuid) -> Result<DeadLetter, Error> {
    sqlx::query_as("select * from seva.dead_letter where id = $1")
        .bind(id)
        .fetch_optional(db.calls())
        .await
        .map_err(Fault::from)?
        .ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))
}

/// A page of them, oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(
    db: &Database,
    consumer: Option<&str>,
    state: Option<&'static str>,
    page: &PageRequest,
) -> Result<Page<DeadLetter>, Error> {
    let mut query = QueryBuilder::new("select * from seva.dead_letter where true");
    if let Some(consumer) = consumer {
        query.push(" and consumer = ").push_bind(consumer.to_owned());
    }
    if let Some(state) = state {
        query.push(" and state = ").push_bind(state);
    }
    // Ids are in order of time, so the primary key is the order of the list.
    if let Some(after) = page.after_id() {
        query.push(" and id > ").push_bind(after);
    }
    query.push(" order by id limit ").push_bind(page.limit());
    let found: Vec<DeadLetter> = query.build_query_as().fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(page.cut_by_id(found, |letter| letter.id))
}

/// How many there are, dead and parked, by consumer and source.
///
/// # Errors
/// When the database cannot be asked.
pub async fn counts(db: &Database) -> Result<Vec<(String, String, String, i64)>, Fault> {
    let rows =
        sqlx::query("select consumer, source, state, count(*) from seva.dead_letter group by consumer, source, state")
            .fetch_all(db.workers())
            .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect())
}
