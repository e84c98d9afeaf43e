//! Tickets from and to the contract: requests here and, of what is said, in [`said`], filters in [`filter`], attempts to have a resolution confirmed
//! in [`verification`], answers and events in [`answers`].

mod answers;
mod filter;
mod said;
mod verification;

use std::collections::BTreeSet;

use seva_proto::tickets::v1::{self as pb, message as pb_message, root_problem, ticket as pb_ticket};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{HumanNumber, Invalid, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{AssignTicket, CancelTicket, CreateTicket, Edit, ReopenTicket, ResolveTicket, UpdateTicket},
    kind::{Kind, Priority},
    model::{COLLECTION, Matter, NewTicket, RootProblem},
    queries::{AskedList, ORDERS, View, Wanted},
    state::{CancelReason, Cause, State},
};
use crate::{
    custom_field,
    message::{Author, Medium, Visibility, model::MAX_TEXT_CHARS},
    recipient::Tier,
    roster::model::STAFF_MEMBERS,
    spoken::spoken_enums,
    view,
};

pub use answers::{
    event_of, message_name, message_to_proto, named, number_of, proto_closure, proto_tier, spoken_to_proto,
};
pub use filter::{parse_filter, parse_kept_filter, seen};
pub use said::parse_attachments;

/// Collection of customers' names.
pub(crate) const CUSTOMERS: &str = "customers";
/// Longest title, and longest word of who was on the phone, in characters.
pub(crate) const MAX_LINE_CHARS: usize = 200;
/// Longest text that comes by link, in characters.
const MAX_LINK_TEXT_CHARS: usize = 4_000;
/// Tags of one ticket at most, and the longest, in bytes.
pub const MAX_TAGS: usize = 20;
const MAX_TAG_BYTES: usize = 40;
/// Longest word of a matter, in bytes.
const MAX_MATTER_BYTES: usize = 200;
/// Paths of an update mask.
const WRITABLE: &[&str] = &["title", "kind", "priority", "tags", "fields"];
const OUTPUT_ONLY: &[&str] = &[
    "name",
    "etag",
    "number",
    "customer",
    "state",
    "stated_problem",
    "root_problem",
    "matter",
    "department",
    "assignee",
    "wait_reason",
    "language",
    "clocks",
    "reopen_count",
    "closure",
    "cancel_reason",
    "verification",
    "verification_attempts",
    "verification_due_time",
    "verification_call_time",
    "unverified_reason",
    "follow_up_of",
    "create_time",
    "update_time",
    "resolve_time",
    "close_time",
    "next_due_time",
    "tier",
    "wait_until_time",
    "wait_party",
    "merged_into",
    "open_work",
    "return_count",
    "risk_level",
];

pub(crate) fn required() -> Invalid {
    Invalid::new("FIELD_REQUIRED", "is required")
}

/// A text of several lines that is not empty.
pub(crate) fn words(given: &str) -> Result<String, Invalid> {
    let given = given.trim();
    if given.is_empty() {
        return Err(required());
    }
    optional_words(given)
}

/// A text of several lines that may be empty.
pub fn optional_words(given: &str) -> Result<String, Invalid> {
    if given.chars().count() > MAX_TEXT_CHARS {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {MAX_TEXT_CHARS} characters at most")));
    }
    if given.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold control characters but line breaks and tabs"));
    }
    Ok(given.trim().to_owned())
}

/// Name and etag of a request about one ticket.
pub(crate) fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<(Uuid, Etag)> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag)
}

/// Reads a ticket's name or number.
pub fn wanted(name: &str) -> Result<Wanted, Error> {
    let invalid = |invalid| Error::invalid_field("name", invalid);
    let rest = name.strip_prefix("tickets/").unwrap_or_default();
    if rest.len() == 36 || rest.is_empty() {
        return parse_name(COLLECTION, name).map(Wanted::Id).map_err(invalid);
    }
    HumanNumber::parse(rest).map(|number| Wanted::Number(number.value())).map_err(invalid)
}

/// Reads the field `parent` of a request.
pub fn parent(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("parent", invalid))
}

/// Reads a request for messages.
pub fn messages_query(request: &pb::ListMessagesRequest, key: &PageKey) -> Result<(Uuid, bool, PageRequest), Error> {
    let pb::ListMessagesRequest { parent: ticket, page_size, page_token, include_merged } = request;
    let ticket = parent(ticket)?;
    let query = format!("{ticket}/{include_merged}");
    let page = PageRequest::parse(key, "messages", &query, *page_size, page_token)?;
    Ok((ticket, *include_merged, page))
}

/// Reads a request for a list, and the saved view that it names.
pub fn list_query(request: pb::ListTicketsRequest) -> Result<(Option<Uuid>, AskedList), Error> {
    let pb::ListTicketsRequest { page_size, page_token, order_by, filter, view, saved_view } = request;
    let mut violations = Violations::default();
    let order_by = violations.take("order_by", Order::parse(ORDERS, &order_by)).map(|_| order_by);
    let saved_view = parse_saved_view(&saved_view, filter.is_some(), &mut violations);
    let filter = parse_filter(filter.unwrap_or_default(), "filter", &mut violations);
    let view = violations.take("view", parse_view(view));
    let all =
        || Some((saved_view?, AskedList { order_by: order_by?, filter: filter?, view: view?, page_size, page_token }));
    let all = all();
    violations.finish(all)
}

/// Reads the name of a saved view, which takes the place of a filter.
pub fn parse_saved_view(given: &str, has_filter: bool, violations: &mut Violations) -> Option<Option<Uuid>> {
    if given.is_empty() {
        return Some(None);
    }
    if has_filter {
        violations.add("filter", Invalid::new("FILTER_TWICE", "is given here or by `saved_view`"));
    }
    violations.take("saved_view", parse_name(view::COLLECTION, given)).map(Some)
}

fn parse_view(given: i32) -> Result<View, Invalid> {
    match pb::TicketView::try_from(given) {
        Ok(pb::TicketView::Unspecified | pb::TicketView::Basic) => Ok(View::Basic),
        Ok(pb::TicketView::Full) => Ok(View::Full),
        Err(_) => Err(Invalid::new("VIEW_UNKNOWN", "has to be a known value")),
    }
}

impl TryFrom<pb::CreateTicketRequest> for CreateTicket {
    type Error = Error;

    fn try_from(request: pb::CreateTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(ticket) = violations.required("ticket", request.ticket) else { return Err(violations.into()) };
        let customer = violations.take("ticket.customer", parse_name(CUSTOMERS, &ticket.customer));
        let kind = violations.take("ticket.kind", parse_kind(ticket.kind));
        let priority = violations.take("ticket.priority", parse_priority(ticket.priority));
        let title = violations.take("ticket.title", text::required_line(&ticket.title, MAX_LINE_CHARS));
        let stated_problem = violations.take("ticket.stated_problem", optional_words(&ticket.stated_problem));
        let tags = parse_tags(&ticket.tags, "ticket.tags", &mut violations);
        let fields = custom_field::values(ticket.fields, "ticket.fields", &mut violations);
        let matter = match ticket.matter {
            None => Some(None),
            Some(matter) => parse_matter(matter, &mut violations).map(Some),
        };
        let new = || {
            Some(NewTicket {
                customer: customer?,
                kind: kind?,
                priority: priority?,
                title: title?,
                stated_problem: stated_problem?,
                tags: tags?,
                fields: fields?,
                matter: matter?,
                follow_up_of: None,
            })
        };
        let new = new();
        violations.finish(new.map(Self))
    }
}

fn parse_matter(matter: pb::Matter, violations: &mut Violations) -> Option<Matter> {
    let pb::Matter { kind, subject, version } = matter;
    let kind = violations.take("ticket.matter.kind", text::word(&kind, '_', MAX_MATTER_BYTES));
    let subject = violations.take("ticket.matter.subject", text::required_line(&subject, MAX_MATTER_BYTES));
    let version = violations.take("ticket.matter.version", text::line(&version, MAX_MATTER_BYTES));
    Some(Matter { kind: kind?, subject: subject?, version: version? })
}

impl TryFrom<pb::UpdateTicketRequest> for UpdateTicket {
    type Error = Error;

    fn try_from(request: pb::UpdateTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(ticket) = violations.required("ticket", request.ticket) else { return Err(violations.into()) };
        let id = violations.take("ticket.name", parse_name(COLLECTION, &ticket.name));
        let etag = violations.take("ticket.etag", Etag::parse(&ticket.etag));
        let is_set = |path: &str| match path {
            "title" => !ticket.title.is_empty(),
            "kind" => ticket.kind != 0,
            "priority" => ticket.priority != 0,
            "tags" => !ticket.tags.is_empty(),
            _ => !ticket.fields.is_empty(),
        };
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut violations);
        let mut edit = Edit::default();
        for path in paths {
            match path {
                "title" => {
                    edit.title = violations.take("ticket.title", text::required_line(&ticket.title, MAX_LINE_CHARS));
                }
                "kind" => edit.kind = violations.take("ticket.kind", parse_kind(ticket.kind)),
                "priority" => edit.priority = violations.take("ticket.priority", parse_priority(ticket.priority)),
                "tags" => edit.tags = parse_tags(&ticket.tags, "ticket.tags", &mut violations),
                _ => edit.fields = custom_field::values(ticket.fields.clone(), "ticket.fields", &mut violations),
            }
        }
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, edit }))
    }
}

/// Words of the company's, in alphabetical order, each once.
pub fn parse_tags(given: &[String], field: &str, violations: &mut Violations) -> Option<Vec<String>> {
    if given.len() > MAX_TAGS {
        violations.add(field, Invalid::new("TAGS_TOO_MANY", format!("{MAX_TAGS} at most")));
        return None;
    }
    let tag =
        |(at, tag): (usize, &String)| violations.take(format!("{field}[{at}]"), text::word(tag, '-', MAX_TAG_BYTES));
    let parsed: Vec<Option<String>> = given.iter().enumerate().map(tag).collect();
    let parsed: Option<BTreeSet<String>> = parsed.into_iter().collect();
    parsed.map(|parsed| parsed.into_iter().collect())
}

impl TryFrom<pb::AssignTicketRequest> for AssignTicket {
    type Error = Error;

    fn try_from(request: pb::AssignTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let assignee = match request.assignee.as_str() {
            "" => Some(None),
            name => violations.take("assignee", parse_name(STAFF_MEMBERS, name)).map(Some),
        };
        let reason = violations.take("override_reason", text::line(&request.override_reason, MAX_LINE_CHARS));
        let command = ids.zip(assignee).zip(reason).map(|(((id, etag), assignee), reason)| Self {
            id,
            etag,
            assignee,
            override_reason: (!reason.is_empty()).then_some(reason),
        });
        violations.finish(command)
    }
}

impl TryFrom<pb::ResolveTicketRequest> for ResolveTicket {
    type Error = Error;

    fn try_from(request: pb::ResolveTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let root = read_root_problem(request.root_problem.as_ref(), "root_problem", &mut violations);
        let note = violations.take("note", words(&request.note));
        let command =
            ids.zip(root).zip(note).map(|(((id, etag), root_problem), note)| Self { id, etag, root_problem, note });
        violations.finish(command)
    }
}

/// The problem as it turned out to be. Faults are noted.
pub fn read_root_problem(
    given: Option<&pb::RootProblem>,
    field: &str,
    violations: &mut Violations,
) -> Option<RootProblem> {
    let root = violations.required(field, given)?;
    let cause = violations.take(format!("{field}.cause"), parse_cause(root.cause));
    let description = violations.take(format!("{field}.description"), words(&root.description));
    let rule = violations.take(format!("{field}.handbook_rule"), text::line(&root.handbook_rule, MAX_LINE_CHARS));
    let rule = rule.map(|rule| (!rule.is_empty()).then_some(rule));
    if rule.as_ref().is_some_and(Option::is_some) && cause.is_some_and(|cause| cause != Cause::Policy) {
        let fault = Invalid::new("HANDBOOK_RULE_OF_POLICY", "is named when our own policy is the cause (TK14)");
        violations.add(format!("{field}.handbook_rule"), fault);
    }
    Some(RootProblem { cause: cause?, description: description?, rule: rule? })
}

impl TryFrom<pb::ReopenTicketRequest> for ReopenTicket {
    type Error = Error;

    fn try_from(request: pb::ReopenTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let text = violations.take("text", words(&request.text));
        violations.finish(ids.zip(text).map(|((id, etag), text)| Self { id, etag, text }))
    }
}

impl TryFrom<pb::CancelTicketRequest> for CancelTicket {
    type Error = Error;

    fn try_from(request: pb::CancelTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let reason = violations.take("reason", parse_cancel_reason(request.reason));
        violations.finish(ids.zip(reason).map(|((id, etag), reason)| Self { id, etag, reason }))
    }
}

/// What the customer says by link; it may be nothing where that is `optional`. Shorter than what staff may write, so that a conversation stays
/// within an answer.
pub fn by_link(optional: bool, given: &str) -> Result<String, Error> {
    let parsed = if given.chars().count() > MAX_LINK_TEXT_CHARS {
        Err(Invalid::new("TEXT_TOO_LONG", format!("has {MAX_LINK_TEXT_CHARS} characters at most")))
    } else if optional {
        optional_words(given)
    } else {
        words(given)
    };
    parsed.map_err(|invalid| Error::invalid_field("text", invalid))
}

/// Reads a tier that has to be given.
pub fn read_tier(given: i32) -> Result<Tier, Invalid> {
    match pb_ticket::Tier::try_from(given) {
        Ok(pb_ticket::Tier::Unspecified) => Err(required()),
        Ok(pb_ticket::Tier::Standard) => Ok(Tier::Standard),
        Ok(pb_ticket::Tier::Loyal) => Ok(Tier::Loyal),
        Ok(pb_ticket::Tier::Vip) => Ok(Tier::Vip),
        Err(_) => Err(Invalid::new("TIER_UNKNOWN", "has to be a known value")),
    }
}

spoken_enums! {
    read_kind Kind = pb_ticket::Kind, "KIND_UNKNOWN", Question, Problem, ComplaintService, ComplaintStaff, Return, Repair, Billing,
        Delivery, IdeaFromCustomer, Proactive, Presale;
    read_priority Priority = pb_ticket::Priority, "PRIORITY_UNKNOWN", Low, Normal, High, Urgent;
    parse_state State = pb_ticket::State, "STATE_UNKNOWN", New, Open, PendingCustomer, PendingDepartment,
        PendingExternal, Scheduled, Resolved, Closed, Canceled, Merged;
    read_cancel_reason CancelReason = pb_ticket::CancelReason, "CANCEL_REASON_UNKNOWN", ByCustomer, Duplicate, Spam;
    read_cause Cause = root_problem::Cause, "CAUSE_UNKNOWN", Product, Carrier, Fulfilment, Payment, Information, Policy, Staff, Customer,
        Other;
    read_visibility Visibility = pb_message::Visibility, "VISIBILITY_UNKNOWN", Public, Internal;
    read_author Author = pb_message::Author, "AUTHOR_UNKNOWN", Staff, Customer, System;
    read_medium Medium = pb_message::Medium, "MEDIUM_UNKNOWN", Text, PhoneCall, Email, Web, Sms, Messaging, Social,
        SocialPost;
}

/// Reads a kind that has to be given.
pub fn parse_kind(given: i32) -> Result<Kind, Invalid> {
    read_kind(given)?.ok_or_else(required)
}

/// The value of a kind in the contract.
pub fn proto_kind(kind: Kind) -> i32 {
    pb_ticket::Kind::from(kind).into()
}

/// The value of a priority in the contract.
pub fn proto_priority(priority: Priority) -> i32 {
    pb_ticket::Priority::from(priority).into()
}

/// Unspecified is the usual one.
pub fn parse_priority(given: i32) -> Result<Priority, Invalid> {
    Ok(read_priority(given)?.unwrap_or(Priority::Normal))
}

/// Reads a reason that has to be given.
pub fn parse_cancel_reason(given: i32) -> Result<CancelReason, Invalid> {
    read_cancel_reason(given)?.ok_or_else(required)
}

pub(crate) fn parse_cause(given: i32) -> Result<Cause, Invalid> {
    read_cause(given)?.ok_or_else(required)
}

/// Reads a visibility that has to be given.
pub fn parse_visibility(given: i32) -> Result<Visibility, Invalid> {
    read_visibility(given)?.ok_or_else(required)
}

/// Unspecified is staff; the system speaks for itself.
pub fn parse_author(given: i32) -> Result<Author, Invalid> {
    match read_author(given)? {
        None => Ok(Author::Staff),
        Some(Author::System) => Err(Invalid::new("AUTHOR_SYSTEM", "is staff or the customer")),
        Some(author) => Ok(author),
    }
}

/// Unspecified is text.
pub fn parse_medium(given: i32) -> Result<Medium, Invalid> {
    Ok(read_medium(given)?.unwrap_or(Medium::Text))
}
