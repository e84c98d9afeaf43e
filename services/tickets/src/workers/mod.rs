//! Loops beside the calls. Each finds the tickets whose time has come; what happens to them is the ticket's own affair.

pub mod returns;
pub mod verification;
pub mod waiting;

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error};
use seva_store::{Database, Fault};
use uuid::Uuid;

use crate::ticket::{Change, Ticket, store};

/// What a schedule says is next: what it says has to be done at once is due now, not since the epoch, as what is told of the delay would be nonsense.
pub(crate) fn at_once_is_now(next: Option<Timestamp>, clock: &BusinessClock) -> Option<Timestamp> {
    next.map(|next| if next == Timestamp::UNIX_EPOCH { clock.now() } else { next })
}

/// Does what is due of these tickets; answers of how many. One that cannot be done does not stand in the way of the others.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn carry_out(
    db: &Database,
    actor: &str,
    due: &[Uuid],
    now: Timestamp,
    act: impl Fn(&mut Ticket, Timestamp) -> Vec<Change>,
) -> Result<usize, Error> {
    match in_one(db, actor, due, now, &act).await {
        Err(fault) if fault.is_permanent() && due.len() > 1 => {
            let mut done = due.len();
            for one in due {
                if let Err(fault) = in_one(db, actor, std::slice::from_ref(one), now, &act).await {
                    done -= 1;
                    tracing::error!(ticket = %one, actor, %fault, "what is due of a ticket cannot be done");
                }
            }
            Ok(done)
        }
        done => done.map(|()| due.len()).map_err(Error::from),
    }
}

/// Work on several things in one transaction.
#[async_trait]
pub(crate) trait Together: Sync {
    /// Does what is due of these things.
    async fn together(&self, due: &[Uuid], now: Timestamp) -> Result<(), Fault>;
}

/// Does what is due of these things together; answers of how many. When that can never be done each is done for itself.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn each(work: &impl Together, name: &str, due: &[Uuid], now: Timestamp) -> Result<usize, Error> {
    match work.together(due, now).await {
        Err(fault) if fault.is_permanent() && due.len() > 1 => {
            let mut done = due.len();
            for one in due {
                if let Err(fault) = work.together(std::slice::from_ref(one), now).await {
                    done -= 1;
                    tracing::error!(id = %one, work = name, %fault, "what is due cannot be done");
                }
            }
            Ok(done)
        }
        done => done.map(|()| due.len()).map_err(Error::from),
    }
}

/// One transaction, in which the tickets are locked from the look to the write: whoever writes meanwhile comes before or after.
async fn in_one(
    db: &Database,
    actor: &str,
    tickets: &[Uuid],
    now: Timestamp,
    act: &impl Fn(&mut Ticket, Timestamp) -> Vec<Change>,
) -> Result<(), Fault> {
    let mut transaction = db.begin().await?;
    let mut changes = Vec::with_capacity(tickets.len());
    for mut ticket in store::lock(&mut transaction, tickets).await? {
        // What time has brought about until then is told first, whichever worker comes first.
        changes.extend(ticket.pass_time(now));
        changes.extend(act(&mut ticket, now));
    }
    store::save_all(&mut transaction, actor, &changes).await?;
    db.commit(transaction).await
}
