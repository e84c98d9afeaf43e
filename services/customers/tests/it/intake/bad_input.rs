//! Whatever a source gets wrong is refused with its reason, kept in quarantine, and hinders nothing else.

use seva_proto::common::v1::{ErrorReason, PromisedDate};

use super::*;
use crate::{
    shop::key,
    world::{is_refused, violations},
};

/// An event that fails, with the reason and the violations that it has to get.
type Bad = (CloudEvent, &'static str, Vec<(&'static str, &'static str)>);

fn bad(number: &str) -> CloudEvent {
    placed(number, "99", 1, TIME)
}

fn with_customer(number: &str, customer: pb::ReportedCustomer) -> CloudEvent {
    let data =
        pb::OrderPlaced { order_number: number.to_owned(), customer: Some(customer), ..pb::OrderPlaced::default() };
    event("order.placed.v1", number, 1, TIME, &data)
}

fn json(number: &str, json: &str) -> CloudEvent {
    CloudEvent { data: Some(Data::TextData(json.to_owned())), ..bad(number) }
}

fn without(mut event: CloudEvent, attribute: &str) -> CloudEvent {
    event.attributes.remove(attribute);
    event
}

/// Every line of bad input.
fn lines() -> Vec<Bad> {
    let malformed = "EVENT_DATA_MALFORMED";
    let fields = "FIELDS_INVALID";
    let customer = |customer: pb::ReportedCustomer| pb::ReportedCustomer { id: "99".to_owned(), ..customer };
    let order = |promised_date: PromisedDate| pb::OrderPlaced {
        order_number: "B".to_owned(),
        customer: reported("99"),
        promised_date: Some(promised_date),
        total: None,
        items: Vec::new(),
    };
    let no_zone = order(PromisedDate { date: "2026-03-09".to_owned(), zone: String::new() });
    let wrong_day = order(PromisedDate { date: "2026-02-30".to_owned(), zone: "Mars/Base".to_owned() });
    let money = |minor_units, currency: &str| pb::OrderPlaced {
        order_number: "B".to_owned(),
        customer: reported("99"),
        total: Some(Money { minor_units, currency: currency.to_owned() }),
        promised_date: None,
        items: Vec::new(),
    };
    let placed_with = |number: &str, data: &pb::OrderPlaced| event("order.placed.v1", number, 1, TIME, data);
    let seconds = |text: &str| Attr::CeTimestamp(seva_store::event::proto_timestamp(text.parse().unwrap()));
    vec![
        (CloudEvent { r#type: "order.lost.v1".to_owned(), ..bad("B1") }, "EVENT_TYPE_UNKNOWN", vec![]),
        (with(bad("B2"), "note", Attr::CeString("x".repeat(64 * 1024))), "EVENT_TOO_LARGE", vec![]),
        (json("B3", "{not json"), malformed, vec![]),
        (json("B4", r#"{"orderNumber":"B4","customer":{"id":"99"},"weight":3}"#), malformed, vec![]),
        (json("B5", r#"{"orderNumber":5,"customer":{"id":"99"}}"#), malformed, vec![]),
        (json("B6", r#"{"orderNumber":"B6","customer":{"id":"99"}} trailing"#), malformed, vec![]),
        (CloudEvent { data: None, ..bad("B7") }, malformed, vec![]),
        (CloudEvent { r#type: "order.confirmed.v1".to_owned(), ..bad("B8") }, malformed, vec![]),
        (with(json("B9", "{}"), "datacontenttype", Attr::CeString("text/xml".to_owned())), malformed, vec![]),
        (with(bad("B10"), "time", seconds("2026-03-02T09:05:01Z")), "EVENT_TIME_IN_FUTURE", vec![]),
        (without(bad("B11"), "time"), fields, vec![("time", "FIELD_REQUIRED")]),
        (without(bad("B12"), "sequence"), fields, vec![("sequence", "FIELD_REQUIRED")]),
        (
            with(bad("B13"), "sequence", Attr::CeString("1.5".to_owned())),
            fields,
            vec![("sequence", "SEQUENCE_MALFORMED")],
        ),
        (with(bad("B14"), "sequence", Attr::CeInteger(-1)), fields, vec![("sequence", "SEQUENCE_MALFORMED")]),
        (with(bad("B15"), "time", Attr::CeString("yesterday".to_owned())), fields, vec![("time", "TIME_MALFORMED")]),
        (
            CloudEvent { spec_version: "0.3".to_owned(), ..bad("B16") },
            fields,
            vec![("spec_version", "SPEC_VERSION_UNKNOWN")],
        ),
        (CloudEvent { id: String::new(), ..bad("B17") }, fields, vec![("id", "FIELD_REQUIRED")]),
        (placed_with("B18", &no_zone), fields, vec![("data.promised_date.zone", "ZONE_MISSING")]),
        (
            placed_with("B19", &wrong_day),
            fields,
            vec![("data.promised_date.date", "DATE_MALFORMED"), ("data.promised_date.zone", "ZONE_UNKNOWN")],
        ),
        (placed_with("B20", &money(100, "inr")), fields, vec![("data.total.currency", "CURRENCY_UNKNOWN")]),
        (placed_with("B21", &money(-1, "INR")), fields, vec![("data.total.minor_units", "AMOUNT_NEGATIVE")]),
        (
            with_customer(
                "B22",
                customer(pb::ReportedCustomer {
                    email: "asha@example.com\r\nBcc: all@example.com".to_owned(),
                    ..Default::default()
                }),
            ),
            fields,
            vec![("data.customer.email", "EMAIL_LINE_BREAK")],
        ),
        (
            with_customer(
                "B23",
                customer(pb::ReportedCustomer {
                    given_name: "A\nB".to_owned(),
                    phone: "12345".to_owned(),
                    languages: vec!["not a language".to_owned()],
                    zone: "+05:30".to_owned(),
                    ..Default::default()
                }),
            ),
            fields,
            vec![
                ("data.customer.given_name", "TEXT_CONTROL_CHARACTER"),
                ("data.customer.languages[0]", "LANGUAGE_MALFORMED"),
                ("data.customer.phone", "PHONE_MALFORMED"),
                ("data.customer.zone", "ZONE_UNKNOWN"),
            ],
        ),
        (with_customer("B24", pb::ReportedCustomer::default()), fields, vec![("data.customer.id", "FIELD_REQUIRED")]),
        (
            placed_with("B25", &pb::OrderPlaced::default()),
            fields,
            vec![("data.customer", "FIELD_REQUIRED"), ("data.order_number", "FIELD_REQUIRED")],
        ),
        (
            // Every fault at once, whatever part of the event it lies in.
            with(without(placed_with("B26", &no_zone), "sequence"), "time", seconds("2026-03-03T09:00:00Z")),
            fields,
            vec![
                ("data.promised_date.zone", "ZONE_MISSING"),
                ("sequence", "FIELD_REQUIRED"),
                ("time", "TIME_IN_FUTURE"),
            ],
        ),
        (CloudEvent { source: "//other.example".to_owned(), ..bad("B27") }, "SOURCE_FORBIDDEN", vec![]),
        (CloudEvent { id: "a\0b".to_owned(), ..bad("B28") }, fields, vec![("id", "NAME_MALFORMED")]),
    ]
}

#[tokio::test]
async fn every_bad_event_gets_its_reason_while_the_rest_of_the_batch_is_applied() {
    let shop = Shop::new().await;
    let lines = lines();
    let mut batch = vec![placed("A-1", "17", 1, TIME)];
    for (number, (event, ..)) in lines.iter().enumerate() {
        batch.push(event.clone());
        // What follows on good events is good as well.
        batch.push(in_transit("A-1", "17", 2 + i32::try_from(number).unwrap(), TIME, "Pune"));
    }
    let results = shop.publish(batch.clone()).await;
    for (number, (event, reason, fields)) in lines.iter().enumerate() {
        let result = &results[1 + number * 2];
        assert_eq!(result.id, event.id);
        let fields: Vec<_> = fields.iter().map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned())).collect();
        assert_eq!(refusal(result), ((*reason).to_owned(), fields), "{event:?}");
    }
    let good = results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
    assert_eq!(good, 1 + lines.len());
    assert_eq!(shop.order("A-1").await.order.unwrap().version, i64::try_from(good).unwrap());
    assert_eq!(shop.world.count("select count(*) from customer").await, 1, "refused events make no customer");

    // The bodies are kept as they came, once, however often they come.
    shop.publish(batch).await;
    let rows = sqlx::query("select event_id, reason, foreign_customer_id, body from intake_quarantine order by id");
    let rows = rows.fetch_all(&shop.world.database.owner).await.unwrap();
    assert_eq!(rows.len(), lines.len());
    for (row, (event, reason, _)) in rows.iter().zip(&lines) {
        assert_eq!(row.get::<String, _>("reason"), *reason);
        let body: Vec<u8> = row.get("body");
        if *reason == "EVENT_TOO_LARGE" {
            assert_eq!(body.len(), 64 * 1024);
            continue;
        }
        assert_eq!(CloudEvent::decode(body.as_slice()).unwrap(), *event);
        let readable =
            !matches!(event.id.split('/').next(), Some("B3" | "B6" | "B7" | "B9" | "B8" | "B1" | "B24" | "B25"));
        if readable {
            assert_eq!(row.get::<Option<String>, _>("foreign_customer_id").as_deref(), Some("99"), "{event:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_without_events_or_with_too_many_is_refused_as_a_whole() {
    let shop = Shop::new().await;
    for (count, reason) in [(0, "FIELD_REQUIRED"), (501, "EVENTS_TOO_MANY")] {
        let answer = shop.try_publish(key(), vec![placed("A-1", "17", 1, TIME); count]).await;
        let status = is_refused(answer, ErrorReason::FieldsInvalid);
        assert_eq!(violations(&status), [("events".to_owned(), reason.to_owned())]);
    }
    assert_eq!(shop.world.count("select count(*) from intake_event").await, 0);
}

#[tokio::test]
async fn an_id_with_another_body_is_refused_and_the_first_stays() {
    let shop = Shop::new().await;
    let first = placed("A-1", "17", 1, TIME);
    let other = CloudEvent { id: first.id.clone(), ..placed("A-2", "17", 1, TIME) };
    let results = shop.publish(vec![first.clone(), other.clone(), first.clone()]).await;
    assert_eq!(results[0].outcome(), Outcome::Accepted);
    assert_eq!(refusal(&results[1]).0, "EVENT_ID_REUSED");
    assert_eq!(results[2].outcome(), Outcome::Duplicate);
    assert_eq!(refusal(&shop.publish(vec![other]).await[0]).0, "EVENT_ID_REUSED");
    assert_eq!(shop.world.count("select count(*) from customer_order").await, 1);
}

/// CU20
#[tokio::test]
async fn an_order_stays_with_the_customer_it_was_reported_for() {
    let shop = Shop::new().await;
    let results = shop
        .publish(vec![placed("A-1", "17", 1, TIME), placed("A-2", "18", 1, TIME), confirmed("A-1", "18", 2, TIME)])
        .await;
    assert_eq!(refusal(&results[2]).0, "EVENT_CUSTOMER_MISMATCH");
    let result = shop.publish(vec![confirmed("A-1", "unheard-of", 2, TIME)]).await;
    assert_eq!(refusal(&result[0]).0, "EVENT_CUSTOMER_MISMATCH");
    assert_eq!(shop.order("A-1").await.order.unwrap().state(), pb::order::State::Placed);
    assert_eq!(shop.world.count("select count(*) from customer").await, 2);
}
