//! Languages. (Signatures; bodies follow.)
use crate::Invalid;
/// A BCP 47 tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);
/// Where a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// As in Hindi, Bengali and English.
    LeftToRight,
    /// As in Urdu and Arabic.
    RightToLeft,
}
impl Language {
    /// Parses; `LANGUAGE_MALFORMED`.
    pub fn parse(_text: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The canonical tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The more general tags, nearest first.
    pub fn parents(&self) -> impl Iterator<Item = Language> {
        std::iter::empty()
    }
    /// The writing direction.
    #[must_use]
    pub fn direction(&self) -> Direction {
        unimplemented!()
    }
}
