mod decisions;

use jiff::{SignedDuration, Timestamp};
use seva_runtime::call::Story;
use uuid::Uuid;

use super::{
    model::{Invitation, Occasion},
    state::{Happening, State, SuppressReason},
};
use crate::programme::{Programme, Trigger};

const STATES: [State; 8] = [
    State::Held,
    State::Queued,
    State::Sent,
    State::Started,
    State::Completed,
    State::Suppressed,
    State::Undeliverable,
    State::Expired,
];
const HAPPENINGS: [Happening; 7] = [
    Happening::Queued,
    Happening::Suppressed,
    Happening::Sent,
    Happening::Undeliverable,
    Happening::Started,
    Happening::Completed,
    Happening::Expired,
];

pub fn hour(number: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(number)
}

/// A programme that asks everybody an hour after a delivery.
pub fn a_programme(number: u128) -> Programme {
    Programme {
        id: Uuid::from_u128(number),
        version: 1,
        display_name: "How it came".to_owned(),
        survey_id: Uuid::from_u128(900),
        trigger: Trigger::OrderDelivered,
        delay: SignedDuration::from_hours(1),
        sampling_rate: 1.0,
        pause_between: SignedDuration::from_hours(24 * 90),
        lifetime: SignedDuration::from_hours(24 * 14),
        follow_low_scores: true,
        priority: 0,
        active: true,
        salt: vec![7; 32],
        created_at: hour(0),
        updated_at: hour(0),
    }
}

pub fn an_occasion(customer: u128, subject: &str, at: Timestamp) -> Occasion {
    Occasion {
        trigger: Trigger::OrderDelivered,
        customer: Uuid::from_u128(customer),
        subject: subject.to_owned(),
        sequence: 3,
        at,
        staff_member: None,
        from_low_score: false,
        story: Story::begun_by("a delivery"),
    }
}

/// An invitation of customer 1 that is held since hour 0 and due at hour 1.
pub fn held(number: u128, programme: &Programme) -> Invitation {
    let occasion = an_occasion(1, &format!("orders/{number}"), hour(0));
    Invitation::hold(Uuid::from_u128(number), programme, &occasion, hour(0)).after
}

// SU12: the whole table, as the README has it.
#[test]
fn an_invitation_goes_the_way_of_the_table() {
    use State::*;
    let never = None;
    let table = [
        (Held, [Some(Queued), Some(Suppressed), never, never, never, never, never]),
        (Queued, [never, never, Some(Sent), Some(Undeliverable), Some(Started), Some(Completed), Some(Expired)]),
        (Sent, [never, never, never, never, Some(Started), Some(Completed), Some(Expired)]),
        (Started, [never, never, Some(Started), never, never, Some(Completed), Some(Expired)]),
        (Completed, [never, never, Some(Completed), never, never, never, never]),
        (Suppressed, [never; 7]),
        (Undeliverable, [never; 7]),
        (Expired, [never; 7]),
    ];
    assert_eq!(table.len(), STATES.len());
    for (state, expected) in table {
        assert_eq!(HAPPENINGS.map(|happening| state.after(happening)), expected, "{state:?}");
        assert_eq!(state.after(Happening::Held), None, "it begins held, once");
    }
}

#[test]
fn names_of_states_are_read_back() {
    for state in STATES {
        assert_eq!(State::from_name(state.name()).ok(), Some(state));
    }
}

#[test]
fn the_mail_is_handed_over_once_even_after_the_answer() {
    let language = seva_values::Language::parse("hi").unwrap();
    let queued = held(1, &a_programme(1)).queue((Uuid::nil(), 1), language, hour(300), hour(1)).unwrap().after;
    let story = Story::begun_by("a test");
    let completed = queued.happens(Happening::Completed, hour(2), &story).unwrap().after;
    let sent = completed.happens(Happening::Sent, hour(3), &story).unwrap().after;

    assert_eq!((sent.state, sent.sent_at), (State::Completed, Some(hour(3))));
    assert!(sent.happens(Happening::Sent, hour(4), &story).is_none());
}

#[test]
fn what_is_suppressed_says_why_and_when_and_waits_for_nothing() {
    let change = held(1, &a_programme(1)).suppress(SuppressReason::OpenTicket, hour(2), &Story::begun_by("x")).unwrap();

    let Invitation { state, suppress_reason, decide_at, due_at, version, .. } = change.after;
    assert_eq!((state, suppress_reason), (State::Suppressed, Some(SuppressReason::OpenTicket)));
    assert_eq!((decide_at, due_at, version), (hour(2), None, 2));
}

#[test]
fn an_occasion_records_the_share_that_is_drawn_and_who_served() {
    let programme = Programme { sampling_rate: 0.25, ..a_programme(1) };
    let occasion = Occasion { staff_member: Some(Uuid::from_u128(5)), ..an_occasion(1, "tickets/1", hour(10)) };

    let invitation = Invitation::hold(Uuid::nil(), &programme, &occasion, hour(12)).after;

    // SU3, SU10
    assert!((invitation.inclusion_probability - 0.25).abs() < f64::EPSILON);
    assert_eq!(invitation.staff_member, Some(Uuid::from_u128(5)));
    assert_eq!((invitation.decide_at, invitation.due_at), (hour(11), Some(hour(11))), "counted from the delivery");
}
