//! Languages by their BCP 47 tags.

use std::{collections::BTreeSet, fmt, iter};

use serde::{Deserialize, Serialize};

use crate::Invalid;

const LONGEST: usize = 35;

/// Scripts that run from the right.
const SCRIPTS_FROM_THE_RIGHT: [&str; 14] =
    ["Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syre", "Syrj", "Syrn", "Syrc", "Thaa"];
/// Languages that are written from the right when their tag names no script.
const LANGUAGES_FROM_THE_RIGHT: [&str; 33] = [
    "ar", "arc", "ary", "arz", "azb", "bal", "bgn", "bqi", "ckb", "dv", "fa", "glk", "haz", "he", "iw", "ji", "khw",
    "ks", "lrc", "mzn", "nqo", "pnb", "prs", "ps", "rhg", "sd", "sdh", "skr", "syr", "ug", "ur", "yi", "yid",
];
/// Languages that are written from the right in these regions only.
const REGIONS_FROM_THE_RIGHT: [(&str, &str); 6] =
    [("az", "IQ"), ("az", "IR"), ("ku", "IQ"), ("ku", "IR"), ("pa", "PK"), ("uz", "AF")];

/// The language of a text or a person: a well-formed BCP 47 tag in its canonical case, such as `bn-BD` or `hi-Latn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

/// The side on which a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// As in Hindi, Bengali and English.
    LeftToRight,
    /// As in Urdu and Arabic.
    RightToLeft,
}

impl Language {
    /// The language of a tag, in any case of letters.
    ///
    /// # Errors
    ///
    /// `LANGUAGE_MALFORMED` when the tag is not built by the rules of BCP 47, does not begin with a language (as
    /// `x-private` and `i-klingon` do not), or is longer than 35 characters. Whether such a language exists is not
    /// asked.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("LANGUAGE_MALFORMED", "a language is a BCP 47 tag, such as bn-BD");
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(malformed());
        }
        canonical(&text.to_ascii_lowercase()).map(Self).ok_or_else(malformed)
    }

    /// The tag in its canonical case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tags that are more general, nearest first: `bn-BD` has `bn`.
    ///
    /// Never drops a script that the tag names, because its readers may not read another: `hi-Latn-IN` has only
    /// `hi-Latn`.
    pub fn parents(&self) -> impl Iterator<Item = Self> {
        iter::successors(self.parent(), Self::parent)
    }

    fn parent(&self) -> Option<Self> {
        let (mut rest, dropped) = self.0.rsplit_once('-')?;
        if self.script() == Some(dropped) {
            return None;
        }
        // A singleton announces what follows it and says nothing alone.
        while let Some((before, singleton)) = rest.rsplit_once('-')
            && singleton.len() == 1
        {
            rest = before;
        }
        Some(Self(rest.to_owned()))
    }

    /// The script, when the tag names one, such as `Latn`.
    #[must_use]
    pub fn script(&self) -> Option<&str> {
        self.main_subtags().find(|subtag| subtag.len() == 4 && subtag.bytes().all(|byte| byte.is_ascii_alphabetic()))
    }

    /// The region, when the tag names one, such as `BD`.
    fn region(&self) -> Option<&str> {
        // Only regions are in capital letters; those of three digits decide no direction.
        self.main_subtags().find(|subtag| subtag.len() == 2)
    }

    /// What follows the language, as far as the first extension.
    fn main_subtags(&self) -> impl Iterator<Item = &str> {
        self.0.split('-').skip(1).take_while(|subtag| subtag.len() > 1)
    }

    /// The side on which a line of this language begins: by its script, else by its region and language.
    #[must_use]
    pub fn direction(&self) -> Direction {
        let language = self.0.split('-').next().unwrap_or_default();
        let from_the_right = match (self.script(), self.region()) {
            (Some(script), _) => SCRIPTS_FROM_THE_RIGHT.contains(&script),
            // Sindhi is written in Devanagari in India.
            (None, Some("IN")) if language == "sd" => false,
            (None, Some(region)) if REGIONS_FROM_THE_RIGHT.contains(&(language, region)) => true,
            (None, _) => LANGUAGES_FROM_THE_RIGHT.contains(&language),
        };
        if from_the_right { Direction::RightToLeft } else { Direction::LeftToRight }
    }
}

/// The canonical spelling of a tag in small letters; `None` when it is not well-formed.
fn canonical(tag: &str) -> Option<String> {
    let is_alphabetic = |subtag: &str| subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut subtags = tag.split('-').peekable();

    let language =
        subtags.next().filter(|language| matches!(language.len(), 2..=3 | 5..=8) && is_alphabetic(language))?;
    let mut written = language.to_owned();
    let mut extended = 0;
    while let Some(subtag) = subtags.next_if(|subtag| subtag.len() == 3 && is_alphabetic(subtag)) {
        extended += 1;
        if extended > 3 || language.len() > 3 {
            return None;
        }
        written = format!("{written}-{subtag}");
    }
    if let Some(script) = subtags.next_if(|subtag| subtag.len() == 4 && is_alphabetic(subtag)) {
        let (first, rest) = script.split_at(1);
        written = format!("{written}-{}{rest}", first.to_ascii_uppercase());
    }
    let is_region = |subtag: &str| match subtag.len() {
        2 => is_alphabetic(subtag),
        3 => subtag.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    if let Some(region) = subtags.next_if(|subtag| is_region(subtag)) {
        written = format!("{written}-{}", region.to_ascii_uppercase());
    }
    let is_variant = |subtag: &str| match subtag.len() {
        4 => subtag.starts_with(|first: char| first.is_ascii_digit()),
        5..=8 => true,
        _ => false,
    };
    // Neither a variant nor a kind of extension may come twice.
    let mut seen = BTreeSet::new();
    while let Some(variant) = subtags.next_if(|subtag| is_variant(subtag)) {
        if !seen.insert(variant) {
            return None;
        }
        written = format!("{written}-{variant}");
    }
    while let Some(singleton) = subtags.next() {
        if singleton.len() != 1 || !seen.insert(singleton) {
            return None;
        }
        let shortest = if singleton == "x" { 1 } else { 2 };
        let mut values = 0;
        written = format!("{written}-{singleton}");
        while let Some(value) = subtags.next_if(|subtag| singleton == "x" || subtag.len() != 1) {
            if !(shortest..=8).contains(&value.len()) {
                return None;
            }
            values += 1;
            written = format!("{written}-{value}");
        }
        if values == 0 {
            return None;
        }
    }
    Some(written)
}

impl TryFrom<String> for Language {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests;
