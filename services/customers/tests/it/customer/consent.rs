//! What customers agree to.

use seva_proto::{
    common::v1::{Channel, ErrorReason, Purpose},
    customers::v1::{Consent, Customer, RecordConsentRequest, customer_service_server::CustomerService},
};
use seva_values::new_id;
use tonic::Status;

use crate::world::{World, call, is_refused, somebody, violations};

pub async fn record(world: &World, customer: &str, etag: &str, consent: Consent) -> Result<Customer, Status> {
    let request = RecordConsentRequest {
        customer: customer.to_owned(),
        consent: Some(consent),
        etag: etag.to_owned(),
        request_id: new_id().to_string(),
    };
    let answer = world.customers.record_consent(call("RecordConsent", request)).await?;
    Ok(answer.into_inner().customer.unwrap())
}

pub fn consent(purpose: Purpose, channel: Channel, granted: bool) -> Consent {
    Consent {
        purpose: purpose.into(),
        channel: channel.into(),
        granted,
        evidence: "web form".to_owned(),
        capture_time: None,
    }
}

/// CU9
#[tokio::test]
async fn the_newest_word_holds_and_the_earlier_ones_are_kept() {
    let world = World::new().await;
    let created = world.create(somebody("Ananya", "Sen")).await.unwrap();

    for granted in [true, false, true] {
        world.pass(1);
        record(&world, &created.name, "", consent(Purpose::Survey, Channel::Email, granted)).await.unwrap();
    }
    let refused = consent(Purpose::Marketing, Channel::Unspecified, false);
    let last = record(&world, &created.name, "", refused).await.unwrap();

    assert_eq!(world.get(&created.name).await.unwrap(), last);
    let words: Vec<_> = last.consents.iter().map(|word| (word.purpose(), word.channel(), word.granted)).collect();
    let expected = [(Purpose::Marketing, Channel::Unspecified, false), (Purpose::Survey, Channel::Email, true)];
    assert_eq!(words, expected);
    assert_eq!(last.etag, "\"v5\"");
    assert_eq!(last.consents[1].capture_time.unwrap().seconds, world.now().as_second());
    assert_eq!(world.count("select count(*) from consent").await, 4);
}

#[tokio::test]
async fn a_word_over_an_unseen_change_is_refused() {
    let world = World::new().await;
    let created = world.create(somebody("Ananya", "Sen")).await.unwrap();
    let word = consent(Purpose::Marketing, Channel::Sms, true);
    record(&world, &created.name, &created.etag, word.clone()).await.unwrap();

    let late = record(&world, &created.name, &created.etag, word).await;

    is_refused(late, ErrorReason::EtagMismatch);
    assert_eq!(world.count("select count(*) from consent").await, 1);
}

#[tokio::test]
async fn a_channel_that_is_not_known_is_not_taken_for_all_channels() {
    let world = World::new().await;
    let created = world.create(somebody("Ananya", "Sen")).await.unwrap();

    let word = Consent { channel: 77, purpose: 77, evidence: " ".to_owned(), ..Consent::default() };
    let status = is_refused(record(&world, &created.name, "v1", word).await, ErrorReason::FieldsInvalid);

    let expected = [
        ("consent.channel", "CHANNEL_UNKNOWN"),
        ("consent.evidence", "FIELD_REQUIRED"),
        ("consent.purpose", "PURPOSE_UNKNOWN"),
        ("etag", "ETAG_MALFORMED"),
    ];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(world.count("select count(*) from consent").await, 0);
}
