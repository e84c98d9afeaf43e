//! What is read of the tickets service: each ticket in its newest state, and lines in the timeline, in whatever portions and order they come.

use std::sync::Arc;

use serde_json::json;
use seva_customers::ticket::Tickets;
use seva_proto::tickets::v1::{
    Matter, TicketEvent,
    message::{Author, Visibility},
    ticket::{CancelReason, Closure, Kind, State},
};
use seva_store::{Event, consumer::Consumer, event::proto_timestamp};
use seva_testkit::eventually;
use seva_values::new_id;

use crate::{
    peers::{Telling, apply, instant, lines, orders_of_four, rows, told, with_payload},
    world::{World, somebody},
};

/// What the tickets' consumer writes.
const TABLES: [&str; 3] = ["customer_ticket", "timeline_entry", "read_model_progress"];

/// A new ticket of a customer.
pub fn a_ticket(customer: &str) -> TicketEvent {
    TicketEvent {
        ticket: format!("tickets/{}", new_id()),
        number: "1042-7".to_owned(),
        customer: customer.to_owned(),
        kind: Kind::Delivery.into(),
        state: State::New.into(),
        matter: Some(Matter {
            kind: "promised_day_missed".to_owned(),
            subject: "orders/1".to_owned(),
            version: "2026-03-01".to_owned(),
        }),
        create_time: Some(proto_timestamp(instant("2026-03-02T09:00:00Z"))),
        ..TicketEvent::default()
    }
}

pub fn told_of(act: &str, sequence: i64, at: &str, ticket: &TicketEvent) -> Arc<Event> {
    let payload = TicketEvent { version: sequence, ..ticket.clone() };
    told("//tickets", &format!("seva.tickets.ticket.{act}.v1"), &ticket.ticket, sequence, at, &payload)
}

/// The way of a ticket in four events.
fn way(ticket: &TicketEvent) -> [Arc<Event>; 4] {
    let in_state = |state: State| TicketEvent { state: state.into(), ..ticket.clone() };
    let answered = TicketEvent {
        message_visibility: Visibility::Public.into(),
        message_author: Author::Staff.into(),
        message: format!("{}/messages/1", ticket.ticket),
        ..in_state(State::Open)
    };
    let closed = TicketEvent { closure: Closure::Verified.into(), ..in_state(State::Closed) };
    [
        told_of("created", 1, "2026-03-02T09:00:00Z", ticket),
        told_of("replied", 3, "2026-03-02T09:10:00Z", &answered),
        told_of("resolved", 4, "2026-03-02T10:00:00Z", &in_state(State::Resolved)),
        told_of("closed", 5, "2026-03-02T11:00:00Z", &closed),
    ]
}

/// State, closure, sequence and time of the last change of the only ticket.
async fn kept(world: &World) -> (i32, i32, i64, String) {
    let sql = "select state, closure, sequence, to_char(updated_at at time zone 'UTC', 'HH24:MI') from customer_ticket";
    sqlx::query_as(sql).fetch_one(&world.database.owner).await.unwrap()
}

/// CU24
#[tokio::test]
async fn a_ticket_is_kept_in_its_newest_state_in_whatever_order_its_events_come() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let events = way(&a_ticket(&customer));
    let newest = (State::Closed.into(), Closure::Verified.into(), 5, "11:00".to_owned());
    apply(&world, Tickets, &events).await.unwrap();
    assert_eq!(kept(&world).await, newest);
    let whole = rows(&world, &TABLES).await;

    for order in orders_of_four() {
        for table in ["customer_ticket", "timeline_entry"] {
            let sql = sqlx::AssertSqlSafe(format!("delete from {table}"));
            sqlx::query(sql).execute(&world.database.owner).await.unwrap();
        }
        let [a, b, c, d] = order.map(|at| events[at].clone());
        apply(&world, Tickets, &[a]).await.unwrap();
        apply(&world, Tickets, &[b, c]).await.unwrap();
        apply(&world, Tickets, &[d]).await.unwrap();
        assert_eq!(rows(&world, &TABLES).await, whole, "{order:?}");
    }

    // Its cursor was set back: everything comes again, from the start and one by one.
    apply(&world, Tickets, &events).await.unwrap();
    for event in &events {
        apply(&world, Tickets, std::slice::from_ref(event)).await.unwrap();
    }
    assert_eq!(rows(&world, &TABLES).await, whole);
}

#[tokio::test]
async fn the_timeline_has_what_the_customer_did_or_can_see() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let ticket = a_ticket(&customer);
    let said = |visibility: Visibility| TicketEvent {
        state: State::Open.into(),
        message_visibility: visibility.into(),
        message_author: Author::Customer.into(),
        message: "tickets/1/messages/2".to_owned(),
        ..ticket.clone()
    };
    let canceled =
        TicketEvent { state: State::Canceled.into(), cancel_reason: CancelReason::ByCustomer.into(), ..ticket.clone() };
    let events = [
        told_of("created", 1, "2026-03-02T09:00:00Z", &ticket),
        told_of("assigned", 2, "2026-03-02T09:01:00Z", &ticket),
        told_of("replied", 3, "2026-03-02T09:02:00Z", &said(Visibility::Internal)),
        told_of("replied", 4, "2026-03-02T09:03:00Z", &said(Visibility::Public)),
        told_of("clock_breached", 5, "2026-03-02T09:04:00Z", &ticket),
        told_of("canceled", 6, "2026-03-02T09:05:00Z", &canceled),
    ];

    apply(&world, Tickets, &events).await.unwrap();

    let line = |act: &str, details| (act.to_owned(), "1042-7".to_owned(), details);
    let expected = [
        line("created", json!({ "state": "new", "kind": "delivery", "about": "orders/1" })),
        line(
            "replied",
            json!({
                "state": "open", "kind": "delivery", "about": "orders/1", "author": "customer", "message": "tickets/1/messages/2",
            }),
        ),
        line(
            "canceled",
            json!({ "state": "canceled", "kind": "delivery", "about": "orders/1", "reason": "by_customer" }),
        ),
    ];
    assert_eq!(lines(&world, &customer, "ticket").await, expected);
    assert_eq!(kept(&world).await.2, 6, "what is no line changes the ticket all the same");
}

#[tokio::test]
async fn a_ticket_that_follows_another_says_so() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let ticket = TicketEvent { matter: None, follow_up_of: "tickets/9".to_owned(), ..a_ticket(&customer) };
    apply(&world, Tickets, &[told_of("created", 1, "2026-03-02T09:00:00Z", &ticket)]).await.unwrap();
    assert_eq!(world.count("select count(*) from customer_ticket where subject = 'tickets/9'").await, 1);
}

#[tokio::test]
async fn other_types_say_nothing_newer_acts_change_the_state_and_all_count_as_read() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let ticket = a_ticket(&customer);
    let opened = told_of("created", 1, "2026-03-02T09:00:00Z", &ticket);
    let of_nobody = a_ticket(&format!("customers/{}", new_id()));
    let of_nobody = told_of("created", 1, "2026-03-02T09:30:00Z", &of_nobody);
    let strange = |kind: &str| {
        let mut event = Event::clone(&with_payload(&opened, b"\xff\xff"));
        (event.kind, event.sequence) = (kind.to_owned(), 9);
        event.occurred_at = instant("2026-03-02T10:00:00Z");
        Arc::new(event)
    };
    let others = ["seva.tickets.ticket.created.v2", "seva.tickets.case.opened.v1", "seva.tickets.ticket"].map(strange);
    apply(&world, Tickets, &[opened]).await.unwrap();
    let before = rows(&world, &TABLES[..2]).await;

    apply(&world, Tickets, &others).await.unwrap();
    apply(&world, Tickets, &[of_nobody]).await.unwrap();

    assert_eq!(rows(&world, &TABLES[..2]).await, before);
    let read =
        "select count(*) from read_model_progress where source = '//tickets' and occurred_at = '2026-03-02T10:00:00Z'";
    assert_eq!(world.count(read).await, 1);

    // A newer tickets service tells of an act and a state that nobody here knows yet.
    let merged = TicketEvent { state: 77, ..ticket };
    apply(&world, Tickets, &[told_of("merged", 2, "2026-03-02T11:00:00Z", &merged)]).await.unwrap();
    assert_eq!(kept(&world).await.0, 77);
    assert_eq!(lines(&world, &customer, "ticket").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_cannot_be_read_is_a_dead_letter_and_hinders_no_other() {
    let world = World::new().await;
    let customer = world.create(somebody("Asha", "Rao")).await.unwrap().name;
    let [first, second, third] = [(); 3].map(|()| a_ticket(&customer));
    let misnamed = TicketEvent { customer: "customers/asha".to_owned(), ..second };
    let first_opened = told_of("created", 1, "2026-03-02T09:00:00Z", &first);
    let events = [
        first_opened.clone(),
        with_payload(&told_of("updated", 2, "2026-03-02T09:01:00Z", &first), b"\xff\xff"),
        told_of("created", 1, "2026-03-02T09:02:00Z", &misnamed),
        told_of("created", 1, "2026-03-02T09:03:00Z", &third),
        told_of("resolved", 3, "2026-03-02T09:04:00Z", &first),
    ];
    let events =
        events.into_iter().zip(1..).map(|(event, feed_no)| Arc::new(Event { feed_no, ..Event::clone(&event) }));
    let source = Arc::new(Telling("//tickets", events.collect()));
    let tickets = Consumer::new("tickets", world.foundation.db.clone(), source, Arc::new(Tickets));
    let stopping = tokio_util::sync::CancellationToken::new();
    let _stop = stopping.clone().drop_guard();

    world.foundation.tasks.spawn_call(tickets.clone().run(stopping));

    eventually("everything is read", async || (tickets.standing().feed_no == 5).then_some(())).await;
    let dead = "select count(*) from seva.dead_letter where consumer = 'tickets' and state = 'dead'";
    assert_eq!(world.count(dead).await, 2);
    let parked = "select count(*) from seva.dead_letter where consumer = 'tickets' and state = 'parked'";
    assert_eq!(world.count(parked).await, 1, "what follows of the first ticket waits");
    assert_eq!(world.count("select count(*) from customer_ticket where sequence = 1").await, 2);
    assert_eq!(lines(&world, &customer, "ticket").await.len(), 2);
}
