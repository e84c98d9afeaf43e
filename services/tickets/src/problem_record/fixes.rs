//! Resolves the tickets of problems that are fixed, one batch after the other: each customer is told in the own language and asked (TK59). What was
//! refused because something of the ticket was under way has another turn when nothing is any more.
//!
//! Whoever writes several of them locks the record before the tickets.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use jiff::Timestamp;
use seva_proto::tickets::v1::ProblemRecordEvent;
use seva_runtime::{Error, call::Story};
use seva_store::{Database, Fault, NewEvent, due::DueWork, event};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    model::{CARRIED_OUT, Problem, State},
    store as problems,
};
use crate::{
    custom_field::{self, Schema},
    recipient,
    ticket::{Change, Ticket, model::verification::Reach, store},
    workers::{Together, each},
};

/// The work's name.
const NAME: &str = "problem_fixes";
/// Who says so in the events.
const ACTOR: &str = "worker:problem_fixes";
/// What may hinder a resolution, as the ticket says it.
const HINDRANCES: [&str; 4] = ["TK11", "TK13", "TK14", "TK3"];

/// The tickets of problems that are fixed.
#[derive(Debug, Clone)]
pub struct Fixes {
    db: Database,
}

/// Tickets whose turn has come, with their records: those are locked first.
struct Batch {
    db: Database,
    problems: HashMap<Uuid, Uuid>,
}

/// The turn of a ticket.
struct Turn {
    ticket: Uuid,
    problem: Uuid,
    /// It had one, and was refused.
    again: bool,
}

/// What has become of tickets in their turn.
#[derive(Default)]
struct Decided {
    changes: Vec<Change>,
    /// Which invariant has refused it, if one has.
    outcomes: Vec<(Uuid, Option<&'static str>)>,
    /// Records of which something had its turn.
    records: HashSet<Uuid>,
}

impl Fixes {
    /// Looks after the problem records of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Together for Batch {
    /// One transaction, in which the records and the tickets are locked from the look to the write.
    async fn together(&self, due: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        let mut transaction = self.db.begin().await?;
        let records: Vec<Uuid> = due.iter().filter_map(|ticket| self.problems.get(ticket).copied()).collect();
        let mut records = problems::lock(&mut transaction, &records).await?;
        records.retain(|record| record.state == State::Fixed);
        let turns = turns_of(&mut transaction, due).await?;
        let tickets: Vec<Uuid> = turns.iter().map(|turn| turn.ticket).collect();
        let tickets = store::lock_at(&mut transaction, &tickets, now).await?;
        let schema = custom_field::store::schema(&mut *transaction).await?;
        let customers: Vec<Uuid> = tickets.iter().map(|ticket| ticket.customer).collect();
        let known = recipient::store::by_customer(&mut *transaction, &customers).await?;
        let mut decided = Decided::default();
        for (ticket, turn) in tickets.iter().zip(&turns) {
            let Some(problem) = records.iter_mut().find(|record| record.id == turn.problem) else { continue };
            let resolved = resolve(problem, ticket, &schema, &Reach::of(known.get(&ticket.customer)), now);
            decided.take(problem, turn, resolved);
        }
        if decided.outcomes.is_empty() {
            return Ok(());
        }
        store::save_all(&mut transaction, ACTOR, &decided.changes).await?;
        problems::keep_outcomes(&mut transaction, &decided.outcomes).await?;
        records.retain(|record| decided.records.contains(&record.id));
        for record in records {
            keep(&mut transaction, record, now).await?;
        }
        self.db.commit(transaction).await
    }
}

impl Decided {
    /// A ticket has had its turn: its record counts it once, by what became of it last.
    fn take(&mut self, problem: &mut Problem, turn: &Turn, resolved: Result<Change, Error>) {
        let before = i32::from(turn.again);
        let refused_by = match resolved {
            Ok(change) => {
                self.changes.push(change);
                problem.count(1, -before);
                None
            }
            Err(error) => {
                problem.count(0, 1 - before);
                Some(HINDRANCES.into_iter().find(|id| error.is_refused_by(id)).unwrap_or("TK59"))
            }
        };
        self.outcomes.push((turn.ticket, refused_by));
        self.records.insert(problem.id);
    }
}

/// Keeps what a record counts; when nothing of it waits for its turn any more, that is told.
async fn keep(connection: &mut PgConnection, record: Problem, now: Timestamp) -> Result<(), Fault> {
    if !record.is_carried_out() {
        return problems::update(connection, &record).await;
    }
    let record = record.next(now);
    problems::update(&mut *connection, &record).await?;
    let (name, payload) = (record.name(), ProblemRecordEvent::from(&record));
    let told = NewEvent::new(CARRIED_OUT, name.clone(), record.version, now, Story::begun_by(name), &payload);
    event::append(connection, ACTOR, &[told]).await
}

/// Which of these have their turn before them, and which may have another one, inside the transaction that has their records locked; in the order in
/// which tickets are locked.
async fn turns_of(connection: &mut PgConnection, tickets: &[Uuid]) -> Result<Vec<Turn>, Fault> {
    let first = problems::still_due(&mut *connection, tickets).await?;
    let refused = problems::refused_for_open_work(connection, tickets).await?;
    let first = first.into_iter().map(|(ticket, problem)| Turn { ticket, problem, again: false });
    let again = refused.into_iter().map(|(ticket, problem)| Turn { ticket, problem, again: true });
    let mut turns: Vec<Turn> = first.chain(again).collect();
    turns.sort_unstable_by_key(|turn| turn.ticket);
    Ok(turns)
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
        NAME
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let mut turns = problems::due(&self.db, now, limit).await?;
        turns.extend(problems::released(&self.db, limit).await?);
        if turns.is_empty() {
            return Ok(0);
        }
        let due: Vec<Uuid> = turns.iter().map(|(ticket, _)| *ticket).collect();
        let batch = Batch { db: self.db.clone(), problems: turns.into_iter().collect() };
        each(&batch, NAME, &due, now).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(problems::next_due(&self.db).await?)
    }
}
