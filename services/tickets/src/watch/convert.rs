//! Watches from and to the contract.

use seva_proto::tickets::v1::{self as pb, TicketEvent, ticket_change::Kind};
use seva_runtime::{Error, Violations};
use seva_store::{Event, event::proto_timestamp};
use seva_values::{Invalid, parse_name};
use uuid::Uuid;

use super::known::{Known, Tell, TooMany};
use crate::ticket::{
    convert::{parse_filter, parse_saved_view, seen},
    filter::TicketFilter,
    model::COLLECTION,
};

/// Of all events of tickets.
const TYPES: &str = "seva.tickets.ticket.";

/// A watch as it is asked for.
pub struct Asked {
    pub saved_view: Option<Uuid>,
    pub filter: TicketFilter,
    pub resume_token: String,
}

/// Reads what to follow. What no event of a ticket tells cannot be followed, and is refused ([`not_watched`]).
pub fn asked(request: pb::WatchTicketsRequest) -> Result<Asked, Error> {
    let pb::WatchTicketsRequest { filter, saved_view, resume_token } = request;
    let mut violations = Violations::default();
    let saved_view = parse_saved_view(&saved_view, filter.is_some(), &mut violations);
    let filter = parse_filter(filter.unwrap_or_default(), "filter", &mut violations);
    for (field, refusal) in filter.as_ref().into_iter().flat_map(not_watched) {
        violations.add(field, refusal);
    }
    violations.finish(saved_view.zip(filter).map(|(saved_view, filter)| Asked { saved_view, filter, resume_token }))
}

/// What of a filter a watch cannot follow, by the fields that ask for it: the risk of a ticket changes without an event of the ticket, and when the
/// time has come to call its customer nothing happens to it. A watcher would never be shown what begins to match so.
pub fn not_watched(filter: &TicketFilter) -> Vec<(&'static str, Invalid)> {
    let risk = "a watch cannot follow the risk of tickets; list them, or list risk assessments";
    let call = "a watch cannot follow whom to call, which time alone changes; list them";
    let risk = (!filter.risks.is_empty()).then(|| ("filter.risk_levels", Invalid::new("RISK_NOT_WATCHED", risk)));
    let call = filter.needs_call.then(|| ("filter.verification_needs_call", Invalid::new("CALL_NOT_WATCHED", call)));
    risk.into_iter().chain(call).collect()
}

/// What a watcher is told of an event; nothing of most.
pub fn change(filter: &TicketFilter, known: &mut Known, event: &Event) -> Result<Option<pb::TicketChange>, Error> {
    if !event.kind.starts_with(TYPES) {
        return Ok(None);
    }
    let ticket: TicketEvent = event.payload()?;
    let id = parse_name(COLLECTION, &ticket.ticket).map_err(|_| Error::internal("an event of a ticket names none"))?;
    // What is late is so when it is told to be: with its breach.
    let matches = filter.matches(&seen(&ticket, event.occurred_at)?, event.occurred_at);
    let kind = match known.changed(id, ticket.version, matches).map_err(too_many)? {
        Tell::Matched => Kind::Matched,
        Tell::Removed => Kind::Removed,
        Tell::Nothing => return Ok(None),
    };
    Ok(Some(pb::TicketChange {
        kind: kind.into(),
        ticket: Some(ticket),
        event_type: event.kind.clone(),
        time: Some(proto_timestamp(event.occurred_at)),
    }))
}

/// The refusal of a watch that matches too much.
pub fn too_many(_: TooMany) -> Error {
    let most = super::known::MOST;
    Error::quota_exhausted("filter", format!("a watch follows {most} tickets at most; narrow the filter"))
}
