//! Messages that wait: for the customer's hours, for a changed mind, or until it is too late.

use jiff::SignedDuration;
use seva_proto::{
    common::v1 as values,
    customers::v1::{
        Consent, ContactPoint, Customer, GetCustomerRequest, RecordConsentRequest, contact_point::Kind,
        customer_service_server::CustomerService,
    },
    notifications::v1::{
        DecisionReason as Reason, SetPreferenceRequest, notification::State,
        preference_service_server::PreferenceService,
    },
};
use seva_store::due::Bell;
use seva_testkit::eventually;
use uuid::Uuid;

use crate::town::{
    OUT_FOR_DELIVERY, PLACED, Town, an_order, append, at, by_agent, new_order, request_id, somebody_without_address,
};

fn hours(weekday: values::Weekday, start: &str, end: &str) -> values::AvailabilityWindows {
    let interval = values::WeeklyInterval { weekday: weekday.into(), start: start.to_owned(), end: end.to_owned() };
    values::AvailabilityWindows { zone: "Asia/Kolkata".to_owned(), intervals: vec![interval], exceptions: Vec::new() }
}

async fn somebody_with_hours(town: &Town, availability: values::AvailabilityWindows) -> Uuid {
    let email = ContactPoint {
        kind: Kind::Email.into(),
        value: "asha@example.com".to_owned(),
        primary: true,
        ..Default::default()
    };
    town.customer(Customer {
        contact_points: vec![email],
        availability: Some(availability),
        ..somebody_without_address()
    })
    .await
}

async fn interrupts(town: &Town, category: &'static str) {
    sqlx::query("update category set interruptive = true where key = $1")
        .bind(category)
        .execute(&town.notifications.owner)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupting_message_goes_out_exactly_when_the_customers_hours_begin() {
    let town = Town::new().await;
    interrupts(&town, "delivery").await;
    // The test begins on Saturday at noon.
    let somebody = somebody_with_hours(&town, hours(values::Weekday::Sunday, "10:00", "12:00")).await;
    let order = new_order();
    let opening = at("2026-11-22T04:30:00Z");

    town.order(OUT_FOR_DELIVERY, somebody, &order).await;
    town.settled().await;
    let told = town.explained(somebody, &order, "order_out_for_delivery").await;
    assert_eq!(told.decisions, [(State::Deferred, Reason::OutsideHours)]);
    assert_eq!(told.notification.due_at.unwrap().seconds, opening.as_second());

    let _loop = town.dispatching(Bell::default());
    town.clock.advance_to(opening - SignedDuration::from_secs(1));
    assert_eq!(town.dispatch_all().await, 0);
    town.clock.advance_to(opening);

    eventually("it is sent", || async {
        let told = town.explained(somebody, &order, "order_out_for_delivery").await.notification;
        (told.state() == State::Sent).then_some(())
    })
    .await;
    let told = town.explained(somebody, &order, "order_out_for_delivery").await.notification;
    assert_eq!(told.send_time.unwrap().seconds, opening.as_second());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_found_the_hours_closed_again_waits_for_the_next() {
    let town = Town::new().await;
    let somebody = somebody_with_hours(&town, hours(values::Weekday::Sunday, "10:00", "12:00")).await;
    let order = new_order();
    town.order(OUT_FOR_DELIVERY, somebody, &order).await;
    town.settled().await;
    interrupts(&town, "delivery").await;

    town.works().await;

    let told = town.explained(somebody, &order, "order_out_for_delivery").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Deferred, Reason::OutsideHours)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_that_never_come_or_come_too_late_end_the_message() {
    let town = Town::new().await;
    interrupts(&town, "delivery").await;
    let never = values::AvailabilityWindows {
        zone: "Asia/Kolkata".to_owned(),
        exceptions: vec![values::DatedException { date: "2026-01-01".to_owned(), hours: Vec::new() }],
        ..Default::default()
    };
    let (nobody, order) = (somebody_with_hours(&town, never).await, new_order());
    town.order(OUT_FOR_DELIVERY, nobody, &order).await;
    town.settled().await;

    let told = town.explained(nobody, &order, "order_out_for_delivery").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::NeverInHours)]);

    let town = Town::new().await;
    interrupts(&town, "delivery").await;
    let friday = somebody_with_hours(&town, hours(values::Weekday::Friday, "10:00", "12:00")).await;
    town.order(OUT_FOR_DELIVERY, friday, &order).await;
    town.settled().await;
    let told = town.explained(friday, &order, "order_out_for_delivery").await;
    assert_eq!(told.decisions, [(State::Expired, Reason::TooLate)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_worth_sending_expires_first_or_while_it_waits() {
    let town = Town::new().await;
    let (somebody, old, new) = (town.somebody(&["en"]).await, new_order(), new_order());
    let long_ago = town.clock.now() - SignedDuration::from_hours(24 * 4);
    append(&town.customers.db, PLACED, &old, 1, long_ago, &an_order(somebody, &old)).await;
    town.order(PLACED, somebody, &new).await;
    town.settled().await;
    let told = town.explained(somebody, &old, "order_placed").await;
    assert_eq!(told.decisions, [(State::Expired, Reason::TooLate)]);

    town.clock.advance_to(town.clock.now() + SignedDuration::from_hours(24 * 3));
    town.works().await;

    let told = town.explained(somebody, &new, "order_placed").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Expired, Reason::TooLate)]);
    assert!(town.post.handed().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_address_is_not_told_and_it_is_known_why() {
    let town = Town::new().await;
    let (somebody, order) = (town.customer(somebody_without_address()).await, new_order());

    town.order(PLACED, somebody, &order).await;
    town.works().await;

    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::NoContactPoint)]);
}

async fn wants(town: &Town, somebody: Uuid, category: &str, wanted: bool) {
    let request = SetPreferenceRequest {
        customer: format!("customers/{somebody}"),
        category: format!("categories/{category}"),
        wanted,
        evidence: "phone".to_owned(),
        request_id: request_id(),
    };
    town.preferences().set_preference(by_agent(request)).await.unwrap();
}

async fn has_class(town: &Town, category: &'static str, class: &'static str) {
    sqlx::query("update category set class = $2 where key = $1")
        .bind(category)
        .bind(class)
        .execute(&town.notifications.owner)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_counts_when_it_is_decided_and_again_when_it_is_sent() {
    let town = Town::new().await;
    has_class(&town, "order_updates", "service").await;
    let (before, after) = (town.somebody(&["en"]).await, town.somebody(&["en"]).await);
    let (one, two) = (new_order(), new_order());
    wants(&town, before, "order_updates", false).await;
    town.order(PLACED, before, &one).await;
    town.order(PLACED, after, &two).await;
    town.settled().await;

    wants(&town, after, "order_updates", false).await;
    town.works().await;

    let told = town.explained(before, &one, "order_placed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::Preference)]);
    let told = town.explained(after, &two, "order_placed").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Skipped, Reason::Preference)]);
    assert!(town.post.handed().is_empty());
}

async fn says(town: &Town, somebody: Uuid, granted: bool) {
    let customer = format!("customers/{somebody}");
    let known = town.customer_rpc().get_customer(by_agent(GetCustomerRequest { name: customer.clone() })).await;
    let etag = known.unwrap().into_inner().customer.unwrap().etag;
    let consent = Consent {
        purpose: values::Purpose::Marketing.into(),
        channel: values::Channel::Email.into(),
        granted,
        evidence: "web form".to_owned(),
        capture_time: None,
    };
    let request = RecordConsentRequest { customer, etag, consent: Some(consent), request_id: request_id() };
    town.customer_rpc().record_consent(by_agent(request)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_checked_when_it_is_decided_and_again_when_the_address_is_asked_for() {
    let town = Town::new().await;
    has_class(&town, "order_updates", "marketing").await;
    let (never, withdrew) = (town.somebody(&["en"]).await, town.somebody(&["en"]).await);
    let (one, two) = (new_order(), new_order());
    wants(&town, never, "order_updates", true).await;
    wants(&town, withdrew, "order_updates", true).await;
    says(&town, withdrew, true).await;
    town.order(PLACED, never, &one).await;
    town.order(PLACED, withdrew, &two).await;
    town.settled().await;

    says(&town, withdrew, false).await;
    town.works().await;

    let told = town.explained(never, &one, "order_placed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::NoConsent)]);
    let told = town.explained(withdrew, &two, "order_placed").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Skipped, Reason::NoConsent)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_published_text_nothing_is_sent_and_it_is_known_why() {
    let town = Town::new().await;
    let (somebody, one, two) = (town.somebody(&["en"]).await, new_order(), new_order());
    town.order(PLACED, somebody, &one).await;
    town.settled().await;
    sqlx::query("update template set published_number = null").execute(&town.notifications.owner).await.unwrap();

    town.order(PLACED, somebody, &two).await;
    town.works().await;

    let told = town.explained(somebody, &one, "order_placed").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Skipped, Reason::NoTemplate)]);
    let told = town.explained(somebody, &two, "order_placed").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::NoTemplate)]);
}
