use std::collections::BTreeSet;

use http::HeaderValue;
use seva_proto::descriptor_pool;
use seva_values::Direction;

use super::*;

/// Every path of a file, such as `notices.busy.title`, with its text.
fn entries(prefix: &str, value: &toml::Value, into: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                entries(&path, value, into);
            }
        }
        toml::Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                entries(&format!("{prefix}[{number}]"), item, into);
            }
        }
        other => into.push((prefix.to_owned(), other.as_str().unwrap_or_default().to_owned())),
    }
}

fn files() -> Vec<(&'static str, Vec<(String, String)>)> {
    let read = |name, text: &str| {
        let mut found = Vec::new();
        entries("", &toml::from_str(text).unwrap(), &mut found);
        (name, found)
    };
    vec![
        read("en", include_str!("../../texts/en.toml")),
        read("hi", include_str!("../../texts/hi.toml")),
        read("bn", include_str!("../../texts/bn.toml")),
        read("ur", include_str!("../../texts/ur.toml")),
    ]
}

fn placeholders(text: &str) -> BTreeSet<String> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_key_stands_in_all_four_languages_with_the_same_placeholders() {
    let files = files();
    let (_, english) = &files[0];
    for (language, texts) in &files {
        let keys = |texts: &[(String, String)]| texts.iter().map(|(key, _)| key.clone()).collect::<BTreeSet<_>>();
        assert_eq!(keys(texts), keys(english), "{language}");
        for ((key, text), (_, original)) in texts.iter().zip(english) {
            assert!(!text.trim().is_empty() || key == "zero", "{language}: {key} is empty");
            assert_eq!(placeholders(text), placeholders(original), "{language}: {key}");
        }
    }
}

#[test]
fn no_text_was_left_in_english() {
    let files = files();
    let (_, english) = &files[0];
    for (language, texts) in &files[1..] {
        for ((key, text), (_, original)) in texts.iter().zip(english) {
            let same_anyway = matches!(key.as_str(), "zero" | "comma" | "direction");
            assert!(same_anyway || text != original, "{language}: {key}");
        }
    }
}

#[test]
fn every_file_is_read_and_names_its_own_direction() {
    for texts in ALL.iter() {
        let language = Language::parse(&texts.language).unwrap();
        let expected = if language.direction() == Direction::RightToLeft { "rtl" } else { "ltr" };
        assert_eq!(texts.direction, expected, "{}", texts.language);
    }
}

/// The keys of an enum of the contract, without its zero value.
fn keys_of(name: &str, prefix: &str) -> Vec<String> {
    let values = descriptor_pool().get_enum_by_name(name).unwrap();
    values.values().filter(|value| value.number() != 0).map(|value| key(value.name(), prefix)).collect()
}

#[test]
fn every_value_of_the_contract_that_is_shown_has_its_word() {
    type Chosen = fn(&Texts) -> &Words;
    let shown: [(&str, &str, Chosen); 4] = [
        ("seva.customers.v1.Order.State", "STATE_", |texts| &texts.place.order_states),
        ("seva.customers.v1.Invoice.State", "STATE_", |texts| &texts.place.invoice_states),
        ("seva.tickets.v1.Ticket.State", "STATE_", |texts| &texts.ticket.states),
        ("seva.tickets.v1.Ticket.Kind", "KIND_", |texts| &texts.ticket.kinds),
    ];
    for (name, prefix, words) in shown {
        for key in keys_of(name, prefix) {
            assert!(ALL.iter().all(|texts| words(texts).contains_key(&key)), "{name}: {key}");
        }
    }
    let channels = keys_of("seva.common.v1.Channel", "CHANNEL_");
    assert!(channels.iter().all(|key| ALL.iter().all(|texts| texts.place.channels.contains_key(key))));
}

#[test]
fn a_reader_gets_the_nearest_language() {
    for (asked, given) in [
        ("hi", "hi"),
        ("bn-BD", "bn"),
        ("ur-PK", "ur"),
        ("en-IN", "en"),
        ("ta", "en"),
        ("hi-Latn-IN", "en"),
        ("", "en"),
    ] {
        assert_eq!(of(asked).language, given, "{asked}");
    }
}

#[test]
fn an_unknown_reader_gets_what_the_browser_wishes() {
    for (wishes, given) in [
        ("ur-PK,ur;q=0.9,en;q=0.8", "ur"),
        ("ta, hi;q=0.5, en;q=0.4", "hi"),
        ("en;q=0.1,bn;q=0.7", "bn"),
        ("hi;q=0,en", "en"),
        ("*", "en"),
        ("hi;q=nan,;;,q=", "en"),
        ("", "en"),
    ] {
        let headers = [(ACCEPT_LANGUAGE, HeaderValue::from_static(wishes))].into_iter().collect();
        assert_eq!(accepted(&headers).language, given, "{wishes}");
    }
    assert_eq!(accepted(&HeaderMap::new()).language, "en");
}

#[test]
fn a_text_without_the_readers_language_is_shown_in_english_or_as_it_is() {
    let one = |language: &str, text: &str| Translation { language: language.to_owned(), text: text.to_owned() };
    let both = [one("hi", "प्रश्न"), one("en", "question")];
    assert_eq!(translated(&both, "hi-IN"), ("प्रश्न", "hi"));
    assert_eq!(translated(&both, "ur"), ("question", "en"));
    assert_eq!(translated(&both[..1], "ur"), ("प्रश्न", "hi"));
    assert_eq!(translated(&[], "ur"), ("", ""));
}

#[test]
fn what_is_put_in_among_words_from_the_right_is_set_apart() {
    assert_eq!(of("en").filled("Order {number}", "number", "1029-A"), "Order 1029-A");
    assert_eq!(of("ur").filled("آرڈر {number}", "number", "1029-A"), "آرڈر \u{2068}1029-A\u{2069}");
}

#[test]
fn an_age_is_told_in_the_largest_unit_that_fits() {
    for (seconds, words) in [
        (-5, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3_599, "59 minutes ago"),
        (3_600, "1 hour ago"),
        (86_399, "23 hours ago"),
        (86_400, "1 day ago"),
        (400 * 86_400, "400 days ago"),
    ] {
        assert_eq!(of("en").ago(jiff::SignedDuration::from_secs(seconds)), words, "{seconds}");
    }
    let age = jiff::SignedDuration::from_hours(3);
    assert_eq!(of("hi").ago(age), "3 घंटे पहले");
    assert_eq!(of("bn").ago(age), "৩ ঘণ্টা আগে");
    assert_eq!(of("ur").ago(age), "\u{2068}3\u{2069} گھنٹے پہلے");
}

#[test]
fn a_moment_names_its_zone() {
    let at: jiff::Timestamp = "2026-11-21T08:35:00Z".parse().unwrap();
    assert_eq!(of("en").moment_there(at, &wording::zone("Asia/Kolkata")), "21 November 2026, 14:05\u{a0}IST");
    assert_eq!(of("bn").moment_there(at, &wording::zone("Asia/Dhaka")), "২১ নভেম্বর ২০২৬, ১৪:৩৫\u{a0}UTC+06");
    assert_eq!(of("en").moment_there(at, &wording::zone("nowhere")), "21 November 2026, 08:35\u{a0}UTC");
}

#[test]
fn days_times_and_amounts_are_written_as_the_language_does() {
    let at: jiff::Timestamp = "2026-11-21T08:35:00Z".parse().unwrap();
    let kolkata = wording::zone("Asia/Kolkata");
    assert_eq!(of("en").moment(at, &kolkata), "21 November 2026, 14:05");
    assert_eq!(of("hi").moment(at, &kolkata), "21 नवंबर 2026, 14:05");
    assert_eq!(of("bn").moment(at, &kolkata), "২১ নভেম্বর ২০২৬, ১৪:০৫");
    assert_eq!(of("ur").moment(at, &kolkata), "21 نومبر 2026، 14:05");
    let rupees = seva_proto::common::v1::Money { minor_units: 12_345_678, currency: "INR".to_owned() };
    assert_eq!(of("en").money(Some(&rupees)).unwrap(), "₹123,456.78");
    assert_eq!(of("hi").money(Some(&rupees)).unwrap(), "₹1,23,456.78");
    assert_eq!(of("en").money(None), None);
}
