//! All SQL of fields.

use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{LocalizedText, new_id};
use sqlx::{PgExecutor, types::Json};
use tonic::Code;
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{CustomField, MAX_FIELDS, Required, Schema, State, ValueType},
};
use crate::ticket::Kind;

/// Lists of fields begin so.
pub const SELECT: &str = "select id, version, key, titles, value_type, choices, kinds, required, state, created_at, updated_at from custom_field";

/// A field as the database holds it.
#[derive(sqlx::FromRow)]
pub struct CustomFieldRow {
    pub id: Uuid,
    version: i64,
    key: String,
    titles: Json<LocalizedText>,
    value_type: String,
    choices: Vec<String>,
    kinds: Vec<String>,
    required: String,
    state: String,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

/// One field.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<CustomField, Error> {
    let row = sqlx::query_as!(
        CustomFieldRow,
        r#"select id, version, key, titles as "titles: _", value_type, choices, kinds, required, state, created_at, updated_at
           from custom_field where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(name(id)))?.try_into()
}

/// The fields that are filled in now.
///
/// # Errors
/// When the statement fails.
pub async fn schema(executor: impl PgExecutor<'_>) -> Result<Schema, Fault> {
    let rows = sqlx::query_as!(
        CustomFieldRow,
        r#"select id, version, key, titles as "titles: _", value_type, choices, kinds, required, state, created_at, updated_at
           from custom_field where state = 'active'"#,
    );
    let fields: Result<_, Error> = rows.fetch_all(executor).await?.into_iter().map(CustomField::try_from).collect();
    Ok(Schema::new(fields?))
}

/// Records a new field, unless there are too many.
///
/// # Errors
/// `RESOURCE_EXISTS` for a key that another one has, `QUOTA_EXHAUSTED`.
pub async fn insert(
    db: &Database,
    write: &Write,
    field: &CustomField,
    response: &impl prost::Message,
) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into custom_field (id, version, key, titles, value_type, choices, kinds, required, state, created_at, updated_at)
               select $1, 1, $2, $3, $4, $5, $6, $7, 'active', $8, $8
               where (select count(*) from custom_field) < $9
               returning id
           )
           select seva.emit($10, $11, 'seva.tickets.custom_field.created.v1', $12, 1, $8, $13), seva.note($10, $12, '{*}'),
                  seva.remember($10, $14)
           from created"#,
        field.id,
        field.key,
        Json(&field.titles) as _,
        field.value_type.name(),
        &field.choices,
        &kinds(field) as _,
        field.required.name(),
        jiff_sqlx::Timestamp::from(field.created_at) as _,
        MAX_FIELDS,
        context::of(write),
        new_id(),
        name(field.id),
        prost::Message::encode_to_vec(&event_of(field)),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_optional(db.calls())).await.map_err(refusal)? {
        Some(_) => Ok(()),
        None => {
            Err(Error::quota_exhausted("customFields", format!("there are {MAX_FIELDS} fields, which is the most")))
        }
    }
}

/// Saves a changed field; `false` when another write came first.
///
/// # Errors
/// When the statement fails.
pub async fn save(
    db: &Database,
    write: &Write,
    field: &CustomField,
    changed: &[&str],
    response: &impl prost::Message,
) -> Result<bool, Error> {
    let changed: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        r#"with updated as (
               update custom_field
               set version = $2, titles = $3, choices = $4, kinds = $5, required = $6, state = $7, updated_at = $8
               where id = $1 and version = $2::bigint - 1
               returning id
           )
           select seva.emit($9, $10, $11, $12, $2, $8, $13), seva.note($9, $12, $14), seva.remember($9, $15)
           from updated"#,
        field.id,
        field.version,
        Json(&field.titles) as _,
        &field.choices,
        &kinds(field) as _,
        field.required.name(),
        field.state.name(),
        jiff_sqlx::Timestamp::from(field.updated_at) as _,
        context::of(write),
        new_id(),
        match field.state {
            State::Active => "seva.tickets.custom_field.updated.v1",
            State::Retired => "seva.tickets.custom_field.retired.v1",
        },
        name(field.id),
        prost::Message::encode_to_vec(&event_of(field)),
        &changed,
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await.map_err(refusal)?.is_some())
}

fn kinds(field: &CustomField) -> Vec<&'static str> {
    field.kinds.iter().map(|kind| kind.name()).collect()
}

/// What violated constraints mean to a caller.
fn refusal(fault: Fault) -> Error {
    if fault.violates("custom_field_key_once") {
        return Error::new(Code::AlreadyExists, ErrorReason::ResourceExists, "a field has this key").with_precondition(
            "TK13",
            "custom_field.key",
            "no other field has the key, retired ones included",
        );
    }
    fault.into()
}

impl TryFrom<CustomFieldRow> for CustomField {
    type Error = Error;

    fn try_from(row: CustomFieldRow) -> Result<Self, Error> {
        let CustomFieldRow {
            id,
            version,
            key,
            titles: Json(titles),
            value_type,
            choices,
            kinds,
            required,
            state,
            created_at,
            updated_at,
        } = row;
        Ok(Self {
            id,
            version,
            key,
            titles,
            value_type: ValueType::from_name(&value_type)?,
            choices,
            kinds: kinds.iter().map(|kind| Kind::from_name(kind)).collect::<Result<_, _>>()?,
            required: Required::from_name(&required)?,
            state: State::from_name(&state)?,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}
