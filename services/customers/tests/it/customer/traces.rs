//! What a write leaves behind beside its rows: an event without identity, and an audit row with names of fields.

use prost::Message;
use seva_proto::{
    common::v1::{Channel, Purpose},
    customers::v1::{Customer, CustomerEvent, customer::Tier},
};
use sqlx::Row;

use super::{
    consent::{consent, record},
    updates::update,
};
use crate::world::{World, email, phone, primary, somebody};

fn with_identity() -> Customer {
    Customer {
        contact_points: vec![primary(email("zubaida@private.example")), phone("+919876543210")],
        tier: Tier::Loyal.into(),
        ..somebody("Zubaida", "Chaudhary")
    }
}

/// Every word that names this customer.
const IDENTITY: [&str; 6] = ["zubaida", "Zubaida", "Chaudhary", "private.example", "9876543210", "Begum"];

async fn write_some(world: &World) -> Customer {
    let created = world.create(with_identity()).await.unwrap();
    world.pass(5);
    let change = Customer {
        given_name: "Begum Zubaida".to_owned(),
        contact_points: vec![email("zubaida@private.example")],
        // The same as before: no change.
        tier: Tier::Loyal.into(),
        ..created.clone()
    };
    update(world, change, &["given_name", "contact_points", "tier"]).await.unwrap();
    record(world, &created.name, "", consent(Purpose::Marketing, Channel::Email, true)).await.unwrap();
    world.get(&created.name).await.unwrap()
}

/// CU5
#[tokio::test]
async fn events_tell_the_whole_state_without_identity() {
    let world = World::new().await;
    let customer = write_some(&world).await;

    let rows =
        sqlx::query("select type, subject, sequence, actor, payload, occurred_at from seva.outbox order by position")
            .fetch_all(&world.database.owner)
            .await
            .unwrap();

    let mut kinds = Vec::new();
    let mut changed = Vec::new();
    for (row, sequence) in rows.iter().zip(1_i64..) {
        let payload: Vec<u8> = row.get("payload");
        let text = String::from_utf8_lossy(&payload).into_owned();
        for word in IDENTITY {
            assert!(!text.contains(word), "{word} is in {text}");
        }
        assert_eq!(row.get::<String, _>("subject"), customer.name);
        assert_eq!(row.get::<i64, _>("sequence"), sequence);
        assert_eq!(row.get::<String, _>("actor"), "user:asha");
        let event = CustomerEvent::decode(payload.as_slice()).unwrap();
        assert_eq!((event.customer.as_str(), event.version), (customer.name.as_str(), sequence));
        assert!(event.has_email);
        assert_eq!(event.has_phone, sequence == 1);
        kinds.push(row.get::<String, _>("type"));
        changed.push(event.changed_fields.join(","));
        if sequence == 3 {
            assert_eq!(event.consents, customer.consents);
            assert_eq!((event.languages, event.zone), (customer.languages.clone(), customer.zone.clone()));
            assert_eq!((event.tier, event.availability), (customer.tier, customer.availability.clone()));
        }
    }
    let expected = [
        "seva.customers.customer.created.v1",
        "seva.customers.customer.updated.v1",
        "seva.customers.customer.consent_recorded.v1",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(changed, ["*", "given_name,contact_points", "consents"]);
}

/// CU5
#[tokio::test]
async fn audit_rows_name_fields_and_hold_no_values() {
    let world = World::new().await;
    let customer = write_some(&world).await;

    let rows = sqlx::query("select resource, actor, method, changed, audit::text as whole from seva.audit order by id")
        .fetch_all(&world.database.owner)
        .await
        .unwrap();

    let changed: Vec<String> = rows.iter().map(|row| row.get::<Vec<String>, _>("changed").join(",")).collect();
    assert_eq!(changed, ["*", "given_name,contact_points", "consents"]);
    for row in &rows {
        assert_eq!(row.get::<String, _>("resource"), customer.name);
        assert_eq!(row.get::<String, _>("actor"), "user:asha");
        let whole: String = row.get("whole");
        assert!(IDENTITY.iter().all(|word| !whole.contains(word)), "{whole}");
    }
}
