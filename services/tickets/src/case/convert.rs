//! Cases from and to the contract.

use seva_proto::tickets::v1::{self as pb, CaseEvent, case as pb_case};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{AddTicketToCase, CloseCase, CreateCase, RemoveTicketFromCase},
    model::{COLLECTION, Case, MAX_TICKETS, State},
    queries::ListCases,
};
use crate::ticket::{
    convert::{CUSTOMERS, MAX_LINE_CHARS},
    model::COLLECTION as TICKETS,
};

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListCasesRequest, key: &PageKey) -> Result<ListCases, Error> {
    let pb::ListCasesRequest { page_size, page_token, customer, state } = request;
    let mut violations = Violations::default();
    let customer = match customer.as_str() {
        "" => Some(None),
        name => violations.take("customer", parse_name(CUSTOMERS, name)).map(Some),
    };
    let state = violations.take("state", parse_state(*state));
    let (customer, state) = violations.finish(customer.zip(state))?;
    let page = PageRequest::parse(key, COLLECTION, &format!("{customer:?}/{state:?}"), *page_size, page_token)?;
    Ok(ListCases { customer, state, page })
}

fn parse_state(given: i32) -> Result<Option<State>, Invalid> {
    match pb_case::State::try_from(given) {
        Ok(pb_case::State::Unspecified) => Ok(None),
        Ok(pb_case::State::Open) => Ok(Some(State::Open)),
        Ok(pb_case::State::Closed) => Ok(Some(State::Closed)),
        Err(_) => Err(Invalid::new("STATE_UNKNOWN", "has to be a known value")),
    }
}

/// Name and etag of a request about one case.
fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<(Uuid, Etag)> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag)
}

fn reason(given: &str, violations: &mut Violations) -> Option<String> {
    violations.take("across_customers_reason", text::line(given, MAX_LINE_CHARS))
}

impl TryFrom<pb::CreateCaseRequest> for CreateCase {
    type Error = Error;

    fn try_from(request: pb::CreateCaseRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(case) = violations.required("case", request.case) else { return Err(violations.into()) };
        let customer = violations.take("case.customer", parse_name(CUSTOMERS, &case.customer));
        let title = violations.take("case.title", text::required_line(&case.title, MAX_LINE_CHARS));
        if request.tickets.len() > MAX_TICKETS {
            violations.add("tickets", Invalid::new("TICKETS_TOO_MANY", format!("{MAX_TICKETS} at most")));
        }
        let mut tickets = Vec::with_capacity(request.tickets.len().min(MAX_TICKETS));
        for (at, name) in request.tickets.iter().enumerate().take(MAX_TICKETS) {
            tickets.extend(violations.take(format!("tickets[{at}]"), parse_name(TICKETS, name)));
        }
        tickets.sort_unstable();
        tickets.dedup();
        let reason = reason(&request.across_customers_reason, &mut violations);
        let command = customer.zip(title).zip(reason).map(|((customer, title), across_customers_reason)| Self {
            customer,
            title,
            tickets,
            across_customers_reason,
        });
        violations.finish(command)
    }
}

impl TryFrom<pb::AddTicketToCaseRequest> for AddTicketToCase {
    type Error = Error;

    fn try_from(request: pb::AddTicketToCaseRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let ticket = violations.take("ticket", parse_name(TICKETS, &request.ticket));
        let reason = reason(&request.across_customers_reason, &mut violations);
        let command = ids.zip(ticket).zip(reason).map(|(((id, etag), ticket), across_customers_reason)| Self {
            id,
            etag,
            ticket,
            across_customers_reason,
        });
        violations.finish(command)
    }
}

impl TryFrom<pb::RemoveTicketFromCaseRequest> for RemoveTicketFromCase {
    type Error = Error;

    fn try_from(request: pb::RemoveTicketFromCaseRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let ticket = violations.take("ticket", parse_name(TICKETS, &request.ticket));
        violations.finish(ids.zip(ticket).map(|((id, etag), ticket)| Self { id, etag, ticket }))
    }
}

impl TryFrom<pb::CloseCaseRequest> for CloseCase {
    type Error = Error;

    fn try_from(request: pb::CloseCaseRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        violations.finish(ids.map(|(id, etag)| Self { id, etag }))
    }
}

impl From<State> for pb_case::State {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Closed => Self::Closed,
        }
    }
}

impl From<&Case> for pb::Case {
    fn from(case: &Case) -> Self {
        let Case { id, version, customer, title, state, created_at, updated_at, closed_at, tickets } = case;
        Self {
            name: format_name(COLLECTION, *id),
            etag: Etag::format(*version),
            customer: format_name(CUSTOMERS, *customer),
            title: title.clone(),
            state: pb_case::State::from(*state).into(),
            tickets: tickets.iter().map(|ticket| format_name(TICKETS, *ticket)).collect(),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
            close_time: closed_at.map(proto_timestamp),
        }
    }
}

impl From<&Case> for CaseEvent {
    /// Its state, without anybody's words and without what happened to which ticket.
    fn from(case: &Case) -> Self {
        Self {
            case: case.name(),
            customer: format_name(CUSTOMERS, case.customer),
            state: pb_case::State::from(case.state).into(),
            tickets: Vec::new(),
            create_time: Some(proto_timestamp(case.created_at)),
            version: case.version,
        }
    }
}
