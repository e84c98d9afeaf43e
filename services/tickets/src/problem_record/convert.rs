//! Problem records from and to the contract.

use seva_proto::{
    common::v1::Translation,
    tickets::v1::{
        self as pb, ProblemRecordEvent, problem_record as pb_record, problem_ticket, root_problem as pb_root,
    },
};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, Language, LocalizedText, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{AttachTickets, CloseProblem, ConfirmCause, DetachTicket, MarkFixed},
    model::{COLLECTION, NewProblem, Outcome, Problem, State, english},
    queries::ListProblems,
    store::Attached,
};
use crate::ticket::{
    Cause,
    convert::{MAX_LINE_CHARS, read_root_problem, required, words},
    model::COLLECTION as TICKETS,
};

/// Tickets that are attached at once at most.
const MAX_ATTACHED: usize = 200;
/// Longest reference to a product or a batch, in characters.
const MAX_REFERENCE_CHARS: usize = 100;
/// Languages of one note at most.
const MAX_LANGUAGES: usize = 30;

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list of tickets.
pub fn tickets_query(request: &pb::ListProblemTicketsRequest, key: &PageKey) -> Result<(Uuid, PageRequest), Error> {
    let pb::ListProblemTicketsRequest { parent, page_size, page_token } = request;
    let id = parse_name(COLLECTION, parent).map_err(|invalid| Error::invalid_field("parent", invalid))?;
    let page = PageRequest::parse(key, "problemTickets", &id.to_string(), *page_size, page_token)?;
    Ok((id, page))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListProblemRecordsRequest, key: &PageKey) -> Result<ListProblems, Error> {
    let pb::ListProblemRecordsRequest { page_size, page_token, state } = request;
    let state = match pb_record::State::try_from(*state) {
        Ok(pb_record::State::Unspecified) => None,
        Ok(pb_record::State::Open) => Some(State::Open),
        Ok(pb_record::State::KnownCause) => Some(State::KnownCause),
        Ok(pb_record::State::Fixed) => Some(State::Fixed),
        Ok(pb_record::State::Closed) => Some(State::Closed),
        Err(_) => {
            let invalid = Invalid::new("STATE_UNKNOWN", "has to be a known value");
            return Err(Error::invalid_field("state", invalid));
        }
    };
    let page = PageRequest::parse(key, COLLECTION, &format!("{state:?}"), *page_size, page_token)?;
    Ok(ListProblems { state, page })
}

/// Name and etag of a request about one record.
fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<(Uuid, Etag)> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag)
}

impl TryFrom<pb::CreateProblemRecordRequest> for NewProblem {
    type Error = Error;

    fn try_from(request: pb::CreateProblemRecordRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(record) = violations.required("problem_record", request.problem_record) else {
            return Err(violations.into());
        };
        let title = violations.take("problem_record.title", text::required_line(&record.title, MAX_LINE_CHARS));
        let product = violations.take("problem_record.product", text::line(&record.product, MAX_REFERENCE_CHARS));
        let batch = violations.take("problem_record.batch", text::line(&record.batch, MAX_REFERENCE_CHARS));
        let new = title.zip(product).zip(batch).map(|((title, product), batch)| Self { title, product, batch });
        violations.finish(new)
    }
}

impl TryFrom<pb::AttachTicketsRequest> for AttachTickets {
    type Error = Error;

    fn try_from(request: pb::AttachTicketsRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        if request.tickets.is_empty() || request.tickets.len() > MAX_ATTACHED {
            violations.add("tickets", Invalid::new("TICKETS_COUNT", format!("has to be 1 to {MAX_ATTACHED}")));
        }
        let mut tickets = Vec::with_capacity(request.tickets.len().min(MAX_ATTACHED));
        for (at, name) in request.tickets.iter().enumerate().take(MAX_ATTACHED) {
            tickets.extend(violations.take(format!("tickets[{at}]"), parse_name(TICKETS, name)));
        }
        tickets.sort_unstable();
        tickets.dedup();
        violations.finish(id.map(|id| Self { id, tickets }))
    }
}

impl TryFrom<pb::DetachTicketRequest> for DetachTicket {
    type Error = Error;

    fn try_from(request: pb::DetachTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let ticket = violations.take("ticket", parse_name(TICKETS, &request.ticket));
        violations.finish(id.zip(ticket).map(|(id, ticket)| Self { id, ticket }))
    }
}

impl TryFrom<pb::ConfirmCauseRequest> for ConfirmCause {
    type Error = Error;

    fn try_from(request: pb::ConfirmCauseRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let root = read_root_problem(request.root_problem.as_ref(), "root_problem", &mut violations);
        if root.as_ref().is_some_and(|root| root.cause == Cause::Policy && root.rule.is_none()) {
            violations.add("root_problem.handbook_rule", required());
        }
        violations.finish(ids.zip(root).map(|((id, etag), root_problem)| Self { id, etag, root_problem }))
    }
}

impl TryFrom<pb::MarkFixedRequest> for MarkFixed {
    type Error = Error;

    fn try_from(request: pb::MarkFixedRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let note = notes(&request.notes, &mut violations);
        violations.finish(ids.zip(note).map(|((id, etag), note)| Self { id, etag, note }))
    }
}

/// Reads a note in several languages, English among them.
fn notes(given: &[Translation], violations: &mut Violations) -> Option<LocalizedText> {
    if given.len() > MAX_LANGUAGES {
        violations.add("notes", Invalid::new("LANGUAGES_TOO_MANY", format!("{MAX_LANGUAGES} at most")));
        return None;
    }
    let mut notes = LocalizedText::new();
    for (at, note) in given.iter().enumerate() {
        let language = violations.take(format!("notes[{at}].language"), Language::parse(&note.language));
        let text = violations.take(format!("notes[{at}].text"), words(&note.text));
        if let Some((language, text)) = language.zip(text)
            && notes.insert(language, text).is_some()
        {
            violations.add(format!("notes[{at}]"), Invalid::new("LANGUAGE_REPEATED", "stands in the list before"));
        }
    }
    if notes.get(&english()).is_none() {
        violations.add("notes", required());
    }
    Some(notes)
}

impl TryFrom<pb::CloseProblemRecordRequest> for CloseProblem {
    type Error = Error;

    fn try_from(request: pb::CloseProblemRecordRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        violations.finish(ids.map(|(id, etag)| Self { id, etag }))
    }
}

impl From<State> for pb_record::State {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::KnownCause => Self::KnownCause,
            State::Fixed => Self::Fixed,
            State::Closed => Self::Closed,
        }
    }
}

impl From<&Problem> for pb::ProblemRecord {
    fn from(problem: &Problem) -> Self {
        Self {
            name: problem.name(),
            etag: Etag::format(problem.version),
            title: problem.title.clone(),
            state: pb_record::State::from(problem.state).into(),
            product: problem.product.clone(),
            batch: problem.batch.clone(),
            root_problem: problem.root_problem.as_ref().map(Into::into),
            total: problem.total,
            resolved: problem.resolved,
            refused: problem.refused,
            create_time: Some(proto_timestamp(problem.created_at)),
            update_time: Some(proto_timestamp(problem.updated_at)),
            fix_time: problem.fixed_at.map(proto_timestamp),
            close_time: problem.closed_at.map(proto_timestamp),
        }
    }
}

impl From<&Attached> for pb::ProblemTicket {
    fn from(attached: &Attached) -> Self {
        let result = match attached.outcome {
            None => problem_ticket::Result::Waiting,
            Some(Outcome::Resolved) => problem_ticket::Result::Resolved,
            Some(Outcome::Refused) => problem_ticket::Result::Refused,
        };
        Self {
            ticket: format_name(TICKETS, attached.ticket),
            result: result.into(),
            refused_by: attached.refused_by.clone().unwrap_or_default(),
        }
    }
}

impl From<&Problem> for ProblemRecordEvent {
    /// Its state, without anybody's words and without what happened to which ticket.
    fn from(problem: &Problem) -> Self {
        Self {
            problem_record: problem.name(),
            state: pb_record::State::from(problem.state).into(),
            product: problem.product.clone(),
            batch: problem.batch.clone(),
            cause: problem.root_problem.as_ref().map_or(0, |root| pb_root::Cause::from(root.cause).into()),
            total: problem.total,
            resolved: problem.resolved,
            refused: problem.refused,
            tickets: Vec::new(),
            create_time: Some(proto_timestamp(problem.created_at)),
            version: problem.version,
        }
    }
}
