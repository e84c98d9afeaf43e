//! The loop that hands messages over when their time has come.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::due::DueWork;

use crate::notification::dispatch::Dispatch;

#[async_trait]
impl DueWork for Dispatch {
    fn name(&self) -> &'static str {
        "dispatch"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        self.hand_over_due(now, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.earliest_due().await
    }
}
