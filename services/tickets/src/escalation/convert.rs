//! Escalations from and to the contract.

use seva_proto::tickets::v1::{self as pb, EscalationEvent, escalation as message};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{
        AcknowledgeEscalation, CloseEscalation, DeEscalate, DeclareCrisis, RaiseEscalation, StartActing, Which,
    },
    model::{COLLECTION, Escalation, LAST_LEVEL, State},
    queries::{ListEscalations, ORDERS},
};
use crate::roster::model::{DEPARTMENTS, STAFF_MEMBERS};

/// Longest reason or note, in characters.
const MAX_WORDS_CHARS: usize = 2_000;

/// Reads the field `name` of a request about one escalation.
pub fn escalation_name(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListEscalationsRequest, key: &PageKey) -> Result<ListEscalations, Error> {
    let pb::ListEscalationsRequest { page_size, page_token, order_by, filter } = request;
    let filter = filter.unwrap_or_default();
    let query = format!("{order_by}/{filter:?}");
    let pb::EscalationFilter { ticket, department, owner, level, state, open } = filter;
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let mut named = |field: &str, collection: &str, name: &str| {
        let parsed = if name.is_empty() { Ok(None) } else { parse_name(collection, name).map(Some) };
        violations.take(format!("filter.{field}"), parsed)
    };
    let ticket = named("ticket", "tickets", &ticket);
    let department = named("department", DEPARTMENTS, &department);
    let owner = named("owner", STAFF_MEMBERS, &owner);
    let level = violations.take("filter.level", read_level(level));
    let state = violations.take("filter.state", read_state(state));
    let (order, ticket, department, owner, level, state) = {
        let all = || Some((order?, ticket?, department?, owner?, level?, state?));
        violations.finish(all())?
    };
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListEscalations { order, ticket, department, owner, level, state, open, page })
}

fn read_level(given: i32) -> Result<Option<i16>, Invalid> {
    match i16::try_from(given) {
        Ok(0) => Ok(None),
        Ok(level @ 1..=LAST_LEVEL) => Ok(Some(level)),
        _ => Err(Invalid::new("LEVEL_UNKNOWN", format!("has to be 1 to {LAST_LEVEL}"))),
    }
}

fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<Which> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag).map(|(id, etag)| Which { id, etag })
}

impl TryFrom<pb::RaiseEscalationRequest> for RaiseEscalation {
    type Error = Error;

    fn try_from(request: pb::RaiseEscalationRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ticket = violations.take("ticket", parse_name("tickets", &request.ticket));
        let reason = violations.take("reason", text::required_line(&request.reason, MAX_WORDS_CHARS));
        violations.finish(ticket.zip(reason).map(|(ticket, reason)| Self { ticket, reason }))
    }
}

/// Gives the commands that say which escalation, or that and a note.
macro_rules! commands {
    ($($request:ident => $command:ident $(, $note:ident)?;)+) => {$(
        impl TryFrom<pb::$request> for $command {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self, Error> {
                let mut violations = Violations::default();
                let which = which(&request.name, &request.etag, &mut violations);
                $(let $note = violations.take("note", text::required_line(&request.$note, MAX_WORDS_CHARS));)?
                let command = || Some(Self(which? $(, $note?)?));
                let command = command();
                violations.finish(command)
            }
        }
    )+};
}

commands! {
    AcknowledgeEscalationRequest => AcknowledgeEscalation;
    StartActingRequest => StartActing;
    DeEscalateRequest => DeEscalate, note;
    DeclareCrisisRequest => DeclareCrisis, note;
    CloseEscalationRequest => CloseEscalation;
}

fn read_state(given: i32) -> Result<Option<State>, Invalid> {
    match message::State::try_from(given) {
        Ok(message::State::Unspecified) => Ok(None),
        Ok(message::State::Raised) => Ok(Some(State::Raised)),
        Ok(message::State::Acknowledged) => Ok(Some(State::Acknowledged)),
        Ok(message::State::Acting) => Ok(Some(State::Acting)),
        Ok(message::State::DeEscalated) => Ok(Some(State::DeEscalated)),
        Ok(message::State::Crisis) => Ok(Some(State::Crisis)),
        Ok(message::State::Closed) => Ok(Some(State::Closed)),
        Err(_) => Err(Invalid::new("STATE_UNKNOWN", "has to be a known value")),
    }
}

impl From<State> for message::State {
    fn from(state: State) -> Self {
        match state {
            State::Raised => Self::Raised,
            State::Acknowledged => Self::Acknowledged,
            State::Acting => Self::Acting,
            State::DeEscalated => Self::DeEscalated,
            State::Crisis => Self::Crisis,
            State::Closed => Self::Closed,
        }
    }
}

fn optional(collection: &str, id: Option<Uuid>) -> String {
    id.map(|id| format_name(collection, id)).unwrap_or_default()
}

impl From<&Escalation> for pb::Escalation {
    fn from(escalation: &Escalation) -> Self {
        let Escalation {
            id,
            version,
            ticket,
            department,
            level,
            state,
            critical,
            raised_by,
            reason,
            owner,
            note,
            acknowledge_due_at,
            overdue_at,
            created_at,
            updated_at,
            acknowledged_at,
            closed_at,
        } = escalation;
        Self {
            name: format_name(COLLECTION, *id),
            etag: Etag::format(*version),
            ticket: format_name("tickets", *ticket),
            department: optional(DEPARTMENTS, *department),
            level: (*level).into(),
            state: message::State::from(*state).into(),
            critical: *critical,
            raised_by: optional(STAFF_MEMBERS, *raised_by),
            reason: reason.clone().unwrap_or_default(),
            owner: optional(STAFF_MEMBERS, *owner),
            note: note.clone().unwrap_or_default(),
            acknowledge_due_time: acknowledge_due_at.map(proto_timestamp),
            overdue_time: overdue_at.map(proto_timestamp),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
            acknowledge_time: acknowledged_at.map(proto_timestamp),
            close_time: closed_at.map(proto_timestamp),
        }
    }
}

/// What is told of an escalation: all but words.
pub fn event_of(escalation: &Escalation) -> EscalationEvent {
    let pb::Escalation {
        name,
        etag: _,
        ticket,
        department,
        level,
        state,
        critical,
        raised_by,
        reason: _,
        owner,
        note: _,
        acknowledge_due_time,
        overdue_time,
        create_time,
        update_time: _,
        acknowledge_time,
        close_time,
    } = escalation.into();
    EscalationEvent {
        escalation: name,
        ticket,
        department,
        level,
        state,
        critical,
        raised_by,
        by_person: escalation.reason.is_some(),
        owner,
        acknowledge_due_time,
        overdue_time,
        create_time,
        acknowledge_time,
        close_time,
        version: escalation.version,
    }
}
