//! Looks at tickets to which something has happened, and again at those whose risk time alone changes: what the customer did is long ago.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{Error, Write};
use seva_store::{
    Database, Fault,
    due::{Bell, DueWork},
};
use seva_values::format_name;
use uuid::Uuid;

use super::{assess, model::COLLECTION, store};
use crate::workers::{Together, each};

/// The work's name; who says so in the events is a worker of this name.
const NAME: &str = "risk";

/// The looks at tickets whose time has come.
#[derive(Debug, Clone)]
pub struct Looks {
    db: Database,
    escalations: Bell,
}

impl Looks {
    /// Looks at the tickets of this database; wakes who waits until `escalations` are acknowledged.
    #[must_use]
    pub const fn new(db: Database, escalations: Bell) -> Self {
        Self { db, escalations }
    }
}

#[async_trait]
impl Together for Looks {
    async fn together(&self, due: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        let write = |id: Uuid| Write::by_worker(NAME, format_name(COLLECTION, id));
        let asked: BTreeMap<Uuid, Write> = due.iter().map(|id| (*id, write(*id))).collect();
        let mut transaction = self.db.begin().await?;
        store::begin_looks(&mut transaction, due, now).await?;
        assess::carry_out(&mut transaction, &asked, now).await?;
        self.db.commit(transaction).await?;
        self.escalations.ring();
        Ok(())
    }
}

#[async_trait]
impl DueWork for Looks {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::due(&self.db, now, limit).await?;
        if due.is_empty() {
            return Ok(0);
        }
        each(self, NAME, &due, now).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}
