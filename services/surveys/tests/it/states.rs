//! Invitations and responses on every way of the README's tables (SU12), as the service takes them.

use std::collections::BTreeMap;

use seva_proto::{
    common::v1::Purpose,
    customers::v1::{Consent, CustomerEvent},
    notifications::v1::{DecisionReason, notification::State as MailState},
    surveys::v1::{
        Invitation,
        invitation::{State, SuppressReason},
        programme::Trigger,
        response::State as ResponseState,
    },
    tickets::v1::{
        Matter, TicketEvent,
        message::Visibility,
        ticket::{CancelReason, State as TicketState},
    },
};
use seva_values::{format_name, new_id};
use uuid::Uuid;

use crate::world::{World, a_closed_ticket, reading, saving, scored};

// held -> queued, held -> suppressed. SU3
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_asked_is_not_asked_for_a_reason_that_is_told() {
    let world = World::new().await;
    let mut expected = BTreeMap::new();

    expected.insert(world.delivered(new_id()).await, SuppressReason::UnknownCustomer);
    let refused = Consent { purpose: Purpose::Survey.into(), granted: false, ..Consent::default() };
    for (state, reason) in [
        (CustomerEvent { consents: vec![refused], ..reading("hi") }, SuppressReason::NoConsent),
        (CustomerEvent { has_email: false, ..reading("hi") }, SuppressReason::NoContactPoint),
    ] {
        let customer = new_id();
        world.customer_says(customer, &state).await;
        expected.insert(world.delivered(customer).await, reason);
    }
    let in_trouble = world.customer("hi").await;
    let ticket = TicketEvent { state: TicketState::Open.into(), ..a_closed_ticket(in_trouble) };
    world.ticket_says("seva.tickets.ticket.created.v1", &ticket).await;
    expected.insert(world.delivered(in_trouble).await, SuppressReason::OpenTicket);
    // SU33: the last word on another matter was said the moment before the decision.
    let in_contact = world.customer("hi").await;
    expected.insert(world.delivered(in_contact).await, SuppressReason::RecentContact);
    let canceled = world.customer("hi").await;
    let order = world.delivered(canceled).await;
    world.order_says("seva.customers.order.canceled.v1", canceled, &order).await;
    expected.insert(order, SuppressReason::CalledOff);
    let twice = world.customer("hi").await;
    let first = world.delivered(twice).await;
    world.rest().await;
    world.office.pass(60);
    expected.insert(world.delivered(twice).await, SuppressReason::Throttled);
    world.rest().await;
    world.pass(47).await;
    world.closed(in_contact).await;
    world.rest().await;
    world.pass(1).await;

    for (subject, reason) in expected {
        let invitation = world.about(&subject).await;
        assert_eq!((invitation.state(), invitation.suppress_reason()), (State::Suppressed, reason));
        assert_eq!(world.acts(&invitation.name).await, ["held", "suppressed"], "{reason:?}");
        let next = invitation.next_eligible_time.map(|next| next.seconds - invitation.decide_time.unwrap().seconds);
        // The other one was asked in the same moment.
        let in_a_month = (reason == SuppressReason::Throttled).then_some(30 * 86400);
        assert_eq!(next, in_a_month, "{reason:?}");
        assert!(world.link(&invitation).await.is_empty(), "{reason:?}");
    }
    let asked = world.about(&first).await;
    assert_eq!((asked.state(), asked.suppress_reason()), (State::Queued, SuppressReason::Unspecified));

    let matter =
        Matter { kind: "low_score".to_owned(), subject: format_name("responses", new_id()), version: String::new() };
    let ticket = TicketEvent { matter: Some(matter), ..a_closed_ticket(world.customer("hi").await) };
    world.ticket_says("seva.tickets.ticket.closed.v1", &ticket).await;
    let switched_off = world.delivered(world.customer("hi").await).await;
    world.pass(1).await;
    assert_eq!(world.about(&ticket.ticket).await.suppress_reason(), SuppressReason::FromLowScore);
    world.switch(Trigger::OrderDelivered, false).await;
    world.pass(47).await;
    assert_eq!(world.about(&switched_off).await.suppress_reason(), SuppressReason::NotActive);
}

// SU33
#[tokio::test(flavor = "multi_thread")]
async fn a_day_after_the_last_word_on_another_matter_customers_are_asked_again() {
    let world = World::new().await;
    world.switch(Trigger::TicketClosed, false).await;
    // What was said: to the customer, among staff, and by nobody.
    let said =
        |visibility: Visibility| TicketEvent { message_visibility: visibility.into(), ..a_closed_ticket(Uuid::nil()) };
    let canceled = |reason: CancelReason| TicketEvent {
        state: TicketState::Canceled.into(),
        cancel_reason: reason.into(),
        ..a_closed_ticket(Uuid::nil())
    };
    let mut expected = Vec::new();
    for (kind, word, hours_before, reason) in [
        ("seva.tickets.ticket.replied.v1", said(Visibility::Public), 23, SuppressReason::RecentContact),
        ("seva.tickets.ticket.replied.v1", said(Visibility::Public), 24, SuppressReason::Unspecified),
        ("seva.tickets.ticket.replied.v1", said(Visibility::Internal), 1, SuppressReason::Unspecified),
        ("seva.tickets.ticket.resolved.v1", said(Visibility::Unspecified), 23, SuppressReason::RecentContact),
        ("seva.tickets.ticket.updated.v1", said(Visibility::Unspecified), 1, SuppressReason::Unspecified),
        ("seva.tickets.ticket.canceled.v1", canceled(CancelReason::ByCustomer), 23, SuppressReason::RecentContact),
        ("seva.tickets.ticket.canceled.v1", canceled(CancelReason::Spam), 1, SuppressReason::Unspecified),
    ] {
        let customer = world.customer("hi").await;
        let order = world.delivered(customer).await;
        world.pass(48 - hours_before).await;
        let ticket = TicketEvent { customer: format_name("customers", customer), ..word };
        world.ticket_says(kind, &ticket).await;
        // What comes after the last word and is none does not make it unsaid.
        world.ticket_says("seva.tickets.ticket.updated.v1", &ticket).await;
        world.rest().await;
        world.pass(hours_before).await;
        expected.push((order, reason));
    }
    for (order, reason) in expected {
        assert_eq!(world.about(&order).await.suppress_reason(), reason);
    }
}

// SU3: what could not be decided for a week, because nothing ran, is not asked any more.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_about_what_is_long_past() {
    let world = World::new().await;
    let order = world.delivered(world.customer("hi").await).await;
    world.rest().await;
    world.pass(48 + 7 * 24 + 1).await;
    let invitation = world.about(&order).await;
    assert_eq!((invitation.state(), invitation.suppress_reason()), (State::Suppressed, SuppressReason::CalledOff));
}

// queued -> sent, queued -> undeliverable.
#[tokio::test(flavor = "multi_thread")]
async fn mail_is_handed_over_or_not_or_nobody_knows() {
    let world = World::new().await;
    for (state, reason, expected) in [
        (MailState::Sent, DecisionReason::HandedOver, State::Sent),
        (MailState::Skipped, DecisionReason::Preference, State::Undeliverable),
        (MailState::Superseded, DecisionReason::Stale, State::Undeliverable),
        (MailState::Expired, DecisionReason::TooLate, State::Undeliverable),
        (MailState::Canceled, DecisionReason::Canceled, State::Undeliverable),
        (MailState::Failed, DecisionReason::BadAddress, State::Undeliverable),
        // It may lie in the inbox: the link has to work.
        (MailState::Failed, DecisionReason::Ambiguous, State::Queued),
        (MailState::Deferred, DecisionReason::OutsideHours, State::Queued),
    ] {
        let invitation = world.asked().await;
        world.mail_is(&invitation, state, reason).await;
        let after = world.again(&invitation).await;
        assert_eq!((after.state(), after.send_time.is_some()), (expected, expected == State::Sent), "{state:?}");
        let can_be_answered = expected != State::Undeliverable;
        assert_eq!(!world.link(&invitation).await.is_empty(), can_be_answered, "{state:?} {reason:?}");
        // A word that comes late changes nothing any more.
        if !can_be_answered {
            world.is_sent(&invitation).await;
            assert_eq!(world.again(&invitation).await, after, "{state:?}");
        }
    }
}

/// An invitation that has come so far.
async fn brought_to(world: &World, state: State) -> Invitation {
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let answer = |complete| saving(&token, 0, vec![scored("csat", 5)], complete);
    match state {
        State::Queued => {}
        State::Sent => world.is_sent(&invitation).await,
        State::Started => drop(world.save(answer(false)).await.unwrap()),
        State::Completed => drop(world.save(answer(true)).await.unwrap()),
        other => panic!("{other:?}"),
    }
    let invitation = world.again(&invitation).await;
    assert_eq!(invitation.state(), state);
    invitation
}

// queued, sent -> started; queued, sent, started -> completed.
#[tokio::test(flavor = "multi_thread")]
async fn answers_lead_from_wherever_it_can_be_answered_to_their_end() {
    let world = World::new().await;
    for from in [State::Queued, State::Sent] {
        let invitation = brought_to(&world, from).await;
        let token = world.link(&invitation).await;
        world.save(saving(&token, 0, vec![scored("csat", 5)], false)).await.unwrap();
        assert_eq!(world.again(&invitation).await.state(), State::Started, "{from:?}");
    }
    for (from, revision) in [(State::Queued, 0), (State::Sent, 0), (State::Started, 1)] {
        let invitation = brought_to(&world, from).await;
        let token = world.link(&invitation).await;
        world.save(saving(&token, revision, vec![scored("csat", 5)], true)).await.unwrap();
        let after = world.again(&invitation).await;
        assert_eq!(after.state(), State::Completed, "{from:?}");
        assert_eq!(world.acts(&after.response).await.last().map(String::as_str), Some("completed"));
    }
}

// started, completed: the word that the mail was handed over is kept, once.
#[tokio::test(flavor = "multi_thread")]
async fn who_answers_before_the_word_of_the_mail_comes_was_sent_it_all_the_same() {
    let world = World::new().await;
    for state in [State::Started, State::Completed] {
        let invitation = brought_to(&world, state).await;
        world.is_sent(&invitation).await;
        let after = world.again(&invitation).await;
        assert_eq!((after.state(), after.send_time.is_some()), (state, true));
        world.mail_is(&invitation, MailState::Failed, DecisionReason::BadAddress).await;
        world.is_sent(&invitation).await;
        assert_eq!(world.again(&invitation).await, after, "once");
    }
}

// queued, sent, started -> expired; response in_progress -> partial.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_time_to_answer_what_was_begun_is_partial_and_the_rest_has_expired() {
    let world = World::new().await;
    let mut all = Vec::new();
    for state in [State::Queued, State::Sent, State::Started, State::Completed] {
        all.push((state, brought_to(&world, state).await));
    }
    let last = all[3].1.expire_time.unwrap().seconds - world.now().as_second();
    world.pass(last / 3600).await;

    for (from, before) in all {
        let after = world.again(&before).await;
        let expected = if from == State::Completed { State::Completed } else { State::Expired };
        assert_eq!(after.state(), expected, "{from:?}");
        if from == State::Started {
            assert_eq!(world.acts(&after.response).await, ["saved", "partial"]);
        }
        assert!(world.link(&after).await.is_empty());
    }
    let states = "select count(*) from response where state = 'partial'";
    assert_eq!(world.office.count(states).await, 1);
    assert_eq!(world.office.count("select count(*) from invitation where due_at is not null").await, 0);
}

// response: nothing -> in_progress, completed; in_progress -> in_progress, completed; completed -> completed.
#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_saved_completed_and_corrected() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let save = async |revision, score, complete| {
        let answer = world.save(saving(&token, revision, vec![scored("csat", score)], complete)).await.unwrap();
        (answer.revision, answer.state())
    };
    assert_eq!(save(0, 3, false).await, (1, ResponseState::InProgress));
    assert_eq!(save(1, 4, false).await, (2, ResponseState::InProgress));
    assert_eq!(save(2, 5, true).await, (3, ResponseState::Completed));
    assert_eq!(save(3, 4, false).await, (4, ResponseState::Completed));
    let response = world.again(&invitation).await.response;
    assert_eq!(world.acts(&response).await, ["saved", "saved", "completed", "corrected"]);
    assert_eq!(world.acts(&invitation.name).await, ["held", "queued", "started", "completed"]);
}
