//! Tickets that are looked after together (TK57).

use futures::future::join_all;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AddTicketToCaseRequest, CancelTicketRequest, Case, CloseCaseRequest, CreateCaseRequest, GetCaseRequest,
        ListCasesRequest, RemoveTicketFromCaseRequest, case, case_service_client::CaseServiceClient,
        ticket::CancelReason,
    },
};
use seva_runtime::client::Peer;
use seva_values::{format_name, new_id};
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{World, a_ticket, invariant, is_refused};

fn cases(world: &World, role: &str) -> CaseServiceClient<Peer> {
    CaseServiceClient::new(world.server.as_role(role))
}

async fn opened(world: &World, customer: Uuid) -> String {
    world.create(a_ticket(customer)).await.unwrap().name
}

async fn create(world: &World, customer: Uuid, tickets: &[&str]) -> Result<Case, Status> {
    let case =
        Case { customer: format_name("customers", customer), title: "The kitchen".to_owned(), ..Case::default() };
    let request = CreateCaseRequest {
        case: Some(case),
        tickets: tickets.iter().map(|&name| name.to_owned()).collect(),
        request_id: new_id().to_string(),
        ..CreateCaseRequest::default()
    };
    Ok(cases(world, "agent").create_case(request).await?.into_inner().case.unwrap())
}

async fn add(world: &World, role: &str, case: &str, ticket: &str, reason: &str) -> Result<Case, Status> {
    let request = AddTicketToCaseRequest {
        name: case.to_owned(),
        ticket: ticket.to_owned(),
        across_customers_reason: reason.to_owned(),
        request_id: new_id().to_string(),
        ..AddTicketToCaseRequest::default()
    };
    Ok(cases(world, role).add_ticket_to_case(request).await?.into_inner().case.unwrap())
}

async fn close(world: &World, case: &str) -> Result<Case, Status> {
    let request =
        CloseCaseRequest { name: case.to_owned(), request_id: new_id().to_string(), ..CloseCaseRequest::default() };
    Ok(cases(world, "agent").close_case(request).await?.into_inner().case.unwrap())
}

async fn cancel(world: &World, ticket: &str) {
    let request = CancelTicketRequest {
        name: ticket.to_owned(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_one_matter_are_looked_after_together_until_all_are_over() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
    let case = create(&world, customer, &[&a]).await.unwrap();
    assert_eq!((case.state(), &case.tickets), (case::State::Open, &vec![a.clone()]));
    let case = add(&world, "agent", &case.name, &b, "").await.unwrap();
    let mut both = vec![a.clone(), b.clone()];
    both.sort();
    assert_eq!(case.tickets, both);
    let read = cases(&world, "agent").get_case(GetCaseRequest { name: case.name.clone() }).await.unwrap().into_inner();
    assert_eq!(read.case.unwrap(), case);

    let refused = is_refused(close(&world, &case.name).await, ErrorReason::StateForbids);
    let violations = refused.get_error_details().precondition_failure().unwrap().violations.clone();
    assert_eq!(violations.iter().map(|one| one.subject.clone()).collect::<Vec<_>>(), both, "it names those that go on");
    cancel(&world, &a).await;
    let remove = RemoveTicketFromCaseRequest {
        name: case.name.clone(),
        etag: case.etag.clone(),
        ticket: b.clone(),
        request_id: new_id().to_string(),
    };
    cases(&world, "agent").remove_ticket_from_case(remove.clone()).await.unwrap();
    let stale = RemoveTicketFromCaseRequest { request_id: new_id().to_string(), ..remove };
    is_refused(cases(&world, "agent").remove_ticket_from_case(stale).await, ErrorReason::EtagMismatch);
    let closed = close(&world, &case.name).await.unwrap();
    assert_eq!((closed.state(), closed.tickets), (case::State::Closed, vec![a]));
    for late in [close(&world, &case.name).await, add(&world, "agent", &case.name, &b, "").await] {
        assert_eq!(invariant(&is_refused(late, ErrorReason::StateForbids)), "TK57");
    }
    let listed = ListCasesRequest {
        customer: format_name("customers", customer),
        state: case::State::Closed.into(),
        ..ListCasesRequest::default()
    };
    let listed = cases(&world, "agent").list_cases(listed).await.unwrap().into_inner().cases;
    assert_eq!(listed.iter().map(|case| case.name.clone()).collect::<Vec<_>>(), std::slice::from_ref(&case.name));
    let told = "select count(*) from seva.outbox where type like 'seva.tickets.case.%' and position(convert_to('kitchen', 'utf8') in payload) = 0";
    assert_eq!(world.count(told).await, 4, "created, added, removed, closed; nobody's words");
}

#[tokio::test(flavor = "multi_thread")]
async fn tk57_a_ticket_is_in_one_case_and_of_its_customer_unless_a_lead_says_why() {
    let world = World::new().await;
    let (customer, other) = (world.customer("en").await, world.customer("en").await);
    let (own, foreign) = (opened(&world, customer).await, opened(&world, other).await);
    let case = create(&world, customer, &[&own]).await.unwrap();
    assert_eq!(invariant(&is_refused(create(&world, customer, &[&own]).await, ErrorReason::StateForbids)), "TK57");
    let refused = is_refused(add(&world, "agent", &case.name, &foreign, "").await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK57");
    is_refused(add(&world, "agent", &case.name, &foreign, "One household.").await, ErrorReason::ResourceForbidden);
    add(&world, "lead", &case.name, &foreign, "One household.").await.unwrap();
    is_refused(create(&world, new_id(), &[]).await, ErrorReason::ResourceNotFound);
    let nobody = format!("tickets/{}", new_id());
    is_refused(add(&world, "agent", &case.name, &nobody, "").await, ErrorReason::ResourceNotFound);
    assert_eq!(world.count("select count(*) from ticket_case").await, 1, "what was refused left nothing");
}

/// TK57
#[tokio::test(flavor = "multi_thread")]
async fn of_many_cases_that_want_a_ticket_at_once_one_has_it() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = opened(&world, customer).await;
    let wanted = [ticket.as_str()];
    let created = join_all((0..6).map(|_| create(&world, customer, &wanted))).await;
    assert_eq!(created.iter().filter(|case| case.is_ok()).count(), 1, "{created:?}");
}
