//! What is read from the feed of notifications.

use std::sync::Arc;

use prost::Message as _;
use seva_proto::{
    notifications::v1::{DecisionReason, Notification, NotificationEvent, notification},
    tickets::v1 as pb,
};
use seva_runtime::clock::machine_now;
use seva_store::Event;
use seva_values::new_id;
use uuid::Uuid;

use super::{
    consumer::hear,
    model::{Asked, Delivery, Heard, State, Told},
};

const ID: Uuid = Uuid::from_u128(7);
const MESSAGE: Uuid = Uuid::from_u128(8);

fn event(kind: &str, notification: Notification) -> Arc<Event> {
    Arc::new(Event {
        event_id: new_id(),
        kind: kind.to_owned(),
        source: "//notifications".to_owned(),
        subject: notification.name.clone(),
        sequence: 5,
        occurred_at: machine_now(),
        recorded_at: machine_now(),
        actor: "worker:dispatch".to_owned(),
        correlation_id: "a story".to_owned(),
        causation_id: "an event".to_owned(),
        hops: 2,
        schema_version: 1,
        traceparent: None,
        payload: NotificationEvent { notification: Some(notification) }.encode_to_vec().into(),
        feed_no: 1,
    })
}

fn a_mail(milestone: &str, subject: &str, occasion: &str) -> Notification {
    Notification {
        name: format!("notifications/{ID}"),
        milestone: milestone.to_owned(),
        subject: subject.to_owned(),
        occasion: occasion.to_owned(),
        state: notification::State::Skipped.into(),
        reason: DecisionReason::NoContactPoint.into(),
        ..Notification::default()
    }
}

fn heard(mail: Notification) -> Option<Heard> {
    hear(&[event("seva.notifications.notification.decided.v1", mail)]).unwrap().pop()
}

#[test]
fn a_mail_tells_of_a_message_and_may_ask_whether_it_is_solved() {
    let ticket = format!("tickets/{ID}");
    let promise = format!("promises/{ID}");
    let asked = |resolution, number| Some(Asked { ticket: ID, resolution, number });
    let id = Some(Told::Message(MESSAGE));
    let known_as = |word: String| Some(Told::As(word));
    let cases = [
        ("ticket_replied", &ticket, MESSAGE.to_string(), id.clone(), None),
        ("ticket_question", &ticket, MESSAGE.to_string(), id, None),
        ("ticket_resolved", &ticket, "2".to_owned(), known_as(format!("{ticket}/ticket_resolved/2")), asked(2, None)),
        ("ticket_asked_again", &ticket, "2.3".to_owned(), None, asked(2, Some(3))),
        ("promise_renewed", &promise, "1".to_owned(), known_as(format!("{promise}/promise_renewed/1")), None),
    ];
    for (milestone, subject, occasion, told, asked) in cases {
        let heard = heard(a_mail(milestone, subject, &occasion)).unwrap();
        assert_eq!((heard.told, heard.asked, heard.sequence), (told, asked, 5), "{milestone}");
        let Delivery { notification, state, reason, .. } = heard.delivery;
        assert_eq!((notification, state, reason.as_str()), (ID, State::Skipped, "no_contact_point"));
    }
}

#[test]
fn what_is_about_something_else_or_was_told_before_occasions_were_says_nothing() {
    let name = format!("tickets/{ID}");
    let ticket = name.as_str();
    for (milestone, subject, occasion) in [
        ("ticket_opened", ticket, ""),
        ("ticket_replied", ticket, ""),
        ("ticket_replied", ticket, "the first one"),
        ("ticket_resolved", ticket, ""),
        ("ticket_asked_again", ticket, ""),
        ("ticket_asked_again", ticket, "2"),
        ("ticket_asked_again", "tickets/one", "2.3"),
        ("ticket_closed", ticket, "2"),
        ("order_delivered", "orders/1", ""),
        ("something_of_tomorrow", ticket, "2"),
    ] {
        assert_eq!(heard(a_mail(milestone, subject, occasion)), None, "{milestone} {occasion}");
    }
    let unknown = Notification { state: 99, ..a_mail("ticket_replied", ticket, &MESSAGE.to_string()) };
    assert_eq!(heard(unknown), None, "a state of tomorrow");
    let other = event("seva.notifications.preference.changed.v1", a_mail("ticket_resolved", ticket, "2"));
    assert!(hear(&[other]).unwrap().is_empty());
}

#[test]
fn an_event_that_is_not_as_it_should_be_can_never_be_applied() {
    let nameless = Notification { name: String::new(), ..a_mail("ticket_resolved", &format!("tickets/{ID}"), "2") };
    let kind = "seva.notifications.notification.decided.v1";
    assert!(hear(&[event(kind, nameless)]).unwrap_err().is_permanent());
    let broken = Event { payload: vec![0xff].into(), ..Event::clone(&event(kind, Notification::default())) };
    assert!(hear(&[Arc::new(broken)]).unwrap_err().is_permanent());
}

/// TK148
#[test]
fn tk148_nobody_was_asked_by_what_was_not_sent_and_what_may_have_been_counts() {
    let delivery =
        |state, reason: &str| Delivery { notification: ID, state, reason: reason.to_owned(), at: machine_now() };
    for (state, reason, asked_nobody) in [
        (State::Queued, "accepted", false),
        (State::Deferred, "outside_hours", false),
        (State::Sending, "accepted", false),
        (State::Sent, "handed_over", false),
        (State::Skipped, "preference", true),
        (State::Superseded, "stale", false),
        (State::Expired, "too_late", true),
        (State::Canceled, "canceled", true),
        (State::Failed, "bad_address", true),
        (State::Failed, "ambiguous", false),
    ] {
        assert_eq!(delivery(state, reason).asked_nobody(), asked_nobody, "{state:?} {reason}");
    }
}

#[test]
fn each_reason_comes_back_from_where_it_is_kept_as_it_was() {
    for number in 0..100 {
        let Ok(reason) = DecisionReason::try_from(number) else { continue };
        let mail = Notification { reason: number, ..a_mail("ticket_resolved", &format!("tickets/{ID}"), "2") };
        assert_eq!(pb::Delivery::from(&heard(mail).unwrap().delivery).reason(), reason);
    }
    let unknown =
        Delivery { notification: ID, state: State::Failed, reason: "of tomorrow".to_owned(), at: machine_now() };
    assert_eq!(pb::Delivery::from(&unknown).reason(), DecisionReason::Unspecified);
}
