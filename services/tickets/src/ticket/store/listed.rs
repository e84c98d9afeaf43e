//! Lists: what queues show, or whole tickets with what is told of their clocks.

use jiff::Timestamp;
use seva_store::Fault;
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

use super::{Ticket, TicketRow, read};
use crate::{
    clock::{self, Clocks, Shown},
    custom_field::Values,
    policy::Targets,
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

/// Lists of what queues show begin so; every column less is time.
pub const SELECT_BASIC: &str =
    "select id, version, number, customer_id, kind, priority, state, title, tags, department, assignee, wait_reason,
            language, tier, wait_until, merged_into, merged_at, return_count, open_work, risk_level, reopen_count, verification_attempts,
            verification_due_at, verification_call_from, closure, unverified_reason, cancel_reason, follow_up_of, created_at,
            updated_at, resolved_at, closed_at, next_due_at
     from ticket";

/// A row of what queues show.
#[derive(sqlx::FromRow)]
pub struct BasicRow {
    pub(in crate::ticket) id: Uuid,
    version: i64,
    number: i64,
    customer_id: Uuid,
    kind: String,
    priority: String,
    state: String,
    title: String,
    tags: Vec<String>,
    department: Option<Uuid>,
    assignee: Option<Uuid>,
    wait_reason: Option<String>,
    language: String,
    tier: String,
    wait_until: Option<jiff_sqlx::Timestamp>,
    merged_into: Option<Uuid>,
    merged_at: Option<jiff_sqlx::Timestamp>,
    return_count: i32,
    open_work: i32,
    risk_level: String,
    reopen_count: i32,
    verification_attempts: i32,
    verification_due_at: Option<jiff_sqlx::Timestamp>,
    verification_call_from: Option<jiff_sqlx::Timestamp>,
    closure: Option<String>,
    unverified_reason: Option<String>,
    cancel_reason: Option<String>,
    follow_up_of: Option<Uuid>,
    pub(in crate::ticket) created_at: jiff_sqlx::Timestamp,
    pub(in crate::ticket) updated_at: jiff_sqlx::Timestamp,
    resolved_at: Option<jiff_sqlx::Timestamp>,
    closed_at: Option<jiff_sqlx::Timestamp>,
    pub(in crate::ticket) next_due_at: Option<jiff_sqlx::Timestamp>,
}

impl From<BasicRow> for TicketRow {
    /// With nothing in what is not shown.
    fn from(row: BasicRow) -> Self {
        let BasicRow {
            id,
            version,
            number,
            customer_id,
            kind,
            priority,
            state,
            title,
            tags,
            department,
            assignee,
            wait_reason,
            language,
            tier,
            wait_until,
            merged_into,
            merged_at,
            return_count,
            open_work,
            risk_level,
            reopen_count,
            verification_attempts,
            verification_due_at,
            verification_call_from,
            closure,
            unverified_reason,
            cancel_reason,
            follow_up_of,
            created_at,
            updated_at,
            resolved_at,
            closed_at,
            next_due_at,
        } = row;
        Self {
            id,
            version,
            number,
            customer_id,
            kind,
            priority,
            state,
            title,
            stated_problem: String::new(),
            root_cause: None,
            root_description: None,
            root_rule: None,
            tags,
            fields: Json(Values::default()),
            matter_kind: None,
            matter_subject: None,
            matter_version: None,
            department,
            assignee,
            over_limits: false,
            wait_reason,
            route_at: None,
            language,
            tier,
            targets: Json(Targets::default()),
            wait_until,
            wait_party: None,
            merged_into,
            merged_at,
            return_due_at: None,
            returned_from: None,
            return_count,
            resolver: None,
            reopen_count,
            resolution: 0,
            verification: Json(Vec::new()),
            verification_attempts,
            verification_due_at,
            verification_call_from,
            answered_resolution: None,
            answered_solved: None,
            closure,
            unverified_reason,
            cancel_reason,
            follow_up_of,
            link_generation: 0,
            cause_source: None,
            cause_event_id: None,
            correlation_id: String::new(),
            causation_id: String::new(),
            hops: 0,
            traceparent: None,
            created_at,
            updated_at,
            resolved_at,
            closed_at,
            next_due_at,
            open_work,
            risk_level,
        }
    }
}

/// A ticket of a list.
#[derive(Debug)]
pub struct Listed {
    /// Without its clocks: a page needs no calendars, which are most of what it takes to read them.
    pub ticket: Ticket,
    /// What is told of its clocks, the soonest due first; none in a list of what queues show.
    pub clocks: Vec<Shown>,
    /// When the soonest due of those that run is due (TK27).
    pub next_due_at: Option<Timestamp>,
}

/// Rows as queues show them.
pub fn basic(rows: Vec<BasicRow>) -> Result<Vec<Listed>, Fault> {
    rows.into_iter().map(|row| listed(row.into(), Vec::new())).collect()
}

/// Rows with what is told of their clocks, in the same order.
pub(in crate::ticket) async fn full(executor: impl PgExecutor<'_>, rows: Vec<TicketRow>) -> Result<Vec<Listed>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut clocks = clock::store::shown(executor, &ids).await?;
    let with_clocks = rows.into_iter().map(|row| {
        let of_ticket = clocks.remove(&row.id).unwrap_or_default();
        listed(row, of_ticket)
    });
    with_clocks.collect()
}

fn listed(row: TicketRow, clocks: Vec<Shown>) -> Result<Listed, Fault> {
    let next_due_at = row.next_due_at.map(jiff_sqlx::Timestamp::to_jiff);
    Ok(Listed { ticket: read(row, Clocks::default())?, clocks, next_due_at })
}
