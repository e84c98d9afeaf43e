//! Versions of what counts how much: made by managers, and never changed (TK150).

mod convert;

use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use seva_proto::tickets::v1::CreateRiskPolicyResponse;
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Fault, context,
    fault::write_conflict,
    idempotency::once,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::{format_name, new_id};
use sqlx::types::Json;
use uuid::Uuid;

use self::convert::event_of;
pub use self::convert::{list_query, wanted};
use super::model::{Policy, Weight};
use crate::policy::store::follows;

/// Collection of their names.
pub const COLLECTION: &str = "riskPolicies";
/// The order of versions.
pub const NEWEST_FIRST: Order = Order { name: "version desc", column: "version", descending: true };
/// Every list of versions begins so.
pub const SELECT: &str =
    "select id, version, elevated_from, high_from, critical_from, acknowledge_minutes, acknowledge_critical_minutes, created_at,
            (select jsonb_agg(jsonb_build_object('reason', w.reason, 'at_least', w.at_least, 'weight', w.weight))
             from risk_weight w where w.version = risk_policy.version) as weights
     from risk_policy";

/// A version as the database holds it.
#[derive(sqlx::FromRow)]
pub struct PolicyRow {
    pub id: Uuid,
    pub version: i32,
    elevated_from: i32,
    high_from: i32,
    critical_from: i32,
    acknowledge_minutes: i32,
    acknowledge_critical_minutes: i32,
    created_at: Option<jiff_sqlx::Timestamp>,
    weights: Json<Vec<Weight>>,
}

/// A version with its name.
#[derive(Debug, Clone)]
pub struct Version {
    pub id: Uuid,
    pub policy: Policy,
    /// Business time; `None`: it came with the service.
    pub created_at: Option<Timestamp>,
}

/// What is to hold, valid but for its number.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    pub policy: Policy,
    /// 0: whichever is in force.
    pub previous_version: i32,
}

impl Version {
    /// Its resource name.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }
}

impl Keyed for PolicyRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Number(self.version.into()), self.id)
    }
}

impl TryFrom<PolicyRow> for Version {
    type Error = Error;

    fn try_from(row: PolicyRow) -> Result<Self, Error> {
        let minutes = |minutes: i32| SignedDuration::from_mins(minutes.into());
        let policy = Policy::new(
            row.version,
            row.weights.0,
            [row.elevated_from, row.high_from, row.critical_from],
            [minutes(row.acknowledge_minutes), minutes(row.acknowledge_critical_minutes)],
        )?;
        Ok(Self { id: row.id, policy, created_at: row.created_at.map(jiff_sqlx::Timestamp::to_jiff) })
    }
}

/// Puts a version into force.
///
/// # Errors
/// `ETAG_MISMATCH` when another version is in force than the one that it follows, `WRITE_CONFLICT` when one comes into force at the same moment.
pub async fn create(
    db: &Database,
    clock: &BusinessClock,
    write: &Write,
    new: NewPolicy,
) -> Result<CreateRiskPolicyResponse, Error> {
    let NewPolicy { policy, previous_version } = new;
    once(db, write, async {
        let before = load(db, None).await?.policy.version;
        follows(previous_version, before)?;
        let policy = Policy { version: before + 1, ..policy.clone() };
        let version = Version { id: new_id(), policy, created_at: Some(clock.now()) };
        let response = CreateRiskPolicyResponse { risk_policy: Some((&version).into()) };
        insert(db, write, &version, clock.now(), &response).await?;
        Ok(response)
    })
    .await
}

async fn insert(
    db: &Database,
    write: &Write,
    version: &Version,
    now: Timestamp,
    response: &CreateRiskPolicyResponse,
) -> Result<(), Error> {
    let Policy { version: number, weights, levels_from, acknowledge, acknowledge_critical } = &version.policy;
    let minutes = |time: &SignedDuration| i32::try_from(time.as_mins()).map_err(Error::internal);
    let insert = sqlx::query!(
        r#"with created as (
               insert into risk_policy (
                   id, version, elevated_from, high_from, critical_from, acknowledge_minutes, acknowledge_critical_minutes, created_at
               )
               values ($1, $2, $3, $4, $5, $6, $7, $8)
               returning id
           ), weighed as (
               insert into risk_weight (version, reason, at_least, weight)
               select $2, w.reason, w.at_least, w.weight from unnest($9::text[], $10::bigint[], $11::int[]) as w (reason, at_least, weight)
           )
           select seva.emit($12, $13, 'seva.tickets.risk_policy.created.v1', $14, 1, $8, $15), seva.note($12, $14, '{*}'),
                  seva.remember($12, $16)
           from created"#,
        version.id,
        number,
        levels_from[0],
        levels_from[1],
        levels_from[2],
        minutes(acknowledge)?,
        minutes(acknowledge_critical)?,
        jiff_sqlx::Timestamp::from(now) as _,
        &weights.iter().map(|weight| weight.reason.name()).collect::<Vec<_>>() as _,
        &weights.iter().map(|weight| weight.at_least).collect::<Vec<_>>(),
        &weights.iter().map(|weight| weight.weight).collect::<Vec<_>>(),
        context::of(write),
        new_id(),
        version.name(),
        event_of(version).encode_to_vec(),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_one(db.calls())).await {
        Err(fault) if fault.violates("risk_policy_pkey") => Err(write_conflict()),
        written => Ok(written.map(drop)?),
    }
}

/// A version; `None`: the one in force.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Option<Uuid>) -> Result<Version, Error> {
    let row = sqlx::query_as!(
        PolicyRow,
        r#"select id, version, elevated_from, high_from, critical_from, acknowledge_minutes, acknowledge_critical_minutes, created_at,
                  (select jsonb_agg(jsonb_build_object('reason', w.reason, 'at_least', w.at_least, 'weight', w.weight))
                   from risk_weight w where w.version = p.version) as "weights!: Json<Vec<Weight>>"
           from risk_policy p where id = $1 or $1 is null order by version desc limit 1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let row = row
        .ok_or_else(|| Error::not_found(id.map_or_else(|| COLLECTION.to_owned(), |id| format_name(COLLECTION, id))))?;
    row.try_into()
}

/// A page of versions.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<Version>, Error> {
    let listing = Listing::new(SELECT, &NEWEST_FIRST, page);
    let Page { items, next_page_token } = listing.fetch::<PolicyRow>(db.calls()).await?;
    Ok(Page { items: items.into_iter().map(Version::try_from).collect::<Result<_, _>>()?, next_page_token })
}
