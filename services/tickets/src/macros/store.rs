//! All SQL of macros.

use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{LocalizedText, format_name, new_id};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{COLLECTION, Macro, State},
};
use crate::action::convert::{from_stored, to_stored};

/// Every list of macros begins so.
pub const SELECT: &str = "select * from macro";

/// A macro as the database holds it.
#[derive(sqlx::FromRow)]
pub struct MacroRow {
    pub id: Uuid,
    version: i64,
    titles: Json<LocalizedText>,
    department: Option<Uuid>,
    actions: Vec<Vec<u8>>,
    state: String,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

/// One macro.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Macro, Error> {
    let row = sqlx::query_as!(
        MacroRow,
        r#"select id, version, titles as "titles: _", department, actions, state, created_at, updated_at from macro where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// Records a new macro with its event, its audit row and the answer, in one statement.
pub async fn insert(db: &Database, write: &Write, one: &Macro, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        "with created as (
             insert into macro (id, version, titles, department, actions, state, created_at, updated_at)
             values ($1, 1, $2, $3, $4, $5, $6, $6)
             returning id
         )
         select seva.emit($7, $8, 'seva.tickets.macro.created.v1', $9, 1, $6, $10), seva.note($7, $9, '{*}'), seva.remember($7, $11)
         from created",
        one.id,
        Json(&one.titles) as _,
        one.department,
        &to_stored(&one.actions),
        one.state.name(),
        jiff_sqlx::Timestamp::from(one.created_at) as _,
        context::of(write),
        new_id(),
        one.name(),
        event_of(one).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves a changed macro; `false` when another write came first.
pub async fn save(
    db: &Database,
    write: &Write,
    one: &Macro,
    event: &str,
    changed: &[&str],
    response: &impl Message,
) -> Result<bool, Error> {
    let fields: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        "with updated as (
             update macro set version = $2, titles = $3, department = $4, actions = $5, state = $6, updated_at = $7
             where id = $1 and version = $2::bigint - 1
             returning id
         )
         select seva.emit($8, $9, $10, $11, $2, $7, $12), seva.note($8, $11, $13), seva.remember($8, $14) from updated",
        one.id,
        one.version,
        Json(&one.titles) as _,
        one.department,
        &to_stored(&one.actions),
        one.state.name(),
        jiff_sqlx::Timestamp::from(one.updated_at) as _,
        context::of(write),
        new_id(),
        event,
        one.name(),
        event_of(one).encode_to_vec(),
        &fields,
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

impl TryFrom<MacroRow> for Macro {
    type Error = Error;

    fn try_from(row: MacroRow) -> Result<Self, Error> {
        let MacroRow { id, version, titles: Json(titles), department, actions, state, created_at, updated_at } = row;
        Ok(Self {
            id,
            version,
            titles,
            department,
            actions: from_stored(&actions)?,
            state: State::from_name(&state)?,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}
