use super::*;

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

fn text(tags: &[&str]) -> LocalizedText {
    tags.iter().map(|tag| (language(tag), format!("text in {tag}"))).collect()
}

fn picked(text: &LocalizedText, choices: &[&str]) -> Option<String> {
    let choices: Vec<Language> = choices.iter().map(|tag| language(tag)).collect();
    text.pick(&choices).map(|(language, text)| {
        assert_eq!(text, format!("text in {language}"));
        language.to_string()
    })
}

#[test]
fn the_exact_language_comes_before_its_parents_and_those_before_the_next_choice() {
    let greeting = text(&["bn", "bn-BD", "hi", "en"]);

    assert_eq!(picked(&greeting, &["bn-BD", "en"]).as_deref(), Some("bn-BD"));
    assert_eq!(picked(&greeting, &["bn-IN", "en"]).as_deref(), Some("bn"));
    assert_eq!(picked(&greeting, &["ur-PK", "hi-IN", "en"]).as_deref(), Some("hi"));
}

#[test]
fn a_reader_is_never_given_another_script_unless_they_chose_it() {
    let greeting = text(&["hi", "en"]);

    assert_eq!(picked(&greeting, &["hi-Latn-IN", "en"]).as_deref(), Some("en"));
    assert_eq!(picked(&greeting, &["hi-Latn-IN", "hi"]).as_deref(), Some("hi"));
}

#[test]
fn a_more_special_text_is_not_given_for_a_general_choice() {
    assert_eq!(picked(&text(&["bn-BD"]), &["bn"]), None);
}

#[test]
fn without_a_choice_or_a_text_nothing_is_picked() {
    assert_eq!(picked(&text(&["en"]), &[]), None);
    assert_eq!(picked(&LocalizedText::new(), &["en"]), None);
    assert!(LocalizedText::new().is_empty());
}

#[test]
fn a_text_is_set_and_replaced() {
    let mut greeting = LocalizedText::new();

    assert_eq!(greeting.insert(language("ur"), "سلام"), None);
    assert_eq!(greeting.insert(language("UR"), "خوش آمدید"), Some("سلام".to_owned()));
    assert_eq!(greeting.get(&language("ur")), Some("خوش آمدید"));
    assert_eq!(greeting.len(), 1);
}

#[test]
fn a_text_is_serialised_as_a_map_whose_tags_are_checked_when_read() {
    let json = r#"{"bn":"text in bn","en":"text in en"}"#;

    assert_eq!(serde_json::to_string(&text(&["en", "bn"])).unwrap(), json);
    assert_eq!(serde_json::from_str::<LocalizedText>(json).unwrap(), text(&["bn", "en"]));
    assert!(serde_json::from_str::<LocalizedText>(r#"{"bn_BD":"x"}"#).is_err());
}
