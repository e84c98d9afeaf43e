//! Messages in the timeline, from the feed of the notifications service: one entry a message, which shows its newest state (CU6).

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use seva_proto::notifications::v1::{Notification, NotificationEvent};
use seva_runtime::Error;
use seva_store::{Event, Fault, consumer::Handler, event::timestamp};
use seva_values::{Invalid, parse_name};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    details, lower_name,
    store::{NewEntry, enter_messages},
};
use crate::{customer::convert::COLLECTION, newest::newest, progress};

#[cfg(test)]
mod tests;

/// Whose feed it is.
pub const SOURCE: &str = "//notifications";
/// Beginning of the types that it enters.
const TYPES: &str = "seva.notifications.notification.";

/// Enters messages to customers.
#[derive(Debug, Clone, Copy)]
pub struct Messages;

#[async_trait]
impl Handler for Messages {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let told = events.iter().filter(|event| event.kind.starts_with(TYPES));
        let entries = told.map(|event| entry(event)).collect::<Result<Vec<_>, Error>>()?;
        let entries = one_for_each(entries);
        if !entries.is_empty() {
            enter_messages(transaction, &entries).await?;
        }
        progress::note(transaction, SOURCE, events).await
    }
}

/// Of each message its newest state, under the id of the first of its events: an entry keeps the id under which it was entered, which must not
/// depend on how many events were read at once.
fn one_for_each(entries: Vec<NewEntry>) -> Vec<NewEntry> {
    let mut first: BTreeMap<String, (i64, Uuid)> = BTreeMap::new();
    for entry in &entries {
        let this = (entry.sequence, entry.event_id);
        first.entry(entry.subject.clone()).and_modify(|known| *known = this.min(*known)).or_insert(this);
    }
    let mut entries = newest(entries, |entry| (entry.subject.clone(), entry.sequence));
    for entry in &mut entries {
        entry.event_id = first[&entry.subject].1;
    }
    entries
}

fn entry(event: &Event) -> Result<NewEntry, Error> {
    let payload: NotificationEvent = event.payload()?;
    let notification = payload.notification.ok_or_else(|| {
        Error::invalid_field("notification", Invalid::new("FIELD_REQUIRED", "a notification's event tells it"))
    })?;
    let customer_id = parse_name(COLLECTION, &notification.customer)
        .map_err(|invalid| Error::invalid_field("notification.customer", invalid))?;
    // It stays where it was decided upon: an entry that moved would come twice, or never, to one who pages.
    let occurred_at = timestamp(notification.create_time).unwrap_or(event.occurred_at);
    Ok(NewEntry {
        customer_id,
        occurred_at,
        event_id: event.event_id,
        subject: event.subject.clone(),
        r#type: event.kind.clone(),
        label: String::new(),
        details: details_of(&notification),
        sequence: event.sequence,
    })
}

fn details_of(notification: &Notification) -> BTreeMap<String, String> {
    details([
        ("state", lower_name(notification.state().as_str_name(), "STATE_")),
        ("reason", lower_name(notification.reason().as_str_name(), "DECISION_REASON_")),
        ("channel", lower_name(notification.channel().as_str_name(), "CHANNEL_")),
        ("milestone", notification.milestone.clone()),
        ("language", notification.language.clone()),
        // What belongs to a ticket is known to the customer by the ticket.
        (
            "about",
            if notification.ticket.is_empty() { notification.subject.clone() } else { notification.ticket.clone() },
        ),
    ])
}
