//! What a customer is given to make up for something.

use seva_proto::tickets::v1::{CompensationGrantEvent, compensation_grant::Kind};
use seva_store::Fault;

use super::{About, money, news_of_ticket, silent};
use crate::{
    notification::{milestone::Topic, plan::News},
    template::{Variable, Variables},
};

/// Of all events of grants.
pub const PREFIX: &str = "seva.tickets.compensation_grant.";

/// Reads one event. What is given for a return is told by the return, and what is taken back by its invoice.
///
/// # Errors
/// An event without a customer.
pub fn hear(about: &About, event: CompensationGrantEvent) -> Result<News, Fault> {
    let kind = event.kind();
    let makes_up_for_something = event.return_case.is_empty() && event.reverses.is_empty();
    let key = match about.kind.strip_prefix(PREFIX) {
        Some("issued.v1") if makes_up_for_something => "compensation_issued",
        // Money that was paid back is told by its invoice.
        Some("settled.v1") if makes_up_for_something && kind != Kind::Refund => "compensation_settled",
        // What is on its way does not come.
        Some("settled.v1" | "failed.v1") => return silent(about, &event.customer, Some(Topic::Compensation)),
        _ => return silent(about, &event.customer, None),
    };
    let mut variables = Variables::new().with_known("amount", money(event.amount));
    if let Some(given) = given(kind) {
        variables.insert(given, Variable::Text(given.to_owned()));
    }
    news_of_ticket(key, about, [&event.customer, &event.ticket], String::new(), variables)
}

/// The variable by which the text says what is given.
const fn given(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Unspecified => None,
        Kind::Refund => Some("refund"),
        Kind::Credit => Some("credit"),
        Kind::Coupon => Some("coupon"),
        Kind::FreeShipping => Some("free_shipping"),
        Kind::Gift => Some("gift"),
        Kind::Upgrade => Some("upgrade"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::{CUSTOMER, about, told_of};

    fn a_grant(kind: Kind) -> CompensationGrantEvent {
        CompensationGrantEvent {
            customer: CUSTOMER.to_owned(),
            ticket: "tickets/one".to_owned(),
            kind: kind.into(),
            ..CompensationGrantEvent::default()
        }
    }

    fn told(act: &str, event: CompensationGrantEvent) -> Option<&'static str> {
        told_of(hear(&about(&format!("{PREFIX}{act}.v1")), event).unwrap()).map(|(key, _)| key)
    }

    #[test]
    fn a_customer_is_told_what_they_are_given_and_when_they_have_it() {
        assert_eq!(told("issued", a_grant(Kind::Refund)), Some("compensation_issued"));
        assert_eq!(told("issued", a_grant(Kind::Gift)), Some("compensation_issued"));
        assert_eq!(told("settled", a_grant(Kind::Coupon)), Some("compensation_settled"));
        assert_eq!(told("settled", a_grant(Kind::Refund)), None, "its invoice tells of it");
        for act in ["approved_in_limit", "awaiting_approval", "approved", "rejected", "expired", "failed"] {
            assert_eq!(told(act, a_grant(Kind::Credit)), None, "{act}");
        }
    }

    #[test]
    fn what_settles_a_return_or_is_taken_back_is_not_told_as_a_present() {
        let of_return = CompensationGrantEvent { return_case: "returnCases/one".to_owned(), ..a_grant(Kind::Credit) };
        let back = CompensationGrantEvent { reverses: "compensationGrants/one".to_owned(), ..a_grant(Kind::Credit) };
        for event in [of_return, back] {
            assert_eq!(told("issued", event.clone()), None);
            assert_eq!(told("settled", event), None);
        }
    }
}
