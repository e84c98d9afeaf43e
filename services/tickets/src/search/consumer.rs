//! Hears this service's own feed and keeps what is read beside tickets: words, and counts. No network.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use seva_proto::tickets::v1::ReturnCaseEvent;
use seva_store::{Event, Fault, consumer::Handler};
use seva_values::parse_name;
use sqlx::PgConnection;

use super::store;
use crate::{merge::store as merges, stored::malformed, ticket::model::COLLECTION, view::counts};

/// The name of the consumer.
pub const NAME: &str = "index";
/// Of all events of tickets.
const TYPES: &str = "seva.tickets.ticket.";
/// Of returns: each step is told on their ticket, or on the one that carries it on.
const RETURNS: &str = "seva.tickets.return_case.";
/// Events with which nobody says anything. An assignment may come with the reason to go over a limit.
const WORDLESS: [&str; 5] = [
    "unassigned.v1",
    "verification_requested.v1",
    "verification_undelivered.v1",
    "clock_warned.v1",
    "clock_breached.v1",
];

/// Keeps words and counts.
#[derive(Debug, Clone, Copy)]
pub struct Index;

#[async_trait]
impl Handler for Index {
    /// From what the tickets are by now: an older event leads to the same as the newest.
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let mut tickets = BTreeSet::new();
        for event in events {
            let act = event.kind.strip_prefix(TYPES);
            if act.is_some_and(|act| !WORDLESS.contains(&act)) {
                tickets.insert(parse_name(COLLECTION, &event.subject).map_err(malformed)?);
            }
            if event.kind.starts_with(RETURNS) {
                let told = event.payload::<ReturnCaseEvent>()?;
                let ticket = parse_name(COLLECTION, &told.ticket).map_err(malformed)?;
                tickets.extend([ticket, merges::carrier(&mut *transaction, ticket).await?]);
            }
        }
        let tickets: Vec<_> = tickets.into_iter().collect();
        if !tickets.is_empty() {
            store::save(transaction, &tickets).await?;
        }
        counts::fold(transaction).await
    }
}
