//! All SQL of the versions of limits.

use jiff::Timestamp;
use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context, fault::write_conflict};
use seva_values::{format_name, new_id};
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

use super::{
    convert::policy_event_of,
    limits::{Limit, Policy},
};

/// Every list of policies begins so.
pub const SELECT: &str = "select * from compensation_policy";
/// Names of policies.
pub const COLLECTION: &str = "compensationPolicies";

/// A policy as the database holds it.
#[derive(sqlx::FromRow)]
pub struct PolicyRow {
    pub id: Uuid,
    pub version: i32,
    effective_at: jiff_sqlx::Timestamp,
    limits: Json<Vec<Limit>>,
    created_at: jiff_sqlx::Timestamp,
}

/// The limits in force: of the versions that have begun the newest.
///
/// # Errors
/// When the statement fails.
pub async fn in_force(executor: impl PgExecutor<'_>, now: Timestamp) -> Result<Option<Policy>, Fault> {
    let row = sqlx::query_as!(
        PolicyRow,
        r#"select id, version, effective_at, limits as "limits: Json<Vec<Limit>>", created_at
           from compensation_policy where effective_at <= $1 order by version desc limit 1"#,
        jiff_sqlx::Timestamp::from(now) as _,
    );
    Ok(row.fetch_optional(executor).await?.map(Policy::from))
}

/// One version of the limits.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Policy, Error> {
    let row = sqlx::query_as!(
        PolicyRow,
        r#"select id, version, effective_at, limits as "limits: Json<Vec<Limit>>", created_at
           from compensation_policy where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.map(Policy::from).ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))
}

/// The number of the newest version; 0: there is none.
///
/// # Errors
/// When the database cannot be asked.
pub async fn newest_version(db: &Database) -> Result<i32, Error> {
    let newest = sqlx::query_scalar!(r#"select coalesce(max(version), 0) as "version!" from compensation_policy"#);
    Ok(newest.fetch_one(db.calls()).await.map_err(Fault::from)?)
}

/// Records a version of the limits.
///
/// # Errors
/// `WRITE_CONFLICT` when somebody else has taken its number.
pub async fn insert(db: &Database, write: &Write, policy: &Policy, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into compensation_policy (id, version, effective_at, limits, created_at) values ($1, $2, $3, $4, $5)
               returning id
           )
           select seva.emit($6, $7, 'seva.tickets.compensation_policy.created.v1', $8, 1, $5, $9), seva.note($6, $8, '{*}'),
                  seva.remember($6, $10)
           from created"#,
        policy.id,
        policy.version,
        jiff_sqlx::Timestamp::from(policy.effective_at) as _,
        Json(&policy.limits) as _,
        jiff_sqlx::Timestamp::from(policy.created_at) as _,
        context::of(write),
        new_id(),
        format_name(COLLECTION, policy.id),
        policy_event_of(policy).encode_to_vec(),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_one(db.calls())).await {
        Err(fault) if fault.violates("compensation_policy_version_once") => Err(write_conflict()),
        written => Ok(written.map(drop)?),
    }
}

impl From<PolicyRow> for Policy {
    fn from(row: PolicyRow) -> Self {
        let PolicyRow { id, version, effective_at, limits, created_at } = row;
        Self { id, version, effective_at: effective_at.to_jiff(), limits: limits.0, created_at: created_at.to_jiff() }
    }
}
