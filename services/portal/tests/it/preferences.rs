//! The page of wishes.

use http::Method;
use seva_proto::{
    common::v1::ErrorReason,
    notifications::v1::{
        GetOwnPreferencesResponse, Preference, SetOwnPreferencesResponse, set_own_preferences_request::Wish,
    },
};
use seva_runtime::{Error, Violations, clock::machine_now};
use seva_values::{Invalid, Uuid};
use tonic::Code;

use crate::{
    web::{ATTACKS, Page, TOKEN, Web, link_ended, link_invalid, refusal, unreachable},
    written,
};

fn path() -> String {
    format!("/preferences/{TOKEN}")
}

pub fn preference(key: &str, wanted: bool, mandatory: bool) -> Preference {
    Preference { category: format!("categories/{key}"), wanted, mandatory, ..Preference::default() }
}

/// As the categories of an installation are, and one that is newer than the portal.
pub fn preferences(language: &str) -> GetOwnPreferencesResponse {
    let preferences = vec![
        preference("billing", true, true),
        preference("delivery", true, true),
        preference("gift_cards", false, false),
        preference("order_updates", true, true),
        preference("surveys", false, false),
        preference("tickets", true, false),
        preference("welcome", true, false),
    ];
    GetOwnPreferencesResponse { preferences, language: language.to_owned() }
}

async fn web(preferences: GetOwnPreferencesResponse) -> Web {
    let web = Web::new().await;
    web.script().get_own_preferences.answers(move |_| Ok(preferences.clone()));
    web.script().set_own_preferences.answers(|_| Ok(SetOwnPreferencesResponse::default()));
    web
}

/// The fields that a form sends as it was made, with these categories marked.
fn fields(page: &Page, wanted: &[&str]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for input in page.body.split("<input type=\"hidden\" ").skip(1) {
        let value =
            |name: &str| input.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
        fields.push((value("name"), value("value")));
    }
    fields.extend(wanted.iter().map(|key| ("wanted".to_owned(), format!("categories/{key}"))));
    fields
}

async fn send(web: &Web, page: &Page, wanted: &[&str]) -> Page {
    let fields = fields(page, wanted);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    web.post(&path(), &fields).await
}

fn wish(key: &str, wanted: bool) -> Wish {
    Wish { category: format!("categories/{key}"), wanted }
}

#[tokio::test]
async fn every_category_is_shown_in_words_and_what_is_always_sent_cannot_be_changed() {
    let web = web(preferences("en-IN")).await;

    let page = web.get(&path()).await;

    assert_eq!(page.status, 200);
    let form = page.between("<form", "</form>");
    for (key, title, marked) in [
        ("tickets", "Your requests to customer service", " checked"),
        ("welcome", "Welcome and thanks", " checked"),
        ("surveys", "Questions about how it went", ""),
        ("gift_cards", "Other messages (gift cards)", ""),
    ] {
        let field = format!("name=\"wanted\" value=\"categories/{key}\"{marked}>\n<span>{title}");
        assert!(form.contains(&field), "{field} in {form}");
    }
    let always = page.between("These messages are always sent", "</section>");
    for title in ["Invoices and payments", "Delivery of your parcels", "News about your orders"] {
        assert!(always.contains(title) && !form.contains(title), "{title}");
    }
    assert_eq!(always.matches("always on").count(), 3);
    assert!(!always.contains("<input"));
    assert!(!page.has("role=\"status\"") && !page.has("role=\"alert\""));

    assert_eq!(web.get(&format!("{}?saved=yes&wanted=categories/surveys", path())).await.status, 200);
    assert_eq!(web.request(Method::HEAD, &path(), &[], "").await.status, 200);
    let asked = web.script().get_own_preferences.asked();
    assert!(asked.iter().all(|asked| asked.message.token == TOKEN && asked.caller == "service:portal"));
    assert_eq!(web.script().writes(), 0, "PO1");
}

#[tokio::test]
async fn what_was_changed_is_recorded_and_nothing_else() {
    let web = web(preferences("en")).await;
    let page = web.get(&path()).await;

    let saved = send(&web, &page, &["surveys", "welcome"]).await;

    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, &*format!("{}?saved=changed", path())));
    let asked = &web.script().set_own_preferences.messages()[0];
    assert_eq!(asked.token, TOKEN);
    assert_eq!(asked.wishes, [wish("tickets", false), wish("surveys", true)]);
    assert!(Uuid::parse_str(&asked.request_id).is_ok());
    assert!(web.get(saved.header("location")).await.has("<p class=\"note\" role=\"status\">Your choice is saved.</p>"));
}

#[tokio::test]
async fn a_form_without_a_change_records_nothing_and_says_so() {
    let web = web(preferences("en")).await;
    let page = web.get(&path()).await;

    let same = send(&web, &page, &["tickets", "welcome"]).await;

    assert_eq!(same.header("location"), format!("{}?saved=unchanged", path()));
    assert_eq!(web.script().writes(), 0);
    assert!(web.get(same.header("location")).await.has("Nothing was changed."));
}

#[tokio::test]
async fn what_was_changed_elsewhere_since_the_form_was_made_stays() {
    let web = web(preferences("en")).await;
    let page = web.get(&path()).await;
    let mut newer = preferences("en");
    newer.preferences[6].wanted = false;
    web.script().get_own_preferences.answers(move |_| Ok(newer.clone()));

    send(&web, &page, &["surveys", "tickets", "welcome"]).await;

    assert_eq!(web.script().set_own_preferences.messages()[0].wishes, [wish("surveys", true)]);
}

#[tokio::test]
async fn the_same_form_sent_twice_asks_for_the_same_and_a_changed_one_for_something_else() {
    let web = web(preferences("en")).await;
    let page = web.get(&path()).await;

    send(&web, &page, &["tickets"]).await;
    send(&web, &page, &["tickets"]).await;
    send(&web, &page, &[]).await;
    send(&web, &web.get(&path()).await, &["tickets"]).await;

    let asked = web.script().set_own_preferences.messages();
    assert_eq!(asked[0], asked[1]);
    assert_ne!(asked[0].request_id, asked[2].request_id);
    assert_ne!(asked[0].request_id, asked[3].request_id, "another form is another wish");
}

#[tokio::test]
async fn a_category_named_twice_is_asked_for_once() {
    let web = web(preferences("en")).await;
    let page = web.get(&path()).await;
    let seal = page.hidden("seal");
    let field = |name| (name, "categories/x");
    let fields = [("seal", seal.as_str()), field("shown_wanted"), field("shown_wanted"), field("shown_unwanted")];
    web.post(&path(), &[&fields[..], &[field("wanted"), field("wanted")]].concat()).await;
    assert_eq!(web.script().set_own_preferences.messages()[0].wishes, [wish("x", true)]);
}

#[tokio::test]
async fn a_choice_that_cannot_be_saved_is_told_over_the_choices_that_hold() {
    let web = web(preferences("bn")).await;
    let page = web.get(&path()).await;
    let invalid = || {
        let mut violations = Violations::default();
        violations.add("wishes[0].category", Invalid::new("NAME_MALFORMED", "looks like categories/{key}"));
        Error::from(violations)
    };
    for (status, refuse) in [
        (
            409,
            Box::new(|| refusal(Code::FailedPrecondition, ErrorReason::CategoryMandatory))
                as Box<dyn Fn() -> Error + Send + Sync>,
        ),
        (409, Box::new(|| refusal(Code::NotFound, ErrorReason::ResourceNotFound))),
        (400, Box::new(invalid)),
    ] {
        web.script().set_own_preferences.refuses(refuse);
        let refused = send(&web, &page, &[]).await;
        assert_eq!(refused.status, status);
        assert!(refused.has("role=\"alert\">আপনার পছন্দ সংরক্ষণ করা যায়নি।"), "{}", refused.body);
        assert!(refused.has("value=\"categories/tickets\" checked"), "what is shown is what holds");
        assert!(!refused.has("internal words") && !refused.has("NAME_MALFORMED"), "PO5");
    }
}

#[tokio::test]
async fn it_is_written_in_the_customers_language() {
    for (language, direction, texts) in [
        ("en", "ltr", ["Save", "Now and then we ask how satisfied you are.", "always on"]),
        ("hi", "ltr", ["सहेजें", "कभी-कभी हम पूछते हैं कि आप कितने संतुष्ट हैं।", "हमेशा चालू"]),
        ("bn", "ltr", ["সংরক্ষণ করুন", "মাঝেমধ্যে আমরা জানতে চাই, আপনি কতটা সন্তুষ্ট।", "সব সময় চালু"]),
        ("ur", "rtl", ["محفوظ کریں", "کبھی کبھار ہم پوچھتے ہیں کہ آپ کتنے مطمئن ہیں۔", "ہمیشہ جاری"]),
    ] {
        let page = web(preferences(language)).await.get_in(&path(), "en").await;
        assert!(page.has(&format!("<html lang=\"{language}\" dir=\"{direction}\">")));
        assert!(texts.iter().all(|text| page.has(text)), "{language}: {}", page.body);
    }
}

#[tokio::test]
async fn without_anything_to_choose_there_is_no_form() {
    let mut preferences = preferences("en");
    preferences.preferences.retain(|preference| preference.mandatory);
    let page = web(preferences).await.get(&path()).await;
    assert!(page.has("These messages are always sent") && !page.has("<form"));
}

#[tokio::test]
async fn a_form_that_is_not_ours_records_nothing() {
    let web = web(preferences("en")).await;
    let seal = web.get(&path()).await.hidden("seal");
    let now = machine_now();
    let soon = now + jiff::SignedDuration::from_hours(1);
    let stale = web.seal("preferences", TOKEN, now - jiff::SignedDuration::from_secs(1));
    let of_survey = web.seal("survey", TOKEN, soon);
    let of_unsubscribe = web.seal("unsubscribe", TOKEN, soon);
    let of_other = web.seal("preferences", &TOKEN.replace("0190", "0191"), soon);
    let cross_site = [("sec-fetch-site", "cross-site")];
    let foreign = [("origin", "https://evil.example")];
    let one_click = [("list-unsubscribe", "One-Click")];
    for (why, seal, headers) in [
        ("no seal", "", &[][..]),
        ("a made-up seal", "form.a.0.9999999999.k1.AAAA", &[]),
        ("a stale seal", &stale, &[]),
        ("the seal of a survey", &of_survey, &[]),
        ("the seal of unsubscribing", &of_unsubscribe, &[]),
        ("the seal of another link", &of_other, &[]),
        ("from another site", &seal, &cross_site),
        ("from another origin", &seal, &foreign),
        ("one click is for unsubscribing", "", &one_click),
    ] {
        let refused = web.post_with(&path(), &[("seal", seal), ("shown_wanted", "categories/tickets")], headers).await;
        assert_eq!(refused.status, 403, "PO2: {why}");
        assert!(refused.has("Nothing was changed"), "{why}");
    }
    let one_click = web.post(&path(), &[("List-Unsubscribe", "One-Click")]).await;
    assert_eq!(one_click.status, 403, "PO8");
    assert_eq!(web.script().writes(), 0, "PO2");

    // Made as those above were: it is the end, the page and the link that they were refused for.
    let good = web.seal("preferences", TOKEN, soon);
    let ours = [("sec-fetch-site", "same-origin"), ("origin", "null")];
    let fields = [("seal", good.as_str()), ("shown_wanted", "categories/tickets")];
    assert_eq!(web.post_with(&path(), &fields, &ours).await.status, 303);
}

#[tokio::test]
async fn nothing_that_anybody_wrote_runs_on_the_page() {
    let harmless = web(preferences("en")).await.get(&path()).await;
    for attack in ATTACKS {
        let name = "seva.notifications.v1.GetOwnPreferencesResponse";
        let attacked = written::everywhere(name, &preferences("en"), attack, &["en"]);
        let page = web(attacked).await.get(&format!("{}?saved=changed", path())).await;
        assert_eq!(page.status, 200, "{attack}");
        let saved = web(preferences("en")).await.get(&format!("{}?saved=changed", path())).await;
        page.assert_as_harmless_as(&saved);
        assert_eq!(page.body.matches("<input").count(), harmless.body.matches("<input").count());
    }
}

#[tokio::test]
async fn a_link_that_cannot_be_used_has_a_friendly_page() {
    let web = web(preferences("en")).await;
    let page = web.get(&path()).await;
    let script = web.script();
    for (status, refuse) in [(404, link_invalid as fn() -> Error), (410, link_ended), (503, unreachable)] {
        script.get_own_preferences.refuses(refuse);
        script.set_own_preferences.refuses(refuse);
        let shown = web.get(&path()).await;
        let saved = send(&web, &page, &[]).await;
        assert_eq!((shown.status.as_u16(), saved.status.as_u16()), (status, status));
        let retry = if status == 503 { "5" } else { "" };
        assert_eq!((shown.header("retry-after"), saved.header("retry-after")), (retry, retry));
        assert!(!shown.has("internal words") && !saved.has("internal words"), "PO5");
    }
}
