//! The loop that decides about held invitations when their time has come.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::due::DueWork;

use crate::invitation::deciding::Decisions;

#[async_trait]
impl DueWork for Decisions {
    fn name(&self) -> &'static str {
        "decisions"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        self.decide_due(now, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.earliest().await
    }
}
