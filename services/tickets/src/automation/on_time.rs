//! Rules about time: due work whose schedule are the tickets themselves.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_runtime::{BusinessClock, Error, call::Story, clock::machine_now};
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use super::{
    fire::Fire,
    firing::{KEPT, Occasion},
    model::{Automation, Trigger},
    store::{self, Candidate},
};
use crate::ticket::{self, Ticket};

/// What has been so for longer was looked at: what came of it may be forgotten by now.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Between two rounds of retention, in machine time.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);

/// Carries out rules about time, each at most once for a stay in a state or a due time.
#[derive(Debug, Clone)]
pub struct OnTime {
    db: Database,
    clock: BusinessClock,
    fire: Fire,
}

impl OnTime {
    /// On this database, with what `tickets` does.
    #[must_use]
    pub const fn new(db: Database, clock: BusinessClock, tickets: ticket::Commands) -> Self {
        Self { db, clock, fire: Fire { tickets } }
    }

    /// Tickets for which a rule was not looked at yet, the earliest first, with the time of each occasion.
    async fn candidates(&self, automation: &Automation, limit: i64) -> Result<Vec<Candidate>, Fault> {
        let earliest = self.clock.now() - LOOKED_BACK;
        match automation.rule.trigger {
            Trigger::Event { .. } => Ok(Vec::new()),
            Trigger::InState { state, hours } => {
                let since = automation.enabled_at.max(earliest) - SignedDuration::from_hours(hours.into());
                store::in_state(&self.db, automation.id, state, since, limit).await
            }
            Trigger::BeforeDue { .. } => {
                store::due(&self.db, automation.id, automation.enabled_at.max(earliest), limit).await
            }
        }
    }

    async fn look(&self, automation: &Automation, now: Timestamp, limit: i64) -> Result<usize, Fault> {
        let mut due = self.candidates(automation, limit).await?;
        due.retain(|one| comes_at(&automation.rule.trigger, one.at) <= now);
        if due.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.db.begin().await?;
        let ids: Vec<Uuid> = due.iter().map(|one| one.ticket).collect();
        let tickets = ticket::store::lock_at(&mut transaction, &ids, now).await?;
        let since = store::state_since(&mut transaction, &ids).await?;
        let mut looked_at = 0;
        for mut ticket in tickets {
            let Some(one) = due.iter().find(|one| one.ticket == ticket.id) else { continue };
            if occasion_of(&automation.rule.trigger, &ticket, since.get(&ticket.id).copied()) != Some(one.at) {
                // It has gone on meanwhile.
                continue;
            }
            let occasion = (Occasion::Time(one.at), Story::begun_by(automation.name()));
            self.fire.at(&mut transaction, automation, &mut ticket, occasion, now).await?;
            looked_at += 1;
        }
        self.db.commit(transaction).await?;
        self.fire.tickets.ring_routing();
        Ok(looked_at)
    }
}

/// When a rule is looked at for an occasion.
fn comes_at(trigger: &Trigger, occasion: Timestamp) -> Timestamp {
    match trigger {
        Trigger::Event { .. } => occasion,
        Trigger::InState { hours, .. } => occasion + SignedDuration::from_hours((*hours).into()),
        Trigger::BeforeDue { minutes } => occasion - SignedDuration::from_mins((*minutes).into()),
    }
}

/// The occasion that a locked ticket gives now.
fn occasion_of(trigger: &Trigger, ticket: &Ticket, since: Option<Timestamp>) -> Option<Timestamp> {
    match trigger {
        Trigger::Event { .. } => None,
        Trigger::InState { state, .. } => since.filter(|_| ticket.state == *state),
        Trigger::BeforeDue { .. } => ticket.clocks.next_due(),
    }
}

#[async_trait]
impl DueWork for OnTime {
    fn name(&self) -> &'static str {
        "automations"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let mut looked_at = 0;
        for automation in store::enabled(self.db.workers()).await? {
            looked_at += self.look(&automation, now, limit).await?;
        }
        Ok(looked_at)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let mut next: Option<Timestamp> = None;
        for automation in store::enabled(self.db.workers()).await? {
            let first = self.candidates(&automation, 1).await?.pop();
            let at = first.map(|one| comes_at(&automation.rule.trigger, one.at));
            next = [next, at].into_iter().flatten().min();
        }
        Ok(next)
    }
}

/// Removes what came of rules long ago. Its rounds go by machine time, as nobody waits for them.
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
        "firing_retention"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let machine_time = machine_now();
        if machine_time < *self.next_round_at.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(0);
        }
        let removed = store::forget(&self.db, now.checked_sub(KEPT).unwrap_or(Timestamp::MIN), limit).await?;
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
