//! Articles by themselves: what can happen to them, what keeps a draft from being published, and how a query is taken apart.

mod plans;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use seva_proto::common::v1::ErrorReason;
use seva_values::{Language, LocalizedText};
use uuid::Uuid;

use super::{
    check::check,
    model::{
        Act, Article, ArticleVersion, Audience, Content, MediaKind, MediaLink, NewArticle, State, Text, choices, end_of,
    },
    search::{identifiers, words},
};
use crate::publishing::hash;

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

fn text(title: &str) -> Text {
    Text { title: title.to_owned(), body: "Close the tap, then look at the seal.".to_owned() }
}

fn link(url: &str) -> MediaLink {
    let alt_texts =
        LocalizedText::from_iter([(language("en"), "The seal".to_owned()), (language("hi"), "सील".to_owned())]);
    MediaLink { url: url.to_owned(), kind: MediaKind::Diagram, alt_texts }
}

/// Without any fault.
fn whole() -> Content {
    Content {
        texts: BTreeMap::from([(language("en"), text("It drips")), (language("hi"), text("पानी टपकता है"))]),
        media: vec![link("https://help.example.com/seal.png")],
        review_date: Some("2026-09-01".parse().unwrap()),
    }
}

fn article() -> Article {
    let new =
        NewArticle { display_name: "Drips".to_owned(), product: "WM-2000".to_owned(), audience: Audience::Public };
    Article::create(Uuid::from_u128(1), new, now())
}

fn found(content: &Content) -> Vec<(String, &'static str)> {
    check(content, now()).into_iter().map(|(field, invalid)| (field, invalid.reason)).collect()
}

/// TK81: each fault, by itself.
#[test]
fn every_fault_of_a_draft_is_found_where_it_is() {
    let with_english = |english: Text| {
        let mut content = whole();
        content.texts.insert(language("en"), english);
        content
    };
    let titled = |title: &str| with_english(text(title));
    let linked = |url: &str| Content { media: vec![link(url)], ..whole() };
    let said = |body: &str| with_english(Text { body: body.to_owned(), ..text("It drips") });
    let table: Vec<(Content, &str, &str)> = vec![
        (Content { texts: BTreeMap::from([(language("hi"), text("पानी"))]), ..whole() }, "texts", "LANGUAGE_MISSING"),
        (titled(" "), "texts[0].title", "TEXT_EMPTY"),
        (titled("two\nlines"), "texts[0].title", "TEXT_CONTROL_CHARACTER"),
        (titled(&"x".repeat(201)), "texts[0].title", "TEXT_TOO_LONG"),
        (titled("turned \u{202e}round"), "texts[0].title", "DIRECTION_OVERRIDE"),
        (said(""), "texts[0].body", "TEXT_EMPTY"),
        (said("turned \u{202d}round"), "texts[0].body", "DIRECTION_OVERRIDE"),
        (Content { review_date: None, ..whole() }, "review_date", "REVIEW_DATE_MISSING"),
        (Content { review_date: Some("2026-03-01".parse().unwrap()), ..whole() }, "review_date", "REVIEW_DATE_PASSED"),
        (linked("http://help.example.com/seal.png"), "media[0].url", "LINK_SCHEME"),
        (linked("javascript:alert(1)"), "media[0].url", "LINK_SCHEME"),
        (linked("https://"), "media[0].url", "LINK_MALFORMED"),
        (linked("seal.png"), "media[0].url", "LINK_MALFORMED"),
        (
            Content {
                media: vec![MediaLink {
                    alt_texts: LocalizedText::from_iter([(language("en"), "The seal".to_owned())]),
                    ..link("https://example.com/a")
                }],
                ..whole()
            },
            "media[0].alt_texts",
            "LANGUAGE_MISSING",
        ),
        (Content { media: vec![link("https://example.com/a"); 21], ..whole() }, "media", "MEDIA_TOO_MANY"),
    ];
    assert_eq!(found(&whole()), []);
    for (content, field, reason) in table {
        assert_eq!(found(&content), [(field.to_owned(), reason)]);
    }
    let nothing = Content::default();
    assert_eq!(found(&nothing).len(), 2, "everything at once");
}

#[test]
fn a_review_date_is_passed_when_its_day_is() {
    let today = Content { review_date: Some("2026-03-02".parse().unwrap()), ..whole() };
    assert_eq!(found(&today), []);
    assert_eq!(end_of("2026-03-02".parse().unwrap()), "2026-03-03T00:00:00Z".parse().unwrap());
    assert_eq!(end_of("9999-12-31".parse().unwrap()), Timestamp::MAX);
}

/// TK80, TK81: a draft is replaced until it is published; then another one follows, and nothing follows a retirement.
#[test]
fn an_article_goes_from_draft_to_version_to_version_until_it_is_retired() {
    let first = article().draft(Content::default(), now()).unwrap();
    let second = first.article.draft(whole(), now()).unwrap();
    assert_eq!((first.article.draft_number, second.article.draft_number), (Some(1), Some(1)));
    let draft = second.version.unwrap();

    let published = second.article.publish(draft, now()).unwrap();
    let Article { state, published_number, draft_number, stale_at, version, ref languages, .. } = published.article;
    assert_eq!((state, published_number, draft_number, version), (State::Published, Some(1), None, 4));
    assert_eq!((stale_at, languages.len()), (Some("2026-09-02T00:00:00Z".parse().unwrap()), 2));
    assert_eq!(published.act, Act::Published);

    let again = published.article.publish(published.version.unwrap(), now()).unwrap_err();
    assert_eq!(again.reason(), ErrorReason::StateForbids);
    let next = published.article.draft(Content::default(), now()).unwrap();
    assert_eq!((next.article.published_number, next.article.draft_number), (Some(1), Some(2)));
    let faulty = next.article.publish(next.version.unwrap(), now()).unwrap_err();
    assert_eq!(faulty.reason(), ErrorReason::DraftFaulty);

    let retired = next.article.retire(now()).unwrap().article;
    assert_eq!((retired.state, retired.stale_at), (State::Retired, None));
    let refused = [
        retired.draft(whole(), now()).map(drop),
        retired.retire(now()).map(drop),
        retired.published("TK82").map(drop),
        article().published("TK83").map(drop),
    ];
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().reason(), ErrorReason::StateForbids);
    }
}

#[test]
fn a_reader_gets_the_best_language_that_is_there() {
    let version = ArticleVersion {
        article: Uuid::from_u128(1),
        number: 1,
        content: whole(),
        hash: hash(&whole()),
        created_at: now(),
        published_at: Some(now()),
    };
    for (reader, given) in [("hi", "hi"), ("hi-IN", "hi"), ("ur", "en"), ("hi-Latn", "en"), ("en-IN", "en")] {
        let texts = version.clone().for_reader(&language(reader)).content.texts;
        assert_eq!(texts.keys().map(Language::as_str).collect::<Vec<_>>(), [given], "{reader}");
    }
    assert_eq!(choices(&language("bn-BD")), ["bn-BD", "bn", "en"].map(language));
    assert_eq!(choices(&language("en")), [language("en")]);
}

#[test]
fn a_hash_stands_for_all_that_a_version_says() {
    let mut other = whole();
    other.media[0].kind = MediaKind::Video;
    let later = Content { review_date: Some("2026-09-02".parse().unwrap()), ..whole() };
    let hashes = BTreeSet::from([hash(&whole()), hash(&other), hash(&later), hash(&Content::default())]);
    assert_eq!(hashes.len(), 4);
    assert_eq!(hash(&whole()), hash(&whole()));
}

#[test]
fn identifiers_are_found_however_they_are_written() {
    let all = |text: &str| identifiers(text).into_iter().collect::<Vec<_>>();
    assert_eq!(all("Error E-17 (wm_2000/B), see A-1029."), ["a1029", "e17", "wm2000"]);
    assert_eq!(all("e17 E17 E-17"), ["e17"]);
    assert_eq!(all("Wait 5 minutes, then 10."), [""; 0], "too short: they are words");
    assert_eq!(words("E-17 পানি পড়ছে 5"), "পানি পড়ছে 5");
    assert_eq!(words("A-1029"), "");
}

proptest! {
    /// What is taken apart is all there: a piece is a word or an identifier, and an identifier holds nothing that means something to LIKE.
    #[test]
    fn a_query_is_taken_apart_without_loss(query in "\\PC{0,60}") {
        for identifier in identifiers(&query) {
            prop_assert!(identifier.chars().all(char::is_alphanumeric));
            prop_assert!(identifier.chars().count() >= 3);
        }
        prop_assert!(identifiers(&words(&query)).is_empty());
    }
}
