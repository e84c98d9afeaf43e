//! Asks customers again whether it is solved, has them called, and closes what nobody answers about (TK5, TK140 to TK143).

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, due::DueWork};
use uuid::Uuid;

use super::carry_out;
use crate::{
    recipient,
    ticket::{Ticket, model::verification::Reach, store},
};

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
}

#[async_trait]
impl DueWork for Verification {
    fn name(&self) -> &'static str {
        "verification"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::verification_due(&self.db, now, limit).await?;
        let (due, customers): (Vec<Uuid>, Vec<Uuid>) = due.into_iter().unzip();
        let known = recipient::store::by_customer(self.db.workers(), &customers).await?;
        let ask = |ticket: &mut Ticket, now| {
            ticket.verify(&Reach::of(known.get(&ticket.customer)), now).into_iter().collect()
        };
        carry_out(&self.db, ACTOR, &due, now, ask).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_verification(&self.db).await?)
    }
}
