//! The model of API keys.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seva_values::new_id;

use super::model::{ApiKey, NewApiKey, Source};

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn key_until(expires_at: Option<Timestamp>) -> NewApiKey {
    NewApiKey {
        display_name: "The shop".to_owned(),
        sources: vec![Source::parse("//shop.example").unwrap()],
        scopes: vec!["events.publish".to_owned()],
        expires_at,
    }
}

#[test]
fn a_source_has_a_host_and_no_scheme() {
    let long = format!("//{}.example", "x".repeat(245));
    for (text, is_source) in [
        ("//shop.example", true),
        ("//shop", true),
        ("//shop-2.example:8443", true),
        ("//shop.example/eu/west?", false),
        ("//shop.example/eu/west", true),
        ("//shop.example/", true),
        ("", false),
        ("//", false),
        ("/shop.example", false),
        ("///shop.example", false),
        ("shop.example", false),
        ("https://shop.example", false),
        ("//Shop.example", false),
        ("//shop..example", false),
        ("//-shop.example", false),
        ("//shop.example:", false),
        ("//shop.example:99999", false),
        ("//shop.example:http", false),
        ("//user@shop.example", false),
        ("//shop.example/a b", false),
        ("//shop.example/\r\nx", false),
        ("//दुकान.example", false),
        (&long, true),
        (&format!("{long}x"), false),
    ] {
        assert_eq!(Source::parse(text).is_ok(), is_source, "{text}");
    }
}

#[test]
fn a_key_begins_before_it_ends() {
    let created = |expires_at| ApiKey::create(new_id(), key_until(expires_at), now());

    assert!(created(None).is_ok());
    assert!(created(Some(now() + SignedDuration::from_micros(1))).is_ok());
    assert_eq!(created(Some(now())).unwrap_err().reason, "EXPIRY_PAST");
}

#[test]
fn a_key_is_ended_once() {
    let key = ApiKey::create(new_id(), key_until(None), now()).unwrap();

    let ended = key.revoke(now()).unwrap();

    assert_eq!((ended.version, ended.revoked_at), (2, Some(now())));
    assert_eq!(ended.revoke(now() + SignedDuration::from_secs(1)), None);
}

proptest! {
    #[test]
    fn a_source_is_kept_as_it_is_written_and_never_has_a_line_break(text in "(//)?[a-zA-Z0-9.:/ \r\n%-]{0,20}") {
        if let Ok(source) = Source::parse(&text) {
            prop_assert_eq!(source.as_str(), &text);
            prop_assert!(text.starts_with("//") && !text.contains(['\r', '\n', ' ']));
        }
    }
}
