//! All SQL of departments.

use prost::Message;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{BusinessCalendar, Email, Invalid, LocalizedText, Phone, WebLink, new_id};
use sqlx::types::Json;
use tonic::Code;
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::Department,
};

/// Every list of departments begins so.
pub const SELECT: &str = "select * from department_whole";

/// A department as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct DepartmentRow {
    pub id: Uuid,
    version: i64,
    pub key: String,
    titles: Json<LocalizedText>,
    calendar: Json<BusinessCalendar>,
    calendar_version: i64,
    email: Option<String>,
    phone: Option<String>,
    web_page: Option<String>,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    ticket_kinds: Vec<String>,
}

/// One department.
pub async fn load(db: &Database, id: Uuid) -> Result<Department, Error> {
    let row = sqlx::query_as!(
        DepartmentRow,
        r#"select id as "id!", version as "version!", key as "key!", titles as "titles!: Json<LocalizedText>",
                  calendar as "calendar!: Json<BusinessCalendar>", calendar_version as "calendar_version!", email, phone, web_page,
                  created_at as "created_at!", updated_at as "updated_at!", ticket_kinds as "ticket_kinds!"
           from department_whole where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    Department::try_from(row.ok_or_else(|| Error::not_found(name(id)))?)
}

/// Records a new department with its event, its audit row and the answer, in one statement.
pub async fn insert(
    db: &Database,
    write: &Write,
    department: &Department,
    response: &impl Message,
) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into department (id, version, key, titles, calendar, calendar_version, email, phone, web_page, created_at, updated_at)
               values ($1, 1, $2, $3, $4, 1, $5, $6, $7, $8, $8)
               returning id
           ), kinds as (
               insert into department_ticket_kind (kind, department_id)
               select k.kind, created.id from created, unnest($9::text[]) as k (kind)
           )
           select seva.emit($10, $11, 'seva.staff.department.created.v1', $12, 1, $8, $13),
                  seva.note($10, $12, '{*}'), seva.remember($10, $14)
           from created"#,
        department.id,
        department.key,
        Json(&department.titles) as _,
        Json(&department.calendar) as _,
        department.email.as_ref().map(Email::as_str),
        department.phone.as_ref().map(Phone::as_str),
        department.web_page.as_ref().map(WebLink::as_str),
        jiff_sqlx::Timestamp::from(department.created_at) as _,
        &department.ticket_kinds,
        context::of(write),
        new_id(),
        name(department.id),
        event_of(department, &["*"]).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await.map_err(refusal)?;
    Ok(())
}

/// Saves a changed department; `false` when another write came first.
pub async fn save_updated(
    db: &Database,
    write: &Write,
    department: &Department,
    changed: &[&str],
    response: &impl Message,
) -> Result<bool, Error> {
    let fields: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        r#"with updated as (
               update department
               set version = $2, titles = $3, calendar = $4, calendar_version = $5, email = $6, phone = $7, web_page = $8, updated_at = $9
               where id = $1 and version = $2::bigint - 1
               returning id
           ), removed as (
               delete from department_ticket_kind k using updated
               where k.department_id = updated.id and not (k.kind = any($10::text[]))
           ), kinds as (
               insert into department_ticket_kind (kind, department_id)
               select g.kind, updated.id from updated, unnest($10::text[]) as g (kind)
               where not exists (
                   select from department_ticket_kind k where k.kind = g.kind and k.department_id = updated.id
               )
           )
           select seva.emit($11, $12, 'seva.staff.department.updated.v1', $13, $2, $9, $14),
                  seva.note($11, $13, $15), seva.remember($11, $16)
           from updated"#,
        department.id,
        department.version,
        Json(&department.titles) as _,
        Json(&department.calendar) as _,
        department.calendar_version,
        department.email.as_ref().map(Email::as_str),
        department.phone.as_ref().map(Phone::as_str),
        department.web_page.as_ref().map(WebLink::as_str),
        jiff_sqlx::Timestamp::from(department.updated_at) as _,
        &department.ticket_kinds,
        context::of(write),
        new_id(),
        name(department.id),
        event_of(department, changed).encode_to_vec(),
        &fields,
        response.encode_to_vec(),
    );
    let saved = db.write(update.fetch_optional(db.calls())).await.map_err(refusal)?;
    Ok(saved.is_some())
}

/// What violated constraints mean to a caller.
fn refusal(fault: Fault) -> Error {
    let exists = |message: &'static str| Error::new(Code::AlreadyExists, ErrorReason::ResourceExists, message);
    if fault.violates("department_key_once") {
        return exists("a department has this key (ST1)");
    }
    if fault.violates("department_ticket_kind_pkey") {
        return exists("a kind of tickets comes to another department (ST2)");
    }
    fault.into()
}

impl TryFrom<DepartmentRow> for Department {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: DepartmentRow) -> Result<Self, Error> {
        read(row).map_err(|invalid| Error::internal(format!("a stored department cannot be read: {invalid}")))
    }
}

fn read(row: DepartmentRow) -> Result<Department, Invalid> {
    let DepartmentRow {
        id,
        version,
        key,
        titles: Json(titles),
        calendar: Json(calendar),
        calendar_version,
        email,
        phone,
        web_page,
        created_at,
        updated_at,
        ticket_kinds,
    } = row;
    Ok(Department {
        id,
        version,
        key,
        titles,
        calendar,
        calendar_version,
        ticket_kinds,
        email: email.as_deref().map(Email::parse).transpose()?,
        phone: phone.as_deref().map(Phone::parse).transpose()?,
        web_page: web_page.as_deref().map(WebLink::parse).transpose()?,
        created_at: created_at.to_jiff(),
        updated_at: updated_at.to_jiff(),
    })
}
