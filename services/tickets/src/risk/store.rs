//! All SQL of risk. Whoever assesses has the tickets locked, in the order of their ids.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use seva_runtime::{Error, Write, call::Story};
use seva_store::{Database, Fault, context};
use seva_values::format_name;
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::model::{COLLECTION, CONTACT_WINDOW, Counted, Facts, LOW_SCORE_WINDOW, Level, Policy, Reason, Risk, Weight};
use crate::{
    clock::{self, Calendar},
    ticket::State,
};

/// Every list of assessments begins so.
pub const SELECT: &str = "select * from risk_assessment";

/// An assessment as the database holds it.
#[derive(sqlx::FromRow)]
pub struct AssessmentRow {
    pub id: Uuid,
    version: i64,
    pub score: i32,
    level: String,
    reasons: Json<Vec<Counted>>,
    policy_version: i32,
    assessed_at: jiff_sqlx::Timestamp,
    look_at: Option<jiff_sqlx::Timestamp>,
}

/// How a ticket was assessed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The ticket's.
    pub id: Uuid,
    /// Counts what was told of it.
    pub version: i64,
    pub risk: Risk,
    /// The version of the weights; 0: nothing ever counted.
    pub policy_version: i32,
    /// Business time at which it became so.
    pub assessed_at: Option<Timestamp>,
    /// When time alone changes it.
    pub look_at: Option<Timestamp>,
}

impl Assessment {
    /// Of a ticket of which nothing ever counted.
    #[must_use]
    pub const fn none(id: Uuid) -> Self {
        Self { id, version: 0, risk: Risk::none(), policy_version: 0, assessed_at: None, look_at: None }
    }
}

impl TryFrom<AssessmentRow> for Assessment {
    type Error = Error;

    fn try_from(row: AssessmentRow) -> Result<Self, Error> {
        let AssessmentRow { id, version, score, level, reasons, policy_version, assessed_at, look_at } = row;
        Ok(Self {
            id,
            version,
            risk: Risk { score, level: Level::from_name(&level)?, reasons: reasons.0 },
            policy_version,
            assessed_at: Some(assessed_at.to_jiff()),
            look_at: look_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// What is found of a ticket that is assessed.
#[derive(Debug, Clone)]
pub struct Found {
    /// The ticket's.
    pub id: Uuid,
    pub state: State,
    /// Whose queue it is in, or was.
    pub department: Option<Uuid>,
    /// The story that it belongs to.
    pub story: Story,
    pub facts: Facts,
    pub oldest_contact: Option<Timestamp>,
    pub oldest_low_score: Option<Timestamp>,
    /// As it was assessed last.
    pub last: Assessment,
}

/// Whether nothing counts of a ticket in this state: it is resolved or over.
pub const fn is_at_rest(state: State) -> bool {
    matches!(state, State::Resolved | State::Closed | State::Canceled | State::Merged)
}

/// Locks these tickets, and with them all assessments and escalations of theirs.
///
/// # Errors
/// When the locks cannot be had in time.
pub async fn lock_tickets(connection: &mut PgConnection, ids: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!("select id from ticket where id = any($1) order by id for no key update", ids)
        .fetch_all(connection)
        .await?;
    Ok(())
}

/// Of customers who have given a low score the other tickets that are not over, each with the low score's: their risk changes with it.
///
/// # Errors
/// When the statement fails.
pub async fn touched(connection: &mut PgConnection, low_scores: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    if low_scores.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "select l.id as low_score, o.id from ticket l join ticket o on o.customer_id = l.customer_id and o.id <> l.id
         where l.id = any($1) and (o.state = 'new' or is_worked_on(o.state))",
        low_scores
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.low_score, row.id)).collect())
}

/// The facts of locked tickets at `now`, by id.
///
/// # Errors
/// When the statement fails.
pub async fn facts(connection: &mut PgConnection, ids: &[Uuid], now: Timestamp) -> Result<Vec<Found>, Fault> {
    let rows = sqlx::query!(
        r#"select t.id, t.state, t.department, t.correlation_id, t.causation_id, t.hops, t.traceparent, t.tier, t.reopen_count, t.hand_overs, t.return_count,
                  exists (select from ticket o where o.id = any(parts.ids) and o.alarming) as "alarming!",
                  t.created_at, (t.cause_source is null) as "is_asked_for!",
                  c.percent as "percent!", c.broken as "broken!",
                  m.contacts as "contacts!", m.oldest as oldest_contact, coalesce(m.alarming, false) as "said_alarming!",
                  l.low_scores as "low_scores!", l.oldest as oldest_low_score,
                  r.version as "version?", r.score as "score?", r.level as "level?", r.reasons as "reasons?: Json<Vec<Counted>>",
                  r.policy_version as "policy_version?", r.assessed_at as "assessed_at?", r.look_at as "look_at?"
           from unnest($1::uuid[]) as asked (id)
           join ticket t on t.id = asked.id
           left join risk_assessment r on r.id = t.id
           -- What was said to a ticket that was merged, and broken, counts where it is carried on.
           cross join lateral (
               with recursive part (id) as (values (t.id) union select o.id from ticket o join part on o.merged_into = part.id)
               select array_agg(id) as ids from part
           ) as parts
           cross join lateral (
               select coalesce(max(
                          case when k.breached_at is not null and k.kind <> 'promise' then 100 else k.warned end
                      ) filter (where k.state in ('running', 'paused') and k.kind <> 'verification'), 0)::bigint as percent,
                      (select count(*) from promise p where p.ticket_id = any(parts.ids) and p.broken_at is not null) as broken
               from clock k where k.ticket_id = t.id
           ) as c
           cross join lateral (
               select count(*) filter (where s.author = 'customer' and s.created_at > $2) as contacts,
                      min(s.created_at) filter (where s.author = 'customer' and s.created_at > $2) as oldest,
                      bool_or(s.alarming) as alarming
               from message s where s.ticket_id = any(parts.ids)
           ) as m
           cross join lateral (
               select count(*) as low_scores, min(o.created_at) as oldest
               from ticket o where o.customer_id = t.customer_id and o.created_at > $3 and o.matter_kind = 'low_score'
           ) as l
           order by t.id"#,
        ids,
        jiff_sqlx::Timestamp::from(now - CONTACT_WINDOW) as _,
        jiff_sqlx::Timestamp::from(now - LOW_SCORE_WINDOW) as _,
    );
    let time = |time: Option<jiff_sqlx::Timestamp>| time.map(jiff_sqlx::Timestamp::to_jiff);
    let found = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let state = State::from_name(&row.state)?;
        let created_at = row.created_at.to_jiff();
        // Who asked for it came to us, and who was found by us did not.
        let is_contact = row.is_asked_for && created_at > now - CONTACT_WINDOW;
        let facts = Facts {
            is_at_rest: is_at_rest(state),
            clock_percent: row.percent,
            silences: row.return_count.into(),
            reopened: row.reopen_count.into(),
            contacts: row.contacts + i64::from(is_contact),
            reassigned: i64::from(row.hand_overs - 1).max(0),
            broken_promises: row.broken,
            low_scores: row.low_scores,
            is_vip: row.tier == "vip",
            is_alarming: row.alarming || row.said_alarming,
        };
        let last = match (row.version, row.score, row.level, row.reasons, row.policy_version) {
            (Some(version), Some(score), Some(level), Some(reasons), Some(policy_version)) => Assessment {
                id: row.id,
                version,
                risk: Risk { score, level: Level::from_name(&level)?, reasons: reasons.0 },
                policy_version,
                assessed_at: time(row.assessed_at),
                look_at: time(row.look_at),
            },
            _ => Assessment::none(row.id),
        };
        Ok(Found {
            id: row.id,
            state,
            department: row.department,
            story: Story {
                correlation_id: row.correlation_id,
                causation_id: row.causation_id,
                hops: row.hops,
                traceparent: row.traceparent,
            },
            facts,
            oldest_contact: time(row.oldest_contact).into_iter().chain(is_contact.then_some(created_at)).min(),
            oldest_low_score: time(row.oldest_low_score),
            last,
        })
    });
    found.collect()
}

/// The newest version of the weights.
///
/// # Errors
/// `INTERNAL` when there is none or it cannot be read.
pub async fn newest_policy(connection: &mut PgConnection) -> Result<Policy, Fault> {
    let rows = sqlx::query!(
        "select p.version, p.elevated_from, p.high_from, p.critical_from, p.acknowledge_minutes, p.acknowledge_critical_minutes,
                w.reason, w.at_least, w.weight
         from risk_policy p join risk_weight w on w.version = p.version
         where p.version = (select max(version) from risk_policy)"
    );
    let rows = rows.fetch_all(connection).await?;
    let first = rows.first().ok_or_else(|| Error::internal("there are no weights of risk"))?;
    let weights = rows.iter().map(|row| {
        Ok::<_, Error>(Weight { reason: Reason::from_name(&row.reason)?, at_least: row.at_least, weight: row.weight })
    });
    let minutes = |minutes: i32| SignedDuration::from_mins(minutes.into());
    Ok(Policy::new(
        first.version,
        weights.collect::<Result<_, _>>()?,
        [first.elevated_from, first.high_from, first.critical_from],
        [minutes(first.acknowledge_minutes), minutes(first.acknowledge_critical_minutes)],
    )?)
}

/// The newest calendars of these departments.
///
/// # Errors
/// When the statement fails.
pub async fn calendars(executor: impl PgExecutor<'_>, departments: &[Uuid]) -> Result<HashMap<Uuid, Calendar>, Fault> {
    if departments.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select d.id, d.calendar_version, c.calendar::text as "calendar!"
           from department d
           join department_calendar c on c.department_id = d.id and c.version = d.calendar_version
           where d.id = any($1)"#,
        departments
    );
    let calendars = rows
        .fetch_all(executor)
        .await?
        .into_iter()
        .map(|row| Ok((row.id, clock::store::calendar(row.id, row.calendar_version, Some(&row.calendar))?)));
    calendars.collect()
}

/// Writes assessments that became others, and the levels of their tickets.
///
/// # Errors
/// When a statement fails.
pub async fn save(connection: &mut PgConnection, changed: &[&Assessment]) -> Result<(), Fault> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changed.iter().map(|one| one.id).collect();
    let levels: Vec<&str> = changed.iter().map(|one| one.risk.level.name()).collect();
    let times = |of: fn(&Assessment) -> Option<Timestamp>| -> Vec<Option<jiff_sqlx::Timestamp>> {
        changed.iter().map(|one| of(one).map(jiff_sqlx::Timestamp::from)).collect()
    };
    sqlx::query!(
        "insert into risk_assessment as r (id, version, score, level, reasons, policy_version, assessed_at, look_at)
         select * from unnest(
             $1::uuid[], $2::bigint[], $3::int[], $4::text[], $5::jsonb[], $6::int[], $7::timestamptz[], $8::timestamptz[]
         )
         on conflict on constraint risk_assessment_pkey do update
         set version = excluded.version, score = excluded.score, level = excluded.level, reasons = excluded.reasons,
             policy_version = excluded.policy_version, assessed_at = excluded.assessed_at, look_at = excluded.look_at",
        &ids,
        &changed.iter().map(|one| one.version).collect::<Vec<_>>(),
        &changed.iter().map(|one| one.risk.score).collect::<Vec<_>>(),
        &levels as _,
        &changed.iter().map(|one| Json(&one.risk.reasons)).collect::<Vec<_>>() as _,
        &changed.iter().map(|one| one.policy_version).collect::<Vec<_>>(),
        &times(|one| one.assessed_at) as _,
        &times(|one| one.look_at) as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update ticket t set risk_level = g.level
         from unnest($1::uuid[], $2::text[]) as g (id, level)
         where t.id = g.id and t.risk_level <> g.level",
        &ids,
        &levels as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes who had a ticket assessed.
///
/// # Errors
/// When the statement fails.
pub async fn note(connection: &mut PgConnection, write: &Write, assessment: &Assessment) -> Result<(), Fault> {
    let resource = format_name(COLLECTION, assessment.id);
    sqlx::query!("select seva.note($1, $2, '{*}')", context::of(write), resource).execute(connection).await?;
    Ok(())
}

/// How a ticket was assessed last.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, ticket: Uuid) -> Result<Assessment, Error> {
    let row = sqlx::query_as!(
        AssessmentRow,
        r#"select id, version, score, level, reasons as "reasons: _", policy_version, assessed_at, look_at
           from risk_assessment where id = $1"#,
        ticket
    );
    if let Some(row) = row.fetch_optional(db.calls()).await.map_err(Fault::from)? {
        return row.try_into();
    }
    let known = sqlx::query_scalar!("select id from ticket where id = $1", ticket);
    match known.fetch_optional(db.calls()).await.map_err(Fault::from)? {
        Some(_) => Ok(Assessment::none(ticket)),
        None => Err(Error::not_found(format_name("tickets", ticket))),
    }
}

/// Has these tickets looked at, each at its time unless it is looked at before.
///
/// # Errors
/// When the statement fails.
pub async fn have_looked_at(connection: &mut PgConnection, looks: &BTreeMap<Uuid, Timestamp>) -> Result<(), Fault> {
    if looks.is_empty() {
        return Ok(());
    }
    let times: Vec<jiff_sqlx::Timestamp> = looks.values().map(|time| (*time).into()).collect();
    sqlx::query!(
        "insert into risk_look as l (ticket_id, look_at)
         select * from unnest($1::uuid[], $2::timestamptz[])
         on conflict on constraint risk_look_pkey do update set look_at = excluded.look_at
         where excluded.look_at < l.look_at",
        &looks.keys().copied().collect::<Vec<_>>(),
        &times as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes what has happened to these tickets by `now` as looked at. What happens meanwhile has them looked at again: it waits for these rows.
///
/// # Errors
/// When the statement fails.
pub async fn begin_looks(connection: &mut PgConnection, ids: &[Uuid], now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "delete from risk_look l
         using (
             select ticket_id from risk_look where ticket_id = any($1) and look_at <= $2 order by ticket_id for update
         ) as begun
         where l.ticket_id = begun.ticket_id",
        ids,
        jiff_sqlx::Timestamp::from(now) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tickets that have to be looked at by `now`, the longest due first.
///
/// # Errors
/// When the statement fails.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let due = sqlx::query_scalar!(
        r#"select id as "id!" from (
               (select ticket_id as id, look_at from risk_look where look_at <= $1 order by look_at limit $2)
               union all
               (select id, look_at from risk_assessment where look_at <= $1 order by look_at limit $2)
           ) as due
           group by id order by min(look_at), id limit $2"#,
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    Ok(due.fetch_all(db.workers()).await?)
}

/// When the next ticket has to be looked at.
///
/// # Errors
/// When the statement fails.
pub async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!(
        "select least(
             (select min(look_at) from risk_look), (select min(look_at) from risk_assessment where look_at is not null)
         )"
    );
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}
