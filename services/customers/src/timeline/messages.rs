//! Messages in the timeline, from the feed of the notifications service: one entry a message, which shows its newest state (CU6).

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use seva_proto::{
    common::v1::Channel,
    notifications::v1::{DecisionReason, Notification, NotificationEvent, notification::State},
};
use seva_runtime::Error;
use seva_store::{Event, Fault, consumer::Handler, event::timestamp};
use seva_values::{Invalid, parse_name};
use sqlx::PgConnection;

use super::store::{NewEntry, enter_messages, note_progress};
use crate::customer::convert::COLLECTION;

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
        let entries = newest(events)?;
        if !entries.is_empty() {
            enter_messages(transaction, &entries).await?;
        }
        // All types count: they tell how far this read model has come.
        if let Some(newest) = events.iter().map(|event| event.occurred_at).max() {
            note_progress(transaction, SOURCE, newest).await?;
        }
        Ok(())
    }
}

/// One entry a message: of its newest state among these events.
fn newest(events: &[Arc<Event>]) -> Result<Vec<NewEntry>, Error> {
    let mut by_subject: BTreeMap<String, NewEntry> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind.starts_with(TYPES)) {
        let entry = entry(event)?;
        let known = by_subject.get(&entry.subject).map_or(0, |known| known.sequence);
        if entry.sequence > known {
            by_subject.insert(entry.subject.clone(), entry);
        }
    }
    Ok(by_subject.into_values().collect())
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
        details: details(&notification),
        sequence: event.sequence,
    })
}

fn details(notification: &Notification) -> BTreeMap<String, String> {
    let state = State::try_from(notification.state).map_or("", |state| state.as_str_name());
    let reason = DecisionReason::try_from(notification.reason).map_or("", |reason| reason.as_str_name());
    let channel = Channel::try_from(notification.channel).map_or("", |channel| channel.as_str_name());
    [
        ("state", lower_name(state, "STATE_")),
        ("reason", lower_name(reason, "DECISION_REASON_")),
        ("channel", lower_name(channel, "CHANNEL_")),
        ("milestone", notification.milestone.clone()),
        ("language", notification.language.clone()),
        ("about", notification.subject.clone()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// `sent` of `STATE_SENT`; empty for what is not said or not known.
fn lower_name(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).filter(|name| *name != "UNSPECIFIED").unwrap_or_default().to_lowercase()
}
