//! What is kept of customers.

use seva_proto::customers::v1::{CustomerEvent, customer::Tier as TierMessage};
use seva_tickets::recipient::{Recipients, Tier, store};
use seva_values::new_id;
use uuid::Uuid;

use crate::floor::{Floor, event};

const UPDATED: &str = "seva.customers.customer.updated.v1";

fn a_customer(id: Uuid, languages: &[&str], tier: TierMessage) -> CustomerEvent {
    CustomerEvent {
        customer: format!("customers/{id}"),
        languages: languages.iter().map(|&tag| tag.to_owned()).collect(),
        zone: "Asia/Dhaka".to_owned(),
        tier: tier.into(),
        provisional: true,
        ..CustomerEvent::default()
    }
}

async fn heard(floor: &Floor, id: Uuid, told: &[(i64, CustomerEvent)]) {
    let subject = format!("customers/{id}");
    let events: Vec<_> =
        told.iter().map(|(sequence, state)| event("//customers", UPDATED, &subject, *sequence, state)).collect();
    floor.hear(&Recipients, &events).await.unwrap();
}

#[tokio::test]
async fn a_customer_is_known_by_what_was_told_last() {
    let floor = Floor::new().await;
    let id = new_id();
    assert!(store::find(&floor.database.owner, id).await.unwrap().is_none());

    heard(&floor, id, &[(1, a_customer(id, &["bn-BD", "en"], TierMessage::Standard))]).await;
    let known = store::find(&floor.database.owner, id).await.unwrap().unwrap();
    assert_eq!((known.language.as_str(), known.tier, known.zone.name()), ("bn-BD", Tier::Standard, "Asia/Dhaka"));
    assert!(known.provisional);

    // Two of one batch, and then an older one again, as when the cursor is set back.
    let vip = a_customer(id, &["ur"], TierMessage::Vip);
    heard(&floor, id, &[(3, vip), (2, a_customer(id, &["hi"], TierMessage::Loyal))]).await;
    heard(&floor, id, &[(2, a_customer(id, &["hi"], TierMessage::Loyal))]).await;
    let known = store::find(&floor.database.owner, id).await.unwrap().unwrap();
    assert_eq!((known.sequence, known.language.as_str(), known.tier), (3, "ur", Tier::Vip));
}

#[tokio::test]
async fn a_customer_without_a_language_is_served_in_english() {
    let floor = Floor::new().await;
    let id = new_id();
    heard(&floor, id, &[(1, a_customer(id, &[], TierMessage::Unspecified))]).await;
    let known = store::find(&floor.database.owner, id).await.unwrap().unwrap();
    assert_eq!((known.language.as_str(), known.tier), ("en", Tier::Standard));
}

#[tokio::test]
async fn a_customer_that_cannot_be_read_is_a_permanent_fault_and_other_types_say_nothing() {
    let floor = Floor::new().await;
    let id = new_id();
    let broken = CustomerEvent { zone: "Nowhere".to_owned(), ..a_customer(id, &["en"], TierMessage::Standard) };
    let events = [event("//customers", UPDATED, "customers/1", 1, &broken)];
    assert!(floor.hear(&Recipients, &events).await.unwrap_err().is_permanent());
    let other = [event("//customers", "seva.customers.order.placed.v1", "orders/1", 1, &broken)];
    floor.hear(&Recipients, &other).await.unwrap();
    assert_eq!(floor.count("select count(*) from recipient").await, 0);
}
