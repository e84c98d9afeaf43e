//! The timeline's consumers: once each event, one entry a message, in whatever portions they come.

use std::sync::Arc;

use jiff::Timestamp;
use seva_customers::timeline::{Messages, OwnRecord};
use seva_proto::{
    common::v1::{Channel, Purpose},
    customers::v1::Customer,
    notifications::v1::{DecisionReason, Notification, NotificationEvent, notification::State},
};
use seva_store::{
    Event,
    event::proto_timestamp,
    feed::{self, Feed},
    sequencer,
};
use seva_testkit::eventually;
use seva_values::new_id;
use sqlx::Row;
use uuid::Uuid;

use crate::{
    customer::{
        consent::{consent, record},
        updates::update,
    },
    peers::{apply, instant, told as event},
    world::{World, somebody},
};

pub struct Told<'a> {
    pub customer: &'a str,
    pub notification: Uuid,
    pub sequence: i64,
    pub kind: &'static str,
    pub state: State,
    pub at: &'a str,
}

/// An event of the notifications service; it was decided upon at nine, whenever it is told of.
pub fn told(told: &Told<'_>) -> Arc<Event> {
    let name = format!("notifications/{}", told.notification);
    let notification = Notification {
        name: name.clone(),
        customer: told.customer.to_owned(),
        milestone: "order_delivered".to_owned(),
        subject: "orders/1".to_owned(),
        state: told.state.into(),
        reason: DecisionReason::Accepted.into(),
        channel: Channel::Email.into(),
        language: "bn".to_owned(),
        create_time: Some(proto_timestamp(instant("2026-03-02T09:00:00Z"))),
        ..Notification::default()
    };
    let kind = format!("seva.notifications.notification.{}.v1", told.kind);
    let payload = NotificationEvent { notification: Some(notification) };
    event("//notifications", &kind, &name, told.sequence, told.at, &payload)
}

/// Entries of a kind, oldest first: type, subject, label, details, time.
async fn entries(world: &World, kind: &str) -> Vec<(String, String, String, serde_json::Value, Timestamp)> {
    let rows = sqlx::query(
        "select type, subject, label, details, occurred_at from timeline_entry where kind = $1 order by occurred_at, event_id",
    )
    .bind(kind)
    .fetch_all(&world.database.owner)
    .await
    .unwrap();
    rows.iter()
        .map(|row| {
            let at: jiff_sqlx::Timestamp = row.get("occurred_at");
            (row.get("type"), row.get("subject"), row.get("label"), row.get("details"), at.to_jiff())
        })
        .collect()
}

/// CU6
#[tokio::test]
async fn a_message_is_one_entry_that_shows_its_newest_state_where_it_was_decided() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let notification = new_id();
    let of = |sequence, kind, state, at| told(&Told { customer: &customer, notification, sequence, kind, state, at });
    let decided = of(1, "decided", State::Deferred, "2026-03-02T09:00:00Z");
    let sent = of(2, "sent", State::Sent, "2026-03-02T18:00:00Z");

    // One after the other, both at once, again from the start, and the older one alone at last.
    for portion in [
        vec![decided.clone()],
        vec![decided.clone(), sent.clone()],
        vec![sent.clone(), decided.clone()],
        vec![decided.clone()],
    ] {
        apply(&world, Messages, &portion).await.unwrap();
    }

    let entries = entries(&world, "message").await;
    assert_eq!(entries.len(), 1);
    let (kind, subject, label, details, at) = &entries[0];
    assert_eq!(kind, "seva.notifications.notification.sent.v1");
    assert_eq!((subject, label.as_str()), (&format!("notifications/{notification}"), ""));
    assert_eq!(*at, instant("2026-03-02T09:00:00Z"));
    let expected = serde_json::json!({
        "state": "sent", "reason": "accepted", "channel": "email", "milestone": "order_delivered", "language": "bn",
        "about": "orders/1",
    });
    assert_eq!(*details, expected);
}

#[tokio::test]
async fn other_types_and_unknown_customers_leave_no_entry_and_count_as_read() {
    let world = World::new().await;
    let nobody = format!("customers/{}", new_id());
    let to_nobody = told(&Told {
        customer: &nobody,
        notification: new_id(),
        sequence: 1,
        kind: "decided",
        state: State::Skipped,
        at: "2026-03-02T09:00:00Z",
    });
    let mut other = Event::clone(&to_nobody);
    other.kind = "seva.notifications.preference.changed.v1".to_owned();
    other.payload = b"not a notification".as_slice().into();
    other.occurred_at = instant("2026-03-02T10:00:00Z");

    apply(&world, Messages, &[Arc::new(other), to_nobody]).await.unwrap();

    assert_eq!(world.count("select count(*) from timeline_entry").await, 0);
    let read: jiff_sqlx::Timestamp =
        sqlx::query_scalar("select occurred_at from read_model_progress where source = '//notifications'")
            .fetch_one(&world.database.owner)
            .await
            .unwrap();
    assert_eq!(read.to_jiff(), instant("2026-03-02T10:00:00Z"));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_a_dead_letter() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let fine = Told {
        customer: &customer,
        notification: new_id(),
        sequence: 1,
        kind: "decided",
        state: State::Queued,
        at: "2026-03-02T09:00:00Z",
    };
    let mut garbled = Event::clone(&told(&fine));
    garbled.payload = b"\xff\xff".as_slice().into();
    let mut empty = Event::clone(&told(&fine));
    empty.payload = b"".as_slice().into();
    let misnamed = Event::clone(&told(&Told { customer: "customers/asha", ..fine }));

    for event in [garbled, empty, misnamed] {
        let fault = apply(&world, Messages, &[Arc::new(event)]).await.unwrap_err();
        assert!(fault.is_permanent(), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_own_record_is_entered_once() {
    let world = World::new().await;
    let db = &world.foundation.db;
    let customer = world.create(somebody("Zubaida", "Rao")).await.unwrap().name;
    world.pass(10);
    let change = Customer {
        name: customer.clone(),
        family_name: "Khan".to_owned(),
        zone: "UTC".to_owned(),
        ..Customer::default()
    };
    update(&world, change, &["family_name", "zone"]).await.unwrap();
    world.pass(10);
    record(&world, &customer, "", consent(Purpose::Survey, Channel::Sms, false)).await.unwrap();

    let feed = Feed::new(db.clone());
    let stopping = tokio_util::sync::CancellationToken::new();
    let _stop = stopping.clone().drop_guard();
    let running = [
        world.foundation.tasks.spawn_call(sequencer::run(db.clone(), feed.clone(), stopping.clone())),
        world.foundation.tasks.spawn_call(feed::follow(feed.clone(), stopping.clone())),
    ];
    let events = eventually("the feed tells of the three writes", || async {
        Some(feed.read_after(0).await.unwrap()).filter(|events| events.len() == 3)
    })
    .await;
    stopping.cancel();
    for task in running {
        task.await.unwrap();
    }
    apply(&world, OwnRecord, &events[..2]).await.unwrap();
    apply(&world, OwnRecord, &events).await.unwrap();

    let entries = entries(&world, "customer").await;
    let told: Vec<_> = entries.iter().map(|(kind, _, _, details, _)| (kind.as_str(), details.clone())).collect();
    let expected = [
        ("seva.customers.customer.created.v1", serde_json::json!({})),
        ("seva.customers.customer.updated.v1", serde_json::json!({ "changed": "family_name, zone" })),
        ("seva.customers.customer.consent_recorded.v1", serde_json::json!({ "changed": "consents" })),
    ];
    assert_eq!(told, expected);
    assert!(entries.iter().all(|(_, subject, ..)| *subject == customer));
    assert_eq!(entries[2].4, world.now());
}
