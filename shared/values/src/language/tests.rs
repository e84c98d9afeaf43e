use proptest::prelude::*;

use super::*;

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

fn parents(tag: &str) -> Vec<String> {
    language(tag).parents().map(String::from).collect()
}

#[test]
fn a_tag_has_one_spelling() {
    for (text, tag) in [
        ("bn", "bn"),
        ("BN-bd", "bn-BD"),
        ("hi-latn-in", "hi-Latn-IN"),
        ("ZH-HANT", "zh-Hant"),
        ("es-419", "es-419"),
        ("zh-cmn-hans-cn", "zh-cmn-Hans-CN"),
        ("SL-IT-NEDIS", "sl-IT-nedis"),
        ("de-ch-1901", "de-CH-1901"),
        ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
        ("EN-US-U-CA-Gregory", "en-US-u-ca-gregory"),
        ("en-a-BBB-x-A-ccc", "en-a-bbb-x-a-ccc"),
        ("ur-x-Home", "ur-x-home"),
        ("en-us-u-ca-gregory-x-aaaaaaaa-bbbbb", "en-US-u-ca-gregory-x-aaaaaaaa-bbbbb"),
    ] {
        assert_eq!(language(text).as_str(), tag);
    }
}

#[test]
fn what_is_not_built_by_the_rules_is_malformed() {
    for text in [
        "",
        "-",
        "a",
        "b-BD",
        "bn-",
        "-bn",
        "bn--BD",
        "bn_BD",
        "bn BD",
        "bn-BD ",
        "123",
        "b1",
        "abcd",
        "abcdefghi",
        "bn-B",
        "bn-BDD-aaa-bbb-ccc-ddd",
        "bn-12",
        "bn-1",
        "en-US-GB",
        "en-Latn-Cyrl",
        "en-US-Latn",
        "de-1901-1901",
        "en-u",
        "en-u-",
        "en-x",
        "en-a-bb-a-cc",
        "en-a-b",
        "x-private",
        "i-klingon",
        "en-abcdefghi",
        "bn\0",
        "বাংলা",
        "english-abc",
        "en-x-abcdefghi",
        "en-US-u-ca-gregory-x-aaaaaaaa-bbbbbb",
        "*",
        "de-DE-",
        "en-x-y-",
        "C.UTF-8",
    ] {
        assert_eq!(Language::parse(text).unwrap_err().reason, "LANGUAGE_MALFORMED", "{text:?}");
    }
}

#[test]
fn parents_drop_one_part_after_the_other() {
    assert_eq!(parents("bn-BD"), ["bn"]);
    assert_eq!(parents("bn"), [""; 0]);
    assert_eq!(parents("sl-IT-rozaj-1994"), ["sl-IT-rozaj", "sl-IT", "sl"]);
    assert_eq!(parents("en-US-u-ca-gregory"), ["en-US-u-ca", "en-US", "en"]);
    // Single letters go with what follows them.
    assert_eq!(parents("ur-x-a-b"), ["ur"]);
}

#[test]
fn parents_never_step_across_a_script_that_is_named() {
    assert_eq!(parents("hi-Latn-IN"), ["hi-Latn"]);
    assert_eq!(parents("hi-Latn"), [""; 0]);
    assert_eq!(parents("zh-cmn-Hans-CN"), ["zh-cmn-Hans"]);
}

#[test]
fn the_direction_is_that_of_the_script() {
    for tag in [
        "ur", "ur-PK", "ar-EG", "fa", "he", "iw", "ps-AF", "sd", "sd-PK", "ug-CN", "yi", "dv", "ckb", "ks", "pa-PK",
        "pa-Arab", "az-Arab", "uz-AF", "en-Arab",
    ] {
        assert_eq!(language(tag).direction(), Direction::RightToLeft, "{tag}");
    }
    for tag in [
        "bn",
        "hi-IN",
        "en",
        "ur-Latn",
        "ur-Latn-PK",
        "ks-Deva",
        "sd-IN",
        "sd-Deva",
        "pa",
        "pa-IN",
        "az",
        "uz",
        "zh-Hant",
        "ar-Latn-x-arab",
    ] {
        assert_eq!(language(tag).direction(), Direction::LeftToRight, "{tag}");
    }
}

#[test]
fn the_script_is_the_one_that_is_named() {
    assert_eq!(language("hi-Latn-IN").script(), Some("Latn"));
    assert_eq!(language("zh-cmn-Hans").script(), Some("Hans"));
    assert_eq!(language("de-1901").script(), None);
    assert_eq!(language("de-u-kn-true").script(), None);
}

#[test]
fn a_language_is_serialised_as_its_tag_and_checked_when_read() {
    assert_eq!(serde_json::to_string(&language("bn-bd")).unwrap(), r#""bn-BD""#);
    assert_eq!(serde_json::from_str::<Language>(r#""BN-bd""#).unwrap(), language("bn-BD"));
    assert!(serde_json::from_str::<Language>(r#""bn_BD""#).is_err());
}

proptest! {
    #[test]
    fn a_tag_and_all_its_parents_are_canonical(text in "[a-zA-Z]{1,4}(-[a-zA-Z0-9]{1,8}){0,5}") {
        if let Ok(language) = Language::parse(&text) {
            prop_assert_eq!(language.as_str().to_ascii_lowercase(), text.to_ascii_lowercase());
            for tag in iter::once(language.clone()).chain(language.parents()) {
                prop_assert_eq!(Language::parse(&tag.as_str().to_uppercase()), Ok(tag.clone()));
                prop_assert_eq!(tag.script(), language.script());
            }
        }
    }

    #[test]
    fn every_language_with_script_and_region_is_accepted(text in "[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?") {
        prop_assert_eq!(Language::parse(&text).unwrap().to_string(), text);
    }
}
