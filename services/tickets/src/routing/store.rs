//! All SQL of routing, apart from the tickets' and the members' own.

use std::cmp::Reverse;

use jiff::Timestamp;
use seva_store::{Database, Fault};
use seva_values::Language;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    recipient::Tier,
    stored::malformed,
    ticket::{Kind, Priority},
};

/// A ticket of the queue, as far as its turn goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub id: Uuid,
    pub department: Option<Uuid>,
    pub kind: Kind,
    pub priority: Priority,
    pub tier: Tier,
    pub created_at: Timestamp,
}

impl Waiting {
    /// Whose turn comes first: the most urgent, of the higher tier, the oldest (TK34).
    pub fn turn(&self) -> (Reverse<Priority>, Reverse<Tier>, Timestamp, Uuid) {
        (Reverse(self.priority), Reverse(self.tier), self.created_at, self.id)
    }
}

/// Tickets of the queue that are equal to whoever could take them.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub department: Uuid,
    pub kind: Kind,
    pub language: Language,
    pub priority: Priority,
    pub tier: Tier,
    pub weight: i32,
}

struct WaitingRow {
    id: Uuid,
    department: Option<Uuid>,
    kind: String,
    priority: String,
    tier: String,
    created_at: jiff_sqlx::Timestamp,
}

impl TryFrom<WaitingRow> for Waiting {
    type Error = Fault;

    fn try_from(row: WaitingRow) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            department: row.department,
            kind: Kind::from_name(&row.kind)?,
            priority: Priority::from_name(&row.priority)?,
            tier: Tier::from_name(&row.tier)?,
            created_at: row.created_at.to_jiff(),
        })
    }
}

/// Tickets that have to be looked at by `now`, the longest due first.
pub(super) async fn due(executor: impl PgExecutor<'_>, now: Timestamp, limit: i64) -> Result<Vec<Waiting>, Fault> {
    let rows = sqlx::query_as!(
        WaitingRow,
        "select id, department, kind, priority, tier, created_at from ticket
         where state = 'new' and route_at is not null and route_at <= $1
         order by route_at limit $2",
        jiff_sqlx::Timestamp::from(now) as _,
        limit,
    );
    rows.fetch_all(executor).await?.into_iter().map(Waiting::try_from).collect()
}

/// Departments of members for whom the queue has to be looked through by `now`.
pub(super) async fn offered(executor: impl PgExecutor<'_>, now: Timestamp) -> Result<Vec<Uuid>, Fault> {
    let departments = sqlx::query_scalar!(
        r#"select distinct department_id as "department_id!" from staff_member
           where offer_at is not null and offer_at <= $1 and department_id is not null"#,
        jiff_sqlx::Timestamp::from(now) as _,
    );
    Ok(departments.fetch_all(executor).await?)
}

/// What waits in these departments, by what decides who can take it.
pub(super) async fn groups(executor: impl PgExecutor<'_>, departments: &[Uuid]) -> Result<Vec<Group>, Fault> {
    let rows = sqlx::query!(
        r#"select distinct department as "department!", kind, language, priority, tier, weight from ticket
           where state = 'new' and department = any($1)"#,
        departments
    );
    let groups = rows.fetch_all(executor).await?.into_iter().map(|row| {
        Ok(Group {
            department: row.department,
            kind: Kind::from_name(&row.kind)?,
            language: Language::parse(&row.language).map_err(malformed)?,
            priority: Priority::from_name(&row.priority)?,
            tier: Tier::from_name(&row.tier)?,
            weight: row.weight,
        })
    });
    groups.collect()
}

/// The oldest of each group, as many as is said beside it.
pub(super) async fn oldest(executor: impl PgExecutor<'_>, groups: &[(Group, i64)]) -> Result<Vec<Waiting>, Fault> {
    let rows = sqlx::query_as!(
        WaitingRow,
        r#"select t.id as "id!", t.department, t.kind as "kind!", t.priority as "priority!", t.tier as "tier!",
                  t.created_at as "created_at!"
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bigint[])
                as wanted (department, kind, language, priority, tier, weight, count)
           cross join lateral (
               select id, department, kind, priority, tier, created_at from ticket
               where state = 'new' and department = wanted.department and kind = wanted.kind and language = wanted.language
                 and priority = wanted.priority and tier = wanted.tier and weight = wanted.weight
               order by created_at, id limit wanted.count
           ) as t"#,
        &groups.iter().map(|(group, _)| group.department).collect::<Vec<_>>(),
        &groups.iter().map(|(group, _)| group.kind.name()).collect::<Vec<_>>() as _,
        &groups.iter().map(|(group, _)| group.language.as_str()).collect::<Vec<_>>() as _,
        &groups.iter().map(|(group, _)| group.priority.name()).collect::<Vec<_>>() as _,
        &groups.iter().map(|(group, _)| group.tier.name()).collect::<Vec<_>>() as _,
        &groups.iter().map(|(group, _)| group.weight).collect::<Vec<_>>(),
        &groups.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
    );
    rows.fetch_all(executor).await?.into_iter().map(Waiting::try_from).collect()
}

/// When waiting tickets are looked at again; a schedule, no part of their state.
pub(super) async fn look_again(
    connection: &mut PgConnection,
    waiting: &[(Uuid, Option<Timestamp>)],
) -> Result<(), Fault> {
    if waiting.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update ticket t set route_at = g.route_at
         from unnest($1::uuid[], $2::timestamptz[]) as g (id, route_at)
         where t.id = g.id",
        &waiting.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &waiting.iter().map(|(_, at)| at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The queue was looked through for these members; when it is again.
pub(super) async fn offer_again(
    connection: &mut PgConnection,
    members: &[(Uuid, Option<Timestamp>)],
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "update staff_member m set offer_at = g.offer_at
         from unnest($1::uuid[], $2::timestamptz[]) as g (id, offer_at)
         where m.id = g.id and m.offer_at <= $3",
        &members.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &members.iter().map(|(_, at)| at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
        jiff_sqlx::Timestamp::from(now) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tickets of members who do not serve: they have left, are on leave or suspended.
pub(super) async fn left_behind(executor: impl PgExecutor<'_>, limit: i64) -> Result<Vec<(Uuid, Uuid)>, Fault> {
    let rows = sqlx::query!(
        r#"select t.id, m.id as member
           from staff_member m join ticket t on t.assignee = m.id and is_worked_on(t.state)
           where m.state <> 'active' and m.open_weight > 0
           order by t.id limit $1"#,
        limit
    );
    Ok(rows.fetch_all(executor).await?.into_iter().map(|row| (row.id, row.member)).collect())
}

/// When something has to be looked at next; the epoch: something is waiting to be.
pub(super) async fn next_due(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let due = sqlx::query_scalar!(
        "select least(
             (select min(route_at) from ticket where state = 'new' and route_at is not null),
             (select min(offer_at) from staff_member where offer_at is not null),
             (select timestamptz 'epoch' from staff_member where state <> 'active' and open_weight > 0 limit 1)
         )"
    );
    Ok(due.fetch_one(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}
