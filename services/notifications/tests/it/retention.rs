//! What is kept of messages for a time only.

use jiff::SignedDuration;
use seva_notifications::workers::retention::{NOTIFICATIONS_KEPT, Retention};
use seva_proto::customers::v1::CustomerEvent;
use seva_store::due::DueWork;

use crate::town::{FIRST_ORDER, PLACED, Town, append, new_order};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_after_thirteen_months_of_business_time_and_a_welcome_still_comes_once() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    let subject = format!("customers/{somebody}");
    let first_order = CustomerEvent {
        customer: subject.clone(),
        languages: vec!["en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        has_email: true,
        order: new_order(),
        order_number: "A-1".to_owned(),
        ..CustomerEvent::default()
    };
    append(&town.customers.db, FIRST_ORDER, &subject, 2, town.clock.now(), &first_order).await;
    town.order(PLACED, somebody, &new_order()).await;
    town.works().await;
    let old_ones = town.clock.now();
    town.clock.advance_to(old_ones + SignedDuration::from_hours(24));
    town.order(PLACED, somebody, &new_order()).await;
    town.works().await;
    assert_eq!(town.post.handed().len(), 3);

    town.clock.advance_to(old_ones + NOTIFICATIONS_KEPT);
    let removed = Retention::new(town.notifications.db.clone()).run_batch(town.clock.now(), 200).await.unwrap();
    assert_eq!(removed, 0, "not a moment too soon");
    town.clock.advance_to(town.clock.now() + SignedDuration::from_secs(1));
    let retention = Retention::new(town.notifications.db.clone());
    assert_eq!(retention.run_batch(town.clock.now(), 200).await.unwrap(), 2);
    assert_eq!(retention.run_batch(town.clock.now(), 200).await.unwrap(), 0);

    assert_eq!(town.count("select count(*) from notification").await, 1);
    assert_eq!(town.count("select count(*) from decision").await, 2);
    // NO1
    append(&town.customers.db, FIRST_ORDER, &subject, 3, town.clock.now(), &first_order).await;
    town.works().await;
    assert_eq!(town.count("select count(*) from notification").await, 1);
    assert_eq!(town.post.handed().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_never_removed() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    town.order(PLACED, somebody, &new_order()).await;
    town.settled().await;
    town.clock.advance_to(town.clock.now() + NOTIFICATIONS_KEPT + SignedDuration::from_secs(1));

    let retention = Retention::new(town.notifications.db.clone());

    assert_eq!(retention.run_batch(town.clock.now(), 200).await.unwrap(), 0);
    assert_eq!(town.count("select count(*) from notification where due_at is not null").await, 1);
}
