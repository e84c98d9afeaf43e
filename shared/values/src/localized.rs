//! A text in several languages. (Signatures; bodies follow.)
use crate::Language;
use std::collections::BTreeMap;
/// A text in several languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalizedText(BTreeMap<Language, String>);
impl LocalizedText {
    /// No text yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }
    /// Sets the text of a language.
    pub fn insert(&mut self, language: Language, text: impl Into<String>) {
        self.0.insert(language, text.into());
    }
    /// The text for the first choice that has one.
    #[must_use]
    pub fn pick(&self, _choices: &[Language]) -> Option<(&Language, &str)> {
        unimplemented!()
    }
    /// Every language with its text.
    pub fn iter(&self) -> impl Iterator<Item = (&Language, &str)> {
        self.0.iter().map(|(l, t)| (l, t.as_str()))
    }
}
