//! Promises from and to the contract.

use jiff::{SignedDuration, Timestamp};
use seva_proto::tickets::v1::{self as pb, PromiseEvent, get_promise_rate_request::GroupBy, promise as pb_promise};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::{proto_timestamp, timestamp},
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{AssignPromise, MakePromise, RenewPromise, Which, WithWords},
    making::{Occasion, Slot},
    model::{COLLECTION, Promise, State},
    queries::{ListPromises, ORDERS},
    rate::{Counts, RateQuery},
};
use crate::{
    roster::model::{DEPARTMENTS, STAFF_MEMBERS},
    ticket::{
        convert::{CUSTOMERS, MAX_LINE_CHARS, named, required, words},
        model::COLLECTION as TICKETS,
    },
};

/// A slot ends so long after its beginning at the latest.
const LONGEST_SLOT: SignedDuration = SignedDuration::from_hours(12);
/// The longest period of a rate.
const LONGEST_PERIOD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A time that has to be given, in whole seconds.
pub(crate) fn time(given: Option<prost_types::Timestamp>) -> Result<Timestamp, Invalid> {
    let at = timestamp(Some(given.ok_or_else(required)?));
    let at = at.and_then(|at| Timestamp::from_second(at.as_second()).ok());
    at.ok_or_else(|| Invalid::new("TIME_MALFORMED", "has to be a time between the years 1 and 9999"))
}

/// A name that may be missing.
pub(crate) fn optional_name(
    violations: &mut Violations,
    field: &str,
    collection: &str,
    name: &str,
) -> Option<Option<Uuid>> {
    let parsed = if name.is_empty() { Ok(None) } else { parse_name(collection, name).map(Some) };
    violations.take(field, parsed)
}

/// A period of a report, of a year at most.
pub(crate) fn period(
    violations: &mut Violations,
    start: Option<prost_types::Timestamp>,
    end: Option<prost_types::Timestamp>,
) -> Option<(Timestamp, Timestamp)> {
    let from = violations.take("start_time", time(start));
    let until = violations.take("end_time", time(end));
    let (from, until) = from.zip(until)?;
    let length = from.duration_until(until);
    if length <= SignedDuration::ZERO || length > LONGEST_PERIOD {
        violations.add("end_time", Invalid::new("PERIOD_OUT_OF_BOUNDS", "is later than the start, by a year at most"));
    }
    Some((from, until))
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListPromisesRequest, key: &PageKey) -> Result<ListPromises, Error> {
    let pb::ListPromisesRequest { page_size, page_token, order_by, filter } = request;
    let pb::PromiseFilter { ticket, department, owner, state, without_owner } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let ticket = optional_name(&mut violations, "filter.ticket", TICKETS, &ticket);
    let department = optional_name(&mut violations, "filter.department", DEPARTMENTS, &department);
    let owner = optional_name(&mut violations, "filter.owner", STAFF_MEMBERS, &owner);
    let state = violations.take("filter.state", parse_state(state));
    let all = || Some((order?, ticket?, department?, owner?, state?));
    let all = all();
    let (order, ticket, department, owner, state) = violations.finish(all)?;
    let query = format!("{}/{ticket:?}/{department:?}/{owner:?}/{state:?}/{without_owner}", order.name);
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListPromises { order, ticket, department, owner, state, without_owner, page })
}

fn parse_state(given: i32) -> Result<Option<State>, Invalid> {
    Ok(match pb_promise::State::try_from(given) {
        Ok(pb_promise::State::Unspecified) => None,
        Ok(pb_promise::State::Open) => Some(State::Open),
        Ok(pb_promise::State::Kept) => Some(State::Kept),
        Ok(pb_promise::State::Broken) => Some(State::Broken),
        Ok(pb_promise::State::KeptLate) => Some(State::KeptLate),
        Ok(pb_promise::State::Withdrawn) => Some(State::Withdrawn),
        Err(_) => return Err(Invalid::new("STATE_UNKNOWN", "has to be a known value")),
    })
}

/// Reads a request for rates.
pub fn rate_query(request: &pb::GetPromiseRateRequest) -> Result<RateQuery, Error> {
    let mut violations = Violations::default();
    let period = period(&mut violations, request.start_time, request.end_time);
    let group_by =
        GroupBy::try_from(request.group_by).map_err(|_| Invalid::new("GROUP_BY_UNKNOWN", "has to be a known value"));
    let group_by = violations.take("group_by", group_by);
    let department = optional_name(&mut violations, "department", DEPARTMENTS, &request.department);
    let owner = optional_name(&mut violations, "owner", STAFF_MEMBERS, &request.owner);
    let query = || {
        let (from, until) = period?;
        let by_owner = group_by? == GroupBy::Owner;
        Some(RateQuery { from, until, by_owner, department: department?, owner: owner? })
    };
    let query = query();
    violations.finish(query)
}

/// Reads what the three requests that promise something have in common, with what each has of its own.
fn parse_new(
    ticket: &str,
    etag: &str,
    owner: &str,
    given: &str,
    occasion: impl FnOnce(&mut Violations) -> Option<Occasion>,
) -> Result<MakePromise, Error> {
    let mut violations = Violations::default();
    let ticket = violations.take("ticket", parse_name(TICKETS, ticket));
    let etag = violations.take("etag", Etag::parse(etag));
    let owner = optional_name(&mut violations, "owner", STAFF_MEMBERS, owner);
    let words = violations.take("text", words(given));
    let occasion = occasion(&mut violations);
    let command =
        || Some(MakePromise { ticket: ticket?, etag: etag?, owner: owner?, words: words?, occasion: occasion? });
    let command = command();
    violations.finish(command)
}

/// Reads a request for a promise.
pub fn parse_make(request: pb::MakePromiseRequest) -> Result<MakePromise, Error> {
    let pb::MakePromiseRequest { ticket, etag, text, due_time, owner, request_id: _ } = request;
    parse_new(&ticket, &etag, &owner, &text, |violations| {
        violations.take("due_time", time(due_time)).map(|due_at| Occasion::Work { due_at })
    })
}

/// Reads a request to wait for somebody outside.
pub fn parse_external(request: pb::AwaitExternalRequest) -> Result<MakePromise, Error> {
    let pb::AwaitExternalRequest { ticket, etag, party, until_time, text, due_time, owner, request_id: _ } = request;
    parse_new(&ticket, &etag, &owner, &text, |violations| {
        let party = violations.take("party", text::required_line(&party, MAX_LINE_CHARS));
        let until = violations.take("until_time", time(until_time));
        let due_at = match due_time {
            None => Some(None),
            given => violations.take("due_time", time(given)).map(Some),
        };
        Some(Occasion::External { party: party?, until: until?, due_at: due_at? })
    })
}

/// Reads a request for a slot.
pub fn parse_slot(request: pb::ScheduleTicketRequest) -> Result<MakePromise, Error> {
    let pb::ScheduleTicketRequest { ticket, etag, start_time, end_time, text, owner, request_id: _ } = request;
    parse_new(&ticket, &etag, &owner, &text, |violations| {
        let start = violations.take("start_time", time(start_time));
        let end = violations.take("end_time", time(end_time));
        let (start, end) = start.zip(end)?;
        let length = start.duration_until(end);
        if length <= SignedDuration::ZERO || length > LONGEST_SLOT {
            let fault = Invalid::new("SLOT_OUT_OF_BOUNDS", "is later than the beginning, by twelve hours at most");
            violations.add("end_time", fault);
        }
        Some(Occasion::Slot(Slot { start, end }))
    })
}

fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<Which> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag).map(|(id, etag)| Which { id, etag })
}

/// Reads which promise is kept.
pub fn parse_keep(request: &pb::KeepPromiseRequest) -> Result<Which, Error> {
    let mut violations = Violations::default();
    let which = which(&request.name, &request.etag, &mut violations);
    violations.finish(which)
}

/// Reads a later due time.
pub fn parse_renew(request: &pb::RenewPromiseRequest) -> Result<RenewPromise, Error> {
    let mut violations = Violations::default();
    let which = which(&request.name, &request.etag, &mut violations);
    let due_at = violations.take("due_time", time(request.due_time));
    let words = violations.take("text", words(&request.text));
    let command = which.zip(due_at).zip(words);
    violations.finish(command.map(|((which, due_at), words)| RenewPromise { which, due_at, words }))
}

/// Reads which promise, and what is said about it in `field`.
pub fn with_words(name: &str, etag: &str, field: &str, given: &str) -> Result<WithWords, Error> {
    let mut violations = Violations::default();
    let which = which(name, etag, &mut violations);
    let words = violations.take(field, words(given));
    violations.finish(which.zip(words).map(|(which, words)| WithWords { which, words }))
}

/// Reads who answers for it.
pub fn parse_assign(request: &pb::AssignPromiseRequest) -> Result<AssignPromise, Error> {
    let mut violations = Violations::default();
    let which = which(&request.name, &request.etag, &mut violations);
    let owner = violations.take("owner", parse_name(STAFF_MEMBERS, &request.owner));
    violations.finish(which.zip(owner).map(|(which, owner)| AssignPromise { which, owner }))
}

impl From<State> for pb_promise::State {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Kept => Self::Kept,
            State::Broken => Self::Broken,
            State::KeptLate => Self::KeptLate,
            State::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<&Promise> for pb::Promise {
    fn from(promise: &Promise) -> Self {
        Self {
            name: promise.name(),
            etag: Etag::format(promise.version),
            ticket: format_name(TICKETS, promise.ticket),
            customer: format_name(CUSTOMERS, promise.customer),
            department: named(DEPARTMENTS, promise.department),
            owner: named(STAFF_MEMBERS, promise.owner),
            state: pb_promise::State::from(promise.state).into(),
            text: promise.words.clone(),
            due_time: Some(proto_timestamp(promise.due_at)),
            first_due_time: Some(proto_timestamp(promise.first_due_at)),
            renewals: promise.renewals,
            clock_round: promise.round,
            create_time: Some(proto_timestamp(promise.created_at)),
            update_time: Some(proto_timestamp(promise.updated_at)),
            keep_time: promise.kept_at.map(proto_timestamp),
            break_time: promise.broken_at.map(proto_timestamp),
            withdraw_time: promise.withdrawn_at.map(proto_timestamp),
            apologize_time: promise.apologized_at.map(proto_timestamp),
        }
    }
}

/// The public state of a promise, as events carry it: without anybody's words (TK9).
pub fn event_of(promise: &Promise) -> PromiseEvent {
    PromiseEvent {
        promise: promise.name(),
        ticket: format_name(TICKETS, promise.ticket),
        customer: format_name(CUSTOMERS, promise.customer),
        department: named(DEPARTMENTS, promise.department),
        owner: named(STAFF_MEMBERS, promise.owner),
        state: pb_promise::State::from(promise.state).into(),
        due_time: Some(proto_timestamp(promise.due_at)),
        first_due_time: Some(proto_timestamp(promise.first_due_at)),
        renewals: promise.renewals,
        clock_round: promise.round,
        create_time: Some(proto_timestamp(promise.created_at)),
        keep_time: promise.kept_at.map(proto_timestamp),
        break_time: promise.broken_at.map(proto_timestamp),
        withdraw_time: promise.withdrawn_at.map(proto_timestamp),
        apologize_time: promise.apologized_at.map(proto_timestamp),
        version: promise.version,
    }
}

/// What became of some promises.
fn rate(of: String, counts: Counts) -> pb::PromiseRate {
    let Counts { due, kept, kept_late, broken, open, withdrawn, renewed, unapologized } = counts;
    let (kept_rate, decided) = (counts.kept_rate(), counts.decided());
    pb::PromiseRate { of, due, kept, kept_late, broken, open, withdrawn, renewed, unapologized, kept_rate, decided }
}

/// Rates and their total.
pub fn rates(query: &RateQuery, counts: Vec<(Option<Uuid>, Counts)>) -> pb::GetPromiseRateResponse {
    let total = counts.iter().fold(Counts::default(), |total, (_, counts)| total.and(*counts));
    let collection = if query.by_owner { STAFF_MEMBERS } else { DEPARTMENTS };
    let rates = counts.into_iter().map(|(of, counts)| rate(named(collection, of), counts)).collect();
    pb::GetPromiseRateResponse { rates, total: Some(rate(String::new(), total)) }
}
