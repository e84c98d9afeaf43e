//! Queues as they change.

use std::collections::BTreeMap;

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        CreateViewRequest, RiskLevel, TicketFilter, View, WatchTicketsRequest, WatchTicketsResponse,
        ticket::{State, WaitReason},
        ticket_change::Kind,
        view_service_client::ViewServiceClient,
        watch_service_client::WatchServiceClient,
    },
};
use seva_testkit::eventually;
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Status, Streaming};
use tonic_types::StatusExt;

use crate::world::{World, a_ticket, is_refused};

async fn watch(world: &World, request: WatchTicketsRequest) -> Result<Streaming<WatchTicketsResponse>, Status> {
    Ok(WatchServiceClient::new(world.server.as_role("agent")).watch_tickets(request).await?.into_inner())
}

fn of(department: &str, resume_token: &str) -> WatchTicketsRequest {
    let filter = TicketFilter {
        department: department.to_owned(),
        states: vec![State::New.into(), State::Open.into()],
        ..TicketFilter::default()
    };
    WatchTicketsRequest {
        filter: Some(filter),
        resume_token: resume_token.to_owned(),
        ..WatchTicketsRequest::default()
    }
}

async fn next(stream: &mut Streaming<WatchTicketsResponse>) -> WatchTicketsResponse {
    stream.message().await.unwrap().expect("the stream goes on")
}

/// The next change, as kind, ticket, version and the event's last words.
async fn change(stream: &mut Streaming<WatchTicketsResponse>) -> (Kind, String, i64, String) {
    let answer = next(stream).await;
    assert_eq!(answer.changes.len(), 1, "{answer:?}");
    let change = &answer.changes[0];
    let ticket = change.ticket.clone().unwrap();
    let act = change.event_type.trim_start_matches("seva.tickets.ticket.").to_owned();
    (change.kind(), ticket.ticket, ticket.version, act)
}

#[tokio::test(flavor = "multi_thread")]
async fn tk105_a_watch_shows_the_queue_then_what_comes_changes_and_goes() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let customer = world.customer("en").await;
    let before = world.create(a_ticket(customer)).await.unwrap().name;
    world.until("it waits", &before, |ticket| ticket.wait_reason() == WaitReason::NoSkill).await;
    eventually("the feed has told of it", || async {
        (world.count("select count(*) from seva.outbox_pending").await == 0).then_some(())
    })
    .await;

    let mut stream = watch(&world, of(&department, "")).await.unwrap();
    let snapshot = next(&mut stream).await;
    let shown: Vec<&str> = snapshot.tickets.iter().map(|ticket| ticket.name.as_str()).collect();
    assert_eq!(shown, [&*before]);
    assert!(!snapshot.tickets[0].title.is_empty() && !snapshot.resume_token.is_empty());

    world.member("radha", &department, &["en"], 5).await;
    assert_eq!(change(&mut stream).await, (Kind::Matched, before.clone(), 3, "assigned.v1".to_owned()));
    world.resolve(&before).await.unwrap();
    assert_eq!(change(&mut stream).await, (Kind::Removed, before.clone(), 4, "resolved.v1".to_owned()));
    // Of another kind, without a department: nothing is told of it.
    let other = seva_proto::tickets::v1::Ticket {
        kind: seva_proto::tickets::v1::ticket::Kind::Billing.into(),
        ..a_ticket(customer)
    };
    world.create(other).await.unwrap();
    let after = world.create(a_ticket(customer)).await.unwrap().name;
    assert_eq!(change(&mut stream).await, (Kind::Matched, after.clone(), 1, "created.v1".to_owned()));

    // From the snapshot on, once more.
    let mut again = watch(&world, of(&department, &snapshot.resume_token)).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 4 {
        let answer = next(&mut again).await;
        told.extend(answer.changes.into_iter().map(|change| (change.kind(), change.ticket.unwrap().ticket)));
    }
    let wanted = [
        (Kind::Matched, before.clone()),
        (Kind::Removed, before),
        (Kind::Matched, after.clone()),
        (Kind::Matched, after),
    ];
    assert_eq!(told, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_refused_with_a_token_of_another_filter_or_of_what_the_feed_no_longer_has() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let customer = world.customer("en").await;
    world.create(a_ticket(customer)).await.unwrap();
    let mut stream = watch(&world, of(&department, "")).await.unwrap();
    let token = next(&mut stream).await.resume_token;
    drop(stream);

    is_refused(watch(&world, of("", &token)).await.map(drop), ErrorReason::PageTokenInvalid);
    is_refused(watch(&world, of(&department, "damaged")).await.map(drop), ErrorReason::PageTokenInvalid);
    let unseen =
        WatchTicketsRequest { saved_view: format!("views/{}", uuid::Uuid::nil()), ..WatchTicketsRequest::default() };
    is_refused(watch(&world, unseen).await.map(drop), ErrorReason::ResourceNotFound);
    let floor = "update seva.feed_state set floor = head + 10, head = head + 10";
    sqlx::query(floor).execute(&world.database.owner).await.unwrap();
    is_refused(watch(&world, of(&department, &token)).await.map(drop), ErrorReason::FeedCursorExpired);
    sqlx::query("update seva.feed_state set epoch = gen_random_uuid()").execute(&world.database.owner).await.unwrap();
    is_refused(watch(&world, of(&department, &token)).await.map(drop), ErrorReason::FeedEpochChanged);
}

/// The fields that a refusal names.
fn faulty(refused: &Status) -> Vec<String> {
    let details = refused.get_error_details();
    details.bad_request().unwrap().field_violations.iter().map(|fault| fault.field.clone()).collect()
}

/// A ticket begins to match these without an event of the ticket: a watcher would never hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_what_no_event_tells_is_refused() {
    let world = World::new().await;
    let to_call = TicketFilter { verification_needs_call: true, ..TicketFilter::default() };
    let at_risk = TicketFilter { risk_levels: vec![RiskLevel::High.into()], ..to_call.clone() };
    for (filter, expected) in [
        (&to_call, vec!["filter.verification_needs_call"]),
        (&at_risk, vec!["filter.risk_levels", "filter.verification_needs_call"]),
    ] {
        let request = WatchTicketsRequest { filter: Some(filter.clone()), ..WatchTicketsRequest::default() };
        let refused = is_refused(watch(&world, request).await.map(drop), ErrorReason::FieldsInvalid);
        assert_eq!(faulty(&refused), expected);
    }
    let view = View {
        titles: vec![Translation { language: "en".to_owned(), text: "To be called".to_owned() }],
        filter: Some(to_call),
        ..View::default()
    };
    let request = CreateViewRequest { view: Some(view), request_id: new_id().to_string() };
    let mut views = ViewServiceClient::new(world.server.as_role("lead"));
    let saved_view = views.create_view(request).await.unwrap().into_inner().view.unwrap().name;
    let request = WatchTicketsRequest { saved_view, ..WatchTicketsRequest::default() };
    let refused = WatchServiceClient::new(world.server.as_role("lead")).watch_tickets(request).await.map(drop);
    assert_eq!(faulty(&is_refused(refused, ErrorReason::FieldsInvalid)), ["saved_view"]);
}

/// Many write while a watcher comes and goes; each time it goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn tk105_no_change_is_lost_or_doubled_across_reconnections() {
    let world = std::sync::Arc::new(World::new().await);
    let department = world.department("support", &["question"]).await;
    for user in ["radha", "bilal"] {
        world.member(user, &department, &["en"], 4).await;
    }
    let customer = world.customer("en").await;
    let mut stream = watch(&world, of(&department, "")).await.unwrap();
    let mut token = next(&mut stream).await.resume_token;
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let world = world.clone();
        writers.spawn(async move {
            for _ in 0..10 {
                let ticket = world.create(a_ticket(customer)).await.unwrap().name;
                drop(world.resolve(&ticket).await);
            }
        });
    }
    // The last version that was told of each, and what the watcher has.
    let (mut told, mut has): (BTreeMap<String, i64>, BTreeMap<String, State>) = (BTreeMap::new(), BTreeMap::new());
    let mut turn = 0_usize;
    let settled = || async {
        let sql = "select count(*) from ticket where state = 'new' and route_at <= '2030-01-01'";
        world.count("select count(*) from seva.outbox_pending").await == 0 && world.count(sql).await == 0
    };
    loop {
        turn += 1;
        if turn.is_multiple_of(3) {
            stream = watch(&world, of(&department, &token)).await.unwrap();
        }
        let Ok(answer) = tokio::time::timeout(std::time::Duration::from_millis(500), next(&mut stream)).await else {
            while let Some(written) = writers.try_join_next() {
                written.unwrap();
            }
            if writers.is_empty() && settled().await {
                break;
            }
            continue;
        };
        for change in answer.changes {
            let kind = change.kind();
            let ticket = change.ticket.unwrap();
            let version = told.insert(ticket.ticket.clone(), ticket.version).unwrap_or(0);
            assert!(
                ticket.version == version + 1 || !has.contains_key(&ticket.ticket),
                "{version}, then {}",
                ticket.version
            );
            assert!(ticket.version > version, "told twice");
            match kind {
                Kind::Removed => drop(has.remove(&ticket.ticket)),
                _ => drop(has.insert(ticket.ticket.clone(), ticket.state())),
            }
        }
        token = answer.resume_token;
    }
    let wanted = "select 'tickets/' || id::text, state from ticket where state in ('new', 'open')";
    let wanted: BTreeMap<String, String> = sqlx::query_as::<_, (String, String)>(wanted)
        .fetch_all(&world.database.owner)
        .await
        .unwrap()
        .into_iter()
        .collect();
    let state = |state: State| if state == State::New { "new" } else { "open" };
    let has: BTreeMap<String, String> = has.into_iter().map(|(ticket, has)| (ticket, state(has).to_owned())).collect();
    assert_eq!(has, wanted);
    assert_eq!(told.len(), 40);
}
