use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> String {
    Email::parse(text).unwrap().to_string()
}

fn reason(text: &str) -> &'static str {
    Email::parse(text).unwrap_err().reason
}

#[test]
fn ordinary_addresses_are_accepted() {
    for address in
        ["asha@example.com", "a.b+tag@mail.example.co.in", "o'neil@example.com", "x@1.example.com", "_-_@a-b.example"]
    {
        assert_eq!(parsed(address), address);
    }
}

#[test]
fn the_domain_has_one_spelling_and_the_local_part_keeps_its_own() {
    assert_eq!(parsed("Asha.Rao@EXAMPLE.Com"), "Asha.Rao@example.com");
    assert_eq!(parsed("info@BÜCHER.example"), "info@xn--bcher-kva.example");
    assert_eq!(parsed("info@xn--bcher-kva.example"), "info@xn--bcher-kva.example");
    assert_eq!(parsed("आशा@उदाहरण.परीक्षा"), "आशा@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g");
    assert_eq!(Email::parse("a@EXAMPLE.com").unwrap().domain(), "example.com");
}

#[test]
fn line_breaks_are_told_apart_because_they_are_attacks() {
    for address in
        ["a@example.com\r\nBcc: b@example.com", "a\n@example.com", "a@exam\rple.com", "\n", "a@example.com\n"]
    {
        assert_eq!(reason(address), "EMAIL_LINE_BREAK", "{address:?}");
    }
}

#[test]
fn what_does_not_fit_into_an_envelope_is_too_long() {
    let label = "d".repeat(60);
    let domain = format!("{label}.{label}.{label}.example");
    assert!(Email::parse(&format!("{}@{domain}", "l".repeat(63))).unwrap().as_str().len() == 254);
    assert_eq!(reason(&format!("{}@{domain}", "l".repeat(64))), "EMAIL_TOO_LONG");
    assert!(Email::parse(&format!("{}@example.com", "l".repeat(64))).is_ok());
    assert_eq!(reason(&format!("{}@example.com", "l".repeat(65))), "EMAIL_TOO_LONG");
    assert_eq!(reason(&format!("a@{}.example", "d".repeat(64))), "EMAIL_MALFORMED");
    // Short as it is written, too long as it is sent.
    assert_eq!(reason(&format!("a@{}example", "ü.".repeat(32))), "EMAIL_TOO_LONG");
}

#[test]
fn what_is_no_address_is_malformed() {
    for address in [
        "",
        "@",
        "a",
        "a@",
        "@example.com",
        "a@@example.com",
        "a@b@example.com",
        " a@example.com",
        "a@example.com ",
        "a b@example.com",
        "a@exam ple.com",
        "a\t@example.com",
        "a\0@example.com",
        "a@example.com\0",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "\"a b\"@example.com",
        "Asha <a@example.com>",
        "<a@example.com>",
        "a@example",
        "a@localhost",
        "a@.com",
        "a@example.com.",
        "a@example..com",
        "a@-example.com",
        "a@example-.com",
        "a@exa_mple.com",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        "a@[::1]",
        "a@exa%6dple.com",
        "a@example.com/path",
        "a@example.com:25",
        "a@example.com?x",
        "a@example.com#x",
        "a,b@example.com",
        "a;b@example.com",
        "a@example.com,b.example",
        "mailto:a@example.com",
        "(comment)a@example.com",
        "a\\@example.com",
        "a\u{202e}b@example.com",
        "a\u{200b}@example.com",
        "a@exam\u{2028}ple.com",
        "a\u{85}@example.com",
        "a\u{2028}@example.com",
        "a@xn--.com",
    ] {
        assert_eq!(reason(address), "EMAIL_MALFORMED", "{address:?}");
    }
}

#[test]
fn no_log_and_no_refusal_shows_the_address() {
    let email = Email::parse("asha@example.com").unwrap();
    assert_eq!(format!("{email:?} {:#?}", Some(&email)), "Email(redacted) Some(\n    Email(redacted),\n)");

    for refused in ["asha@secret", "asha secret@example.com", "asha\n@secret"] {
        let refusal = format!("{:?}", Email::parse(refused).unwrap_err());
        assert!(!refusal.contains("asha") && !refusal.contains("secret"), "{refusal}");
    }
    let refusal = serde_json::from_str::<Email>(r#""asha@secret""#).unwrap_err().to_string();
    assert!(!refusal.contains("asha"), "{refusal}");
}

#[test]
fn an_address_is_serialised_as_text_and_checked_when_read() {
    let email = Email::parse("asha@example.com").unwrap();

    assert_eq!(serde_json::to_string(&email).unwrap(), r#""asha@example.com""#);
    assert_eq!(serde_json::from_str::<Email>(r#""asha@EXAMPLE.com""#).unwrap(), email);
    assert!(serde_json::from_str::<Email>(r#""asha""#).is_err());
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_one_safe_word_and_stays_as_it_is(text in "[\\PC\r\n]{0,8}@?[\\PC\r\n]{0,8}(\\.com)?") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert!(!email.as_str().contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;:\"()[]\\".contains(c)));
            prop_assert_eq!(email.as_str().matches('@').count(), 1);
            prop_assert!(email.domain().is_ascii());
            prop_assert_eq!(Email::parse(email.as_str()).unwrap().to_string(), email.to_string());
        }
    }

    #[test]
    fn every_plain_address_is_accepted(address in "[a-z0-9]{1,20}(\\.[a-z0-9+_-]{1,20}){0,2}@([a-z][a-z0-9]{0,20}\\.){1,3}[a-z]{2,10}") {
        prop_assert_eq!(Email::parse(&address).unwrap().to_string(), address);
    }
}
