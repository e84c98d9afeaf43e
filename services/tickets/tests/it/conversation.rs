//! A ticket by link: the customer's own view, and the customer's word.

use std::sync::Arc;

use seva_proto::{
    common::v1::{
        ErrorReason, LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item,
    },
    tickets::v1::{
        AnswerResolutionRequest, CancelTicketRequest, ConfirmTicketRequest, Conversation, GetConversationRequest,
        Matter, ReplyToTicketRequest, SendMessageRequest, SendMessageResponse, Ticket, message,
        send_message_response::Outcome,
        ticket::{CancelReason, Closure, State},
    },
};
use seva_testkit::eventually;
use seva_values::new_id;
use tonic::{Code, Status};

use crate::{
    merge,
    world::{World, a_ticket, id_of, is_refused},
};

pub async fn link(world: &World, name: &str) -> String {
    let item = Item { purpose: LinkPurpose::Ticket.into(), subject: name.to_owned() };
    let mut links = LinkServiceClient::new(world.server.as_service("notifications"));
    links.mint_links(MintLinksRequest { items: vec![item] }).await.unwrap().into_inner().links.remove(0).token
}

pub async fn see(world: &World, token: &str) -> Result<Conversation, Status> {
    let request = GetConversationRequest { token: token.to_owned() };
    Ok(world.conversations().get_conversation(request).await?.into_inner().conversation.unwrap())
}

async fn answer(world: &World, token: &str, resolution: i32, solved: bool) -> Result<Conversation, Status> {
    let request = AnswerResolutionRequest {
        token: token.to_owned(),
        resolution,
        solved,
        text: if solved { String::new() } else { "It has not come.".to_owned() },
        request_id: new_id().to_string(),
    };
    Ok(world.conversations().answer_resolution(request).await?.into_inner().conversation.unwrap())
}

/// A ticket that Radha has.
async fn assigned() -> (World, String) {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    (world, name)
}

/// A ticket that is resolved, and a link to it.
async fn resolved() -> (World, String, String) {
    let (world, name) = assigned().await;
    let internal = ReplyToTicketRequest {
        name: name.clone(),
        visibility: message::Visibility::Internal.into(),
        text: "A difficult one.".to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets_of("radha").reply_to_ticket(internal).await.unwrap();
    world.resolve(&name).await.unwrap();
    let token = link(&world, &name).await;
    (world, name, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_what_is_public_and_looking_changes_nothing() {
    let (world, name, token) = resolved().await;
    let before = world.get(&name).await;
    for _ in 0..3 {
        let seen = see(&world, &token).await.unwrap();
        assert_eq!((seen.number.as_str(), seen.state(), seen.resolution), (before.number.as_str(), State::Resolved, 1));
        let texts: Vec<&str> = seen.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(texts, ["It comes today."]);
        assert!(seen.messages.iter().all(|message| message.author_name.is_empty()), "who of us wrote it is for staff");
    }
    assert_eq!(world.get(&name).await, before);
}

// TK10
#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_again_changes_nothing_and_another_is_refused() {
    let (world, name, token) = resolved().await;
    let closed = answer(&world, &token, 1, true).await.unwrap();
    assert_eq!((closed.state(), closed.closure(), closed.resolution), (State::Closed, Closure::Verified, 0));
    let version = world.get(&name).await.etag;
    answer(&world, &token, 1, true).await.unwrap();
    assert_eq!(world.get(&name).await.etag, version);
    is_refused(answer(&world, &token, 1, false).await, ErrorReason::LinkUsed);
}

// TK10
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_earlier_resolution_is_refused() {
    let (world, name, token) = resolved().await;
    let rejected = answer(&world, &token, 1, false).await.unwrap();
    assert_eq!(rejected.messages.last().unwrap().text, "It has not come.");
    world.assigned(&name).await;
    world.resolve(&name).await.unwrap();
    is_refused(answer(&world, &token, 1, true).await, ErrorReason::LinkUsed);
    answer(&world, &token, 2, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_yes_and_a_no_at_once_one_holds_and_the_other_is_told() {
    for _ in 0..5 {
        let (world, name, token) = resolved().await;
        let world = Arc::new(world);
        let by_phone = ConfirmTicketRequest {
            name: name.clone(),
            caller: "Asha".to_owned(),
            request_id: new_id().to_string(),
            ..ConfirmTicketRequest::default()
        };
        let mut tickets = world.tickets();
        let (no, yes) = tokio::join!(answer(&world, &token, 1, false), tickets.confirm_ticket(by_phone));
        assert!(no.is_ok() != yes.is_ok(), "{no:?} {yes:?}");
        let acts = world.acts(&name).await;
        let words = acts.iter().filter(|act| ["rejected", "closed"].contains(&act.as_str())).count();
        assert_eq!(words, 1, "{acts:?}");
    }
}

/// TK5: the customer's word at the very moment at which we stop waiting for it.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_yes_and_the_end_of_our_patience_at_once_one_closes_it() {
    for _ in 0..5 {
        let (world, name, token) = resolved().await;
        for attempt in [2, 3] {
            world.pass(48);
            world.until("the customer is asked again", &name, |ticket| ticket.verification_attempts == attempt).await;
        }
        world.pass(48);
        let yes = answer(&world, &token, 1, true).await;
        let closed = world.until("it is closed", &name, |ticket| ticket.state() == State::Closed).await;
        match yes {
            Ok(told) => assert_eq!((told.closure(), closed.closure()), (Closure::Verified, Closure::Verified)),
            Err(refused) => {
                is_refused(Err::<(), _>(refused), ErrorReason::LinkUsed);
                assert_eq!(closed.closure(), Closure::Unverified);
            }
        }
        let acts = world.acts(&name).await;
        assert_eq!(acts.iter().filter(|act| *act == "closed").count(), 1, "{acts:?}");
    }
}

async fn send(world: &World, token: &str, text: &str, request_id: &str) -> Result<SendMessageResponse, Status> {
    let request =
        SendMessageRequest { token: token.to_owned(), text: text.to_owned(), request_id: request_id.to_owned() };
    Ok(world.conversations().send_message(request).await?.into_inner())
}

async fn say(world: &World, token: &str, text: &str, request_id: &str) -> Result<Conversation, Status> {
    Ok(send(world, token, text, request_id).await?.conversation.unwrap())
}

fn new_request() -> String {
    new_id().to_string()
}

fn texts(seen: &Conversation) -> Vec<&str> {
    seen.messages.iter().map(|message| message.text.as_str()).collect()
}

/// A ticket that its customer has confirmed so many days ago, and a link to it.
async fn closed(days: i64) -> (World, String, String) {
    let (world, name, token) = resolved().await;
    answer(&world, &token, 1, true).await.unwrap();
    world.pass(24 * days);
    (world, name, token)
}

async fn cancel(world: &World, name: &str) {
    let request = CancelTicketRequest {
        name: name.to_owned(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_request(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(request).await.unwrap();
}

/// A ticket whose customer is asked something, and a link to it.
async fn asked() -> (World, String, String) {
    let (world, name) = assigned().await;
    let question = ReplyToTicketRequest {
        name: name.clone(),
        visibility: message::Visibility::Public.into(),
        text: "Which floor is it?".to_owned(),
        awaits_customer: true,
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets_of("radha").reply_to_ticket(question).await.unwrap();
    let token = link(&world, &name).await;
    (world, name, token)
}

/// TK16
#[tokio::test(flavor = "multi_thread")]
async fn tk16_whoever_does_not_answer_is_reminded_twice_and_then_the_ticket_goes_on() {
    let (world, name, token) = asked().await;
    for reminders in 1..=2 {
        world.pass(48);
        eventually("the customer is reminded", || async {
            let seen = see(&world, &token).await.unwrap();
            let of_ours = seen.messages.iter().filter(|said| said.author() == message::Author::System).count();
            (of_ours == reminders && seen.state() == State::PendingCustomer).then_some(())
        })
        .await;
    }
    world.pass(48);
    world.until("whoever has it decides", &name, |ticket| ticket.state() == State::Open).await;
    assert_eq!(world.acts(&name).await.iter().filter(|act| *act == "pending").count(), 3);
}

// pending_customer -> open, by link.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_customer_says_by_link_is_said_once_and_takes_the_ticket_on() {
    let (world, name, token) = asked().await;
    let seen = see(&world, &token).await.unwrap();
    assert_eq!((seen.state(), seen.accepts_messages, seen.zone.is_empty()), (State::PendingCustomer, true, false));
    let request_id = new_id().to_string();

    let said = say(&world, &token, "The second one.", &request_id).await.unwrap();
    let again = say(&world, &token, "The second one.", &request_id).await.unwrap();

    assert_eq!(said, again);
    let last = said.messages.last().unwrap();
    assert_eq!(
        (last.text.as_str(), last.author(), said.state()),
        ("The second one.", message::Author::Customer, State::Open)
    );
    assert_eq!(said.messages.iter().filter(|message| message.text == "The second one.").count(), 1);
    let acts = world.acts(&name).await;
    assert_eq!(acts.iter().filter(|act| *act == "replied").count(), 1, "{acts:?}");
    is_refused(say(&world, &token, "The third one.", &request_id).await, ErrorReason::RequestIdReused);
    // And more may be said while it is worked on. TK9: nothing remembers the words but the message.
    say(&world, &token, "And mind the dog.", &new_id().to_string()).await.unwrap();
    for remembered in [
        "select count(*) from seva.idempotency where position('dog'::bytea in response) > 0",
        "select count(*) from seva.outbox where position('dog'::bytea in payload) > 0",
        "select count(*) from seva.audit a where a::text like '%dog%'",
    ] {
        assert_eq!(world.count(remembered).await, 0, "{remembered}");
    }
}

/// TK96, TK10: it is an answer to the resolution, and no words are taken for thanks.
#[tokio::test(flavor = "multi_thread")]
async fn tk96_what_is_said_by_link_about_a_resolution_rejects_it() {
    let (world, name, token) = resolved().await;
    assert!(!see(&world, &token).await.unwrap().accepts_messages);

    let said = send(&world, &token, "Thank you!", &new_request()).await.unwrap();

    assert_eq!((said.outcome(), said.ticket.as_str()), (Outcome::Reopened, &*name));
    let seen = said.conversation.unwrap();
    assert_eq!((texts(&seen), seen.resolution), (vec!["It comes today.", "Thank you!"], 0));
    assert!(seen.accepts_messages && seen.carried_on_in.is_empty());
    let again = world.assigned(&name).await;
    assert_eq!(again.reopen_count, 1);
    assert!(world.acts(&name).await.contains(&"rejected".to_owned()));
    answer(&world, &token, 1, false).await.unwrap();
    assert_eq!(world.get(&name).await.etag, again.etag, "the same answer again changes nothing");
    is_refused(answer(&world, &token, 1, true).await, ErrorReason::LinkUsed);
}

/// TK97, TK8
#[tokio::test(flavor = "multi_thread")]
async fn tk97_what_is_said_by_link_within_its_days_opens_a_closed_ticket_again() {
    let (world, name, token) = closed(29).await;
    let seen = see(&world, &token).await.unwrap();
    assert_eq!((seen.state(), seen.accepts_messages, seen.carried_on_in.as_str()), (State::Closed, false, ""));

    let said = send(&world, &token, "It is broken again.", &new_request()).await.unwrap();

    assert_eq!((said.outcome(), said.ticket.as_str()), (Outcome::Reopened, &*name));
    let seen = said.conversation.unwrap();
    assert_eq!((texts(&seen), seen.accepts_messages), (vec!["It comes today.", "It is broken again."], true));
    let again = world.assigned(&name).await;
    assert_eq!((again.reopen_count, again.closure()), (1, Closure::Unspecified));
    assert!(world.acts(&name).await.contains(&"reopened".to_owned()));
    // What is added is added.
    let said = send(&world, &token, "And loud.", &new_request()).await.unwrap();
    assert_eq!((said.outcome(), said.ticket.as_str()), (Outcome::Said, &*name));
    assert_eq!(world.get(&name).await.reopen_count, 1);
}

/// TK97, TK8, TK9
#[tokio::test(flavor = "multi_thread")]
async fn tk97_what_is_said_by_link_later_opens_a_ticket_that_follows_and_what_comes_after_goes_there() {
    let (world, name, token) = closed(31).await;
    let request_id = new_request();

    let said = send(&world, &token, "It is broken again.", &request_id).await.unwrap();

    assert_eq!(said.outcome(), Outcome::Followed);
    assert_ne!(said.ticket, name);
    let (before, following) = (world.get(&name).await, world.get(&said.ticket).await);
    assert_eq!((following.follow_up_of.as_str(), &following.title), (&*name, &before.title));
    assert_eq!((following.stated_problem.as_str(), &following.customer), ("It is broken again.", &before.customer));
    assert_eq!((before.state(), before.reopen_count), (State::Closed, 0), "the old one stays as it was");
    let seen = said.conversation.clone().unwrap();
    assert_eq!((seen.state(), texts(&seen)), (State::Closed, vec!["It comes today."]));
    assert_eq!((seen.number, seen.carried_on_in), (before.number, following.number.clone()));
    // The same request again, and another one with its id.
    assert_eq!(send(&world, &token, "It is broken again.", &request_id).await.unwrap(), said);
    is_refused(send(&world, &token, "It is lost.", &request_id).await, ErrorReason::RequestIdReused);

    let next = send(&world, &token, "Still.", &new_request()).await.unwrap();
    assert_eq!((next.outcome(), &next.ticket), (Outcome::Followed, &said.ticket));
    let there = see(&world, &link(&world, &said.ticket).await).await.unwrap();
    assert_eq!(texts(&there), ["It is broken again.", "Still."]);
    assert_eq!(there.number, following.number);
    assert_eq!(world.all_of(id_of(&before.customer)).await.len(), 2);
    assert_eq!(world.count("select count(*) from ticket where channel = 'web'").await, 1);
    for remembered in [
        "select count(*) from seva.idempotency where position('broken again'::bytea in response) > 0",
        "select count(*) from seva.outbox where position('broken again'::bytea in payload) > 0",
        "select count(*) from seva.audit a where a::text like '%broken again%'",
    ] {
        assert_eq!(world.count(remembered).await, 0, "{remembered}");
    }
}

/// TK97: whoever is first opens it, and the others are said there.
#[tokio::test(flavor = "multi_thread")]
async fn tk97_of_several_by_link_at_once_one_opens_what_follows_and_none_is_lost() {
    let (world, _, token) = closed(31).await;
    let ids: Vec<String> = (0..5).map(|_| new_request()).collect();
    let said = ids.iter().map(|id| send(&world, &token, "It is broken again.", id));
    let said = futures::future::join_all(said).await;
    let tickets: Vec<&String> = said.iter().map(|said| &said.as_ref().unwrap().ticket).collect();
    assert!(tickets.iter().all(|ticket| *ticket == tickets[0]), "{tickets:?}");
    let there = see(&world, &link(&world, tickets[0]).await).await.unwrap();
    assert_eq!(there.messages.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_words_by_link_twice_at_once_one_opens_a_closed_ticket_again() {
    for days in [1, 31] {
        let (world, _, token) = closed(days).await;
        let request_id = new_request();
        let once = || send(&world, &token, "It is broken again.", &request_id);
        let (one, other) = tokio::join!(once(), once());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.outcome(), &one.ticket), (other.outcome(), &other.ticket));
        let there = see(&world, &link(&world, &one.ticket).await).await.unwrap();
        assert_eq!(texts(&there).iter().filter(|text| **text == "It is broken again.").count(), 1);
    }
}

/// TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk97_what_is_said_by_the_link_of_a_canceled_ticket_opens_one_that_follows() {
    let (world, name) = assigned().await;
    let token = link(&world, &name).await;
    cancel(&world, &name).await;
    let said = send(&world, &token, "I need it after all.", &new_request()).await.unwrap();
    assert_eq!(said.outcome(), Outcome::Followed);
    let following = world.get(&said.ticket).await;
    assert_eq!((following.follow_up_of.as_str(), following.reopen_count), (&*name, 0));
    assert_eq!(see(&world, &token).await.unwrap().carried_on_in, following.number);
}

/// TK53, TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk53_what_is_said_by_the_link_of_a_merged_ticket_after_the_end_goes_on_where_it_goes_on() {
    let (world, first) = assigned().await;
    let customer = id_of(&world.get(&first).await.customer);
    let second = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&second).await;
    let token = link(&world, &first).await;
    merge::merge(&world, &first, &second).await.unwrap();
    let close = async || {
        world.assigned(&second).await;
        world.resolve(&second).await.unwrap();
        world.confirm(&second).await.unwrap();
    };
    close().await;

    let said = send(&world, &token, "It is broken again.", &new_request()).await.unwrap();
    assert_eq!((said.outcome(), &said.ticket), (Outcome::Reopened, &second));
    let seen = said.conversation.unwrap();
    assert_eq!((seen.number, seen.carried_on_in.as_str()), (world.get(&second).await.number, ""));
    assert_eq!(seen.messages.last().unwrap().redirected_from, first);

    close().await;
    world.pass(24 * 31);
    let said = send(&world, &token, "And again.", &new_request()).await.unwrap();
    assert_eq!(said.outcome(), Outcome::Followed);
    let following = world.get(&said.ticket).await;
    assert_eq!(following.follow_up_of, second);
    assert_eq!(said.conversation.unwrap().carried_on_in, following.number);
}

/// TK7: of another customer's ticket nothing is told, and nothing is said there.
#[tokio::test(flavor = "multi_thread")]
async fn what_would_follow_is_refused_while_another_customer_has_a_ticket_of_its_matter() {
    let world = World::new().await;
    let (customer, other) = (world.customer("en").await, world.customer("en").await);
    let matter = Matter {
        kind: "promised_day_missed".to_owned(),
        subject: format!("orders/{}", new_id()),
        version: "2026-03-01".to_owned(),
    };
    let of = |customer| Ticket { matter: Some(matter.clone()), ..a_ticket(customer) };
    let name = world.create(of(customer)).await.unwrap().name;
    let token = link(&world, &name).await;
    cancel(&world, &name).await;
    let taken = world.create(of(other)).await.unwrap();

    let refused = is_refused(say(&world, &token, "I need it.", &new_request()).await, ErrorReason::MatterHasTicket);
    assert!(!format!("{refused:?}").contains(&taken.name), "{refused:?}");
    assert_eq!(see(&world, &token).await.unwrap().carried_on_in, "");
    cancel(&world, &taken.name).await;
    say(&world, &token, "I need it.", &new_request()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_replaced_opens_nothing_again_and_neither_do_no_words() {
    let (world, name, token) = closed(1).await;
    for text in ["", " \n", &"य".repeat(4_001)] {
        is_refused(say(&world, &token, text, &new_request()).await, ErrorReason::FieldsInvalid);
    }
    sqlx::query("update ticket set link_generation = 1 where id = $1")
        .bind(id_of(&name))
        .execute(&world.database.owner)
        .await
        .unwrap();
    is_refused(say(&world, &token, "It is broken again.", &new_request()).await, ErrorReason::LinkUsed);
    assert_eq!(world.get(&name).await.state(), State::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_by_link_has_words_and_a_link_that_still_leads_there() {
    let (world, name, token) = asked().await;
    let said = new_request();
    say(&world, &token, &"य".repeat(4_000), &said).await.unwrap();
    for text in ["", " \n", "\u{7}", &"य".repeat(4_001)] {
        is_refused(say(&world, &token, text, &new_request()).await, ErrorReason::FieldsInvalid);
    }
    is_refused(say(&world, &token, "Yes.", "no id").await, ErrorReason::FieldsInvalid);
    sqlx::query("update ticket set link_generation = 1 where id = $1")
        .bind(id_of(&name))
        .execute(&world.database.owner)
        .await
        .unwrap();
    is_refused(say(&world, &token, "Yes.", &new_request()).await, ErrorReason::LinkUsed);
    let repeated = say(&world, &token, &"य".repeat(4_000), &said).await;
    is_refused(repeated, ErrorReason::LinkUsed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_reaches_its_ticket_until_it_ends_or_is_replaced_and_nothing_else() {
    let (world, name, token) = resolved().await;
    let mut changed = token.clone();
    changed.replace_range(7..8, if token.as_bytes()[7] == b'0' { "1" } else { "0" });
    assert_eq!(see(&world, &changed).await.unwrap_err().code(), Code::Unauthenticated);
    let by_agent = seva_proto::tickets::v1::conversation_service_client::ConversationServiceClient::new(
        world.server.as_role("agent"),
    )
    .get_conversation(GetConversationRequest { token: token.clone() })
    .await;
    assert_eq!(by_agent.unwrap_err().code(), Code::PermissionDenied, "links are opened by the portal");

    sqlx::query("update ticket set link_generation = 1 where id = $1")
        .bind(id_of(&name))
        .execute(&world.database.owner)
        .await
        .unwrap();
    is_refused(see(&world, &token).await, ErrorReason::LinkUsed);
    let newer = link(&world, &name).await;
    see(&world, &newer).await.unwrap();
    world.pass(24 * 90);
    is_refused(see(&world, &newer).await, ErrorReason::CredentialExpired);
    assert_eq!(link(&world, &format!("tickets/{}", new_id())).await, "", "nothing to lead to");
}
