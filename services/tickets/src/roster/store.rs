//! The projections of departments and staff members. Their places are counted by the database (`keep_places`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seva_runtime::{Error, Write};
use seva_store::Fault;
use seva_values::{Language, format_name};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::model::{AuthorityLimit, DEPARTMENTS, Department, Presence, Role, Shifts, StaffMember, State};
use crate::{
    clock::{self, Calendar},
    stored::malformed,
    ticket::Kind,
};

/// The newest state of each, by id.
fn newest<T>(heard: &[T], id: fn(&T) -> Uuid, sequence: fn(&T) -> i64) -> Vec<&T> {
    let mut newest: BTreeMap<Uuid, &T> = BTreeMap::new();
    for state in heard {
        let known = newest.entry(id(state)).or_insert(state);
        if sequence(state) > sequence(known) {
            *known = state;
        }
    }
    newest.into_values().collect()
}

/// Writes what events told of departments, each only over an older one, and keeps every version of their calendars. Tickets that had no
/// department are looked at again at `now` when one takes their kind.
///
/// # Errors
/// When a statement fails.
pub async fn save_departments(
    connection: &mut PgConnection,
    heard: &[Department],
    now: Timestamp,
) -> Result<(), Fault> {
    let newest = newest(heard, |department| department.id, |department| department.sequence);
    if newest.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&str> = newest.iter().flat_map(|department| &department.ticket_kinds).map(String::as_str).collect();
    sqlx::query!(
        "update ticket t set route_at = $2
         from (
             select id from ticket where state = 'new' and department is null and kind = any($1) order by id for update
         ) as waiting
         where t.id = waiting.id",
        &kinds as _,
        jiff_sqlx::Timestamp::from(now) as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into department as d (id, sequence, key, calendar_version, ticket_kinds)
         select id, sequence, key, calendar_version, array(select jsonb_array_elements_text(ticket_kinds))
         from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::jsonb[])
              as t (id, sequence, key, calendar_version, ticket_kinds)
         on conflict on constraint department_pkey do update
         set sequence = excluded.sequence, key = excluded.key, calendar_version = excluded.calendar_version,
             ticket_kinds = excluded.ticket_kinds
         where excluded.sequence > d.sequence",
        &newest.iter().map(|department| department.id).collect::<Vec<_>>(),
        &newest.iter().map(|department| department.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|department| department.key.as_str()).collect::<Vec<_>>() as _,
        &newest.iter().map(|department| department.calendar_version).collect::<Vec<_>>(),
        &newest.iter().map(|department| Json(&department.ticket_kinds)).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into department_calendar (department_id, version, calendar)
         select * from unnest($1::uuid[], $2::bigint[], $3::jsonb[])
         on conflict on constraint department_calendar_pkey do nothing",
        &heard.iter().map(|department| department.id).collect::<Vec<_>>(),
        &heard.iter().map(|department| department.calendar_version).collect::<Vec<_>>(),
        &heard.iter().map(|department| Json(&department.calendar)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what events told of members, each only over an older one, and has the queue looked through for them.
///
/// Of those who `changed` in more than their presence it is looked through for all of the department, because a language may have gained or
/// lost its only speaker.
///
/// # Errors
/// When a statement fails.
pub async fn save_members(
    connection: &mut PgConnection,
    heard: &[StaffMember],
    changed: &BTreeSet<Uuid>,
) -> Result<(), Fault> {
    let newest = newest(heard, |member| member.id, |member| member.sequence);
    if newest.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = newest.iter().map(|member| member.id).collect();
    let changed: Vec<Uuid> = changed.iter().copied().collect();
    let departments: Vec<Uuid> =
        newest.iter().filter(|member| changed.contains(&member.id)).filter_map(|member| member.department).collect();
    // In the order of ids, as everywhere; those whom an event moves away leave a department behind.
    let locked = sqlx::query!(
        "select id, department_id from staff_member
         where id = any($1) or department_id = any($2)
            or department_id in (select department_id from staff_member where id = any($3))
         order by id
         for update",
        &ids,
        &departments,
        &changed,
    )
    .fetch_all(&mut *connection)
    .await?;
    let offered: Vec<Uuid> = locked
        .iter()
        .filter(|row| {
            let left_behind = locked.iter().any(|of| changed.contains(&of.id) && of.department_id == row.department_id);
            row.department_id.is_some_and(|department| left_behind || departments.contains(&department))
        })
        .map(|row| row.id)
        .collect();
    sqlx::query!(
        "insert into staff_member as m (
             id, sequence, user_subject, role, department_id, languages, skills, shifts, presence, capacity, state, handbook_current,
             authority_limits, offer_at
         )
         select id, sequence, user_subject, role, department_id, array(select jsonb_array_elements_text(languages)),
                array(select jsonb_array_elements_text(skills)), shifts, presence, capacity, state, handbook_current, authority_limits,
                case when state = 'active' and department_id is not null then timestamptz 'epoch' end
         from unnest(
             $1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[], $7::jsonb[], $8::jsonb[], $9::text[],
             $10::int[], $11::text[], $12::bool[], $13::jsonb[]
         ) as t (
             id, sequence, user_subject, role, department_id, languages, skills, shifts, presence, capacity, state, handbook_current,
             authority_limits
         )
         on conflict on constraint staff_member_pkey do update
         set sequence = excluded.sequence, user_subject = excluded.user_subject, role = excluded.role,
             department_id = excluded.department_id, languages = excluded.languages, skills = excluded.skills,
             shifts = excluded.shifts, presence = excluded.presence, capacity = excluded.capacity, state = excluded.state,
             handbook_current = excluded.handbook_current, authority_limits = excluded.authority_limits, offer_at = excluded.offer_at
         where excluded.sequence > m.sequence",
        &ids,
        &newest.iter().map(|member| member.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|member| member.user.as_str()).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| member.role.name()).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| member.department).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| Json(&member.languages)).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| Json(&member.skills)).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| Json(&member.shifts)).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| member.presence.name()).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| member.capacity).collect::<Vec<_>>(),
        &newest.iter().map(|member| member.state.name()).collect::<Vec<_>>() as _,
        &newest.iter().map(|member| member.handbook_current).collect::<Vec<_>>(),
        &newest.iter().map(|member| Json(&member.authority_limits)).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update staff_member set offer_at = 'epoch'
         where id = any($1) and state = 'active' and department_id is not null",
        &offered
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct MemberRow {
    id: Uuid,
    sequence: i64,
    user_subject: String,
    role: String,
    department_id: Option<Uuid>,
    languages: Vec<String>,
    skills: Vec<String>,
    shifts: Json<Shifts>,
    presence: String,
    capacity: i32,
    state: String,
    handbook_current: bool,
    authority_limits: Json<Vec<AuthorityLimit>>,
    open_weight: i32,
    last_assignment: i64,
}

impl TryFrom<MemberRow> for StaffMember {
    type Error = Fault;

    fn try_from(row: MemberRow) -> Result<Self, Fault> {
        let languages = row.languages.iter().map(|tag| Language::parse(tag).map_err(malformed));
        Ok(Self {
            id: row.id,
            sequence: row.sequence,
            user: row.user_subject,
            role: Role::from_name(&row.role)?,
            department: row.department_id,
            languages: languages.collect::<Result<_, _>>()?,
            skills: row.skills.into_iter().collect(),
            shifts: row.shifts.0,
            presence: Presence::from_name(&row.presence)?,
            capacity: row.capacity,
            state: State::from_name(&row.state)?,
            handbook_current: row.handbook_current,
            authority_limits: row.authority_limits.0,
            open_weight: row.open_weight,
            last_assignment: row.last_assignment,
        })
    }
}

/// These members, as far as they are known.
///
/// # Errors
/// When the statement fails.
pub async fn find(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<StaffMember>, Fault> {
    let rows = sqlx::query_as!(
        MemberRow,
        r#"select id, sequence, user_subject, role, department_id, languages, skills, shifts as "shifts: Json<Shifts>", presence,
                  capacity, state, handbook_current, authority_limits as "authority_limits: Json<Vec<AuthorityLimit>>",
                  open_weight, last_assignment
           from staff_member where id = any($1)"#,
        ids
    );
    rows.fetch_all(executor).await?.into_iter().map(StaffMember::try_from).collect()
}

/// Everybody who serves in these departments.
///
/// # Errors
/// When the statement fails.
pub async fn serving(executor: impl PgExecutor<'_>, departments: &[Uuid]) -> Result<Vec<StaffMember>, Fault> {
    let rows = sqlx::query_as!(
        MemberRow,
        r#"select id, sequence, user_subject, role, department_id, languages, skills, shifts as "shifts: Json<Shifts>", presence,
                  capacity, state, handbook_current, authority_limits as "authority_limits: Json<Vec<AuthorityLimit>>",
                  open_weight, last_assignment
           from staff_member where department_id = any($1) and state = 'active'"#,
        departments
    );
    rows.fetch_all(executor).await?.into_iter().map(StaffMember::try_from).collect()
}

/// Everybody who serves in these departments, locked until the transaction ends: no place is taken or given back meanwhile.
///
/// # Errors
/// When the statement fails.
pub async fn lock_serving(connection: &mut PgConnection, departments: &[Uuid]) -> Result<Vec<StaffMember>, Fault> {
    let rows = sqlx::query_as!(
        MemberRow,
        r#"select id, sequence, user_subject, role, department_id, languages, skills, shifts as "shifts: Json<Shifts>", presence,
                  capacity, state, handbook_current, authority_limits as "authority_limits: Json<Vec<AuthorityLimit>>",
                  open_weight, last_assignment
           from staff_member where department_id = any($1) and state = 'active'
           order by id
           for update"#,
        departments
    );
    rows.fetch_all(connection).await?.into_iter().map(StaffMember::try_from).collect()
}

/// The member whose tokens have this subject; of several the one who serves.
///
/// # Errors
/// When the statement fails.
pub async fn member_of_user(executor: impl PgExecutor<'_>, user: &str) -> Result<Option<Uuid>, Fault> {
    let member =
        sqlx::query_scalar!("select id from staff_member where user_subject = $1 order by state, id limit 1", user);
    Ok(member.fetch_optional(executor).await?)
}

/// The member who makes a call; `None` for callers who are not known here.
///
/// # Errors
/// When the statement fails.
pub async fn member_of_caller(executor: impl PgExecutor<'_>, write: &Write) -> Result<Option<Uuid>, Fault> {
    match write.actor.strip_prefix("user:") {
        Some(user) => member_of_user(executor, user).await,
        None => Ok(None),
    }
}

/// Who has tokens with this subject; of several the one who serves.
///
/// # Errors
/// When a statement fails.
pub async fn find_by_user(pool: &sqlx::PgPool, user: &str) -> Result<Option<StaffMember>, Fault> {
    match member_of_user(pool, user).await? {
        Some(id) => Ok(find(pool, &[id]).await?.pop()),
        None => Ok(None),
    }
}

/// The newest version of a department's calendar; every hour counts without a department.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for a department of which nothing was heard.
pub async fn calendar_of(executor: impl PgExecutor<'_>, department: Option<Uuid>) -> Result<Calendar, Fault> {
    let Some(id) = department else { return Ok(Calendar::always()) };
    let row = sqlx::query!(
        r#"select c.version, c.calendar::text as "calendar!"
           from department d
           join department_calendar c on c.department_id = d.id and c.version = d.calendar_version
           where d.id = $1"#,
        id
    );
    let row = row.fetch_optional(executor).await?;
    let row = row.ok_or_else(|| Error::not_found(format_name(DEPARTMENTS, id)))?;
    Ok(clock::store::calendar(id, row.version, Some(&row.calendar))?)
}

/// The member with this user, and the member's department.
///
/// # Errors
/// When the statement fails.
pub async fn position_of_user(
    executor: impl PgExecutor<'_>,
    user: &str,
) -> Result<Option<(Uuid, Option<Uuid>)>, Fault> {
    let position = sqlx::query!(
        "select id, department_id from staff_member where user_subject = $1 and state <> 'left' order by id limit 1",
        user
    );
    let found = position.fetch_optional(executor).await?;
    Ok(found.map(|row| (row.id, row.department_id)))
}

/// Which of these departments are known.
///
/// # Errors
/// When the statement fails.
pub async fn known_departments(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, Fault> {
    let known = sqlx::query_scalar!("select id from department where id = any($1)", ids);
    Ok(known.fetch_all(executor).await?.into_iter().collect())
}

/// The department that takes tickets of a kind, with the newest version of its calendar.
///
/// # Errors
/// When the statement fails.
pub async fn department_of_kind(executor: impl PgExecutor<'_>, kind: Kind) -> Result<Option<(Uuid, Calendar)>, Fault> {
    let row = sqlx::query!(
        r#"select d.id, d.calendar_version, c.calendar::text as "calendar!"
           from department d
           join department_calendar c on c.department_id = d.id and c.version = d.calendar_version
           where $1 = any(d.ticket_kinds)
           order by d.id
           limit 1"#,
        kind.name()
    );
    let row = row.fetch_optional(executor).await?;
    let read = row.map(|row| {
        let calendar = clock::store::calendar(row.id, row.calendar_version, Some(&row.calendar))?;
        Ok::<_, Error>((row.id, calendar))
    });
    Ok(read.transpose()?)
}

/// The departments that take tickets of these kinds; a kind that none takes is left out.
///
/// # Errors
/// When the statement fails.
pub async fn departments_of_kinds(
    executor: impl PgExecutor<'_>,
    kinds: &[&str],
) -> Result<BTreeMap<String, Uuid>, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (wanted.kind) wanted.kind as "kind!", d.id
           from unnest($1::text[]) as wanted (kind) join department d on wanted.kind = any(d.ticket_kinds)
           order by wanted.kind, d.id"#,
        kinds as _
    );
    Ok(rows.fetch_all(executor).await?.into_iter().map(|row| (row.kind, row.id)).collect())
}
