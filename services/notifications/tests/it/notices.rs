//! What customers are told of events, exactly once.

use seva_proto::{
    common::v1::Money,
    customers::v1::{Invoice, InvoiceEvent, OrderEvent},
    notifications::v1::{DecisionReason as Reason, NotificationEvent, notification::State},
};
use seva_store::{
    consumer::{self, Consumer},
    due::Bell,
    feed::Feed,
};
use seva_testkit::eventually;
use std::sync::Arc;

use crate::town::{
    AT_RISK, CONFIRMED, DELAYED, DELIVERED, FIRST_ORDER, OUT_FOR_DELIVERY, PLACED, RESCHEDULED, SCANNED, Town,
    an_order, append, at, beside, new_order, promised,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_pushed_event_to_the_mail() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());

    town.order(PLACED, somebody, &order).await;
    town.works().await;

    let mails = town.post.handed();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("A-1029"), "{}", mails[0].subject);
    assert!(mails[0].text.contains("Asha"));
    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Sent, Reason::HandedOver)]);
    let pushed: (String, uuid::Uuid) = sqlx::query_as("select traceparent, event_id from seva.outbox where type = $1")
        .bind(PLACED)
        .fetch_one(&town.customers.owner)
        .await
        .unwrap();
    assert_eq!(told.notification.trace_id, pushed.0.split('-').nth(1).unwrap());
    assert_eq!(told.notification.cause_event_id, pushed.1.to_string());
    let events: Vec<(String, i64, String, String, i16, Vec<u8>)> = sqlx::query_as(
        "select type, sequence, traceparent, causation_id, hops, payload from seva.outbox
         where subject = $1 order by position",
    )
    .bind(&told.notification.name)
    .fetch_all(&town.notifications.owner)
    .await
    .unwrap();
    let kinds: Vec<_> = events.iter().map(|event| (event.0.as_str(), event.1)).collect();
    assert_eq!(
        kinds,
        [("seva.notifications.notification.decided.v1", 1), ("seva.notifications.notification.sent.v1", 2)]
    );
    for (_, _, traceparent, causation, hops, _) in &events {
        assert_eq!((traceparent, causation, *hops), (&pushed.0, &pushed.1.to_string(), 2));
    }
    let last: NotificationEvent = prost::Message::decode(events[1].5.as_slice()).unwrap();
    assert_eq!(last.notification.unwrap(), told.notification);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_everything_again_and_by_two_processes_decides_nothing_twice() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["hi"]).await, new_order());
    for kind in [PLACED, CONFIRMED, DELAYED, OUT_FOR_DELIVERY, DELIVERED] {
        town.order(kind, somebody, &order).await;
        town.works().await;
    }
    let before = town.count("select count(*) from decision").await;
    let events = town.count("select count(*) from seva.outbox").await;

    assert!(consumer::rebase(&town.notifications.db, "notices", "//customers", 0).await.unwrap());
    let other_feed = Feed::new(town.customers.db.clone());
    let _following = beside(|stopping| seva_store::feed::follow(other_feed.clone(), stopping));
    let notices = seva_notifications::Notices::new("notices", town.clock.clone(), Bell::default());
    let other = Consumer::new("notices", town.notifications.db.clone(), Arc::new(other_feed), Arc::new(notices));
    let _other_process = beside(|stopping| other.run(stopping));
    let head = town.feed.bounds().await.unwrap().head;
    eventually("the cursor is at the head again", || async {
        let standings = consumer::standings(&town.notifications.db).await.unwrap();
        standings.iter().any(|standing| standing.feed_no == head).then_some(())
    })
    .await;

    assert_eq!(town.dispatch_all().await, 0);
    assert_eq!(town.count("select count(*) from decision").await, before);
    assert_eq!(town.count("select count(*) from seva.outbox").await, events);
    assert_eq!(town.post.handed().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_that_an_order_is_on_its_way_after_it_has_arrived() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());

    town.order(DELIVERED, somebody, &order).await;
    town.order(OUT_FOR_DELIVERY, somebody, &order).await;
    town.order(AT_RISK, somebody, &order).await;
    town.works().await;

    assert_eq!(town.explained(somebody, &order, "order_delivered").await.notification.state(), State::Sent);
    for milestone in ["order_out_for_delivery", "order_promised_day_at_risk"] {
        let told = town.explained(somebody, &order, milestone).await;
        assert_eq!(told.decisions, [(State::Skipped, Reason::Stale)], "{milestone}");
    }
    assert_eq!(town.post.handed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_superseded_by_what_is_newer() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    town.order(AT_RISK, somebody, &order).await;
    town.order(OUT_FOR_DELIVERY, somebody, &order).await;
    town.settled().await;

    town.order(DELIVERED, somebody, &order).await;
    town.works().await;

    for milestone in ["order_out_for_delivery", "order_promised_day_at_risk"] {
        let told = town.explained(somebody, &order, milestone).await;
        assert_eq!(
            told.decisions,
            [(State::Queued, Reason::Accepted), (State::Superseded, Reason::Stale)],
            "{milestone}"
        );
    }
    assert_eq!(town.post.handed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_sequence_that_comes_late_is_stale() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    let event = an_order(somebody, &order);
    let later = OrderEvent {
        order: event.order.clone().map(|mut order| {
            order.current_promised_date = promised("2026-11-27");
            order
        }),
        ..event.clone()
    };

    append(&town.customers.db, DELAYED, &order, 7, town.clock.now(), &later).await;
    town.works().await;
    append(&town.customers.db, DELAYED, &order, 4, town.clock.now(), &event).await;
    town.works().await;

    let told = town.explained(somebody, &order, "order_delayed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::Stale)]);
    assert_eq!(town.post.handed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overtaken_fact_is_recorded_and_sightings_tell_nobody() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());

    let overtaken = OrderEvent { overtaken: true, ..an_order(somebody, &order) };
    town.happens(CONFIRMED, &order, &overtaken).await;
    town.order(SCANNED, somebody, &order).await;
    town.order(RESCHEDULED, somebody, &order).await;
    town.works().await;

    let told = town.explained(somebody, &order, "order_confirmed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::Overtaken)]);
    assert_eq!(town.count("select count(*) from notification").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_day_takes_back_what_waits_about_the_day_before() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());

    town.order(AT_RISK, somebody, &order).await;
    town.order(RESCHEDULED, somebody, &order).await;
    town.works().await;

    let told = town.explained(somebody, &order, "order_promised_day_at_risk").await;
    assert_eq!(told.notification.state(), State::Superseded);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_promised_day_each_failure_and_each_refund_is_a_reason_of_its_own() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["bn"]).await, new_order());
    for day in ["2026-11-26", "2026-11-26", "2026-11-27"] {
        let mut event = an_order(somebody, &order);
        event.order.as_mut().unwrap().current_promised_date = promised(day);
        town.happens(DELAYED, &order, &event).await;
        town.works().await;
    }
    let invoice = format!("invoices/{}", seva_values::new_id());
    for (kind, failed, refunded) in [
        ("seva.customers.invoice.payment_failed.v1", 1, 0),
        ("seva.customers.invoice.payment_failed.v1", 1, 0),
        ("seva.customers.invoice.payment_failed.v1", 2, 0),
        ("seva.customers.invoice.refunded.v1", 2, 500),
        ("seva.customers.invoice.refunded.v1", 2, 900),
        ("seva.customers.invoice.refunded.v1", 2, 900),
    ] {
        let money = |minor_units| Some(Money { minor_units, currency: "INR".to_owned() });
        let event = InvoiceEvent {
            invoice: Some(Invoice {
                name: invoice.clone(),
                customer: format!("customers/{somebody}"),
                invoice_number: "R-7".to_owned(),
                failed_payments: failed,
                refunded: money(refunded),
                ..Default::default()
            }),
            amount: money(400),
            ..Default::default()
        };
        town.happens(kind, &invoice, &event).await;
    }
    town.works().await;

    let told = |milestone: &'static str| {
        let town = &town;
        async move {
            let count: i64 = sqlx::query_scalar("select count(*) from notification where milestone = $1")
                .bind(milestone)
                .fetch_one(&town.notifications.owner)
                .await
                .unwrap();
            count
        }
    };
    assert_eq!(told("order_delayed").await, 2);
    assert_eq!(told("invoice_payment_failed").await, 2);
    assert_eq!(told("invoice_refunded").await, 2);
    // Two delays and two refunds: the failures were taken back by the refunds before they were sent.
    assert_eq!(town.post.handed().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_order_welcomes_once_and_an_unknown_customer_is_skipped() {
    let town = Town::new().await;
    let somebody = town.somebody(&["ur"]).await;
    let unknown = seva_values::new_id();
    let subject = format!("customers/{somebody}");
    let welcome = seva_proto::customers::v1::CustomerEvent {
        customer: subject.clone(),
        languages: vec!["ur".to_owned()],
        zone: "Asia/Karachi".to_owned(),
        has_email: true,
        order_count: 1,
        order: new_order(),
        order_number: "A-1".to_owned(),
        ..Default::default()
    };

    append(&town.customers.db, FIRST_ORDER, &subject, 2, at(crate::town::NOON), &welcome).await;
    append(&town.customers.db, FIRST_ORDER, &subject, 3, at(crate::town::NOON), &welcome).await;
    let order = new_order();
    town.order(PLACED, unknown, &order).await;
    town.works().await;

    let told = town.explained(somebody, &subject, "customer_welcome").await;
    assert_eq!((told.notification.state(), told.notification.language.as_str()), (State::Sent, "ur"));
    assert_eq!(town.count("select count(*) from notification where milestone = 'customer_welcome'").await, 1);
    let told = town.explained(unknown, &order, "order_placed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::UnknownCustomer)]);
}
