//! A matter from its opening to the customer's word, and what is told of it.

use seva_proto::{
    events::v1::{
        SubscribeRequest,
        event_feed_service_client::EventFeedServiceClient,
        subscribe_request::{Earliest, Start},
    },
    tickets::v1::{
        AssignTicketRequest, ConfirmTicketRequest, ListClockEventsRequest, ListMessagesRequest, RejectTicketRequest,
        ReplyToTicketRequest, Ticket, clock, clock_event, message,
        ticket::{Closure, Kind, State},
    },
};
use seva_values::new_id;

use crate::world::{World, a_ticket, id_of};

fn reply(name: &str, text: &str) -> ReplyToTicketRequest {
    ReplyToTicketRequest {
        name: name.to_owned(),
        visibility: message::Visibility::Public.into(),
        text: text.to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_day_becomes_one_ticket_that_whoever_speaks_the_language_carries_to_the_customers_word() {
    let world = World::new().await;
    let shipping = world.department("shipping", &["delivery"]).await;
    world.member("mira", &shipping, &["en"], 5).await;
    let radha = world.member("radha", &shipping, &["hi", "en"], 5).await;
    let customer = world.customer("hi").await;
    let order = format!("orders/{}", new_id());

    world.day_is_missed(customer, &order, "2026-03-01").await;
    let opened = world.ticket_of(customer).await;
    let ticket = world.assigned(&opened.name).await;
    assert_eq!(
        (ticket.assignee.as_str(), ticket.kind(), ticket.language.as_str()),
        (radha.as_str(), Kind::Delivery, "hi")
    );
    let matter = ticket.matter.clone().unwrap();
    assert_eq!(
        (matter.kind.as_str(), matter.subject, matter.version.as_str()),
        ("promised_day_missed", order, "2026-03-01")
    );

    let name = ticket.name;
    assert_eq!(world.all_of(customer).await, [world.get(&name).await], "a list shows the ticket as it is");
    let mut tickets = world.tickets_of("radha");
    let said = tickets.reply_to_ticket(reply(&name, "I am asking the carrier.")).await.unwrap().into_inner();
    assert_eq!(said.message.unwrap().author_name, radha, "who speaks is known by their token");
    let resolved = world.resolve(&name).await.unwrap();
    assert_eq!((resolved.state(), resolved.verification_attempts), (State::Resolved, 1));

    let request = RejectTicketRequest {
        name: name.clone(),
        caller: "Asha".to_owned(),
        text: "It is still not here.".to_owned(),
        request_id: new_id().to_string(),
        ..RejectTicketRequest::default()
    };
    tickets.reject_ticket(request).await.unwrap();
    let again = world.assigned(&name).await;
    assert_eq!((again.assignee, again.reopen_count), (radha, 1), "whoever resolved it takes it again");

    world.resolve(&name).await.unwrap();
    let request = ConfirmTicketRequest {
        name: name.clone(),
        caller: "Asha".to_owned(),
        request_id: new_id().to_string(),
        ..ConfirmTicketRequest::default()
    };
    let closed = tickets.confirm_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((closed.state(), closed.closure()), (State::Closed, Closure::Verified));
    assert_eq!(tickets.confirm_ticket(request).await.unwrap().into_inner().ticket.unwrap(), closed, "once");
    assert_eq!(world.all_of(customer).await, [closed], "a list shows the ticket as it is");

    let expected = ["created", "assigned", "replied", "resolved", "rejected", "assigned", "resolved", "closed"];
    assert_eq!(world.acts(&name).await, expected);
    let request = ListMessagesRequest { parent: name.clone(), ..ListMessagesRequest::default() };
    let messages = tickets.list_messages(request).await.unwrap().into_inner().messages;
    assert_eq!(messages.len(), 5, "an answer, two notes, what the customer said, and the call: {messages:?}");

    let request = ListClockEventsRequest { parent: name };
    let events = tickets.list_clock_events(request).await.unwrap().into_inner().clock_events;
    let total: Vec<_> =
        events.iter().filter(|event| event.clock() == clock::Kind::ResolutionTotal).map(|event| event.kind()).collect();
    use clock_event::Kind::{Met, Paused, Resumed, Started};
    assert_eq!(total, [Started, Paused, Resumed, Paused, Met]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_the_customer_whose_call_opens_it_again_and_the_waiting_does_not_count() {
    let world = World::new().await;
    let support = world.department("support", &["question"]).await;
    let radha = world.member("radha", &support, &["en"], 5).await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    let before = world.assigned(&name).await;
    let mut tickets = world.tickets_of("radha");
    let due = |ticket: &Ticket, kind| {
        let clock = ticket.clocks.iter().find(|clock| clock.kind() == kind).unwrap();
        (clock.state(), clock.due_time.unwrap().seconds)
    };
    let resolution = |ticket: &Ticket| due(ticket, clock::Kind::ResolutionFirst);

    let question = ReplyToTicketRequest { awaits_customer: true, ..reply(&name, "Which size?") };
    let asked = tickets.reply_to_ticket(question.clone()).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((asked.state(), asked.assignee.as_str()), (State::PendingCustomer, radha.as_str()));
    assert_eq!(resolution(&asked).0, clock::State::Paused);
    assert_eq!(due(&asked, clock::Kind::FirstResponse).0, clock::State::Met, "the question answers");
    assert_eq!(world.get(&name).await, asked);
    assert_eq!(world.all_of(customer).await, [asked], "a list shows the ticket as it is");
    world.pass(5);

    let call = ReplyToTicketRequest {
        author: message::Author::Customer.into(),
        medium: message::Medium::PhoneCall.into(),
        ..reply(&name, "Asha called: size 40.")
    };
    let said = tickets.reply_to_ticket(call).await.unwrap().into_inner();
    assert_eq!(said.message.unwrap().medium(), message::Medium::PhoneCall);
    let open = said.ticket.unwrap();
    assert_eq!(open.state(), State::Open);
    let waited = resolution(&open).1 - resolution(&before).1;
    assert_eq!((resolution(&open).0, waited), (clock::State::Running, 5 * 3600));

    // Asked again; this time somebody puts it back into the queue, where it counts on.
    let again = ReplyToTicketRequest { request_id: new_id().to_string(), ..question };
    tickets.reply_to_ticket(again).await.unwrap();
    world.pass(2);
    let nobody = AssignTicketRequest { name: name.clone(), request_id: new_id().to_string(), ..Default::default() };
    let queued = tickets.assign_ticket(nobody).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((queued.state(), queued.assignee.as_str()), (State::New, ""));
    let waited = resolution(&queued).1 - resolution(&before).1;
    assert_eq!((resolution(&queued).0, waited), (clock::State::Running, 7 * 3600));
    world.assigned(&name).await;
    let expected = ["created", "assigned", "pending", "replied", "pending", "unassigned", "assigned"];
    assert_eq!(world.acts(&name).await, expected);
    let request = ListClockEventsRequest { parent: name };
    let events = tickets.list_clock_events(request).await.unwrap().into_inner().clock_events;
    let first = events.iter().filter(|event| event.clock() == clock::Kind::ResolutionFirst);
    use clock_event::Kind::{Paused, Resumed, Started};
    assert_eq!(first.map(|event| event.kind()).collect::<Vec<_>>(), [Started, Paused, Resumed, Paused, Resumed]);
}

/// TK6
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_and_every_step_of_a_clock_stays_as_it_is_whoever_writes() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.tickets().reply_to_ticket(reply(&name, "We have it in red.")).await.unwrap();
    for (statement, trigger) in [
        ("update message set text = 'Nothing was said.'", "message_append_only"),
        ("delete from message", "message_append_only"),
        ("update clock_event set due_at = now()", "clock_event_append_only"),
        ("delete from clock_event", "clock_event_append_only"),
    ] {
        let refused = sqlx::query(statement).execute(world.database.db.calls()).await.unwrap_err();
        assert_eq!(refused.into_database_error().unwrap().constraint(), Some(trigger), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_ticket_is_told_as_part_of_the_story_that_opened_it_and_without_anybodys_words() {
    let world = World::new().await;
    let shipping = world.department("shipping", &["delivery", "question"]).await;
    world.member("radha", &shipping, &["hi"], 5).await;
    let customer = world.customer("hi").await;
    world.day_is_missed(customer, "orders/01a20d53-4c1f-73a0-aea7-df30b12dca94", "2026-03-01").await;
    let name = world.ticket_of(customer).await.name;
    world.assigned(&name).await;
    world.resolve(&name).await.unwrap();

    let mut feed = EventFeedServiceClient::new(world.server.as_service("notifications"));
    let start = Some(Start::Earliest(Earliest {}));
    let mut stream = feed.subscribe(SubscribeRequest { start }).await.unwrap().into_inner();
    let mut events = Vec::new();
    while events.len() < 3 {
        events.extend(stream.message().await.unwrap().unwrap().events);
    }
    let story = "story of orders/01a20d53-4c1f-73a0-aea7-df30b12dca94";
    assert!(events.iter().all(|event| event.correlation_id == story), "{events:?}");
    assert!(events[0].traceparent.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "the trace goes on");

    let asked = world.create(a_ticket(customer)).await.unwrap();
    world.tickets().reply_to_ticket(reply(&asked.name, "We have it in red and in blue.")).await.unwrap();
    for table in ["seva.outbox", "seva.audit"] {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&world.database.owner)
            .await
            .unwrap();
        for words in ["Does it come in red?", "I would like a red one.", "We have it in red and in blue.", "The van"] {
            let in_hex: String = words.bytes().map(|byte| format!("{byte:02x}")).collect();
            let found = rows.iter().any(|row| row.contains(words) || row.contains(&in_hex));
            assert!(!found, "{words:?} is in {table} (TK9)");
        }
    }
    assert_ne!(id_of(&asked.name), id_of(&name));
}
