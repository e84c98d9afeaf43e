//! Lists of invitations, responses and loop cases: whole, once, newest first, filtered.

use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{
        GetInvitationRequest, GetLoopCaseRequest, InvitationFilter, ListInvitationsRequest, ListLoopCasesRequest,
        ListResponsesRequest, invitation::State, invitation_service_client::InvitationServiceClient,
        loop_case::State as CaseState, loop_case_service_client::LoopCaseServiceClient, programme::Trigger,
        response_service_client::ResponseServiceClient,
    },
};
use seva_values::new_id;
use tonic::Code;

use crate::{
    office::{is_refused, violations},
    world::World,
};

/// Six who were asked about orders, of whom four answered, two of them low; and one who was asked about a ticket.
async fn a_week() -> World {
    let world = World::new().await;
    for csat in [Some(5), Some(1), None, Some(2), None, Some(4)] {
        let invitation = world.asked().await;
        if let Some(csat) = csat {
            world.answers(&invitation, csat).await;
        }
    }
    world.closed(world.customer("hi").await).await;
    world.rest().await;
    world.pass(1).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_paged_newest_first_by_programme_customer_and_state() {
    let world = Box::pin(a_week()).await;
    let mut invitations = InvitationServiceClient::new(world.server.as_role("agent"));
    let all = world.invitations(InvitationFilter::default()).await;
    assert!(all.is_sorted_by_key(|invitation| std::cmp::Reverse(invitation.create_time.unwrap().seconds)));
    assert_eq!(all.len(), 7);

    let orders = world.programme(Trigger::OrderDelivered).await.name;
    let filters = [
        (InvitationFilter::default(), 7),
        (InvitationFilter { programme: orders.clone(), ..Default::default() }, 6),
        (InvitationFilter { customer: all[3].customer.clone(), ..Default::default() }, 1),
        (InvitationFilter { state: State::Completed.into(), ..Default::default() }, 4),
        (InvitationFilter { programme: orders, state: State::Queued.into(), ..Default::default() }, 2),
        (InvitationFilter { customer: format!("customers/{}", new_id()), ..Default::default() }, 0),
    ];
    for (filter, expected) in filters {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListInvitationsRequest { page_size: 2, page_token, filter: Some(filter.clone()) };
            let page = invitations.list_invitations(request).await.unwrap().into_inner();
            assert!(page.invitations.len() <= 2);
            found.extend(page.invitations);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let matching: Vec<_> = all
            .iter()
            .filter(|one| filter.programme.is_empty() || one.programme == filter.programme)
            .filter(|one| filter.customer.is_empty() || one.customer == filter.customer)
            .filter(|one| filter.state() == State::Unspecified || one.state() == filter.state())
            .cloned()
            .collect();
        assert_eq!((found.len(), &found), (expected, &matching), "{filter:?}");
    }
    let first = ListInvitationsRequest { page_size: 2, ..Default::default() };
    let page = invitations.list_invitations(first).await.unwrap().into_inner();
    let filter = Some(InvitationFilter { state: State::Completed.into(), ..Default::default() });
    let other = ListInvitationsRequest { page_token: page.next_page_token, filter, ..Default::default() };
    is_refused(invitations.list_invitations(other).await, ErrorReason::PageTokenInvalid);
    let wrong = InvitationFilter { programme: "x".to_owned(), customer: "orders/1".to_owned(), state: 77 };
    let wrong = ListInvitationsRequest { filter: Some(wrong), ..Default::default() };
    let status = is_refused(invitations.list_invitations(wrong).await, ErrorReason::FieldsInvalid);
    let fields: Vec<_> = violations(&status).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["filter.customer", "filter.programme", "filter.state"]);

    let nowhere = GetInvitationRequest { name: format!("invitations/{}", new_id()) };
    is_refused(invitations.get_invitation(nowhere).await, ErrorReason::ResourceNotFound);
    let malformed = GetInvitationRequest { name: "invitations/1".to_owned() };
    is_refused(invitations.get_invitation(malformed).await, ErrorReason::FieldsInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_paged_newest_first_by_programme_and_customer() {
    let world = Box::pin(a_week()).await;
    let mut responses = ResponseServiceClient::new(world.server.as_role("agent"));
    let orders = world.programme(Trigger::OrderDelivered).await.name;
    let tickets = world.programme(Trigger::TicketClosed).await.name;
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListResponsesRequest { page_size: 3, page_token, programme: orders.clone(), ..Default::default() };
        let page = responses.list_responses(request).await.unwrap().into_inner();
        all.extend(page.responses);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(all.len(), 4);
    assert!(all.is_sorted_by_key(|response| std::cmp::Reverse(response.create_time.unwrap().seconds)));
    assert!(all.iter().all(|response| response.answers.len() == 1 && response.complete_time.is_some()));
    let of_one = ListResponsesRequest { customer: all[1].customer.clone(), ..Default::default() };
    assert_eq!(responses.list_responses(of_one).await.unwrap().into_inner().responses, [all[1].clone()]);
    let of_tickets = ListResponsesRequest { programme: tickets, ..Default::default() };
    assert_eq!(responses.list_responses(of_tickets).await.unwrap().into_inner().responses, []);
    let wrong = ListResponsesRequest { programme: "x".to_owned(), customer: "y".to_owned(), ..Default::default() };
    let status = is_refused(responses.list_responses(wrong).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn loop_cases_are_paged_newest_first_by_state_and_customer_for_those_who_serve() {
    let world = Box::pin(a_week()).await;
    let all = world.loop_cases().await;
    assert_eq!(all.iter().map(|case| case.score).collect::<Vec<_>>(), [2, 1]);
    let mut cases = LoopCaseServiceClient::new(world.server.as_role("agent"));
    let of_one = ListLoopCasesRequest { customer: all[1].customer.clone(), ..Default::default() };
    assert_eq!(cases.list_loop_cases(of_one).await.unwrap().into_inner().loop_cases, [all[1].clone()]);
    for (state, expected) in [(CaseState::Open, 2), (CaseState::Verified, 0)] {
        let request = ListLoopCasesRequest { page_size: 1, state: state.into(), ..Default::default() };
        let page = cases.list_loop_cases(request.clone()).await.unwrap().into_inner();
        let next = ListLoopCasesRequest { page_token: page.next_page_token.clone(), ..request };
        let mut found = page.loop_cases;
        if !next.page_token.is_empty() {
            found.extend(cases.list_loop_cases(next).await.unwrap().into_inner().loop_cases);
        }
        assert_eq!(found.len(), expected, "{state:?}");
    }
    let wrong = ListLoopCasesRequest { state: 77, customer: "y".to_owned(), ..Default::default() };
    let status = is_refused(cases.list_loop_cases(wrong).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status).len(), 2);

    let get = || GetLoopCaseRequest { name: all[0].name.clone() };
    assert_eq!(cases.get_loop_case(get()).await.unwrap().into_inner().loop_case, Some(all[0].clone()));
    let nowhere = GetLoopCaseRequest { name: format!("loopCases/{}", new_id()) };
    is_refused(cases.get_loop_case(nowhere).await, ErrorReason::ResourceNotFound);
    for (role, may) in [("lead", true), ("manager", true), ("ops", true), ("hr", false), ("customer", false)] {
        let answer = LoopCaseServiceClient::new(world.server.as_role(role)).get_loop_case(get()).await;
        let code = answer.err().map(|status| status.code());
        assert_eq!(code, (!may).then_some(Code::PermissionDenied), "{role}");
    }
}
