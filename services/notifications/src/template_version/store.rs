//! All SQL of template versions.

use std::collections::HashMap;

use jiff::Timestamp;
use prost::Message;
use seva_proto::notifications::v1::TemplateVersionEvent;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context, context::hex};
use seva_values::new_id;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{convert::version_name, model::Version};
use crate::template::TemplateDraft;

/// Every list begins so.
pub const SELECT: &str = "select v.*, t.version as template_changes, t.published_number from template_version v join template t on t.key = v.key";

/// A version as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct VersionRow {
    pub id: Uuid,
    number: i32,
    content: Json<TemplateDraft>,
    hash: Vec<u8>,
    created_at: jiff_sqlx::Timestamp,
    published_at: Option<jiff_sqlx::Timestamp>,
    pub place: String,
    template_changes: i64,
    published_number: Option<i32>,
}

impl From<VersionRow> for Version {
    fn from(row: VersionRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            draft: row.content.0,
            hash: row.hash,
            created_at: row.created_at.to_jiff(),
            published_at: row.published_at.map(jiff_sqlx::Timestamp::to_jiff),
            is_current: row.published_number == Some(row.number),
        }
    }
}

/// One version, and how often the template's published version has changed. Without a number: the published one.
pub async fn load(db: &Database, key: &str, number: Option<i32>) -> Result<(Version, i64), Error> {
    let row = sqlx::query_as!(
        VersionRow,
        r#"select v.id, v.number, v.content as "content: Json<TemplateDraft>", v.hash, v.created_at, v.published_at, v.place as "place!",
                  t.version as template_changes, t.published_number
           from template_version v join template t on t.key = v.key
           where v.key = $1 and v.number = coalesce($2, t.published_number)"#,
        key,
        number
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let row = row.ok_or_else(|| Error::not_found(version_name(key, number)))?;
    let changes = row.template_changes;
    Ok((row.into(), changes))
}

/// The number of the version that is sent from, by key.
pub async fn load_published(connection: &mut PgConnection) -> Result<HashMap<String, i32>, Fault> {
    let rows =
        sqlx::query!(r#"select key, published_number as "number!" from template where published_number is not null"#);
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.key, row.number)).collect())
}

/// The number of a template's next version.
pub async fn next_number(db: &Database, key: &str) -> Result<i32, Error> {
    let next = sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) + 1 as "next!" from template_version where key = $1"#,
        key
    );
    Ok(next.fetch_one(db.calls()).await.map_err(Fault::from)?)
}

/// Records a draft; `false` when another draft has taken the number.
pub async fn insert(db: &Database, write: &Write, version: &Version, response: &impl Message) -> Result<bool, Error> {
    let key = &version.draft.key;
    let insert = sqlx::query!(
        r#"with parent as (
               insert into template (key, version) values ($2, 0) on conflict on constraint template_pkey do nothing
           ), created as (
               insert into template_version (id, key, number, origin, content, hash, created_at)
               values ($1, $2, $3, 'person', $4, $5, $6)
               returning id
           )
           select seva.note($7, $8, '{*}'), seva.remember($7, $9) from created"#,
        version.id,
        key,
        version.number,
        Json(&version.draft) as _,
        version.hash,
        jiff_sqlx::Timestamp::from(version.created_at) as _,
        context::of(write),
        version_name(key, Some(version.number)),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_one(db.calls())).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.violates("template_version_pkey") => Ok(false),
        Err(fault) => Err(fault.into()),
    }
}

/// Publishes a version and retires the one before, unless another was published since `template_changes` were counted.
pub async fn save_published(
    db: &Database,
    write: &Write,
    version: &Version,
    template_changes: i64,
    now: Timestamp,
    response: &impl Message,
) -> Result<bool, Error> {
    let key = &version.draft.key;
    let name = version_name(key, Some(version.number));
    let event = TemplateVersionEvent { template_version: name.clone(), hash: hex(&version.hash) };
    let update = sqlx::query!(
        r#"with current as (
               update template set published_number = $2, version = $3::bigint + 1 where key = $1 and version = $3 returning key
           ), published as (
               update template_version v set published_at = $4
               from current where v.key = current.key and v.number = $2 and v.published_at is null
               returning v.id
           )
           select seva.emit($5, $6, 'seva.notifications.template_version.published.v1', $7, 1, $4, $8),
                  seva.note($5, $7, '{state}'), seva.remember($5, $9)
           from published"#,
        key,
        version.number,
        template_changes,
        jiff_sqlx::Timestamp::from(now) as _,
        context::of(write),
        new_id(),
        name,
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}
