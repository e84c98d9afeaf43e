//! The end of one sort of messages, by form and by one click (RFC 8058).

use http::Method;
use seva_proto::notifications::v1::{GetSubscriptionResponse, Preference, UnsubscribeResponse};
use seva_runtime::{Error, clock::machine_now};
use seva_values::Uuid;

use crate::{
    preferences::preference,
    web::{ATTACKS, Page, TOKEN, Web, link_ended, link_invalid, unreachable},
    written,
};

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=----=_b1";
const PARTS: &str =
    "------=_b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n------=_b1--\r\n";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

fn path() -> String {
    format!("/unsubscribe/{TOKEN}")
}

pub async fn web(preference: Preference, language: &str) -> Web {
    let web = Web::new().await;
    let ended = UnsubscribeResponse {
        preference: Some(Preference { wanted: false, ..preference.clone() }),
        language: language.to_owned(),
    };
    let told = GetSubscriptionResponse { preference: Some(preference), language: language.to_owned() };
    web.script().get_subscription.answers(move |_| Ok(told.clone()));
    web.script().unsubscribe.answers(move |_| Ok(ended.clone()));
    web
}

async fn surveys() -> Web {
    web(preference("surveys", true, false), "en").await
}

/// What a mail program sends.
async fn send(web: &Web, content_type: &str, body: &str, headers: &[(&str, &str)]) -> Page {
    let headers = [&[("content-type", content_type)], headers].concat();
    web.request(Method::POST, &path(), &headers, body.to_owned()).await
}

#[tokio::test]
async fn looking_shows_what_would_end_and_ends_nothing() {
    let web = surveys().await;

    let page = web.get(&path()).await;

    assert_eq!(page.status, 200);
    for text in ["Stop these messages?", "Questions about how it went", "Everything else that you get from us stays"] {
        assert!(page.has(text), "{text}");
    }
    assert!(page.between("<form", "</form>").contains("<button type=\"submit\">Stop these messages</button>"));
    for address in [format!("{}?List-Unsubscribe=One-Click", path()), format!("{}?confirm=1", path())] {
        assert_eq!(web.get(&address).await.status, 200);
        assert_eq!(web.request(Method::HEAD, &address, &[], "").await.status, 200);
    }
    let asked = web.script().get_subscription.asked();
    assert!(asked.iter().all(|asked| asked.message.token == TOKEN && asked.caller == "service:portal"));
    assert_eq!(web.script().writes(), 0, "PO1");
}

#[tokio::test]
async fn the_button_ends_them_and_the_page_tells_how_to_undo_it() {
    let web = surveys().await;
    let page = web.get(&path()).await;
    let (seal, nonce) = (page.hidden("seal"), page.hidden("nonce"));
    let fields = [("seal", seal.as_str()), ("nonce", nonce.as_str())];

    let ended = web.post(&path(), &fields).await;
    let again = web.post(&path(), &fields).await;

    assert_eq!((ended.status.as_u16(), ended.header("location")), (303, &*path()));
    assert_eq!(again.status, 303);
    let asked = web.script().unsubscribe.messages();
    assert_eq!((asked[0].token.as_str(), &asked[0]), (TOKEN, &asked[1]), "PO2: the same form counts once");
    assert!(Uuid::parse_str(&asked[0].request_id).is_ok());

    let now =
        GetSubscriptionResponse { preference: Some(preference("surveys", false, false)), language: "en".to_owned() };
    web.script().get_subscription.answers(move |_| Ok(now.clone()));
    let done = web.get(ended.header("location")).await;
    assert_eq!(done.status, 200);
    for text in ["You will not get these messages any more", "Questions about how it went", "Changed your mind?"] {
        assert!(done.has(text), "{text}");
    }
    assert!(!done.has("<form"));
}

#[tokio::test]
async fn one_click_of_a_mail_program_ends_them_without_anything_else() {
    for (content_type, body) in [
        (URLENCODED, ONE_CLICK),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", ONE_CLICK),
        (MULTIPART, PARTS),
        ("multipart/form-data; charset=utf-8; boundary=\"----=_b1\"", PARTS),
    ] {
        let web = surveys().await;
        let ended = send(&web, content_type, body, &[]).await;
        assert_eq!(ended.status, 200, "PO8: {content_type}");
        assert_eq!(
            (ended.header("location"), ended.header("set-cookie")),
            ("", ""),
            "RFC 8058: no redirect, no cookie"
        );
        assert!(ended.has("You will not get these messages any more") && ended.has("Changed your mind?"));
        assert_eq!(web.script().unsubscribe.messages()[0].token, TOKEN);
        assert_eq!(web.script().unsubscribe.asked()[0].caller, "service:portal");
    }
}

#[tokio::test]
async fn one_click_counts_wherever_it_comes_from() {
    let web = surveys().await;
    for headers in [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://webmail.example")][..],
        &[("sec-fetch-site", "none")],
        &[("origin", "null")],
        &[("cookie", "session=of-somebody"), ("user-agent", "Mail/1.0")],
    ] {
        assert_eq!(send(&web, URLENCODED, ONE_CLICK, headers).await.status, 200, "{headers:?}");
    }
    assert_eq!(web.script().writes(), 4);
}

#[tokio::test]
async fn one_click_again_ends_them_again() {
    let web = surveys().await;
    for _ in 0..2 {
        assert_eq!(send(&web, URLENCODED, ONE_CLICK, &[]).await.status, 200);
    }
    let asked = web.script().unsubscribe.messages();
    // Wished for in between and ended once more, the first answer would be the wrong one.
    assert_ne!(asked[0].request_id, asked[1].request_id);
}

#[tokio::test]
async fn only_the_one_body_ends_them_without_a_form_of_ours() {
    let web = surveys().await;
    let in_parts = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--b--\r\n")
    };
    let twice = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n";
    let cases = [
        (URLENCODED, String::new()),
        (URLENCODED, "List-Unsubscribe=one-click".to_owned()),
        (URLENCODED, "list-unsubscribe=One-Click".to_owned()),
        (URLENCODED, "List-Unsubscribe=One-Click&more=1".to_owned()),
        (URLENCODED, "more=1&List-Unsubscribe=One-Click".to_owned()),
        (URLENCODED, "List-Unsubscribe=One-Click&List-Unsubscribe=One-Click".to_owned()),
        (URLENCODED, "List-Unsubscribe=One-Click\r\n".to_owned()),
        (URLENCODED, "List-Unsubscribe".to_owned()),
        ("text/plain", ONE_CLICK.to_owned()),
        ("application/json", "{\"List-Unsubscribe\": \"One-Click\"}".to_owned()),
        ("", ONE_CLICK.to_owned()),
        ("multipart/form-data", in_parts("List-Unsubscribe", "One-Click")),
        ("multipart/form-data; boundary=other", in_parts("List-Unsubscribe", "One-Click")),
        ("multipart/form-data; boundary=b", in_parts("List-Unsubscribe", "one-click")),
        ("multipart/form-data; boundary=b", in_parts("unsubscribe", "One-Click")),
        ("multipart/form-data; boundary=b", in_parts("List-Unsubscribe\"; filename=\"x", "One-Click")),
        ("multipart/form-data; boundary=b", format!("{twice}{}", in_parts("more", "1"))),
        ("multipart/mixed; boundary=b", in_parts("List-Unsubscribe", "One-Click")),
    ];
    for (content_type, body) in cases {
        let refused = send(&web, content_type, &body, &[]).await;
        assert!(matches!(refused.status.as_u16(), 400 | 403), "PO8: {content_type} {body}");
        assert!(refused.has("Nothing was changed"), "{body}");
        let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert_eq!(send(&web, content_type, &body, &headers).await.status, 403, "PO2: {content_type} {body}");
    }
    assert_eq!(web.script().writes(), 0, "PO8");
}

#[tokio::test]
async fn a_form_that_is_not_ours_ends_nothing() {
    let web = surveys().await;
    let seal = web.get(&path()).await.hidden("seal");
    let now = machine_now();
    let soon = now + jiff::SignedDuration::from_hours(1);
    let stale = web.seal("unsubscribe", TOKEN, now - jiff::SignedDuration::from_secs(1));
    let of_preferences = web.seal("preferences", TOKEN, soon);
    let of_other = web.seal("unsubscribe", &TOKEN.replace("0190", "0191"), soon);
    let cross_site = [("sec-fetch-site", "cross-site")];
    let foreign = [("origin", "https://evil.example")];
    for (why, seal, headers) in [
        ("no seal", "", &[][..]),
        ("a made-up seal", "form.a.0.9999999999.k1.AAAA", &[]),
        ("a stale seal", &stale, &[]),
        ("the seal of the wishes", &of_preferences, &[]),
        ("the seal of another link", &of_other, &[]),
        ("from another site", &seal, &cross_site),
        ("from another origin", &seal, &foreign),
    ] {
        let refused = web.post_with(&path(), &[("seal", seal), ("nonce", "1")], headers).await;
        assert_eq!(refused.status, 403, "PO2: {why}");
    }
    // With a seal that does not hold, the words of one click do not help.
    let both = web.post(&path(), &[("seal", &stale), ("List-Unsubscribe", "One-Click")]).await;
    assert_eq!(both.status, 403, "PO8");
    assert_eq!(web.script().writes(), 0, "PO2");

    // Made as those above were: it is the end, the page and the link that they were refused for.
    let good = web.seal("unsubscribe", TOKEN, soon);
    assert_eq!(web.post(&path(), &[("seal", &good)]).await.status, 303);
}

#[tokio::test]
async fn what_has_ended_is_told_and_cannot_be_ended_again() {
    let page = web(preference("surveys", false, false), "hi").await.get(&path()).await;
    assert_eq!(page.status, 200);
    assert!(page.has("अब आपको ये संदेश नहीं मिलेंगे") && !page.has("<form"));
}

#[tokio::test]
async fn what_is_always_sent_cannot_be_ended() {
    let page = web(preference("billing", true, true), "ur").await.get(&path()).await;
    assert_eq!(page.status, 409);
    assert!(page.has("یہ پیغامات ہمیشہ بھیجے جاتے ہیں") && !page.has("<form"));
}

#[tokio::test]
async fn both_pages_are_written_in_the_customers_language() {
    for (language, direction, button, done) in [
        ("en", "ltr", "Stop these messages</button>", "Changed your mind?"),
        ("hi", "ltr", "ये संदेश बंद करें</button>", "इरादा बदल गया?"),
        ("bn", "ltr", "এই বার্তাগুলো বন্ধ করুন</button>", "মত বদলেছে?"),
        ("ur", "rtl", "یہ پیغامات بند کریں</button>", "ارادہ بدل گیا؟"),
    ] {
        let web = web(preference("surveys", true, false), language).await;
        let html = format!("<html lang=\"{language}\" dir=\"{direction}\">");
        let asked = web.get_in(&path(), "en").await;
        assert!(asked.has(&html) && asked.has(button), "{language}");
        let ended = send(&web, URLENCODED, ONE_CLICK, &[("accept-language", "en")]).await;
        assert!(ended.has(&html) && ended.has(done), "{language}");
    }
}

#[tokio::test]
async fn nothing_that_anybody_wrote_runs_on_the_pages() {
    let harmless = surveys().await;
    let (asked, ended) = (harmless.get(&path()).await, send(&harmless, URLENCODED, ONE_CLICK, &[]).await);
    for attack in ATTACKS {
        let name = "seva.notifications.v1.Preference";
        let attacked = written::everywhere(name, &preference("surveys", true, false), attack, &[]);
        let web = web(attacked, attack).await;
        web.get(&path()).await.assert_as_harmless_as(&asked);
        send(&web, URLENCODED, ONE_CLICK, &[]).await.assert_as_harmless_as(&ended);
    }
}

#[tokio::test]
async fn a_link_that_cannot_be_used_has_a_friendly_page() {
    let web = surveys().await;
    for (status, refuse) in [(404, link_invalid as fn() -> Error), (410, link_ended), (503, unreachable)] {
        web.script().get_subscription.refuses(refuse);
        web.script().unsubscribe.refuses(refuse);
        let shown = web.get(&path()).await;
        let ended = send(&web, URLENCODED, ONE_CLICK, &[("accept-language", "ur")]).await;
        assert_eq!((shown.status.as_u16(), ended.status.as_u16()), (status, status));
        assert!(ended.has("dir=\"rtl\""));
        let retry = if status == 503 { "5" } else { "" };
        assert_eq!((shown.header("retry-after"), ended.header("retry-after")), (retry, retry));
        assert!(!shown.has("internal words") && !ended.has("internal words"), "PO5");
    }
}
