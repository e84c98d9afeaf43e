//! Asks customers again whether it is solved, and closes what nobody answers about (TK5).

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use crate::ticket::store;

/// Who says so in the events.
const ACTOR: &str = "worker:verification";

/// The attempts to have resolutions confirmed.
#[derive(Debug, Clone)]
pub struct Verification {
    db: Database,
}

impl Verification {
    /// Looks after the resolved tickets of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// One transaction, in which the tickets are locked from the look to the write: whoever confirms or rejects meanwhile comes before or
    /// after.
    async fn ask(&self, ids: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        let mut transaction = self.db.begin().await?;
        let mut tickets = store::lock(&mut transaction, ids).await?;
        let changes: Vec<_> = tickets.iter_mut().filter_map(|ticket| ticket.verify(now)).collect();
        store::save_all(&mut transaction, ACTOR, &changes).await?;
        self.db.commit(transaction).await
    }
}

#[async_trait]
impl DueWork for Verification {
    fn name(&self) -> &'static str {
        "verification"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::verification_due(&self.db, now, limit).await?;
        let mut done = due.len();
        match self.ask(&due, now).await {
            // One ticket must not stand in the way of the others.
            Err(fault) if fault.is_permanent() && due.len() > 1 => {
                for one in &due {
                    if let Err(fault) = self.ask(std::slice::from_ref(one), now).await {
                        done -= 1;
                        tracing::error!(ticket = %one, %fault, "a customer cannot be asked again");
                    }
                }
            }
            asked => asked?,
        }
        Ok(done)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_verification(&self.db).await?)
    }
}
