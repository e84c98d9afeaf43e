//! All SQL of staff members.

use prost::Message;
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{AvailabilityWindows, Currency, Language, Money, new_id};
use sqlx::types::Json;
use tonic::Code;
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{AuthorityKind, AuthorityLimit, Presence, Role, Shifts, StaffMember, State},
};

/// Every list of staff members begins so.
pub const SELECT: &str = "select * from staff_member";

/// A staff member as the database holds it.
#[derive(sqlx::FromRow)]
pub struct StaffMemberRow {
    pub id: Uuid,
    version: i64,
    given_name: String,
    family_name: String,
    user_subject: String,
    role: String,
    department_id: Uuid,
    languages: Vec<String>,
    skills: Vec<String>,
    shifts: Json<AvailabilityWindows>,
    presence: String,
    capacity: i32,
    authority_limits: Json<Vec<AuthorityLimitRow>>,
    state: String,
    handbook_current: bool,
    pub created_at: jiff_sqlx::Timestamp,
    pub updated_at: jiff_sqlx::Timestamp,
}

#[derive(Serialize, Deserialize)]
struct AuthorityLimitRow {
    kind: String,
    minor_units: i64,
    currency: String,
}

/// One member.
pub async fn load(db: &Database, id: Uuid) -> Result<StaffMember, Error> {
    let row = sqlx::query_as!(
        StaffMemberRow,
        r#"select id, version, given_name, family_name, user_subject, role, department_id, languages, skills,
                  shifts as "shifts: Json<AvailabilityWindows>", presence, capacity,
                  authority_limits as "authority_limits: Json<Vec<AuthorityLimitRow>>", state, handbook_current,
                  created_at, updated_at
           from staff_member where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    StaffMember::try_from(row.ok_or_else(|| Error::not_found(name(id)))?)
}

/// Records a new member with its event, its audit row and the answer, in one statement.
pub async fn insert(db: &Database, write: &Write, member: &StaffMember, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into staff_member (id, version, given_name, family_name, user_subject, role, department_id, languages, skills, shifts,
                                         presence, capacity, authority_limits, state, handbook_current, created_at, updated_at)
               values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
               returning id
           )
           select seva.emit($16, $17, 'seva.staff.staff_member.created.v1', $18, 1, $15, $19),
                  seva.note($16, $18, '{*}'), seva.remember($16, $20)
           from created"#,
        member.id,
        member.given_name,
        member.family_name,
        member.user,
        member.role.name(),
        member.department,
        &tags(member),
        &member.skills,
        Json(member.shifts.hours()) as _,
        member.presence.name(),
        member.capacity,
        Json(limits(member)) as _,
        member.state.name(),
        member.handbook_current,
        jiff_sqlx::Timestamp::from(member.created_at) as _,
        context::of(write),
        new_id(),
        name(member.id),
        event_of(member, &["*"]).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await.map_err(|fault| refusal(fault, member))?;
    Ok(())
}

/// Saves a member after what `act` names, with its event; `false` when another write came first.
pub async fn save(
    db: &Database,
    write: &Write,
    member: &StaffMember,
    act: &str,
    changed: &[&str],
    response: &impl Message,
) -> Result<bool, Error> {
    let fields: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        r#"with updated as (
               update staff_member
               set version = $2, given_name = $3, family_name = $4, role = $5, department_id = $6, languages = $7, skills = $8, shifts = $9,
                   presence = $10, capacity = $11, authority_limits = $12, state = $13, handbook_current = $14, updated_at = $15
               where id = $1 and version = $2::bigint - 1
               returning id
           )
           select seva.emit($16, $17, 'seva.staff.staff_member.' || $18 || '.v1', $19, $2, $15, $20),
                  seva.note($16, $19, $21), seva.remember($16, $22)
           from updated"#,
        member.id,
        member.version,
        member.given_name,
        member.family_name,
        member.role.name(),
        member.department,
        &tags(member),
        &member.skills,
        Json(member.shifts.hours()) as _,
        member.presence.name(),
        member.capacity,
        Json(limits(member)) as _,
        member.state.name(),
        member.handbook_current,
        jiff_sqlx::Timestamp::from(member.updated_at) as _,
        context::of(write),
        new_id(),
        act,
        name(member.id),
        event_of(member, changed).encode_to_vec(),
        &fields,
        response.encode_to_vec(),
    );
    let saved = db.write(update.fetch_optional(db.calls())).await.map_err(|fault| refusal(fault, member))?;
    Ok(saved.is_some())
}

/// What violated constraints mean to a caller.
fn refusal(fault: Fault, member: &StaffMember) -> Error {
    if fault.violates("staff_member_user_once") {
        let message = "this user is a staff member (ST3)";
        return Error::new(Code::AlreadyExists, ErrorReason::ResourceExists, message);
    }
    if fault.violates("staff_member_department_id_fkey") {
        return Error::not_found(crate::department::convert::name(member.department));
    }
    fault.into()
}

fn tags(member: &StaffMember) -> Vec<String> {
    member.languages.iter().map(|language| language.as_str().to_owned()).collect()
}

fn limits(member: &StaffMember) -> Vec<AuthorityLimitRow> {
    let row = |limit: &AuthorityLimit| AuthorityLimitRow {
        kind: limit.kind.name().to_owned(),
        minor_units: limit.per_grant.minor_units,
        currency: limit.per_grant.currency.code().to_owned(),
    };
    member.authority_limits.iter().map(row).collect()
}

impl TryFrom<StaffMemberRow> for StaffMember {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: StaffMemberRow) -> Result<Self, Error> {
        let unreadable = |invalid| Error::internal(format!("a stored staff member cannot be read: {invalid}"));
        let StaffMemberRow {
            id,
            version,
            given_name,
            family_name,
            user_subject,
            role,
            department_id,
            languages,
            skills,
            shifts: Json(shifts),
            presence,
            capacity,
            authority_limits: Json(authority_limits),
            state,
            handbook_current,
            created_at,
            updated_at,
        } = row;
        let limit = |row: AuthorityLimitRow| {
            let currency = Currency::parse(&row.currency).map_err(unreadable)?;
            let per_grant = Money { minor_units: row.minor_units, currency };
            Ok(AuthorityLimit { kind: AuthorityKind::from_name(&row.kind)?, per_grant })
        };
        Ok(Self {
            id,
            version,
            given_name,
            family_name,
            user: user_subject,
            role: Role::from_name(&role)?,
            department: department_id,
            languages: languages
                .iter()
                .map(|tag| Language::parse(tag))
                .collect::<Result<_, _>>()
                .map_err(unreadable)?,
            skills,
            shifts: Shifts::new(shifts),
            presence: Presence::from_name(&presence)?,
            capacity,
            authority_limits: authority_limits.into_iter().map(limit).collect::<Result<_, Error>>()?,
            state: State::from_name(&state)?,
            handbook_current,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}
