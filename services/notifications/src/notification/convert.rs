//! Notifications from and to the contract.

use seva_proto::{
    common::v1::Channel,
    notifications::v1::{self as pb, DecisionReason, NotificationEvent, notification::State as StateMessage},
};
use seva_runtime::{Error, Violations};
use seva_store::{
    NewEvent,
    context::hex,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    commands::CancelNotification,
    milestone,
    model::{Change, Decision, Notification},
    queries::{Explained, ListNotifications},
    state::{Reason, State},
};

/// Collection of notifications' names.
const COLLECTION: &str = "notifications";
/// Longest reason of a cancellation, in characters.
const MAX_REASON_CHARS: usize = 200;
/// Longest subject that is asked for, in bytes.
const MAX_SUBJECT_BYTES: usize = 255;

/// The resource name of a notification.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListNotificationsRequest, key: &PageKey) -> Result<ListNotifications, Error> {
    let pb::ListNotificationsRequest { page_size, page_token, filter } = request;
    let pb::NotificationFilter { customer, subject, state } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let query = format!("{customer}/{subject}/{state}");
    let customer = match customer.as_str() {
        "" => Some(None),
        name => violations.take("filter.customer", parse_name("customers", name)).map(Some),
    };
    let state = match StateMessage::try_from(state) {
        Ok(state) => Some(state_from(state)),
        Err(_) => {
            violations.add("filter.state", Invalid::new("STATE_UNKNOWN", "has to be a known state"));
            None
        }
    };
    if subject.len() > MAX_SUBJECT_BYTES {
        violations.add("filter.subject", Invalid::new("NAME_MALFORMED", "is no resource name"));
    }
    let subject = (!subject.is_empty()).then_some(subject);
    let (customer, state) = violations.finish(customer.zip(state))?;
    let page = PageRequest::parse(key, "notifications", &query, page_size, &page_token)?;
    Ok(ListNotifications { customer, subject, state, page })
}

/// Reads which notification is to be explained.
pub fn explain_query(request: pb::ExplainNotificationRequest) -> Result<Explained, Error> {
    let pb::ExplainNotificationRequest { name, customer, subject, milestone } = request;
    if !name.is_empty() && customer.is_empty() && subject.is_empty() && milestone.is_empty() {
        return name_only(&name).map(Explained::ById);
    }
    let mut violations = Violations::default();
    if !name.is_empty() {
        violations.add("name", Invalid::new("FIELDS_EXCLUSIVE", "stands alone, or is left out for the other three"));
    }
    let customer = violations.take("customer", parse_name("customers", &customer));
    let subject = violations.required("subject", Some(subject).filter(|subject| !subject.is_empty()));
    let known = milestone::find(&milestone)
        .ok_or_else(|| Invalid::new("MILESTONE_UNKNOWN", "has to be a milestone such as order_delivered"));
    let milestone = violations.take("milestone", known);
    let reason = match (customer, subject, milestone) {
        (Some(customer), Some(subject), Some(milestone)) => {
            Some(Explained::ByReason { customer, subject, milestone: milestone.key })
        }
        _ => None,
    };
    violations.finish(reason)
}

impl TryFrom<pb::CancelNotificationRequest> for CancelNotification {
    type Error = Error;

    fn try_from(request: pb::CancelNotificationRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let reason = request.reason.trim();
        let checked = match reason.chars().count() {
            0 => Err(Invalid::new("FIELD_REQUIRED", "is required")),
            1..=MAX_REASON_CHARS if !reason.chars().any(char::is_control) => Ok(reason.to_owned()),
            _ => Err(Invalid::new("TEXT_MALFORMED", "has 200 characters at most, and no line breaks")),
        };
        let reason = violations.take("reason", checked);
        violations.finish(id.zip(reason).map(|(id, reason)| Self { id, reason }))
    }
}

const fn state_from(state: StateMessage) -> Option<State> {
    match state {
        StateMessage::Unspecified => None,
        StateMessage::Queued => Some(State::Queued),
        StateMessage::Deferred => Some(State::Deferred),
        StateMessage::Sending => Some(State::Sending),
        StateMessage::Sent => Some(State::Sent),
        StateMessage::Skipped => Some(State::Skipped),
        StateMessage::Superseded => Some(State::Superseded),
        StateMessage::Expired => Some(State::Expired),
        StateMessage::Canceled => Some(State::Canceled),
        StateMessage::Failed => Some(State::Failed),
    }
}

impl From<State> for StateMessage {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Deferred => Self::Deferred,
            State::Sending => Self::Sending,
            State::Sent => Self::Sent,
            State::Skipped => Self::Skipped,
            State::Superseded => Self::Superseded,
            State::Expired => Self::Expired,
            State::Canceled => Self::Canceled,
            State::Failed => Self::Failed,
        }
    }
}

impl From<Reason> for DecisionReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Accepted => Self::Accepted,
            Reason::Stale => Self::Stale,
            Reason::UnknownCustomer => Self::UnknownCustomer,
            Reason::NoContactPoint => Self::NoContactPoint,
            Reason::Preference => Self::Preference,
            Reason::NoConsent => Self::NoConsent,
            Reason::NoTemplate => Self::NoTemplate,
            Reason::OutsideHours => Self::OutsideHours,
            Reason::TooLate => Self::TooLate,
            Reason::Overtaken => Self::Overtaken,
            Reason::RenderingFailed => Self::RenderingFailed,
            Reason::HandedOver => Self::HandedOver,
            Reason::ProviderBusy => Self::ProviderBusy,
            Reason::BadAddress => Self::BadAddress,
            Reason::BadContent => Self::BadContent,
            Reason::BadAccount => Self::BadAccount,
            Reason::Ambiguous => Self::Ambiguous,
            Reason::AttemptsExhausted => Self::AttemptsExhausted,
            Reason::NeverInHours => Self::NeverInHours,
            Reason::RecipientUnavailable => Self::RecipientUnavailable,
            Reason::Canceled => Self::Canceled,
            Reason::LinkEnded => Self::LinkEnded,
        }
    }
}

impl From<&Notification> for pb::Notification {
    fn from(notification: &Notification) -> Self {
        let Notification {
            id,
            version: _,
            customer,
            milestone,
            subject,
            ticket,
            occasion,
            category,
            state,
            reason,
            written,
            topic: _,
            rank: _,
            sequence: _,
            variables: _,
            story,
            handovers,
            due_at,
            expire_at,
            sent_at,
            created_at,
        } = notification;
        let written = written.as_ref();
        let version = |number| format!("templates/{milestone}/versions/{number}");
        Self {
            name: name(*id),
            customer: format_name("customers", *customer),
            milestone: milestone.clone(),
            subject: subject.clone(),
            ticket: ticket.clone().unwrap_or_default(),
            occasion: occasion.clone(),
            category: category.clone(),
            state: StateMessage::from(*state).into(),
            reason: DecisionReason::from(*reason).into(),
            channel: Channel::Email.into(),
            language: written.map(|written| written.language.clone()).unwrap_or_default(),
            language_fell_back: written.is_some_and(|written| written.fell_back),
            template_version: written.map(|written| version(written.template_number)).unwrap_or_default(),
            template_hash: written.map(|written| hex(&written.template_hash)).unwrap_or_default(),
            cause_event_id: story.causation_id.clone(),
            attempts: *handovers,
            due_at: due_at.map(proto_timestamp),
            expire_time: Some(proto_timestamp(*expire_at)),
            send_time: sent_at.map(proto_timestamp),
            create_time: Some(proto_timestamp(*created_at)),
            trace_id: story.traceparent.as_deref().and_then(trace_id).unwrap_or_default().to_owned(),
        }
    }
}

/// The trace id inside a W3C `traceparent`.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

impl From<&Decision> for pb::Decision {
    fn from(decision: &Decision) -> Self {
        let Decision { number, state, reason, detail, decided_at } = decision;
        Self {
            number: i32::try_from(*number).unwrap_or(i32::MAX),
            state: StateMessage::from(*state).into(),
            reason: DecisionReason::from(*reason).into(),
            detail: detail.clone(),
            time: Some(proto_timestamp(*decided_at)),
        }
    }
}

/// What the event of a decision carries: the notification after it.
pub fn payload_of(notification: &Notification) -> NotificationEvent {
    NotificationEvent { notification: Some(notification.into()) }
}

/// The event of a decision.
pub fn event_of(change: &Change) -> NewEvent {
    let Change { after, decision } = change;
    let kind = decision.state.event_kind();
    NewEvent::new(kind, name(after.id), after.version, decision.decided_at, after.story.clone(), &payload_of(after))
}
