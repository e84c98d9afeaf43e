use http::HeaderValue;
use seva_runtime::auth::links::LinkKeys;

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

#[test]
fn a_browser_that_names_another_site_is_refused() {
    let ours = Uri::from_static("https://help.example.com");
    for (told, comes) in [
        (&[][..], true),
        (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("origin", "https://help.example.com")], true),
        (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
        (&[("origin", "http://help.example.com")], false),
        (&[("origin", "https://help.example.com.evil.example"), ("host", "help.example.com")], false),
        (&[("origin", "not an origin")], false),
    ] {
        assert_eq!(comes_from_us(&headers(told), &ours), comes, "{told:?}");
    }
}

#[test]
fn a_seal_is_good_for_its_page_and_link_only() {
    let signer = LinkSigner::new(LinkKeys::generate());
    let (mine, other) = (Token::parse("survey.a").unwrap(), Token::parse("survey.b").unwrap());
    let proof = Proof::new(&signer, "survey", &mine);
    let sealed = signer.verify(&proof.seal, PURPOSE, machine_now()).unwrap();
    assert_eq!(sealed.subject, subject("survey", &mine));
    assert_ne!(sealed.subject, subject("survey", &other));
    assert_ne!(sealed.subject, subject("ticket", &mine));
    assert!(!proof.seal.contains("survey.a"), "the link does not stand in the seal");
}

#[test]
fn the_same_form_asks_for_the_same_and_another_for_another() {
    let id = |body: &[u8]| Fields::parse(body).request_id("save");
    assert_eq!(id(b"nonce=1&q_a=4"), id(b"nonce=1&q_a=4"));
    assert_ne!(id(b"nonce=1&q_a=4"), id(b"nonce=1&q_a=5"));
    assert_ne!(id(b"nonce=1&q_a=4"), id(b"nonce=2&q_a=4"));
    assert_ne!(id(b"ab=c"), id(b"a=bc"), "lengths are part of it");
    assert_ne!(Fields::parse(b"a=b").request_id("x"), Fields::parse(b"a=b").request_id("y"));
    let parsed: Uuid = id(b"a=b").parse().unwrap();
    assert_eq!(parsed.get_version_num(), 8);
}

#[test]
fn a_form_with_ten_thousand_fields_is_cut_off() {
    let body = "a=1&".repeat(10_000);
    assert_eq!(Fields::parse(body.as_bytes()).all("a").count(), MAX_FIELDS);
}
