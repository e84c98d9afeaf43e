//! Drafts as they come: faulty ones are taken, but only what can be kept and read at all.

use seva_proto::common::v1::Translation;
use seva_runtime::Violations;
use seva_values::{Invalid, Language, LocalizedText};

/// Languages of a text at most.
const MOST_LANGUAGES: usize = 40;
/// Longest text of a line, in characters.
const LONGEST_LINE: usize = 4_000;

/// Reads each part, of which there are `most`; `None` when one is at fault, which is noted.
pub fn parts<G, P>(
    given: &[G],
    most: usize,
    field: &str,
    violations: &mut Violations,
    read: impl Fn(&G, &str, &mut Violations) -> Option<P>,
) -> Option<Vec<P>> {
    if given.len() > most {
        violations.add(field, Invalid::new("DRAFT_TOO_LONG", format!("has {most} parts at most")));
        return None;
    }
    let read: Vec<_> =
        given.iter().enumerate().map(|(at, part)| read(part, &format!("{field}[{at}]"), violations)).collect();
    read.into_iter().collect()
}

/// Reads the translations of a line.
pub fn texts(given: &[Translation], field: &str, violations: &mut Violations) -> Option<LocalizedText> {
    let read = parts(given, MOST_LANGUAGES, field, violations, |translation, field, violations| {
        let language = violations.take(format!("{field}.language"), Language::parse(&translation.language));
        let text = violations.take(format!("{field}.text"), words(&translation.text, LONGEST_LINE));
        language.zip(text)
    })?;
    let mut texts = LocalizedText::new();
    for (at, (language, text)) in read.into_iter().enumerate() {
        if texts.insert(language, text).is_some() {
            violations.add(format!("{field}[{at}]"), Invalid::new("LANGUAGE_REPEATED", "stands in the list before"));
            return None;
        }
    }
    Some(texts)
}

/// A text that can be kept.
///
/// # Errors
/// `TEXT_TOO_LONG`, `TEXT_CONTROL_CHARACTER`.
pub fn words(given: &str, longest: usize) -> Result<String, Invalid> {
    if given.chars().count() > longest {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {longest} characters at most")));
    }
    if given.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold control characters but line breaks and tabs"));
    }
    Ok(given.trim().to_owned())
}

/// Translations as they are answered, by tag.
pub fn translations(texts: &LocalizedText) -> Vec<Translation> {
    let translation = |(language, text): (&Language, &str)| Translation {
        language: language.as_str().to_owned(),
        text: text.to_owned(),
    };
    texts.iter().map(translation).collect()
}
