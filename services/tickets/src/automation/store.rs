//! All SQL of automations and of what came of them.

use std::collections::HashMap;

use jiff::Timestamp;
use prost::Message;
use seva_proto::tickets::v1 as pb;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{format_name, new_id};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::{event_of, rule_from_stored},
    firing::{Firing, Occasion, Outcome},
    model::{Automation, COLLECTION},
};
use crate::{action::Refusal, ticket::State};

/// Every list of automations begins so.
pub const SELECT: &str = "select * from automation";
/// Every list of firings begins so.
pub const SELECT_FIRINGS: &str = "select * from automation_firing";

/// An automation as the database holds it.
#[derive(sqlx::FromRow)]
pub struct AutomationRow {
    pub id: Uuid,
    version: i64,
    display_name: String,
    weight: i32,
    enabled: bool,
    enabled_at: jiff_sqlx::Timestamp,
    rule: Vec<u8>,
    rule_version: i32,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

/// A firing as the database holds it.
#[derive(sqlx::FromRow)]
pub struct FiringRow {
    pub id: Uuid,
    automation_id: Uuid,
    rule_version: i32,
    ticket_id: Uuid,
    event_id: Option<Uuid>,
    occasion_at: Option<jiff_sqlx::Timestamp>,
    outcome: String,
    reason: Option<String>,
    invariant: Option<String>,
    description: Option<String>,
    action: Option<i16>,
    told: Vec<String>,
    pub at: jiff_sqlx::Timestamp,
}

/// A rule that an automation has, or had.
pub struct Version {
    pub number: i32,
    pub rule: pb::AutomationRule,
    pub creator: String,
    pub created_at: Timestamp,
}

/// A ticket for which a rule was not looked at yet, and the time that it is about.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    pub ticket: Uuid,
    pub at: Timestamp,
}

/// What is known of a rule and a ticket.
pub struct Known {
    /// It was looked at for this occasion.
    pub has_fired: bool,
    /// When it did something to the ticket last.
    pub last_done: Option<Timestamp>,
}

/// One automation.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Automation, Error> {
    let row = sqlx::query_as!(AutomationRow, "select * from automation where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// All that are carried out, in their order.
pub async fn enabled(executor: impl PgExecutor<'_>) -> Result<Vec<Automation>, Fault> {
    let rows = sqlx::query_as!(AutomationRow, "select * from automation where enabled order by weight, id");
    let rows = rows.fetch_all(executor).await?;
    Ok(rows.into_iter().map(Automation::try_from).collect::<Result<_, Error>>()?)
}

/// Records a new automation with its rule, its event, its audit row and the answer, in one statement.
pub async fn insert(db: &Database, write: &Write, one: &Automation, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        "with created as (
             insert into automation (id, version, display_name, weight, enabled, enabled_at, rule, rule_version, created_at, updated_at)
             values ($1, 1, $2, $3, $4, $5, $6, 1, $5, $5)
             returning id
         ), kept as (
             insert into automation_version (automation_id, number, rule, creator, created_at) select id, 1, $6, $7, $5 from created
         )
         select seva.emit($8, $9, 'seva.tickets.automation.created.v1', $10, 1, $5, $11), seva.note($8, $10, '{*}'),
                seva.remember($8, $12)
         from created",
        one.id,
        one.display_name,
        one.weight,
        one.enabled,
        jiff_sqlx::Timestamp::from(one.created_at) as _,
        pb::AutomationRule::from(&one.rule).encode_to_vec(),
        write.actor,
        context::of(write),
        new_id(),
        one.name(),
        event_of(one).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves a changed automation, and its rule when that is another one; `false` when another write came first.
pub async fn save(
    db: &Database,
    write: &Write,
    one: &Automation,
    changed: &[&str],
    response: &impl Message,
) -> Result<bool, Error> {
    let fields: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        "with updated as (
             update automation
             set version = $2, display_name = $3, weight = $4, enabled = $5, enabled_at = $6, rule = $7, rule_version = $8, updated_at = $9
             where id = $1 and version = $2::bigint - 1
             returning id
         ), kept as (
             insert into automation_version (automation_id, number, rule, creator, created_at)
             select id, $8, $7, $10, $9 from updated
             on conflict on constraint automation_version_pkey do nothing
         )
         select seva.emit($11, $12, 'seva.tickets.automation.updated.v1', $13, $2, $9, $14), seva.note($11, $13, $15),
                seva.remember($11, $16)
         from updated",
        one.id,
        one.version,
        one.display_name,
        one.weight,
        one.enabled,
        jiff_sqlx::Timestamp::from(one.enabled_at) as _,
        pb::AutomationRule::from(&one.rule).encode_to_vec(),
        one.rule_version,
        jiff_sqlx::Timestamp::from(one.updated_at) as _,
        write.actor,
        context::of(write),
        new_id(),
        one.name(),
        event_of(one).encode_to_vec(),
        &fields,
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

/// Every rule that an automation has had, newest first.
pub async fn versions(db: &Database, id: Uuid) -> Result<Vec<Version>, Error> {
    let rows = sqlx::query!(
        "select number, rule, creator, created_at from automation_version where automation_id = $1 order by number desc limit 1000",
        id
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let versions = rows.into_iter().map(|row| {
        let rule = pb::AutomationRule::decode(row.rule.as_slice()).map_err(Error::internal)?;
        Ok(Version { number: row.number, rule, creator: row.creator, created_at: row.created_at.to_jiff() })
    });
    versions.collect()
}

/// What came of a rule and a ticket before.
pub async fn known_of(
    executor: impl PgExecutor<'_>,
    automation: Uuid,
    ticket: Uuid,
    occasion: Occasion,
) -> Result<Known, Fault> {
    let (event, at) = columns(occasion);
    let row = sqlx::query!(
        r#"select exists (
                      select from automation_firing where automation_id = $1 and event_id = $3
                  ) or exists (
                      select from automation_firing where automation_id = $1 and ticket_id = $2 and occasion_at = $4
                  ) as "has_fired!",
                  (
                      select max(at) from automation_firing where automation_id = $1 and ticket_id = $2 and outcome = 'done'
                  ) as last_done"#,
        automation,
        ticket,
        event,
        at as _,
    );
    let row = row.fetch_one(executor).await?;
    Ok(Known { has_fired: row.has_fired, last_done: row.last_done.map(jiff_sqlx::Timestamp::to_jiff) })
}

fn columns(occasion: Occasion) -> (Option<Uuid>, Option<jiff_sqlx::Timestamp>) {
    match occasion {
        Occasion::Event(event) => (Some(event), None),
        Occasion::Time(at) => (None, Some(at.into())),
    }
}

/// Records what came of a rule.
///
/// # Errors
/// Of a constraint when it was carried out for the occasion before (TK124).
pub async fn record(connection: &mut PgConnection, firing: &Firing) -> Result<(), Fault> {
    let Firing { id, automation, rule_version, ticket, occasion, outcome, refusal, told, at } = firing;
    let (event, occasion_at) = columns(*occasion);
    let refusal = refusal.as_ref();
    sqlx::query!(
        "insert into automation_firing (
             id, automation_id, rule_version, ticket_id, event_id, occasion_at, outcome, reason, invariant, description, action, told, at
         )
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id,
        automation,
        rule_version,
        ticket,
        event,
        occasion_at as _,
        outcome.name(),
        refusal.map(|refusal| refusal.reason.as_str()),
        refusal.and_then(|refusal| refusal.invariant.as_deref()),
        refusal.map(|refusal| refusal.description.as_str()),
        refusal.map(|refusal| refusal.action),
        told,
        jiff_sqlx::Timestamp::from(*at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tickets that came into a state after `since` and are in it, for whose stay the rule was not looked at, the earliest first.
pub async fn in_state(
    db: &Database,
    automation: Uuid,
    state: State,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Candidate>, Fault> {
    let rows = sqlx::query!(
        r#"select t.id, coalesce(t.state_since, t.created_at) as "at!" from ticket t
           where t.state = $2 and t.state not in ('closed', 'canceled', 'merged') and coalesce(t.state_since, t.created_at) > $3
             and not exists (
                 select from automation_firing f
                 where f.automation_id = $1 and f.ticket_id = t.id and f.occasion_at = coalesce(t.state_since, t.created_at)
             )
           order by coalesce(t.state_since, t.created_at), t.id limit $4"#,
        automation,
        state.name(),
        jiff_sqlx::Timestamp::from(since) as _,
        limit,
    );
    let rows = rows.fetch_all(db.workers()).await?;
    Ok(rows.into_iter().map(|row| Candidate { ticket: row.id, at: row.at.to_jiff() }).collect())
}

/// Tickets that are due after `since`, for whose due time the rule was not looked at, the earliest first.
pub async fn due(db: &Database, automation: Uuid, since: Timestamp, limit: i64) -> Result<Vec<Candidate>, Fault> {
    let rows = sqlx::query!(
        r#"select t.id, t.next_due_at as "at!" from ticket t
           where t.next_due_at > $2
             and not exists (
                 select from automation_firing f
                 where f.automation_id = $1 and f.ticket_id = t.id and f.occasion_at = t.next_due_at
             )
           order by t.next_due_at, t.id limit $3"#,
        automation,
        jiff_sqlx::Timestamp::from(since) as _,
        limit,
    );
    let rows = rows.fetch_all(db.workers()).await?;
    Ok(rows.into_iter().map(|row| Candidate { ticket: row.id, at: row.at.to_jiff() }).collect())
}

/// Since when tickets are in their states.
pub async fn state_since(connection: &mut PgConnection, tickets: &[Uuid]) -> Result<HashMap<Uuid, Timestamp>, Fault> {
    let rows = sqlx::query!(
        r#"select id, coalesce(state_since, created_at) as "since!" from ticket where id = any($1)"#,
        tickets
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.since.to_jiff())).collect())
}

/// The newest tickets.
pub async fn newest(db: &Database, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let ids = sqlx::query_scalar!("select id from ticket order by created_at desc, id desc limit $1", limit);
    Ok(ids.fetch_all(db.calls()).await?)
}

/// Removes some of what came of rules before `before`; answers of how much.
pub async fn forget(db: &Database, before: Timestamp, limit: i64) -> Result<u64, Fault> {
    let removed = sqlx::query!(
        "delete from automation_firing where id in (select id from automation_firing where at < $1 order by at limit $2)",
        jiff_sqlx::Timestamp::from(before) as _,
        limit,
    );
    Ok(removed.execute(db.workers()).await?.rows_affected())
}

impl TryFrom<AutomationRow> for Automation {
    type Error = Error;

    fn try_from(row: AutomationRow) -> Result<Self, Error> {
        let AutomationRow {
            id,
            version,
            display_name,
            weight,
            enabled,
            enabled_at,
            rule,
            rule_version,
            created_at,
            updated_at,
        } = row;
        Ok(Self {
            id,
            version,
            display_name,
            weight,
            enabled,
            enabled_at: enabled_at.to_jiff(),
            rule: rule_from_stored(&rule)?,
            rule_version,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}

impl TryFrom<FiringRow> for Firing {
    type Error = Error;

    fn try_from(row: FiringRow) -> Result<Self, Error> {
        let FiringRow {
            id,
            automation_id,
            rule_version,
            ticket_id,
            event_id,
            occasion_at,
            outcome,
            reason,
            invariant,
            description,
            action,
            told,
            at,
        } = row;
        let occasion = match (event_id, occasion_at) {
            (Some(event), _) => Occasion::Event(event),
            (None, Some(at)) => Occasion::Time(at.to_jiff()),
            (None, None) => return Err(Error::internal("a firing is about nothing")),
        };
        let refusal = reason.zip(description).zip(action);
        Ok(Self {
            id,
            automation: automation_id,
            rule_version,
            ticket: ticket_id,
            occasion,
            outcome: Outcome::from_name(&outcome)?,
            refusal: refusal.map(|((reason, description), action)| Refusal { reason, invariant, description, action }),
            told,
            at: at.to_jiff(),
        })
    }
}
