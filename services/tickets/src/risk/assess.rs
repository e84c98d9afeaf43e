//! Assesses tickets: locks them, finds the facts, writes what became another risk, and calls for help where it is high (TK110).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use seva_runtime::Write;
use seva_store::{Fault, NewEvent, event};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{COLLECTION, Level, Policy, Times},
    store::{self, Assessment, Found},
};
use crate::{clock::Calendar, escalation, ticket::State};

const CHANGED: &str = "seva.tickets.risk_assessment.changed.v1";

/// A ticket that was assessed.
#[derive(Debug, Clone)]
pub struct Assessed {
    /// The ticket's.
    pub ticket: Uuid,
    /// Where it stands.
    pub state: State,
    /// Whose queue it is in, or was.
    pub department: Option<Uuid>,
    /// Who had it assessed, told as part of the ticket's story.
    pub write: Write,
    /// What came of it.
    pub assessment: Assessment,
}

/// What assessments are made by.
#[derive(Debug)]
pub struct Measures {
    /// The newest weights.
    pub policy: Policy,
    calendars: HashMap<Uuid, Calendar>,
}

impl Measures {
    /// The newest weights, and the calendars of these departments.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn of(
        connection: &mut PgConnection,
        departments: impl Iterator<Item = Option<Uuid>>,
    ) -> Result<Self, Fault> {
        let departments: BTreeSet<Uuid> = departments.flatten().collect();
        let departments: Vec<Uuid> = departments.into_iter().collect();
        let policy = store::newest_policy(connection).await?;
        Ok(Self { policy, calendars: store::calendars(connection, &departments).await? })
    }

    /// The newest calendar of a department; without one every hour counts.
    #[must_use]
    pub fn calendar(&self, department: Option<Uuid>) -> Calendar {
        department.and_then(|department| self.calendars.get(&department)).cloned().unwrap_or_default()
    }

    /// When somebody who is called has to have acknowledged it.
    #[must_use]
    pub fn acknowledge_due(&self, department: Option<Uuid>, is_critical: bool, from: Timestamp) -> Timestamp {
        if is_critical {
            return Calendar::always().add(from, self.policy.acknowledge_critical);
        }
        self.calendar(department).add(from, self.policy.acknowledge)
    }
}

/// Assesses these tickets, each asked for by a write, and calls for help where their risk is high.
///
/// # Errors
/// When a statement fails.
pub async fn carry_out(
    connection: &mut PgConnection,
    asked: &BTreeMap<Uuid, Write>,
    now: Timestamp,
) -> Result<Vec<Assessed>, Fault> {
    let (mut assessed, measures) = assess(connection, asked, now).await?;
    // What follows is not what was asked for.
    assessed.iter_mut().for_each(|one| one.write.request = None);
    escalation::follow(connection, &assessed, &measures, now).await?;
    Ok(assessed)
}

/// Locks and assesses these tickets, in the order of their ids. The caller sees to the escalations.
///
/// # Errors
/// When a statement fails.
pub async fn assess(
    connection: &mut PgConnection,
    asked: &BTreeMap<Uuid, Write>,
    now: Timestamp,
) -> Result<(Vec<Assessed>, Measures), Fault> {
    let ids: Vec<Uuid> = asked.keys().copied().collect();
    store::lock_tickets(connection, &ids).await?;
    // Behind the locks: whatever changes these tickets comes before or after.
    let found = store::facts(connection, &ids, now).await?;
    let measures = Measures::of(connection, found.iter().map(|found| found.department)).await?;
    let mut changed = Vec::new();
    let mut assessed = Vec::with_capacity(found.len());
    for found in found {
        let Some(write) = asked.get(&found.id) else { continue };
        let mut write = write.clone();
        match write.request {
            Some(_) => write.story.correlation_id.clone_from(&found.story.correlation_id),
            // Whoever looks by the clock goes on with the ticket's story.
            None => write.story = found.story.clone(),
        }
        let (state, department) = (found.state, found.department);
        let last = found.last.clone();
        let assessment = judge(found, &measures.policy, now);
        if assessment != last {
            changed.push((assessment.clone(), assessment.version > last.version, write.clone()));
        }
        assessed.push(Assessed { ticket: assessment.id, state, department, write, assessment });
    }
    store::save(connection, &changed.iter().map(|(assessment, ..)| assessment).collect::<Vec<_>>()).await?;
    let told = changed.into_iter().filter(|(_, is_told, _)| *is_told);
    let events: Vec<NewEvent> = told.map(|(assessment, _, write)| told_of(&assessment, write, now)).collect();
    if let Some(write) = asked.values().next() {
        event::append(connection, &write.actor, &events).await?;
    }
    Ok((assessed, measures))
}

/// What is found of a ticket comes to this.
fn judge(found: Found, policy: &Policy, now: Timestamp) -> Assessment {
    let Found { facts, oldest_contact, oldest_low_score, last, .. } = found;
    let risk = policy.assess(&facts);
    let look_at = Times { oldest_contact, oldest_low_score }.look_at(&risk);
    if risk == last.risk {
        return Assessment { look_at, ..last };
    }
    let version = last.version + 1;
    Assessment { version, risk, policy_version: policy.version, assessed_at: Some(now), look_at, ..last }
}

fn told_of(assessment: &Assessment, write: Write, now: Timestamp) -> NewEvent {
    let subject = format_name(COLLECTION, assessment.id);
    NewEvent::new(CHANGED, subject, assessment.version, now, write.story, &event_of(assessment))
}

impl Assessed {
    /// What its risk comes to.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.assessment.risk.level
    }

    /// Whether it is resolved or over.
    #[must_use]
    pub const fn is_at_rest(&self) -> bool {
        store::is_at_rest(self.state)
    }
}
