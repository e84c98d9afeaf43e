//! The body of a message, as text and as html, from the same sentences.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use seva_values::Direction;

use super::model::{Block, Variant, parts};
use super::render::RenderError;
use super::sentence::{self, Shown};
use super::variable::VariableKind;

/// The html around every message; the one trusted template, and the only one with statements.
pub(super) const LAYOUT: &str = include_str!("../../templates/letter/layout.html");

/// Far more instructions than the longest message needs.
const FUEL: u64 = 100_000;

/// The engine of the layout, which escapes every value it inserts.
static HTML: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // The engine's own escaping writes a slash as a number too, which makes links unreadable in the source of a mail.
    environment.set_formatter(|out, _, value| {
        let escaped = value.to_string().chars().fold(String::new(), |mut escaped, character| {
            match character {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                other => escaped.push(other),
            }
            escaped
        });
        out.write_str(&escaped).map_err(|error| Error::new(ErrorKind::WriteFailure, error.to_string()))
    });
    environment.add_template("layout.html", LAYOUT).expect("the layout is compiled in and covered by every test");
    environment
});

/// One part of the body with its variables in place.
pub(super) enum Part {
    Paragraph(String),
    Details(Vec<(String, String)>),
    Link { label: String, url: String },
}

/// The body and the footer of a variant with the known variables in place.
pub(super) fn sections(variant: &Variant, shown: &BTreeMap<&str, Shown>) -> Result<[Vec<Part>; 2], RenderError> {
    let context = sentence::in_body(shown);
    let (mut body, mut footer) = (Vec::new(), Vec::new());
    for (name, blocks) in parts(variant) {
        let section = if name == "footer" { &mut footer } else { &mut body };
        for (index, block) in blocks.iter().enumerate() {
            let field = format!("{name}[{index}]");
            match block {
                Block::Paragraph { text, when, unless } => {
                    let known = |variable: &Option<String>| variable.as_deref().map(|name| shown.contains_key(name));
                    if known(when) != Some(false) && known(unless) != Some(true) {
                        section.push(Part::Paragraph(sentence::render(&field, text, &context)?));
                    }
                }
                Block::Detail { label, variable } => {
                    let Some(value) = context.get(variable) else { continue };
                    let row = (label.clone(), value.to_owned());
                    match section.last_mut() {
                        Some(Part::Details(rows)) => rows.push(row),
                        _ => section.push(Part::Details(vec![row])),
                    }
                }
                Block::Link { label, variable } => {
                    let Some(link) = shown.get(variable.as_str()) else { continue };
                    if link.kind != VariableKind::Link {
                        let (expected, found) = (VariableKind::Link, link.kind);
                        return Err(RenderError::WrongKind { name: variable.clone(), expected, found });
                    }
                    section.push(Part::Link { label: label.clone(), url: link.raw.clone() });
                }
            }
        }
    }
    Ok([body, footer])
}

/// The message as plain text.
pub(super) fn text(sections: &[Vec<Part>; 2]) -> String {
    let mut text = String::new();
    for (index, section) in sections.iter().enumerate() {
        for (place, part) in section.iter().enumerate() {
            match (index, place) {
                (0, 0) => {}
                // What mail programs know as the line between a message and its signature.
                (_, 0) => text.push_str("\n-- \n"),
                _ => text.push('\n'),
            }
            match part {
                Part::Paragraph(paragraph) => text.push_str(paragraph),
                Part::Details(rows) => {
                    let rows: Vec<String> = rows.iter().map(|(label, value)| format!("{label}: {value}")).collect();
                    text.push_str(&rows.join("\n"));
                }
                // The link has a line to itself, so that nothing around it is taken for a part of it.
                Part::Link { label, url } => {
                    write!(text, "{label}:\n{url}").expect("writing to a string succeeds");
                }
            }
            text.push('\n');
        }
    }
    text
}

/// The message as html.
pub(super) fn html(
    variant: &Variant,
    direction: Direction,
    subject: &str,
    sections: &[Vec<Part>; 2],
) -> Result<String, RenderError> {
    // Urdu is set in Nastaliq where a reader has it, whose words slope down across a taller line.
    let (dir, start, end, line_height) = match direction {
        Direction::LeftToRight => ("ltr", "left", "right", "1.6"),
        Direction::RightToLeft => ("rtl", "right", "left", "2"),
    };
    let [body, footer] = sections;
    let context = map([
        ("language", Value::from(variant.language.as_str())),
        ("direction", Value::from(dir)),
        ("start", Value::from(start)),
        ("end", Value::from(end)),
        ("line_height", Value::from(line_height)),
        ("subject", Value::from(subject)),
        ("sections", Value::from(vec![section_value(body, false), section_value(footer, true)])),
    ]);
    let faulty =
        |error: Error| RenderError::TemplateFaulty { field: "layout".to_owned(), description: error.to_string() };
    HTML.get_template("layout.html").and_then(|layout| layout.render(context)).map_err(faulty)
}

fn section_value(section: &[Part], is_footer: bool) -> Value {
    let parts: Vec<Value> = section.iter().map(part_value).collect();
    map([("is_footer", Value::from(is_footer && !section.is_empty())), ("parts", Value::from(parts))])
}

fn part_value(part: &Part) -> Value {
    match part {
        Part::Paragraph(text) => map([("lines", Value::from(text.split('\n').map(Value::from).collect::<Vec<_>>()))]),
        Part::Details(rows) => {
            let row = |(label, value): &(String, String)| {
                map([("label", Value::from(label.as_str())), ("value", Value::from(value.as_str()))])
            };
            map([("rows", Value::from(rows.iter().map(row).collect::<Vec<_>>()))])
        }
        Part::Link { label, url } => map([("label", Value::from(label.as_str())), ("url", Value::from(url.as_str()))]),
    }
}

fn map<const N: usize>(entries: [(&'static str, Value); N]) -> Value {
    Value::from(BTreeMap::from(entries))
}
