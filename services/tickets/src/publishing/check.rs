//! What texts have to be before they are published: everything that is wrong at once, so that their author fixes it in one go.

use std::collections::BTreeSet;

use seva_values::{Invalid, Language, LocalizedText, proto::Faults};

/// In this language everything is written; it is what a reader gets for whom nothing better is there.
pub const ENGLISH: &str = "en";

/// They would turn what follows against its script; isolates and marks do what an author may need.
const DIRECTION_OVERRIDES: [char; 4] = ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}'];

/// The faults of a draft, as they are found.
#[derive(Debug)]
pub struct Check {
    languages: BTreeSet<Language>,
    found: Faults,
}

impl Check {
    /// Every text has to be there in English and in each of these languages.
    pub fn new<'l>(used: impl IntoIterator<Item = &'l Language>) -> Self {
        let english = Language::parse(ENGLISH).expect("the tag stands in this file");
        Self { languages: used.into_iter().cloned().chain([english]).collect(), found: Faults::new() }
    }

    /// Notes a fault.
    pub fn add(&mut self, field: impl Into<String>, reason: &'static str, description: impl Into<String>) {
        self.found.push((field.into(), Invalid::new(reason, description)));
    }

    /// Notes the faults of a line that is there in every language: `LANGUAGE_MISSING` and those of [`Self::line`].
    pub fn texts(&mut self, field: &str, texts: &LocalizedText, longest: usize) {
        for language in self.languages.clone() {
            if texts.get(&language).is_none() {
                self.add(field, "LANGUAGE_MISSING", format!("{language}: is not there in this language"));
            }
        }
        for (language, text) in texts.iter() {
            self.line(field, language, text, longest);
        }
    }

    /// Notes the faults of one line: `TEXT_TOO_LONG`, `TEXT_CONTROL_CHARACTER` and those of [`Self::words`].
    pub fn line(&mut self, field: &str, language: &Language, text: &str, longest: usize) {
        if text.chars().count() > longest {
            self.add(field, "TEXT_TOO_LONG", format!("{language}: has {longest} characters at most"));
        }
        if text.chars().any(char::is_control) {
            self.add(field, "TEXT_CONTROL_CHARACTER", format!("{language}: cannot hold line breaks and the like"));
        }
        self.words(field, language, text);
    }

    /// Notes the faults of a text of any length: `TEXT_EMPTY`, `DIRECTION_OVERRIDE`.
    pub fn words(&mut self, field: &str, language: &Language, text: &str) {
        if text.trim().is_empty() {
            self.add(field, "TEXT_EMPTY", format!("{language}: says nothing"));
        }
        if text.contains(DIRECTION_OVERRIDES) {
            let what = "direction overrides and embeddings (U+202A, U+202B, U+202D, U+202E) are not allowed";
            self.add(field, "DIRECTION_OVERRIDE", format!("{language}: {what}"));
        }
    }

    /// Everything that was found.
    pub fn finish(self) -> Faults {
        self.found
    }
}
