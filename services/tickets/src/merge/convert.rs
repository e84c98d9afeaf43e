//! Merges and splits from the contract.

use seva_proto::tickets::v1 as pb;
use seva_runtime::{Error, Violations};
use seva_store::Etag;
use seva_values::{Invalid, parse_name, text};
use uuid::Uuid;

use super::commands::{MergeTicket, SplitTicket, UnmergeTicket};
use crate::ticket::{
    convert::{MAX_LINE_CHARS, optional_words, read_kind, which},
    model::COLLECTION,
};

/// Messages that one split takes at most.
const MAX_TAKEN: usize = 100;

impl TryFrom<pb::MergeTicketRequest> for MergeTicket {
    type Error = Error;

    fn try_from(request: pb::MergeTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let target = violations.take("target", parse_name(COLLECTION, &request.target));
        let target_etag = violations.take("target_etag", Etag::parse(&request.target_etag));
        let reason = text::line(&request.across_customers_reason, MAX_LINE_CHARS);
        let reason = violations.take("across_customers_reason", reason);
        if target.is_some() && target == ids.as_ref().map(|(source, _)| *source) {
            violations.add("target", Invalid::new("TICKET_THE_SAME", "has to be another ticket"));
        }
        let command = || {
            let (source, etag) = ids?;
            Some(Self { source, etag, target: target?, target_etag: target_etag?, across_customers_reason: reason? })
        };
        let command = command();
        violations.finish(command)
    }
}

impl TryFrom<pb::UnmergeTicketRequest> for UnmergeTicket {
    type Error = Error;

    fn try_from(request: pb::UnmergeTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        violations.finish(ids.map(|(source, etag)| Self { source, etag }))
    }
}

impl TryFrom<pb::SplitTicketRequest> for SplitTicket {
    type Error = Error;

    fn try_from(request: pb::SplitTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        if request.messages.is_empty() || request.messages.len() > MAX_TAKEN {
            violations.add("messages", Invalid::new("MESSAGES_COUNT", format!("has to be 1 to {MAX_TAKEN}")));
        }
        let mut messages = Vec::with_capacity(request.messages.len().min(MAX_TAKEN));
        for (at, name) in request.messages.iter().enumerate().take(MAX_TAKEN) {
            messages.extend(violations.take(format!("messages[{at}]"), message(&request.name, name)));
        }
        messages.sort_unstable();
        messages.dedup();
        let title = violations.take("title", text::required_line(&request.title, MAX_LINE_CHARS));
        let stated_problem = violations.take("stated_problem", optional_words(&request.stated_problem));
        let kind = violations.take("kind", read_kind(request.kind));
        let command = || {
            let (id, etag) = ids?;
            Some(Self { id, etag, messages, title: title?, stated_problem: stated_problem?, kind: kind? })
        };
        let command = command();
        violations.finish(command)
    }
}

/// Reads the name of a message of this ticket.
fn message(ticket: &str, name: &str) -> Result<Uuid, Invalid> {
    let id = name.strip_prefix(ticket).and_then(|rest| rest.strip_prefix("/messages/"));
    let id = id.and_then(|id| Uuid::try_parse(id).ok());
    id.ok_or_else(|| Invalid::new("MESSAGE_FOREIGN", "has to be the name of a message of this ticket"))
}
