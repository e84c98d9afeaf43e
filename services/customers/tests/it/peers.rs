//! Feeds of other services that stand where a test puts them, tell what it gives them, and events as those services write them.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
use prost::Message;
use seva_customers::Peers;
use seva_runtime::Error;
use seva_store::{
    Event, Fault,
    consumer::{EventSource, Handler},
    feed::{Batch, Start},
};
use seva_values::new_id;
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::watch;

use crate::world::World;

/// A feed that stands where the test puts it: (applied, head).
pub struct Standing {
    pub name: &'static str,
    pub places: watch::Sender<(i64, i64)>,
}

#[async_trait]
impl EventSource for Standing {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    async fn subscribe(&self, _: Start) -> Result<BoxStream<'static, Result<Batch, Error>>, Error> {
        let places = tokio_stream::wrappers::WatchStream::new(self.places.subscribe());
        let batch = |(last_feed_no, head)| Ok(Batch { events: Vec::new(), last_feed_no, head, epoch: "e".to_owned() });
        Ok(places.map(batch).boxed())
    }
}

/// A feed that tells these events at once, from wherever it is read, and nothing after.
pub struct Telling(pub &'static str, pub Vec<Arc<Event>>);

#[async_trait]
impl EventSource for Telling {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    async fn subscribe(&self, _: Start) -> Result<BoxStream<'static, Result<Batch, Error>>, Error> {
        let last_feed_no = i64::try_from(self.1.len()).unwrap();
        let batch = Batch { events: self.1.clone(), last_feed_no, head: last_feed_no, epoch: "e".to_owned() };
        Ok(stream::once(async { Ok(batch) }).chain(stream::pending()).boxed())
    }
}

/// Services that tell nothing.
pub fn quiet_peers() -> Peers {
    let quiet = |name| Arc::new(Standing { name, places: watch::Sender::new((0, 0)) });
    Peers { notifications: quiet("//notifications"), tickets: quiet("//tickets"), surveys: quiet("//surveys") }
}

/// An event of another service.
pub fn told(source: &str, kind: &str, subject: &str, sequence: i64, at: &str, payload: &impl Message) -> Arc<Event> {
    Arc::new(Event {
        event_id: new_id(),
        kind: kind.to_owned(),
        source: source.to_owned(),
        subject: subject.to_owned(),
        sequence,
        occurred_at: instant(at),
        recorded_at: instant(at),
        actor: "somebody".to_owned(),
        correlation_id: String::new(),
        causation_id: String::new(),
        hops: 1,
        schema_version: 1,
        traceparent: None,
        payload: payload.encode_to_vec().into(),
        feed_no: 1,
    })
}

pub fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The same event with another payload.
pub fn with_payload(event: &Arc<Event>, payload: &'static [u8]) -> Arc<Event> {
    Arc::new(Event { event_id: new_id(), payload: payload.into(), ..Event::clone(event) })
}

/// Applies a portion as a consumer does: in one transaction.
pub async fn apply(world: &World, handler: impl Handler, events: &[Arc<Event>]) -> Result<(), Fault> {
    let mut transaction = world.foundation.db.begin().await?;
    handler.apply(&mut transaction, events).await?;
    world.foundation.db.commit(transaction).await
}

/// All rows of these tables, whole.
pub async fn rows(world: &World, tables: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("select t::text from {table} t order by 1"));
        let rows = sqlx::query(sql).fetch_all(&world.database.owner).await.unwrap();
        all.extend(rows.iter().map(|row| format!("{table} {}", row.get::<String, _>(0))));
    }
    all
}

/// Each order in which four things can come.
pub fn orders_of_four() -> Vec<[usize; 4]> {
    let mut orders = Vec::new();
    for (a, b, c) in (0..64).map(|n| (n / 16, n / 4 % 4, n % 4)) {
        if a != b && a != c && b != c {
            orders.push([a, b, c, 6 - a - b - c]);
        }
    }
    orders
}

/// Lines of a customer's timeline of a kind, oldest first: the last word but one of the type, the label and the details.
pub async fn lines(world: &World, customer: &str, kind: &str) -> Vec<(String, String, serde_json::Value)> {
    let rows = sqlx::query(
        "select split_part(type, '.', 4) as act, label, details from timeline_entry
         where customer_id = $1 and kind = $2 order by occurred_at, event_id",
    )
    .bind(crate::world::id_of(customer))
    .bind(kind)
    .fetch_all(&world.database.owner)
    .await
    .unwrap();
    rows.iter().map(|row| (row.get("act"), row.get("label"), row.get("details"))).collect()
}
