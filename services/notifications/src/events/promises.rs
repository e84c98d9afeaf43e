//! What becomes of promises. Whatever staff say with it is told by its ticket; a day that has moved and a promise that was broken are told here.

use seva_proto::tickets::v1::PromiseEvent;
use seva_store::{Fault, event::timestamp};

use super::{About, news_of_ticket, silent};
use crate::{
    notification::{milestone::Topic, plan::News},
    template::{Variable, Variables},
};

/// Of all events of promises.
pub const PREFIX: &str = "seva.tickets.promise.";

/// Reads one event.
///
/// # Errors
/// An event without a customer.
pub fn hear(about: &About, event: &PromiseEvent) -> Result<News, Fault> {
    let (key, occasion) = match about.kind.strip_prefix(PREFIX) {
        Some("renewed.v1") => ("promise_renewed", event.renewals.to_string()),
        Some("broken.v1") => ("promise_broken", String::new()),
        // It was kept after all, is not wanted any more, or somebody has said in their own words that we are sorry.
        Some("kept.v1" | "withdrawn.v1" | "apologized.v1") => {
            return silent(about, &event.customer, Some(Topic::Promise));
        }
        _ => return silent(about, &event.customer, None),
    };
    let variables = Variables::new().with_known("due_date", timestamp(event.due_time).map(Variable::DayOf));
    news_of_ticket(key, about, [&event.customer, &event.ticket], occasion, variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::{CUSTOMER, about, told_of};

    #[test]
    fn a_customer_is_told_of_a_day_that_has_moved_and_of_a_promise_that_was_broken() {
        let event = PromiseEvent { customer: CUSTOMER.to_owned(), renewals: 2, ..PromiseEvent::default() };
        let told = |act: &str| told_of(hear(&about(&format!("{PREFIX}{act}.v1")), &event).unwrap());
        assert_eq!(told("renewed"), Some(("promise_renewed", "2".to_owned())));
        assert_eq!(told("broken"), Some(("promise_broken", String::new())));
        for act in ["made", "kept", "apologized", "withdrawn", "assigned", "tomorrow"] {
            assert_eq!(told(act), None, "{act}");
        }
    }

    #[test]
    fn what_was_kept_or_apologized_for_takes_back_what_waits_and_another_owner_does_not() {
        let event = PromiseEvent { customer: CUSTOMER.to_owned(), ..PromiseEvent::default() };
        for (act, topics) in [("kept", 1), ("apologized", 1), ("withdrawn", 1), ("made", 0), ("assigned", 0)] {
            assert_eq!(hear(&about(&format!("{PREFIX}{act}.v1")), &event).unwrap().said.len(), topics, "{act}");
        }
    }
}
