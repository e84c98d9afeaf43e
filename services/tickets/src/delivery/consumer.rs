//! Hears what notifications tells of mails about tickets. No network.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::BusinessClock;
use seva_store::{Event, Fault, consumer::Handler};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert,
    model::{Asked, Delivery, Heard},
    store,
};
use crate::{
    recipient,
    ticket::{model::verification::Reach, store as tickets},
};

/// The consumer's name for ever.
pub const NAME: &str = "deliveries";
/// Who says so in the events.
const ACTOR: &str = "consumer:deliveries";
/// Of all events of notifications.
const TYPES: &str = "seva.notifications.notification.";

/// Keeps what became of mails, and what follows from it for attempts to have resolutions confirmed.
#[derive(Debug, Clone)]
pub struct Deliveries {
    clock: BusinessClock,
}

impl Deliveries {
    /// At the time of `clock`.
    #[must_use]
    pub const fn new(clock: BusinessClock) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Handler for Deliveries {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let heard = hear(events)?;
        // Tickets are locked before anything else is written, as everywhere.
        lose_attempts(transaction, &heard, self.clock.now()).await?;
        store::save(transaction, &heard).await
    }
}

/// Reads events, in order; those of unknown types say nothing.
pub(super) fn hear(events: &[Arc<Event>]) -> Result<Vec<Heard>, Fault> {
    let mut heard = Vec::new();
    for event in events.iter().filter(|event| event.kind.starts_with(TYPES)) {
        heard.extend(convert::heard(event)?);
    }
    Ok(heard)
}

/// Attempts that did not reach the customer are none (TK148).
async fn lose_attempts(connection: &mut PgConnection, heard: &[Heard], now: Timestamp) -> Result<(), Fault> {
    let mut lost: BTreeMap<Uuid, Vec<(Asked, &Delivery)>> = BTreeMap::new();
    for Heard { delivery, asked, .. } in heard {
        if let Some(asked) = asked.filter(|_| delivery.asked_nobody()) {
            lost.entry(asked.ticket).or_default().push((asked, delivery));
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lost.keys().copied().collect();
    let locked = tickets::lock_at(&mut *connection, &ids, now).await?;
    let customers: Vec<Uuid> = locked.iter().map(|ticket| ticket.customer).collect();
    let known = recipient::store::by_customer(&mut *connection, &customers).await?;
    let mut changes = Vec::new();
    for mut ticket in locked {
        let reach = Reach::of(known.get(&ticket.customer));
        for (asked, delivery) in lost.remove(&ticket.id).unwrap_or_default() {
            changes.extend(ticket.lose_attempt(asked, delivery, &reach, now));
        }
    }
    tickets::save_all(connection, ACTOR, &changes).await
}
