//! The templates that Seva brings along: every milestone of an order, an invoice, a ticket and what belongs to one, the two greetings of a
//! customer, and the invitation to say how it went.
//!
//! The texts are files, one per template and language, compiled in: `templates/<key>/<language>.toml`. What a template
//! expects is in `templates/<key>/template.toml`, and what stands around every message in `templates/letter/`. A variable
//! is declared by the word for its kind, with `?` behind it when messages are made without it too.

use std::sync::LazyLock;

use serde::Deserialize;
use seva_values::Language;

use super::model::{Block, Letter, TemplateDraft, TemplateVersion, Variant};
use super::variable::{Schema, VariableKind, VariableSchema};

/// The files of one template.
struct Source {
    key: &'static str,
    variables: &'static str,
    /// Each language and its text.
    texts: [(&'static str, &'static str); 4],
}

macro_rules! source {
    ($key:literal) => {
        Source {
            key: $key,
            variables: include_str!(concat!("../../templates/", $key, "/template.toml")),
            texts: [
                ("en", include_str!(concat!("../../templates/", $key, "/en.toml"))),
                ("hi", include_str!(concat!("../../templates/", $key, "/hi.toml"))),
                ("bn", include_str!(concat!("../../templates/", $key, "/bn.toml"))),
                ("ur", include_str!(concat!("../../templates/", $key, "/ur.toml"))),
            ],
        }
    };
}

static SOURCES: [Source; 40] = [
    source!("order_placed"),
    source!("order_confirmed"),
    source!("order_in_manufacture"),
    source!("order_handed_to_carrier"),
    source!("order_in_transit"),
    source!("order_delayed"),
    source!("order_promised_day_at_risk"),
    source!("order_promised_day_missed"),
    source!("order_out_for_delivery"),
    source!("order_delivered"),
    source!("order_canceled"),
    source!("order_unavailable"),
    source!("invoice_issued"),
    source!("invoice_payment_failed"),
    source!("invoice_paid"),
    source!("invoice_refunded"),
    source!("customer_welcome"),
    source!("customer_thanked"),
    source!("ticket_opened"),
    source!("ticket_replied"),
    source!("ticket_question"),
    source!("ticket_resolved"),
    source!("ticket_asked_again"),
    source!("ticket_reopened"),
    source!("ticket_closed"),
    source!("ticket_closed_unconfirmed"),
    source!("ticket_canceled"),
    source!("return_requested"),
    source!("return_approved"),
    source!("return_partly_approved"),
    source!("return_declined"),
    source!("return_label_sent"),
    source!("return_received"),
    source!("return_settled"),
    source!("return_settlement_failed"),
    source!("compensation_issued"),
    source!("compensation_settled"),
    source!("promise_renewed"),
    source!("promise_broken"),
    source!("survey_invitation"),
];

static LETTER: Source = source!("letter");

static CATALOG: LazyLock<Vec<TemplateVersion>> =
    LazyLock::new(|| SOURCES.iter().map(|source| TemplateVersion::new(draft(source), 1)).collect());

/// The first version of every template, in the order of a customer's way through an order.
#[must_use]
pub fn all() -> &'static [TemplateVersion] {
    &CATALOG
}

/// The first version of the template of this name.
#[must_use]
pub fn find(key: &str) -> Option<&'static TemplateVersion> {
    all().iter().find(|version| version.key() == key)
}

/// What stands around every message of this language; `None` in a language that Seva does not bring along.
#[must_use]
pub fn letter(language: &Language) -> Option<Letter> {
    LETTER
        .texts
        .iter()
        .find(|(tag, _)| *tag == language.as_str())
        .map(|(_, text)| read::<LetterFile>("letter", text).into())
}

/// The variables that the letter around every message expects; a draft's own schema includes them.
#[must_use]
pub fn letter_variables() -> Schema {
    schema(&LETTER)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariablesFile {
    variables: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFile {
    subject: String,
    blocks: Vec<BlockEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LetterFile {
    opening: Vec<BlockEntry>,
    closing: Vec<BlockEntry>,
    footer: Vec<BlockEntry>,
}

/// A block as translators write it: its text stands beside the word for what it is.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum BlockEntry {
    Paragraph { paragraph: String, when: Option<String>, unless: Option<String> },
    Detail { detail: String, variable: String },
    Link { link: String, variable: String },
}

impl From<BlockEntry> for Block {
    fn from(entry: BlockEntry) -> Self {
        match entry {
            BlockEntry::Paragraph { paragraph, when, unless } => Self::Paragraph { text: paragraph, when, unless },
            BlockEntry::Detail { detail, variable } => Self::Detail { label: detail, variable },
            BlockEntry::Link { link, variable } => Self::Link { label: link, variable },
        }
    }
}

impl From<LetterFile> for Letter {
    fn from(file: LetterFile) -> Self {
        let blocks = |entries: Vec<BlockEntry>| entries.into_iter().map(Block::from).collect();
        Self { opening: blocks(file.opening), closing: blocks(file.closing), footer: blocks(file.footer) }
    }
}

fn draft(source: &Source) -> TemplateDraft {
    let mut variables = letter_variables();
    variables.extend(schema(source));
    let variant = |(tag, text): &(&str, &str)| {
        let language = Language::parse(tag).expect("the tags stand in this file");
        let TextFile { subject, blocks } = read(source.key, text);
        let letter = letter(&language).expect("the letter has the same languages as every template");
        Variant { language, subject, blocks: blocks.into_iter().map(Block::from).collect(), letter }
    };
    TemplateDraft { key: source.key.to_owned(), variables, variants: source.texts.iter().map(variant).collect() }
}

fn schema(source: &Source) -> Schema {
    let VariablesFile { variables } = read(source.key, source.variables);
    let entry = |(name, word): (String, String)| {
        let required = !word.ends_with('?');
        let kind = VariableKind::from_word(word.trim_end_matches('?'))
            .unwrap_or_else(|| panic!("{}: `{word}` is no kind of variable", source.key));
        (name, VariableSchema { kind, required })
    };
    variables.into_iter().map(entry).collect()
}

/// Reads a compiled-in file. Every file is read by the tests, so a failure never reaches an installation.
fn read<T: serde::de::DeserializeOwned>(key: &str, text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|error| panic!("templates/{key}: {error}"))
}

#[cfg(test)]
mod tests;
