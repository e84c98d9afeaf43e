//! What follows from time and from who serves: what nobody acknowledges goes to the next level (TK114), and what was acknowledged by somebody who
//! does not serve any more is called for again (TK119).

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error, Write, telemetry};
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use super::{model::Escalation, store};
use crate::{
    risk::assess::Measures,
    workers::{Together, at_once_is_now, each},
};

/// The work's name; who says so in the events is a worker of this name.
const NAME: &str = "escalations";

/// Looks after the escalations that wait to be acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledgements {
    db: Database,
    clock: BusinessClock,
}

impl Acknowledgements {
    /// Looks after the escalations of this database.
    #[must_use]
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }
}

#[async_trait]
impl Together for Acknowledgements {
    /// One transaction, in which tickets and escalations are locked from the look to the write: whoever acknowledges meanwhile comes before or
    /// after.
    async fn together(&self, due: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        let mut transaction = self.db.begin().await?;
        let stories = store::lock_tickets_of(&mut transaction, due).await?;
        let escalations = store::lock(&mut transaction, due).await?;
        let departments = escalations.values().map(|escalation| escalation.department);
        let measures = Measures::of(&mut transaction, departments).await?;
        let next_due = |of: &Escalation, from: Timestamp| measures.acknowledge_due(of.department, of.critical, from);
        let owners: Vec<Uuid> = escalations.values().filter_map(|escalation| escalation.owner).collect();
        let gone = store::gone(&mut transaction, &owners).await?;
        for mut escalation in escalations.into_values() {
            let mut write = Write::by_worker(NAME, escalation.name());
            if let Some(story) = stories.get(&escalation.ticket) {
                write.story.clone_from(story);
                if let Some(opening) = &story.traceparent {
                    telemetry::link(&tracing::Span::current(), opening);
                }
            }
            if escalation.owner.is_some_and(|owner| gone.contains(&owner))
                && let Some(change) = escalation.lose_owner(next_due(&escalation, now), now)
            {
                store::save(&mut transaction, &write, &change).await?;
                escalation = change.escalation;
            }
            // However late this comes, each level had its time.
            while let Some(change) = escalation.pass_time(next_due, now) {
                store::save(&mut transaction, &write, &change).await?;
                escalation = change.escalation;
            }
        }
        self.db.commit(transaction).await
    }
}

#[async_trait]
impl DueWork for Acknowledgements {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let mut due = store::due(&self.db, now, limit).await?;
        due.extend(store::left_behind(&self.db, limit).await?);
        if due.is_empty() {
            return Ok(0);
        }
        each(self, NAME, &due, now).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(at_once_is_now(store::next_due(&self.db).await?, &self.clock))
    }
}
