use proptest::prelude::*;

use super::*;

fn reason(text: &str) -> &'static str {
    WebLink::parse(text).unwrap_err().reason
}

#[test]
fn links_of_the_web_are_accepted() {
    for (text, link) in [
        ("https://example.com/track/AB123", "https://example.com/track/AB123"),
        ("http://example.com:8080/?id=1&x=2#top", "http://example.com:8080/?id=1&x=2#top"),
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://example.com/@handle?mail=a@b.example", "https://example.com/@handle?mail=a@b.example"),
    ] {
        assert_eq!(WebLink::parse(text).unwrap().as_str(), link);
    }
}

#[test]
fn other_schemes_are_refused() {
    for text in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "mailto:a@example.com",
        "httpx://example.com",
        "blob:https://example.com/1",
        "view-source:https://example.com",
    ] {
        assert_eq!(reason(text), "LINK_SCHEME", "{text}");
    }
}

#[test]
fn what_a_browser_would_have_to_repair_is_malformed() {
    for text in [
        "",
        "example.com",
        "/track/1",
        "//example.com",
        "https://",
        "https:///example.com",
        "https:example.com",
        "https:/example.com",
        "https://?x",
        "https://user@example.com",
        "https://user:secret@example.com",
        "https://@example.com",
        "https://:@example.com",
        "https://example.com\\@evil.example",
        "https:\\\\example.com",
        "https://example.com\\evil",
        " https://example.com",
        "https://example.com ",
        "https://exa mple.com",
        "https://example.com/\n",
        "https://exam\tple.com",
        "java\nscript:alert(1)",
        "https://example.com/\0",
        "https://example.com/\u{85}",
        "https://example.com:99999/",
        "https://exa<mple.com",
    ] {
        assert_eq!(reason(text), "LINK_MALFORMED", "{text:?}");
    }
}

#[test]
fn a_link_has_at_most_2048_bytes_before_and_after_escaping() {
    let prefix = "https://example.com/";
    assert!(WebLink::parse(&format!("{prefix}{}", "a".repeat(2_048 - prefix.len()))).is_ok());
    assert_eq!(reason(&format!("{prefix}{}", "a".repeat(2_049 - prefix.len()))), "LINK_MALFORMED");
    assert_eq!(reason(&format!("{prefix}{}", "ü".repeat(500))), "LINK_MALFORMED");
}

#[test]
fn a_link_is_serialised_as_text_and_checked_when_read() {
    let link = WebLink::parse("https://example.com/1").unwrap();

    assert_eq!(serde_json::to_string(&link).unwrap(), r#""https://example.com/1""#);
    assert_eq!(serde_json::from_str::<WebLink>(r#""https://example.com/1""#).unwrap(), link);
    assert!(serde_json::from_str::<WebLink>(r#""javascript:alert(1)""#).is_err());
}

proptest! {
    #[test]
    fn whatever_is_accepted_stays_as_it_is(text in "(https?:)?/{0,3}[a-z@:.]{0,10}[\\PC\r\n\t]{0,20}") {
        if let Ok(link) = WebLink::parse(&text) {
            prop_assert!(link.as_str().starts_with("http://") || link.as_str().starts_with("https://"));
            prop_assert!(link.as_str().is_ascii() && !link.as_str().contains(|c: char| c.is_control() || c == ' '));
            prop_assert_eq!(WebLink::parse(link.as_str()).unwrap(), link);
        }
    }
}
