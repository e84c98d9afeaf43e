//! All SQL of views.

use prost::Message;
use seva_proto::tickets::v1 as pb;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{LocalizedText, new_id};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{Sharing, View},
};
use crate::{stored::unknown, ticket::convert::parse_kept_filter};

/// Every list of views begins so.
pub const SELECT: &str =
    "select id, version, owner, titles, sharing, department, filter, order_by, created_at, updated_at from saved_view";

/// A view as the database holds it.
#[derive(sqlx::FromRow)]
pub struct ViewRow {
    pub id: Uuid,
    version: i64,
    owner: String,
    titles: Json<LocalizedText>,
    sharing: String,
    department: Option<Uuid>,
    filter: Vec<u8>,
    order_by: String,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

/// One view that is not deleted.
pub async fn find(db: &Database, id: Uuid) -> Result<Option<View>, Error> {
    Ok(find_all(db, &[id]).await?.pop())
}

/// The views of these ids that are not deleted.
pub async fn find_all(db: &Database, ids: &[Uuid]) -> Result<Vec<View>, Error> {
    let rows = sqlx::query_as!(
        ViewRow,
        r#"select id, version, owner, titles as "titles: Json<LocalizedText>", sharing, department, filter, order_by, created_at, updated_at
           from saved_view where id = any($1) and deleted_at is null"#,
        ids
    );
    rows.fetch_all(db.calls()).await.map_err(Fault::from)?.into_iter().map(View::try_from).collect()
}

/// How many views somebody has.
pub async fn count_of(db: &Database, owner: &str) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from saved_view where owner = $1 and deleted_at is null"#,
        owner
    );
    Ok(count.fetch_one(db.calls()).await.map_err(Fault::from)?)
}

/// Records a new view with its event, its audit row and the answer, in one statement.
pub async fn insert(db: &Database, write: &Write, view: &View, response: &impl Message) -> Result<(), Error> {
    let (sharing, department) = stored(view.sharing);
    let insert = sqlx::query!(
        r#"with created as (
               insert into saved_view (id, version, owner, titles, sharing, department, filter, order_by, created_at, updated_at)
               values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $8)
               returning id
           )
           select seva.emit($9, $10, 'seva.tickets.view.created.v1', $11, 1, $8, $12), seva.note($9, $11, '{*}'),
                  seva.remember($9, $13)
           from created"#,
        view.id,
        view.owner,
        Json(&view.titles) as _,
        sharing,
        department,
        pb::TicketFilter::from(&view.filter).encode_to_vec(),
        view.order_by,
        jiff_sqlx::Timestamp::from(view.created_at) as _,
        context::of(write),
        new_id(),
        name(view.id),
        event_of(view).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves a changed view; `false` when another write came first.
pub async fn save_updated(
    db: &Database,
    write: &Write,
    view: &View,
    changed: &[&str],
    response: &impl Message,
) -> Result<bool, Error> {
    let (sharing, department) = stored(view.sharing);
    let fields: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        r#"with updated as (
               update saved_view
               set version = $2, titles = $3, sharing = $4, department = $5, filter = $6, order_by = $7, updated_at = $8
               where id = $1 and version = $2::bigint - 1 and deleted_at is null
               returning id
           )
           select seva.emit($9, $10, 'seva.tickets.view.updated.v1', $11, $2, $8, $12), seva.note($9, $11, $13),
                  seva.remember($9, $14)
           from updated"#,
        view.id,
        view.version,
        Json(&view.titles) as _,
        sharing,
        department,
        pb::TicketFilter::from(&view.filter).encode_to_vec(),
        view.order_by,
        jiff_sqlx::Timestamp::from(view.updated_at) as _,
        context::of(write),
        new_id(),
        name(view.id),
        event_of(view).encode_to_vec(),
        &fields,
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

/// Takes a view away; `false` when another write came first.
pub async fn save_deleted(db: &Database, write: &Write, view: &View, response: &impl Message) -> Result<bool, Error> {
    let update = sqlx::query!(
        r#"with deleted as (
               update saved_view set version = $2, updated_at = $3, deleted_at = $3
               where id = $1 and version = $2::bigint - 1 and deleted_at is null
               returning id
           )
           select seva.emit($4, $5, 'seva.tickets.view.deleted.v1', $6, $2, $3, $7), seva.note($4, $6, '{*}'),
                  seva.remember($4, $8)
           from deleted"#,
        view.id,
        view.version,
        jiff_sqlx::Timestamp::from(view.updated_at) as _,
        context::of(write),
        new_id(),
        name(view.id),
        event_of(view).encode_to_vec(),
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

const fn stored(sharing: Sharing) -> (&'static str, Option<Uuid>) {
    match sharing {
        Sharing::Private => ("private", None),
        Sharing::Department(department) => ("department", Some(department)),
        Sharing::Everybody => ("everybody", None),
    }
}

impl TryFrom<ViewRow> for View {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: ViewRow) -> Result<Self, Error> {
        let ViewRow { id, version, owner, titles, sharing, department, filter, order_by, created_at, updated_at } = row;
        let sharing = match (sharing.as_str(), department) {
            ("private", None) => Sharing::Private,
            ("department", Some(department)) => Sharing::Department(department),
            ("everybody", None) => Sharing::Everybody,
            (other, _) => return Err(unknown("sharing of a view", other)),
        };
        Ok(Self {
            id,
            version,
            owner,
            titles: titles.0,
            sharing,
            filter: parse_kept_filter(&filter)?,
            order_by,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}
