use seva_proto::common::v1::Channel;

use super::*;
use crate::{
    events::tests::{self, CUSTOMER, told_of},
    notification::milestone::{MILESTONES, Source},
};

fn about(kind: &str) -> About {
    tests::about(&format!("{PREFIX}{kind}.v1"))
}

fn a_ticket() -> TicketEvent {
    TicketEvent {
        customer: CUSTOMER.to_owned(),
        number: "1000017".to_owned(),
        resolution: 2,
        verification_attempts: 3,
        reopen_count: 4,
        message: "tickets/one/messages/five".to_owned(),
        message_author: Author::Staff.into(),
        message_visibility: Visibility::Public.into(),
        ..TicketEvent::default()
    }
}

fn told(kind: &str, event: &TicketEvent) -> Option<(&'static str, String)> {
    told_of(hear(about(kind), event).unwrap())
}

#[test]
fn each_event_that_matters_to_the_customer_is_told_with_its_own_occasion() {
    let verified = TicketEvent { closure: Closure::Verified.into(), ..a_ticket() };
    let unverified = TicketEvent { closure: Closure::Unverified.into(), ..a_ticket() };
    let wished = TicketEvent { cancel_reason: CancelReason::ByCustomer.into(), ..a_ticket() };
    let duplicate = TicketEvent { cancel_reason: CancelReason::Duplicate.into(), ..a_ticket() };
    let question = TicketEvent { state: State::PendingCustomer.into(), ..a_ticket() };
    let elsewhere = TicketEvent { state: State::PendingExternal.into(), ..a_ticket() };
    let expected = [
        ("created", &a_ticket(), "ticket_opened", ""),
        ("replied", &a_ticket(), "ticket_replied", "five"),
        ("pending", &question, "ticket_question", "five"),
        ("pending", &elsewhere, "ticket_replied", "five"),
        ("resolved", &a_ticket(), "ticket_resolved", "2"),
        ("verification_requested", &a_ticket(), "ticket_asked_again", "2.3"),
        ("rejected", &a_ticket(), "ticket_reopened", "4"),
        ("reopened", &a_ticket(), "ticket_reopened", "4"),
        ("closed", &verified, "ticket_closed", "2"),
        ("closed", &unverified, "ticket_closed_unconfirmed", "2"),
        ("canceled", &wished, "ticket_canceled", ""),
        ("canceled", &duplicate, "ticket_canceled", ""),
    ];
    for (kind, event, milestone, occasion) in expected {
        assert_eq!(told(kind, event), Some((milestone, occasion.to_owned())), "{kind}");
        let listed = milestone::find(milestone).unwrap();
        assert!(listed.event_types.contains(&about(kind).kind.as_str()), "{kind} stands in the table at {milestone}");
    }
    let of_tickets = MILESTONES.iter().filter(|milestone| milestone.source == Source::Tickets);
    let of_tickets = of_tickets.filter(|milestone| milestone.event_types.iter().any(|kind| kind.starts_with(PREFIX)));
    for milestone in of_tickets {
        assert!(expected.iter().any(|(.., key, _)| *key == milestone.key), "{} is told of no event", milestone.key);
    }
}

#[test]
fn an_attempt_that_is_meant_for_another_channel_goes_by_mail() {
    for channel in [Channel::Email, Channel::Sms, Channel::Unspecified] {
        let asked = TicketEvent { verification_channel: channel.into(), ..a_ticket() };
        assert_eq!(told("verification_requested", &asked), Some(("ticket_asked_again", "2.3".to_owned())));
    }
}

#[test]
fn an_attempt_is_told_by_its_number_whatever_is_counted_since() {
    let asked = TicketEvent { verification_number: 4, verification_attempts: 1, ..a_ticket() };
    assert_eq!(told("verification_requested", &asked), Some(("ticket_asked_again", "2.4".to_owned())));
}

#[test]
fn what_a_rule_of_staff_says_to_the_customer_is_told_like_what_they_say() {
    let by_rule = TicketEvent { message_author: Author::System.into(), ..a_ticket() };
    assert_eq!(told("replied", &by_rule), told("replied", &a_ticket()));
    assert!(told("replied", &by_rule).is_some());
}

#[test]
fn what_is_among_us_and_what_the_customer_said_tells_the_customer_nothing() {
    let internal = TicketEvent { message_visibility: Visibility::Internal.into(), ..a_ticket() };
    let own = TicketEvent { message_author: Author::Customer.into(), ..a_ticket() };
    let renewing = TicketEvent { renewed_promise: "promises/one".to_owned(), ..a_ticket() };
    let spam = TicketEvent { cancel_reason: CancelReason::Spam.into(), ..a_ticket() };
    for (kind, event) in [
        ("replied", &internal),
        ("replied", &own),
        // It is told with its new day.
        ("replied", &renewing),
        ("pending", &internal),
        ("canceled", &spam),
        ("closed", &a_ticket()),
        ("assigned", &a_ticket()),
        ("unassigned", &a_ticket()),
        ("updated", &a_ticket()),
        // A person calls then.
        ("verification_undelivered", &a_ticket()),
        ("imported", &a_ticket()),
        ("clock_breached", &a_ticket()),
        ("something_of_tomorrow", &a_ticket()),
    ] {
        assert_eq!(told(kind, event), None, "{kind}");
    }
}

#[test]
fn an_event_of_any_type_says_what_its_state_makes_untrue() {
    let event = TicketEvent { state: State::Open.into(), ..a_ticket() };

    let News { said, fact } = hear(about("something_of_tomorrow"), &event).unwrap();

    assert!(fact.is_none());
    let topics: Vec<Topic> = said.iter().map(|(matter, _)| matter.topic).collect();
    assert_eq!(topics, [Topic::TicketQuestion, Topic::TicketSolved, Topic::TicketEnd]);
    assert!(said.iter().all(|(matter, standing)| matter.subject == "tickets/one" && standing.sequence == 7));
}

#[test]
fn an_event_without_its_customer_can_never_be_applied() {
    let nobody = TicketEvent { customer: String::new(), ..a_ticket() };

    assert!(hear(about("created"), &nobody).unwrap_err().is_permanent());
}
