//! Resolves the tickets of problems that are fixed, one batch after the other: each customer is told in the own language and asked (TK59).
//!
//! Whoever writes several of them locks the record before the tickets.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_proto::tickets::v1::ProblemRecordEvent;
use seva_runtime::{Error, call::Story};
use seva_store::{Database, NewEvent, due::DueWork, event};
use uuid::Uuid;

use super::{
    model::{CARRIED_OUT, Problem, State},
    store as problems,
};
use crate::{
    custom_field::{self, Schema},
    recipient,
    ticket::{Change, Ticket, model::verification::Reach, store},
};

/// Who says so in the events.
const ACTOR: &str = "worker:problem_fixes";
/// What may hinder a resolution, as the ticket says it.
const HINDRANCES: [&str; 4] = ["TK11", "TK13", "TK14", "TK3"];

/// The tickets of problems that are fixed.
#[derive(Debug, Clone)]
pub struct Fixes {
    db: Database,
}

impl Fixes {
    /// Looks after the problem records of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// One transaction, in which the records and the tickets are locked from the look to the write.
    async fn carry_out(&self, due: &[(Uuid, Uuid)], now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        let mut records: Vec<Uuid> = due.iter().map(|(_, problem)| *problem).collect();
        records.dedup();
        let mut records = problems::lock(&mut transaction, &records).await?;
        let tickets: Vec<Uuid> = due.iter().map(|(ticket, _)| *ticket).collect();
        let due = problems::still_due(&mut transaction, &tickets).await?;
        let tickets: Vec<Uuid> = due.iter().map(|(ticket, _)| *ticket).collect();
        let tickets = store::lock_at(&mut transaction, &tickets, now).await?;
        let schema = custom_field::store::schema(&mut *transaction).await?;
        let customers: Vec<Uuid> = tickets.iter().map(|ticket| ticket.customer).collect();
        let known = recipient::store::by_customer(&mut *transaction, &customers).await?;
        let (mut changes, mut outcomes) = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
        for (ticket, (_, problem)) in tickets.iter().zip(&due) {
            let Some(problem) = records.iter_mut().find(|record| record.id == *problem) else { continue };
            let refused_by = match resolve(problem, ticket, &schema, &Reach::of(known.get(&ticket.customer)), now) {
                Ok(change) => {
                    changes.push(change);
                    problem.count(1, 0);
                    None
                }
                Err(error) => {
                    problem.count(0, 1);
                    Some(HINDRANCES.into_iter().find(|id| error.is_refused_by(id)).unwrap_or("TK59"))
                }
            };
            outcomes.push((ticket.id, refused_by));
        }
        if outcomes.is_empty() {
            return Ok(());
        }
        store::save_all(&mut transaction, ACTOR, &changes).await?;
        problems::keep_outcomes(&mut transaction, &outcomes).await?;
        for record in records {
            let record =
                if record.is_carried_out() && record.state == State::Fixed { record.next(now) } else { record };
            problems::update(&mut transaction, &record).await?;
            if record.is_carried_out() && record.state == State::Fixed {
                let payload = ProblemRecordEvent::from(&record);
                let story = Story::begun_by(record.name());
                let told = NewEvent::new(CARRIED_OUT, record.name(), record.version, now, story, &payload);
                event::append(&mut transaction, ACTOR, &[told]).await?;
            }
        }
        Ok(self.db.commit(transaction).await?)
    }
}

/// What becomes of a ticket when its problem is fixed.
fn resolve(
    problem: &Problem,
    ticket: &Ticket,
    schema: &Schema,
    reach: &Reach,
    now: Timestamp,
) -> Result<Change, Error> {
    let root = problem.root_problem.clone().zip(problem.note_for(&ticket.language));
    let (root, note) = root.ok_or_else(|| Error::internal("what is fixed has a cause and a note"))?;
    ticket.resolve_with_cause(schema, root, note, reach, now)
}

#[async_trait]
impl DueWork for Fixes {
    fn name(&self) -> &'static str {
        "problem_fixes"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = problems::due(&self.db, now, limit).await?;
        if due.is_empty() {
            return Ok(0);
        }
        self.carry_out(&due, now).await?;
        Ok(due.len())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(problems::next_due(&self.db).await?)
    }
}
