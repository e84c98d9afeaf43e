use std::collections::BTreeMap;

use jiff::civil::date;
use seva_values::WebLink;

use super::*;
use crate::template::catalog;
use crate::template::model::{Block, Letter, TemplateDraft};
use crate::template::variable::{Schema, Variable, VariableSchema};

fn languages(tags: &[&str]) -> Vec<Language> {
    tags.iter().map(|tag| Language::parse(tag).unwrap()).collect()
}

fn placed() -> Variables {
    Variables::new()
        .with("company_name", Variable::Text("Chai".into()))
        .with("order_number", Variable::Code("A-1029".into()))
}

fn render_placed(tags: &[&str], variables: &Variables) -> Result<Rendered, RenderError> {
    render(catalog::find("order_placed").unwrap(), &languages(tags), variables)
}

/// A version with one variable `x` and one English or Urdu variant.
fn version(tag: &str, kind: VariableKind, required: bool, subject: &str, blocks: Vec<Block>) -> TemplateVersion {
    let variables: Schema = BTreeMap::from([("x".to_owned(), VariableSchema { kind, required })]);
    let language = Language::parse(tag).unwrap();
    let variant = Variant { language, subject: subject.to_owned(), blocks, letter: Letter::default() };
    TemplateVersion::new(TemplateDraft { key: "sample".into(), variables, variants: vec![variant] }, 1)
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph { text: text.to_owned(), when: None, unless: None }
}

fn text_in(tag: &str, template: &str, value: Variable) -> Rendered {
    let version = version(tag, value.kind(), true, "Hello", vec![paragraph(template)]);
    render(&version, &languages(&[tag]), &Variables::new().with("x", value)).unwrap()
}

#[test]
fn markup_in_a_variable_or_in_a_template_is_shown_and_not_obeyed() {
    let value = Variable::Text("<script>alert('1')</script> & \"co\"".into());
    let rendered = text_in("en", "<b>{{ x }}</b>", value.clone());

    assert!(rendered.text.contains("<script>alert('1')</script> & \"co\""));
    assert!(!rendered.html.contains("<script>") && !rendered.html.contains("<b>"));
    let escaped =
        "&lt;b&gt;\u{2068}&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;co&quot;\u{2069}&lt;/b&gt;";
    assert!(rendered.html.contains(escaped), "{}", rendered.html);

    let version = version("en", VariableKind::Text, true, "{{ x }}", vec![]);
    let rendered = render(&version, &languages(&["en"]), &Variables::new().with("x", value)).unwrap();
    assert!(!rendered.html.contains("<script>"), "the title of the html has the subject");
}

#[test]
fn a_placeholder_inside_a_variable_is_not_followed() {
    let rendered = text_in("en", "Hello {{ x }}", Variable::Text("{{ company_name }} {% include 'x' %}".into()));
    assert_eq!(rendered.text, "Hello \u{2068}{{ company_name }} {% include 'x' %}\u{2069}\n");
}

#[test]
fn urdu_isolates_its_variables_in_the_subject_the_text_and_the_html() {
    let rendered = render_placed(&["ur"], &placed()).unwrap();

    assert_eq!(rendered.direction, Direction::RightToLeft);
    assert!(rendered.html.contains("<html lang=\"ur\" dir=\"rtl\">"));
    assert!(rendered.html.contains("<div lang=\"ur\" dir=\"rtl\""), "mail programs drop the outer element");
    for part in [&rendered.subject, &rendered.text, &rendered.html] {
        assert!(part.contains("\u{2068}A-1029\u{2069}"));
    }
}

#[test]
fn a_subject_from_the_left_isolates_only_words_from_the_right() {
    assert_eq!(render_placed(&["en"], &placed()).unwrap().subject, "We have received your order A-1029");

    let version = version("en", VariableKind::Text, true, "Hello {{ x }}", vec![]);
    let render_name = |name: &str| {
        let variables = Variables::new().with("x", Variable::Text(name.into()));
        render(&version, &languages(&["en"]), &variables).unwrap().subject
    };
    assert_eq!(render_name("آشا"), "Hello \u{2068}آشا\u{2069}");
    assert_eq!(render_name("Asha"), "Hello Asha");
}

#[test]
fn a_value_cannot_end_its_isolate_or_turn_what_follows() {
    let rendered = text_in("en", "{{ x }}!", Variable::Text("a\u{2069}\u{202e}b\u{2067}c".into()));
    assert_eq!(rendered.text, "\u{2068}abc\u{2069}!\n");
}

#[test]
fn a_line_break_in_a_value_is_refused_in_a_subject_and_a_space_in_the_body() {
    for name in ["a\r\nBcc: x@example.com", "a\nb", "a\rb", "a\u{2028}b", "a\u{85}b", "a\u{0}b"] {
        let version = version("en", VariableKind::Text, true, "Hello {{ x }}", vec![]);
        let variables = Variables::new().with("x", Variable::Text(name.into()));
        assert_eq!(render(&version, &languages(&["en"]), &variables), Err(RenderError::LineBreakInHeader), "{name:?}");
    }
    let rendered = text_in("en", "Hello {{ x }}!", Variable::Text("a\nb".into()));
    assert_eq!(rendered.text, "Hello \u{2068}a b\u{2069}!\n");
}

#[test]
fn a_message_without_a_required_variable_is_not_made() {
    let missing = |name: &str| Err(RenderError::MissingVariable { name: name.into() });
    let only_company = Variables::new().with("company_name", Variable::Text("Chai".into()));
    assert_eq!(render_placed(&["en"], &only_company), missing("order_number"));
    let blank = placed().with("order_number", Variable::Code("  ".into()));
    assert_eq!(render_placed(&["en"], &blank), missing("order_number"));
}

#[test]
fn a_variable_that_is_used_without_being_declared_or_known_is_missing() {
    let missing = |name: &str| Err(RenderError::MissingVariable { name: name.into() });
    let undeclared = version("en", VariableKind::Text, false, "Hello", vec![paragraph("{{ y }}")]);
    let given = Variables::new().with("y", Variable::Text("a".into()));
    assert_eq!(render(&undeclared, &languages(&["en"]), &given), missing("y"));

    let unguarded = version("en", VariableKind::Count, false, "Hello", vec![paragraph("{{ x }}")]);
    assert_eq!(render(&unguarded, &languages(&["en"]), &Variables::new()), missing("x"));
}

#[test]
fn a_variable_of_another_kind_is_refused_and_an_unexpected_one_is_ignored() {
    let wrong = placed().with("promised_date", Variable::Text("tomorrow".into()));
    let refusal = RenderError::WrongKind {
        name: "promised_date".into(),
        expected: VariableKind::Date,
        found: VariableKind::Text,
    };
    assert_eq!(refusal.to_string(), "the variable `promised_date` is a text, where a date is expected");
    assert_eq!(render_placed(&["en"], &wrong), Err(refusal));

    let extra = placed().with("weather", Variable::Text("sunny".into()));
    assert_eq!(render_placed(&["en"], &extra), render_placed(&["en"], &placed()));
}

#[test]
fn a_block_stands_or_falls_with_its_condition() {
    let said = |variables: &Variables| {
        let blocks = vec![
            Block::Paragraph { text: "by {{ x }}".into(), when: Some("x".into()), unless: None },
            Block::Paragraph { text: "soon".into(), when: None, unless: Some("x".into()) },
            Block::Detail { label: "Day".into(), variable: "x".into() },
        ];
        let version = version("en", VariableKind::Date, false, "Hello", blocks);
        render(&version, &languages(&["en"]), variables).unwrap().text.replace(['\u{2068}', '\u{2069}'], "")
    };
    assert_eq!(said(&Variables::new()), "soon\n");
    let known = Variables::new().with("x", Variable::Date(date(2026, 12, 4)));
    assert_eq!(said(&known), "by Friday, 4 December 2026\n\nDay: Friday, 4 December 2026\n");
}

#[test]
fn a_more_general_tag_of_the_same_language_is_no_fallback() {
    for (wanted, found) in [("bn-BD", "bn"), ("ur-PK", "ur"), ("hi", "hi"), ("en-IN", "en")] {
        let rendered = render_placed(&[wanted], &placed()).unwrap();
        assert_eq!((rendered.language.as_str(), rendered.fell_back), (found, false), "{wanted}");
    }
}

#[test]
fn a_language_we_do_not_speak_falls_back_in_the_order_given_and_then_to_english() {
    for (wanted, found) in [(&["fr", "ur-PK", "hi"][..], "ur"), (&["fr", "hi", "en"], "hi"), (&["fr"], "en")] {
        let rendered = render_placed(wanted, &placed()).unwrap();
        assert_eq!((rendered.language.as_str(), rendered.fell_back), (found, true), "{wanted:?}");
    }
    let rendered = render_placed(&[], &placed()).unwrap();
    assert_eq!((rendered.language.as_str(), rendered.fell_back), ("en", false));
}

#[test]
fn a_reader_of_hindi_in_latin_letters_is_not_sent_devanagari() {
    let rendered = render_placed(&["hi-Latn", "bn", "en"], &placed()).unwrap();
    assert_eq!((rendered.language.as_str(), rendered.fell_back), ("bn", true));
}

#[test]
fn a_version_without_any_of_the_languages_makes_no_message() {
    let version = version("ur", VariableKind::Text, false, "Hello", vec![]);
    assert_eq!(render(&version, &languages(&["bn"]), &Variables::new()), Err(RenderError::NoVariant));
}

#[test]
fn subject_text_and_html_come_from_the_same_variant() {
    let rendered = render_placed(&["bn-BD", "en"], &placed()).unwrap();
    assert_eq!(rendered.subject, "আপনার অর্ডার A-1029 আমরা পেয়েছি");
    assert!(rendered.text.contains("অর্ডারের জন্য ধন্যবাদ") && rendered.html.contains("অর্ডারের জন্য ধন্যবাদ"));
    assert!(!rendered.text.contains("Thank you") && rendered.html.contains("<html lang=\"bn\" dir=\"ltr\">"));
    assert_eq!(rendered.version_hash, catalog::find("order_placed").unwrap().hash());
}

#[test]
fn a_link_is_a_link_in_the_html_and_a_line_of_its_own_in_the_text() {
    let blocks = vec![Block::Link { label: "Track <it>".into(), variable: "x".into() }];
    let version = version("ur", VariableKind::Link, true, "Hello", blocks);
    let link = WebLink::parse("https://example.com/t?a=1&b=%22x%22").unwrap();
    let variables = Variables::new().with("x", Variable::Link(link));
    let rendered = render(&version, &languages(&["ur"]), &variables).unwrap();

    assert_eq!(rendered.text, "Track <it>:\nhttps://example.com/t?a=1&b=%22x%22\n");
    let anchor = "<a href=\"https://example.com/t?a=1&amp;b=%22x%22\" style=\"color:#1d4ed8\">Track &lt;it&gt;</a>";
    assert!(rendered.html.contains(anchor), "{}", rendered.html);
}

#[test]
fn a_link_block_shows_nothing_but_a_link() {
    let blocks = vec![Block::Link { label: "Track".into(), variable: "x".into() }];
    let version = version("en", VariableKind::Text, true, "Hello", blocks);
    let variables = Variables::new().with("x", Variable::Text("javascript:alert(1)".into()));
    let refusal = RenderError::WrongKind { name: "x".into(), expected: VariableKind::Link, found: VariableKind::Text };
    assert_eq!(render(&version, &languages(&["en"]), &variables), Err(refusal));
}

#[test]
fn counts_choose_their_form_by_the_rules_of_the_language() {
    let template = "{{ x | plural(zero=\"none\", one=\"# one\", other=\"# many\") }} {{ x | number }}";
    let said =
        |tag: &str, count| text_in(tag, template, Variable::Count(count)).text.replace(['\u{2068}', '\u{2069}'], "");
    for tag in ["en", "hi", "ur"] {
        let counted = [said(tag, 0), said(tag, 1), said(tag, 2)];
        assert_eq!(counted, ["none 0\n", "1 one 1\n", "2 many 2\n"], "{tag}");
    }
    assert_eq!([said("bn", 0), said("bn", 1), said("bn", 2)], ["none ০\n", "১ one ১\n", "২ many ২\n"]);
    assert_eq!(said("hi", 1_234_567), "12,34,567 many 12,34,567\n");
}

#[test]
fn plural_can_be_written_as_a_function_too() {
    let template = "{{ plural(x, one=\"# one\", other=\"# many\") }}";
    assert_eq!(text_in("en", template, Variable::Count(2)).text, "\u{2068}2\u{2069} many\n");
}

#[test]
fn only_counts_have_numbers_and_plurals() {
    for template in ["{{ x | number }}", "{{ x | plural(one=\"a\", other=\"b\") }}"] {
        let version = version("en", VariableKind::Code, true, "Hello", vec![paragraph(template)]);
        let variables = Variables::new().with("x", Variable::Code("1".into()));
        let refusal = render(&version, &languages(&["en"]), &variables).unwrap_err();
        assert!(matches!(&refusal, RenderError::TemplateFaulty { field, .. } if field == "blocks[0]"), "{refusal}");
    }
}

#[test]
fn a_template_that_was_never_checked_cannot_run_away_or_reach_out() {
    let templates = [
        "{% for a in range(1000000) %}a{% endfor %}",
        "{% include 'secret' %}",
        "{% macro m() %}{% endmacro %}",
        "{{ x | safe }}",
        "{{ range(10) }}",
    ];
    for template in templates {
        let version = version("en", VariableKind::Text, true, "Hello", vec![paragraph(template)]);
        let variables = Variables::new().with("x", Variable::Text("a".into()));
        let refusal = render(&version, &languages(&["en"]), &variables);
        assert!(refusal.is_err(), "{template}: {refusal:?}");
    }
}

#[test]
fn a_day_is_not_written_in_a_language_without_names_for_it() {
    let version = version("fr", VariableKind::Date, true, "Bonjour", vec![paragraph("{{ x }}")]);
    let variables = Variables::new().with("x", Variable::Date(date(2026, 12, 4)));
    let refusal = RenderError::DateNamesUnknown { language: "fr".into() };
    assert_eq!(render(&version, &languages(&["fr"]), &variables), Err(refusal));
}

#[test]
fn the_footer_stands_behind_the_line_that_mail_programs_know() {
    let rendered = render_placed(&["en"], &placed()).unwrap();
    let (body, footer) = rendered.text.split_once("\n-- \n").unwrap();
    assert!(body.ends_with("Warm regards,\n\u{2068}Chai\u{2069}\n"), "{body}");
    assert!(footer.starts_with("You receive this message because"), "{footer}");
}
