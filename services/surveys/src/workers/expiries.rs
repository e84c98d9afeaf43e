//! The loop that ends what can no longer be answered.

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::due::DueWork;

use crate::response::Expiries;

#[async_trait]
impl DueWork for Expiries {
    fn name(&self) -> &'static str {
        "expiries"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        self.end_due(now, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.earliest().await
    }
}
