//! All SQL of tickets: reads here, lists in [`listed`], locks for what belongs to tickets in [`locked`], writes by calls in [`save`], writes of workers and consumers, many at once, in [`batch`].

pub mod batch;
pub mod listed;
pub mod locked;
pub mod save;
mod schedules;

use std::collections::HashMap;

use seva_runtime::Error;
use seva_store::{Database, Fault};
use seva_values::{AvailabilityWindows, Language, Zone, format_name};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::{
    kind::{Kind, Priority},
    model::{
        COLLECTION, Change, Matter, NewTicket, RootProblem, StoryOf, Surroundings, TAKEN_BACK, Ticket,
        verification::Attempt,
    },
    state::{CancelReason, Cause, Closure, State, Unverified},
};
use crate::{
    clock::{self, Calendar, Clocks},
    custom_field::Values,
    policy::{Matched, Policy, Targets},
    recipient::{Recipient, Tier},
    risk::Level,
    routing::WaitReason,
    stored::malformed,
};

pub(crate) use batch::insert_opened;
pub use batch::{lock, lock_at, lock_one_at, save_all, save_for};
pub(crate) use save::refusal;
pub use schedules::{next_return, next_verification, next_wait, return_due, verification_due, wait_due};

/// A ticket as the database holds it, without its clocks.
#[derive(sqlx::FromRow)]
pub struct TicketRow {
    pub id: Uuid,
    version: i64,
    number: i64,
    customer_id: Uuid,
    kind: String,
    priority: String,
    state: String,
    title: String,
    stated_problem: String,
    root_cause: Option<String>,
    root_description: Option<String>,
    root_rule: Option<String>,
    tags: Vec<String>,
    fields: Json<Values>,
    matter_kind: Option<String>,
    matter_subject: Option<String>,
    matter_version: Option<String>,
    department: Option<Uuid>,
    assignee: Option<Uuid>,
    over_limits: bool,
    wait_reason: Option<String>,
    route_at: Option<jiff_sqlx::Timestamp>,
    language: String,
    tier: String,
    targets: Json<Targets>,
    wait_until: Option<jiff_sqlx::Timestamp>,
    wait_party: Option<String>,
    merged_into: Option<Uuid>,
    merged_at: Option<jiff_sqlx::Timestamp>,
    return_due_at: Option<jiff_sqlx::Timestamp>,
    returned_from: Option<Uuid>,
    return_count: i32,
    resolver: Option<Uuid>,
    reopen_count: i32,
    resolution: i32,
    verification: Json<Vec<Attempt>>,
    verification_attempts: i32,
    verification_due_at: Option<jiff_sqlx::Timestamp>,
    verification_call_from: Option<jiff_sqlx::Timestamp>,
    answered_resolution: Option<i32>,
    answered_solved: Option<bool>,
    closure: Option<String>,
    unverified_reason: Option<String>,
    cancel_reason: Option<String>,
    follow_up_of: Option<Uuid>,
    link_generation: i32,
    cause_source: Option<String>,
    cause_event_id: Option<Uuid>,
    correlation_id: String,
    causation_id: String,
    hops: i16,
    traceparent: Option<String>,
    pub created_at: jiff_sqlx::Timestamp,
    pub updated_at: jiff_sqlx::Timestamp,
    resolved_at: Option<jiff_sqlx::Timestamp>,
    closed_at: Option<jiff_sqlx::Timestamp>,
    pub next_due_at: Option<jiff_sqlx::Timestamp>,
    open_work: i32,
    risk_level: String,
}

/// A ticket with its clocks.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Ticket, Error> {
    load_all(db, &[id]).await?.pop().ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))
}

/// Those of these tickets that there are, with their clocks.
///
/// # Errors
/// When the database cannot be asked.
pub async fn load_all(db: &Database, ids: &[Uuid]) -> Result<Vec<Ticket>, Error> {
    let rows = sqlx::query_as!(
        TicketRow,
        r#"select id, version, number, customer_id, kind, priority, state, title, stated_problem, root_cause, root_description,
                  root_rule, tags, fields as "fields: _", matter_kind, matter_subject, matter_version, department, assignee, over_limits,
                  wait_reason, route_at, language, tier, targets as "targets: _", wait_until, wait_party, merged_into, merged_at, return_due_at,
                  returned_from, return_count, resolver, reopen_count, resolution,
                  verification as "verification: _", verification_attempts, verification_due_at, verification_call_from, answered_resolution,
                  answered_solved, closure, unverified_reason, cancel_reason,
                  follow_up_of, link_generation, cause_source, cause_event_id, correlation_id, causation_id, hops, traceparent,
                  created_at, updated_at, resolved_at, closed_at, next_due_at, open_work,
                  risk_level
           from ticket where id = any($1)"#,
        ids
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(with_clocks(db.calls(), rows).await?)
}

/// What has to be known to open a ticket.
pub struct Facts {
    /// The next number.
    pub number: i64,
    /// The customer, if anything was heard of them.
    pub recipient: Option<Recipient>,
    /// The department that takes tickets of the kind, with the newest version of its calendar.
    pub department: Option<(Uuid, Calendar)>,
    /// Whether the company defines fields.
    pub has_fields: bool,
}

impl Facts {
    /// What a new ticket begins with under this policy; `None` when nothing was heard of its customer.
    pub fn surroundings(self, policy: &Policy, new: &NewTicket) -> Option<Surroundings> {
        let known = self.recipient?;
        let (department, calendar) =
            self.department.map_or((None, Calendar::always()), |(id, calendar)| (Some(id), calendar));
        Some(Surroundings {
            number: self.number,
            language: known.language,
            tier: known.tier,
            department,
            calendar,
            targets: policy.targets(&Matched { kind: new.kind, department, tier: known.tier, priority: new.priority }),
            policy_version: policy.version(),
        })
    }
}

/// All that has to be known to open a ticket, in one question.
///
/// # Errors
/// When the database cannot be asked.
pub async fn facts(executor: impl PgExecutor<'_>, customer: Uuid, kind: Kind) -> Result<Facts, Fault> {
    let row = sqlx::query!(
        r#"select nextval('ticket_number') as "number!", r.sequence as "sequence?", r.language as "language?", r.tier as "tier?",
                  r.zone as "zone?", r.provisional as "provisional?",
                  r.availability as "availability?: Json<AvailabilityWindows>", r.has_email as "has_email?", r.has_phone as "has_phone?",
                  d.id as "department?", d.calendar_version as "calendar_version?",
                  c.calendar::text as calendar, exists(select from custom_field where state = 'active') as "has_fields!"
           from (select 1) as one
           left join recipient r on r.customer_id = $1
           left join lateral (
               select id, calendar_version from department where $2 = any(ticket_kinds) order by id limit 1
           ) as d on true
           left join department_calendar c on c.department_id = d.id and c.version = d.calendar_version"#,
        customer,
        kind.name(),
    );
    let row = row.fetch_one(executor).await?;
    let recipient = match (row.sequence, row.language, row.tier, row.zone, row.provisional) {
        (Some(sequence), Some(language), Some(tier), Some(zone), Some(provisional)) => Some(Recipient {
            customer,
            sequence,
            language: Language::parse(&language).map_err(malformed)?,
            tier: Tier::from_name(&tier)?,
            zone: Zone::parse(&zone).map_err(malformed)?,
            provisional,
            availability: row.availability.map(|Json(availability)| availability),
            has_email: row.has_email.unwrap_or_default(),
            has_phone: row.has_phone.unwrap_or_default(),
        }),
        _ => None,
    };
    let department = match row.department.zip(row.calendar_version) {
        Some((id, version)) => Some((id, clock::store::calendar(id, version, row.calendar.as_deref())?)),
        None => None,
    };
    Ok(Facts { number: row.number, recipient, department, has_fields: row.has_fields })
}

/// The number of the next ticket.
pub(crate) async fn next_number(executor: impl PgExecutor<'_>) -> Result<i64, Fault> {
    let number = sqlx::query_scalar!(r#"select nextval('ticket_number') as "number!""#);
    Ok(number.fetch_one(executor).await?)
}

/// The id of the ticket with this number.
///
/// # Errors
/// When the database cannot be asked.
pub async fn find_by_number(db: &Database, number: i64) -> Result<Option<Uuid>, Error> {
    let found = sqlx::query_scalar!("select id from ticket where number = $1", number);
    Ok(found.fetch_optional(db.calls()).await.map_err(Fault::from)?)
}

/// The ticket of a matter that is not over.
///
/// # Errors
/// When the database cannot be asked.
pub async fn find_by_matter(db: &Database, matter: &Matter) -> Result<Option<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "select id from ticket
         where matter_kind = $1 and matter_subject = $2 and matter_version = $3
           and (state in ('new', 'resolved') or is_worked_on(state))",
        matter.kind,
        matter.subject,
        matter.version,
    );
    Ok(found.fetch_optional(db.calls()).await.map_err(Fault::from)?)
}

/// Notes by which channel a ticket came that a message has opened.
pub async fn came_by(executor: impl PgExecutor<'_>, ticket: Uuid, channel: &str) -> Result<(), Fault> {
    sqlx::query!("update ticket set channel = $2 where id = $1", ticket, channel).execute(executor).await?;
    Ok(())
}

/// The present generation of the links of these tickets, as far as they exist.
///
/// # Errors
/// When the database cannot be asked.
pub async fn link_generations(db: &Database, ids: &[Uuid]) -> Result<HashMap<Uuid, i32>, Error> {
    let rows = sqlx::query!("select id, link_generation from ticket where id = any($1)", ids);
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(rows.into_iter().map(|row| (row.id, row.link_generation)).collect())
}

/// The names of what is under way and hinders a ticket's resolution, such as `returnCases/{id}` (TK11).
///
/// # Errors
/// When the database cannot be asked.
pub async fn open_work(db: &Database, ticket: Uuid) -> Result<Vec<String>, Error> {
    let rows = sqlx::query!("select kind, id from open_work where ticket_id = $1 order by kind, id limit 20", ticket);
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(rows.into_iter().map(|row| format_name(&collection(&row.kind), row.id)).collect())
}

/// The collection of a kind of work: of `return_case` it is `returnCases`.
fn collection(kind: &str) -> String {
    let mut words = kind.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.fold(first, |name, word| name + &capital(word)) + "s"
}

/// Adds their clocks to rows, in the same order.
pub(crate) async fn with_clocks(executor: impl PgExecutor<'_>, rows: Vec<TicketRow>) -> Result<Vec<Ticket>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut clocks = clock::store::load(executor, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let of_ticket = clocks.remove(&row.id).unwrap_or_default();
            read(row, of_ticket)
        })
        .collect()
}

/// Locks rows in the order of their ids.
pub(crate) async fn lock_rows(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<TicketRow>, Fault> {
    let rows = sqlx::query_as!(
        TicketRow,
        r#"select id, version, number, customer_id, kind, priority, state, title, stated_problem, root_cause, root_description,
                  root_rule, tags, fields as "fields: _", matter_kind, matter_subject, matter_version, department, assignee, over_limits,
                  wait_reason, route_at, language, tier, targets as "targets: _", wait_until, wait_party, merged_into, merged_at, return_due_at,
                  returned_from, return_count, resolver, reopen_count, resolution,
                  verification as "verification: _", verification_attempts, verification_due_at, verification_call_from, answered_resolution,
                  answered_solved, closure, unverified_reason, cancel_reason,
                  follow_up_of, link_generation, cause_source, cause_event_id, correlation_id, causation_id, hops, traceparent,
                  created_at, updated_at, resolved_at, closed_at, next_due_at, open_work,
                  risk_level
           from ticket where id = any($1) order by id for update"#,
        ids
    );
    Ok(rows.fetch_all(connection).await?)
}

fn read(row: TicketRow, clocks: Clocks) -> Result<Ticket, Fault> {
    let TicketRow {
        id,
        version,
        number,
        customer_id,
        kind,
        priority,
        state,
        title,
        stated_problem,
        root_cause,
        root_description,
        root_rule,
        tags,
        fields: Json(fields),
        matter_kind,
        matter_subject,
        matter_version,
        department,
        assignee,
        over_limits,
        wait_reason,
        route_at,
        language,
        tier,
        targets: Json(targets),
        wait_until,
        wait_party,
        merged_into,
        merged_at,
        return_due_at,
        returned_from,
        return_count,
        resolver,
        reopen_count,
        resolution,
        verification: Json(verification),
        verification_attempts,
        verification_due_at,
        verification_call_from,
        answered_resolution,
        answered_solved,
        closure,
        unverified_reason,
        cancel_reason,
        follow_up_of,
        link_generation,
        cause_source,
        cause_event_id,
        correlation_id,
        causation_id,
        hops,
        traceparent,
        created_at,
        updated_at,
        resolved_at,
        closed_at,
        next_due_at: _,
        open_work,
        risk_level,
    } = row;
    let root_problem = root_cause.as_deref().map(Cause::from_name).transpose()?;
    let matter = match (matter_kind, matter_subject, matter_version) {
        (Some(kind), Some(subject), Some(version)) => Some(Matter { kind, subject, version }),
        _ => None,
    };
    let time = |time: Option<jiff_sqlx::Timestamp>| time.map(jiff_sqlx::Timestamp::to_jiff);
    Ok(Ticket {
        id,
        version,
        number,
        customer: customer_id,
        kind: Kind::from_name(&kind)?,
        priority: Priority::from_name(&priority)?,
        state: State::from_name(&state)?,
        title,
        stated_problem,
        root_problem: root_problem.map(|cause| RootProblem {
            cause,
            description: root_description.unwrap_or_default(),
            rule: root_rule,
        }),
        tags,
        fields,
        matter,
        department,
        assignee,
        over_limits,
        wait_reason: wait_reason.as_deref().map(WaitReason::from_name).transpose()?,
        route_at: time(route_at),
        language: Language::parse(&language).map_err(malformed)?,
        tier: Tier::from_name(&tier)?,
        targets,
        wait_until: time(wait_until),
        wait_party,
        merged_into: merged_into.zip(time(merged_at)),
        return_due_at: time(return_due_at),
        returned_from,
        return_count,
        resolver,
        reopen_count,
        resolution,
        verification,
        verification_attempts,
        verification_due_at: time(verification_due_at),
        call_from: time(verification_call_from),
        answered: answered_resolution.zip(answered_solved),
        closure: closure.as_deref().map(Closure::from_name).transpose()?,
        unverified: unverified_reason.as_deref().map(Unverified::from_name).transpose()?,
        cancel_reason: cancel_reason.as_deref().map(CancelReason::from_name).transpose()?,
        follow_up_of,
        link_generation,
        cause: cause_source.zip(cause_event_id),
        story: StoryOf { correlation_id, causation_id, hops, traceparent },
        created_at: created_at.to_jiff(),
        updated_at: updated_at.to_jiff(),
        resolved_at: time(resolved_at),
        closed_at: time(closed_at),
        open_work,
        risk: Level::from_name(&risk_level)?,
        clocks,
    })
}

/// A ticket and those that follow it, however far.
///
/// # Errors
/// When the statement fails.
pub async fn followed_by(connection: &mut PgConnection, ticket: Uuid) -> Result<Vec<Uuid>, Fault> {
    let ids = sqlx::query_scalar!(
        r#"with recursive following as (
               select $1::uuid as id
               union
               select t.id from ticket t join following f on t.follow_up_of = f.id
           )
           select id as "id!" from following"#,
        ticket
    );
    Ok(ids.fetch_all(connection).await?)
}

/// Takes back the stated problem of these tickets, where the change says so: it changes for no other reason.
///
/// # Errors
/// When the statement fails.
pub async fn take_back_problems(connection: &mut PgConnection, changes: &[Change]) -> Result<(), Fault> {
    let taken_back = changes.iter().filter(|change| change.changed.contains(&"stated_problem"));
    let ids: Vec<Uuid> = taken_back.map(|change| change.ticket.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!("update ticket set stated_problem = $2 where id = any($1)", &ids, TAKEN_BACK)
        .execute(connection)
        .await?;
    Ok(())
}
