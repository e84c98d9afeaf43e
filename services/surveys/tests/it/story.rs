//! From a delivery or a closed ticket to an answer, and what is told of it.

use seva_proto::{
    surveys::v1::{
        GetInvitationRequest, InvitationEvent, ListResponsesRequest, invitation::State,
        invitation_service_client::InvitationServiceClient, programme::Trigger, response::State as ResponseState,
        response_service_client::ResponseServiceClient,
    },
    tickets::v1::TicketEvent,
};
use seva_values::{format_name, new_id};

use crate::world::{TRACEPARENT, World, a_closed_ticket, saving, scored, worded};

#[tokio::test(flavor = "multi_thread")]
async fn who_got_an_order_is_asked_two_days_later_and_answers_by_link() {
    let world = World::new().await;
    let customer = world.customer("bn").await;
    let order = world.delivered(customer).await;
    world.rest().await;
    let held = world.about(&order).await;
    assert_eq!((held.state(), held.survey_version.as_str()), (State::Held, ""), "not decided yet");
    let delivered = held.decide_time.unwrap().seconds - 48 * 3600;
    assert_eq!(delivered, world.now().as_second(), "two days after the delivery");
    world.pass(47).await;
    assert_eq!(world.again(&held).await, held);

    world.pass(1).await;
    let queued = world.again(&held).await;
    assert_eq!((queued.state(), queued.language.as_str()), (State::Queued, "bn"));
    assert_eq!(queued.programme, world.programme(Trigger::OrderDelivered).await.name);
    assert!(queued.survey_version.ends_with("/versions/1"), "the version is pinned: {queued:?}");
    assert_eq!(queued.expire_time.unwrap().seconds, world.now().as_second() + 14 * 86400);
    world.is_sent(&queued).await;
    let sent = world.again(&queued).await;
    assert_eq!((sent.state(), sent.send_time.is_some()), (State::Sent, true));

    let token = world.link(&sent).await;
    let asked = world.questionnaire(&token).await.unwrap();
    let version = asked.survey_version.unwrap();
    assert_eq!((version.name, asked.language.as_str(), asked.revision), (sent.survey_version.clone(), "bn", 0));
    let begun = world.save(saving(&token, 0, vec![scored("csat", 4)], false)).await.unwrap();
    assert_eq!((begun.revision, begun.state()), (1, ResponseState::InProgress));
    assert_eq!(world.again(&sent).await.state(), State::Started);
    let words = "Ring twice, ask for Priya.";
    let done = world.save(saving(&token, 1, vec![worded("words", words)], true)).await.unwrap();
    assert_eq!((done.revision, done.state(), done.answers.len()), (2, ResponseState::Completed, 2));

    let completed = world.again(&sent).await;
    assert_eq!((completed.state(), completed.survey_version), (State::Completed, sent.survey_version));
    assert_eq!(world.acts(&sent.name).await, ["held", "queued", "sent", "started", "completed"]);
    assert_eq!(world.acts(&completed.response).await, ["saved", "completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_ticket_is_asked_about_with_whoever_resolved_it_whatever_is_said_of_it_later() {
    let world = World::new().await;
    let customer = world.customer("hi").await;
    let resolver = format_name("staffMembers", new_id());
    let ticket = TicketEvent { resolver: resolver.clone(), ..a_closed_ticket(customer) };
    world.ticket_says("seva.tickets.ticket.closed.v1", &ticket).await;
    let somebody_else = TicketEvent { resolver: format_name("staffMembers", new_id()), ..ticket.clone() };
    world.ticket_says("seva.tickets.ticket.updated.v1", &somebody_else).await;

    world.pass(1).await;

    let queued = world.about(&ticket.ticket).await;
    assert_eq!((queued.state(), queued.staff_member), (State::Queued, resolver), "SU10");
}

// SU16
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_belongs_to_the_story_of_the_matter_and_holds_nobodys_words() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let words = "Ring twice, ask for Priya.";
    world.save(saving(&token, 0, vec![scored("csat", 1), worded("words", words)], true)).await.unwrap();

    let rows: Vec<(String, String)> = sqlx::query_as(
        "select correlation_id, coalesce(traceparent, '') from seva.outbox
         where type ~ 'surveys.(invitation|response|loop_case)' order by position",
    )
    .fetch_all(&world.office.database.owner)
    .await
    .unwrap();
    assert_eq!(rows.len(), 5, "held, queued, completed; completed; opened: {rows:?}");
    let story = format!("story of {}", invitation.subject);
    assert!(rows.iter().all(|(correlation, _)| *correlation == story), "{rows:?}");
    assert_eq!((rows[0].1.as_str(), rows[1].1.as_str()), (TRACEPARENT, TRACEPARENT));
    for table in ["seva.outbox", "seva.audit", "seva.idempotency", "invitation", "response", "loop_case"] {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&world.office.database.owner)
            .await
            .unwrap();
        let in_hex: String = words.bytes().map(|byte| format!("{byte:02x}")).collect();
        let found = rows.iter().any(|row| row.contains(words) || row.contains(&in_hex) || row.contains(&token));
        assert!(!found, "{words:?} or the link is in {table}");
    }
    let told = world.office.emitted().await;
    let event: InvitationEvent = told.iter().rfind(|event| event.subject == invitation.name).unwrap().read();
    assert_eq!((event.trigger(), event.invitation.unwrap().name), (Trigger::OrderDelivered, invitation.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_serves_reads_answers_and_who_keeps_it_running_sees_only_that_there_are_some() {
    let world = World::new().await;
    let invitation = world.asked().await;
    world.answers(&invitation, 5).await;
    for (role, reads) in [("agent", true), ("lead", true), ("manager", true), ("ops", false)] {
        let mut invitations = InvitationServiceClient::new(world.server.as_role(role));
        let request = GetInvitationRequest { name: invitation.name.clone() };
        let answer = invitations.get_invitation(request).await.unwrap().into_inner();
        assert!(!answer.invitation.unwrap().response.is_empty(), "{role}");
        assert_eq!(answer.response.is_some(), reads, "{role}");
        let mut responses = ResponseServiceClient::new(world.server.as_role(role));
        let list = responses.list_responses(ListResponsesRequest::default()).await;
        assert_eq!(list.is_ok(), reads, "{role}");
    }
    for role in ["hr", "integration", "customer"] {
        let mut invitations = InvitationServiceClient::new(world.server.as_role(role));
        let request = GetInvitationRequest { name: invitation.name.clone() };
        assert_eq!(invitations.get_invitation(request).await.unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}
