//! Works jobs off, some tickets of one job at a time: each ticket's result is written in the transaction that changes it (TK122).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_runtime::{Error, clock::machine_now};
use seva_store::{Database, Fault, due::DueWork};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    model::{BulkJob, Item, KEPT},
    store,
};
use crate::{
    action::{Refusal, Refused, decide},
    ticket::{self, Change, Ticket, store::save},
};

/// Tickets that one transaction changes at most: they are locked until it ends.
const TICKETS: i64 = 100;
/// Between two rounds of retention, in machine time.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);

/// The jobs that are not over.
#[derive(Debug, Clone)]
pub struct Bulk {
    db: Database,
    tickets: ticket::Commands,
}

impl Bulk {
    /// Works off the jobs of this database with what `tickets` does.
    #[must_use]
    pub const fn new(db: Database, tickets: ticket::Commands) -> Self {
        Self { db, tickets }
    }

    async fn batch(&self, now: Timestamp, limit: i64) -> Result<usize, Fault> {
        let mut transaction = self.db.begin().await?;
        let Some(mut job) = store::take(&mut transaction).await? else { return Ok(0) };
        let ids = store::queued(&mut transaction, job.id, limit.min(TICKETS)).await?;
        let tickets = ticket::store::lock_at(&mut transaction, &ids, now).await?;
        let mut known: HashMap<Uuid, Ticket> = tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        let mut decided = Vec::with_capacity(ids.len());
        let mut items = Vec::with_capacity(ids.len());
        for id in &ids {
            match known.remove(id) {
                None => items.push(Item::refused(*id, Refusal::not_found(), now)),
                Some(ticket) => match decide(&self.tickets, &ticket, &job.actions, job.by(), now).await {
                    Ok(changes) => decided.push((*id, changes)),
                    Err(refused) => items.push(Item::refused(*id, refused.kept()?, now)),
                },
            }
        }
        items.extend(save_decided(&mut transaction, &job, decided, now).await?);
        let is_over = job.advance(&items, now);
        store::advance(&mut transaction, &job, &items, is_over).await?;
        self.db.commit(transaction).await?;
        self.tickets.ring_routing();
        Ok(ids.len())
    }
}

/// Saves what was decided of each ticket: all at once, or one by one when the database refuses one of them, such as the last free place.
async fn save_decided(
    connection: &mut PgConnection,
    job: &BulkJob,
    decided: Vec<(Uuid, Vec<Change>)>,
    now: Timestamp,
) -> Result<Vec<Item>, Fault> {
    let all: Vec<Change> = decided.iter().flat_map(|(_, changes)| changes.clone()).collect();
    match save_apart(connection, job, &all).await {
        Ok(()) => return Ok(decided.into_iter().map(|(id, _)| Item::done(id, now)).collect()),
        Err(fault) if fault.is_permanent() => {}
        Err(fault) => return Err(fault),
    }
    let mut items = Vec::with_capacity(decided.len());
    for (id, changes) in decided {
        items.push(match save_apart(connection, job, &changes).await {
            Ok(()) => Item::done(id, now),
            Err(fault) if fault.is_permanent() => {
                let refused = Refused { action: 0, error: save::refusal(fault) };
                Item::refused(id, refused.kept()?, now)
            }
            Err(fault) => return Err(fault),
        });
    }
    Ok(items)
}

/// In a savepoint, which is rolled back when it fails.
async fn save_apart(connection: &mut PgConnection, job: &BulkJob, changes: &[Change]) -> Result<(), Fault> {
    let mut savepoint = connection.begin().await?;
    match ticket::store::save_for(&mut savepoint, &job.write(), changes, None).await {
        Ok(()) => Ok(savepoint.commit().await?),
        Err(fault) => {
            savepoint.rollback().await?;
            Err(fault)
        }
    }
}

#[async_trait]
impl DueWork for Bulk {
    fn name(&self) -> &'static str {
        "bulk_jobs"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        Ok(self.batch(now, limit).await?)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}

/// Removes jobs that are over long enough. Its rounds go by machine time, as nobody waits for them.
#[derive(Debug)]
pub struct Retention {
    db: Database,
    next_round_at: Mutex<Timestamp>,
}

impl Retention {
    /// Retention of this database; the first round comes at once.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db, next_round_at: Mutex::new(Timestamp::MIN) }
    }
}

#[async_trait]
impl DueWork for Retention {
    fn name(&self) -> &'static str {
        "bulk_retention"
    }

    async fn run_batch(&self, now: Timestamp, _: i64) -> Result<usize, Error> {
        let machine_time = machine_now();
        if machine_time < *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(0);
        }
        let removed = store::forget(&self.db, now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)).await?;
        if removed == 0 {
            *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) = machine_time + PERIOD;
        }
        Ok(usize::try_from(removed).unwrap_or(usize::MAX))
    }

    /// Nothing of it is due in business time.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }
}
