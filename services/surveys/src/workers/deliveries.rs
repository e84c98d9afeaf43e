//! Reads the customers service's feed: what is known of customers, and orders that were delivered.
//!
//! One consumer for both, so that a customer is known before what they are asked about.

use std::sync::Arc;

use async_trait::async_trait;
use seva_runtime::BusinessClock;
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use sqlx::PgConnection;

use crate::{events, invitation::occasions, recipient};

/// The consumer's name for ever.
pub const NAME: &str = "deliveries";
/// Who says so in the events.
const ACTOR: &str = "consumer:deliveries";

/// Knows customers, and holds invitations for delivered orders.
#[derive(Debug, Clone)]
pub struct Deliveries {
    clock: BusinessClock,
    decisions: Bell,
}

impl Deliveries {
    /// Holds at the time of `clock` and rings `decisions` when something may be due.
    #[must_use]
    pub const fn new(clock: BusinessClock, decisions: Bell) -> Self {
        Self { clock, decisions }
    }
}

#[async_trait]
impl Handler for Deliveries {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let heard = events::hear(events)?;
        recipient::store::save(transaction, &heard.recipients).await?;
        occasions::hold(transaction, ACTOR, &heard.occasions, self.clock.now()).await?;
        occasions::call_off(transaction, ACTOR, &heard.called_off, self.clock.now()).await
    }

    fn committed(&self) {
        self.decisions.ring();
    }
}
