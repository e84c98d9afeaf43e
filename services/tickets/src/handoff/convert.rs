//! Hand-offs from and to the contract.

use jiff::Timestamp;
use seva_proto::tickets::v1::{self as pb, HandoffEvent, handoff as pb_handoff};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{OfferHandoff, RefuseHandoff, Which, WithWords},
    model::{COLLECTION, Handoff, NewHandoff, State},
    parity::{ParityQuery, Row, Spread},
    queries::{ListHandoffs, ORDERS},
};
use crate::{
    promise::convert::{optional_name, period},
    roster::model::{DEPARTMENTS, STAFF_MEMBERS},
    ticket::{
        convert::{MAX_LINE_CHARS, named, words},
        model::COLLECTION as TICKETS,
    },
};

/// Microseconds of a minute.
const MINUTE: f64 = 60_000_000.0;

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListHandoffsRequest, key: &PageKey) -> Result<ListHandoffs, Error> {
    let pb::ListHandoffsRequest { page_size, page_token, order_by, filter } = request;
    let pb::HandoffFilter { ticket, department, from_department, state } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let ticket = optional_name(&mut violations, "filter.ticket", TICKETS, &ticket);
    let department = optional_name(&mut violations, "filter.department", DEPARTMENTS, &department);
    let from = optional_name(&mut violations, "filter.from_department", DEPARTMENTS, &from_department);
    let state = violations.take("filter.state", parse_state(state));
    let all = || Some((order?, ticket?, department?, from?, state?));
    let all = all();
    let (order, ticket, department, from, state) = violations.finish(all)?;
    let query = format!("{}/{ticket:?}/{department:?}/{from:?}/{state:?}", order.name);
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListHandoffs { order, ticket, department, from, state, page })
}

fn parse_state(given: i32) -> Result<Option<State>, Invalid> {
    Ok(match pb_handoff::State::try_from(given) {
        Ok(pb_handoff::State::Unspecified) => None,
        Ok(pb_handoff::State::Offered) => Some(State::Offered),
        Ok(pb_handoff::State::Accepted) => Some(State::Accepted),
        Ok(pb_handoff::State::Done) => Some(State::Done),
        Ok(pb_handoff::State::Confirmed) => Some(State::Confirmed),
        Ok(pb_handoff::State::Refused) => Some(State::Refused),
        Ok(pb_handoff::State::Withdrawn) => Some(State::Withdrawn),
        Err(_) => return Err(Invalid::new("STATE_UNKNOWN", "has to be a known value")),
    })
}

/// Reads a period, as it is known `now`.
pub fn parity_query(request: &pb::GetDepartmentParityRequest, now: Timestamp) -> Result<ParityQuery, Error> {
    let mut violations = Violations::default();
    let period = period(&mut violations, request.start_time, request.end_time);
    violations.finish(period.map(|(from, until)| ParityQuery { from, until, now }))
}

/// Reads what is handed over.
pub fn parse_offer(request: &pb::OfferHandoffRequest) -> Result<OfferHandoff, Error> {
    let mut violations = Violations::default();
    let ticket = violations.take("ticket", parse_name(TICKETS, &request.ticket));
    let etag = violations.take("etag", Etag::parse(&request.etag));
    let department = violations.take("department", parse_name(DEPARTMENTS, &request.department));
    let reason = violations.take("reason", text::required_line(&request.reason, MAX_LINE_CHARS));
    let wanted = violations.take("wanted", words(&request.wanted));
    let command = || {
        let new = NewHandoff { reason: reason?, wanted: wanted? };
        Some(OfferHandoff { ticket: ticket?, etag: etag?, department: department?, new })
    };
    let command = command();
    violations.finish(command)
}

fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<Which> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag).map(|(id, etag)| Which { id, etag })
}

/// Reads which hand-off.
pub fn parse_which(name: &str, etag: &str) -> Result<Which, Error> {
    let mut violations = Violations::default();
    let which = which(name, etag, &mut violations);
    violations.finish(which)
}

/// Reads a refusal.
pub fn parse_refuse(request: &pb::RefuseHandoffRequest) -> Result<RefuseHandoff, Error> {
    let mut violations = Violations::default();
    let which = which(&request.name, &request.etag, &mut violations);
    let reason = violations.take("reason", words(&request.reason));
    let on = optional_name(&mut violations, "pass_to", DEPARTMENTS, &request.pass_to);
    let command = which.zip(reason).zip(on).map(|((which, reason), on)| RefuseHandoff { which, reason, on });
    violations.finish(command)
}

/// Reads which hand-off, and what is said about it in `field`.
pub fn with_words(name: &str, etag: &str, field: &str, given: &str) -> Result<WithWords, Error> {
    let mut violations = Violations::default();
    let which = which(name, etag, &mut violations);
    let words = violations.take(field, words(given));
    violations.finish(which.zip(words).map(|(which, words)| WithWords { which, words }))
}

impl From<State> for pb_handoff::State {
    fn from(state: State) -> Self {
        match state {
            State::Offered => Self::Offered,
            State::Accepted => Self::Accepted,
            State::Done => Self::Done,
            State::Confirmed => Self::Confirmed,
            State::Refused => Self::Refused,
            State::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<&Handoff> for pb::Handoff {
    fn from(handoff: &Handoff) -> Self {
        Self {
            name: handoff.name(),
            etag: Etag::format(handoff.version),
            ticket: format_name(TICKETS, handoff.ticket),
            from_department: named(DEPARTMENTS, handoff.from),
            sender: format_name(STAFF_MEMBERS, handoff.sender),
            department: format_name(DEPARTMENTS, handoff.department),
            member: named(STAFF_MEMBERS, handoff.member),
            state: pb_handoff::State::from(handoff.state).into(),
            wanted: handoff.wanted.clone(),
            answer: handoff.answer.clone(),
            bounces: handoff.bounces,
            follows: named(COLLECTION, handoff.follows),
            ack_due_time: Some(proto_timestamp(handoff.ack_due_at)),
            done_due_time: Some(proto_timestamp(handoff.done_due_at)),
            ack_round: handoff.ack_round,
            done_round: handoff.done_round,
            offer_time: Some(proto_timestamp(handoff.offered_at)),
            update_time: Some(proto_timestamp(handoff.updated_at)),
            answer_time: handoff.answered_at.map(proto_timestamp),
            done_time: handoff.done_at.map(proto_timestamp),
            end_time: handoff.ended_at.map(proto_timestamp),
        }
    }
}

/// The public state of a hand-off, as events carry it: without anybody's words (TK9).
pub fn event_of(handoff: &Handoff) -> HandoffEvent {
    HandoffEvent {
        handoff: handoff.name(),
        ticket: format_name(TICKETS, handoff.ticket),
        from_department: named(DEPARTMENTS, handoff.from),
        sender: format_name(STAFF_MEMBERS, handoff.sender),
        department: format_name(DEPARTMENTS, handoff.department),
        member: named(STAFF_MEMBERS, handoff.member),
        state: pb_handoff::State::from(handoff.state).into(),
        bounces: handoff.bounces,
        follows: named(COLLECTION, handoff.follows),
        ack_due_time: Some(proto_timestamp(handoff.ack_due_at)),
        done_due_time: Some(proto_timestamp(handoff.done_due_at)),
        ack_round: handoff.ack_round,
        done_round: handoff.done_round,
        offer_time: Some(proto_timestamp(handoff.offered_at)),
        answer_time: handoff.answered_at.map(proto_timestamp),
        done_time: handoff.done_at.map(proto_timestamp),
        end_time: handoff.ended_at.map(proto_timestamp),
        version: handoff.version,
    }
}

impl From<&Row> for pb::DepartmentParity {
    fn from(row: &Row) -> Self {
        let Row { department, offered, accepted, refused, bounced, withdrawn, under_way, ack, done } = row.clone();
        Self {
            department: format_name(DEPARTMENTS, department),
            offered,
            accepted,
            refused,
            bounced,
            withdrawn,
            under_way,
            ack: Some(ack.into()),
            done: Some(done.into()),
        }
    }
}

impl From<Spread> for pb::WorkingTimes {
    fn from(spread: Spread) -> Self {
        let minutes = |micros: Option<i64>| micros.map(|micros| micros as f64 / MINUTE);
        let Spread { counted, breached, median, p90 } = spread;
        Self { counted, breached, median_minutes: minutes(median), p90_minutes: minutes(p90) }
    }
}
