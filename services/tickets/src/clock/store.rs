//! All SQL of clocks. They are written by the SQL function `save_clocks`, inside the statement that writes their ticket.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use seva_runtime::Error;
use seva_store::{Database, Fault};
use seva_values::BusinessCalendar;
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

use super::{Calendar, Clock, ClockEvent, Clocks, Kind, Share, Shown, State, Step};

/// What `save_clocks` writes of a ticket: `select save_clocks(array[t.id], array[$1::jsonb]) from t`.
#[derive(Debug, Clone, Serialize)]
pub struct ClockWrites {
    clocks: Vec<ClockRow>,
    events: Vec<EventRow>,
}

#[derive(Debug, Clone, Serialize)]
struct ClockRow {
    kind: &'static str,
    round: i32,
    state: &'static str,
    started_at: Timestamp,
    target_us: i128,
    paused_us: i128,
    stopped_at: Option<Timestamp>,
    due_at: Timestamp,
    warned: i16,
    next_at: Option<Timestamp>,
    breached_at: Option<Timestamp>,
    met_at: Option<Timestamp>,
    taken_us: Option<i128>,
    policy_version: i32,
    calendar_department: Option<Uuid>,
    calendar_version: i64,
    events: i32,
    changed_at: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
struct EventRow {
    clock: &'static str,
    round: i32,
    number: i32,
    step: &'static str,
    at: Timestamp,
    due_at: Timestamp,
    target_us: i128,
}

impl ClockWrites {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl Clocks {
    /// The clocks that changed and their events, to be written with the ticket.
    #[must_use]
    pub fn writes(&self) -> Json<ClockWrites> {
        let changed =
            |clock: &&Clock| self.pending().iter().any(|event| (event.clock, event.round) == (clock.kind, clock.round));
        // By round: what is over makes way for what begins (TK28).
        let clocks = self.all().iter().filter(changed).map(ClockRow::from).collect();
        Json(ClockWrites { clocks, events: self.pending().iter().map(EventRow::from).collect() })
    }
}

impl From<&Clock> for ClockRow {
    fn from(clock: &Clock) -> Self {
        let next_at = clock.next_at();
        let Clock {
            kind,
            round,
            state,
            started_at,
            target,
            paused,
            stopped_at,
            due_at,
            warned,
            breached_at,
            met_at,
            policy_version,
            ref calendar,
            events,
            changed_at,
        } = *clock;
        Self {
            kind: kind.name(),
            round,
            state: state.name(),
            started_at,
            target_us: target.as_micros(),
            paused_us: paused.as_micros(),
            stopped_at,
            due_at,
            warned: warned.percent(),
            next_at,
            breached_at,
            met_at,
            taken_us: clock.taken().map(|taken| taken.as_micros()),
            policy_version,
            calendar_department: calendar.department(),
            calendar_version: calendar.version(),
            events,
            changed_at,
        }
    }
}

impl From<&ClockEvent> for EventRow {
    fn from(event: &ClockEvent) -> Self {
        let ClockEvent { clock, round, number, step, at, due_at, target } = *event;
        Self { clock: clock.name(), round, number, step: step.name(), at, due_at, target_us: target.as_micros() }
    }
}

/// The clocks of these tickets: the last round of each kind, and whatever still counts.
///
/// # Errors
/// When the statement fails.
pub async fn load(executor: impl PgExecutor<'_>, tickets: &[Uuid]) -> Result<HashMap<Uuid, Clocks>, Fault> {
    let rows = sqlx::query!(
        r#"select c.ticket_id, c.kind, c.round, c.state, c.started_at, c.target_us, c.paused_us, c.stopped_at, c.due_at, c.warned,
                  c.breached_at, c.met_at, c.policy_version, c.calendar_department, c.calendar_version, c.events, c.changed_at,
                  case when row_number() over (partition by c.calendar_department, c.calendar_version) = 1 then
                      (select d.calendar::text from department_calendar d
                       where d.department_id = c.calendar_department and d.version = c.calendar_version)
                  end as "calendar?"
           from clock c
           where c.ticket_id = any($1)
             and (c.state in ('running', 'paused')
                  or not exists (select from clock n where n.ticket_id = c.ticket_id and n.kind = c.kind and n.round > c.round))"#,
        tickets
    )
    .fetch_all(executor)
    .await?;
    let mut calendars: HashMap<(Uuid, i64), Calendar> = HashMap::new();
    let mut clocks: HashMap<Uuid, Vec<Clock>> = HashMap::with_capacity(tickets.len());
    for row in rows {
        let calendar = match row.calendar_department {
            None => Calendar::always(),
            // Many clocks keep to few calendars: each comes once, with the first row of those that keep to it.
            Some(department) => match calendars.get(&(department, row.calendar_version)) {
                Some(known) => known.clone(),
                None => {
                    let read = calendar(department, row.calendar_version, row.calendar.as_deref())?;
                    calendars.insert((department, row.calendar_version), read.clone());
                    read
                }
            },
        };
        let clock = Clock {
            kind: Kind::from_name(&row.kind)?,
            round: row.round,
            state: State::from_name(&row.state)?,
            started_at: row.started_at.to_jiff(),
            target: SignedDuration::from_micros(row.target_us),
            paused: SignedDuration::from_micros(row.paused_us),
            stopped_at: row.stopped_at.map(jiff_sqlx::Timestamp::to_jiff),
            due_at: row.due_at.to_jiff(),
            warned: Share::from_percent(row.warned)?,
            breached_at: row.breached_at.map(jiff_sqlx::Timestamp::to_jiff),
            met_at: row.met_at.map(jiff_sqlx::Timestamp::to_jiff),
            policy_version: row.policy_version,
            calendar,
            events: row.events,
            changed_at: row.changed_at.to_jiff(),
        };
        clocks.entry(row.ticket_id).or_default().push(clock);
    }
    Ok(clocks.into_iter().map(|(ticket, clocks)| (ticket, Clocks::stored(clocks))).collect())
}

/// What is told of the clocks of these tickets, the soonest due first: a page of a list needs no calendars.
///
/// # Errors
/// When the statement fails.
pub async fn shown(executor: impl PgExecutor<'_>, tickets: &[Uuid]) -> Result<HashMap<Uuid, Vec<Shown>>, Fault> {
    let rows = sqlx::query!(
        "select c.ticket_id, c.kind, c.round, c.state, c.due_at, c.breached_at, c.met_at, c.policy_version, c.calendar_version
         from clock c
         where c.ticket_id = any($1)
           and (c.state in ('running', 'paused')
                or not exists (select from clock n where n.ticket_id = c.ticket_id and n.kind = c.kind and n.round > c.round))",
        tickets
    )
    .fetch_all(executor)
    .await?;
    let mut shown: HashMap<Uuid, Vec<Shown>> = HashMap::with_capacity(tickets.len());
    for row in rows {
        shown.entry(row.ticket_id).or_default().push(Shown {
            kind: Kind::from_name(&row.kind)?,
            round: row.round,
            state: State::from_name(&row.state)?,
            due_at: row.due_at.to_jiff(),
            breached_at: row.breached_at.map(jiff_sqlx::Timestamp::to_jiff),
            met_at: row.met_at.map(jiff_sqlx::Timestamp::to_jiff),
            policy_version: row.policy_version,
            calendar_version: row.calendar_version,
        });
    }
    for clocks in shown.values_mut() {
        clocks.sort_unstable_by_key(|clock| (clock.due_at, clock.kind, clock.round));
    }
    Ok(shown)
}

/// A version of a department's calendar as it is stored. A clock keeps to a version that was known when it started.
pub(crate) fn calendar(department: Uuid, version: i64, stored: Option<&str>) -> Result<Calendar, Error> {
    let text = stored.ok_or_else(|| Error::internal("a clock keeps to a calendar that is not known"))?;
    let hours: BusinessCalendar = serde_json::from_str(text).map_err(Error::internal)?;
    Ok(Calendar::of(department, version, hours))
}

/// Every event of a ticket's clocks, by clock, round and number.
///
/// # Errors
/// When the statement fails.
pub async fn events(executor: impl PgExecutor<'_>, ticket: Uuid) -> Result<Vec<ClockEvent>, Fault> {
    let rows = sqlx::query!(
        "select clock, round, number, step, at, due_at, target_us from clock_event
         where ticket_id = $1 order by clock, round, number",
        ticket
    )
    .fetch_all(executor)
    .await?;
    let events = rows.into_iter().map(|row| {
        Ok(ClockEvent {
            clock: Kind::from_name(&row.clock)?,
            round: row.round,
            number: row.number,
            step: Step::from_name(&row.step)?,
            at: row.at.to_jiff(),
            due_at: row.due_at.to_jiff(),
            target: SignedDuration::from_micros(row.target_us),
        })
    });
    events.collect()
}

/// Tickets with clocks that have to be looked at by `now`, those that wait longest.
///
/// # Errors
/// When the statement fails.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let due = sqlx::query_scalar!(
        r#"select distinct ticket_id as "ticket_id!" from (
               select ticket_id from clock where next_at is not null and next_at <= $1 order by next_at limit $2
           ) as due"#,
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// When the next clock has to be looked at.
///
/// # Errors
/// When the statement fails.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!("select min(next_at) from clock where next_at is not null");
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}
