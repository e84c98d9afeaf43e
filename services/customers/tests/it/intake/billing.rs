//! What billing confirms is passed on, once.

use prost::Message;
use seva_proto::customers::v1::{
    self as pb, BillingConfirmationEvent, billing_confirmation_event::Outcome as Became, event_result::Outcome,
};
use sqlx::Row;

use crate::shop::{Shop, event, reported};

fn a_confirmation() -> pb::BillingConfirmed {
    pb::BillingConfirmed {
        subject: "compensationGrants/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        customer: reported("17"),
        outcome: Became::Failed.into(),
        external_key: "b-1".to_owned(),
        amount: Some(seva_proto::common::v1::Money { minor_units: 500, currency: "INR".to_owned() }),
        fault: "card_expired".to_owned(),
    }
}

#[tokio::test]
async fn what_billing_confirms_is_passed_on_once_and_makes_no_customer() {
    let shop = Shop::new().await;
    let confirmed = event("billing.confirmed.v1", "b-1", 1, "2026-03-02T08:00:00Z", &a_confirmation());
    assert_eq!(shop.outcomes(vec![confirmed.clone()]).await, [Outcome::Accepted]);
    assert_eq!(shop.outcomes(vec![confirmed]).await, [Outcome::Duplicate]);
    let rows =
        sqlx::query("select type, payload from seva.outbox").fetch_all(&shop.world.database.owner).await.unwrap();
    assert_eq!(rows.len(), 1, "nothing else is told");
    assert_eq!(rows[0].get::<String, _>("type"), "seva.customers.billing.confirmed.v1");
    let told = BillingConfirmationEvent::decode(rows[0].get::<Vec<u8>, _>("payload").as_slice()).unwrap();
    assert_eq!(
        (told.outcome(), told.external_key.as_str(), told.fault.as_str()),
        (Became::Failed, "b-1", "card_expired")
    );
}

#[tokio::test]
async fn a_confirmation_that_lacks_something_is_refused() {
    let shop = Shop::new().await;
    let wrong = [
        pb::BillingConfirmed { subject: String::new(), ..a_confirmation() },
        pb::BillingConfirmed { outcome: 0, ..a_confirmation() },
        pb::BillingConfirmed { external_key: String::new(), ..a_confirmation() },
        pb::BillingConfirmed { amount: None, ..a_confirmation() },
        pb::BillingConfirmed { fault: "Asha's card".to_owned(), ..a_confirmation() },
    ];
    let name = |at: usize| format!("b-{at}");
    let events = wrong.iter().enumerate();
    let events = events.map(|(at, data)| event("billing.confirmed.v1", &name(at), 1, "2026-03-02T08:00:00Z", data));
    assert_eq!(shop.outcomes(events.collect()).await, [Outcome::Rejected; 5]);
}
