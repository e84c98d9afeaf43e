//! What every request passes.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use seva_proto::tickets::v1::GetConversationResponse;

use crate::web::{TOKEN, Web, link_invalid};

#[tokio::test]
async fn every_answer_tells_browsers_to_run_keep_and_pass_on_nothing() {
    let web = Web::new().await;
    web.script().get_questionnaire.refuses(link_invalid);
    for path in ["/nothing", &format!("/survey/{TOKEN}"), "/healthz", "/events"] {
        let page = web.get(path).await;
        let policy = page.header("content-security-policy");
        assert_eq!(
            policy, "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("strict-transport-security"), "", "{path}");
        assert_eq!(page.header("set-cookie"), "", "{path}");
    }
    let style = web.get("/style.css").await;
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, "text/css; charset=utf-8"));
}

#[tokio::test]
async fn over_https_browsers_are_told_to_come_by_no_other_way() {
    let web = Web::with(|settings| settings.public_url = "https://help.example.com".parse().unwrap()).await;
    assert!(web.get("/healthz").await.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn an_unknown_path_has_a_page_in_the_browsers_language() {
    let web = Web::new().await;
    let page = web.get_in("/survey", "hi").await;
    assert_eq!(page.status, 404);
    assert!(page.has("यह पेज मौजूद नहीं है") && page.has("Asha &#38; Sons &#60;Ltd&#62;"));
    assert_eq!(web.get("/dev/mail").await.status, 404, "PO6: no folder, no mails");
}

#[tokio::test]
async fn a_page_is_only_asked_for_as_it_can_be() {
    let web = Web::new().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let page = web.request(method, &format!("/survey/{TOKEN}"), &[], "").await;
        assert_eq!(page.status, 405);
        assert!(page.header("allow").contains("GET"));
    }
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_the_page() {
    let web = Web::new().await;
    let conversation = GetConversationResponse { conversation: Some(Default::default()) };
    web.script().get_conversation.answers(move |_| Ok(conversation.clone()));
    let page = web.request(Method::HEAD, &format!("/ticket/{TOKEN}"), &[], "").await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_not_passed_on() {
    let web = Web::new().await;
    for token in ["%3Cscript%3E", "a%20b", "..%2F..%2Fetc", "%00", &"x".repeat(600)] {
        for page in ["survey", "ticket", "place", "preferences", "unsubscribe"] {
            assert_eq!(web.get(&format!("/{page}/{token}")).await.status, 404, "{page} {token}");
        }
    }
    assert!(web.script().get_questionnaire.asked().is_empty());
}

#[tokio::test]
async fn a_form_or_an_address_larger_than_is_taken_is_refused() {
    let web = Web::with(|settings| settings.limits.max_form_bytes = 1000).await;
    let large = web.post(&format!("/survey/{TOKEN}"), &[("q_words", &"x".repeat(2000))]).await;
    assert_eq!(large.status, 413);
    let chunks = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>("x".repeat(100))));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let unannounced = web.request(Method::POST, &format!("/survey/{TOKEN}"), &form, Body::from_stream(chunks)).await;
    assert_eq!(unannounced.status, 413, "counted while it is read");
    let long = web.get(&format!("/survey/{TOKEN}?score={}", "4".repeat(5000))).await;
    assert_eq!(long.status, 414);
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn when_there_is_too_much_to_do_pages_are_refused_and_probes_are_not() {
    let web = Web::with(|settings| settings.limits.max_requests = 0).await;
    let busy = web.get_in(&format!("/survey/{TOKEN}"), "ur").await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "5"));
    assert!(busy.has("dir=\"rtl\""));
    assert_eq!(web.get("/healthz").await.status, 200);
    let events = web.request(Method::POST, "/events", &[], "").await;
    assert_eq!((events.status.as_u16(), events.header("content-type")), (503, "application/json"));
}

#[tokio::test]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let web = Web::with(|settings| settings.limits.request_within = Duration::from_millis(50)).await;
    let never = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let request = Request::post(format!("/survey/{TOKEN}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(never)
        .unwrap();
    assert_eq!(web.send(request).await.status, 503);
}

#[tokio::test]
async fn it_is_ready_only_while_it_serves() {
    let web = Web::new().await;
    assert_eq!(web.get("/readyz").await.status, 503);
    assert_eq!(web.get("/healthz").await.status, 200);
}
