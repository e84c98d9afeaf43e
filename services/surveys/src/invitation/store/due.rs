//! What comes due: decisions of held invitations, looks at what was answered low, and the end of the time to answer.

use std::time::Duration;

use jiff::Timestamp;
use seva_runtime::clock::machine_now;
use seva_store::{Database, Fault};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Invitation, InvitationRow, read};

/// Longer than a batch can take: its statements end after five seconds each.
const LEASE: Duration = Duration::from_secs(30);

/// Which work is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Of held invitations.
    Decisions,
    /// Of those that can be answered.
    Expiries,
}

/// An invitation that this process looks after until its lease ends. The lease only saves double work: whoever acts locks the row and looks
/// at its state.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    /// Which invitation.
    pub id: Uuid,
    /// Whose.
    pub customer_id: Uuid,
}

/// Claims what is due at `now`, the longest due first.
pub async fn claim(db: &Database, schedule: Schedule, now: Timestamp, limit: i64) -> Result<Vec<Claimed>, Fault> {
    let machine_time = machine_now();
    let (now, machine_time, leased_until) = (
        jiff_sqlx::Timestamp::from(now),
        jiff_sqlx::Timestamp::from(machine_time),
        jiff_sqlx::Timestamp::from(machine_time + LEASE),
    );
    let claimed = match schedule {
        Schedule::Decisions => {
            let claim = sqlx::query_as!(
                Claimed,
                "update invitation i set leased_until = $4
                 from (
                     select id from invitation
                     where state = 'held' and due_at <= $1 and (leased_until is null or leased_until <= $2)
                     order by due_at limit $3 for update skip locked
                 ) as due
                 where i.id = due.id
                 returning i.id, i.customer_id",
                now as _,
                machine_time as _,
                limit,
                leased_until as _,
            );
            claim.fetch_all(db.workers()).await?
        }
        Schedule::Expiries => {
            let claim = sqlx::query_as!(
                Claimed,
                "update invitation i set leased_until = $4
                 from (
                     select id from invitation
                     where state in ('queued', 'sent', 'started') and due_at <= $1 and (leased_until is null or leased_until <= $2)
                     order by due_at limit $3 for update skip locked
                 ) as due
                 where i.id = due.id
                 returning i.id, i.customer_id",
                now as _,
                machine_time as _,
                limit,
                leased_until as _,
            );
            claim.fetch_all(db.workers()).await?
        }
    };
    Ok(claimed)
}

/// When the earliest is due.
pub async fn next_due(db: &Database, schedule: Schedule) -> Result<Option<Timestamp>, Fault> {
    let earliest = match schedule {
        Schedule::Decisions => {
            let earliest = sqlx::query_scalar!("select min(due_at) from invitation where state = 'held'");
            earliest.fetch_one(db.workers()).await?
        }
        Schedule::Expiries => {
            let earliest =
                sqlx::query_scalar!("select min(due_at) from invitation where state in ('queued', 'sent', 'started')");
            earliest.fetch_one(db.workers()).await?
        }
    };
    Ok(earliest.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Locks the held invitations of these customers that come due by `until`. Their ledgers have to be locked before.
pub async fn held_of(
    connection: &mut PgConnection,
    customers: &[Uuid],
    until: Timestamp,
) -> Result<Vec<Invitation>, Fault> {
    let rows = sqlx::query_as!(
        InvitationRow,
        "select * from invitation where customer_id = any($1) and state = 'held' and due_at <= $2 order by id for update",
        customers,
        jiff_sqlx::Timestamp::from(until) as _,
    );
    read(rows.fetch_all(connection).await?)
}

/// Lets invitations wait for the end of their time to answer. No event: nothing has happened to them. Their rows have to be locked.
pub async fn wait_for_end(connection: &mut PgConnection, ids: &[Uuid]) -> Result<(), Fault> {
    if !ids.is_empty() {
        sqlx::query!("update invitation set due_at = expire_at, leased_until = null where id = any($1)", ids)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Puts decisions off. No event: nothing has been decided.
pub async fn wait(connection: &mut PgConnection, waiting: &[(Uuid, Timestamp)]) -> Result<(), Fault> {
    if waiting.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update invitation i set due_at = g.until, leased_until = null
         from unnest($1::uuid[], $2::timestamptz[]) as g (id, until)
         where i.id = g.id and i.state = 'held'",
        &waiting.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &waiting.iter().map(|(_, until)| jiff_sqlx::Timestamp::from(*until)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
