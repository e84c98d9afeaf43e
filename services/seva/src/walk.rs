//! Business time moved by hand, from one thing that is due to the next, so that each happens at its time.

use std::time::Duration;

use anyhow::anyhow;
use jiff::Timestamp;
use seva_proto::events::v1::{AdvanceToRequest, clock_service_client::ClockServiceClient};
use seva_runtime::client::Peer;

use crate::{drain::until_drained, failure::Failure, instance::Instance, report::proto_time};

/// How long everything that follows from an instant may take: much longer than the lease on work that a killed process had taken.
const PATIENCE: Duration = Duration::from_secs(300);

/// The hand on the clock of an installation on manual time.
pub struct Walk<'i> {
    instance: &'i Instance,
    clock: ClockServiceClient<Peer>,
}

impl<'i> Walk<'i> {
    /// A hand on this installation's clock.
    ///
    /// # Errors
    /// It has no customers service.
    pub fn new(instance: &'i Instance) -> Result<Self, Failure> {
        let clock = ClockServiceClient::new(instance.operators_peer(seva_customers::NAME)?);
        Ok(Self { instance, clock })
    }

    /// Waits until nothing is left to do now; answers when the next thing is due.
    ///
    /// # Errors
    /// It does not come to rest.
    pub async fn rest(&self) -> Result<Option<Timestamp>, Failure> {
        let Instance { services, clock, .. } = self.instance;
        let rest = until_drained(services, clock, PATIENCE).await;
        Ok(rest.map_err(|unrest| anyhow!("at business time {}: {unrest}", clock.now()))?)
    }

    /// Moves the clock.
    ///
    /// # Errors
    /// It would go back.
    pub async fn advance_to(&mut self, time: Timestamp) -> Result<(), Failure> {
        let moved = self.clock.advance_to(AdvanceToRequest { time: Some(proto_time(time)) }).await;
        moved.map_err(|status| anyhow!("business time cannot be moved to {time}: {status}"))?;
        Ok(())
    }

    /// Moves the clock to `time`, stopping wherever something is due, and waits for rest there.
    ///
    /// # Errors
    /// As [`Walk::advance_to`] and [`Walk::rest`].
    pub async fn to(&mut self, time: Timestamp) -> Result<(), Failure> {
        loop {
            let stop = self.rest().await?.map_or(time, |due| due.min(time));
            let now = self.instance.clock.now();
            if now >= time {
                return Ok(());
            }
            self.advance_to(stop.max(now)).await?;
        }
    }
}
