//! Requests: what is refused, repeated, listed and found.

use std::sync::Arc;

use prost_types::FieldMask;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        CreateTicketRequest, GetTicketRequest, ListTicketsRequest, Matter, ReplyToTicketRequest, ResolveTicketRequest,
        Ticket, TicketFilter, TicketView, UpdateTicketRequest, clock,
        message::Visibility,
        ticket::{Kind, Priority, State, WaitReason},
    },
};
use seva_values::{format_name, new_id};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, a_ticket, invariant, is_refused};

fn fields(status: &tonic::Status) -> Vec<String> {
    let details = status.get_error_details();
    let mut fields: Vec<String> =
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect();
    fields.sort();
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_request_is_told_at_once() {
    let world = World::new().await;
    let wrong = Ticket {
        customer: "asha".to_owned(),
        kind: 42,
        priority: 42,
        title: " ".to_owned(),
        stated_problem: "a\u{7}b".to_owned(),
        matter: Some(Matter { kind: "Promised Day".to_owned(), ..Matter::default() }),
        ..Ticket::default()
    };
    let refused = is_refused(world.create(wrong).await, ErrorReason::FieldsInvalid);
    assert_eq!(
        fields(&refused),
        [
            "ticket.customer",
            "ticket.kind",
            "ticket.matter.kind",
            "ticket.matter.subject",
            "ticket.priority",
            "ticket.stated_problem",
            "ticket.title",
        ]
    );
    let nobody = world.create(a_ticket(new_id())).await;
    is_refused(nobody, ErrorReason::ResourceNotFound);
    let request = ResolveTicketRequest { request_id: new_id().to_string(), ..ResolveTicketRequest::default() };
    let refused = is_refused(world.tickets().resolve_ticket(request).await, ErrorReason::FieldsInvalid);
    assert_eq!(fields(&refused), ["name", "note", "root_problem"]);
    assert_eq!(world.count("select count(*) from seva.outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_from_eight_callers_opens_one_ticket() {
    let world = Arc::new(World::new().await);
    let customer = world.customer("en").await;
    let request = CreateTicketRequest { ticket: Some(a_ticket(customer)), request_id: new_id().to_string() };
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (mut tickets, request) = (world.tickets(), request.clone());
        callers.spawn(async move {
            loop {
                match tickets.create_ticket(request.clone()).await {
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer.unwrap().into_inner(),
                }
            }
        });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(world.all_of(customer).await.len(), 1);
    let other = CreateTicketRequest {
        ticket: Some(Ticket { title: "Another one".to_owned(), ..a_ticket(customer) }),
        ..request
    };
    is_refused(world.tickets().create_ticket(other).await, ErrorReason::RequestIdReused);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_state_forbids_names_the_invariant_and_an_old_etag_is_refused() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    // Nobody has it: there is no department. That it waits for one is a change of its own.
    let ticket = world.until("it waits", &ticket.name, |ticket| ticket.wait_reason() == WaitReason::NoDepartment).await;
    let refused = is_refused(world.resolve(&ticket.name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK3");

    let urgent = UpdateTicketRequest {
        ticket: Some(Ticket { priority: Priority::Urgent.into(), ..ticket.clone() }),
        update_mask: Some(FieldMask { paths: vec!["priority".to_owned()] }),
        request_id: new_id().to_string(),
    };
    let updated = world.tickets().update_ticket(urgent.clone()).await.unwrap().into_inner().ticket.unwrap();
    let due = |ticket: &Ticket| {
        let first = ticket.clocks.iter().find(|clock| clock.kind() == clock::Kind::FirstResponse);
        first.unwrap().due_time.unwrap().seconds
    };
    assert_eq!(due(&ticket) - due(&updated), 4 * 3600 - 30 * 60, "half an hour instead of four");
    let again = UpdateTicketRequest { request_id: new_id().to_string(), ..urgent.clone() };
    is_refused(world.tickets().update_ticket(again).await, ErrorReason::EtagMismatch);
    let paths = vec!["priority".to_owned(), "colour".to_owned()];
    let unknown =
        UpdateTicketRequest { update_mask: Some(FieldMask { paths }), request_id: new_id().to_string(), ..urgent };
    let refused = is_refused(world.tickets().update_ticket(unknown).await, ErrorReason::FieldsInvalid);
    assert_eq!(fields(&refused), ["update_mask.paths[1]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_found_by_its_number_and_a_mistyped_one_is_told() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    assert_eq!(world.get(&format!("tickets/{}", ticket.number)).await.name, ticket.name);
    let mistyped = format!("tickets/0{}", ticket.number.chars().rev().collect::<String>());
    let answer = world.tickets().get_ticket(GetTicketRequest { name: mistyped }).await;
    assert!(matches!(answer.unwrap_err().code(), Code::InvalidArgument | Code::NotFound));
    let nowhere = GetTicketRequest { name: format!("tickets/{}", new_id()) };
    is_refused(world.tickets().get_ticket(nowhere).await, ErrorReason::ResourceNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_says_is_public_and_only_staff_ask() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    let wrong = ReplyToTicketRequest {
        name: ticket.name,
        visibility: 2,
        author: 2,
        awaits_customer: true,
        text: "Hello".to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    let refused = is_refused(world.tickets().reply_to_ticket(wrong).await, ErrorReason::FieldsInvalid);
    assert_eq!(fields(&refused), ["awaits_customer", "visibility"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_through_what_fits_once_in_every_order() {
    let world = World::new().await;
    let (asha, ravi) = (world.customer("en").await, world.customer("hi").await);
    let mut of_asha = Vec::new();
    for number in 0..7 {
        let customer = if number % 3 == 0 { ravi } else { asha };
        let kind = if number % 2 == 0 { Kind::Question } else { Kind::Problem };
        let ticket = Ticket { kind: kind.into(), ..a_ticket(customer) };
        let made = world.create(ticket).await.unwrap();
        if customer == asha {
            of_asha.push(made.name);
        }
        world.pass_minutes(1);
    }
    // What was made first is changed last.
    for name in of_asha.iter().rev() {
        let ticket = Ticket { name: name.clone(), title: "In blue, then?".to_owned(), ..Ticket::default() };
        let request = UpdateTicketRequest {
            ticket: Some(ticket),
            update_mask: Some(FieldMask { paths: vec!["title".to_owned()] }),
            request_id: new_id().to_string(),
        };
        world.tickets().update_ticket(request).await.unwrap();
        world.pass_minutes(1);
    }
    for (order_by, reversed) in
        [("", false), ("create_time desc", true), ("update_time", true), ("update_time desc", false)]
    {
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let filter = TicketFilter {
                customer: format_name("customers", asha),
                state: State::New.into(),
                unassigned: true,
                ..TicketFilter::default()
            };
            let request = ListTicketsRequest {
                page_size: 2,
                page_token,
                order_by: order_by.to_owned(),
                filter: Some(filter),
                ..ListTicketsRequest::default()
            };
            let page = world.tickets().list_tickets(request).await.unwrap().into_inner();
            names.extend(page.tickets.into_iter().map(|ticket| ticket.name));
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
        let mut expected = of_asha.clone();
        if reversed {
            expected.reverse();
        }
        assert_eq!(names, expected, "{order_by}");
    }
    let wrong = ListTicketsRequest { order_by: "title".to_owned(), ..ListTicketsRequest::default() };
    is_refused(world.tickets().list_tickets(wrong).await, ErrorReason::FieldsInvalid);
    let first = ListTicketsRequest { page_size: 2, ..ListTicketsRequest::default() };
    let page_token = world.tickets().list_tickets(first).await.unwrap().into_inner().next_page_token;
    let other =
        ListTicketsRequest { order_by: "create_time desc".to_owned(), page_token, ..ListTicketsRequest::default() };
    is_refused(world.tickets().list_tickets(other).await, ErrorReason::PageTokenInvalid);
}

// TK27
#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_what_a_queue_shows_or_everything() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let matter = Matter { kind: "call".to_owned(), subject: "calls/7".to_owned(), version: String::new() };
    let asked = Ticket { matter: Some(matter), ..a_ticket(world.customer("en").await) };
    let name = world.create(asked).await.unwrap().name;
    world.assigned(&name).await;
    let whole = world.get(&name).await;
    assert_eq!(whole.assignee, radha);
    let list = async |view: i32| {
        let request = ListTicketsRequest { view, ..ListTicketsRequest::default() };
        Ok::<_, Status>(world.tickets().list_tickets(request).await?.into_inner().tickets.remove(0))
    };

    assert_eq!(list(TicketView::Full.into()).await.unwrap(), whole);
    let basic =
        Ticket { stated_problem: String::new(), root_problem: None, matter: None, clocks: Vec::new(), ..whole.clone() };
    for view in [TicketView::Basic, TicketView::Unspecified] {
        assert_eq!(list(view.into()).await.unwrap(), basic);
    }
    // The first response is due before the resolution; once it is given, the resolution is next, and nothing while the customer has to answer.
    let due = |ticket: &Ticket, kind: clock::Kind| {
        ticket.clocks.iter().find(|clock| clock.kind() == kind).and_then(|clock| clock.due_time)
    };
    assert_eq!(basic.next_due_time, due(&whole, clock::Kind::FirstResponse));
    let say = |awaits_customer| ReplyToTicketRequest {
        name: name.clone(),
        visibility: Visibility::Public.into(),
        text: "In blue, too?".to_owned(),
        awaits_customer,
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets_of("radha").reply_to_ticket(say(false)).await.unwrap();
    let next = list(0).await.unwrap().next_due_time;
    assert_eq!((next, next.is_some()), (due(&world.get(&name).await, clock::Kind::ResolutionFirst), true));
    world.tickets_of("radha").reply_to_ticket(say(true)).await.unwrap();
    assert_eq!((list(0).await.unwrap().next_due_time, world.get(&name).await.next_due_time), (None, None));
    is_refused(list(77).await, ErrorReason::FieldsInvalid);
}
