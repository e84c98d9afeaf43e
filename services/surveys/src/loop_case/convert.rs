//! Loop cases to the contract, and requests from it.

use seva_proto::surveys::v1::{self as pb, LoopCaseEvent, loop_case::State as StateMessage};
use seva_runtime::{Error, Violations};
use seva_store::{
    NewEvent,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    model::{Change, LoopCase, State},
    queries::ListLoopCases,
};
use crate::{invitation::convert::optional_name, programme, response};

/// Collection of cases' names.
pub const COLLECTION: &str = "loopCases";

/// The resource name of a case.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListLoopCasesRequest, key: &PageKey) -> Result<ListLoopCases, Error> {
    let pb::ListLoopCasesRequest { page_size, page_token, state, customer } = request;
    let mut violations = Violations::default();
    let query = format!("{customer}/{state}");
    let customer = optional_name(&mut violations, "customer", "customers", &customer);
    let known = StateMessage::try_from(state)
        .map_err(|_| Invalid::new("STATE_UNKNOWN", "has to be a known state"))
        .map(state_from);
    let state = violations.take("state", known);
    let (customer, state) = violations.finish(customer.zip(state))?;
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListLoopCases { customer, state, page })
}

const fn state_from(state: StateMessage) -> Option<State> {
    match state {
        StateMessage::Unspecified => None,
        StateMessage::Open => Some(State::Open),
        StateMessage::Acknowledged => Some(State::Acknowledged),
        StateMessage::Contacted => Some(State::Contacted),
        StateMessage::Resolved => Some(State::Resolved),
        StateMessage::Verified => Some(State::Verified),
        StateMessage::Disputed => Some(State::Disputed),
        StateMessage::Unreachable => Some(State::Unreachable),
        StateMessage::Canceled => Some(State::Canceled),
    }
}

impl From<State> for StateMessage {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Acknowledged => Self::Acknowledged,
            State::Contacted => Self::Contacted,
            State::Resolved => Self::Resolved,
            State::Verified => Self::Verified,
            State::Disputed => Self::Disputed,
            State::Unreachable => Self::Unreachable,
            State::Canceled => Self::Canceled,
        }
    }
}

impl From<&LoopCase> for pb::LoopCase {
    fn from(case: &LoopCase) -> Self {
        let LoopCase {
            id,
            version: _,
            response,
            customer,
            programme,
            question_id,
            score,
            subject: _,
            language: _,
            state,
            ticket,
            ticket_sequence: _,
            created_at,
            updated_at,
        } = case;
        Self {
            name: name(*id),
            response: response::name(*response),
            customer: format_name("customers", *customer),
            programme: programme::name(*programme),
            question_id: question_id.clone(),
            score: *score,
            state: StateMessage::from(*state).into(),
            ticket: ticket.map(|id| format_name("tickets", id)).unwrap_or_default(),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

/// The event of a change, or of the opening: the case after it.
pub fn event_of(change: &Change) -> NewEvent {
    let Change { after, story } = change;
    let LoopCase { subject, language, .. } = after;
    let payload = LoopCaseEvent { loop_case: Some(after.into()), subject: subject.clone(), language: language.clone() };
    NewEvent::new(after.state.event_kind(), name(after.id), after.version, after.updated_at, story.clone(), &payload)
}
