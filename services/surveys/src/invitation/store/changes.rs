//! Writes of invitations inside a transaction that has their rows locked, or makes them.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use seva_store::{Fault, NewEvent, event};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{convert::event_of, model::Change},
    Invitation, InvitationRow, read,
};

/// Makes the invitations of occasions. Where the programme has one for the occasion already, nothing is made (SU11): so a cursor can be set
/// back.
pub async fn insert_held(connection: &mut PgConnection, actor: &str, held: &[Change]) -> Result<(), Fault> {
    if held.is_empty() {
        return Ok(());
    }
    let all = || held.iter().map(|change| &change.after);
    let texts = |of: fn(&Invitation) -> &str| all().map(of).collect::<Vec<_>>();
    let inserted = sqlx::query_scalar!(
        r#"insert into invitation (
               id, version, programme_id, trigger, customer_id, subject, triggered_by, state, staff_member_id,
               inclusion_probability, from_low_score, decide_at, due_at, correlation_id, causation_id, hops, traceparent, created_at
           )
           select id, 1, programme_id, trigger, customer_id, subject, triggered_by, 'held', staff_member_id,
                  inclusion_probability, from_low_score, decide_at, decide_at, correlation_id, causation_id, hops, traceparent, created_at
           from unnest(
               $1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::uuid[], $8::float8[], $9::bool[],
               $10::timestamptz[], $11::text[], $12::text[], $13::smallint[], $14::text[], $15::timestamptz[]
           ) as t (
               id, programme_id, trigger, customer_id, subject, triggered_by, staff_member_id, inclusion_probability, from_low_score,
               decide_at, correlation_id, causation_id, hops, traceparent, created_at
           )
           on conflict on constraint invitation_occasion_once do nothing
           returning id"#,
        &all().map(|invitation| invitation.id).collect::<Vec<_>>(),
        &all().map(|invitation| invitation.programme).collect::<Vec<_>>(),
        &texts(|invitation| invitation.trigger.name()) as _,
        &all().map(|invitation| invitation.customer).collect::<Vec<_>>(),
        &texts(|invitation| &invitation.subject) as _,
        &all().map(|invitation| invitation.triggered_by).collect::<Vec<_>>(),
        &all().map(|invitation| invitation.staff_member).collect::<Vec<_>>() as _,
        &all().map(|invitation| invitation.inclusion_probability).collect::<Vec<_>>(),
        &all().map(|invitation| invitation.from_low_score).collect::<Vec<_>>(),
        &all().map(|invitation| jiff_sqlx::Timestamp::from(invitation.decide_at)).collect::<Vec<_>>() as _,
        &texts(|invitation| &invitation.story.correlation_id) as _,
        &texts(|invitation| &invitation.story.causation_id) as _,
        &all().map(|invitation| invitation.story.hops).collect::<Vec<_>>(),
        &all().map(|invitation| invitation.story.traceparent.as_deref()).collect::<Vec<_>>() as _,
        &all().map(|invitation| jiff_sqlx::Timestamp::from(invitation.created_at)).collect::<Vec<_>>() as _,
    )
    .fetch_all(&mut *connection)
    .await?;
    let inserted: HashSet<Uuid> = inserted.into_iter().collect();
    let events: Vec<NewEvent> =
        held.iter().filter(|change| inserted.contains(&change.after.id)).map(event_of).collect();
    event::append(connection, actor, &events).await
}

/// Saves changes with their events, in the order given; of several of one invitation the last one stays. The rows have to be locked.
pub async fn save(connection: &mut PgConnection, actor: &str, changes: &[Change]) -> Result<(), Fault> {
    let last: BTreeMap<Uuid, &Invitation> = changes.iter().map(|change| (change.after.id, &change.after)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let times = |of: fn(&Invitation) -> Option<Timestamp>| {
        last.values().map(|invitation| of(invitation).map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>()
    };
    let (surveys, numbers): (Vec<_>, Vec<_>) =
        last.values().map(|invitation| invitation.survey_version.unzip()).unzip();
    sqlx::query!(
        r#"update invitation i
           set version = g.version, survey_id = g.survey_id, survey_number = g.survey_number, state = g.state,
               suppress_reason = g.suppress_reason, language = g.language, next_eligible_at = g.next_eligible_at,
               decide_at = g.decide_at, sent_at = g.sent_at, expire_at = g.expire_at, due_at = g.due_at, leased_until = null
           from unnest(
               $1::uuid[], $2::bigint[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
               $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[]
           ) as g (
               id, version, survey_id, survey_number, state, suppress_reason, language, next_eligible_at,
               decide_at, sent_at, expire_at, due_at
           )
           where i.id = g.id"#,
        &last.keys().copied().collect::<Vec<_>>(),
        &last.values().map(|invitation| invitation.version).collect::<Vec<_>>(),
        &surveys as _,
        &numbers as _,
        &last.values().map(|invitation| invitation.state.name()).collect::<Vec<_>>() as _,
        &last.values().map(|invitation| invitation.suppress_reason.map(|reason| reason.name())).collect::<Vec<_>>() as _,
        &last
            .values()
            .map(|invitation| invitation.language.as_ref().map(|language| language.as_str()))
            .collect::<Vec<_>>() as _,
        &times(|invitation| invitation.next_eligible_at) as _,
        &times(|invitation| Some(invitation.decide_at)) as _,
        &times(|invitation| invitation.sent_at) as _,
        &times(|invitation| invitation.expire_at) as _,
        &times(|invitation| invitation.due_at) as _,
    )
    .execute(&mut *connection)
    .await?;
    let events: Vec<NewEvent> = changes.iter().map(event_of).collect();
    event::append(connection, actor, &events).await
}

/// Locks the held invitations about these subjects.
pub async fn lock_held_about(connection: &mut PgConnection, subjects: &[&str]) -> Result<Vec<Invitation>, Fault> {
    let rows = sqlx::query_as!(
        InvitationRow,
        "select * from invitation where subject = any($1) and state = 'held' order by id for update",
        subjects as _
    );
    read(rows.fetch_all(connection).await?)
}
