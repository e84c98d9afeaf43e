//! A test for each row of the machine, and properties.

use jiff::{SignedDuration, Timestamp};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{self as customers, OrderEvent},
};
use seva_runtime::Error;
use seva_values::{Currency, Money, new_id};
use uuid::Uuid;

use super::{
    kinds::{Act, Condition, Outcome, State, Way},
    model::{Change, Decision, Item, NewReturn, ReturnCase},
    orders::{Order, Ordered},
};
use crate::{
    compensation::{
        Kind,
        model::{Grant, NewGrant},
    },
    roster::{
        self, Presence, Shifts, StaffMember,
        model::{AuthorityLimit, Role},
    },
};

mod plans;
mod properties;

const REVIEWER: Uuid = Uuid::from_u128(7);
const DECIDER: Uuid = Uuid::from_u128(8);
const ANOTHER: Uuid = Uuid::from_u128(9);

fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn later(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn item(item: &str, quantity: i64) -> Item {
    Item { item: item.to_owned(), quantity, accepted: None }
}

fn requested() -> ReturnCase {
    let new = NewReturn {
        ticket: Uuid::from_u128(1),
        customer: Uuid::from_u128(2),
        order: Uuid::from_u128(3),
        order_number: "A-1029".to_owned(),
        items: vec![item("SHIRT", 2), item("CAP", 1)],
        wish: Way::Refund,
        reason: "It is too small.".to_owned(),
    };
    ReturnCase::open(new_id(), new, start()).case
}

fn decision(outcome: Outcome, decider: Uuid) -> Decision {
    Decision {
        outcome,
        reason: "It fits our rules.".to_owned(),
        handbook_rule: "handbook-3/returns-14-days".to_owned(),
        is_exception: false,
        decider,
        at: later(1),
    }
}

fn under_review() -> ReturnCase {
    requested().review(REVIEWER, later(1)).unwrap().case
}

fn decided(outcome: Outcome) -> ReturnCase {
    let accepted: &[i64] = match outcome {
        Outcome::Approved => &[2, 1],
        Outcome::PartlyApproved => &[1, 0],
        Outcome::Declined => &[0, 0],
    };
    under_review().decide(decision(outcome, DECIDER), accepted, later(1)).unwrap().case
}

/// Somebody who may give so much of everything at once.
fn somebody(id: Uuid, at_once: i64) -> StaffMember {
    let limit = |kind| AuthorityLimit { kind, per_grant: rupees(at_once) };
    StaffMember {
        id,
        sequence: 1,
        user: format!("somebody-{id}"),
        role: Role::Agent,
        department: None,
        languages: Vec::new(),
        skills: [].into(),
        shifts: Shifts::never(),
        presence: Presence::Present,
        capacity: 1,
        state: roster::State::Active,
        handbook_current: true,
        authority_limits: vec![limit(Kind::Refund), limit(Kind::Credit)],
        open_weight: 0,
        last_assignment: 0,
    }
}

fn rupees(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::parse("INR").unwrap())
}

/// What a return pays back.
fn owed(amount: i64) -> Grant {
    let new = NewGrant {
        ticket: Uuid::from_u128(1),
        customer: Uuid::from_u128(2),
        kind: Kind::Refund,
        amount: rupees(amount),
        reason: "It is too small.".to_owned(),
        invoice: Some(Uuid::from_u128(4)),
    };
    Grant::owed(new_id(), new, None, DECIDER, start())
}

fn inspected() -> ReturnCase {
    let here = decided(Outcome::Approved).received(later(2)).unwrap().case;
    here.inspected(Condition::AsNew, None, later(3)).unwrap().case
}

/// TK89
#[test]
fn what_somebody_has_decided_alone_they_pay_back_only_as_far_as_they_may_give() {
    let case = inspected();
    refused(
        case.settle(Way::Refund, Some(&owed(401)), &somebody(DECIDER, 400), later(4)),
        ErrorReason::ApproverUnsuitable,
        "TK89",
    );
    for (settler, amount) in [(somebody(DECIDER, 400), 400), (somebody(ANOTHER, 0), 401)] {
        assert_eq!(
            case.settle(Way::Refund, Some(&owed(amount)), &settler, later(4)).unwrap().case.state,
            State::Settling
        );
    }
    assert_eq!(case.settle(Way::Repair, None, &somebody(DECIDER, 0), later(4)).unwrap().case.state, State::Settled);
}

/// One return in each state.
fn one_in_each_state() -> Vec<ReturnCase> {
    let approved = decided(Outcome::Approved);
    let label_sent = approved.label_sent("1Z".to_owned(), later(2)).unwrap().case;
    let settled = inspected().settle(Way::Repair, None, &somebody(DECIDER, 0), later(4)).unwrap().case;
    vec![
        requested(),
        under_review(),
        decided(Outcome::PartlyApproved),
        decided(Outcome::Declined),
        label_sent.in_transit(later(2)).unwrap().case,
        label_sent,
        approved.received(later(2)).unwrap().case,
        approved.cancel(later(2)).unwrap().case,
        approved,
        inspected(),
        inspected().settle(Way::Refund, Some(&owed(400)), &somebody(ANOTHER, 0), later(4)).unwrap().case,
        settled.close(later(5)).unwrap().case,
        settled,
    ]
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, reason: ErrorReason, invariant: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.reason(), reason);
    assert!(error.is_refused_by(invariant), "{error}");
}

/// A step is possible in these states, and in no other.
fn only_in(states: &[State], invariant: &str, step: impl Fn(&ReturnCase) -> Result<Change, Error>) {
    for case in one_in_each_state() {
        let answer = step(&case);
        if states.contains(&case.state) {
            assert_eq!(answer.unwrap().case.version, case.version + 1);
        } else {
            refused(answer, ErrorReason::StateForbids, invariant);
        }
    }
}

/// TK70
#[test]
fn each_step_is_possible_where_the_table_says_so_and_nowhere_else() {
    use State::*;
    only_in(&[Requested], "TK70", |case| case.review(REVIEWER, later(5)));
    only_in(&[UnderReview], "TK70", |case| case.decide(decision(Outcome::Approved, ANOTHER), &[2, 1], later(5)));
    only_in(&[Declined], "TK70", |case| case.appeal("It was not me.".to_owned(), later(5)));
    only_in(&[Approved, PartlyApproved], "TK70", |case| case.label_sent("1Z".to_owned(), later(5)));
    only_in(&[LabelSent], "TK70", |case| case.in_transit(later(5)));
    only_in(&[Approved, PartlyApproved, LabelSent, InTransit], "TK70", |case| case.received(later(5)));
    only_in(&[Received], "TK70", |case| case.inspected(Condition::Used, None, later(5)));
    only_in(&[Approved, PartlyApproved, Inspected], "TK70", |case| {
        case.settle(Way::Exchange, None, &somebody(DECIDER, 0), later(5))
    });
    only_in(&[Settled, Declined], "TK70", |case| case.close(later(5)));
    let not_here = [Requested, UnderReview, Approved, PartlyApproved, LabelSent, InTransit];
    only_in(&not_here, "TK79", |case| case.cancel(later(5)));
}

#[test]
fn a_return_is_requested_and_looked_at() {
    let case = requested();
    assert_eq!((case.state, case.version, case.reviewer), (State::Requested, 1, None));
    let change = case.review(REVIEWER, later(1)).unwrap();
    assert_eq!(
        (change.act, change.case.state, change.case.reviewer),
        (Act::UnderReview, State::UnderReview, Some(REVIEWER))
    );
}

/// TK74
#[test]
fn a_decision_is_kept_with_how_many_of_each_are_taken_back() {
    for (outcome, state, accepted) in [
        (Outcome::Approved, State::Approved, [2, 1]),
        (Outcome::PartlyApproved, State::PartlyApproved, [1, 0]),
        (Outcome::Declined, State::Declined, [0, 0]),
    ] {
        let case = decided(outcome);
        assert_eq!(case.state, state);
        assert_eq!(case.items.iter().map(|item| item.accepted.unwrap()).collect::<Vec<_>>(), accepted);
        let decision = case.decision.unwrap();
        assert_eq!((decision.decider, decision.handbook_rule.as_str()), (DECIDER, "handbook-3/returns-14-days"));
    }
}

/// TK75
#[test]
fn an_appeal_is_decided_by_another_person_for_good() {
    let change = decided(Outcome::Declined).appeal("It was broken.".to_owned(), later(2)).unwrap();
    assert_eq!((change.act, change.case.state), (Act::Appealed, State::UnderReview));
    assert!(change.case.items.iter().all(|item| item.accepted.is_none()), "it is set aside again");
    let case = change.case;
    let by_the_same = case.decide(decision(Outcome::Declined, DECIDER), &[0, 0], later(3));
    refused(by_the_same, ErrorReason::ApproverUnsuitable, "TK75");
    let again = case.decide(decision(Outcome::Declined, ANOTHER), &[0, 0], later(3)).unwrap().case;
    refused(again.appeal("But it was.".to_owned(), later(4)), ErrorReason::StateForbids, "TK75");
    assert_eq!(again.close(later(4)).unwrap().case.state, State::Closed);
}

#[test]
fn what_comes_back_is_followed_until_it_was_inspected() {
    let sent = decided(Outcome::PartlyApproved).label_sent("1Z".to_owned(), later(2)).unwrap().case;
    assert_eq!((sent.state, sent.tracking_number.as_deref()), (State::LabelSent, Some("1Z")));
    let case = sent.in_transit(later(3)).unwrap().case.received(later(4)).unwrap().case;
    let note = Some("A button is missing.".to_owned());
    let case = case.inspected(Condition::Incomplete, note.clone(), later(5)).unwrap().case;
    assert_eq!(
        (case.state, case.condition, case.inspection_note),
        (State::Inspected, Some(Condition::Incomplete), note)
    );
}

/// TK77
#[test]
fn money_is_settled_when_billing_confirms_it_and_as_before_when_it_cannot() {
    let owed = owed(400);
    let grant = owed.id;
    for before in [inspected(), decided(Outcome::Approved), decided(Outcome::PartlyApproved)] {
        let settling = before.settle(Way::Refund, Some(&owed), &somebody(ANOTHER, 0), later(4)).unwrap();
        assert_eq!((settling.act, settling.case.settled_at), (Act::Settling, None));
        let case = settling.case;
        assert_eq!(case.confirmed(new_id(), true, later(5)), None, "it is of something else");
        let failed = case.confirmed(grant, false, later(5)).unwrap();
        assert_eq!((failed.act, failed.case.state), (Act::SettlementFailed, before.state));
        assert_eq!((failed.case.settlement, failed.case.grant), (None, None));
        let settled = case.confirmed(grant, true, later(5)).unwrap().case;
        assert_eq!((settled.state, settled.settled_at), (State::Settled, Some(later(5))));
        assert_eq!(settled.confirmed(grant, true, later(6)), None, "that was said before");
    }
}

#[test]
fn what_needs_no_money_is_settled_at_once_and_closed() {
    for way in [Way::Exchange, Way::Repair, Way::KeepItem] {
        let settled = inspected().settle(way, None, &somebody(DECIDER, 0), later(4)).unwrap();
        assert_eq!((settled.act, settled.case.settlement), (Act::Settled, Some(way)));
        assert_eq!(settled.case.close(later(5)).unwrap().case.state, State::Closed);
    }
}

/// TK76
#[test]
fn the_customer_is_told_in_words_of_their_own_of_each_step() {
    let told: std::collections::BTreeSet<String> = one_in_each_state()
        .into_iter()
        .filter_map(|case| {
            let act = match case.state {
                State::Requested => Act::Requested,
                State::Declined => Act::Declined,
                State::PartlyApproved => Act::PartlyApproved,
                State::Settled => Act::Settled,
                _ => return None,
            };
            Some(Change { case, act }.notice().text)
        })
        .collect();
    assert_eq!(
        told.into_iter().collect::<Vec<_>>(),
        [
            "For your return of order A-1029 you have a repair.",
            "Of order A-1029 we take back 1 of SHIRT. It fits our rules.",
            "We cannot take back what you return of order A-1029. It fits our rules. You may ask once that somebody else looks at it.",
            "You would like to return 2 of SHIRT, 1 of CAP of order A-1029.",
        ]
    );
}

#[test]
fn an_order_is_what_the_event_says() {
    let order = customers::Order {
        name: format!("orders/{}", new_id()),
        customer: format!("customers/{}", new_id()),
        order_number: "A-1029".to_owned(),
        state: customers::order::State::InTransit.into(),
        items: vec![customers::OrderItem { item: "SHIRT".to_owned(), quantity: 2 }],
        ..customers::Order::default()
    };
    let heard = |order| Order::heard(4, OrderEvent { order: Some(order), ..OrderEvent::default() });
    let known = heard(order.clone()).unwrap().unwrap();
    assert_eq!(known.items, [Ordered { item: "SHIRT".to_owned(), quantity: 2 }]);
    assert!(!known.delivered && known.sequence == 4);
    let delivered = customers::Order { state: customers::order::State::Delivered.into(), ..order.clone() };
    assert!(heard(delivered).unwrap().unwrap().delivered);
    assert_eq!(heard(customers::Order { items: Vec::new(), ..order.clone() }).unwrap(), None);
    assert!(heard(customers::Order { name: "orders/7".to_owned(), ..order }).is_err());
}
