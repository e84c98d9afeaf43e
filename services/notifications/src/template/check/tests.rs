use seva_values::Language;

use super::*;
use crate::template::catalog;
use crate::template::model::Letter;
use crate::template::variable::VariableSchema;

/// A draft in the required languages with this paragraph in each.
fn draft(paragraph: &str) -> TemplateDraft {
    let declared = |kind, required| VariableSchema { kind, required };
    let variables = Schema::from([
        ("order_number".to_owned(), declared(VariableKind::Code, true)),
        ("order_count".to_owned(), declared(VariableKind::Count, true)),
        ("carrier".to_owned(), declared(VariableKind::Text, false)),
        ("promised_date".to_owned(), declared(VariableKind::Date, true)),
        ("tracking_link".to_owned(), declared(VariableKind::Link, false)),
    ]);
    let variants = REQUIRED_LANGUAGES.map(|tag| variant(tag, paragraph)).to_vec();
    TemplateDraft { key: "sample".into(), variables, variants }
}

fn variant(tag: &str, paragraph: &str) -> Variant {
    let blocks = vec![Block::Paragraph { text: paragraph.to_owned(), when: None, unless: None }];
    let language = Language::parse(tag).unwrap();
    Variant { language, subject: "Order {{ order_number }}".to_owned(), blocks, letter: Letter::default() }
}

/// The faults of a draft as `language field reason`.
fn faults(draft: &TemplateDraft) -> Vec<String> {
    check(draft)
        .iter()
        .map(|fault| format!("{} {} {}", fault.language, fault.field, fault.reason).trim().to_owned())
        .collect()
}

/// The reasons found in the English variant when it alone has this text.
fn reasons_in(tag: &str, text: &str) -> Vec<&'static str> {
    let mut draft = draft("Thank you.");
    let variant = draft.variants.iter_mut().find(|variant| variant.language.as_str() == tag).unwrap();
    variant.blocks = vec![Block::Paragraph { text: text.to_owned(), when: None, unless: None }];
    let faults = check(&draft);
    faults
        .iter()
        .filter(|fault| fault.language == tag && fault.field == "blocks[0]")
        .map(|fault| fault.reason)
        .collect()
}

fn reasons(text: &str) -> Vec<&'static str> {
    reasons_in("en", text)
}

#[test]
fn a_draft_without_faults_has_none() {
    assert_eq!(faults(&draft("Thank you.")), Vec::<String>::new());
    let plural = "{{ order_count | plural(zero=\"none\", one=\"one\", other=\"# orders\") }}";
    assert_eq!(faults(&draft(plural)), Vec::<String>::new());
}

#[test]
fn a_missing_language_is_a_fault() {
    let mut draft = draft("Thank you.");
    draft.variants.retain(|variant| !matches!(variant.language.as_str(), "bn" | "ur"));
    assert_eq!(faults(&draft), ["bn variants LANGUAGE_MISSING", "ur variants LANGUAGE_MISSING"]);
}

#[test]
fn a_language_with_two_variants_is_a_fault() {
    let mut draft = draft("Thank you.");
    draft.variants.push(variant("hi", "Thank you."));
    assert_eq!(faults(&draft), ["hi variants LANGUAGE_REPEATED"]);
}

#[test]
fn a_name_that_no_placeholder_can_have_is_a_fault() {
    for name in ["Order-Number", "2nd", "", "ordre_numéro"] {
        let mut draft = draft("Thank you.");
        draft.variables.insert(name.into(), VariableSchema { kind: VariableKind::Code, required: true });
        assert_eq!(faults(&draft), ["variables VARIABLE_NAME_INVALID"], "{name}");
    }
}

#[test]
fn a_placeholder_that_one_language_lacks_is_a_fault_of_that_language() {
    let mut draft = draft("Thank you for order {{ order_count | number }}.");
    draft.variants[1] = variant("hi", "Thank you.");
    assert_eq!(faults(&draft), ["hi blocks PLACEHOLDER_MISSING"]);
}

#[test]
fn a_placeholder_outside_the_schema_is_a_fault() {
    assert_eq!(reasons("{{ order_nummer }}"), ["PLACEHOLDER_UNKNOWN"]);

    let mut draft = draft("Thank you.");
    let detail = Block::Detail { label: "Parcel".into(), variable: "parcel".into() };
    let conditional = Block::Paragraph { text: "Soon.".into(), when: None, unless: Some("parcel".into()) };
    draft.variants[0].blocks = vec![detail, conditional];
    assert_eq!(faults(&draft), ["en blocks[0] PLACEHOLDER_UNKNOWN", "en blocks[1] PLACEHOLDER_UNKNOWN"]);
}

#[test]
fn a_syntax_error_is_reported_with_its_line() {
    let mut draft = draft("Thank you.");
    draft.variants[0] = variant("en", "Thank you.\nYour order {{ order_number }\nis on its way.");
    let faults = check(&draft);
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].reason, faults[0].field.as_str()), ("SYNTAX_ERROR", "blocks[0]"));
    assert!(faults[0].description.starts_with("line 2: "), "{}", faults[0].description);
}

#[test]
fn what_is_unsafe_is_a_fault() {
    let texts = [
        "{% include 'other' %}",
        "{% import 'other' as other %}",
        "{% macro greet() %}Hello{% endmacro %}",
        "{%- for a in b %}a{% endfor %}",
        "{{ order_number | safe }}",
        "{{ order_number | number | safe }}",
    ];
    for text in texts {
        assert_eq!(reasons(text), ["UNSAFE_CONSTRUCT"], "{text}");
    }
}

#[test]
fn an_unknown_filter_or_function_is_a_fault() {
    assert_eq!(reasons("{{ order_number | shout }}"), ["UNKNOWN_FILTER"]);
    assert_eq!(reasons("{{ now() }}"), ["UNKNOWN_FUNCTION"]);
}

#[test]
fn an_expression_that_is_no_placeholder_is_a_fault() {
    let texts = [
        "{{ 'a' * 1000000000 }}",
        "{{ order_number.secret }}",
        "{{ order_number if carrier else 'x' }}",
        "{{ 'a' | number }}",
        "{{ order_count | plural(one=order_number, other='a') }}",
        "{{ order_count | plural(one=1, other='a') }}",
        "{{ order_count | number(3) }}",
        "{{ plural() }}",
    ];
    for text in texts {
        assert_eq!(reasons(text), ["EXPRESSION_NOT_ALLOWED"], "{text}");
    }
}

#[test]
fn a_variable_that_may_be_unknown_needs_a_guard() {
    assert_eq!(reasons("With {{ carrier }}."), ["OPTIONAL_NOT_GUARDED"]);

    let mut draft = draft("Thank you.");
    for variant in &mut draft.variants {
        let when = Some("carrier".to_owned());
        variant.blocks = vec![Block::Paragraph { text: "With {{ carrier }}.".into(), when, unless: None }];
    }
    assert_eq!(faults(&draft), Vec::<String>::new());
    draft.variants[0].subject = "{{ carrier }} has order {{ order_number }}".into();
    assert_eq!(faults(&draft), ["en subject OPTIONAL_NOT_GUARDED"]);
}

#[test]
fn a_link_belongs_into_a_link_block_and_nothing_else_does() {
    let mut draft = draft("Thank you.");
    for variant in &mut draft.variants {
        variant.blocks = vec![Block::Link { label: "Track".into(), variable: "tracking_link".into() }];
    }
    assert_eq!(faults(&draft), Vec::<String>::new());

    draft.variants[0].blocks.push(Block::Link { label: "Order".into(), variable: "order_number".into() });
    draft.variants[0].blocks.push(Block::Detail { label: "Link".into(), variable: "tracking_link".into() });
    draft.variants[0].blocks.push(Block::Paragraph {
        text: "{{ tracking_link }}".into(),
        when: Some("tracking_link".into()),
        unless: None,
    });
    let expected = [
        "en blocks[1] LINK_VARIABLE_EXPECTED",
        "en blocks[2] LINK_NOT_IN_LINK_BLOCK",
        "en blocks[3] LINK_NOT_IN_LINK_BLOCK",
    ];
    assert_eq!(faults(&draft), expected);
}

#[test]
fn a_label_is_plain_words() {
    let mut draft = draft("Thank you for {{ order_number }}.");
    draft.variants[0]
        .blocks
        .push(Block::Detail { label: "{{ order_number }}".into(), variable: "order_number".into() });
    assert_eq!(faults(&draft), ["en blocks[1] EXPRESSION_NOT_ALLOWED"]);
}

#[test]
fn hindi_and_bengali_need_a_text_for_exactly_none() {
    let plural = "{{ order_count | plural(one=\"one\", other=\"# orders\") }}";
    let expected = ["hi blocks[0] PLURAL_ZERO_MISSING", "bn blocks[0] PLURAL_ZERO_MISSING"];
    assert_eq!(faults(&draft(plural)), expected);
}

#[test]
fn a_plural_has_every_form_of_its_language_and_no_other_word() {
    let text = "{{ order_count | plural(zero='none', other='# orders') }}";
    assert_eq!(reasons(text), ["PLURAL_FORM_MISSING"]);
    let text = "{{ order_count | plural(zero='none', one='one', other='#', ohter='#') }}";
    assert_eq!(reasons(text), ["PLURAL_FORM_UNKNOWN"]);
    assert_eq!(reasons_in("ur", "{{ plural(order_count, one='one') }}"), ["PLURAL_FORM_MISSING"]);
}

#[test]
fn numbers_and_plurals_are_for_counts() {
    assert_eq!(reasons("{{ order_number | number }}"), ["NOT_A_COUNT"]);
    assert_eq!(reasons("{{ order_number | plural(one='a', other='b') }}"), ["NOT_A_COUNT"]);
}

#[test]
fn a_character_that_turns_the_text_around_it_is_a_fault() {
    for turn in ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}'] {
        assert_eq!(reasons_in("ur", &format!("شکریہ{turn}۔")), ["DIRECTION_OVERRIDE"]);
    }
    let in_a_form = "{{ order_count | plural(zero='a', one='b\u{202d}', other='c') }}";
    assert!(reasons_in("ur", in_a_form).contains(&"DIRECTION_OVERRIDE"));
}

#[test]
fn an_empty_text_is_a_fault() {
    assert_eq!(reasons("  "), ["TEXT_EMPTY"]);

    let mut draft = draft("Thank you.");
    draft.variants[0].blocks.clear();
    draft.variants[1].subject = String::new();
    let found = faults(&draft);
    assert!(found.contains(&"en blocks TEXT_EMPTY".to_owned()), "{found:?}");
    assert!(found.contains(&"hi subject TEXT_EMPTY".to_owned()), "{found:?}");
}

#[test]
fn a_subject_is_one_line() {
    for line_break in ["\n", "\r\n", "\t", "\u{2028}"] {
        let mut draft = draft("Thank you.");
        draft.variants[3].subject.push_str(line_break);
        draft.variants[3].subject.push('x');
        assert_eq!(faults(&draft), ["ur subject SUBJECT_LINE_BREAK"]);
    }
}

#[test]
fn a_subject_has_at_most_150_characters_with_sample_values() {
    let subject = |length: usize| {
        let mut draft = draft("Thank you.");
        // The sample order number has twelve characters.
        draft.variants[0].subject = format!("{}{{{{ order_number }}}}", "é".repeat(length - 12));
        faults(&draft)
    };
    assert_eq!(subject(150), Vec::<String>::new());
    assert_eq!(subject(151), ["en subject SUBJECT_TOO_LONG"]);
}

#[test]
fn a_day_in_a_language_without_names_for_it_is_a_fault() {
    let mut draft = draft("By {{ promised_date }}.");
    draft.variants.push(variant("fr", "Avant le {{ promised_date }}."));
    assert_eq!(faults(&draft), ["fr blocks DATE_NAMES_UNKNOWN"]);
}

#[test]
fn faults_in_the_letter_are_found_too() {
    let mut draft = draft("Thank you.");
    let paragraph = |text: &str| Block::Paragraph { text: text.to_owned(), when: None, unless: None };
    draft.variants[0].letter.opening = vec![paragraph("Hello {{ who }}")];
    draft.variants[0].letter.footer = vec![paragraph("{% if %}")];
    assert_eq!(faults(&draft), ["en opening[0] PLACEHOLDER_UNKNOWN", "en footer[0] UNSAFE_CONSTRUCT"]);
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut draft = draft("{{ nothing }} {{ order_number | shout }}");
    draft.variants.pop();
    draft.variants[0].subject = "a\nb {{ order_number }}".into();
    let found = faults(&draft);
    let expected = [
        "ur variants LANGUAGE_MISSING",
        "en subject SUBJECT_LINE_BREAK",
        "en blocks[0] UNKNOWN_FILTER",
        "en blocks[0] PLACEHOLDER_UNKNOWN",
        "hi blocks[0] UNKNOWN_FILTER",
        "hi blocks[0] PLACEHOLDER_UNKNOWN",
        "bn blocks[0] UNKNOWN_FILTER",
        "bn blocks[0] PLACEHOLDER_UNKNOWN",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_draft_made_from_a_published_version_with_its_letter_has_no_faults() {
    let version = catalog::find("order_in_transit").unwrap();
    let variants = version.variants().to_vec();
    let draft = TemplateDraft { key: version.key().into(), variables: version.variables().clone(), variants };
    assert_eq!(check(&draft), []);
}

#[test]
fn a_subject_that_does_not_name_its_ticket_in_the_form_of_answers_is_a_fault() {
    let mut draft = draft("Thank you.");
    draft.variables.insert("ticket_number".into(), VariableSchema { kind: VariableKind::Code, required: true });
    for variant in &mut draft.variants {
        variant.subject = match variant.language.as_str() {
            "en" => "Your request {{ ticket_number }}".into(),
            _ => "Your request [#{{ ticket_number }}]".into(),
        };
    }
    assert_eq!(faults(&draft), ["en subject SUBJECT_WITHOUT_TICKET"]);
}
