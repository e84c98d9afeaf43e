//! The ledger: a consumer with an effect that creates and a projection.

use std::sync::Arc;

use async_trait::async_trait;
use seva_store::{
    Database, Event, Fault,
    consumer::{Consumer, EventSource, Handler, standings},
    feed::Feed,
};
use seva_testkit::eventually;
use sqlx::{PgConnection, PgPool, migrate::Migrator};
use tokio_util::sync::DropGuard;
use uuid::Uuid;

use super::{account::Deposited, beside};

pub static MIGRATOR: Migrator = sqlx::migrate!("tests/it/toy/ledger");

pub const CONSUMER: &str = "ledger";
pub const SOURCE: &str = "//accounts";

type Trouble = dyn Fn(&Event) -> Result<(), Fault> + Send + Sync;

/// Applies the accounts' events; `trouble` is asked first for every event.
#[derive(Clone)]
pub struct Ledger {
    trouble: Arc<Trouble>,
}

impl Ledger {
    pub fn new() -> Self {
        Self::with_trouble(|_| Ok(()))
    }

    pub fn with_trouble(trouble: impl Fn(&Event) -> Result<(), Fault> + Send + Sync + 'static) -> Self {
        Self { trouble: Arc::new(trouble) }
    }
}

#[async_trait]
impl Handler for Ledger {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        for event in events {
            (self.trouble)(event)?;
        }
        write(transaction, events).await
    }
}

/// The effects of events.
pub async fn write(transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
    let payloads = events.iter().map(|event| event.payload::<Deposited>()).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
    let subjects: Vec<&str> = events.iter().map(|event| event.subject.as_str()).collect();
    let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    let amounts: Vec<i64> = payloads.iter().map(|payload| payload.amount).collect();
    let balances: Vec<i64> = payloads.iter().map(|payload| payload.balance).collect();
    sqlx::query(
        "insert into application (event_id, subject, sequence)
         select id, subject, sequence from unnest($1::uuid[], $2::text[], $3::bigint[]) with ordinality
             as t (id, subject, sequence, number)
         order by number",
    )
    .bind(&ids)
    .bind(&subjects)
    .bind(&sequences)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into entry (event_id, subject, amount) select * from unnest($1::uuid[], $2::text[], $3::bigint[])
         on conflict on constraint entry_pkey do nothing",
    )
    .bind(&ids)
    .bind(&subjects)
    .bind(&amounts)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into projection as p (subject, sequence, balance)
         select distinct on (subject) subject, sequence, balance
         from unnest($1::text[], $2::bigint[], $3::bigint[]) as t (subject, sequence, balance)
         order by subject, sequence desc
         on conflict on constraint projection_pkey do update
         set sequence = excluded.sequence, balance = excluded.balance where excluded.sequence > p.sequence",
    )
    .bind(&subjects)
    .bind(&sequences)
    .bind(&balances)
    .execute(transaction)
    .await?;
    Ok(())
}

/// A consumer of the accounts' feed in this process.
pub fn consumer(db: &Database, feed: &Feed, ledger: Ledger) -> Consumer {
    let source: Arc<dyn EventSource> = Arc::new(feed.clone());
    Consumer::new(CONSUMER, db.clone(), source, Arc::new(ledger))
}

/// Runs a consumer until the guard is dropped.
pub fn consuming(consumer: &Consumer) -> DropGuard {
    let consumer = consumer.clone();
    beside(|stopping| consumer.run(stopping))
}

/// Waits until the ledger has read all that the accounts have said.
pub async fn caught_up(db: &Database, accounts: &Database) {
    super::drained(accounts).await;
    let head = Feed::new(accounts.clone()).bounds().await.unwrap().head;
    eventually("the ledger has caught up", || async {
        let standings = standings(db).await.unwrap_or_default();
        standings.iter().any(|standing| standing.feed_no == head).then_some(())
    })
    .await;
}

/// What has been applied, in order: subject and sequence.
pub async fn applied(owner: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as("select subject, sequence from application order by number").fetch_all(owner).await.unwrap()
}

/// How many events have been applied more than once.
pub async fn doubled(owner: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from (select from application group by event_id having count(*) > 1) as twice")
        .fetch_one(owner)
        .await
        .unwrap()
}
