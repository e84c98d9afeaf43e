//! A provider that takes everything and sends nothing: for measuring, and for installations that only record.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::{Fault, OutgoingMail, Provider};

/// Counts what it was given.
#[derive(Debug, Default)]
pub struct Null(AtomicU64);

impl Null {
    /// How many messages it was given.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Provider for Null {
    async fn deliver(&self, _: &OutgoingMail) -> Result<(), Fault> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
