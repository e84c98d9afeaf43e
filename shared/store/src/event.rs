//! Events: what a service says about itself and hears of others.

use jiff::Timestamp;
use prost::Message;
use prost::bytes::Bytes;
use seva_proto::{common::v1::ErrorReason, events::v1 as pb};
use seva_runtime::{Error, call::Story};
use seva_values::id::new_id;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Fault;

/// More links than this between an event and the start of its story are refused: it goes round in circles.
pub const MAX_HOPS: i16 = 16;

/// An event of some service, as its feed tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// With `source` its identity.
    pub event_id: Uuid,
    /// Such as `seva.customers.order.delivered.v1`.
    pub kind: String,
    /// Such as `//customers`.
    pub source: String,
    /// Such as `orders/{id}`.
    pub subject: String,
    /// Counts the subject's events from 1.
    pub sequence: i64,
    /// Business time.
    pub occurred_at: Timestamp,
    /// Machine time.
    pub recorded_at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Names the whole story.
    pub correlation_id: String,
    /// What caused it.
    pub causation_id: String,
    /// Links since the story's start.
    pub hops: i16,
    /// Version of the payload's schema.
    pub schema_version: i16,
    /// Trace context of its creation.
    pub traceparent: Option<String>,
    /// A protobuf message, named by `kind`.
    pub payload: Bytes,
    /// Its place in its owner's feed.
    pub feed_no: i64,
}

impl Event {
    /// Reads the payload.
    ///
    /// # Errors
    /// `EVENT_DATA_MALFORMED`: it can never be applied.
    pub fn payload<M: Message + Default>(&self) -> Result<M, Error> {
        M::decode(self.payload.clone()).map_err(|fault| {
            Error::invalid(ErrorReason::EventDataMalformed, format!("payload of {}: {fault}", self.kind))
        })
    }

    /// The story of what this event causes.
    pub fn story(&self) -> Story {
        Story {
            correlation_id: self.correlation_id.clone(),
            causation_id: self.event_id.to_string(),
            hops: self.hops + 1,
            traceparent: self.traceparent.clone(),
        }
    }
}

impl TryFrom<pb::Event> for Event {
    type Error = Error;

    fn try_from(event: pb::Event) -> Result<Self, Error> {
        let pb::Event {
            event_id,
            r#type,
            source,
            subject,
            sequence,
            occurred_at,
            recorded_at,
            actor,
            correlation_id,
            causation_id,
            hops,
            schema_version,
            traceparent,
            payload,
            feed_no,
        } = event;
        let malformed = |what: &'static str| {
            Error::invalid(ErrorReason::EventDataMalformed, format!("an event's {what} is malformed"))
        };
        Ok(Self {
            event_id: event_id.parse().map_err(|_| malformed("id"))?,
            kind: r#type,
            source,
            subject,
            sequence,
            occurred_at: timestamp(occurred_at).ok_or_else(|| malformed("time"))?,
            recorded_at: timestamp(recorded_at).ok_or_else(|| malformed("time of recording"))?,
            actor,
            correlation_id,
            causation_id,
            hops: hops.try_into().map_err(|_| malformed("count of hops"))?,
            schema_version: schema_version.try_into().map_err(|_| malformed("schema version"))?,
            traceparent: (!traceparent.is_empty()).then_some(traceparent),
            payload,
            feed_no,
        })
    }
}

impl From<&Event> for pb::Event {
    fn from(event: &Event) -> Self {
        let event = event.clone();
        Self {
            event_id: event.event_id.to_string(),
            r#type: event.kind,
            source: event.source,
            subject: event.subject,
            sequence: event.sequence,
            occurred_at: Some(proto_timestamp(event.occurred_at)),
            recorded_at: Some(proto_timestamp(event.recorded_at)),
            actor: event.actor,
            correlation_id: event.correlation_id,
            causation_id: event.causation_id,
            hops: event.hops.into(),
            schema_version: event.schema_version.into(),
            traceparent: event.traceparent.unwrap_or_default(),
            payload: event.payload,
            feed_no: event.feed_no,
        }
    }
}

/// A protobuf time as ours; `None` when it is missing or out of range.
pub fn timestamp(time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// Our time as protobuf's.
pub fn proto_timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// An event to be appended by a transaction over several aggregates; a write of one aggregate calls `seva.emit` in its own statement.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its identity.
    pub event_id: Uuid,
    /// Such as `seva.customers.order.delivered.v1`.
    pub kind: &'static str,
    /// Such as `orders/{id}`.
    pub subject: String,
    /// The aggregate's version after the change.
    pub sequence: i64,
    /// Business time.
    pub occurred_at: Timestamp,
    /// The story it belongs to.
    pub story: Story,
    /// A protobuf message.
    pub payload: Vec<u8>,
}

impl NewEvent {
    /// An event with an id of its own.
    pub fn new(
        kind: &'static str,
        subject: String,
        sequence: i64,
        occurred_at: Timestamp,
        story: Story,
        payload: &impl Message,
    ) -> Self {
        Self { event_id: new_id(), kind, subject, sequence, occurred_at, story, payload: payload.encode_to_vec() }
    }

    /// The story of what follows from it, for whatever is kept until its time comes.
    pub fn aftermath(&self) -> Story {
        Story { causation_id: self.event_id.to_string(), hops: self.story.hops + 1, ..self.story.clone() }
    }
}

/// Locks subjects for the rest of a transaction. Has to come before its first write, or events may be read out of order.
///
/// # Errors
/// [`Fault::LockTimeout`] and the like.
pub async fn lock_subjects(connection: &mut PgConnection, subjects: &[String]) -> Result<(), Fault> {
    sqlx::query("select seva.lock_subjects($1)").bind(subjects).execute(connection).await?;
    Ok(())
}

/// Appends events in the order given, inside a transaction that has locked their subjects.
///
/// # Errors
/// `outbox_hops_bounded` for a story that goes round in circles.
pub async fn append(connection: &mut PgConnection, actor: &str, events: &[NewEvent]) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let column = |value: fn(&NewEvent) -> &str| events.iter().map(value).collect::<Vec<_>>();
    sqlx::query("select seva.emit_all($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(actor)
        .bind(events.iter().map(|event| event.event_id).collect::<Vec<_>>())
        .bind(column(|event| event.kind))
        .bind(column(|event| &event.subject))
        .bind(events.iter().map(|event| event.sequence).collect::<Vec<_>>())
        .bind(events.iter().map(|event| jiff_sqlx::Timestamp::from(event.occurred_at)).collect::<Vec<_>>())
        .bind(column(|event| &event.story.correlation_id))
        .bind(column(|event| &event.story.causation_id))
        .bind(events.iter().map(|event| event.story.hops).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.story.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.payload.as_slice()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
