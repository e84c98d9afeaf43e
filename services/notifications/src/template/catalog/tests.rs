use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::civil::date;
use seva_values::{Currency, Direction, Money, WebLink};

use super::*;
use crate::template::variable::{Variable, Variables};
use crate::template::{Rendered, check, render};

/// Every variable of every template, as one customer might meet them.
fn everything_known() -> Variables {
    let link = |text| Variable::Link(WebLink::parse(text).unwrap());
    // What is given, and whether it was decided a second time: each is told by a sentence of its own.
    let words = [
        "appealed",
        "coupon",
        "credit",
        "exchange",
        "free_shipping",
        "gift",
        "keep_item",
        "refund",
        "repair",
        "upgrade",
    ];
    words
        .into_iter()
        .fold(Variables::new(), |known, word| known.with(word, Variable::Text(word.into())))
        .with("amount", Variable::Money(Money::new(129_900, Currency::parse("INR").unwrap())))
        .with("carrier", Variable::Text("Blue Dart".into()))
        .with("company_name", Variable::Text("Chai & Co".into()))
        .with("customer_name", Variable::Text("Asha".into()))
        .with("due_date", Variable::Date(date(2026, 12, 11)))
        .with("invoice_link", link("https://billing.example.com/invoices/INV-2026-118?view=full&lang=1"))
        .with("invoice_number", Variable::Code("INV-2026-118".into()))
        .with("order_count", Variable::Count(3))
        .with("order_number", Variable::Code("A-1029".into()))
        .with("place_link", link("https://seva.example.com/place/5d1e"))
        .with("preferences_link", link("https://seva.example.com/preferences/8f2c"))
        .with("previous_promised_date", Variable::Date(date(2026, 11, 27)))
        .with("promised_date", Variable::Date(date(2026, 12, 4)))
        .with("survey_link", link("https://seva.example.com/survey/77b0"))
        .with("ticket_link", link("https://seva.example.com/ticket/3a9c"))
        .with("ticket_number", Variable::Code("1000017".into()))
        .with("tracking_link", link("https://track.example.com/AB123456789IN"))
        .with("tracking_number", Variable::Code("AB123456789IN".into()))
}

/// Only what each template requires.
fn as_little_as_possible(version: &TemplateVersion) -> Variables {
    let all = everything_known();
    version
        .variables()
        .iter()
        .filter(|(_, schema)| schema.required)
        .fold(Variables::new(), |known, (name, _)| known.with_known(name, all.known(name).cloned()))
}

fn message(version: &TemplateVersion, tag: &str, variables: &Variables) -> Rendered {
    render(version, &[Language::parse(tag).unwrap()], variables).unwrap()
}

fn golden(version: &TemplateVersion) -> String {
    let mut golden = String::new();
    for tag in ["en", "hi", "bn", "ur"] {
        let full = message(version, tag, &everything_known());
        let least = message(version, tag, &as_little_as_possible(version));
        writeln!(golden, "==== {tag}: subject\n{}\n==== {tag}: text\n{}", full.subject, full.text).unwrap();
        writeln!(golden, "==== {tag}: text with as little as possible\n{}", least.text).unwrap();
        writeln!(golden, "==== {tag}: html\n{}", full.html).unwrap();
    }
    golden
}

/// Set `SEVA_REWRITE_GOLDEN=1` to write the files anew, and read the difference before it is committed.
#[test]
fn every_message_is_byte_for_byte_the_one_that_was_read_and_approved() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut expected = BTreeSet::new();
    for version in all() {
        let path = folder.join(format!("{}.txt", version.key()));
        if std::env::var_os("SEVA_REWRITE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, golden(version)).unwrap();
        }
        let approved = std::fs::read_to_string(&path).unwrap();
        assert!(golden(version) == approved, "{} differs from {}", version.key(), path.display());
        expected.insert(path);
    }
    let found: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_template_is_free_of_faults() {
    for source in &SOURCES {
        assert_eq!(check(&draft(source)), [], "{}", source.key);
    }
}

#[test]
fn the_catalog_has_the_forty_milestones_each_in_four_languages() {
    let keys: BTreeSet<_> = all().iter().map(TemplateVersion::key).collect();
    assert_eq!(keys.len(), 40);
    for version in all() {
        let languages: Vec<_> = version.variants().iter().map(|variant| variant.language.as_str()).collect();
        assert_eq!(languages, ["bn", "en", "hi", "ur"], "{}", version.key());
        assert_eq!(version.number(), 1);
        assert_eq!(find(version.key()), Some(version));
    }
    assert_eq!(find("order_forgotten"), None);
}

#[test]
fn every_folder_of_texts_is_in_the_catalog() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("templates");
    let found: BTreeSet<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let listed: BTreeSet<_> = SOURCES.iter().map(|source| source.key.to_owned()).chain(["letter".to_owned()]).collect();
    assert_eq!(found, listed);
}

#[test]
fn every_declared_variable_is_shown_in_every_language() {
    for version in all() {
        for (name, _) in version.variables().iter().filter(|(name, _)| *name != "order_count") {
            for tag in ["en", "hi", "bn", "ur"] {
                let full = message(version, tag, &everything_known());
                let all = everything_known();
                let without = all_but(name);
                let changed = match render(version, &[Language::parse(tag).unwrap()], &without) {
                    Ok(without) => without.text != full.text,
                    Err(error) => error == crate::template::RenderError::MissingVariable { name: name.clone() },
                };
                assert!(all.known(name).is_some() && changed, "{} {tag} {name}", version.key());
            }
        }
    }
}

fn all_but(name: &str) -> Variables {
    // A blank text stands for a variable that is not known, whatever its kind would be.
    everything_known().with(name, Variable::Text(" ".into()))
}

#[test]
fn a_message_about_a_parcel_has_its_number_and_its_link_in_every_language() {
    let keys = [
        "order_handed_to_carrier",
        "order_in_transit",
        "order_delayed",
        "order_promised_day_at_risk",
        "order_promised_day_missed",
        "order_out_for_delivery",
        "order_delivered",
    ];
    for key in keys {
        for tag in ["en", "hi", "bn", "ur"] {
            let message = message(find(key).unwrap(), tag, &everything_known());
            for part in ["Blue Dart", "AB123456789IN", "https://track.example.com/AB123456789IN"] {
                assert!(message.text.contains(part) && message.html.contains(part), "{key} {tag} {part}");
            }
        }
    }
}

#[test]
fn a_delay_names_the_old_day_and_the_new_one() {
    let days = [
        ("en", "27 November 2026", "4 December 2026"),
        ("hi", "27 नवंबर 2026", "4 दिसंबर 2026"),
        ("bn", "২৭ নভেম্বর ২০২৬", "৪ ডিসেম্বর ২০২৬"),
        ("ur", "27 نومبر 2026", "4 دسمبر 2026"),
    ];
    for (tag, old, new) in days {
        let message = message(find("order_delayed").unwrap(), tag, &everything_known());
        assert!(message.text.contains(old) && message.text.contains(new), "{tag}");
        assert!(message.subject.contains(new), "{tag}");
    }
}

#[test]
fn repeated_orders_are_counted_in_words_that_fit_none_one_and_two() {
    let said = |tag, count| {
        let variables = everything_known().with("order_count", Variable::Count(count));
        let text = message(find("customer_thanked").unwrap(), tag, &variables).text;
        text.replace(['\u{2068}', '\u{2069}'], "")
    };
    let expected = [
        (
            "en",
            ["We are glad to have you with us.", "This is your first order with us", "You have now placed 2 orders"],
        ),
        ("hi", ["हमें खुशी है कि आप हमारे साथ हैं।", "यह हमारे यहाँ आपका पहला ऑर्डर है", "अब तक हमें आपके 2 ऑर्डर मिल चुके हैं"]),
        (
            "bn",
            ["আপনি আমাদের সঙ্গে আছেন বলে আমরা আনন্দিত।", "এটি আমাদের কাছে আপনার প্রথম অর্ডার", "আপনি আমাদের কাছে ২টি অর্ডার করেছেন"],
        ),
        (
            "ur",
            [
                "ہمیں خوشی ہے کہ آپ ہمارے ساتھ ہیں۔",
                "یہ ہمارے ہاں آپ کا پہلا آرڈر ہے",
                "اب تک ہمیں آپ کے 2 آرڈر مل چکے ہیں",
            ],
        ),
    ];
    for (tag, texts) in expected {
        for (count, text) in texts.iter().enumerate() {
            assert!(said(tag, count as u64).contains(text), "{tag} {count}: {}", said(tag, count as u64));
        }
    }
}

#[test]
fn the_link_to_the_preferences_is_there_only_when_it_is_given() {
    for version in all() {
        let with = message(version, "en", &everything_known());
        let without = message(version, "en", &as_little_as_possible(version));
        assert!(with.html.contains("https://seva.example.com/preferences/8f2c"), "{}", version.key());
        assert!(!without.text.contains("Choose which messages"), "{}", version.key());
        assert!(without.text.contains("You receive this message because"), "{}", version.key());
    }
}

#[test]
fn every_letter_leads_to_the_customers_own_place_when_there_is_one() {
    for version in all() {
        for tag in ["en", "hi", "bn", "ur"] {
            let with = message(version, tag, &everything_known());
            let without = message(version, tag, &as_little_as_possible(version));
            for part in [&with.text, &with.html] {
                assert!(part.contains("https://seva.example.com/place/5d1e"), "{} {tag}", version.key());
            }
            assert!(!without.text.contains("/place/"), "{} {tag}", version.key());
        }
    }
}

#[test]
fn a_message_about_a_ticket_says_its_number_in_the_subject_and_leads_to_its_page() {
    let about_tickets: Vec<_> =
        all().iter().filter(|version| version.variables().contains_key("ticket_number")).collect();
    assert_eq!(about_tickets.len(), 21);
    for version in about_tickets {
        for tag in ["en", "hi", "bn", "ur"] {
            let message = message(version, tag, &everything_known());
            let subject = message.subject.replace(['\u{2068}', '\u{2069}'], "");
            assert!(subject.contains("[#1000017]"), "{} {tag}", version.key());
            assert!(message.text.contains("https://seva.example.com/ticket/3a9c"), "{} {tag}", version.key());
        }
    }
}

#[test]
fn every_language_says_as_much_as_the_others() {
    for version in all() {
        let shape = |variant: &crate::template::Variant| {
            let kinds = variant.blocks.iter().map(|block| match block {
                Block::Paragraph { when, unless, .. } => format!("paragraph {when:?} {unless:?}"),
                Block::Detail { variable, .. } => format!("detail {variable}"),
                Block::Link { variable, .. } => format!("link {variable}"),
            });
            kinds.collect::<Vec<_>>()
        };
        let shapes: BTreeSet<_> = version.variants().iter().map(shape).collect();
        assert_eq!(shapes.len(), 1, "{}: {shapes:#?}", version.key());
    }
}

#[test]
fn urdu_runs_from_the_right_in_every_message_and_the_others_do_not() {
    for version in all() {
        for tag in ["en", "hi", "bn", "ur"] {
            let message = message(version, tag, &everything_known());
            let (direction, dir) = match tag {
                "ur" => (Direction::RightToLeft, "rtl"),
                _ => (Direction::LeftToRight, "ltr"),
            };
            assert_eq!(message.direction, direction);
            assert!(message.html.contains(&format!("<html lang=\"{tag}\" dir=\"{dir}\">")), "{} {tag}", version.key());
        }
    }
}

#[test]
fn isolates_come_in_pairs_and_never_touch_a_link() {
    for version in all() {
        for tag in ["en", "hi", "bn", "ur"] {
            let message = message(version, tag, &everything_known());
            for part in [&message.subject, &message.text, &message.html] {
                let count = |isolate: char| part.chars().filter(|character| *character == isolate).count();
                assert_eq!(count('\u{2068}'), count('\u{2069}'), "{} {tag}", version.key());
            }
            for line in message.text.lines().filter(|line| line.contains("https://")) {
                assert!(line.is_ascii() && line.starts_with("https://"), "{line}");
            }
        }
    }
}

#[test]
fn a_message_is_written_in_the_script_of_its_language() {
    let scripts = [("hi", '\u{900}'..='\u{97f}'), ("bn", '\u{980}'..='\u{9ff}'), ("ur", '\u{600}'..='\u{6ff}')];
    for version in all() {
        for (tag, script) in &scripts {
            for (other, foreign) in scripts.iter().filter(|(other, _)| other != tag) {
                // The danda ends sentences in Hindi and in Bengali, and stands in the block of Devanagari.
                let text = message(version, tag, &everything_known()).text.replace('।', "");
                assert!(text.chars().any(|c| script.contains(&c)), "{} {tag}", version.key());
                assert!(!text.chars().any(|c| foreign.contains(&c)), "{} {tag} has {other}", version.key());
            }
        }
    }
}

#[test]
fn a_letter_exists_in_every_required_language_and_in_no_other() {
    for tag in crate::template::REQUIRED_LANGUAGES {
        assert!(letter(&Language::parse(tag).unwrap()).is_some());
    }
    assert_eq!(letter(&Language::parse("fr").unwrap()), None);
}
