//! Tickets as lists show them.

use jiff::Timestamp;
use serde::Deserialize;
use seva_runtime::Error;
use seva_store::{Fault, paging::Page};
use sqlx::{FromRow, PgExecutor, Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{
    super::{
        kind::{Kind, Priority},
        model::Ticket,
        state::{CancelReason, Closure, State, Unverified},
    },
    TicketRow, read,
};
use crate::{
    clock::{self, Clocks, Shown},
    recipient::Tier,
    risk::Level,
    routing::WaitReason,
};

/// Lists of whole tickets begin so.
pub const SELECT_FULL: &str =
    "select id, version, number, customer_id, kind, priority, state, title, stated_problem, root_cause, root_description,
            root_rule, tags, fields, matter_kind, matter_subject, matter_version, department, assignee, over_limits, wait_reason, route_at, language, tier,
            targets, wait_until, wait_party, merged_into, merged_at, return_due_at, returned_from, return_count, resolver, reopen_count, resolution, verification,
            verification_attempts, verification_due_at, verification_call_from, answered_resolution, answered_solved, closure, unverified_reason, cancel_reason, follow_up_of, link_generation,
            cause_source, cause_event_id, correlation_id, causation_id, hops, traceparent, created_at, updated_at, resolved_at,
            closed_at, next_due_at, open_work, risk_level
     from ticket";

/// Lists of what queues show begin so. They are read by their places: see [`Summary`]. Every column is time, in a page fifty times, so that what most
/// tickets of a queue have nothing of stands in one.
pub const SELECT_BASIC: &str =
    "select id, version, number, customer_id, kind, priority, state, title, tags, department, assignee, wait_reason,
            language, tier, risk_level, created_at, updated_at, next_due_at,
            case when resolved_at is not null or state in ('canceled', 'merged') or wait_until is not null or follow_up_of is not null
                      or (reopen_count, return_count, open_work) <> (0, 0, 0) then
                jsonb_build_object(
                    'wait_until', wait_until, 'merged_into', merged_into, 'return_count', return_count, 'open_work', open_work,
                    'reopen_count', reopen_count, 'verification_attempts', verification_attempts,
                    'verification_due_at', verification_due_at, 'call_from', verification_call_from, 'closure', closure,
                    'unverified', unverified_reason, 'cancel_reason', cancel_reason, 'follow_up_of', follow_up_of,
                    'resolved_at', resolved_at, 'closed_at', closed_at
                )
            end as past
     from ticket";

/// What queues show of a ticket. It is read straight into what is told: a page is fifty of them, and what a whole ticket has besides is most of
/// what a page would take.
#[derive(Debug)]
pub struct Summary {
    pub id: Uuid,
    pub version: i64,
    pub number: i64,
    pub customer: Uuid,
    pub kind: Kind,
    pub priority: Priority,
    pub state: State,
    pub title: String,
    pub tags: Vec<String>,
    pub department: Option<Uuid>,
    pub assignee: Option<Uuid>,
    pub wait_reason: Option<WaitReason>,
    pub language: String,
    pub tier: Tier,
    pub risk: Level,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub next_due_at: Option<Timestamp>,
    pub past: Past,
}

/// What has become of a ticket before, or in the end: most of a queue have nothing of it.
#[derive(Debug, Default, Deserialize)]
pub struct Past {
    pub wait_until: Option<Timestamp>,
    pub merged_into: Option<Uuid>,
    pub return_count: i32,
    pub open_work: i32,
    pub reopen_count: i32,
    pub verification_attempts: i32,
    pub verification_due_at: Option<Timestamp>,
    pub call_from: Option<Timestamp>,
    pub closure: Option<Closure>,
    pub unverified: Option<Unverified>,
    pub cancel_reason: Option<CancelReason>,
    pub follow_up_of: Option<Uuid>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

impl FromRow<'_, PgRow> for Summary {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let columns = &mut Columns { row, place: 0 };
        // In the order of `SELECT_BASIC`.
        Ok(Self {
            id: columns.next()?,
            version: columns.next()?,
            number: columns.next()?,
            customer: columns.next()?,
            kind: columns.named(Kind::from_name)?,
            priority: columns.named(Priority::from_name)?,
            state: columns.named(State::from_name)?,
            title: columns.next()?,
            tags: columns.next()?,
            department: columns.next()?,
            assignee: columns.next()?,
            wait_reason: columns.may_be_named(WaitReason::from_name)?,
            language: columns.next()?,
            tier: columns.named(Tier::from_name)?,
            risk: columns.named(Level::from_name)?,
            created_at: columns.time()?,
            updated_at: columns.time()?,
            next_due_at: columns.may_be_a_time()?,
            past: columns.next::<Option<Json<Past>>>()?.map(|Json(past)| past).unwrap_or_default(),
        })
    }
}

/// The columns of a row, one after the other: to look each up by its name takes longer than to read it.
struct Columns<'r> {
    row: &'r PgRow,
    place: usize,
}

impl<'r> Columns<'r> {
    fn next<T>(&mut self) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.place += 1;
        self.row.try_get(self.place - 1)
    }

    fn named<T>(&mut self, from_name: impl Fn(&str) -> Result<T, Error>) -> Result<T, sqlx::Error> {
        from_name(self.next()?).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    fn may_be_named<T>(&mut self, from_name: impl Fn(&str) -> Result<T, Error>) -> Result<Option<T>, sqlx::Error> {
        let name: Option<&str> = self.next()?;
        name.map(from_name).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
    }

    fn time(&mut self) -> Result<Timestamp, sqlx::Error> {
        self.next().map(jiff_sqlx::Timestamp::to_jiff)
    }

    fn may_be_a_time(&mut self) -> Result<Option<Timestamp>, sqlx::Error> {
        let time: Option<jiff_sqlx::Timestamp> = self.next()?;
        Ok(time.map(jiff_sqlx::Timestamp::to_jiff))
    }
}

/// A page of a list.
#[derive(Debug)]
pub enum Listed {
    /// What queues show.
    Basic(Page<Summary>),
    /// Everything.
    Full(Page<Whole>),
}

/// A whole ticket of a list.
#[derive(Debug)]
pub struct Whole {
    /// Without its clocks: a page needs no calendars, which are most of what it takes to read them.
    pub ticket: Ticket,
    /// What is told of its clocks, the soonest due first.
    pub clocks: Vec<Shown>,
    /// When the soonest due of those that run is due (TK27).
    pub next_due_at: Option<Timestamp>,
}

/// Rows with what is told of their clocks, in the same order.
pub(in crate::ticket) async fn full(executor: impl PgExecutor<'_>, rows: Vec<TicketRow>) -> Result<Vec<Whole>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut clocks = clock::store::shown(executor, &ids).await?;
    let with_clocks = rows.into_iter().map(|row| {
        let clocks = clocks.remove(&row.id).unwrap_or_default();
        let next_due_at = row.next_due_at.map(jiff_sqlx::Timestamp::to_jiff);
        let ticket = read(row, Clocks::default())?;
        Ok(Whole { ticket, clocks, next_due_at })
    });
    with_clocks.collect()
}
