use std::collections::BTreeMap;

use seva_proto::{
    common::v1::PromisedDate,
    customers::v1::{
        Order,
        order::{PromisedDateOutcome, State as OrderState},
    },
    notifications::v1::{DecisionReason, Notification, notification::State},
    surveys::v1::{
        Invitation,
        invitation::{State as InvitationState, SuppressReason},
    },
    tickets::v1::{
        Matter, Ticket,
        ticket::{Closure, State as TicketState, WaitReason},
    },
};

use super::{collect::*, *};
use crate::{replay::timeline::Expectation, report::proto_time};

fn time(text: &str) -> Option<prost_types::Timestamp> {
    Some(proto_time(text.parse().unwrap()))
}

fn order(name: &str, state: OrderState, outcome: PromisedDateOutcome, arrived: Option<&str>) -> Order {
    let promised = Some(PromisedDate { date: "2018-01-09".into(), zone: "America/Sao_Paulo".into() });
    Order {
        name: name.into(),
        customer: format!("customers/{name}"),
        state: state.into(),
        promised_date_outcome: outcome.into(),
        first_promised_date: promised.clone(),
        current_promised_date: promised,
        actual_delivery_time: arrived.and_then(time),
        ..Order::default()
    }
}

fn notification(subject: &str, milestone: &str, state: State, sent: &str) -> Notification {
    Notification {
        subject: subject.into(),
        milestone: milestone.into(),
        language: "hi".into(),
        state: state.into(),
        reason: DecisionReason::Stale.into(),
        send_time: time(sent),
        ..Notification::default()
    }
}

#[test]
fn the_promised_day_itself_is_in_time_but_after_its_start() {
    // In Sao Paulo in January the day ends at two in the morning, UTC.
    let orders = [
        order("a", OrderState::Delivered, PromisedDateOutcome::Kept, Some("2018-01-08T12:00:00Z")),
        order("b", OrderState::Delivered, PromisedDateOutcome::Kept, Some("2018-01-10T01:59:00Z")),
        order("c", OrderState::Delivered, PromisedDateOutcome::Broken, Some("2018-01-10T02:00:00Z")),
        order("d", OrderState::Canceled, PromisedDateOutcome::Withdrawn, None),
    ];
    let mut summary = Summary::default();
    count_orders(&mut summary, &orders);

    assert_eq!(summary.orders, BTreeMap::from([("canceled".into(), 1), ("delivered".into(), 3)]));
    assert_eq!((summary.arrived_after_promised_day, summary.arrived_after_its_start), (1, 2));
    let outcomes = ["broken", "kept", "open", "withdrawn"].map(|outcome| summary.promised_dates[outcome]);
    assert_eq!(outcomes, [1, 2, 0, 1]);
    assert_eq!(summary.customers, 4);
}

#[test]
fn a_warning_counts_when_it_was_sent_before_the_day_had_passed() {
    let broken = |name| order(name, OrderState::Delivered, PromisedDateOutcome::Broken, None);
    let orders = [broken("in_time"), broken("too_late"), broken("not_sent"), broken("other_message")];
    let notifications = [
        notification("in_time", "order_promised_day_at_risk", State::Sent, "2018-01-10T01:59:00Z"),
        notification("too_late", "order_promised_day_at_risk", State::Sent, "2018-01-10T02:00:00Z"),
        notification("not_sent", "order_delayed", State::Skipped, "2018-01-09T02:00:00Z"),
        notification("other_message", "order_placed", State::Sent, "2018-01-02T02:00:00Z"),
    ];

    assert_eq!(told_in_time(&orders, &notifications), 1);
}

#[test]
fn messages_are_counted_as_sent_not_sent_or_waiting() {
    let of = |state| notification("a", "order_placed", state, "2018-01-02T02:00:00Z");
    let mut summary = Summary::default();
    count_notifications(&mut summary, &[of(State::Sent), of(State::Sent), of(State::Skipped), of(State::Deferred)]);

    assert_eq!(summary.told["order_placed"]["hi"], 2);
    assert_eq!(summary.not_sent, BTreeMap::from([("skipped: stale".into(), 1)]));
    assert_eq!(summary.undelivered, 1);
    assert_eq!(summary.messages_sent(), 2);
    assert_eq!(summary.left_over(), ["1 messages still wait"]);
}

#[test]
fn tickets_are_counted_by_what_they_follow_from_where_they_stand_and_what_they_wait_for() {
    let of = |matter: &str, state: TicketState, closure: Closure, waits: WaitReason| Ticket {
        matter: (!matter.is_empty()).then(|| Matter { kind: matter.to_owned(), ..Matter::default() }),
        state: state.into(),
        closure: closure.into(),
        wait_reason: waits.into(),
        ..Ticket::default()
    };
    let nobody = WaitReason::Unspecified;
    let mut summary = Summary::default();
    count_tickets(
        &mut summary,
        &[
            of("promised_day_missed", TicketState::Closed, Closure::Verified, nobody),
            of("promised_day_missed", TicketState::Closed, Closure::Unverified, nobody),
            of("", TicketState::New, Closure::Unspecified, WaitReason::NobodyOnShift),
        ],
    );

    let expected = |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let opened: BTreeMap<String, u64> = expected(&[("asked by a person", 1), ("promised_day_missed", 2)]);
    let states: BTreeMap<String, u64> = expected(&[("closed: unverified", 1), ("closed: verified", 1), ("new", 1)]);
    let waiting: BTreeMap<String, u64> = expected(&[("nobody_on_shift", 1)]);
    assert_eq!((&summary.tickets_opened, &summary.tickets), (&opened, &states));
    assert_eq!(summary.tickets_waiting, waiting);
    // A missed day without its ticket is a difference.
    summary.events.insert("seva.customers.order.promised_day_missed.v1".to_owned(), 3);
    assert_eq!(summary.differences(&Expectation::default()), ["tickets for missed days: 3 expected, 2 found"]);
}

#[test]
fn whoever_is_invited_twice_within_thirty_days_is_a_difference() {
    let of = |customer: &str, state: InvitationState, reason: SuppressReason, sent: &str| Invitation {
        customer: customer.to_owned(),
        state: state.into(),
        suppress_reason: reason.into(),
        send_time: if sent.is_empty() { None } else { time(sent) },
        ..Invitation::default()
    };
    let asked = SuppressReason::Unspecified;
    let mut invitations = vec![
        of("a", InvitationState::Completed, asked, "2018-01-01T00:00:00Z"),
        of("a", InvitationState::Expired, asked, "2018-01-31T00:00:00Z"),
        of("b", InvitationState::Sent, asked, "2018-01-02T00:00:00Z"),
        of("b", InvitationState::Suppressed, SuppressReason::Throttled, ""),
        of("c", InvitationState::Held, asked, ""),
    ];
    let mut summary = Summary::default();
    count_invitations(&mut summary, &invitations);
    assert_eq!((summary.surveys_invited, summary.surveyed_too_soon), (3, 0));
    assert_eq!(summary.surveys.get("suppressed: throttled"), Some(&1), "{:?}", summary.surveys);

    invitations.push(of("b", InvitationState::Sent, asked, "2018-01-31T23:59:59Z"));
    let mut summary = Summary::default();
    count_invitations(&mut summary, &invitations);
    assert_eq!(summary.differences(&Expectation::default()), ["customers surveyed too soon: 0 expected, 1 found"]);
}

#[test]
fn differences_name_what_was_expected_and_what_was_found() {
    let expected = Expectation {
        orders: BTreeMap::from([("delivered", 2)]),
        events: BTreeMap::from([("order.placed.v1", 2)]),
        arrived_after_promised_day: 1,
        arrived_after_its_start: 1,
    };
    let mut summary = Summary {
        orders: BTreeMap::from([("delivered".into(), 2)]),
        events: BTreeMap::from([("seva.customers.order.placed.v1".into(), 2)]),
        arrived_after_promised_day: 1,
        arrived_after_its_start: 1,
        ..Summary::default()
    };
    assert_eq!(summary.differences(&expected), [""; 0]);

    summary.orders.insert("placed".into(), 1);
    summary.events.clear();
    summary.arrived_after_its_start = 3;
    assert_eq!(
        summary.differences(&expected),
        [
            "orders placed: 0 expected, 1 found",
            "events order.placed.v1: 2 expected, 0 found",
            "arrived after its start: 1 expected, 3 found"
        ]
    );
}

#[test]
fn the_text_has_every_number_and_the_json_every_field() {
    let mut summary = Summary { customers: 7, undelivered: 3, ..Summary::default() };
    summary.told.entry("order_placed".into()).or_default().extend([("hi".into(), 2), ("ur".into(), 1)]);
    let text = summary.to_string();

    assert!(text.lines().any(|line| line.starts_with("Customers ") && line.ends_with(" 7")), "{text}");
    assert!(text.contains("order_placed (hi 2, ur 1)"), "{text}");
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["told"]["order_placed"]["hi"], 2);
    assert_eq!(json["business_time"], "1970-01-01T00:00:00Z");
}
