//! Solved is what the customer says: asked within their hours, on two channels where there are two, and closed unverified when nobody answers.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use seva_proto::{
    common::v1::{AvailabilityWindows, Channel, ErrorReason, Weekday, WeeklyInterval},
    customers::v1::CustomerEvent,
    tickets::v1::{
        ConfirmTicketRequest, ListMessagesRequest, ListTicketsRequest, RecordVerificationCallRequest,
        ReplyToTicketRequest, Ticket, TicketFilter,
        message::{Author, Medium, Visibility},
        ticket::{Closure, State, UnverifiedReason},
        verification_attempt::Outcome,
    },
};
use seva_store::event::proto_timestamp;
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use tonic::Status;
use uuid::Uuid;

use crate::world::{World, a_ticket, id_of, invariant, is_refused};

/// A customer, as customers tells it.
fn a_customer(id: Uuid) -> CustomerEvent {
    CustomerEvent {
        customer: format_name("customers", id),
        languages: vec!["en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        has_email: true,
        ..CustomerEvent::default()
    }
}

/// From nine to noon in Kolkata on these days.
fn mornings(weekdays: &[Weekday]) -> Option<AvailabilityWindows> {
    let morning =
        |day: &Weekday| WeeklyInterval { weekday: (*day).into(), start: "09:00".to_owned(), end: "12:00".to_owned() };
    let intervals = weekdays.iter().map(morning).collect();
    Some(AvailabilityWindows { zone: "Asia/Kolkata".to_owned(), intervals, exceptions: Vec::new() })
}

/// Customers tells of a customer, and that is known.
async fn tells(world: &World, state: &CustomerEvent) {
    world.customers.tells("seva.customers.customer.updated.v1", &state.customer, world.now(), state).await;
    let (id, has_phone, has_email) = (id_of(&state.customer), state.has_phone, state.has_email);
    let has_hours = state.availability.is_some();
    eventually("the customer is known", || async {
        let sql = "select count(*) from recipient
                   where customer_id = $1 and has_phone = $2 and has_email = $3 and (availability is not null) = $4";
        let known = sqlx::query_scalar::<_, i64>(sql).bind(id).bind(has_phone).bind(has_email).bind(has_hours);
        (known.fetch_one(&world.database.owner).await.unwrap() == 1).then_some(())
    })
    .await;
}

/// A ticket of this customer that Radha has resolved.
pub async fn resolved_for(state: impl Fn(CustomerEvent) -> CustomerEvent) -> (World, Ticket) {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = new_id();
    tells(&world, &state(a_customer(customer))).await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    let ticket = world.resolve(&name).await.unwrap();
    (world, ticket)
}

pub fn with_phone(customer: CustomerEvent) -> CustomerEvent {
    CustomerEvent { has_phone: true, ..customer }
}

pub fn a_call(ticket: &Ticket, outcome: Outcome) -> RecordVerificationCallRequest {
    let somebody = if outcome == Outcome::NoAnswer { "" } else { "Asha" };
    RecordVerificationCallRequest {
        name: ticket.name.clone(),
        outcome: outcome.into(),
        caller: somebody.to_owned(),
        request_id: new_id().to_string(),
        ..RecordVerificationCallRequest::default()
    }
}

pub async fn calls(world: &World, call: RecordVerificationCallRequest) -> Result<Ticket, Status> {
    let answered = world.tickets_of("radha").record_verification_call(call).await?;
    Ok(answered.into_inner().ticket.unwrap())
}

/// The tickets whose customers have to be called now.
pub async fn to_call(world: &World) -> Vec<String> {
    let filter = Some(TicketFilter { verification_needs_call: true, ..TicketFilter::default() });
    let request = ListTicketsRequest { filter, ..ListTicketsRequest::default() };
    let tickets = world.tickets().list_tickets(request).await.unwrap().into_inner().tickets;
    tickets.into_iter().map(|ticket| ticket.name).collect()
}

pub async fn asked(world: &World, ticket: &Ticket, attempt: i32) -> Ticket {
    world.until("the customer is asked", &ticket.name, |ticket| ticket.verification_attempts == attempt).await
}

/// Asked twice more by mail, 48 hours apart.
async fn asked_by_mail(world: &World, ticket: &Ticket) {
    for attempt in [2, 3] {
        world.pass(48);
        asked(world, ticket, attempt).await;
    }
}

pub async fn closed(world: &World, ticket: &Ticket) -> Ticket {
    world.until("it is closed", &ticket.name, |ticket| ticket.state() == State::Closed).await
}

pub fn outcomes(ticket: &Ticket) -> Vec<(Channel, Outcome)> {
    ticket.verification.iter().map(|attempt| (attempt.channel(), attempt.outcome())).collect()
}

pub fn at(time: Option<prost_types::Timestamp>) -> Timestamp {
    seva_store::event::timestamp(time).unwrap()
}

/// TK5, TK143: who can be reached by mail alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_asked_three_times_48_hours_apart_and_then_it_is_closed_unverified() {
    let (world, ticket) = resolved_for(|customer| customer).await;
    for attempt in [2, 3] {
        world.pass(47);
        assert_eq!(world.get(&ticket.name).await.verification_attempts, attempt - 1);
        world.pass(1);
        asked(&world, &ticket, attempt).await;
    }
    world.pass(47);
    assert_eq!(world.get(&ticket.name).await.state(), State::Resolved);
    world.pass(1);
    let closed = closed(&world, &ticket).await;
    assert_eq!(closed.closure(), Closure::Unverified, "TK5");
    assert_eq!(closed.unverified_reason(), UnverifiedReason::NoSecondChannel, "TK143");
    assert_eq!(outcomes(&closed), [(Channel::Email, Outcome::NoAnswer); 3]);
    let told = world.told(&ticket.name).await;
    let acts: Vec<&str> = told[2..].iter().map(|(act, _)| act.as_str()).collect();
    assert_eq!(acts, ["resolved", "verification_requested", "verification_requested", "closed"]);
    let meant: Vec<Channel> = told[2..].iter().map(|(_, event)| event.verification_channel()).collect();
    assert_eq!(meant, [Channel::Email, Channel::Email, Channel::Email, Channel::Unspecified]);
    let last = &told.last().unwrap().1;
    assert_eq!((last.verification_attempts, last.verification_channels.clone()), (3, vec![Channel::Email.into()]));
    assert_eq!(last.unverified_reason(), UnverifiedReason::NoSecondChannel, "counted apart");
}

/// TK140: it is Monday, 14:30 in Kolkata.
#[tokio::test(flavor = "multi_thread")]
async fn tk140_a_customer_is_asked_within_their_hours_as_they_are_when_the_time_has_come() {
    let state = |customer| CustomerEvent { availability: mornings(&[Weekday::Thursday, Weekday::Friday]), ..customer };
    let (world, ticket) = resolved_for(state).await;
    assert_eq!((ticket.verification_attempts, ticket.verification.len()), (0, 0), "the news comes out of hours");
    assert_eq!(world.told(&ticket.name).await[2].1.verification_channel(), Channel::Unspecified);
    // Thursday, nine o'clock: the first hour of theirs after 48 hours.
    let due = at(ticket.verification_due_time);
    assert_eq!(due, "2026-03-05T03:30:00Z".parse().unwrap());

    // Before that they say that it is Fridays alone.
    let customer = CustomerEvent { availability: mornings(&[Weekday::Friday]), ..a_customer(id_of(&ticket.customer)) };
    world.pass(24);
    world.customers.tells("seva.customers.customer.updated.v1", &customer.customer, world.now(), &customer).await;
    eventually("their hours are known", || async {
        let sql = "select count(*) from recipient where availability::text not like '%thursday%'";
        (world.count(sql).await == 1).then_some(())
    })
    .await;
    world.pass(24 + 19);
    let moved =
        world.until("it is moved", &ticket.name, |now| now.verification_due_time != ticket.verification_due_time);
    let moved = moved.await;
    assert_eq!(
        (moved.verification_attempts, at(moved.verification_due_time)),
        (0, due + SignedDuration::from_hours(24))
    );
    assert_eq!(world.acts(&ticket.name).await.last().unwrap(), "updated", "which is told");
    world.pass(24);
    let asked = asked(&world, &ticket, 1).await;
    assert!(at(asked.verification[0].time) >= due + SignedDuration::from_hours(24));
}

/// TK142
#[tokio::test(flavor = "multi_thread")]
async fn tk142_who_has_a_phone_is_called_before_it_is_closed_and_the_call_is_the_second_channel() {
    let (world, ticket) = resolved_for(with_phone).await;
    asked_by_mail(&world, &ticket).await;
    assert!(to_call(&world).await.is_empty(), "there is time to answer the last mail");
    let waits = world.get(&ticket.name).await;
    let from = at(waits.verification_call_time);
    assert_eq!(from, world.now() + SignedDuration::from_hours(48));
    assert_eq!(at(waits.verification_due_time), world.now() + SignedDuration::from_hours(7 * 24));
    world.pass(48);
    assert_eq!(to_call(&world).await, std::slice::from_ref(&ticket.name));
    world.pass(24);

    let called = calls(&world, a_call(&ticket, Outcome::NoAnswer)).await.unwrap();
    assert_eq!((called.state(), called.verification_attempts), (State::Resolved, 4));
    assert!(called.verification[3].member.starts_with("staffMembers/"), "by Radha");
    assert!(to_call(&world).await.is_empty());
    world.pass(48);
    let closed = closed(&world, &ticket).await;
    assert_eq!((closed.closure(), closed.unverified_reason()), (Closure::Unverified, UnverifiedReason::Unanswered));
    let told = world.told(&ticket.name).await.pop().unwrap().1;
    let channels = [Channel::Email, Channel::Phone].map(i32::from);
    assert_eq!((told.verification_attempts, told.verification_channels), (4, channels.to_vec()));
}

/// TK142, TK143
#[tokio::test(flavor = "multi_thread")]
async fn tk142_whom_nobody_calls_for_seven_days_is_given_up_and_that_is_said() {
    let (world, ticket) = resolved_for(with_phone).await;
    asked_by_mail(&world, &ticket).await;
    world.pass(7 * 24 - 1);
    assert_eq!(to_call(&world).await, std::slice::from_ref(&ticket.name));
    world.pass(1);
    let closed = closed(&world, &ticket).await;
    assert_eq!((closed.closure(), closed.unverified_reason()), (Closure::Unverified, UnverifiedReason::NotCalled));
    assert!(to_call(&world).await.is_empty());
}

/// TK143
#[tokio::test(flavor = "multi_thread")]
async fn tk143_whom_nothing_reaches_is_waited_for_as_long_and_counted_apart() {
    let (world, ticket) = resolved_for(|customer| CustomerEvent { has_email: false, ..customer }).await;
    assert_eq!(ticket.verification_attempts, 0);
    world.pass(6 * 24 - 1);
    assert_eq!(world.get(&ticket.name).await.state(), State::Resolved);
    world.pass(1);
    let closed = closed(&world, &ticket).await;
    assert_eq!(closed.unverified_reason(), UnverifiedReason::NoChannel);
    assert_eq!(world.acts(&ticket.name).await.last().unwrap(), "closed");
}

/// TK147
#[tokio::test(flavor = "multi_thread")]
async fn tk147_a_yes_on_the_phone_closes_it_and_is_recorded_with_who_said_it() {
    let (world, ticket) = resolved_for(with_phone).await;
    let call_time = Some(proto_timestamp(world.now()));
    world.pass(1);
    let call = RecordVerificationCallRequest { call_time, ..a_call(&ticket, Outcome::Confirmed) };
    let closed = calls(&world, call.clone()).await.unwrap();
    assert_eq!((closed.state(), closed.closure()), (State::Closed, Closure::Verified));
    assert_eq!(outcomes(&closed), [(Channel::Email, Outcome::NoAnswer), (Channel::Phone, Outcome::Confirmed)]);
    assert_eq!(closed.verification[1].time, call_time);
    assert_eq!(calls(&world, call).await.unwrap(), closed, "the same request again answers the same");
    let request = ListMessagesRequest { parent: ticket.name.clone(), ..ListMessagesRequest::default() };
    let said = world.tickets().list_messages(request).await.unwrap().into_inner().messages.pop().unwrap();
    assert_eq!(
        (said.author(), said.medium(), said.visibility()),
        (Author::Staff, Medium::PhoneCall, Visibility::Internal)
    );
    assert_eq!(said.text, "Asha says on the phone that it is solved.");
    for words in [
        "select count(*) from seva.outbox where position('Asha'::bytea in payload) > 0",
        "select count(*) from ticket where verification::text like '%Asha%'",
    ] {
        assert_eq!(world.count(words).await, 0, "TK9: {words}");
    }
}

/// TK147
#[tokio::test(flavor = "multi_thread")]
async fn tk147_a_no_on_the_phone_opens_it_again_and_the_attempts_stay() {
    let (world, ticket) = resolved_for(with_phone).await;
    let no = RecordVerificationCallRequest { text: "It is blue.".to_owned(), ..a_call(&ticket, Outcome::Rejected) };
    let open = calls(&world, no).await.unwrap();
    assert_eq!((open.reopen_count, open.verification_attempts), (1, 0));
    world.assigned(&ticket.name).await;
    let again = world.resolve(&ticket.name).await.unwrap();
    let resolutions: Vec<i32> = again.verification.iter().map(|attempt| attempt.resolution).collect();
    assert_eq!((again.verification_attempts, resolutions), (1, vec![1, 1, 2]));
}

/// TK146
#[tokio::test(flavor = "multi_thread")]
async fn tk146_who_wants_to_be_called_again_is_left_alone_until_then() {
    let (world, ticket) = resolved_for(with_phone).await;
    let again_at = world.now() + SignedDuration::from_hours(60);
    let again = RecordVerificationCallRequest {
        call_again_time: Some(proto_timestamp(again_at)),
        ..a_call(&ticket, Outcome::CallAgain)
    };
    let waits = calls(&world, again).await.unwrap();
    assert_eq!(at(waits.verification_call_time), again_at);
    world.pass(59);
    assert!(to_call(&world).await.is_empty());
    assert_eq!(world.get(&ticket.name).await.verification_attempts, 2, "no mail comes between");
    world.pass(1);
    assert_eq!(to_call(&world).await, std::slice::from_ref(&ticket.name));
    let closed = calls(&world, a_call(&ticket, Outcome::Confirmed)).await.unwrap();
    assert_eq!(closed.closure(), Closure::Verified);
}

/// TK4, TK144, TK145, TK146
#[tokio::test(flavor = "multi_thread")]
async fn tk144_to_tk146_a_call_that_cannot_be_recorded_is_refused_with_what_would_have_to_be_true() {
    let state = |customer| CustomerEvent { availability: mornings(&[Weekday::Monday]), ..with_phone(customer) };
    let (world, ticket) = resolved_for(state).await;
    let hours = |hours| Some(proto_timestamp(world.now() + SignedDuration::from_hours(hours)));
    let refused = [
        ("TK144", RecordVerificationCallRequest { call_time: hours(1), ..a_call(&ticket, Outcome::Confirmed) }),
        ("TK144", RecordVerificationCallRequest { call_time: hours(-1), ..a_call(&ticket, Outcome::Confirmed) }),
        ("TK145", a_call(&ticket, Outcome::NoAnswer)),
        ("TK146", RecordVerificationCallRequest { call_again_time: hours(1), ..a_call(&ticket, Outcome::CallAgain) }),
        (
            "TK146",
            RecordVerificationCallRequest { call_again_time: hours(8 * 24), ..a_call(&ticket, Outcome::CallAgain) },
        ),
    ];
    for (id, call) in refused {
        assert_eq!(invariant(&is_refused(calls(&world, call).await, ErrorReason::StateForbids)), id);
    }
    let caller = || "Asha".to_owned();
    for (field, call) in [
        ("outcome", a_call(&ticket, Outcome::Unspecified)),
        ("outcome", a_call(&ticket, Outcome::Sent)),
        ("caller", RecordVerificationCallRequest { caller: String::new(), ..a_call(&ticket, Outcome::Confirmed) }),
        ("caller", RecordVerificationCallRequest { caller: caller(), ..a_call(&ticket, Outcome::NoAnswer) }),
        ("text", a_call(&ticket, Outcome::Rejected)),
        ("text", RecordVerificationCallRequest { text: caller(), ..a_call(&ticket, Outcome::Confirmed) }),
        ("call_again_time", a_call(&ticket, Outcome::CallAgain)),
        (
            "call_again_time",
            RecordVerificationCallRequest { call_again_time: hours(1), ..a_call(&ticket, Outcome::Confirmed) },
        ),
    ] {
        let status = is_refused(calls(&world, call).await, ErrorReason::FieldsInvalid);
        assert!(format!("{status:?}").contains(field), "{field}: {status:?}");
    }
    calls(&world, a_call(&ticket, Outcome::Confirmed)).await.unwrap();
    let over = is_refused(calls(&world, a_call(&ticket, Outcome::Confirmed)).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&over), "TK4");
    let stale = RecordVerificationCallRequest { etag: ticket.etag.clone(), ..a_call(&ticket, Outcome::Confirmed) };
    is_refused(calls(&world, stale).await, ErrorReason::EtagMismatch);
}

/// TK147: several of us hear the customer's yes at once.
#[tokio::test(flavor = "multi_thread")]
async fn tk147_of_several_confirmations_at_once_one_closes_it() {
    for _ in 0..5 {
        let (world, ticket) = resolved_for(with_phone).await;
        let world = Arc::new(world);
        let confirm = ConfirmTicketRequest {
            name: ticket.name.clone(),
            caller: "Asha".to_owned(),
            request_id: new_id().to_string(),
            ..ConfirmTicketRequest::default()
        };
        let mut tickets = world.tickets_of("radha");
        let (one, other) =
            tokio::join!(calls(&world, a_call(&ticket, Outcome::Confirmed)), tickets.confirm_ticket(confirm));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let closed = world.get(&ticket.name).await;
        assert_eq!(outcomes(&closed), [(Channel::Email, Outcome::NoAnswer), (Channel::Phone, Outcome::Confirmed)]);
        assert_eq!(world.acts(&ticket.name).await.iter().filter(|act| *act == "closed").count(), 1);
    }
}

/// TK147: the customer says yes on the phone at the very moment at which we stop waiting for it.
#[tokio::test(flavor = "multi_thread")]
async fn tk147_of_a_yes_on_the_phone_and_the_end_of_our_patience_at_once_one_closes_it() {
    for _ in 0..5 {
        let (world, ticket) = resolved_for(with_phone).await;
        asked_by_mail(&world, &ticket).await;
        world.pass(7 * 24);
        let yes = calls(&world, a_call(&ticket, Outcome::Confirmed)).await;
        let closed = closed(&world, &ticket).await;
        match yes {
            Ok(told) => assert_eq!((told.closure(), closed.closure()), (Closure::Verified, Closure::Verified)),
            Err(refused) => {
                assert_eq!(invariant(&is_refused(Err::<(), _>(refused), ErrorReason::StateForbids)), "TK4");
                assert_eq!(closed.unverified_reason(), UnverifiedReason::NotCalled);
            }
        }
        assert_eq!(world.acts(&ticket.name).await.iter().filter(|act| *act == "closed").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_met_is_breached_at_its_due_time_and_told_once() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    let due = world.get(&name).await.clocks[0].due_time.unwrap();
    // A question of a usual customer is answered within four hours.
    assert_eq!(due.seconds - world.now().as_second(), 4 * 3600);
    world.pass(5);
    let ticket = world.until("it is breached", &name, |ticket| ticket.clocks[0].breach_time.is_some()).await;
    assert_eq!(ticket.clocks[0].breach_time, Some(due), "the time at which it was due, not that of the look (TK22)");
    let breaches = |acts: Vec<String>| acts.iter().filter(|act| *act == "clock_breached").count();
    assert_eq!(breaches(world.acts(&name).await), 1);
    world.pass(1);
    assert_eq!(breaches(world.acts(&name).await), 1);
}

/// TK22: whoever comes first, the worker or a call, the breach is told once, and before what the call did.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_passed_is_told_before_a_call_that_comes_first() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    for _ in 0..10 {
        let name = world.create(a_ticket(customer)).await.unwrap().name;
        world.pass(5);
        let reply = ReplyToTicketRequest {
            name: name.clone(),
            visibility: Visibility::Public.into(),
            author: Author::Staff.into(),
            text: "We are looking at it.".to_owned(),
            request_id: new_id().to_string(),
            ..ReplyToTicketRequest::default()
        };
        world.tickets().reply_to_ticket(reply).await.unwrap();
        let acts = world.acts(&name).await;
        assert_eq!(acts.iter().filter(|act| *act == "clock_breached").count(), 1, "{acts:?}");
        assert_eq!(acts.last().unwrap(), "replied");
    }
}
