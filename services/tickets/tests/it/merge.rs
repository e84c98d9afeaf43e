//! Tickets that turn out to be one matter, or several.

use futures::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use seva_proto::{
    common::v1::{
        ErrorReason, LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item,
    },
    tickets::v1::{
        AnswerResolutionRequest, Conversation, GetConversationRequest, ListLinksRequest, ListMessagesRequest,
        MergeTicketRequest, Message, ReplyToTicketRequest, SendMessageRequest, SplitTicketRequest, Ticket,
        UnmergeTicketRequest, UpdateTicketRequest, clock,
        merge_service_client::MergeServiceClient,
        message::{Author, Visibility},
        ticket::State,
        ticket_link_service_client::TicketLinkServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_values::new_id;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{World, a_ticket, id_of, invariant, is_refused};

/// A world in which Radha takes everything, and a customer.
async fn a_world() -> (World, Uuid) {
    let world = World::new().await;
    let department = world.department("support", &["question", "delivery"]).await;
    world.member("radha", &department, &["en"], 200).await;
    let customer = world.customer("en").await;
    (world, customer)
}

async fn opened(world: &World, customer: Uuid) -> String {
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    name
}

fn merges(world: &World, role: &str) -> MergeServiceClient<Peer> {
    MergeServiceClient::new(world.server.as_role(role))
}

pub async fn merge(world: &World, source: &str, target: &str) -> Result<(Ticket, Ticket), Status> {
    merge_as(world, "agent", source, target, "").await
}

pub async fn merge_as(
    world: &World,
    role: &str,
    source: &str,
    target: &str,
    reason: &str,
) -> Result<(Ticket, Ticket), Status> {
    let request = MergeTicketRequest {
        name: source.to_owned(),
        target: target.to_owned(),
        across_customers_reason: reason.to_owned(),
        request_id: new_id().to_string(),
        ..MergeTicketRequest::default()
    };
    let merged = merges(world, role).merge_ticket(request).await?.into_inner();
    Ok((merged.ticket.unwrap(), merged.target.unwrap()))
}

pub async fn unmerge(world: &World, source: &str) -> Result<Ticket, Status> {
    let request = UnmergeTicketRequest {
        name: source.to_owned(),
        request_id: new_id().to_string(),
        ..UnmergeTicketRequest::default()
    };
    Ok(merges(world, "agent").unmerge_ticket(request).await?.into_inner().ticket.unwrap())
}

async fn say(world: &World, ticket: &str, author: Author, text: &str) -> Result<(Message, Ticket), Status> {
    let request = ReplyToTicketRequest {
        name: ticket.to_owned(),
        visibility: Visibility::Public.into(),
        author: author.into(),
        text: text.to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    let said = world.tickets().reply_to_ticket(request).await?.into_inner();
    Ok((said.message.unwrap(), said.ticket.unwrap()))
}

/// What was said, without notes of the system.
async fn said(world: &World, ticket: &str, include_merged: bool) -> Vec<Message> {
    let request = ListMessagesRequest { parent: ticket.to_owned(), include_merged, ..ListMessagesRequest::default() };
    let messages = world.tickets().list_messages(request).await.unwrap().into_inner().messages;
    messages.into_iter().filter(|message| message.author() != Author::System).collect()
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

async fn link(world: &World, name: &str) -> String {
    let item = Item { purpose: LinkPurpose::Ticket.into(), subject: name.to_owned() };
    let mut links = LinkServiceClient::new(world.server.as_service("notifications"));
    links.mint_links(MintLinksRequest { items: vec![item] }).await.unwrap().into_inner().links.remove(0).token
}

async fn see(world: &World, token: &str) -> Conversation {
    let request = GetConversationRequest { token: token.to_owned() };
    world.conversations().get_conversation(request).await.unwrap().into_inner().conversation.unwrap()
}

async fn write_by_link(world: &World, token: &str, text: &str) -> Result<Conversation, Status> {
    let (token, text) = (token.to_owned(), text.to_owned());
    let request = SendMessageRequest { token, text, request_id: new_id().to_string() };
    Ok(world.conversations().send_message(request).await?.into_inner().conversation.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_carried_on_in_another_one_and_nothing_that_was_said_is_moved() {
    let (world, customer) = a_world().await;
    let (first, second) = (opened(&world, customer).await, opened(&world, customer).await);
    say(&world, &first, Author::Customer, "Where is it?").await.unwrap();
    world.pass(1);
    say(&world, &second, Author::Customer, "Still nothing.").await.unwrap();
    world.pass_minutes(30);
    let (merged, target) = merge(&world, &second, &first).await.unwrap();
    assert_eq!((merged.state(), merged.merged_into.as_str()), (State::Merged, first.as_str()));
    assert_eq!((merged.assignee.as_str(), target.state()), ("", State::Open));
    assert_eq!(world.get(&second).await.merged_into, first);
    assert_eq!(world.acts(&second).await.last().unwrap(), "merged");
    assert_eq!(world.acts(&first).await.last().unwrap(), "updated");
    let held = world.count("select open_weight::bigint from staff_member").await;
    assert_eq!(held, 1, "its place is free again");

    assert_eq!(texts(&said(&world, &first, false).await), ["Where is it?"]);
    let whole = said(&world, &first, true).await;
    assert_eq!(texts(&whole), ["Where is it?", "Still nothing."], "in order of time");
    assert!(whole[1].name.starts_with(&second), "each with its own ticket");
    let running = |ticket: &Ticket| ticket.clocks.iter().any(|one| one.state() == clock::State::Running);
    assert!(!running(&merged) && running(&target));
}

#[tokio::test(flavor = "multi_thread")]
async fn tk53_what_is_said_to_a_merged_ticket_lands_on_the_last_of_its_way() {
    let (world, customer) = a_world().await;
    let (a, b, c) = (opened(&world, customer).await, opened(&world, customer).await, opened(&world, customer).await);
    let token = link(&world, &a).await;
    merge(&world, &a, &b).await.unwrap();
    merge(&world, &b, &c).await.unwrap();
    assert_eq!(world.get(&a).await.merged_into, c, "the way is short to read");

    let (message, ticket) = say(&world, &a, Author::Staff, "It comes today.").await.unwrap();
    assert_eq!(ticket.name, c);
    assert!(message.name.starts_with(&c));
    let seen = write_by_link(&world, &token, "Thank you.").await.unwrap();
    assert_eq!(seen.number, world.get(&c).await.number, "the page is that of the ticket that goes on");
    assert!(seen.accepts_messages);
    let whole = said(&world, &c, true).await;
    assert_eq!(texts(&whole), ["It comes today.", "Thank you."]);
    assert!(whole.iter().all(|message| message.redirected_from == a), "it is kept where it came from");
    assert_eq!(world.acts(&c).await.iter().filter(|act| *act == "replied").count(), 2);
    assert_eq!(see(&world, &token).await.messages.len(), 2);

    // Somebody else gives the same request again.
    let request = ReplyToTicketRequest {
        name: a.clone(),
        visibility: Visibility::Internal.into(),
        text: "Once.".to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    let once = world.tickets().reply_to_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!(world.tickets().reply_to_ticket(request).await.unwrap().into_inner(), once);
}

/// TK50
#[tokio::test(flavor = "multi_thread")]
async fn of_two_merges_that_contradict_each_other_one_holds_and_the_other_is_told_why_not() {
    let (world, customer) = a_world().await;
    for _ in 0..15 {
        let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
        let (there, back) = tokio::join!(merge(&world, &a, &b), merge(&world, &b, &a));
        let (merged, refused) = match (there, back) {
            (Ok((merged, _)), Err(refused)) | (Err(refused), Ok((merged, _))) => (merged, refused),
            both => panic!("{both:?}"),
        };
        assert_eq!(invariant(&is_refused::<()>(Err(refused), ErrorReason::StateForbids)), "TK50");
        let other = world.get(&merged.merged_into).await;
        assert_eq!(other.state(), State::Open, "the other one is not lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tk50_tk52_a_merge_that_may_not_be_says_what_would_have_to_be_true() {
    let (world, customer) = a_world().await;
    let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
    merge(&world, &a, &b).await.unwrap();
    let c = opened(&world, customer).await;
    for (source, target) in [(&a, &c), (&c, &a)] {
        let refused = is_refused(merge(&world, source, target).await, ErrorReason::StateForbids);
        assert_eq!(invariant(&refused), "TK50");
    }
    is_refused(merge(&world, &c, &c).await, ErrorReason::FieldsInvalid);
    let nobody = format!("tickets/{}", new_id());
    is_refused(merge(&world, &c, &nobody).await, ErrorReason::ResourceNotFound);

    let foreign = opened(&world, world.customer("en").await).await;
    assert_eq!(invariant(&is_refused(merge(&world, &c, &foreign).await, ErrorReason::StateForbids)), "TK52");
    let by_agent = merge_as(&world, "agent", &c, &foreign, "One household.").await;
    assert_eq!(is_refused(by_agent, ErrorReason::ResourceForbidden).code(), Code::PermissionDenied);
    let token = link(&world, &c).await;
    merge_as(&world, "lead", &c, &foreign, "One household.").await.unwrap();
    let reasons = world.count("select count(*) from seva.audit where reason = 'One household.'").await;
    assert_eq!(reasons, 2, "one for each ticket");

    // By link nobody sees what is another customer's.
    write_by_link(&world, &token, "It is mine.").await.unwrap();
    say(&world, &foreign, Author::Staff, "For the other one.").await.unwrap();
    let texts_seen = |seen: &Conversation| seen.messages.iter().map(|message| message.text.clone()).collect::<Vec<_>>();
    let own = see(&world, &token).await;
    assert_eq!((own.state(), texts_seen(&own)), (State::Merged, Vec::new()));
    let other = see(&world, &link(&world, &foreign).await).await;
    assert_eq!(texts_seen(&other), ["For the other one."]);
    assert_eq!(texts(&said(&world, &foreign, true).await), ["It is mine.", "For the other one."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk11_what_is_under_way_of_a_ticket_hinders_its_merge_and_is_named() {
    let (world, customer) = a_world().await;
    let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
    let promise = new_id();
    sqlx::query("select hold_ticket($1, 'promise', $2, true)")
        .bind(id_of(&a))
        .bind(promise)
        .execute(&world.database.owner)
        .await
        .unwrap();
    let refused = is_refused(merge(&world, &a, &b).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK11");
    let violations = refused.get_error_details().precondition_failure().unwrap().violations.clone();
    assert_eq!(violations[1].subject, format!("promises/{promise}"));
    merge(&world, &b, &a).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tk54_a_merge_is_undone_until_something_depends_on_it_or_thirty_days_are_over() {
    let (world, customer) = a_world().await;
    let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
    merge(&world, &a, &b).await.unwrap();
    world.pass(2);
    say(&world, &b, Author::Staff, "To the target itself.").await.unwrap();
    let again = unmerge(&world, &a).await.unwrap();
    assert_eq!((again.state(), again.merged_into.as_str()), (State::New, ""));
    world.assigned(&a).await;
    let acts = world.acts(&a).await;
    assert!(acts.contains(&"unmerged".to_owned()), "{acts:?}");
    assert_eq!(texts(&said(&world, &b, true).await), ["To the target itself."]);
    assert_eq!(invariant(&is_refused(unmerge(&world, &a).await, ErrorReason::StateForbids)), "TK54");

    merge(&world, &a, &b).await.unwrap();
    say(&world, &a, Author::Customer, "Through the redirect.").await.unwrap();
    assert_eq!(invariant(&is_refused(unmerge(&world, &a).await, ErrorReason::StateForbids)), "TK54");

    let c = opened(&world, customer).await;
    merge(&world, &c, &b).await.unwrap();
    world.pass(30 * 24);
    assert_eq!(invariant(&is_refused(unmerge(&world, &c).await, ErrorReason::StateForbids)), "TK54");
    let kept = world.count("select count(*) from merge where unmerged_at is not null").await;
    assert_eq!(kept, 1, "what was undone is kept");
}

/// TK53, TK54: what is said by link about the resolution of the ticket that carries it on was said to this one.
#[tokio::test(flavor = "multi_thread")]
async fn tk54_an_answer_by_the_link_of_a_merged_ticket_keeps_its_merge() {
    let (world, customer) = a_world().await;
    let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
    let token = link(&world, &a).await;
    merge(&world, &a, &b).await.unwrap();
    world.resolve(&b).await.unwrap();
    let request = AnswerResolutionRequest {
        token: token.clone(),
        resolution: see(&world, &token).await.resolution,
        solved: false,
        text: "It has not come.".to_owned(),
        request_id: new_id().to_string(),
    };
    world.conversations().answer_resolution(request.clone()).await.unwrap();
    world.conversations().answer_resolution(request).await.unwrap();
    let whole = said(&world, &b, true).await;
    let last = whole.last().unwrap();
    assert_eq!((last.text.as_str(), last.redirected_from.as_str()), ("It has not come.", a.as_str()));
    assert_eq!(world.get(&b).await.reopen_count, 1);
    assert_eq!(invariant(&is_refused(unmerge(&world, &a).await, ErrorReason::StateForbids)), "TK54");
}

/// TK53, TK54: of a message and the end of the redirect at once, the message lands where the ticket leads when it is written.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_reply_and_an_unmerge_at_once_none_is_lost() {
    let (world, customer) = a_world().await;
    for _ in 0..10 {
        let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
        merge(&world, &a, &b).await.unwrap();
        let (reply, undone) = tokio::join!(say(&world, &a, Author::Customer, "At once."), unmerge(&world, &a));
        let (message, _) = reply.unwrap();
        let landed_on_target = message.name.starts_with(&b);
        assert_eq!(landed_on_target, undone.is_err(), "{message:?} {undone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tk55_some_messages_become_a_ticket_of_their_own_and_stay_where_they_were_said() {
    let (world, customer) = a_world().await;
    let name = opened(&world, customer).await;
    let tags = UpdateTicketRequest {
        ticket: Some(Ticket { name: name.clone(), tags: vec!["colour".to_owned()], ..Ticket::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
        request_id: new_id().to_string(),
    };
    world.tickets().update_ticket(tags).await.unwrap();
    say(&world, &name, Author::Customer, "Does it come in red?").await.unwrap();
    world.pass(2);
    let (other, _) = say(&world, &name, Author::Customer, "And the invoice is wrong.").await.unwrap();
    world.pass(3);
    let request = SplitTicketRequest {
        name: name.clone(),
        messages: vec![other.name.clone()],
        title: "A wrong invoice".to_owned(),
        kind: seva_proto::tickets::v1::ticket::Kind::Delivery.into(),
        request_id: new_id().to_string(),
        ..SplitTicketRequest::default()
    };
    let split = merges(&world, "agent").split_ticket(request.clone()).await.unwrap().into_inner();
    let new = split.ticket.unwrap();
    assert_eq!((new.customer.as_str(), new.state()), (format!("customers/{customer}").as_str(), State::New));
    assert_eq!(texts(&said(&world, &name, false).await), ["Does it come in red?", "And the invoice is wrong."]);
    assert_eq!(world.get(&new.name).await.tags, ["colour"]);
    let of_new = said(&world, &new.name, true).await;
    assert_eq!((texts(&of_new), &of_new[0].name), (vec!["And the invoice is wrong."], &other.name));
    let started: Vec<jiff_sqlx::Timestamp> =
        sqlx::query_scalar("select started_at from clock where ticket_id = $1 and kind = 'first_response'")
            .bind(id_of(&new.name))
            .fetch_all(&world.database.owner)
            .await
            .unwrap();
    let said_at = other.create_time.unwrap();
    assert_eq!(started[0].to_jiff().as_second(), said_at.seconds, "its clocks are honest");
    let seen = see(&world, &link(&world, &new.name).await).await;
    assert_eq!(seen.messages.len(), 1);
    let links = TicketLinkServiceClient::new(world.server.as_role("agent"))
        .list_links(ListLinksRequest { parent: name.clone() })
        .await
        .unwrap()
        .into_inner()
        .ticket_links;
    assert_eq!(links.len(), 1, "both are linked");

    assert_eq!(merges(&world, "agent").split_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap(), new);
    let again = SplitTicketRequest { request_id: new_id().to_string(), ..request.clone() };
    let refused = is_refused(merges(&world, "agent").split_ticket(again).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK55");
    let foreign = SplitTicketRequest {
        messages: vec![format!("{name}/messages/{}", new_id())],
        request_id: new_id().to_string(),
        ..request.clone()
    };
    is_refused(merges(&world, "agent").split_ticket(foreign).await, ErrorReason::ResourceNotFound);
    let nothing = SplitTicketRequest { messages: Vec::new(), request_id: new_id().to_string(), ..request };
    is_refused(merges(&world, "agent").split_ticket(nothing).await, ErrorReason::FieldsInvalid);
}

/// TK50, TK53: random merges, unmerges and messages of many at once. Every way ends at a ticket that is not merged, every message is in one
/// conversation, once, and nothing that was said has moved.
#[tokio::test(flavor = "multi_thread")]
async fn no_order_of_merges_and_messages_loses_a_ticket_or_a_word() {
    const TICKETS: usize = 6;
    let (world, customer) = a_world().await;
    let mut names = Vec::new();
    for _ in 0..TICKETS {
        names.push(opened(&world, customer).await);
    }
    let mut runner = TestRunner::new(Config::default());
    let step = (0..3_u8, 0..TICKETS, 0..TICKETS);
    let mut said_in_all = 0;
    for round in 0..25 {
        let steps = proptest::collection::vec(step.clone(), 3).new_tree(&mut runner).unwrap().current();
        let carried_out = steps.iter().enumerate().map(|(at, (what, from, to))| {
            let (world, from, to) = (&world, &names[*from], &names[*to]);
            async move {
                match what {
                    0 => merge(world, from, to).await.map(|_| 0),
                    1 => unmerge(world, from).await.map(|_| 0),
                    _ => say(world, from, Author::Customer, &format!("{round}.{at}")).await.map(|_| 1),
                }
            }
        });
        for done in join_all(carried_out).await {
            match done {
                Ok(said) => said_in_all += said,
                // What may not be, or came too often between others; a word that was refused is not counted.
                Err(refusal) => {
                    let refused = [Code::FailedPrecondition, Code::InvalidArgument, Code::Aborted];
                    assert!(refused.contains(&refusal.code()), "{refusal}");
                }
            }
        }
        let circles = "select count(*) from ticket where carrier_of(id) is null";
        assert_eq!(world.count(circles).await, 0);
        let astray = "select count(*) from ticket t join ticket c on c.id = carrier_of(t.id) where c.state = 'merged'";
        assert_eq!(world.count(astray).await, 0);
        let without = "select count(*) from ticket t where (t.state = 'merged')
                       <> exists (select from merge m where m.source_id = t.id and m.unmerged_at is null and m.target_id = t.merged_into)";
        assert_eq!(world.count(without).await, 0, "each is kept with what it was before");
    }
    let mut conversations = 0;
    for name in &names {
        if world.get(name).await.state() != State::Merged {
            conversations += said(&world, name, true).await.len();
        }
    }
    assert_eq!(conversations, said_in_all, "every message is in one conversation");
}
