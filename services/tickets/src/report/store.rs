//! The statements of reports, in `sql/`.

use jiff::Timestamp;
use seva_store::{Database, Fault};
use uuid::Uuid;

use super::model::Query;

type Time = jiff_sqlx::Timestamp;

/// How many were not over.
pub struct Open {
    pub kind: String,
    pub department: Option<Uuid>,
    pub channel: String,
    pub tickets: i64,
}

/// What happened on a day.
pub struct Volume {
    /// Which of the days, from 1.
    pub day: i32,
    pub kind: String,
    pub department: Option<Uuid>,
    pub channel: String,
    pub opened: i64,
    pub resolved: i64,
    pub closed_verified: i64,
    pub closed_unverified: i64,
    pub canceled: i64,
    pub merged: i64,
    pub rejected: i64,
    pub reopened: i64,
    pub unmerged: i64,
}

/// How clocks went.
pub struct ClockCounts {
    pub department: Option<Uuid>,
    pub kind: String,
    pub priority: String,
    pub counted: i64,
    pub met_in_time: i64,
    pub met_late: i64,
    pub overdue: i64,
    pub under_way: i64,
    pub measured: i64,
    /// In microseconds of working time.
    pub p50: Option<i64>,
    pub p90: Option<i64>,
}

/// What became of resolutions.
pub struct Resolutions {
    pub department: Option<Uuid>,
    pub kind: String,
    pub resolutions: i64,
    pub verified: i64,
    pub unverified: i64,
    pub rejected: i64,
    pub merged: i64,
    pub waiting: i64,
    pub tickets: i64,
    pub reopened_once: i64,
    pub reopened_again: i64,
}

/// Tickets of one root problem.
pub struct CauseCounts {
    pub cause: String,
    pub handbook_rule: Option<String>,
    pub department: Option<Uuid>,
    pub tickets: i64,
    pub reopened: i64,
}

/// What was given for a root problem.
pub struct CauseCompensation {
    pub cause: String,
    pub handbook_rule: Option<String>,
    pub currency: String,
    pub grants: i64,
    pub given: i64,
    pub taken_back: i64,
}

/// A contact that something of ours has caused.
pub struct Contact {
    pub at: Time,
    pub ticket: Uuid,
    pub kind: String,
    pub department: Option<Uuid>,
    pub reason: String,
    pub since: Option<Time>,
}

/// What waited at a time.
pub struct Waiting {
    /// Which of the times, from 0.
    pub hour: i64,
    pub department: Option<Uuid>,
    pub waiting: i64,
    pub longest_since: Time,
}

/// A ticket.
pub struct Ticket {
    pub id: Uuid,
    pub number: i64,
    pub customer_id: Uuid,
    pub kind: String,
    pub priority: String,
    pub tier: String,
    pub state: String,
    pub department: Option<Uuid>,
    pub assignee: Option<Uuid>,
    pub channel: String,
    pub language: String,
    pub created_at: Time,
    pub updated_at: Time,
    pub resolved_at: Option<Time>,
    pub closed_at: Option<Time>,
    pub closure: Option<String>,
    pub cancel_reason: Option<String>,
    pub reopen_count: i32,
    pub resolutions: i32,
    pub root_cause: Option<String>,
    pub root_rule: Option<String>,
    pub matter_kind: Option<String>,
    pub follow_up_of: Option<Uuid>,
    pub merged_into: Option<Uuid>,
}

fn time(at: Timestamp) -> Time {
    Time::from(at)
}

fn times(all: &[Timestamp]) -> Vec<Time> {
    all.iter().copied().map(Time::from).collect()
}

/// What was open just before a time.
pub async fn open_before(db: &Database, at: Timestamp, of: Option<Uuid>) -> Result<Vec<Open>, Fault> {
    let rows = sqlx::query_file_as!(Open, "src/report/sql/open_before.sql", time(at) as _, of);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// What happened on the days that have these borders.
pub async fn volumes(db: &Database, borders: &[Timestamp], of: Option<Uuid>) -> Result<Vec<Volume>, Fault> {
    let rows = sqlx::query_file_as!(Volume, "src/report/sql/volumes.sql", times(borders) as _, of);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// How the clocks of tickets went that were opened in the period.
pub async fn clocks(db: &Database, query: &Query) -> Result<Vec<ClockCounts>, Fault> {
    let (from, until) = (time(query.period.from()), time(query.period.until()));
    let now = time(query.now);
    let rows = sqlx::query_file_as!(
        ClockCounts,
        "src/report/sql/clocks.sql",
        from as _,
        until as _,
        query.department,
        now as _
    );
    Ok(rows.fetch_all(db.calls()).await?)
}

/// What became of the resolutions of the period.
pub async fn resolutions(db: &Database, query: &Query) -> Result<Vec<Resolutions>, Fault> {
    let (from, until) = (time(query.period.from()), time(query.period.until()));
    let rows =
        sqlx::query_file_as!(Resolutions, "src/report/sql/resolutions.sql", from as _, until as _, query.department);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// The root problems of tickets that were resolved in the period.
pub async fn causes(db: &Database, query: &Query) -> Result<Vec<CauseCounts>, Fault> {
    let (from, until) = (time(query.period.from()), time(query.period.until()));
    let rows = sqlx::query_file_as!(CauseCounts, "src/report/sql/causes.sql", from as _, until as _, query.department);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// What was given for tickets that were resolved in the period.
pub async fn compensation(db: &Database, query: &Query) -> Result<Vec<CauseCompensation>, Fault> {
    let (from, until) = (time(query.period.from()), time(query.period.until()));
    let rows = sqlx::query_file_as!(
        CauseCompensation,
        "src/report/sql/compensation.sql",
        from as _,
        until as _,
        query.department
    );
    Ok(rows.fetch_all(db.calls()).await?)
}

/// Contacts that something of ours has caused, in their order.
pub async fn avoidable(
    db: &Database,
    (from, until): (Timestamp, Timestamp),
    of: Option<Uuid>,
) -> Result<Vec<Contact>, Fault> {
    let rows = sqlx::query_file_as!(Contact, "src/report/sql/avoidable.sql", time(from) as _, time(until) as _, of);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// What waited at these times.
pub async fn waiting(db: &Database, at: &[Timestamp], of: Option<Uuid>) -> Result<Vec<Waiting>, Fault> {
    let rows = sqlx::query_file_as!(Waiting, "src/report/sql/waiting.sql", times(at) as _, of);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// The next tickets that were opened after a place in their order and before `until`.
pub async fn tickets(
    db: &Database,
    (after, id): (Timestamp, Uuid),
    until: Timestamp,
    of: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Ticket>, Fault> {
    let (after, until) = (time(after), time(until));
    let rows = sqlx::query_file_as!(Ticket, "src/report/sql/tickets.sql", after as _, until as _, id, of, limit);
    Ok(rows.fetch_all(db.calls()).await?)
}

/// All departments, or the one.
pub async fn departments(db: &Database, of: Option<Uuid>) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_file_scalar!("src/report/sql/departments.sql", of).fetch_all(db.calls()).await?)
}
