//! Reads the tickets service's feed: which tickets are open, which were closed because they are solved, and how low scores are followed.

use std::sync::Arc;

use async_trait::async_trait;
use seva_runtime::BusinessClock;
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use sqlx::PgConnection;

use crate::{events, invitation::occasions, loop_case::following, recipient};

/// The consumer's name for ever.
pub const NAME: &str = "closings";
/// Who says so in the events.
const ACTOR: &str = "consumer:closings";

/// Knows tickets, holds and calls off invitations for closed ones, and lets loop cases follow theirs.
#[derive(Debug, Clone)]
pub struct Closings {
    clock: BusinessClock,
    decisions: Bell,
}

impl Closings {
    /// Holds at the time of `clock` and rings `decisions` when something may be due.
    #[must_use]
    pub const fn new(clock: BusinessClock, decisions: Bell) -> Self {
        Self { clock, decisions }
    }
}

#[async_trait]
impl Handler for Closings {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let heard = events::hear(events)?;
        recipient::store::save_tickets(transaction, &heard.tickets).await?;
        occasions::hold(transaction, ACTOR, &heard.occasions, self.clock.now()).await?;
        occasions::call_off(transaction, ACTOR, &heard.called_off, self.clock.now()).await?;
        following::follow(transaction, ACTOR, &heard.words).await
    }

    fn committed(&self) {
        self.decisions.ring();
    }
}
