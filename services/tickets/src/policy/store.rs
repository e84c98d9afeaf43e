//! All SQL of the policy, and the versions that this process has read: they never change.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use seva_proto::{common::v1::ErrorReason, tickets::v1::CreatePolicyResponse};
use seva_runtime::{Error, Write, clock::machine_now};
use seva_store::{Database, Fault, context, fault::write_conflict, idempotency::once};
use sqlx::PgExecutor;
use tokio::{sync::Mutex, time::Instant};
use uuid::Uuid;

use super::{
    convert::NewPolicy,
    model::{Policy, Row, Targets},
};
use crate::{
    recipient::Tier,
    ticket::{Kind, Priority, Ticket},
};

/// How long it may take until a new version is seen, in machine time.
const FRESH: Duration = Duration::from_secs(60);

/// The policy's versions: a cheap handle.
#[derive(Debug, Clone)]
pub struct Policies {
    db: Database,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    versions: HashMap<i32, Arc<Policy>>,
    newest: Option<(Instant, Arc<Policy>)>,
}

impl Policies {
    /// The versions that this database has.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self { db, known: Arc::default() }
    }

    /// The version that new tickets keep to; a newer one is seen within a minute.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn newest(&self) -> Result<Arc<Policy>, Fault> {
        let mut known = self.known.lock().await;
        if let Some((read_at, policy)) = &known.newest
            && read_at.elapsed() < FRESH
        {
            return Ok(policy.clone());
        }
        let policy = Arc::new(newest(self.db.calls()).await?);
        known.versions.insert(policy.version(), policy.clone());
        known.newest = Some((Instant::now(), policy.clone()));
        Ok(policy)
    }

    /// The version that older clocks keep to.
    ///
    /// # Errors
    /// `INTERNAL` for a version that does not exist, and when the database cannot be asked.
    pub async fn of_version(&self, version: i32) -> Result<Arc<Policy>, Fault> {
        let mut known = self.known.lock().await;
        if let Some(policy) = known.versions.get(&version) {
            return Ok(policy.clone());
        }
        let policy = Arc::new(of_version(self.db.calls(), version).await?);
        known.versions.insert(version, policy.clone());
        Ok(policy)
    }
}

/// A version, and who put it into force when, in machine time.
#[derive(Debug, Clone)]
pub struct Version {
    /// What it says.
    pub policy: Policy,
    /// Unknown of the first one, as of the next.
    pub created_at: Option<Timestamp>,
    /// Such as `user:asha`.
    pub created_by: Option<String>,
}

/// Whether a new version follows the one in force; 0 follows whichever is.
///
/// # Errors
/// `ETAG_MISMATCH`, with the version in force.
pub fn follows(previous_version: i32, in_force: i32) -> Result<(), Error> {
    if previous_version == 0 || previous_version == in_force {
        return Ok(());
    }
    let newer = "another version came into force since this one was read";
    Err(Error::aborted(ErrorReason::EtagMismatch, newer).with_metadata("current_version", in_force.to_string()))
}

impl Policies {
    /// Puts a version into force, with its audit row and the answer, in one statement.
    ///
    /// # Errors
    /// `ETAG_MISMATCH` when another one is in force than the caller has read, `WRITE_CONFLICT` when one comes into force at the same time.
    pub async fn create(&self, write: &Write, new: NewPolicy) -> Result<CreatePolicyResponse, Error> {
        let NewPolicy { rows, previous_version } = new;
        let answer = once(&self.db, write, async {
            let before = newest(self.db.calls()).await?.version();
            follows(previous_version, before)?;
            let created_at = machine_now();
            let policy = Policy::new(before + 1, rows.clone())?;
            let version = Version { policy, created_at: Some(created_at), created_by: Some(write.actor.clone()) };
            let response = CreatePolicyResponse { policy: Some((&version).into()) };
            insert(&self.db, write, &version, created_at, &response).await?;
            Ok(response)
        })
        .await?;
        self.known.lock().await.newest = None;
        Ok(answer)
    }

    /// A version; 0: the newest.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`.
    pub async fn version(&self, version: i32) -> Result<Version, Error> {
        let found = sqlx::query!(
            "select version, created_at, created_by from policy where version = $1 or $1 = 0 order by version desc limit 1",
            version
        );
        let found = found.fetch_optional(self.db.calls()).await.map_err(Fault::from)?;
        let found = found.ok_or_else(|| Error::not_found(format!("version {version} of the policy")))?;
        let policy = of_version(self.db.calls(), found.version).await?;
        let created_at = found.created_at.map(jiff_sqlx::Timestamp::to_jiff);
        Ok(Version { policy, created_at, created_by: found.created_by })
    }
}

async fn insert(
    db: &Database,
    write: &Write,
    version: &Version,
    created_at: Timestamp,
    response: &CreatePolicyResponse,
) -> Result<(), Error> {
    let rows = version.policy.rows();
    let minutes = |of: fn(&Targets) -> SignedDuration| -> Vec<i32> {
        rows.iter().map(|row| i32::try_from(of(&row.targets).as_mins()).unwrap_or(i32::MAX)).collect()
    };
    let insert = sqlx::query!(
        r#"with created as (
               insert into policy (version, created_at, created_by) values ($1, $2, $3) returning version
           ), targets as (
               insert into policy_target (
                   version, kind, department, tier, priority, first_response_minutes, next_response_minutes, update_cadence_minutes,
                   resolution_first_minutes, resolution_total_minutes, handoff_ack_minutes, handoff_done_minutes, pauses_while_external,
                   pauses_while_scheduled, reopen_days, return_minutes, weight
               )
               select created.version, t.* from created, unnest(
                   $4::text[], $5::uuid[], $6::text[], $7::text[], $8::int[], $9::int[], $10::int[], $11::int[], $12::int[], $13::int[],
                   $14::int[], $15::bool[], $16::bool[], $17::int[], $18::int[], $19::int[]
               ) as t
           )
           select seva.note($20, $21, '{*}'), seva.remember($20, $22) from created"#,
        version.policy.version(),
        jiff_sqlx::Timestamp::from(created_at) as _,
        write.actor,
        &rows.iter().map(|row| row.kind.map(Kind::name)).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.department).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.tier.map(Tier::name)).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.priority.map(Priority::name)).collect::<Vec<_>>() as _,
        &minutes(|targets| targets.first_response),
        &minutes(|targets| targets.next_response),
        &minutes(|targets| targets.update_cadence),
        &minutes(|targets| targets.resolution_first),
        &minutes(|targets| targets.resolution_total),
        &minutes(|targets| targets.handoff_ack),
        &minutes(|targets| targets.handoff_done),
        &rows.iter().map(|row| row.targets.pauses_while_external).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.targets.pauses_while_scheduled).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.targets.reopen_days).collect::<Vec<_>>(),
        &minutes(|targets| targets.return_after),
        &rows.iter().map(|row| row.targets.weight).collect::<Vec<_>>(),
        context::of(write),
        format!("policies/{}", version.policy.version()),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_one(db.calls())).await {
        // Somebody else's version came first.
        Err(fault) if fault.violates("policy_pkey") => Err(write_conflict()),
        written => written.map(|_| ()).map_err(Error::from),
    }
}

impl Policies {
    /// The version that held when a ticket was opened.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub(crate) async fn of_ticket(&self, ticket: &Ticket) -> Result<Arc<Policy>, Fault> {
        match ticket.clocks.policy_version() {
            Some(version) => self.of_version(version).await,
            None => self.newest().await,
        }
    }
}

struct TargetRow {
    version: i32,
    kind: Option<String>,
    department: Option<Uuid>,
    tier: Option<String>,
    priority: Option<String>,
    first_response_minutes: i32,
    next_response_minutes: i32,
    update_cadence_minutes: i32,
    resolution_first_minutes: i32,
    resolution_total_minutes: i32,
    handoff_ack_minutes: i32,
    handoff_done_minutes: i32,
    pauses_while_external: bool,
    pauses_while_scheduled: bool,
    reopen_days: i32,
    return_minutes: i32,
    weight: i32,
}

/// The newest version.
///
/// # Errors
/// `INTERNAL` when there is none or it cannot be read.
pub async fn newest(executor: impl PgExecutor<'_>) -> Result<Policy, Fault> {
    let rows = sqlx::query_as!(
        TargetRow,
        "select version, kind, department, tier, priority, first_response_minutes, next_response_minutes, update_cadence_minutes,
                resolution_first_minutes, resolution_total_minutes, handoff_ack_minutes, handoff_done_minutes, pauses_while_external,
                pauses_while_scheduled, reopen_days, return_minutes, weight
         from policy_target where version = (select max(version) from policy)"
    );
    read(rows.fetch_all(executor).await?)
}

/// A version.
///
/// # Errors
/// `INTERNAL` when there is no such one or it cannot be read.
pub async fn of_version(executor: impl PgExecutor<'_>, version: i32) -> Result<Policy, Fault> {
    let rows = sqlx::query_as!(
        TargetRow,
        "select version, kind, department, tier, priority, first_response_minutes, next_response_minutes, update_cadence_minutes,
                resolution_first_minutes, resolution_total_minutes, handoff_ack_minutes, handoff_done_minutes, pauses_while_external,
                pauses_while_scheduled, reopen_days, return_minutes, weight
         from policy_target where version = $1",
        version
    );
    read(rows.fetch_all(executor).await?)
}

fn read(rows: Vec<TargetRow>) -> Result<Policy, Fault> {
    let version = rows.first().map_or(0, |row| row.version);
    let rows = rows.into_iter().map(Row::try_from).collect::<Result<_, Error>>()?;
    Ok(Policy::new(version, rows)?)
}

impl TryFrom<TargetRow> for Row {
    type Error = Error;

    fn try_from(row: TargetRow) -> Result<Self, Error> {
        let minutes = |minutes: i32| SignedDuration::from_mins(minutes.into());
        Ok(Self {
            kind: row.kind.as_deref().map(Kind::from_name).transpose()?,
            department: row.department,
            tier: row.tier.as_deref().map(Tier::from_name).transpose()?,
            priority: row.priority.as_deref().map(Priority::from_name).transpose()?,
            targets: Targets {
                first_response: minutes(row.first_response_minutes),
                next_response: minutes(row.next_response_minutes),
                update_cadence: minutes(row.update_cadence_minutes),
                resolution_first: minutes(row.resolution_first_minutes),
                resolution_total: minutes(row.resolution_total_minutes),
                handoff_ack: minutes(row.handoff_ack_minutes),
                handoff_done: minutes(row.handoff_done_minutes),
                pauses_while_external: row.pauses_while_external,
                pauses_while_scheduled: row.pauses_while_scheduled,
                reopen_days: row.reopen_days,
                return_after: minutes(row.return_minutes),
                weight: row.weight,
            },
        })
    }
}
