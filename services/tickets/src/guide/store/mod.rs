//! All SQL of guides and their versions; that of runs in [`runs`].

pub mod runs;

use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{format_name, new_id};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{Act, COLLECTION, Change, Content, Guide, GuideVersion},
};
use crate::publishing::format_version;

/// Every list of guides begins so.
pub const SELECT: &str = "select * from guide";

/// A guide as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct GuideRow {
    pub id: Uuid,
    version: i64,
    display_name: String,
    product: String,
    published_number: Option<i32>,
    draft_number: Option<i32>,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

impl From<GuideRow> for Guide {
    fn from(row: GuideRow) -> Self {
        let GuideRow { id, version, display_name, product, published_number, draft_number, created_at, updated_at } =
            row;
        Self {
            id,
            version,
            display_name,
            product,
            published_number,
            draft_number,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        }
    }
}

/// One guide.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Guide, Error> {
    let row = sqlx::query_as!(GuideRow, "select * from guide where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.map(Guide::from).ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))
}

/// One version.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load_version(db: &Database, guide: Uuid, number: i32) -> Result<GuideVersion, Error> {
    let row = sqlx::query!(
        r#"select content as "content: Json<Content>", hash, created_at, published_at
           from guide_version where guide_id = $1 and number = $2"#,
        guide,
        number
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let row = row.ok_or_else(|| Error::not_found(format_version(COLLECTION, guide, number)))?;
    Ok(GuideVersion {
        guide,
        number,
        content: row.content.0,
        hash: row.hash.try_into().map_err(|_| Error::internal("a stored hash is no SHA-256"))?,
        created_at: row.created_at.to_jiff(),
        published_at: row.published_at.map(jiff_sqlx::Timestamp::to_jiff),
    })
}

/// Records a new guide with its event, its audit row and the answer.
///
/// # Errors
/// When the statement fails.
pub async fn insert(db: &Database, write: &Write, guide: &Guide, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into guide (id, version, display_name, product, created_at, updated_at) values ($1, 1, $2, $3, $4, $4) returning id
           )
           select seva.emit($5, $6, $7, $8, 1, $4, $9), seva.note($5, $8, '{*}'), seva.remember($5, $10)
           from created"#,
        guide.id,
        guide.display_name,
        guide.product,
        jiff_sqlx::Timestamp::from(guide.created_at) as _,
        context::of(write),
        new_id(),
        Act::Created.event_kind(),
        guide.name(),
        event_of(guide).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves a guide with the version that was written or published; `false` when it has changed since it was read.
///
/// # Errors
/// When the statement fails.
pub async fn save(db: &Database, write: &Write, change: &Change, response: &impl Message) -> Result<bool, Error> {
    let Change { guide, version, act } = change;
    let changed = if *act == Act::Published { "state" } else { "*" };
    let update = sqlx::query!(
        r#"with saved as (
               update guide set version = $2, published_number = $3, draft_number = $4, updated_at = $5
               where id = $1 and version = $2::bigint - 1
               returning id
           ), versioned as (
               insert into guide_version as v (guide_id, number, content, hash, created_at, published_at)
               select saved.id, $6, $7, $8, $9, $10 from saved
               on conflict on constraint guide_version_pkey do update
               set content = excluded.content, hash = excluded.hash, created_at = excluded.created_at, published_at = excluded.published_at
           )
           select seva.emit($11, $12, $13, $14, $2, $5, $15), seva.note($11, $16, $17), seva.remember($11, $18)
           from saved"#,
        guide.id,
        guide.version,
        guide.published_number,
        guide.draft_number,
        jiff_sqlx::Timestamp::from(guide.updated_at) as _,
        version.number,
        Json(&version.content) as _,
        &version.hash,
        jiff_sqlx::Timestamp::from(version.created_at) as _,
        version.published_at.map(jiff_sqlx::Timestamp::from) as _,
        context::of(write),
        new_id(),
        act.event_kind(),
        guide.name(),
        event_of(guide).encode_to_vec(),
        version.name(),
        &[changed.to_owned()],
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}
