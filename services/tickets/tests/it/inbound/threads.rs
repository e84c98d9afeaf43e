//! Which ticket a message belongs to.

use seva_proto::tickets::v1::{
    AddParticipantRequest, message_result::Outcome, participant_service_client::ParticipantServiceClient,
};
use seva_values::{format_name, new_id};

use super::{in_conversation, in_reply_to, mail};
use crate::world::World;

const ASHA: &str = "asha@example.com";
const RAVI: &str = "ravi@example.com";

/// TK92
#[tokio::test(flavor = "multi_thread")]
async fn tk92_a_number_an_answer_and_a_conversation_lead_to_the_ticket() {
    let world = World::new().await;
    let ticket = world.delivers(in_conversation("t", mail("<1>", ASHA, "Where is it?", "It has not come."))).await;
    let number = world.get(&ticket).await.number;
    for (id, message) in [
        ("<2>", mail("<2>", ASHA, &format!("Re: [#{number}] Where is it?"), "By number.")),
        ("<3>", in_reply_to("<1>", mail("<3>", ASHA, "", "By answer."))),
        ("<4>", in_reply_to("<3>", mail("<4>", ASHA, "", "By an answer to an answer."))),
        ("<5>", in_conversation("t", mail("<5>", ASHA, "", "By conversation."))),
        ("<6>", mail("<6>", "Asha@Example.com", &format!("[#{number}]"), "In capitals.")),
    ] {
        assert_eq!(world.delivers(message).await, ticket, "{id}");
    }
    assert_eq!(world.texts(&ticket).await.len(), 6);
    assert_ne!(
        world.delivers(mail("<7>", ASHA, "Where is it?", "Something else.")).await,
        ticket,
        "a subject is no thread"
    );
}

/// TK92
#[tokio::test(flavor = "multi_thread")]
async fn tk92_nobody_joins_the_thread_of_somebody_else() {
    let world = World::new().await;
    let ticket = world.delivers(in_conversation("t", mail("<1>", ASHA, "Where is it?", "It has not come."))).await;
    let before = world.looked_at(&ticket).await;
    for message in [
        mail("<2>", RAVI, &format!("[#{}]", before.number), "Let me in."),
        in_reply_to("<1>", mail("<3>", RAVI, "", "Let me in.")),
        in_conversation("t", mail("<4>", RAVI, "", "Let me in.")),
    ] {
        let own = world.get(&world.delivers(message).await).await;
        assert_ne!((own.name.as_str(), own.customer.as_str()), (&*ticket, &*before.customer));
        assert_eq!(own.stated_problem, "Let me in.");
    }
    assert_eq!(world.get(&ticket).await, before);
    assert_eq!(world.texts(&ticket).await, ["It has not come."]);
    let answer = world.delivers(in_conversation("t", mail("<5>", ASHA, "", "Still not."))).await;
    assert_ne!(answer, before.customer);
}

/// TK92: the words of another customer who takes part count as the customer's, and say whose they are.
#[tokio::test(flavor = "multi_thread")]
async fn tk92_whoever_takes_part_joins_the_thread() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    let ravi = world.customer("en").await;
    world.directory.share(RAVI, &[ravi]);
    let name = format_name("customers", ravi);
    let request = AddParticipantRequest {
        parent: ticket.clone(),
        participant: name.clone(),
        request_id: new_id().to_string(),
        ..AddParticipantRequest::default()
    };
    ParticipantServiceClient::new(world.server.as_role("agent")).add_participant(request).await.unwrap();
    let result = world.push(in_reply_to("<1>", mail("<2>", RAVI, "", "It is broken again."))).await;
    assert_eq!(result.ticket, ticket);
    assert_eq!(world.said(&ticket).await.last().unwrap().author_name, name);
    assert_eq!(world.kept(&result.inbound_message).await.customer, name);
    assert_eq!(world.get(&ticket).await.reopen_count, 1);
}

/// TK92: where several share an address, the thread says who of them it is.
#[tokio::test(flavor = "multi_thread")]
async fn tk92_a_thread_tells_those_apart_who_share_an_address() {
    let world = World::new().await;
    let ticket = world.delivers(mail("<1>", ASHA, "", "It has not come.")).await;
    let asha = world.directory.customers_of(ASHA)[0];
    let ravi = world.customer("en").await;
    world.directory.share(ASHA, &[ravi, asha]);
    assert_eq!(world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "", "Still not."))).await, ticket);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_batch_that_answer_each_other_are_one_ticket() {
    let world = World::new().await;
    let batch = vec![
        mail("<1>", ASHA, "Where is it?", "One."),
        in_reply_to("<1>", mail("<2>", ASHA, "", "Two.")),
        in_conversation("t", in_reply_to("<2>", mail("<3>", ASHA, "", "Three."))),
        mail("<4>", RAVI, "Something else", "Four."),
    ];
    let results = world.publish(batch).await;
    let tickets: Vec<&str> = results.iter().map(|result| result.ticket.as_str()).collect();
    assert_eq!((tickets[0], tickets[0]), (tickets[1], tickets[2]));
    assert_ne!(tickets[3], tickets[0]);
    assert_eq!(world.texts(tickets[0]).await, ["One.", "Two.", "Three."]);
    let acts = world.acts(tickets[0]).await;
    assert_eq!(acts.iter().filter(|act| *act == "replied").count(), 2, "{acts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_answer_each_other_in_circles_are_delivered() {
    let world = World::new().await;
    let batch = vec![
        in_reply_to("<2>", mail("<1>", ASHA, "", "One.")),
        in_reply_to("<1>", mail("<2>", ASHA, "", "Two.")),
        in_reply_to("<3>", mail("<3>", ASHA, "", "Three.")),
    ];
    let results = world.publish(batch).await;
    assert!(results.iter().all(|result| !result.ticket.is_empty()), "{results:?}");
    assert_eq!(results[0].ticket, results[1].ticket);
}

/// Two messages of somebody unknown at once: one customer, and one ticket for each matter.
#[tokio::test(flavor = "multi_thread")]
async fn two_matters_of_somebody_unknown_at_once_are_two_tickets_of_one_customer() {
    let world = World::new().await;
    let (one, two) = tokio::join!(
        world.delivers(mail("<1>", ASHA, "One", "One.")),
        world.delivers(mail("<2>", ASHA, "Two", "Two.")),
    );
    assert_ne!(one, two);
    assert_eq!(world.get(&one).await.customer, world.get(&two).await.customer);
    assert_eq!(world.count("select count(*) from recipient").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_begin_one_conversation_at_once_are_one_ticket() {
    let world = World::new().await;
    for round in 0..5 {
        let conversation = format!("t{round}");
        let pushed = (0..4).map(|number| {
            let message = mail(&format!("<{round}-{number}>"), &format!("asha{round}@example.com"), "", "Hello.");
            world.publish(vec![in_conversation(&conversation, message)])
        });
        let results: Vec<_> = futures::future::join_all(pushed).await.into_iter().flatten().collect();
        assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted && !result.ticket.is_empty()));
        assert!(results.iter().all(|result| result.ticket == results[0].ticket), "{results:?}");
    }
    assert_eq!(world.count("select count(*) from ticket").await, 5);
    assert_eq!(world.count("select count(*) from message").await, 20);
}
