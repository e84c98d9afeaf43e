use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::json;
use seva_proto::io::cloudevents::v1::{
    CloudEvent,
    cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
};

use super::{Batch, Violation, read};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn in_json(value: serde_json::Value) -> Result<Batch, Violation> {
    read::batch(&headers(&[("content-type", "application/cloudevents+json")]), value.to_string().into())
}

fn the_one(batch: Result<Batch, Violation>) -> CloudEvent {
    let batch = batch.unwrap();
    assert!(!batch.is_batch);
    batch.events.into_iter().next().unwrap().unwrap()
}

/// The fields at fault of the one event.
fn at_fault(batch: Result<Batch, Violation>) -> Vec<String> {
    let event = batch.unwrap().events.into_iter().next().unwrap();
    event.unwrap_err().violations.into_iter().map(|violation| violation.field).collect()
}

fn attribute(event: &CloudEvent, name: &str) -> Option<Attr> {
    let CloudEventAttributeValue { attr } = event.attributes.get(name)?;
    attr.clone()
}

fn text(text: &str) -> Option<Attr> {
    Some(Attr::CeString(text.to_owned()))
}

#[test]
fn an_event_in_binary_form_has_its_attributes_in_headers() {
    let headers = headers(&[
        ("ce-id", "1"),
        ("ce-source", "//shop.example/%E0%A4%A6"),
        ("ce-specversion", "1.0"),
        ("ce-type", "order.placed.v1"),
        ("ce-time", "2026-11-21T09:30:00Z"),
        ("ce-sequence", "7"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-other", "not an attribute"),
    ]);
    let event = the_one(read::batch(&headers, Bytes::from_static(b"{\"a\":1}")));
    assert_eq!((event.id.as_str(), event.source.as_str()), ("1", "//shop.example/द"));
    assert_eq!(attribute(&event, "time"), text("2026-11-21T09:30:00Z"));
    assert_eq!(attribute(&event, "sequence"), text("7"));
    assert_eq!(attribute(&event, "datacontenttype"), text("application/json; charset=utf-8"));
    assert_eq!(event.attributes.len(), 3);
    assert_eq!(event.data, Some(Data::BinaryData(Bytes::from_static(b"{\"a\":1}"))));
}

#[test]
fn an_event_in_structured_form_is_one_object() {
    let event = the_one(in_json(json!({
        "specversion": "1.0", "id": "1", "source": "//shop.example", "type": "order.placed.v1", "subject": null,
        "sequence": 7, "urgent": true, "big": 5_000_000_000_i64, "data": {"order_number": "A-1"},
    })));
    assert_eq!(attribute(&event, "sequence"), Some(Attr::CeInteger(7)));
    assert_eq!(attribute(&event, "urgent"), Some(Attr::CeBoolean(true)));
    assert_eq!(attribute(&event, "big"), text("5000000000"));
    assert_eq!(attribute(&event, "subject"), None);
    assert_eq!(event.data, Some(Data::TextData("{\"order_number\":\"A-1\"}".to_owned())));
}

#[test]
fn data_may_be_base64_or_plain_text() {
    let event = |extra: serde_json::Value| {
        let mut event = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"});
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        in_json(event)
    };
    let binary = the_one(event(json!({"data_base64": "e30="})));
    assert_eq!(binary.data, Some(Data::BinaryData(Bytes::from_static(b"{}"))));
    let plain = the_one(event(json!({"datacontenttype": "text/plain", "data": "hello"})));
    assert_eq!(plain.data, Some(Data::TextData("hello".to_owned())));
    let json_text = the_one(event(json!({"data": "hello"})));
    assert_eq!(json_text.data, Some(Data::TextData("\"hello\"".to_owned())), "a JSON text keeps its quotes");
    assert_eq!(at_fault(event(json!({"data": 1, "data_base64": "e30="}))), ["data"]);
    assert_eq!(at_fault(event(json!({"data_base64": "?"}))), ["data_base64"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = at_fault(in_json(json!({"id": 1, "Bad-Name": "x", "list": [], "ratio": 0.5})));
    let wrong: std::collections::BTreeSet<_> = wrong.iter().map(String::as_str).collect();
    assert_eq!(wrong, ["Bad-Name", "id", "list", "ratio", "source", "specversion", "type"].into());

    let twice = headers(&[("ce-id", "1"), ("ce-id", "2"), ("ce-type", "%zz")]);
    let wrong = at_fault(read::batch(&twice, Bytes::new()));
    assert!(
        ["id", "type", "source", "specversion"].iter().all(|field| wrong.contains(&(*field).to_owned())),
        "{wrong:?}"
    );
}

#[test]
fn a_batch_is_an_array_of_one_to_five_hundred() {
    let batch =
        |body: String| read::batch(&headers(&[("content-type", "application/cloudevents-batch+json")]), body.into());
    let one = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"}).to_string();
    assert!(batch(format!("[{one},17]")).unwrap().events[1].is_err(), "one that cannot be read hinders no other");
    assert_eq!(batch(format!("[{}]", vec![one.as_str(); 500].join(","))).unwrap().events.len(), 500);
    for body in ["[]".to_owned(), "{}".to_owned(), "[".to_owned(), format!("[{}]", vec![one.as_str(); 501].join(","))] {
        assert_eq!(batch(body).unwrap_err().field, "body");
    }
}

#[test]
fn a_form_of_events_that_is_not_known_is_refused() {
    for content_type in ["application/cloudevents", "application/cloudevents+protobuf", "application/cloudevents-batch"]
    {
        let read = read::batch(&headers(&[("content-type", content_type)]), Bytes::new());
        assert_eq!(read.unwrap_err().field, "content-type");
    }
}

#[test]
fn what_cannot_be_read_is_never_quoted() {
    let secret = "{\"customer\": {\"email\": \"asha@example.com\"},";
    let told = read::batch(&headers(&[("content-type", "application/cloudevents+json")]), secret.into()).unwrap_err();
    assert!(!told.description.contains("asha"), "{told:?}");
}

proptest! {
    #[test]
    fn no_body_and_no_header_makes_the_reader_fail(body in proptest::collection::vec(any::<u8>(), 0..300), id in "[ -~]{0,40}") {
        for content_type in ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"] {
            let headers = headers(&[("content-type", content_type), ("ce-id", &id)]);
            let _ = read::batch(&headers, body.clone().into());
        }
    }
}
