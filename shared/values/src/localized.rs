//! One text in several languages.

use std::{collections::BTreeMap, iter};

use serde::{Deserialize, Serialize};

use crate::Language;

/// One text in several languages, such as the title of a template. Serialised as a map from tag to text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalizedText(BTreeMap<Language, String>);

impl LocalizedText {
    /// A text in no language yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets the text of a language; what was there before is returned.
    pub fn insert(&mut self, language: Language, text: impl Into<String>) -> Option<String> {
        self.0.insert(language, text.into())
    }

    /// The text of exactly this language.
    #[must_use]
    pub fn get(&self, language: &Language) -> Option<&str> {
        self.0.get(language).map(String::as_str)
    }

    /// The text for a reader, and the language it is in.
    ///
    /// Choices are tried in order; for each the exact language first, then its parents. `None` when no choice has a
    /// text: which language is then better than none is the caller's to say, as the last choice.
    #[must_use]
    pub fn pick(&self, choices: &[Language]) -> Option<(&Language, &str)> {
        for choice in choices {
            for language in iter::once(choice.clone()).chain(choice.parents()) {
                if let Some((language, text)) = self.0.get_key_value(&language) {
                    return Some((language, text));
                }
            }
        }
        None
    }

    /// Every language with its text, by tag.
    pub fn iter(&self) -> impl Iterator<Item = (&Language, &str)> {
        self.0.iter().map(|(language, text)| (language, text.as_str()))
    }

    /// Whether there is no text in any language.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In how many languages there is a text.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<(Language, String)> for LocalizedText {
    fn from_iter<T: IntoIterator<Item = (Language, String)>>(texts: T) -> Self {
        Self(texts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
