use prost::Message;
use seva_proto::{
    customers::v1::Order,
    notifications::v1::{Notification, notification::State},
    tickets::v1::{Matter, ticket},
};
use seva_runtime::clock::machine_now;
use seva_values::new_id;

use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn event(kind: &str, subject: &str, payload: &impl Message) -> Arc<Event> {
    Arc::new(Event {
        event_id: new_id(),
        kind: kind.to_owned(),
        source: "//somebody".to_owned(),
        subject: subject.to_owned(),
        sequence: 5,
        occurred_at: machine_now(),
        recorded_at: machine_now(),
        actor: "user:asha".to_owned(),
        correlation_id: "a story".to_owned(),
        causation_id: "a request".to_owned(),
        hops: 2,
        schema_version: 1,
        traceparent: None,
        payload: payload.encode_to_vec().into(),
        feed_no: 1,
    })
}

fn a_ticket() -> TicketEvent {
    TicketEvent {
        ticket: format!("tickets/{ID}"),
        customer: format!("customers/{ID}"),
        resolver: format!("staffMembers/{ID}"),
        closure: Closure::Verified.into(),
        ..TicketEvent::default()
    }
}

fn heard(kind: &str, ticket: &TicketEvent) -> Heard {
    hear(&[event(&format!("seva.tickets.ticket.{kind}.v1"), &ticket.ticket, ticket)]).unwrap()
}

#[test]
fn a_delivery_is_an_occasion_unless_something_later_was_known() {
    let order = Some(Order { customer: format!("customers/{ID}"), ..Order::default() });
    for (overtaken, occasions) in [(false, 1), (true, 0)] {
        let payload = OrderEvent { order: order.clone(), overtaken, ..OrderEvent::default() };
        let heard = hear(&[event(ORDER_DELIVERED, &format!("orders/{ID}"), &payload)]).unwrap();
        assert_eq!(heard.occasions.len(), occasions);
    }
}

#[test]
fn only_a_ticket_that_the_customer_calls_solved_is_an_occasion() {
    let verified = heard("closed", &a_ticket());
    let [occasion] = verified.occasions.as_slice() else { panic!("{verified:?}") };
    assert_eq!(occasion.staff_member, ID.parse().ok(), "SU10: whoever resolved it");
    assert!(!occasion.from_low_score);

    let unverified = TicketEvent { closure: Closure::Unverified.into(), ..a_ticket() };
    assert!(heard("closed", &unverified).occasions.is_empty());
    for kind in ["created", "resolved", "updated", "canceled"] {
        assert!(heard(kind, &a_ticket()).occasions.is_empty(), "{kind}");
    }
}

#[test]
fn a_ticket_of_a_low_score_speaks_to_its_cases_and_is_marked() {
    let matter = Matter { kind: LOW_SCORE.to_owned(), subject: format!("responses/{ID}"), version: String::new() };
    let ticket = TicketEvent { matter: Some(matter), ..a_ticket() };
    let closed = heard("closed", &ticket);
    assert!(closed.occasions.iter().all(|occasion| occasion.from_low_score));
    assert_eq!(closed.words.first().map(|word| word.act), Some(Some(TicketAct::ClosedVerified)));

    let said = |visibility: Visibility, author: Author| TicketEvent {
        message_visibility: visibility.into(),
        message_author: author.into(),
        ..ticket.clone()
    };
    for (kind, ticket, act) in [
        ("created", ticket.clone(), None),
        ("assigned", ticket.clone(), Some(TicketAct::Assigned)),
        ("replied", said(Visibility::Public, Author::Staff), Some(TicketAct::Answered)),
        ("pending", said(Visibility::Public, Author::Staff), Some(TicketAct::Answered)),
        ("replied", said(Visibility::Internal, Author::Staff), None),
        ("replied", said(Visibility::Public, Author::Customer), None),
        ("resolved", ticket.clone(), Some(TicketAct::Resolved)),
        ("rejected", ticket.clone(), Some(TicketAct::Disputed)),
        ("reopened", ticket.clone(), Some(TicketAct::Disputed)),
        ("canceled", ticket.clone(), Some(TicketAct::Canceled)),
        ("clock_breached", ticket.clone(), None),
    ] {
        assert_eq!(heard(kind, &ticket).words.first().map(|word| word.act), Some(act), "{kind}");
    }
    let other = heard("closed", &a_ticket());
    assert_eq!(other.words.first().map(|word| word.response), Some(None), "a ticket of another matter");
    assert!(heard("updated", &a_ticket()).words.is_empty(), "nothing that a case minds");

    let merged_into = "tickets/01956f00-0000-7000-8000-000000000001".to_owned();
    let merged = heard("merged", &TicketEvent { state: ticket::State::Merged.into(), merged_into, ..a_ticket() });
    assert!(merged.words.first().is_some_and(|word| word.carried_by.is_some()));
    assert!(
        merged.occasions.is_empty() && !merged.tickets[0].is_open,
        "nobody is asked about what is carried on elsewhere"
    );
    assert!(heard("unmerged", &a_ticket()).tickets[0].is_open);
}

#[test]
fn what_was_opened_again_or_canceled_is_called_off() {
    assert_eq!(heard("reopened", &a_ticket()).called_off.len(), 1);
    for kind in [ORDER_CANCELED, ORDER_UNAVAILABLE] {
        let heard = hear(&[event(kind, &format!("orders/{ID}"), &OrderEvent::default())]).unwrap();
        assert_eq!(heard.called_off.len(), 1, "{kind}");
    }
}

#[test]
fn types_that_are_not_known_say_nothing_and_a_broken_payload_is_refused() {
    let nothing = hear(&[event("seva.customers.loyalty.grown.v9", "x", &OrderEvent::default())]).unwrap();
    assert!(nothing.occasions.is_empty() && nothing.recipients.is_empty());

    let broken = event(ORDER_DELIVERED, &format!("orders/{ID}"), &OrderEvent::default());
    assert!(hear(&[broken]).unwrap_err().is_permanent(), "an order of nobody");
}

#[test]
fn mail_with_an_invitation_was_sent_or_was_not_or_nobody_knows() {
    let said = |subject: &str, state: State, reason: DecisionReason| {
        let notification = Notification {
            subject: subject.to_owned(),
            state: state.into(),
            reason: reason.into(),
            ..Notification::default()
        };
        let payload = NotificationEvent { notification: Some(notification) };
        let mail = hear_mail(&[event("seva.notifications.notification.x.v1", "notifications/1", &payload)]).unwrap();
        mail.first().map(|mail| mail.happening)
    };
    let invitation = format!("invitations/{ID}");
    for (state, reason, expected) in [
        (State::Queued, DecisionReason::Accepted, None),
        (State::Deferred, DecisionReason::OutsideHours, None),
        (State::Sent, DecisionReason::HandedOver, Some(Happening::Sent)),
        (State::Skipped, DecisionReason::NoConsent, Some(Happening::Undeliverable)),
        (State::Expired, DecisionReason::TooLate, Some(Happening::Undeliverable)),
        (State::Canceled, DecisionReason::Canceled, Some(Happening::Undeliverable)),
        (State::Failed, DecisionReason::BadAddress, Some(Happening::Undeliverable)),
        (State::Failed, DecisionReason::Ambiguous, None),
    ] {
        assert_eq!(said(&invitation, state, reason), expected, "{state:?}");
    }
    assert_eq!(said(&format!("orders/{ID}"), State::Sent, DecisionReason::HandedOver), None);
}
