//! What became of mails: from events of notifications, and to the contract.

use seva_proto::{
    notifications::v1::{DecisionReason, Notification, NotificationEvent, notification},
    tickets::v1 as pb,
};
use seva_store::{Event, Fault, event::proto_timestamp};
use seva_values::{format_name, parse_name};

use super::model::{
    ASKED_AGAIN, Asked, COLLECTION, Delivery, Heard, QUESTION, RENEWED, REPLIED, RESOLVED, State, Told, told_as,
};
use crate::{spoken::spoken_enums, stored::malformed, ticket::model::COLLECTION as TICKETS};

/// What all reasons begin with in the contract.
const REASON_PREFIX: &str = "DECISION_REASON_";

spoken_enums! {
    read_state State = notification::State, "STATE_UNKNOWN", Queued, Deferred, Sending, Sent, Skipped, Superseded, Expired, Canceled, Failed;
}

/// Reads an event of a notification; `None`: it is about nothing that is followed here.
///
/// # Errors
/// A payload that is not what the contract says: the event can never be applied.
pub(super) fn heard(event: &Event) -> Result<Option<Heard>, Fault> {
    let notification = event.payload::<NotificationEvent>()?.notification.unwrap_or_default();
    let (told, asked) = (told_by(&notification), asked_by(&notification));
    // A state of tomorrow says nothing today.
    let Some(state) = read_state(notification.state().into()).map_err(malformed)? else { return Ok(None) };
    if told.is_none() && asked.is_none() {
        return Ok(None);
    }
    let delivery = Delivery {
        notification: parse_name(COLLECTION, &notification.name).map_err(malformed)?,
        state,
        reason: word_of(notification.reason()),
        at: event.occurred_at,
    };
    Ok(Some(Heard { sequence: event.sequence, delivery, told, asked }))
}

/// The message that it tells of. Earlier events do not say for what occasion they tell.
fn told_by(notification: &Notification) -> Option<Told> {
    let Notification { milestone, subject, occasion, .. } = notification;
    match milestone.as_str() {
        _ if occasion.is_empty() => None,
        REPLIED | QUESTION => occasion.parse().ok().map(Told::Message),
        RESOLVED | RENEWED => Some(Told::As(told_as(subject, milestone, occasion))),
        _ => None,
    }
}

/// The attempt to have a resolution confirmed that it is.
fn asked_by(notification: &Notification) -> Option<Asked> {
    let Notification { milestone, subject, occasion, .. } = notification;
    let (resolution, number) = match milestone.as_str() {
        RESOLVED => (occasion.parse().ok()?, None),
        ASKED_AGAIN => {
            let (resolution, number) = occasion.split_once('.')?;
            (resolution.parse().ok()?, Some(number.parse().ok()?))
        }
        _ => return None,
    };
    Some(Asked { ticket: parse_name(TICKETS, subject).ok()?, resolution, number })
}

/// Of `DECISION_REASON_BAD_ADDRESS` it is `bad_address`.
fn word_of(reason: DecisionReason) -> String {
    reason.as_str_name().trim_start_matches(REASON_PREFIX).to_ascii_lowercase()
}

impl From<&Delivery> for pb::Delivery {
    fn from(delivery: &Delivery) -> Self {
        let Delivery { notification, state, reason, at } = delivery;
        let reason = DecisionReason::from_str_name(&format!("{REASON_PREFIX}{}", reason.to_ascii_uppercase()));
        Self {
            state: notification::State::from(*state).into(),
            reason: reason.unwrap_or(DecisionReason::Unspecified).into(),
            time: Some(proto_timestamp(*at)),
            notification: format_name(COLLECTION, *notification),
        }
    }
}
