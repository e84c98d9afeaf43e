//! What is ignored or held, what is let in after all, and how it is found.

use jiff::SignedDuration;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        InboundMessage, InboundMessageFilter, ListInboundMessagesRequest, ProgramMarks, ReleaseInboundMessageRequest,
        inbound_message::{Reason, SenderProof, State},
        program_marks::AutoSubmitted,
        ticket::State as TicketState,
    },
};
use seva_runtime::clock::machine_now;
use seva_tickets::inbound::{Retention, retention::INBOUND_KEPT};
use seva_values::{format_name, new_id};
use tonic::Status;

use super::{REFUSED, in_reply_to, mail, unproved};
use crate::world::{World, invariant, is_refused};

const ASHA: &str = "asha@example.com";

async fn release(world: &World, name: &str, customer: &str) -> Result<InboundMessage, Status> {
    let request = ReleaseInboundMessageRequest {
        name: name.to_owned(),
        customer: customer.to_owned(),
        request_id: new_id().to_string(),
    };
    Ok(world.inbound().release_inbound_message(request).await?.into_inner().inbound_message.unwrap())
}

fn forged(message: InboundMessage) -> InboundMessage {
    InboundMessage { sender_proof: SenderProof::Failed.into(), ..message }
}

/// TK93
#[tokio::test(flavor = "multi_thread")]
async fn tk93_an_absence_note_opens_and_answers_nothing() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    let before = world.get(&ticket).await;
    let automation = ProgramMarks { auto_submitted: AutoSubmitted::Replied.into(), ..ProgramMarks::default() };
    for message in [in_reply_to("<1>", mail("<2>", ASHA, "", "Thanks!")), mail("<3>", ASHA, "", "I am away.")] {
        let result = world.push(InboundMessage { automation: Some(automation.clone()), ..message }).await;
        assert_eq!((result.state(), result.reason()), (State::Ignored, Reason::Automatic));
        assert_eq!((result.ticket.as_str(), result.message.as_str()), ("", ""));
        assert_eq!(world.kept(&result.inbound_message).await.automation, Some(automation.clone()));
    }
    assert_eq!(world.get(&ticket).await, before);
    assert_eq!(world.count("select count(*) from ticket").await, 1);
    let unknown = InboundMessage { automation: Some(automation), ..mail("<4>", "robot@example.com", "", "x") };
    world.push(unknown).await;
    assert!(world.directory.customers_of("robot@example.com").is_empty(), "a program becomes no customer");
}

/// TK94
#[tokio::test(flavor = "multi_thread")]
async fn tk94_more_than_twenty_of_one_sender_within_an_hour_are_held() {
    let world = World::new().await;
    let batch =
        |from: usize, to: usize| (from..to).map(|at| mail(&format!("<{at}>"), ASHA, "", "Hello.")).collect::<Vec<_>>();
    let results = world.publish(batch(0, 22)).await;
    let states: Vec<State> = results.iter().map(|result| result.state()).collect();
    assert_eq!(states[..20], [State::Delivered; 20]);
    assert_eq!(states[20..], [State::Held; 2]);
    assert_eq!(results[20].reason(), Reason::TooMany);
    assert_eq!(world.push(mail("<other>", "ravi@example.com", "", "Hello.")).await.state(), State::Delivered);
    world.pass_minutes(59);
    assert_eq!(world.publish(batch(22, 23)).await[0].state(), State::Held);
    world.pass_minutes(1);
    assert_eq!(world.publish(batch(23, 24)).await[0].state(), State::Delivered);
}

/// TK94: counted exactly, however many come at once.
#[tokio::test(flavor = "multi_thread")]
async fn tk94_of_forty_at_once_twenty_are_let_in() {
    let world = World::new().await;
    let pushed = (0..8).map(|batch| {
        let messages = (0..5).map(|at| mail(&format!("<{batch}-{at}>"), ASHA, "", "Hello.")).collect();
        world.publish(messages)
    });
    let results: Vec<_> = futures::future::join_all(pushed).await.into_iter().flatten().collect();
    let held = results.iter().filter(|result| result.reason() == Reason::TooMany).count();
    assert_eq!((results.len(), held), (40, 20));
    assert_eq!(world.count("select count(*) from inbound_message where state = 'delivered'").await, 20);
}

/// TK94: whoever writes in her name does not keep her from being heard.
#[tokio::test(flavor = "multi_thread")]
async fn tk94_what_is_held_or_ignored_does_not_count() {
    let world = World::new().await;
    let many = |from: usize| (from..from + 25).map(|at| mail(&format!("<{at}>"), ASHA, "", "Hello."));
    let results = world.publish(many(0).map(forged).collect()).await;
    assert!(results.iter().all(|result| result.reason() == Reason::SenderForged));
    let automation = ProgramMarks { auto_submitted: AutoSubmitted::Replied.into(), ..ProgramMarks::default() };
    let of_program = many(100).map(|message| InboundMessage { automation: Some(automation.clone()), ..message });
    world.publish(of_program.collect()).await;
    assert_eq!(world.push(mail("<hers>", ASHA, "", "It has not come.")).await.state(), State::Delivered);
}

/// TK95: from an address that nobody has proved nothing is settled and nothing opened again, until somebody has looked at it.
#[tokio::test(flavor = "multi_thread")]
async fn tk95_what_would_settle_or_reopen_a_ticket_is_held_unless_it_is_proved() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    let resolved = world.get(&ticket).await;
    let subject = format!("Re: [#{}]", resolved.number);
    for (id, text) in [("<2>", "Thanks!"), ("<3>", "It has not come.")] {
        let held = world.push(unproved(mail(id, ASHA, &subject, text))).await;
        assert_eq!((held.state(), held.reason()), (State::Held, Reason::SenderUnproved), "{text}");
        assert_eq!((held.ticket.as_str(), held.message.as_str()), (&*ticket, ""));
    }
    assert_eq!(world.get(&ticket).await, resolved);

    world.delivers(mail("<4>", ASHA, &subject, "Thanks!")).await;
    let closed = world.get(&ticket).await;
    assert_eq!(closed.state(), TicketState::Closed);
    let held = world.push(unproved(mail("<5>", ASHA, &subject, "It is broken again."))).await;
    assert_eq!((held.state(), held.reason()), (State::Held, Reason::SenderUnproved));
    assert_eq!(world.get(&ticket).await, closed);
    let released = release(&world, &held.inbound_message, "").await.unwrap();
    assert_eq!((released.state(), released.ticket.as_str()), (State::Delivered, &*ticket));
    assert_eq!(world.get(&ticket).await.reopen_count, 1);
    // What is worked on hears it.
    assert_eq!(world.delivers(unproved(mail("<6>", ASHA, &subject, "Soon?"))).await, ticket);
}

/// TK95
#[tokio::test(flavor = "multi_thread")]
async fn tk95_a_made_up_address_is_held_even_in_a_thread() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    let before = world.get(&ticket).await;
    let result = world.push(forged(in_reply_to("<1>", mail("<2>", ASHA, "", "Thanks!")))).await;
    assert_eq!((result.state(), result.reason()), (State::Held, Reason::SenderForged));
    assert_eq!(world.get(&ticket).await, before);
}

/// TK95, TK98
#[tokio::test(flavor = "multi_thread")]
async fn tk95_a_shared_address_is_held_until_somebody_says_whose_the_message_is() {
    let world = World::new().await;
    let (asha, ravi) = (world.customer("en").await, world.customer("hi").await);
    world.directory.share(ASHA, &[asha, ravi]);
    let result = world.push(mail("<1>", ASHA, "", "It has not come.")).await;
    assert_eq!((result.state(), result.reason()), (State::Held, Reason::SenderAmbiguous));

    let nobody = is_refused(release(&world, &result.inbound_message, "").await, ErrorReason::StateForbids);
    assert_eq!(invariant(&nobody), "TK98");
    let unknown = format_name("customers", new_id());
    is_refused(release(&world, &result.inbound_message, &unknown).await, ErrorReason::ResourceNotFound);
    let released = release(&world, &result.inbound_message, &format_name("customers", ravi)).await.unwrap();
    assert_eq!((released.state(), released.customer), (State::Delivered, format_name("customers", ravi)));
    let ticket = world.get(&released.ticket).await;
    assert_eq!((ticket.customer, ticket.language.as_str()), (format_name("customers", ravi), "hi"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_delivered_is_held_and_hinders_no_other() {
    let world = World::new().await;
    let batch = ["<1>", "<2>", "<3>"].map(|id| mail(id, if id == "<2>" { REFUSED } else { ASHA }, "", "Hello."));
    let results = world.publish(batch.to_vec()).await;
    let states: Vec<State> = results.iter().map(|result| result.state()).collect();
    assert_eq!(states, [State::Delivered, State::Held, State::Delivered]);
    assert_eq!(results[1].reason(), Reason::Failed);
}

/// TK98
#[tokio::test(flavor = "multi_thread")]
async fn tk98_what_is_held_or_ignored_is_let_in_once_and_nothing_else_is() {
    let world = World::new().await;
    let held = world.push(forged(mail("<1>", ASHA, "", "It has not come."))).await;
    let request = ReleaseInboundMessageRequest {
        name: held.inbound_message.clone(),
        customer: String::new(),
        request_id: new_id().to_string(),
    };
    let first = world.inbound().release_inbound_message(request.clone()).await.unwrap().into_inner();
    let again = world.inbound().release_inbound_message(request).await.unwrap().into_inner();
    assert_eq!(first, again);
    let released = first.inbound_message.unwrap();
    assert_eq!((released.state(), released.reason()), (State::Delivered, Reason::Unspecified));
    assert_eq!(world.texts(&released.ticket).await, ["It has not come."]);

    let refused = is_refused(release(&world, &held.inbound_message, "").await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK98");
    let noted = world.count("select count(*) from seva.audit where method like '%ReleaseInboundMessage'").await;
    assert_eq!(noted, 1);
    is_refused(release(&world, &format_name("inboundMessages", new_id()), "").await, ErrorReason::ResourceNotFound);

    let automation = ProgramMarks { list_id: "<all.example.com>".to_owned(), ..ProgramMarks::default() };
    let ignored = world.push(InboundMessage { automation: Some(automation), ..mail("<2>", ASHA, "", "Hello.") }).await;
    assert_eq!(release(&world, &ignored.inbound_message, "").await.unwrap().state(), State::Delivered);
}

/// TK98: of two who let it in at once one does.
#[tokio::test(flavor = "multi_thread")]
async fn tk98_of_two_releases_at_once_one_holds() {
    let world = World::new().await;
    for round in 0..5 {
        let held = world.push(forged(mail(&format!("<{round}>"), ASHA, "", "It has not come."))).await;
        let (one, two) =
            tokio::join!(release(&world, &held.inbound_message, ""), release(&world, &held.inbound_message, ""));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    }
    assert_eq!(world.count("select count(*) from message").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_is_found_by_state_customer_and_ticket_page_by_page() {
    let world = World::new().await;
    let mut delivered = Vec::new();
    for at in 0..5 {
        delivered.push(world.push(mail(&format!("<{at}>"), ASHA, "", "Hello.")).await);
        world.pass_minutes(1);
    }
    let held = world.push(forged(mail("<held>", ASHA, "", "Hello."))).await;
    let list = |order_by: &str, filter: InboundMessageFilter| {
        let (world, order_by) = (&world, order_by.to_owned());
        async move {
            let (mut names, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = ListInboundMessagesRequest {
                    page_size: 2,
                    page_token,
                    order_by: order_by.clone(),
                    filter: Some(filter.clone()),
                };
                let page = world.inbound().list_inbound_messages(request).await.unwrap().into_inner();
                assert!(page.inbound_messages.iter().all(|message| message.text.is_empty()), "lists hold no words");
                names.extend(page.inbound_messages.into_iter().map(|message| message.name));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    return names;
                }
            }
        }
    };
    let mut newest_first: Vec<String> = delivered.iter().map(|result| result.inbound_message.clone()).rev().collect();
    let all = InboundMessageFilter::default();
    let of_state = |state: State| InboundMessageFilter { state: state.into(), ..InboundMessageFilter::default() };
    assert_eq!(list("", of_state(State::Delivered)).await, newest_first);
    assert_eq!(list("", of_state(State::Held)).await, [held.inbound_message.as_str()]);
    let customer = format_name("customers", world.directory.customers_of(ASHA)[0]);
    let of_customer = InboundMessageFilter { customer, ..InboundMessageFilter::default() };
    assert_eq!(list("", of_customer).await, newest_first);
    let of_ticket = InboundMessageFilter { ticket: delivered[3].ticket.clone(), ..InboundMessageFilter::default() };
    assert_eq!(list("", of_ticket).await, [delivered[3].inbound_message.as_str()]);
    newest_first.insert(0, held.inbound_message);
    assert_eq!(list("receive_time desc", all.clone()).await, newest_first);
    newest_first.reverse();
    assert_eq!(list("receive_time", all).await, newest_first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_is_forgotten_after_ninety_days_and_what_is_on_the_way_is_not() {
    let world = World::new().await;
    let ticket = world.delivers(mail("<1>", ASHA, "", "It has not come.")).await;
    world.directory.be_away(true);
    world.push(mail("<2>", ASHA, "", "Still not.")).await;
    let retention = Retention::new(world.database.db.clone());
    let last_day = machine_now() + INBOUND_KEPT;
    assert_eq!(retention.forget(last_day - SignedDuration::from_hours(1)).await.unwrap(), 0);
    assert_eq!(retention.forget(last_day + SignedDuration::from_hours(1)).await.unwrap(), 1);
    assert_eq!(world.count("select count(*) from inbound_message where state = 'pending'").await, 1);
    assert_eq!(world.texts(&ticket).await, ["It has not come."], "what was said stays");
}
