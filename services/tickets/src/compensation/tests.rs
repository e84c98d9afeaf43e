//! A test for each row of the machine, what limits leave, and properties.

use jiff::{SignedDuration, Timestamp};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{BillingConfirmationEvent, billing_confirmation_event::Outcome},
};
use seva_runtime::Error;
use seva_values::{Currency, Money, new_id};
use uuid::Uuid;

use super::{
    invoices::by_others,
    limits::{Bound, Bounds, Given, Kind, Limit, may_give},
    model::{Confirmation, DECIDE_WITHIN, Grant, NewGrant, State},
};
use crate::roster::{
    self, Presence, Shifts, StaffMember,
    model::{AuthorityLimit, Role},
};

mod plans;
mod properties;

fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn later(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn rupees(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::parse("INR").unwrap())
}

/// Somebody who may give so much credit at once.
fn somebody(number: u128, role: Role, at_once: i64) -> StaffMember {
    StaffMember {
        id: Uuid::from_u128(number),
        sequence: 1,
        user: format!("somebody-{number}"),
        role,
        department: None,
        languages: Vec::new(),
        skills: [].into(),
        shifts: Shifts::never(),
        presence: Presence::Present,
        capacity: 1,
        state: roster::State::Active,
        handbook_current: true,
        authority_limits: vec![AuthorityLimit { kind: Kind::Credit, per_grant: rupees(at_once) }],
        open_weight: 0,
        last_assignment: 0,
    }
}

fn limit() -> Limit {
    Limit {
        kind: Kind::Credit,
        currency: rupees(0).currency,
        per_grant: 500,
        per_member_day: 1_000,
        per_customer: 2_000,
    }
}

fn new_credit(amount: i64) -> NewGrant {
    NewGrant {
        ticket: Uuid::from_u128(1),
        customer: Uuid::from_u128(2),
        kind: Kind::Credit,
        amount: rupees(amount),
        reason: "It came late.".to_owned(),
        invoice: None,
    }
}

/// What the member of this number proposes, who may give 400 at once.
fn proposed(amount: i64) -> Grant {
    let bounds = Bounds::new(400, Some(&limit()), Given::default());
    Grant::propose(new_id(), new_credit(amount), Uuid::from_u128(7), &bounds, None, start())
}

fn proposer() -> StaffMember {
    somebody(7, Role::Agent, 400)
}

fn approver() -> StaffMember {
    somebody(8, Role::Lead, 5_000)
}

fn said(grant: &Grant, key: &str) -> Confirmation {
    Confirmation { grant: grant.id, external_key: key.to_owned(), amount: grant.amount, fault: None }
}

fn issued() -> Grant {
    proposed(100).carry_on(start()).unwrap()
}

fn settled() -> Grant {
    let issued = issued();
    issued.confirm(&said(&issued, "b-1"), later(1)).unwrap().unwrap()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, reason: ErrorReason, invariant: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.reason(), reason);
    let status = tonic::Status::from(&error);
    let details = tonic_types::StatusExt::get_error_details(&status);
    assert_eq!(details.precondition_failure().unwrap().violations[0].r#type, invariant);
}

/// TK60
#[test]
fn what_lies_within_all_limits_is_approved_at_once_and_issued() {
    let grant = proposed(400);
    assert_eq!((grant.state, grant.counted_at, grant.due_at), (State::ApprovedInLimit, Some(start()), Some(start())));
    let issued = grant.carry_on(start()).unwrap();
    assert_eq!((issued.state, issued.version, issued.due_at), (State::Issued, 2, None));
    assert_eq!(issued.carry_on(later(1)), None);
}

/// TK60
#[test]
fn what_goes_over_a_limit_waits_and_says_over_which() {
    let grant = proposed(401);
    assert_eq!((grant.state, grant.counted_at), (State::AwaitingApproval, None));
    assert_eq!(grant.exceeded_limits, [Bound::Authority]);
    assert_eq!(proposed(2_001).exceeded_limits.len(), 4);
}

#[test]
fn each_limit_bounds_by_itself_and_what_was_given_counts() {
    let given = Given { today: 700, to_customer: 1_900 };
    let bounds = Bounds::new(400, Some(&limit()), given);
    assert_eq!(bounds.narrowest(), (Bound::PerCustomer, 100));
    assert_eq!(bounds.exceeded_by(100), []);
    assert_eq!(bounds.exceeded_by(301), [Bound::PerMemberDay, Bound::PerCustomer]);
    assert_eq!(bounds.exceeded_by(501).len(), 4);
    // Somebody else has approved more than the limit: nothing is left, and not less than that.
    let over = Bounds::new(400, Some(&limit()), Given { today: 0, to_customer: 9_000 });
    assert_eq!(over.narrowest(), (Bound::PerCustomer, 0));
    // Of what nobody speaks nothing is given without asking.
    assert_eq!(Bounds::new(400, None, Given::default()).narrowest(), (Bound::PerGrant, 0));
    assert_eq!(proposer().authority(Kind::Coupon, rupees(0).currency), 0);
    assert_eq!(proposer().authority(Kind::Credit, Currency::parse("EUR").unwrap()), 0);
}

/// TK61
#[test]
fn who_gives_is_known_serves_and_has_signed_the_handbook() {
    assert!(may_give("user:radha", Some(proposer())).is_ok());
    let left = StaffMember { state: roster::State::Left, ..proposer() };
    let suspended = StaffMember { state: roster::State::Suspended, ..proposer() };
    let unsigned = StaffMember { handbook_current: false, ..proposer() };
    for nobody in [None, Some(left), Some(suspended), Some(unsigned)] {
        refused(may_give("user:radha", nobody), ErrorReason::AuthoritySuspended, "TK61");
    }
}

#[test]
fn what_waits_is_approved_by_somebody_else() {
    let approved = proposed(1_500).approve(&approver(), later(1)).unwrap();
    assert_eq!((approved.state, approved.decider), (State::Approved, Some(approver().id)));
    assert_eq!((approved.counted_at, approved.due_at), (Some(later(1)), Some(later(1))));
    assert_eq!(approved.carry_on(later(1)).unwrap().state, State::Issued);
}

/// TK62
#[test]
fn nobody_approves_their_own_or_more_than_they_may_give() {
    let grant = proposed(1_500);
    let themselves = StaffMember { id: grant.proposer, ..approver() };
    refused(grant.approve(&themselves, later(1)), ErrorReason::ApproverUnsuitable, "TK62");
    let smaller = somebody(9, Role::Lead, 1_499);
    refused(grant.approve(&smaller, later(1)), ErrorReason::ApproverUnsuitable, "TK62");
}

#[test]
fn what_waits_is_rejected_by_who_leads_or_taken_back_by_the_proposer() {
    let grant = proposed(1_500);
    for decider in [approver(), proposer()] {
        let rejected = grant.reject(&decider, "Too much.".to_owned(), later(1)).unwrap();
        assert_eq!((rejected.state, rejected.counted_at, rejected.due_at), (State::Rejected, None, None));
    }
    let colleague = somebody(9, Role::Agent, 9_000);
    refused(grant.reject(&colleague, "No.".to_owned(), later(1)), ErrorReason::ApproverUnsuitable, "TK62");
}

#[test]
fn what_nobody_decides_about_expires_after_seven_days() {
    let grant = proposed(1_500);
    let end = start() + DECIDE_WITHIN;
    assert_eq!(grant.carry_on(end - SignedDuration::from_secs(1)), None);
    let expired = grant.carry_on(end).unwrap();
    assert_eq!((expired.state, expired.counted_at), (State::Expired, None));
    // At the end nobody approves it any more, whether or not somebody has looked at it yet.
    refused(grant.approve(&approver(), end), ErrorReason::StateForbids, "TK69");
}

/// TK66
#[test]
fn billing_settles_what_was_issued_once() {
    let settled = settled();
    assert_eq!((settled.state, settled.settled_at), (State::Settled, Some(later(1))));
    assert_eq!(settled.confirm(&said(&settled, "b-1"), later(2)).unwrap(), None);
    refused(settled.confirm(&said(&settled, "b-2"), later(2)), ErrorReason::StateForbids, "TK69");
    let other = Confirmation { amount: rupees(99), ..said(&settled, "b-1") };
    refused(issued().confirm(&other, later(1)), ErrorReason::StateForbids, "TK66");
    // What contradicts what it has said under the same key is for a person to look at.
    let cannot = Confirmation { fault: Some("card_expired".to_owned()), ..said(&settled, "b-1") };
    for contradiction in [&other, &cannot] {
        refused(settled.confirm(contradiction, later(2)), ErrorReason::StateForbids, "TK66");
    }
    let failed = issued().confirm(&cannot, later(1)).unwrap().unwrap();
    assert_eq!(failed.confirm(&cannot, later(2)).unwrap(), None);
    refused(failed.confirm(&said(&failed, "b-1"), later(2)), ErrorReason::StateForbids, "TK66");
}

/// TK64
#[test]
fn what_others_have_paid_back_is_told_from_ours_by_its_amount() {
    assert_eq!(by_others(&[30], &[50]), 30, "ours is not reported yet");
    assert_eq!(by_others(&[30, 50], &[50]), 30);
    assert_eq!(by_others(&[50, 50, 20], &[50]), 70);
    assert_eq!(by_others(&[50, -50], &[]), 0, "it was taken back");
    assert_eq!(by_others(&[], &[50, 50]), 0);
}

#[test]
fn what_billing_cannot_do_fails_with_a_word() {
    let issued = issued();
    let event = BillingConfirmationEvent {
        subject: issued.name(),
        outcome: Outcome::Failed.into(),
        external_key: "b-1".to_owned(),
        amount: Some(issued.amount.into()),
        fault: "card_expired".to_owned(),
    };
    let failed = issued.confirm(&Confirmation::heard(event.clone()).unwrap(), later(1)).unwrap().unwrap();
    assert_eq!((failed.state, failed.fault.as_deref()), (State::Failed, Some("card_expired")));
    let words = BillingConfirmationEvent { fault: "Asha's card".to_owned(), ..event.clone() };
    assert_eq!(Confirmation::heard(words).unwrap().fault.as_deref(), Some("other"));
    for broken in [
        BillingConfirmationEvent { subject: "orders/1".to_owned(), ..event.clone() },
        BillingConfirmationEvent { outcome: 0, ..event.clone() },
        BillingConfirmationEvent { external_key: String::new(), ..event.clone() },
        BillingConfirmationEvent { amount: None, ..event },
    ] {
        assert!(Confirmation::heard(broken).is_err());
    }
}

/// TK65
#[test]
fn what_is_settled_is_taken_back_by_a_new_entry_that_counts_where_the_first_does() {
    let settled = settled();
    let reversal = settled.reverse(new_id(), approver().id, "It had come.".to_owned(), later(48)).unwrap();
    assert_eq!((reversal.state, reversal.reverses), (State::Approved, Some(settled.id)));
    assert_eq!((reversal.amount, reversal.counted_at), (settled.amount, settled.counted_at));
    assert_eq!((reversal.proposer, reversal.giver), (approver().id, settled.proposer));
    let undone = reversal.carry_on(later(48)).unwrap();
    let undone = undone.confirm(&said(&undone, "b-2"), later(49)).unwrap().unwrap();
    refused(undone.reverse(new_id(), approver().id, String::new(), later(50)), ErrorReason::StateForbids, "TK65");
}

/// TK69
#[test]
fn every_other_step_is_refused() {
    let (approved, issued, settled) = (proposed(100), issued(), settled());
    let waits = proposed(1_500);
    let rejected = waits.reject(&approver(), "No.".to_owned(), later(1)).unwrap();
    let expired = waits.carry_on(start() + DECIDE_WITHIN).unwrap();
    for grant in [&approved, &issued, &settled, &rejected, &expired] {
        refused(grant.approve(&approver(), later(1)), ErrorReason::StateForbids, "TK69");
        refused(grant.reject(&approver(), String::new(), later(1)), ErrorReason::StateForbids, "TK69");
    }
    for grant in [&approved, &issued, &waits, &rejected, &expired] {
        refused(grant.reverse(new_id(), approver().id, String::new(), later(1)), ErrorReason::StateForbids, "TK69");
    }
    for grant in [&approved, &waits, &rejected, &expired] {
        refused(grant.confirm(&said(grant, "b-1"), later(1)), ErrorReason::StateForbids, "TK69");
    }
    for grant in [&issued, &settled, &rejected, &expired] {
        assert_eq!(grant.carry_on(later(10_000)), None);
    }
}
