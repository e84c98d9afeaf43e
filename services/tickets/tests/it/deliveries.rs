//! What became of our mails: it is seen with the message that they tell of, and whom no mail has reached is called.

use seva_proto::{
    common::v1::Channel,
    notifications::v1::{DecisionReason, Notification, NotificationEvent, notification::State},
    tickets::v1::{
        ListMessagesRequest, MakePromiseRequest, Message, RenewPromiseRequest, ReplyToTicketRequest,
        message::{Author, Visibility},
        promise_service_client::PromiseServiceClient,
        verification_attempt::Outcome,
    },
};
use seva_store::{consumer::rebase, event::proto_timestamp};
use seva_testkit::eventually;
use seva_tickets::delivery::Deliveries;
use seva_values::{format_name, new_id};
use uuid::Uuid;

use crate::{
    conversation::{link, see},
    floor::{Floor, event},
    verification::{a_call, asked, at, calls, outcomes, resolved_for, to_call, with_phone},
    world::{World, a_ticket},
};

const DECIDED: &str = "seva.notifications.notification.decided.v1";

/// A mail, as notifications names what it tells of.
fn a_mail(subject: &str, milestone: &str, occasion: &str) -> Notification {
    Notification {
        name: format_name("notifications", new_id()),
        subject: subject.to_owned(),
        milestone: milestone.to_owned(),
        occasion: occasion.to_owned(),
        ..Notification::default()
    }
}

/// Notifications tells what has become of a mail.
async fn becomes(world: &World, mail: &Notification, state: State, reason: DecisionReason) {
    let kind = match state {
        State::Sent => "seva.notifications.notification.sent.v1",
        State::Superseded => "seva.notifications.notification.superseded.v1",
        State::Expired => "seva.notifications.notification.expired.v1",
        State::Canceled => "seva.notifications.notification.canceled.v1",
        State::Failed => "seva.notifications.notification.failed.v1",
        _ => DECIDED,
    };
    let notification = Notification { state: state.into(), reason: reason.into(), ..mail.clone() };
    let payload = NotificationEvent { notification: Some(notification) };
    world.notifications.tells(kind, &mail.name, world.now(), &payload).await;
}

/// A ticket that Radha works on.
async fn worked_on() -> (World, String) {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    (world, name)
}

/// Radha says something, a minute after whatever was said before.
async fn says(world: &World, ticket: &str, visibility: Visibility, text: &str) -> Message {
    world.pass_minutes(1);
    let request = ReplyToTicketRequest {
        name: ticket.to_owned(),
        visibility: visibility.into(),
        author: Author::Staff.into(),
        text: text.to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets_of("radha").reply_to_ticket(request).await.unwrap().into_inner().message.unwrap()
}

async fn messages(world: &World, ticket: &str) -> Vec<Message> {
    let request = ListMessagesRequest { parent: ticket.to_owned(), ..ListMessagesRequest::default() };
    world.tickets().list_messages(request).await.unwrap().into_inner().messages
}

fn deliveries(messages: &[Message]) -> Vec<Option<(State, DecisionReason)>> {
    let delivery = |message: &Message| message.delivery.as_ref().map(|delivery| (delivery.state(), delivery.reason()));
    messages.iter().map(delivery).collect()
}

/// Waits until what became of mails is seen so.
async fn seen(world: &World, ticket: &str, expected: &[Option<(State, DecisionReason)>]) -> Vec<Message> {
    eventually("what became of the mails is seen", || async {
        let messages = messages(world, ticket).await;
        (deliveries(&messages) == expected).then_some(messages)
    })
    .await
}

fn id_of(message: &Message) -> &str {
    message.name.rsplit('/').next().unwrap()
}

/// TK149
#[tokio::test(flavor = "multi_thread")]
async fn tk149_what_became_of_a_mail_is_seen_with_the_message_that_it_tells_of() {
    let (world, ticket) = worked_on().await;
    let mut mails = Vec::new();
    for text in ["It comes today.", "Really.", "In the evening.", "At seven."] {
        let message = says(&world, &ticket, Visibility::Public, text).await;
        mails.push(a_mail(&ticket, "ticket_replied", id_of(&message)));
    }
    says(&world, &ticket, Visibility::Internal, "The van broke down.").await;
    assert_eq!(deliveries(&messages(&world, &ticket).await), [None; 5], "nothing was heard so far");

    for mail in &mails[..3] {
        becomes(&world, mail, State::Queued, DecisionReason::Accepted).await;
    }
    let queued = Some((State::Queued, DecisionReason::Accepted));
    seen(&world, &ticket, &[queued, queued, queued, None, None]).await;
    becomes(&world, &mails[0], State::Sent, DecisionReason::HandedOver).await;
    becomes(&world, &mails[1], State::Failed, DecisionReason::BadAddress).await;
    becomes(&world, &mails[2], State::Superseded, DecisionReason::Stale).await;
    becomes(&world, &mails[3], State::Skipped, DecisionReason::Preference).await;

    let expected = [
        Some((State::Sent, DecisionReason::HandedOver)),
        Some((State::Failed, DecisionReason::BadAddress)),
        Some((State::Superseded, DecisionReason::Stale)),
        Some((State::Skipped, DecisionReason::Preference)),
        None,
    ];
    let listed = seen(&world, &ticket, &expected).await;
    let failed = listed[1].delivery.clone().unwrap();
    assert_eq!((failed.notification, failed.time), (mails[1].name.clone(), Some(proto_timestamp(world.now()))));
    let conversation = see(&world, &link(&world, &ticket).await).await.unwrap();
    assert_eq!(conversation.messages.len(), 4);
    assert_eq!(deliveries(&conversation.messages), [None; 4], "that is for staff");
    assert_eq!(world.acts(&ticket).await.last().unwrap(), "replied", "the ticket is as it was");
}

/// TK149: what is not told by the message itself.
#[tokio::test(flavor = "multi_thread")]
async fn tk149_what_became_of_the_mail_is_seen_with_a_renewed_promise_and_a_resolution() {
    let (world, ticket) = worked_on().await;
    let mut promises = PromiseServiceClient::new(world.server.as_role("lead"));
    let due = |hours| Some(proto_timestamp(world.now() + jiff::SignedDuration::from_hours(hours)));
    let make = MakePromiseRequest {
        ticket: ticket.clone(),
        text: "You hear from us.".to_owned(),
        due_time: due(24),
        request_id: new_id().to_string(),
        ..MakePromiseRequest::default()
    };
    let promise = promises.make_promise(make).await.unwrap().into_inner().promise.unwrap().name;
    for hours in [48, 72] {
        world.pass_minutes(1);
        let renew = RenewPromiseRequest {
            name: promise.clone(),
            text: "It takes a day longer.".to_owned(),
            due_time: due(hours),
            request_id: new_id().to_string(),
            ..RenewPromiseRequest::default()
        };
        promises.renew_promise(renew).await.unwrap();
    }
    let skipped = Some((State::Skipped, DecisionReason::NoContactPoint));
    becomes(&world, &a_mail(&promise, "promise_renewed", "2"), State::Skipped, DecisionReason::NoContactPoint).await;
    seen(&world, &ticket, &[None, None, skipped]).await;

    let (world, ticket) = resolved_for(|customer| customer).await;
    let expired = Some((State::Expired, DecisionReason::TooLate));
    becomes(&world, &a_mail(&ticket.name, "ticket_resolved", "1"), State::Expired, DecisionReason::TooLate).await;
    seen(&world, &ticket.name, &[expired]).await;
}

/// TK148
#[tokio::test(flavor = "multi_thread")]
async fn tk148_whom_a_mail_has_not_reached_is_called_at_once_and_it_counts_as_no_attempt() {
    let (world, ticket) = resolved_for(with_phone).await;
    assert!(to_call(&world).await.is_empty());
    let mail = a_mail(&ticket.name, "ticket_resolved", "1");
    becomes(&world, &mail, State::Queued, DecisionReason::Accepted).await;
    becomes(&world, &mail, State::Skipped, DecisionReason::Preference).await;

    let waits = world.until("it is no attempt", &ticket.name, |ticket| ticket.verification_attempts == 0).await;
    assert_eq!(outcomes(&waits), [(Channel::Email, Outcome::NotDelivered)]);
    let delivery = waits.verification[0].delivery.clone().unwrap();
    assert_eq!((delivery.state(), delivery.reason()), (State::Skipped, DecisionReason::Preference));
    assert_eq!(delivery.notification, mail.name);
    assert_eq!(at(waits.verification_call_time), world.now(), "at once");
    assert_eq!(to_call(&world).await, std::slice::from_ref(&ticket.name));
    let (act, told) = world.told(&ticket.name).await.pop().unwrap();
    assert_eq!(act, "verification_undelivered");
    assert_eq!((told.verification_attempts, told.verification_channels.len()), (0, 0));
    assert_eq!(told.verification_call_time, waits.verification_call_time);

    // Nobody answers: 48 hours later a mail is written again, under a number of its own.
    let called = calls(&world, a_call(&ticket, Outcome::NoAnswer)).await.unwrap();
    assert_eq!(called.verification_attempts, 1);
    assert!(to_call(&world).await.is_empty());
    world.pass(48);
    asked(&world, &ticket, 2).await;
    assert_eq!(world.told(&ticket.name).await.pop().unwrap().1.verification_number, 3);
    let mail = a_mail(&ticket.name, "ticket_asked_again", "1.3");
    becomes(&world, &mail, State::Failed, DecisionReason::BadAddress).await;
    asked(&world, &ticket, 1).await;
    assert_eq!(to_call(&world).await, std::slice::from_ref(&ticket.name));
}

/// TK148: there is nothing to call by.
#[tokio::test(flavor = "multi_thread")]
async fn tk148_who_has_mail_alone_is_asked_again_and_what_was_sent_counts() {
    let (world, ticket) = resolved_for(|customer| customer).await;
    let mail = a_mail(&ticket.name, "ticket_resolved", "1");
    becomes(&world, &mail, State::Failed, DecisionReason::Ambiguous).await;
    seen(&world, &ticket.name, &[Some((State::Failed, DecisionReason::Ambiguous))]).await;
    assert_eq!(world.get(&ticket.name).await.verification_attempts, 1, "it may have come");
    world.pass(48);
    asked(&world, &ticket, 2).await;
    becomes(&world, &a_mail(&ticket.name, "ticket_asked_again", "1.2"), State::Expired, DecisionReason::TooLate).await;
    let waits = asked(&world, &ticket, 1).await;
    assert_eq!(waits.verification_call_time, None);
    assert_eq!(at(waits.verification_due_time), world.now() + jiff::SignedDuration::from_hours(48));
    world.pass(48);
    let again = asked(&world, &ticket, 2).await;
    let expected = [Outcome::NoAnswer, Outcome::NotDelivered, Outcome::Sent].map(|outcome| (Channel::Email, outcome));
    assert_eq!(outcomes(&again), expected);
}

/// All that was made of what was heard.
async fn everything(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "select d::text from message_delivery d order by 1",
        "select version || ' ' || verification::text || verification_call_from::text from ticket order by 1",
        "select type || sequence from seva.outbox where subject like 'tickets/%' order by 1",
        "select d::text from seva.dead_letter d order by 1",
    ] {
        all.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&world.database.owner).await.unwrap());
    }
    all
}

/// TK148, TK149
#[tokio::test(flavor = "multi_thread")]
async fn tk149_what_is_heard_again_changes_nothing() {
    let (world, ticket) = resolved_for(with_phone).await;
    let reply = says(&world, &ticket.name, Visibility::Public, "By the way, it is blue.").await;
    let (told, asked) =
        (a_mail(&ticket.name, "ticket_replied", id_of(&reply)), a_mail(&ticket.name, "ticket_resolved", "1"));
    for mail in [&told, &asked] {
        becomes(&world, mail, State::Queued, DecisionReason::Accepted).await;
    }
    becomes(&world, &told, State::Sent, DecisionReason::HandedOver).await;
    becomes(&world, &asked, State::Failed, DecisionReason::BadAddress).await;
    let failed = Some((State::Failed, DecisionReason::BadAddress));
    seen(&world, &ticket.name, &[failed, Some((State::Sent, DecisionReason::HandedOver))]).await;
    let before = everything(&world).await;
    assert!(before.len() > 5, "{before:?}");

    assert!(rebase(&world.database.db, "deliveries", "//notifications", 0).await.unwrap());
    eventually("everything was heard again", || async {
        let heard = "select feed_no from seva.consumer_cursor where consumer = 'deliveries'";
        (world.count(heard).await == 4).then_some(())
    })
    .await;

    assert_eq!(everything(&world).await, before);
}

/// TK149
#[tokio::test(flavor = "multi_thread")]
async fn tk149_an_older_word_on_a_mail_never_takes_the_place_of_a_newer_one() {
    let floor = Floor::new().await;
    let (ticket, message) = (floor.delivery().await, new_id());
    says_on(&floor, ticket, message, "public").await;
    let internal = new_id();
    says_on(&floor, ticket, internal, "internal").await;
    let deliveries = Deliveries::new(floor.foundation.clock.clone());
    let mail = a_mail(&format_name("tickets", ticket), "ticket_replied", &message.to_string());
    let word = |mail: &Notification, sequence, state: State| {
        let notification = Notification { state: state.into(), ..mail.clone() };
        let payload = NotificationEvent { notification: Some(notification) };
        event("//notifications", DECIDED, &mail.name, sequence, &payload)
    };
    let stands = async || -> Vec<String> {
        let sql = "select state || ' ' || sequence from message_delivery";
        sqlx::query_scalar(sql).fetch_all(&floor.database.owner).await.unwrap()
    };

    // In one batch the newest holds.
    let words = [word(&mail, 1, State::Queued), word(&mail, 3, State::Failed), word(&mail, 2, State::Queued)];
    floor.hear(&deliveries, &words).await.unwrap();
    assert_eq!(stands().await, ["failed 3"]);
    floor.hear(&deliveries, &[word(&mail, 2, State::Queued)]).await.unwrap();
    assert_eq!(stands().await, ["failed 3"]);
    // What is about a message that is not known here, or that the customer cannot read, says nothing.
    let subject = format_name("tickets", ticket);
    let elsewhere = a_mail(&subject, "ticket_replied", &new_id().to_string());
    let among_us = a_mail(&subject, "ticket_replied", &internal.to_string());
    let never = a_mail(&subject, "ticket_resolved", "9");
    let nothing = [&elsewhere, &among_us, &never].map(|mail| word(mail, 1, State::Skipped));
    floor.hear(&deliveries, &nothing).await.unwrap();
    assert_eq!(stands().await, ["failed 3"]);
    assert_eq!(floor.told(ticket).await, Vec::<String>::new(), "the ticket is as it was");
}

/// Somebody of us says something.
async fn says_on(floor: &Floor, ticket: Uuid, message: Uuid, visibility: &str) {
    let sql = "insert into message (ticket_id, id, visibility, author, medium, text, created_at)
               values ($1, $2, $3, 'staff', 'text', 'It comes today.', $4)";
    let said = sqlx::query(sql).bind(ticket).bind(message).bind(visibility);
    said.bind(jiff_sqlx::Timestamp::from(floor.now())).execute(&floor.database.owner).await.unwrap();
}
