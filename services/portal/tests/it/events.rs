//! CloudEvents over HTTP.

use http::Method;
use serde_json::{Value, json};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{EventResult, PublishEventsRequest, PublishEventsResponse, event_result::Outcome},
};
use seva_runtime::{Error, Violations};
use seva_values::Invalid;
use tonic::{Code, Status};

use crate::web::{Page, Web, refusal, unreachable};

/// Takes every event but those whose id begins with `bad`.
async fn web() -> Web {
    let web = Web::new().await;
    web.script().publish_events.answers(|request: &PublishEventsRequest| {
        let result = |id: &str| {
            if !id.starts_with("bad") {
                return EventResult {
                    id: id.to_owned(),
                    outcome: Outcome::Accepted.into(),
                    subject: "orders/1".to_owned(),
                    error: None,
                };
            }
            let mut violations = Violations::default();
            violations.add("time", Invalid::new("FIELD_REQUIRED", "is required"));
            violations.add("sequence", Invalid::new("FIELD_REQUIRED", "is required"));
            let status = Status::from(Error::from(violations));
            let details = tonic_types::Status {
                code: status.code().into(),
                message: status.message().to_owned(),
                details: details_of(&status),
            };
            EventResult {
                id: id.to_owned(),
                outcome: Outcome::Rejected.into(),
                error: Some(details),
                subject: String::new(),
            }
        };
        Ok(PublishEventsResponse { results: request.events.iter().map(|event| result(&event.id)).collect() })
    });
    web
}

/// The details that a status carries.
fn details_of(status: &Status) -> Vec<prost_types::Any> {
    let decoded: tonic_types::Status = prost::Message::decode(status.details()).unwrap();
    decoded.details
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//shop.example", "type": "order.placed.v1", "data": {"order_number": "A-1"}})
}

async fn post(web: &Web, content_type: &str, body: impl Into<axum::body::Body>) -> Page {
    let key = web.services.key.text.reveal().clone();
    web.request(Method::POST, "/events", &[("x-api-key", &key), ("content-type", content_type)], body).await
}

fn json_of(page: &Page) -> Value {
    assert_eq!(page.header("content-type"), "application/json");
    serde_json::from_str(&page.body).unwrap()
}

#[tokio::test]
async fn an_event_in_each_form_is_taken_under_the_systems_own_key() {
    let web = web().await;
    let structured = post(&web, "application/cloudevents+json; charset=utf-8", event("s").to_string()).await;
    let key = web.services.key.text.reveal().clone();
    let binary = [
        ("x-api-key", key.as_str()),
        ("ce-id", "b"),
        ("ce-source", "//shop.example"),
        ("ce-specversion", "1.0"),
        ("ce-type", "order.placed.v1"),
        ("content-type", "application/json"),
    ];
    let binary = web.request(Method::POST, "/events", &binary, "{}").await;

    for (page, id) in [(&structured, "s"), (&binary, "b")] {
        assert_eq!(page.status, 200);
        let expected = json!({"results": [{"id": id, "outcome": "accepted", "status": 200, "subject": "orders/1"}]});
        assert_eq!(json_of(page), expected);
    }
    for asked in web.script().publish_events.asked() {
        assert_eq!(asked.caller, format!("key:{}", web.services.key.id), "PO4: the system's own key, not the portal's");
    }
}

#[tokio::test]
async fn each_event_of_a_batch_has_its_result_in_its_place() {
    let web = web().await;

    let body = json!([event("1"), 17, event("bad-2"), event("3")]).to_string();
    let page = post(&web, "application/cloudevents-batch+json", body).await;

    assert_eq!(page.status, 207);
    let results = json_of(&page)["results"].clone();
    let told = |index: usize| (results[index]["outcome"].as_str().unwrap(), results[index]["status"].as_i64().unwrap());
    assert_eq!(
        [told(0), told(1), told(2), told(3)],
        [("accepted", 200), ("rejected", 400), ("rejected", 400), ("accepted", 200)]
    );
    assert_eq!(results[2]["error"]["reason"], "FIELDS_INVALID");
    assert_eq!(results[2]["error"]["violations"][1]["field"], "sequence");
    assert_eq!(web.script().publish_events.messages()[0].events.len(), 3);

    let all = post(&web, "application/cloudevents-batch+json", json!([event("1")]).to_string()).await;
    assert_eq!(all.status, 200);
}

#[tokio::test]
async fn a_rejected_event_is_told_with_all_its_violations() {
    let web = web().await;
    let page = post(&web, "application/cloudevents+json", event("bad").to_string()).await;
    assert_eq!(page.status, 400);
    let violations = &json_of(&page)["results"][0]["error"]["violations"];
    assert_eq!(violations.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_told_with_all_that_is_wrong_and_not_passed_on() {
    let web = web().await;
    let page = post(&web, "application/cloudevents+json", "{\"id\": 1}").await;
    assert_eq!(page.status, 400);
    assert!(json_of(&page)["results"][0]["error"]["violations"].as_array().unwrap().len() >= 4);
    let torn = post(&web, "application/cloudevents+json", "{\"id\"").await;
    assert_eq!((torn.status.as_u16(), json_of(&torn)["error"]["reason"].as_str().unwrap()), (400, "MESSAGE_MALFORMED"));
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn nothing_is_taken_without_a_credential_that_may() {
    let web = web().await;
    let body = event("1").to_string();
    let (good, powerless) = (web.services.key.text.reveal().clone(), web.services.powerless_key.text.reveal().clone());
    let bearer = format!("Bearer {good}");
    let user =
        web.services.keyring.issuer.mint_user_token("asha", &["agent"], None, std::time::Duration::from_secs(60));
    let user = format!("Bearer {}", user.reveal());
    let form = ("content-type", "application/cloudevents+json");
    for (why, headers, status) in [
        ("none", &[form][..], 401),
        ("two", &[form, ("x-api-key", &good), ("authorization", &bearer)], 401),
        ("a made-up key", &[form, ("x-api-key", "sk_00000000000000000000000000000000_AAAA")], 401),
        ("a key without the scope", &[form, ("x-api-key", &powerless)], 403),
        ("a person without the scope", &[form, ("authorization", &user)], 403),
        ("a key as a bearer token", &[form, ("authorization", &bearer)], 200),
    ] {
        let page = web.request(Method::POST, "/events", headers, body.clone()).await;
        assert_eq!(page.status, status, "PO4: {why}");
        assert!(!page.has(&good) && !page.has("sk_"), "{why}");
    }
    assert_eq!(web.script().writes(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let web = web().await;
    let large = post(&web, "application/cloudevents+json", "x".repeat(64 * 1024 + 1)).await;
    assert_eq!(
        (large.status.as_u16(), json_of(&large)["error"]["reason"].as_str().unwrap()),
        (413, "MESSAGE_TOO_LARGE")
    );
    let batch = post(&web, "application/cloudevents-batch+json", "x".repeat(1024 * 1024 + 1)).await;
    assert_eq!(batch.status, 413);
    let fits = post(&web, "application/cloudevents-batch+json", " ".repeat(1024 * 1024)).await;
    assert_eq!(fits.status, 400, "it was read");
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn an_intake_that_does_not_answer_is_told_with_when_to_come_again() {
    let web = web().await;
    web.script().publish_events.refuses(unreachable);
    let page = post(&web, "application/cloudevents+json", event("1").to_string()).await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "5"));
    assert!(!page.has("internal words"), "PO5");
    web.script().publish_events.refuses(|| refusal(Code::Internal, ErrorReason::Internal));
    let page = post(&web, "application/cloudevents+json", event("1").to_string()).await;
    assert_eq!(page.status, 500);
    assert!(!page.has("internal words"), "PO5");
}

#[tokio::test]
async fn a_system_may_ask_beforehand_whether_it_may_post() {
    let web = web().await;
    let asked = web.request(Method::OPTIONS, "/events", &[("webhook-request-origin", "shop.example")], "").await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("webhook-allowed-origin"), "shop.example");
    assert_eq!((asked.header("webhook-allowed-rate"), asked.header("allow")), ("*", "OPTIONS, POST"));
    let odd = web.request(Method::OPTIONS, "/events", &[("webhook-request-origin", "a b<c>")], "").await;
    assert_eq!(odd.header("webhook-allowed-origin"), "");
    let get = web.get("/events").await;
    assert_eq!(get.status, 405);
    assert!(json_of(&get)["error"]["reason"].is_string());
}
