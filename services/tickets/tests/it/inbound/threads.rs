//! Which ticket a message belongs to.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AddParticipantRequest, CancelTicketRequest, message_result::Outcome,
        participant_service_client::ParticipantServiceClient, ticket::CancelReason,
    },
};
use seva_values::{format_name, new_id};

use super::{in_conversation, in_reply_to, mail};
use crate::{
    merge,
    world::{World, id_of, invariant, is_refused},
};

const ASHA: &str = "asha@example.com";
const RAVI: &str = "ravi@example.com";

/// TK92
#[tokio::test(flavor = "multi_thread")]
async fn tk92_a_number_an_answer_and_a_conversation_lead_to_the_ticket() {
    let world = World::new().await;
    let ticket = world.delivers(in_conversation("t", mail("<1>", ASHA, "Where is it?", "It has not come."))).await;
    let number = world.get(&ticket).await.number;
    let ours = format!("<ticket.{}@shop.example>", id_of(&ticket));
    for (id, message) in [
        ("<2>", mail("<2>", ASHA, &format!("Re: [#{number}] Where is it?"), "By number.")),
        ("<3>", in_reply_to("<1>", mail("<3>", ASHA, "", "By answer."))),
        ("<4>", in_reply_to("<3>", mail("<4>", ASHA, "", "By an answer to an answer."))),
        ("<5>", in_conversation("t", mail("<5>", ASHA, "", "By conversation."))),
        ("<8>", in_reply_to(&ours, mail("<8>", ASHA, "", "By an answer to what we wrote."))),
        ("<6>", mail("<6>", "Asha@Example.com", &format!("[#{number}]"), "In capitals.")),
    ] {
        assert_eq!(world.delivers(message).await, ticket, "{id}");
    }
    assert_eq!(world.texts(&ticket).await.len(), 7);
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
        in_reply_to(&format!("<ticket.{}@shop.example>", id_of(&ticket)), mail("<6>", RAVI, "", "Let me in.")),
        in_conversation("t", mail("<4>", RAVI, "", "Let me in.")),
    ] {
        let own = world.get(&world.delivers(message).await).await;
        assert_ne!((own.name.as_str(), own.customer.as_str()), (&*ticket, &*before.customer));
        assert_eq!(own.stated_problem, "Let me in.");
    }
    assert_eq!(world.get(&ticket).await, before);
    assert_eq!(world.texts(&ticket).await, ["It has not come."]);
    let answer = world.delivers(in_conversation("t", mail("<5>", ASHA, "", "Still not."))).await;
    assert_eq!(answer, ticket);
}

/// A customer with this address takes part in a ticket; their name.
async fn takes_part(world: &World, address: &str, ticket: &str) -> String {
    let customer = world.customer("en").await;
    world.directory.share(address, &[customer]);
    let name = format_name("customers", customer);
    let request = AddParticipantRequest {
        parent: ticket.to_owned(),
        participant: name.clone(),
        request_id: new_id().to_string(),
        ..AddParticipantRequest::default()
    };
    ParticipantServiceClient::new(world.server.as_role("agent")).add_participant(request).await.unwrap();
    name
}

/// TK92, TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk92_whoever_takes_part_takes_part_in_what_follows() {
    let world = World::new().await;
    let ticket = world.worked_on("<1>", ASHA).await;
    takes_part(&world, RAVI, &ticket).await;
    let cancel = CancelTicketRequest {
        name: ticket.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(cancel).await.unwrap();
    let batch = vec![
        in_reply_to("<1>", mail("<2>", ASHA, "", "I need it after all.")),
        in_reply_to("<2>", mail("<3>", RAVI, "", "So do I.")),
    ];
    let results = world.publish(batch).await;
    assert_eq!(world.get(&results[0].ticket).await.follow_up_of, ticket);
    assert_eq!(results[1].ticket, results[0].ticket);
    assert_eq!(world.delivers(in_reply_to("<1>", mail("<4>", RAVI, "", "Soon?"))).await, results[0].ticket);
}

/// TK92, TK97: however long it is.
#[tokio::test(flavor = "multi_thread")]
async fn tk97_a_chain_of_tickets_is_followed_to_its_end() {
    let world = World::new().await;
    let first = world.looked_at(&world.delivers(mail("<1>", ASHA, "", "It has not come.")).await).await;
    let chain = "insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, language, cancel_reason,
                                     follow_up_of, correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
                 select lpad(to_hex(n), 32, '0')::uuid, 1, n, t.customer_id, t.kind, 'normal', 'canceled', '', '', 'en', 'by_customer',
                        case n when 1 then t.id else lpad(to_hex(n - 1), 32, '0')::uuid end, 'c', 'c', 0, t.created_at, t.created_at,
                        'standard', t.targets
                 from ticket t, generate_series(1, 30) as n where t.id = $1";
    sqlx::query(chain).bind(id_of(&first.name)).execute(&world.database.owner).await.unwrap();
    let follows = world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "", "Still not."))).await;
    assert_eq!(world.get(&follows).await.follow_up_of, format_name("tickets", uuid::Uuid::from_u128(30)));
}

/// TK92: the words of another customer who takes part count as the customer's, and say whose they are.
#[tokio::test(flavor = "multi_thread")]
async fn tk92_whoever_takes_part_joins_the_thread() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    let name = takes_part(&world, RAVI, &ticket).await;
    let result = world.push(in_reply_to("<1>", mail("<2>", RAVI, "", "It is broken again."))).await;
    assert_eq!(result.ticket, ticket);
    assert_eq!(world.said(&ticket).await.last().unwrap().author_name, name);
    assert_eq!(world.kept(&result.inbound_message).await.customer, name);
    assert_eq!(world.get(&ticket).await.reopen_count, 1);
}

/// TK92: many may write in one conversation, each about their own matter.
#[tokio::test(flavor = "multi_thread")]
async fn tk92_each_who_writes_in_a_shared_conversation_goes_on_with_their_own_ticket() {
    let world = World::new().await;
    let says = |id: &str, who: &str| world.delivers(in_conversation("t", mail(id, who, "", "Hello.")));
    let (of_asha, of_ravi) = (says("<1>", ASHA).await, says("<2>", RAVI).await);
    assert_ne!(of_asha, of_ravi);
    let batch = [("<3>", ASHA), ("<4>", RAVI), ("<5>", ASHA), ("<6>", RAVI)];
    let batch = batch.map(|(id, who)| in_conversation("t", mail(id, who, "", "Hello."))).to_vec();
    let tickets: Vec<String> = world.publish(batch).await.into_iter().map(|result| result.ticket).collect();
    assert_eq!(tickets, [&of_asha, &of_ravi, &of_asha, &of_ravi].map(String::clone));
    assert_eq!((says("<7>", ASHA).await, says("<8>", RAVI).await), (of_asha, of_ravi));
}

/// TK53, TK54
#[tokio::test(flavor = "multi_thread")]
async fn tk53_what_answers_a_merged_ticket_is_kept_as_said_to_it() {
    let world = World::new().await;
    let first = world.delivers(mail("<1>", ASHA, "One", "It has not come.")).await;
    let second = world.delivers(mail("<2>", ASHA, "Two", "Where is it?")).await;
    merge::merge(&world, &second, &first).await.unwrap();
    assert_eq!(world.delivers(in_reply_to("<2>", mail("<3>", ASHA, "", "Still not."))).await, first);
    let last = world.said(&first).await.pop().unwrap();
    assert_eq!((last.text.as_str(), last.redirected_from.as_str()), ("Still not.", second.as_str()));
    let refused = is_refused(merge::unmerge(&world, &second).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK54");
}

/// TK53, TK92: of two customers whose tickets are one matter, each joins it by what was theirs.
#[tokio::test(flavor = "multi_thread")]
async fn tk53_the_customer_of_a_merged_ticket_goes_on_where_it_goes_on() {
    let world = World::new().await;
    let first = world.delivers(mail("<1>", ASHA, "", "It has not come.")).await;
    let second = world.delivers(mail("<2>", RAVI, "", "Where is it?")).await;
    merge::merge_as(&world, "lead", &second, &first, "One household.").await.unwrap();
    assert_eq!(world.delivers(in_reply_to("<2>", mail("<3>", RAVI, "", "Still not."))).await, first);
    let last = world.said(&first).await.pop().unwrap();
    assert_eq!((last.author_name, last.redirected_from), (world.get(&second).await.customer, second));
    assert_ne!(world.delivers(in_reply_to("<1>", mail("<4>", RAVI, "", "Let me in."))).await, first);
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
