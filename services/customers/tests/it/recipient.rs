//! Recipients: where to send, or why not to, as it stands now.

use seva_proto::{
    common::v1::{Channel, ErrorReason, Purpose},
    customers::v1::{
        Customer, Recipient, ResolveRecipientsRequest, customer::Tier, recipient::Outcome,
        recipient_service_server::RecipientService, resolve_recipients_request::Item,
    },
};
use seva_values::new_id;
use tonic::Status;

use crate::{
    customer::{
        consent::{consent, record},
        updates::update,
    },
    world::{World, call, email, is_refused, phone, primary, somebody, violations},
};

async fn resolve(world: &World, items: Vec<Item>) -> Result<Vec<Recipient>, Status> {
    let request = call("ResolveRecipients", ResolveRecipientsRequest { items });
    Ok(world.recipients.resolve_recipients(request).await?.into_inner().recipients)
}

fn item(customer: &str, channel: Channel, purpose: Purpose) -> Item {
    Item { customer: customer.to_owned(), channel: channel.into(), purpose: purpose.into() }
}

fn unreached(customer: &str, outcome: Outcome) -> Recipient {
    Recipient { customer: customer.to_owned(), outcome: outcome.into(), ..Recipient::default() }
}

#[tokio::test]
async fn each_item_is_answered_in_its_place() {
    let world = World::new().await;
    let points = vec![email("first@example.com"), primary(email("used@example.com")), phone("+919876543210")];
    let customer = Customer { contact_points: points, tier: Tier::Vip.into(), ..somebody("Asha", "Rao") };
    let reachable = world.create(customer).await.unwrap().name;
    let silent = world.create(somebody("Bina", "Das")).await.unwrap().name;
    let unknown = format!("customers/{}", new_id());

    let answers = resolve(
        &world,
        vec![
            item(&unknown, Channel::Email, Purpose::Service),
            item(&reachable, Channel::Email, Purpose::Service),
            item(&silent, Channel::Email, Purpose::Service),
            item(&reachable, Channel::Sms, Purpose::Survey),
            item(&reachable, Channel::Email, Purpose::Marketing),
            item(&reachable, Channel::Push, Purpose::Service),
        ],
    )
    .await
    .unwrap();

    let reached = |address: &str| Recipient {
        customer: reachable.clone(),
        outcome: Outcome::Reachable.into(),
        address: address.to_owned(),
        given_name: "Asha".to_owned(),
        family_name: "Rao".to_owned(),
        languages: vec!["hi".to_owned(), "en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        tier: Tier::Vip.into(),
    };
    let expected = [
        unreached(&unknown, Outcome::Unknown),
        reached("used@example.com"),
        unreached(&silent, Outcome::NoContactPoint),
        reached("+919876543210"),
        unreached(&reachable, Outcome::NoConsent),
        unreached(&reachable, Outcome::NoContactPoint),
    ];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn a_word_of_the_customer_counts_from_the_next_message_on() {
    let world = World::new().await;
    let customer = Customer { contact_points: vec![email("a@example.com")], ..somebody("Asha", "Rao") };
    let name = world.create(customer).await.unwrap().name;
    let ask = async |purpose| resolve(&world, vec![item(&name, Channel::Email, purpose)]).await.unwrap().remove(0);

    assert_eq!(ask(Purpose::Marketing).await.outcome(), Outcome::NoConsent);
    record(&world, &name, "", consent(Purpose::Marketing, Channel::Unspecified, true)).await.unwrap();
    assert_eq!(ask(Purpose::Marketing).await.outcome(), Outcome::Reachable);
    // The channel's own word goes before the one for all.
    record(&world, &name, "", consent(Purpose::Marketing, Channel::Email, false)).await.unwrap();
    assert_eq!(ask(Purpose::Marketing).await, unreached(&name, Outcome::NoConsent));
    assert_eq!(ask(Purpose::Survey).await.outcome(), Outcome::Reachable);
    record(&world, &name, "", consent(Purpose::Survey, Channel::Unspecified, false)).await.unwrap();
    assert_eq!(ask(Purpose::Survey).await.outcome(), Outcome::NoConsent);
    assert_eq!(ask(Purpose::Service).await.outcome(), Outcome::Reachable);

    let moved = Customer { name: name.clone(), contact_points: vec![email("b@example.com")], ..Customer::default() };
    update(&world, moved, &["contact_points"]).await.unwrap();
    assert_eq!(ask(Purpose::Service).await.address, "b@example.com");
}

#[tokio::test]
async fn two_hundred_are_answered_and_one_more_is_refused() {
    let world = World::new().await;
    let mut items = Vec::new();
    for number in 0..20 {
        let customer = Customer {
            contact_points: vec![email(&format!("{number}@example.com"))],
            ..somebody(&format!("N{number}"), "X")
        };
        let name = world.create(customer).await.unwrap().name;
        items.extend(std::iter::repeat_n(item(&name, Channel::Email, Purpose::Service), 10));
    }

    let answers = resolve(&world, items.clone()).await.unwrap();
    assert_eq!(answers.len(), 200);
    for (answer, item) in answers.iter().zip(&items) {
        assert_eq!((&answer.customer, answer.outcome()), (&item.customer, Outcome::Reachable));
    }
    assert!(resolve(&world, Vec::new()).await.unwrap().is_empty());

    items.push(items[0].clone());
    let status = is_refused(resolve(&world, items).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status), [("items".to_owned(), "ITEMS_TOO_MANY".to_owned())]);
}

#[tokio::test]
async fn faults_of_items_are_told_by_their_places() {
    let world = World::new().await;
    let fine = format!("customers/{}", new_id());

    let items = vec![
        item("customers/1", Channel::Email, Purpose::Service),
        item(&fine, Channel::Unspecified, Purpose::Unspecified),
        Item { channel: 50, purpose: 50, customer: fine },
    ];
    let status = is_refused(resolve(&world, items).await, ErrorReason::FieldsInvalid);

    let expected = [
        ("items[0].customer", "NAME_MALFORMED"),
        ("items[1].channel", "FIELD_REQUIRED"),
        ("items[1].purpose", "FIELD_REQUIRED"),
        ("items[2].channel", "CHANNEL_UNKNOWN"),
        ("items[2].purpose", "PURPOSE_UNKNOWN"),
    ];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}
