//! The customer's own record in the timeline, from this service's feed.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use seva_proto::customers::v1::CustomerEvent;
use seva_runtime::Error;
use seva_store::{Event, Fault, consumer::Handler};
use seva_values::parse_name;
use sqlx::PgConnection;

use super::store::{Kind, NewEntry, enter_once};
use crate::customer::convert::COLLECTION;

/// Beginning of the types that it enters.
const TYPES: &str = "seva.customers.customer.";

/// Enters what happened to customers' own records.
#[derive(Debug, Clone, Copy)]
pub struct OwnRecord;

#[async_trait]
impl Handler for OwnRecord {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let ours = events.iter().filter(|event| event.kind.starts_with(TYPES));
        let entries = ours.map(|event| entry(event)).collect::<Result<Vec<_>, Error>>()?;
        enter_once(transaction, Kind::Customer, &entries).await
    }
}

/// The entry of an event: names of what changed, never values.
fn entry(event: &Event) -> Result<NewEntry, Error> {
    let CustomerEvent { customer, changed_fields, order, order_number, .. } = event.payload()?;
    let customer_id = parse_name(COLLECTION, &customer).map_err(|invalid| Error::invalid_field("customer", invalid))?;
    let mut details = BTreeMap::new();
    if !order.is_empty() {
        details.insert("order".to_owned(), order);
    }
    if !changed_fields.is_empty() && changed_fields != ["*"] {
        details.insert("changed".to_owned(), changed_fields.join(", "));
    }
    Ok(NewEntry {
        customer_id,
        occurred_at: event.occurred_at,
        event_id: event.event_id,
        subject: event.subject.clone(),
        r#type: event.kind.clone(),
        label: order_number,
        details,
        sequence: event.sequence,
    })
}
