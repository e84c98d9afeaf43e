//! Imported tickets from and to the contract.

use jiff::{Timestamp, Unit};
use prost::Message as _;
use seva_proto::tickets::v1::{self as pb, import_result, imported_step as of, ticket as pb_ticket};
use seva_runtime::{Error, Violations};
use seva_store::event::timestamp;
use seva_values::{Invalid, format_name, parse_name, text};
use sha2::{Digest, Sha256};
use tonic::Status;
use uuid::Uuid;

use super::model::{ImportedTicket, Step};
use crate::{
    custom_field,
    message::{Author, Visibility},
    roster::model::STAFF_MEMBERS,
    ticket::{
        Closure,
        convert::{
            CUSTOMERS, MAX_LINE_CHARS, optional_words, parse_author, parse_cancel_reason, parse_kind, parse_medium,
            parse_priority, parse_state, parse_tags, parse_visibility, read_priority, read_root_problem, required,
            words,
        },
        model::{COLLECTION, NewTicket, Reply},
    },
};

/// Tickets of one request at most.
pub const MAX_TICKETS: usize = 100;
/// Steps of a history at most.
const MAX_STEPS: usize = 1000;
/// Longest name of a source, in bytes.
const MAX_SOURCE_BYTES: usize = 60;

/// Tickets to take, each read or refused.
pub struct ImportTickets {
    pub tickets: Vec<Result<ImportedTicket, Error>>,
    /// `None`: the newest.
    pub policy_version: Option<i32>,
}

/// Reads a request at `now`: what lies ahead of it has not happened.
pub fn import(request: &pb::ImportTicketsRequest, now: Timestamp) -> Result<ImportTickets, Error> {
    let pb::ImportTicketsRequest { tickets, policy_version, request_id: _ } = request;
    let mut violations = Violations::default();
    if tickets.is_empty() || tickets.len() > MAX_TICKETS {
        violations.add("tickets", Invalid::new("TICKETS_COUNT", format!("has to be 1 to {MAX_TICKETS}")));
    }
    if *policy_version < 0 {
        violations.add("policy_version", Invalid::new("NUMBER_NEGATIVE", "cannot be negative"));
    }
    violations.finish(Some(()))?;
    Ok(ImportTickets {
        tickets: tickets.iter().map(|ticket| read_ticket(ticket, now)).collect(),
        policy_version: (*policy_version > 0).then_some(*policy_version),
    })
}

fn read_ticket(given: &pb::ImportedTicket, now: Timestamp) -> Result<ImportedTicket, Error> {
    let mut violations = Violations::default();
    let source = violations.take("source", text::word(&given.source, '_', MAX_SOURCE_BYTES));
    let external_id = violations.take("external_id", text::required_line(&given.external_id, MAX_LINE_CHARS));
    let customer = violations.take("customer", parse_name(CUSTOMERS, &given.customer));
    let kind = violations.take("kind", parse_kind(given.kind));
    let priority = violations.take("priority", parse_priority(given.priority));
    let title = violations.take("title", text::required_line(&given.title, MAX_LINE_CHARS));
    let stated_problem = violations.take("stated_problem", optional_words(&given.stated_problem));
    let tags = parse_tags(&given.tags, "tags", &mut violations);
    let fields = custom_field::values(given.fields.clone(), "fields", &mut violations);
    let created_at = violations.take("create_time", past(given.create_time, None, now));
    let history = read_history(&given.history, created_at, now, &mut violations);
    let state = violations.take("state", parse_state(given.state).and_then(|state| state.ok_or_else(required)));
    let closure = match pb_ticket::Closure::try_from(given.closure) {
        Ok(pb_ticket::Closure::Unspecified) => Ok(None),
        Ok(pb_ticket::Closure::Verified) => Ok(Some(Closure::Verified)),
        Ok(pb_ticket::Closure::Unverified) => Ok(Some(Closure::Unverified)),
        Err(_) => Err(Invalid::new("CLOSURE_UNKNOWN", "has to be a known value")),
    };
    let closure = violations.take("closure", closure);
    let read = || {
        let new = NewTicket {
            customer: customer?,
            kind: kind?,
            priority: priority?,
            title: title?,
            stated_problem: stated_problem?,
            tags: tags?,
            fields: fields?,
            matter: None,
            follow_up_of: None,
        };
        Some(ImportedTicket {
            source: source?,
            external_id: external_id?,
            new,
            created_at: created_at?,
            history: history?,
            end: (state?, closure?),
            hash: Sha256::digest(given.encode_to_vec()).into(),
        })
    };
    let read = read();
    violations.finish(read)
}

/// A time that is not before `earliest` and not ahead.
fn past(
    given: Option<prost_types::Timestamp>,
    earliest: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Invalid> {
    // As exact as the database: what is stored twice is the same.
    let time = timestamp(given).ok_or_else(required)?.round(Unit::Microsecond).map_err(|_| required())?;
    if time > now {
        return Err(Invalid::new("TIME_AHEAD", "cannot lie ahead"));
    }
    if earliest.is_some_and(|earliest| time < earliest) {
        return Err(Invalid::new("TIME_BACKWARDS", "cannot be earlier than what stands before it"));
    }
    Ok(time)
}

fn read_history(
    given: &[pb::ImportedStep],
    created_at: Option<Timestamp>,
    now: Timestamp,
    violations: &mut Violations,
) -> Option<Vec<(Timestamp, Step)>> {
    if given.len() > MAX_STEPS {
        violations.add("history", Invalid::new("STEPS_TOO_MANY", format!("{MAX_STEPS} at most")));
        return None;
    }
    let mut before = created_at;
    let mut history = Vec::with_capacity(given.len());
    for (at, step) in given.iter().enumerate() {
        let field = format!("history[{at}]");
        let time = violations.take(format!("{field}.time"), past(step.time, before, now));
        before = time.or(before);
        let step = violations.required(format!("{field}.step"), step.step.as_ref());
        let step = step.and_then(|step| read_step(step, &field, violations));
        history.extend(time.zip(step));
    }
    (history.len() == given.len()).then_some(history)
}

fn read_step(given: &of::Step, field: &str, violations: &mut Violations) -> Option<Step> {
    match given {
        of::Step::Said(said) => read_said(said, &format!("{field}.said"), violations).map(Step::Said),
        of::Step::Assigned(of::Assigned { assignee }) if assignee.is_empty() => Some(Step::Assigned(None)),
        of::Step::Assigned(of::Assigned { assignee }) => {
            let member = violations.take(format!("{field}.assigned.assignee"), parse_name(STAFF_MEMBERS, assignee))?;
            Some(Step::Assigned(Some(member)))
        }
        of::Step::Prioritized(of::Prioritized { priority }) => {
            let priority = read_priority(*priority).and_then(|priority| priority.ok_or_else(required));
            violations.take(format!("{field}.prioritized.priority"), priority).map(Step::Prioritized)
        }
        of::Step::Resolved(of::Resolved { root_problem, note }) => {
            let field = format!("{field}.resolved");
            let root = read_root_problem(root_problem.as_ref(), &format!("{field}.root_problem"), violations);
            let note = violations.take(format!("{field}.note"), words(note));
            Some(Step::Resolved { root_problem: root?, note: note? })
        }
        of::Step::Confirmed(of::Confirmed {}) => Some(Step::Confirmed),
        of::Step::Rejected(of::Rejected { text }) => {
            violations.take(format!("{field}.rejected.text"), words(text)).map(Step::Rejected)
        }
        of::Step::Reopened(of::Reopened { text }) => {
            violations.take(format!("{field}.reopened.text"), words(text)).map(Step::Reopened)
        }
        of::Step::Canceled(of::Canceled { reason }) => {
            violations.take(format!("{field}.canceled.reason"), parse_cancel_reason(*reason)).map(Step::Canceled)
        }
    }
}

fn read_said(said: &of::Said, field: &str, violations: &mut Violations) -> Option<Reply> {
    let visibility = violations.take(format!("{field}.visibility"), parse_visibility(said.visibility));
    let author = violations.take(format!("{field}.author"), parse_author(said.author));
    let medium = violations.take(format!("{field}.medium"), parse_medium(said.medium));
    let text = violations.take(format!("{field}.text"), words(&said.text));
    let member = match said.staff_member.as_str() {
        "" => Some(None),
        name => violations.take(format!("{field}.staff_member"), parse_name(STAFF_MEMBERS, name)).map(Some),
    };
    if author == Some(Author::Customer) && (visibility == Some(Visibility::Internal) || said.awaits_customer) {
        let fault = Invalid::new("VISIBILITY_OF_CUSTOMER", "what the customer said is public, and asks nobody but us");
        violations.add(format!("{field}.visibility"), fault);
        return None;
    }
    Some(Reply {
        visibility: visibility?,
        author: author?,
        author_id: member?,
        medium: medium?,
        text: text?,
        attachments: Vec::new(),
        awaits_customer: said.awaits_customer,
    })
}

/// It is here now.
pub fn imported(ticket: Uuid) -> pb::ImportResult {
    result(import_result::Outcome::Imported, Some(ticket), None)
}

/// It was here before.
pub fn duplicate(ticket: Uuid) -> pb::ImportResult {
    result(import_result::Outcome::Duplicate, Some(ticket), None)
}

/// Nothing of it is here.
pub fn refused(error: &Error) -> pb::ImportResult {
    result(import_result::Outcome::Refused, None, Some(error))
}

fn result(outcome: import_result::Outcome, ticket: Option<Uuid>, error: Option<&Error>) -> pb::ImportResult {
    let status = error.map(|error| {
        let status = Status::from(error);
        // With the details that a call would be refused with.
        tonic_types::pb::Status::decode(status.details()).unwrap_or_default()
    });
    pb::ImportResult {
        outcome: outcome.into(),
        ticket: ticket.map(|id| format_name(COLLECTION, id)).unwrap_or_default(),
        error: status,
    }
}
