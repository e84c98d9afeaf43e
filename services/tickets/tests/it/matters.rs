//! One ticket for each matter, whoever opens it and however often.

use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{LoopCase, LoopCaseEvent},
    tickets::v1::{
        AddParticipantRequest, CancelTicketRequest, ListParticipantsRequest, Matter, ReopenTicketRequest, Ticket,
        participant_service_client::ParticipantServiceClient,
        ticket::{CancelReason, Kind, Priority, State},
    },
};
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use std::sync::Arc;
use tokio::task::JoinSet;
use tonic_types::StatusExt;

use crate::world::{World, a_ticket, invariant, is_refused};

fn of_order(customer: uuid::Uuid, subject: &str) -> Ticket {
    let matter = Matter {
        kind: "promised_day_missed".to_owned(),
        subject: subject.to_owned(),
        version: "2026-03-01".to_owned(),
    };
    Ticket { matter: Some(matter), kind: Kind::Delivery.into(), ..a_ticket(customer) }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_open_one_matter_at_once_one_does_and_the_others_are_told_which() {
    let world = Arc::new(World::new().await);
    let customer = world.customer("hi").await;
    let order = format!("orders/{}", new_id());
    let mut openers = JoinSet::new();
    for number in 0..8 {
        let (world, order) = (world.clone(), order.clone());
        openers.spawn(async move {
            if number % 2 == 0 {
                world.day_is_missed(customer, &order, "2026-03-01").await;
                return None;
            }
            Some(world.create(of_order(customer, &order)).await)
        });
    }
    let answers = openers.join_all().await;
    let ticket = world.ticket_of(customer).await;
    for refused in answers.into_iter().flatten().filter(Result::is_err) {
        let status = is_refused(refused, ErrorReason::MatterHasTicket);
        let told = status.get_error_details().error_info().unwrap().metadata["ticket"].clone();
        assert_eq!(told, ticket.name);
    }
    // The events may still be on their way.
    world.day_is_missed(customer, "orders/01a20d53-4c1f-73a0-aea7-df30b12dca94", "2026-03-01").await;
    eventually("the last event has had its effect", || async {
        (world.all_of(customer).await.len() > 1).then_some(())
    })
    .await;
    assert_eq!(world.all_of(customer).await.len(), 2, "TK7: one for each order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_that_is_over_may_have_another_ticket() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let order = format!("orders/{}", new_id());
    let first = world.create(of_order(customer, &order)).await.unwrap();
    let request = CancelTicketRequest {
        name: first.name.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(request).await.unwrap();
    let second = world.create(of_order(customer, &order)).await.unwrap();
    assert_ne!(second.number, first.number);
    assert!(second.number > first.number);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_failed_payment_opens_a_ticket_and_the_first_does_not() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let invoice = format!("invoices/{}", new_id());
    world.payment_fails(customer, &invoice, 1).await;
    world.payment_fails(customer, &invoice, 2).await;
    world.payment_fails(customer, &invoice, 3).await;
    let ticket = world.ticket_of(customer).await;
    assert_eq!((ticket.kind(), ticket.priority()), (Kind::Billing, Priority::Normal));
    assert!(ticket.title.contains("I-1029"));
    assert_eq!(world.all_of(customer).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_opens_a_ticket_even_when_its_customer_is_heard_of_later() {
    let world = World::new().await;
    let customer = new_id();
    let name = format_name("customers", customer);
    let case = LoopCase {
        name: format!("loopCases/{}", new_id()),
        response: format!("responses/{}", new_id()),
        customer: name.clone(),
        question_id: "csat".to_owned(),
        score: 1,
        ..LoopCase::default()
    };
    let event = LoopCaseEvent { loop_case: Some(case.clone()), ..LoopCaseEvent::default() };
    world.surveys.tells("seva.surveys.loop_case.opened.v1", &case.name, world.now(), &event).await;
    let state = seva_proto::customers::v1::CustomerEvent {
        customer: name.clone(),
        languages: vec!["ur".to_owned()],
        zone: "Asia/Karachi".to_owned(),
        ..Default::default()
    };
    world.customers.tells("seva.customers.customer.created.v1", &name, world.now(), &state).await;

    let ticket = world.ticket_of(customer).await;
    assert_eq!((ticket.kind(), ticket.priority()), (Kind::ComplaintService, Priority::High));
    assert_eq!((ticket.matter.unwrap().subject, ticket.language.as_str()), (case.response, "ur"));
    assert_eq!(world.count("select count(*) from seva.dead_letter").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_ticket_is_opened_again_for_thirty_days_and_followed_by_another_one_later() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    let close = async || {
        world.assigned(&ticket.name).await;
        world.resolve(&ticket.name).await.unwrap();
        world.confirm(&ticket.name).await.unwrap();
    };
    let reopen = || ReopenTicketRequest {
        name: ticket.name.clone(),
        text: "It has broken again.".to_owned(),
        request_id: new_id().to_string(),
        ..ReopenTicketRequest::default()
    };
    let refused = world.tickets().reopen_ticket(reopen()).await;
    assert_eq!(invariant(&is_refused(refused, ErrorReason::StateForbids)), "TK8");
    let daughter = format_name("customers", world.customer("en").await);
    let mut participants = ParticipantServiceClient::new(world.server.as_role("agent"));
    for participant in [&daughter, &radha] {
        let add = AddParticipantRequest {
            parent: ticket.name.clone(),
            participant: participant.clone(),
            request_id: new_id().to_string(),
            ..AddParticipantRequest::default()
        };
        participants.add_participant(add).await.unwrap();
    }

    close().await;
    world.pass(24 * 29);
    let again = world.tickets().reopen_ticket(reopen()).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((again.name.as_str(), again.reopen_count), (ticket.name.as_str(), 1));

    close().await;
    world.pass(24 * 30);
    let next = world.tickets().reopen_ticket(reopen()).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((next.follow_up_of.as_str(), next.state()), (ticket.name.as_str(), State::New));
    assert_eq!(world.get(&ticket.name).await.state(), State::Closed, "the old one stays as it was");
    let take_part = participants.list_participants(ListParticipantsRequest { parent: next.name }).await.unwrap();
    let take_part: Vec<String> = take_part.into_inner().participants.into_iter().map(|one| one.participant).collect();
    assert_eq!(take_part, [daughter], "customers go on; staff serve anew");
}

/// TK8: how long depends on who the customer is, whatever the matter is.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_of_special_importance_has_sixty_days_to_come_back() {
    let world = World::new().await;
    let department = world.department("support", &["question", "complaint_service"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    sqlx::query("update recipient set tier = 'vip' where customer_id = $1")
        .bind(customer)
        .execute(&world.database.owner)
        .await
        .unwrap();
    let urgent = Ticket { priority: Priority::Urgent.into(), ..a_ticket(customer) };
    let complaint = Ticket { kind: Kind::ComplaintService.into(), ..a_ticket(customer) };
    let mut names = Vec::new();
    for ticket in [urgent, complaint] {
        let name = world.create(ticket).await.unwrap().name;
        world.assigned(&name).await;
        world.resolve(&name).await.unwrap();
        world.confirm(&name).await.unwrap();
        names.push(name);
    }
    world.pass(24 * 59);
    for name in names {
        let reopen = ReopenTicketRequest {
            name: name.clone(),
            text: "It has broken again.".to_owned(),
            request_id: new_id().to_string(),
            ..ReopenTicketRequest::default()
        };
        let again = world.tickets().reopen_ticket(reopen).await.unwrap().into_inner().ticket.unwrap();
        assert_eq!((again.name, again.reopen_count), (name, 1));
    }
}
