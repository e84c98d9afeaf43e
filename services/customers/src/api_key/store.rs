//! All SQL of API keys.

use jiff::Timestamp;
use prost::Message;
use seva_runtime::{Error, Write, auth::api_keys::StoredApiKey};
use seva_store::{Database, Fault, context};
use seva_values::{Invalid, new_id};
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{ApiKey, Source},
};

/// Every list of keys begins so.
pub const SELECT: &str =
    "select id, version, display_name, sources, scopes, expires_at, revoked_at, created_at from api_key";

/// A key as the database holds it, without the secret's hash.
#[derive(Debug, sqlx::FromRow)]
pub struct KeyRow {
    pub id: Uuid,
    version: i64,
    display_name: String,
    sources: Vec<String>,
    scopes: Vec<String>,
    expires_at: Option<jiff_sqlx::Timestamp>,
    revoked_at: Option<jiff_sqlx::Timestamp>,
    created_at: jiff_sqlx::Timestamp,
}

/// One key.
pub async fn load(db: &Database, id: Uuid) -> Result<ApiKey, Error> {
    let row = sqlx::query_as!(
        KeyRow,
        "select id, version, display_name, sources, scopes, expires_at, revoked_at, created_at from api_key where id = $1",
        id
    )
    .fetch_optional(db.calls())
    .await
    .map_err(Fault::from)?;
    ApiKey::try_from(row.ok_or_else(|| Error::not_found(name(id)))?)
}

/// One key as verification needs it; ended ones too, which it tells apart.
pub async fn find_stored(db: &Database, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
    let row =
        sqlx::query!("select secret_sha256, sources, scopes, expires_at, revoked_at from api_key where id = $1", id)
            .fetch_optional(db.calls())
            .await
            .map_err(Fault::from)?;
    let Some(row) = row else { return Ok(None) };
    let secret_sha256 = row.secret_sha256.try_into();
    Ok(Some(StoredApiKey {
        id,
        secret_sha256: secret_sha256.map_err(|_| Error::internal("a stored hash is not of 32 bytes"))?,
        scopes: row.scopes,
        sources: row.sources,
        expires_at: row.expires_at.map(jiff_sqlx::Timestamp::to_jiff),
        revoked: row.revoked_at.is_some(),
    }))
}

/// Records a new key with its event at `occurred_at`, its audit row and the answer, in one statement.
pub async fn insert(
    db: &Database,
    write: &Write,
    key: &ApiKey,
    secret_sha256: [u8; 32],
    occurred_at: Timestamp,
    response: &impl Message,
) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into api_key (id, version, display_name, secret_sha256, sources, scopes, expires_at, created_at)
               values ($1, 1, $2, $3, $4, $13, $5, $6)
               returning id
           )
           select seva.emit($7, $8, 'seva.customers.api_key.created.v1', $9, 1, $10, $11),
                  seva.note($7, $9, '{*}'), seva.remember($7, $12)
           from created"#,
        key.id,
        key.display_name,
        secret_sha256.as_slice(),
        &sources(key),
        key.expires_at.map(jiff_sqlx::Timestamp::from) as _,
        jiff_sqlx::Timestamp::from(key.created_at) as _,
        context::of(write),
        new_id(),
        name(key.id),
        jiff_sqlx::Timestamp::from(occurred_at) as _,
        event_of(key).encode_to_vec(),
        response.encode_to_vec(),
        &key.scopes,
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves the end of a key; `false` when another write came first.
pub async fn save_revoked(
    db: &Database,
    write: &Write,
    key: &ApiKey,
    occurred_at: Timestamp,
    response: &impl Message,
) -> Result<bool, Error> {
    let update = sqlx::query!(
        r#"with updated as (
               update api_key set version = $2, revoked_at = $3 where id = $1 and version = $2::bigint - 1 returning id
           )
           select seva.emit($4, $5, 'seva.customers.api_key.revoked.v1', $6, $2, $7, $8),
                  seva.note($4, $6, '{revoke_time}'), seva.remember($4, $9)
           from updated"#,
        key.id,
        key.version,
        key.revoked_at.map(jiff_sqlx::Timestamp::from) as _,
        context::of(write),
        new_id(),
        name(key.id),
        jiff_sqlx::Timestamp::from(occurred_at) as _,
        event_of(key).encode_to_vec(),
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

fn sources(key: &ApiKey) -> Vec<String> {
    key.sources.iter().map(|source| source.as_str().to_owned()).collect()
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: KeyRow) -> Result<Self, Error> {
        let KeyRow { id, version, display_name, sources, scopes, expires_at, revoked_at, created_at } = row;
        let sources: Result<_, Invalid> = sources.iter().map(|source| Source::parse(source)).collect();
        Ok(Self {
            id,
            version,
            display_name,
            sources: sources.map_err(|invalid| Error::internal(format!("a stored key cannot be read: {invalid}")))?,
            scopes,
            expires_at: expires_at.map(jiff_sqlx::Timestamp::to_jiff),
            revoked_at: revoked_at.map(jiff_sqlx::Timestamp::to_jiff),
            created_at: created_at.to_jiff(),
        })
    }
}
