//! How many tickets a filter matches (TK100).
//!
//! What filters mostly ask for is counted as tickets are written: `count_ticket` appends what a write changes, whoever indexes the feed folds it
//! into the counts, and a count is the sum of both in one snapshot. Anything else is counted up to a bound.

use jiff::Timestamp;
use serde::Serialize;
use seva_runtime::Error;
use seva_store::{Database, Fault};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::ticket::{State, filter::TicketFilter};

/// What is not kept as a count is counted up to here.
const COUNTED: i64 = 1000;
/// Changes that are folded at once, at most; more than a batch of events makes.
const FOLDED: i32 = 10_000;

/// How many tickets there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exact(i64),
    /// So many, and there are more.
    AtLeast(i64),
}

/// A filter of what is kept as counts.
#[derive(Serialize)]
struct Kept {
    at: usize,
    department: Option<Uuid>,
    assignee: Option<Uuid>,
    states: Option<Vec<&'static str>>,
    kinds: Option<Vec<&'static str>>,
    priorities: Option<Vec<&'static str>>,
}

impl Kept {
    fn of(at: usize, filter: &TicketFilter) -> Self {
        let mut states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
        let new = State::New.name();
        let states = match (filter.unassigned, states.is_empty()) {
            (false, true) => None,
            (true, true) => Some(vec![new]),
            (unassigned, false) => {
                states.retain(|state| !unassigned || *state == new);
                Some(states)
            }
        };
        let kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.name()).collect();
        let priorities: Vec<&str> = filter.priorities.iter().map(|priority| priority.name()).collect();
        Self {
            at,
            department: filter.department,
            assignee: filter.assignee,
            states,
            kinds: (!kinds.is_empty()).then_some(kinds),
            priorities: (!priorities.is_empty()).then_some(priorities),
        }
    }
}

/// How many tickets each filter matches at `now`; those that are kept as counts all in one snapshot.
///
/// # Errors
/// When the database cannot be asked.
pub async fn count(db: &Database, filters: &[TicketFilter], now: Timestamp) -> Result<Vec<Count>, Error> {
    let kept: Vec<Kept> = filters
        .iter()
        .enumerate()
        .filter(|(_, filter)| filter.is_counted())
        .map(|(at, filter)| Kept::of(at, filter))
        .collect();
    let mut counts = vec![Count::Exact(0); filters.len()];
    let rows = sqlx::query!(
        r#"select f.at as "at!",
                  (case when f.assignee is null then (
                       select coalesce(sum(c.tickets), 0) from ticket_count c
                       where (f.department is null or c.department = f.department) and (f.states is null or c.state = any(f.states))
                         and (f.kinds is null or c.kind = any(f.kinds)) and (f.priorities is null or c.priority = any(f.priorities))
                   ) else (
                       select coalesce(sum(c.tickets), 0) from ticket_count_assigned c
                       where c.assignee = f.assignee
                         and (f.department is null or c.department = f.department) and (f.states is null or c.state = any(f.states))
                         and (f.kinds is null or c.kind = any(f.kinds)) and (f.priorities is null or c.priority = any(f.priorities))
                   ) end + (
                       select coalesce(sum(c.by), 0) from ticket_count_change c
                       where (f.assignee is null or c.assignee = f.assignee)
                         and (f.department is null or c.department = f.department) and (f.states is null or c.state = any(f.states))
                         and (f.kinds is null or c.kind = any(f.kinds)) and (f.priorities is null or c.priority = any(f.priorities))
                   ))::bigint as "tickets!"
           from jsonb_to_recordset($1) as f (
               at integer, department uuid, assignee uuid, states text[], kinds text[], priorities text[]
           )"#,
        Json(&kept) as _,
    );
    for row in rows.fetch_all(db.calls()).await.map_err(Fault::from)? {
        let at = usize::try_from(row.at).map_err(Error::internal)?;
        counts[at] = Count::Exact(row.tickets);
    }
    for (count, filter) in counts.iter_mut().zip(filters).filter(|(_, filter)| !filter.is_counted()) {
        let mut statement = filter.conditions(now).counting("from ticket", COUNTED + 1);
        let found: i64 = statement.build_query_scalar().fetch_one(db.calls()).await.map_err(Fault::from)?;
        *count = if found > COUNTED { Count::AtLeast(COUNTED) } else { Count::Exact(found) };
    }
    Ok(counts)
}

/// Folds what writes of tickets have appended into the counts.
///
/// # Errors
/// When a statement fails.
pub async fn fold(connection: &mut PgConnection) -> Result<(), Fault> {
    sqlx::query!("select fold_ticket_counts($1)", FOLDED).execute(connection).await?;
    Ok(())
}
