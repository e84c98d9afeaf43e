//! All SQL of the policy, and the versions that this process has read: they never change.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use seva_runtime::Error;
use seva_store::{Database, Fault};
use sqlx::PgExecutor;
use tokio::{sync::Mutex, time::Instant};
use uuid::Uuid;

use super::model::{Policy, Row, Targets};
use crate::{
    recipient::Tier,
    ticket::{Kind, Priority},
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
                pauses_while_scheduled, reopen_days
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
                pauses_while_scheduled, reopen_days
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
            },
        })
    }
}
