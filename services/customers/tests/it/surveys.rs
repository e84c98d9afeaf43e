//! What is read of the surveys service: invitations in their newest state, the newest score of each answer, and lines in the timeline.

use std::sync::Arc;

use serde_json::json;
use seva_customers::survey::Surveys;
use seva_proto::surveys::v1::{
    Invitation, InvitationEvent, ResponseEvent,
    invitation::{State, SuppressReason},
    response_event::Score,
};
use seva_store::{Event, consumer::Consumer, event::proto_timestamp};
use seva_testkit::eventually;
use seva_values::new_id;

use crate::{
    peers::{Telling, apply, instant, lines, orders_of_four, rows, told, with_payload},
    world::{World, somebody},
};

/// What the surveys' consumer writes.
const TABLES: [&str; 4] = ["customer_invitation", "customer_response", "timeline_entry", "read_model_progress"];

/// A new invitation of a customer.
pub fn an_invitation(customer: &str) -> Invitation {
    Invitation {
        name: format!("invitations/{}", new_id()),
        programme: "programmes/1".to_owned(),
        customer: customer.to_owned(),
        subject: "orders/1".to_owned(),
        state: State::Held.into(),
        create_time: Some(proto_timestamp(instant("2026-03-02T09:00:00Z"))),
        ..Invitation::default()
    }
}

pub fn asked(happening: &str, sequence: i64, at: &str, state: State, invitation: &Invitation) -> Arc<Event> {
    let name = &invitation.name;
    let invitation = Invitation { state: state.into(), ..invitation.clone() };
    let payload = InvitationEvent { invitation: Some(invitation), trigger: 0 };
    told("//surveys", &format!("seva.surveys.invitation.{happening}.v1"), name, sequence, at, &payload)
}

/// An answer to an invitation: these scores, and a choice before them.
pub fn scored(happening: &str, sequence: i64, at: &str, scores: &[i32], invitation: &Invitation) -> Arc<Event> {
    let mut all = vec![Score { question_id: "why".to_owned(), choice_id: "price".to_owned(), ..Score::default() }];
    all.extend(scores.iter().map(|score| Score { score: Some(*score), ..Score::default() }));
    let payload = ResponseEvent {
        response: "responses/1".to_owned(),
        invitation: invitation.name.clone(),
        customer: invitation.customer.clone(),
        scores: all,
        version: sequence,
        ..ResponseEvent::default()
    };
    told("//surveys", &format!("seva.surveys.response.{happening}.v1"), "responses/1", sequence, at, &payload)
}

/// State and score of the only invitation.
async fn shown(world: &World) -> (i32, Option<i32>) {
    sqlx::query_as("select state, score from customer_survey").fetch_one(&world.database.owner).await.unwrap()
}

/// CU24
#[tokio::test]
async fn an_invitation_and_its_score_are_the_newest_in_whatever_order_their_events_come() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let invitation = an_invitation(&customer);
    let events = [
        asked("sent", 2, "2026-03-02T10:00:00Z", State::Sent, &invitation),
        asked("completed", 4, "2026-03-02T11:00:00Z", State::Completed, &invitation),
        scored("saved", 1, "2026-03-02T10:30:00Z", &[2], &invitation),
        scored("corrected", 3, "2026-03-02T12:00:00Z", &[5, 9], &invitation),
    ];
    apply(&world, Surveys, &events).await.unwrap();
    assert_eq!(shown(&world).await, (State::Completed.into(), Some(5)));
    let whole = rows(&world, &TABLES).await;

    for order in orders_of_four() {
        for table in &TABLES[..3] {
            let sql = sqlx::AssertSqlSafe(format!("delete from {table}"));
            sqlx::query(sql).execute(&world.database.owner).await.unwrap();
        }
        let [a, b, c, d] = order.map(|at| events[at].clone());
        apply(&world, Surveys, &[a]).await.unwrap();
        apply(&world, Surveys, &[b, c]).await.unwrap();
        apply(&world, Surveys, &[d]).await.unwrap();
        assert_eq!(rows(&world, &TABLES).await, whole, "{order:?}");
    }

    // Its cursor was set back: everything comes again, from the start and one by one.
    apply(&world, Surveys, &events).await.unwrap();
    for event in &events {
        apply(&world, Surveys, std::slice::from_ref(event)).await.unwrap();
    }
    assert_eq!(rows(&world, &TABLES).await, whole);
}

#[tokio::test]
async fn a_score_that_is_taken_back_is_shown_no_more() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let invitation = an_invitation(&customer);
    let started = asked("started", 3, "2026-03-02T10:00:00Z", State::Started, &invitation);
    apply(&world, Surveys, &[started, scored("saved", 1, "2026-03-02T10:00:00Z", &[3], &invitation)]).await.unwrap();
    assert_eq!(shown(&world).await, (State::Started.into(), Some(3)));
    apply(&world, Surveys, &[scored("saved", 2, "2026-03-02T10:01:00Z", &[], &invitation)]).await.unwrap();
    assert_eq!(shown(&world).await.1, None);
}

#[tokio::test]
async fn the_timeline_says_that_a_customer_was_asked_was_not_asked_and_why_and_has_answered() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let [answered, unasked, lost] = [(); 3].map(|()| an_invitation(&customer));
    let completed = Invitation { response: "responses/1".to_owned(), ..answered.clone() };
    let unasked = Invitation { suppress_reason: SuppressReason::OpenTicket.into(), ..unasked };
    let events = [
        asked("held", 1, "2026-03-02T09:00:00Z", State::Held, &answered),
        asked("queued", 2, "2026-03-02T09:01:00Z", State::Queued, &answered),
        asked("sent", 3, "2026-03-02T09:02:00Z", State::Sent, &answered),
        asked("started", 4, "2026-03-02T09:03:00Z", State::Started, &answered),
        asked("completed", 5, "2026-03-02T09:04:00Z", State::Completed, &completed),
        asked("suppressed", 2, "2026-03-02T09:05:00Z", State::Suppressed, &unasked),
        asked("undeliverable", 3, "2026-03-02T09:06:00Z", State::Undeliverable, &lost),
        asked("expired", 4, "2026-03-02T09:07:00Z", State::Expired, &lost),
    ];

    apply(&world, Surveys, &events).await.unwrap();

    let line = |act: &str, mut details: serde_json::Value| {
        details["about"] = json!("orders/1");
        details["programme"] = json!("programmes/1");
        (act.to_owned(), String::new(), details)
    };
    let expected = [
        line("sent", json!({ "state": "sent" })),
        line("completed", json!({ "state": "completed", "response": "responses/1" })),
        line("suppressed", json!({ "state": "suppressed", "reason": "open_ticket" })),
        line("undeliverable", json!({ "state": "undeliverable" })),
    ];
    assert_eq!(lines(&world, &customer, "survey").await, expected);
    assert_eq!(world.count("select count(*) from customer_survey").await, 3);
}

#[tokio::test]
async fn other_types_and_unknown_customers_say_nothing_and_count_as_read() {
    let world = World::new().await;
    world.create(somebody("Asha", "Rao")).await.unwrap();
    let of_nobody = an_invitation(&format!("customers/{}", new_id()));
    let sent = asked("sent", 1, "2026-03-02T09:00:00Z", State::Sent, &of_nobody);
    let strange = |kind: &str| {
        let mut event = Event::clone(&with_payload(&sent, b"\xff\xff"));
        event.kind = kind.to_owned();
        event.occurred_at = instant("2026-03-02T10:00:00Z");
        Arc::new(event)
    };
    let mut events =
        ["seva.surveys.loop_case.opened.v1", "seva.surveys.invitation.sent.v2", "seva.surveys.programme.updated.v1"]
            .map(strange)
            .to_vec();
    events.push(scored("saved", 1, "2026-03-02T09:00:00Z", &[5], &of_nobody));
    events.push(sent);

    apply(&world, Surveys, &events).await.unwrap();

    assert_eq!(rows(&world, &TABLES[..3]).await, Vec::<String>::new());
    let read =
        "select count(*) from read_model_progress where source = '//surveys' and occurred_at = '2026-03-02T10:00:00Z'";
    assert_eq!(world.count(read).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_or_answer_that_cannot_be_read_is_a_dead_letter_and_hinders_no_other() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let [first, second] = [(); 2].map(|()| an_invitation(&customer));
    let nameless = Invitation { name: "invitations/first".to_owned(), ..first.clone() };
    let events = [
        with_payload(&asked("sent", 1, "2026-03-02T09:00:00Z", State::Sent, &first), b""),
        asked("sent", 1, "2026-03-02T09:00:00Z", State::Sent, &nameless),
        with_payload(&scored("saved", 1, "2026-03-02T09:00:00Z", &[5], &first), b"\xff\xff"),
        asked("sent", 1, "2026-03-02T09:00:00Z", State::Sent, &second),
    ];
    let events =
        events.into_iter().zip(1..).map(|(event, feed_no)| Arc::new(Event { feed_no, ..Event::clone(&event) }));
    let source = Arc::new(Telling("//surveys", events.collect()));
    let surveys = Consumer::new("surveys", world.foundation.db.clone(), source, Arc::new(Surveys));
    let stopping = tokio_util::sync::CancellationToken::new();
    let _stop = stopping.clone().drop_guard();

    world.foundation.tasks.spawn_call(surveys.clone().run(stopping));

    eventually("everything is read", async || (surveys.standing().feed_no == 4).then_some(())).await;
    assert_eq!(
        world.count("select count(*) from seva.dead_letter where consumer = 'surveys' and state = 'dead'").await,
        3
    );
    assert_eq!(shown(&world).await, (State::Sent.into(), None));
}
