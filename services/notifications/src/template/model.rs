//! Templates as they are written, and as they are published.

use std::fmt;

use serde::{Deserialize, Serialize};
use seva_values::Language;
use sha2::{Digest, Sha256};

use super::layout::LAYOUT;
use super::variable::Schema;

/// One part of a message's body, in the order in which it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Sentences. A line break in the text is a line break in the message.
    Paragraph {
        /// The sentences, with placeholders.
        text: String,
        /// The block is left out unless this variable is known.
        when: Option<String>,
        /// The block is left out when this variable is known.
        unless: Option<String>,
    },
    /// A labelled value, such as a tracking number; left out when the variable is not known. Neighbours form a table.
    Detail {
        /// What the value is.
        label: String,
        /// The variable that is shown.
        variable: String,
    },
    /// A link; left out when the variable is not known.
    Link {
        /// What the reader finds there.
        label: String,
        /// The variable with the link.
        variable: String,
    },
}

/// What every message of a language has around its own blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The greeting.
    pub opening: Vec<Block>,
    /// The close and the name of the company.
    pub closing: Vec<Block>,
    /// Why this message comes, and where the customer chooses what to receive.
    pub footer: Vec<Block>,
}

/// A template in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The language of every word in it.
    pub language: Language,
    /// The subject, with placeholders, on one line.
    pub subject: String,
    /// What the message says.
    pub blocks: Vec<Block>,
    /// What stands around that.
    pub letter: Letter,
}

/// The parts of a variant's body, each with its name, in reading order.
pub(super) fn parts(variant: &Variant) -> [(&'static str, &[Block]); 4] {
    let Variant { language: _, subject: _, blocks, letter: Letter { opening, closing, footer } } = variant;
    [("opening", opening), ("blocks", blocks), ("closing", closing), ("footer", footer)]
}

/// A template that may still change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateDraft {
    /// The name of the template, such as `order_delayed`.
    pub key: String,
    /// The variables it expects.
    pub variables: Schema,
    /// Its variants, one per language.
    pub variants: Vec<Variant>,
}

/// A published template. It never changes: another wording is another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    key: String,
    number: u32,
    variables: Schema,
    variants: Vec<Variant>,
    hash: VersionHash,
}

impl TemplateVersion {
    /// A draft that was found free of faults, under its number; publishing calls [`check`](super::check()) first.
    /// Its variants are put into the order of their language tags.
    #[must_use]
    pub fn new(draft: TemplateDraft, number: u32) -> Self {
        let TemplateDraft { key, variables, mut variants } = draft;
        variants.sort_by(|one, other| one.language.as_str().cmp(other.language.as_str()));
        let hash = hash_of(&key, &variables, &variants);
        Self { key, number, variables, variants, hash }
    }

    /// The name of the template.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The number of this version; the first is 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The variables it expects.
    #[must_use]
    pub const fn variables(&self) -> &Schema {
        &self.variables
    }

    /// Its variants, ordered by language tag.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The variant in exactly this language.
    #[must_use]
    pub fn variant(&self, language: &Language) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.language == *language)
    }

    /// What stands for every byte that shapes this version's messages: key, schema, texts and html layout.
    #[must_use]
    pub const fn hash(&self) -> VersionHash {
        self.hash
    }
}

/// The SHA-256 of a version's content. Two versions with the same content have the same hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionHash([u8; 32]);

impl VersionHash {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for VersionHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for VersionHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Writes fields so that no two contents give the same bytes: each field, and each list, begins with its length.
struct Canonical(Sha256);

impl Canonical {
    fn length(&mut self, length: usize) {
        self.0.update((length as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.update(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.length(usize::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph { text, when, unless } => {
                self.text("paragraph");
                self.text(text);
                self.optional(when.as_deref());
                self.optional(unless.as_deref());
            }
            Block::Detail { label, variable } => {
                self.text("detail");
                self.text(label);
                self.text(variable);
            }
            Block::Link { label, variable } => {
                self.text("link");
                self.text(label);
                self.text(variable);
            }
        }
    }
}

fn hash_of(key: &str, variables: &Schema, variants: &[Variant]) -> VersionHash {
    let mut canonical = Canonical(Sha256::new());
    canonical.text("seva.notifications.template.1");
    canonical.text(LAYOUT);
    canonical.text(key);
    canonical.length(variables.len());
    for (name, schema) in variables {
        canonical.text(name);
        canonical.text(schema.kind.word());
        canonical.text(if schema.required { "required" } else { "optional" });
    }
    canonical.length(variants.len());
    for variant in variants {
        canonical.text(variant.language.as_str());
        canonical.text(&variant.subject);
        for (part, blocks) in parts(variant) {
            canonical.text(part);
            canonical.length(blocks.len());
            for block in blocks {
                canonical.block(block);
            }
        }
    }
    VersionHash(canonical.0.finalize().into())
}

#[cfg(test)]
mod tests;
