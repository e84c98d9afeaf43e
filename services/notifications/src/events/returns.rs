//! What becomes of returns: the steps at which a customer learns something, or has to do something.
//!
//! Each step stands on the ticket's page too, as a message of the system; of that message tickets tells no event, so it is told once.

use seva_proto::tickets::v1::{ReturnCaseEvent, return_case::Way};
use seva_store::Fault;

use super::{About, news_of_ticket, silent};
use crate::{
    notification::{milestone::Topic, plan::News},
    template::{Variable, Variables},
};

/// Of all events of returns.
pub const PREFIX: &str = "seva.tickets.return_case.";

/// Reads one event.
///
/// # Errors
/// An event without a customer.
pub fn hear(about: &About, event: &ReturnCaseEvent) -> Result<News, Fault> {
    let act = about.kind.strip_prefix(PREFIX).unwrap_or_default();
    let Some((key, occasion)) = milestone_of(act, event) else {
        return silent(about, &event.customer, makes_untrue(act).then_some(Topic::Return));
    };
    let word = |word: Option<&str>| word.map(|word| Variable::Text(word.to_owned()));
    let mut variables = Variables::new()
        .with("order_number", Variable::Code(event.order_number.clone()))
        .with("tracking_number", Variable::Code(event.tracking_number.clone()))
        .with_known("appealed", word(event.appealed.then_some("appealed")));
    if let Some(given) = given(event.settlement()) {
        variables.insert(given, Variable::Text(given.to_owned()));
    }
    news_of_ticket(key, about, [&event.customer, &event.ticket], occasion, variables)
}

/// The milestone that an event reports, and which occasion of it: what was declined is decided again once, and paying can fail more than once.
fn milestone_of(act: &str, event: &ReturnCaseEvent) -> Option<(&'static str, String)> {
    let decision = || if event.appealed { "appeal".to_owned() } else { String::new() };
    let told = match act {
        "requested.v1" => ("return_requested", String::new()),
        "approved.v1" => ("return_approved", decision()),
        "partly_approved.v1" => ("return_partly_approved", decision()),
        "declined.v1" => ("return_declined", decision()),
        "label_sent.v1" => ("return_label_sent", String::new()),
        "received.v1" => ("return_received", String::new()),
        // Money that was paid back is told by its invoice, with the amount.
        "settled.v1" if event.settlement() != Way::Refund => ("return_settled", String::new()),
        "settlement_failed.v1" => ("return_settlement_failed", event.version.to_string()),
        _ => return None,
    };
    Some(told)
}

/// Whether what was said before is untrue after a step that is not told.
fn makes_untrue(act: &str) -> bool {
    matches!(act, "appealed.v1" | "settling.v1" | "settled.v1" | "canceled.v1")
}

/// The variable by which the text says what is given.
const fn given(way: Way) -> Option<&'static str> {
    match way {
        Way::Unspecified | Way::Refund => None,
        Way::Exchange => Some("exchange"),
        Way::Repair => Some("repair"),
        Way::Credit => Some("credit"),
        Way::KeepItem => Some("keep_item"),
    }
}

#[cfg(test)]
mod tests {
    use seva_proto::tickets::v1::ReturnCaseEvent;

    use super::*;
    use crate::events::tests::{CUSTOMER, about, told_of};

    fn a_return() -> ReturnCaseEvent {
        ReturnCaseEvent {
            customer: CUSTOMER.to_owned(),
            ticket: "tickets/one".to_owned(),
            order_number: "A-1029".to_owned(),
            version: 5,
            ..ReturnCaseEvent::default()
        }
    }

    fn told(act: &str, event: &ReturnCaseEvent) -> Option<(&'static str, String)> {
        told_of(hear(&about(&format!("{PREFIX}{act}.v1")), event).unwrap())
    }

    #[test]
    fn a_customer_is_told_of_the_steps_of_a_return_that_say_something_to_them() {
        let appealed = ReturnCaseEvent { appealed: true, ..a_return() };
        let settled = |way: Way| ReturnCaseEvent { settlement: way.into(), ..a_return() };
        for (act, event, milestone, occasion) in [
            ("requested", &a_return(), "return_requested", ""),
            ("approved", &a_return(), "return_approved", ""),
            ("partly_approved", &a_return(), "return_partly_approved", ""),
            ("declined", &a_return(), "return_declined", ""),
            ("declined", &appealed, "return_declined", "appeal"),
            ("approved", &appealed, "return_approved", "appeal"),
            ("label_sent", &a_return(), "return_label_sent", ""),
            ("received", &a_return(), "return_received", ""),
            ("settled", &settled(Way::Credit), "return_settled", ""),
            ("settled", &settled(Way::KeepItem), "return_settled", ""),
            ("settlement_failed", &a_return(), "return_settlement_failed", "5"),
        ] {
            assert_eq!(told(act, event), Some((milestone, occasion.to_owned())), "{act}");
        }
        for act in ["under_review", "appealed", "in_transit", "inspected", "settling", "closed", "canceled", "tomorrow"]
        {
            assert_eq!(told(act, &a_return()), None, "{act}");
        }
        assert_eq!(told("settled", &settled(Way::Refund)), None, "its invoice tells of it");
    }

    #[test]
    fn what_is_told_names_the_ticket_and_what_is_given() {
        let event = ReturnCaseEvent { settlement: Way::Repair.into(), ..a_return() };
        let fact = hear(&about(&format!("{PREFIX}settled.v1")), &event).unwrap().fact.unwrap();
        assert_eq!(fact.ticket.as_deref(), Some("tickets/one"));
        assert!(fact.variables.known("repair").is_some() && fact.variables.known("credit").is_none());
        assert!(fact.variables.known("order_number").is_some() && fact.variables.known("tracking_number").is_none());
    }

    #[test]
    fn a_step_that_is_not_told_takes_back_what_it_makes_untrue_and_nothing_else() {
        for (act, topics) in [("canceled", 1), ("appealed", 1), ("settling", 1), ("under_review", 0), ("in_transit", 0)]
        {
            let News { said, fact } = hear(&about(&format!("{PREFIX}{act}.v1")), &a_return()).unwrap();
            assert!(fact.is_none());
            assert_eq!(said.len(), topics, "{act}");
        }
    }
}
