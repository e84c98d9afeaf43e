//! Hears the customers service and keeps what tickets need to know of customers. No network.

use std::sync::Arc;

use async_trait::async_trait;
use seva_proto::customers::v1::CustomerEvent;
use seva_store::{Event, Fault, consumer::Handler};
use sqlx::PgConnection;

use super::{model::Recipient, store};
use crate::stored::malformed;

/// Of all events that carry a customer's state.
const TYPES: &str = "seva.customers.customer.";

/// Keeps customers' states.
#[derive(Debug, Clone, Copy)]
pub struct Recipients;

#[async_trait]
impl Handler for Recipients {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let mut heard = Vec::new();
        for event in events.iter().filter(|event| event.kind.starts_with(TYPES)) {
            let state: CustomerEvent = event.payload()?;
            heard.push(Recipient::heard(event.sequence, &state).map_err(malformed)?);
        }
        store::save(transaction, &heard).await
    }
}
