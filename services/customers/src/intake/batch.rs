//! The transaction of a batch, its tries, and the answer.

use std::time::Duration;

use seva_proto::{customers::v1::EventResult, io::cloudevents::v1::CloudEvent};
use seva_runtime::{BusinessClock, Error, auth::Principal};
use seva_store::{Database, Fault, due::Bell};

use super::{
    fold::{Fold, rejected},
    load,
    parse::{self, Received},
    store,
};
use crate::{customer::mailbox::Mailboxes, order::OrderRules};

/// How often a batch is tried when other writes come between or a fault passes.
const TRIES: u32 = 3;
/// Pause before the second try; it grows with each.
const PAUSE: Duration = Duration::from_millis(20);
/// Constraints that are violated when another call wrote the same at the same time: the next try sees what it wrote.
const RACES: [&str; 5] = [
    "intake_event_pkey",
    "external_ref_pkey",
    "contact_point_value_once",
    "customer_order_number_once",
    "invoice_number_once",
];

/// Takes events of other systems.
#[derive(Debug, Clone)]
pub struct Intake {
    db: Database,
    clock: BusinessClock,
    rules: OrderRules,
    mailboxes: Mailboxes,
    /// Rung after each batch: it may have made findings of promised days due.
    promised_days: Bell,
}

impl Intake {
    /// Takes events into this database. `promised_days` wakes the work that looks after promised days.
    pub fn new(db: Database, clock: BusinessClock, rules: OrderRules, promised_days: Bell) -> Self {
        Self { mailboxes: Mailboxes::new(db.clone()), db, clock, rules, promised_days }
    }

    /// Takes a batch and answers for each event, in the order given, after the commit.
    ///
    /// # Errors
    /// When nothing could be decided: the database is away, or other writes came between again and again. Whoever pushes the batch again
    /// gets DUPLICATE for what was applied.
    pub async fn take(&self, principal: &Principal, events: Vec<CloudEvent>) -> Result<Vec<EventResult>, Error> {
        let now = self.clock.now();
        let batch: Vec<_> = events.into_iter().map(|event| parse::received(event, principal, now)).collect();
        let taken = match self.try_to_take(&principal.subject, &batch).await {
            Err(fault) if fault.is_permanent() && batch.len() > 1 => {
                tracing::warn!(%fault, "a batch failed for good; taking its events one by one");
                self.take_one_by_one(&principal.subject, &batch).await
            }
            Err(fault) if fault.is_permanent() => self.give_up(&batch, fault).await,
            taken => taken,
        };
        self.promised_days.ring();
        Ok(taken?)
    }

    async fn take_one_by_one(&self, actor: &str, batch: &[Received]) -> Result<Vec<EventResult>, Fault> {
        let mut results = Vec::with_capacity(batch.len());
        for event in batch {
            let one = std::slice::from_ref(event);
            results.extend(match self.try_to_take(actor, one).await {
                Err(fault) if fault.is_permanent() => self.give_up(one, fault).await?,
                taken => taken?,
            });
        }
        Ok(results)
    }

    /// Refuses an event that fails for a reason of ours, and keeps its body.
    async fn give_up(&self, one: &[Received], fault: Fault) -> Result<Vec<EventResult>, Fault> {
        let error = Error::from(fault);
        let mut transaction = self.db.begin().await?;
        store::quarantine(&mut transaction, one, &[(0, error.reason_name())]).await?;
        self.db.commit(transaction).await?;
        Ok(one.iter().map(|event| rejected(event, &error)).collect())
    }

    async fn try_to_take(&self, actor: &str, batch: &[Received]) -> Result<Vec<EventResult>, Fault> {
        let mut tries = 1;
        loop {
            match self.transaction(actor, batch).await {
                Err(fault) if tries < TRIES && may_pass(&fault) => {
                    tracing::debug!(%fault, tries, "a batch is tried again");
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                // Lost again and again against the same writers: nothing is wrong with the events.
                Err(fault) if is_race(&fault) => return Err(Fault::Serialization),
                taken => return taken,
            }
        }
    }

    async fn transaction(&self, actor: &str, batch: &[Received]) -> Result<Vec<EventResult>, Fault> {
        let mailboxes = self.mailboxes.key().await?;
        let mut transaction = self.db.begin().await?;
        let known = load::known(&mut transaction, &self.db, batch).await?;
        let (results, changes) = Fold::new(known, &self.rules, &mailboxes, self.clock.now()).batch(batch);
        store::write(&mut transaction, actor, batch, &changes).await?;
        self.db.commit(transaction).await?;
        Ok(results)
    }
}

fn is_race(fault: &Fault) -> bool {
    RACES.iter().any(|constraint| fault.violates(constraint))
}

/// Whether the next try may go better. A passed deadline does not come back.
fn may_pass(fault: &Fault) -> bool {
    is_race(fault) || (!fault.is_permanent() && !matches!(fault, Fault::Decided(_)))
}
