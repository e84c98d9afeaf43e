//! Customers whom other systems report.

use seva_proto::customers::v1::{ContactPoint, Customer};

use seva_values::parse_name;

use super::*;
use crate::{
    customer::updates::update,
    world::{email, somebody},
};

fn reported_as(number: &str, sequence: i32, customer: pb::ReportedCustomer) -> CloudEvent {
    let data =
        pb::OrderPlaced { order_number: number.to_owned(), customer: Some(customer), ..pb::OrderPlaced::default() };
    event("order.placed.v1", number, sequence, TIME, &data)
}

fn asha() -> pb::ReportedCustomer {
    pb::ReportedCustomer {
        id: "17".to_owned(),
        given_name: "Asha".to_owned(),
        family_name: "Rao".to_owned(),
        email: "asha@example.com".to_owned(),
        phone: "+919876543210".to_owned(),
        languages: vec!["kn".to_owned(), "hi".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
    }
}

async fn customer_of(shop: &Shop, order_number: &str) -> Customer {
    let order = shop.order(order_number).await.order.unwrap();
    shop.world.get(&order.customer).await.unwrap()
}

fn points(customer: &Customer) -> Vec<&str> {
    customer.contact_points.iter().map(|point| point.value.as_str()).collect()
}

#[tokio::test]
async fn an_unknown_customer_becomes_a_provisional_one_with_what_is_reported() {
    let shop = Shop::new().await;
    shop.publish(vec![reported_as("A-1", 1, asha()), placed("A-2", "18", 1, TIME)]).await;
    let customer = customer_of(&shop, "A-1").await;
    assert!(customer.provisional);
    assert_eq!((customer.given_name.as_str(), customer.zone.as_str()), ("Asha", "Asia/Kolkata"));
    assert_eq!(customer.languages, ["kn", "hi"]);
    assert_eq!(points(&customer), ["asha@example.com", "+919876543210"]);
    assert_eq!((customer.order_count, customer.external_refs.len()), (1, 1));
    let unnamed = customer_of(&shop, "A-2").await;
    assert_eq!((unnamed.languages.as_slice(), unnamed.zone.as_str()), (&["en".to_owned()][..], "UTC"));
    let told = shop.told(&customer.name).await;
    let told: Vec<_> = told.iter().map(|(kind, sequence)| (kind.as_str(), *sequence)).collect();
    assert_eq!(told, [("customer.created", 1), ("customer.first_order_placed", 2)]);
}

/// CU28: it is the same mailbox whoever tells of it.
#[tokio::test]
async fn orders_and_people_name_the_same_mailbox() {
    let shop = Shop::new().await;
    shop.publish(vec![reported_as("A-1", 1, asha())]).await;
    let Customer { name, .. } = customer_of(&shop, "A-1").await;
    let renamed = Customer { name: name.clone(), given_name: "Usha".to_owned(), ..Customer::default() };
    update(&shop.world, renamed, &["given_name"]).await.unwrap();

    let mailboxes = shop.world.mailboxes(&name).await;
    assert_eq!(mailboxes.len(), 3, "created, first order, updated");
    assert!(parse_name("mailboxes", &mailboxes[0]).is_ok(), "{mailboxes:?}");
    assert!(mailboxes.iter().all(|mailbox| mailbox == &mailboxes[0]), "{mailboxes:?}");
}

/// CU21
#[tokio::test]
async fn a_customer_has_one_first_order_and_each_order_is_counted_once() {
    let shop = Shop::new().await;
    shop.publish(vec![placed("A-1", "17", 1, TIME), confirmed("A-1", "17", 2, TIME), placed("A-2", "17", 1, TIME)])
        .await;
    shop.publish(vec![placed("A-3", "17", 1, TIME), delivered("A-1", "17", 3, TIME)]).await;
    let customer = customer_of(&shop, "A-1").await;
    assert_eq!(customer.order_count, 3);
    let told = shop.told(&customer.name).await;
    let told: Vec<_> = told.iter().map(|(kind, sequence)| (kind.as_str(), *sequence)).collect();
    assert_eq!(
        told,
        [
            ("customer.created", 1),
            ("customer.first_order_placed", 2),
            ("customer.repeat_order_placed", 3),
            ("customer.repeat_order_placed", 4),
        ]
    );
}

/// CU19
#[tokio::test]
async fn what_is_reported_later_fills_a_provisional_customer_and_no_other() {
    let shop = Shop::new().await;
    shop.publish(vec![placed("A-1", "17", 1, TIME)]).await;
    shop.publish(vec![reported_as("A-1", 2, asha())]).await;
    let filled = customer_of(&shop, "A-1").await;
    assert_eq!((filled.given_name.as_str(), points(&filled).len()), ("Asha", 2));
    let usha = pb::ReportedCustomer { given_name: "Usha".to_owned(), email: "usha@example.com".to_owned(), ..asha() };
    shop.publish(vec![reported_as("A-1", 3, usha)]).await;
    assert_eq!(customer_of(&shop, "A-1").await, filled);

    // A person's entry is not touched, not even where it is empty.
    let entered = Customer {
        external_refs: vec![pb::ExternalRef { system: SOURCE.to_owned(), id: "20".to_owned() }],
        ..somebody("Meera", "")
    };
    let entered = shop.world.create(entered).await.unwrap();
    shop.publish(vec![reported_as("A-9", 1, pb::ReportedCustomer { id: "20".to_owned(), ..asha() })]).await;
    let after = shop.world.get(&entered.name).await.unwrap();
    assert_eq!((after.given_name.as_str(), after.family_name.as_str()), ("Meera", ""));
    assert_eq!((after.order_count, after.contact_points.len(), after.provisional), (1, 0, false));
}

/// CU18
#[tokio::test]
async fn a_provisional_customer_never_takes_an_address_from_another() {
    let shop = Shop::new().await;
    let points_of = |point: ContactPoint| Customer { contact_points: vec![point], ..somebody("Meera", "Rao") };
    let owner = shop.world.create(points_of(email("asha@example.com"))).await.unwrap();
    let results = shop
        .publish(vec![
            reported_as("A-1", 1, asha()),
            reported_as("A-2", 1, pb::ReportedCustomer { id: "18".to_owned(), ..asha() }),
        ])
        .await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    assert_eq!(points(&shop.world.get(&owner.name).await.unwrap()), ["asha@example.com"]);
    assert_eq!(points(&customer_of(&shop, "A-1").await), ["+919876543210"]);
    assert!(points(&customer_of(&shop, "A-2").await).is_empty(), "the phone went to the first of the batch");
}
