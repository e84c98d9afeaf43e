//! The tickets service's events: what its customer is told, and what a ticket's state makes untrue.
//!
//! Every event carries the ticket's whole state, so each of them, whatever its type, says what may still be told (NO4): "is it solved?" is asked
//! only while it is resolved, an answer is asked for only while the ticket waits for the customer.

use seva_proto::tickets::v1::{
    TicketEvent,
    message::{Author, Visibility},
    ticket::{CancelReason, Closure, State},
};
use seva_store::Fault;
use seva_values::parse_name;

use super::{About, Told, malformed, news};
use crate::{
    notification::{
        milestone::{self, Topic},
        plan::News,
    },
    template::{Variable, Variables},
};

/// Of all events that carry a ticket's state.
pub const PREFIX: &str = "seva.tickets.ticket.";

/// Whether an event of this type is the first of its ticket.
pub fn is_first(kind: &str) -> bool {
    matches!(kind.strip_prefix(PREFIX), Some("created.v1" | "imported.v1"))
}

/// Reads one event.
///
/// # Errors
/// An event without a customer.
pub fn hear(about: About, event: &TicketEvent) -> Result<News, Fault> {
    let customer = parse_name("customers", &event.customer).map_err(malformed)?;
    let settled = about.settled(customer, untrue_in(event.state()));
    let Some((key, occasion)) = milestone_of(&about.kind, event) else { return Ok(News { said: settled, fact: None }) };
    let milestone = milestone::find(key).expect("the table of milestones has each of these");
    let variables = Variables::new().with("ticket_number", Variable::Code(event.number.clone()));
    let told = Told { customer, subject: about.subject.clone(), ticket: None, occasion, overtaken: false, variables };
    let News { mut said, fact } = news(milestone, &about, told);
    said.extend(settled);
    Ok(News { said, fact })
}

/// What must no longer be said once a ticket stands so.
const fn untrue_in(state: State) -> &'static [Topic] {
    match state {
        State::Unspecified => &[],
        State::New | State::Open | State::PendingDepartment | State::PendingExternal | State::Scheduled => {
            &[Topic::TicketQuestion, Topic::TicketSolved, Topic::TicketEnd]
        }
        State::PendingCustomer => &[Topic::TicketSolved, Topic::TicketEnd],
        State::Resolved => &[Topic::TicketCarried, Topic::TicketQuestion, Topic::TicketEnd],
        State::Closed | State::Canceled | State::Merged => {
            &[Topic::TicketCarried, Topic::TicketReply, Topic::TicketQuestion, Topic::TicketSolved]
        }
    }
}

/// The milestone that an event reports, and which occasion of it: each message, each resolution and each attempt is one of its own.
fn milestone_of(kind: &str, event: &TicketEvent) -> Option<(&'static str, String)> {
    // By staff, or by a rule of theirs.
    let is_by_us_for_the_customer = event.message_visibility() == Visibility::Public
        && matches!(event.message_author(), Author::Staff | Author::System);
    let told = match kind.strip_prefix(PREFIX)? {
        "created.v1" => ("ticket_opened", String::new()),
        // What gives a promise another day is told with that day, as `promise_renewed`.
        "replied.v1" if is_by_us_for_the_customer && event.renewed_promise.is_empty() => {
            ("ticket_replied", message_id(event))
        }
        "pending.v1" if is_by_us_for_the_customer && event.state() == State::PendingCustomer => {
            ("ticket_question", message_id(event))
        }
        // They are told whom or what we wait for.
        "pending.v1" if is_by_us_for_the_customer => ("ticket_replied", message_id(event)),
        "resolved.v1" => ("ticket_resolved", event.resolution.to_string()),
        // Whichever channel it is meant for: there is mail alone so far, and mail is better than silence.
        "verification_requested.v1" => ("ticket_asked_again", format!("{}.{}", event.resolution, number_of(event))),
        "rejected.v1" | "reopened.v1" => ("ticket_reopened", event.reopen_count.to_string()),
        "closed.v1" => match event.closure() {
            Closure::Verified => ("ticket_closed", event.resolution.to_string()),
            Closure::Unverified => ("ticket_closed_unconfirmed", event.resolution.to_string()),
            Closure::Unspecified => return None,
        },
        // Who sends spam is not told what we do with it.
        "canceled.v1" if event.cancel_reason() != CancelReason::Spam => ("ticket_canceled", String::new()),
        _ => return None,
    };
    Some(told)
}

/// Which attempt about its resolution it is: by its number, as what reached nobody is no longer counted. Earlier events say how many there were,
/// which was the same.
fn number_of(event: &TicketEvent) -> i32 {
    if event.verification_number > 0 { event.verification_number } else { event.verification_attempts }
}

/// The last part of `tickets/{ticket}/messages/{id}`.
fn message_id(event: &TicketEvent) -> String {
    event.message.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
