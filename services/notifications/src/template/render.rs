//! From a version and the variables of one message to its subject, text and html.

use std::collections::BTreeMap;

use seva_values::{Direction, Language};

use super::layout;
use super::model::{TemplateVersion, Variant, VersionHash};
use super::sentence::{self, Shown};
use super::variable::{VariableKind, Variables};
use super::wording::Wording;

/// A finished message, every part in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The language it is written in.
    pub language: Language,
    /// Whether it is another language than the first that was asked for; a more general tag of the same is not.
    pub fell_back: bool,
    /// The side on which its lines begin.
    pub direction: Direction,
    /// The subject: one line without control characters, fit for a mail header.
    pub subject: String,
    /// The body as plain text, lines ended by `\n`.
    pub text: String,
    /// The body as html.
    pub html: String,
    /// The hash of the version it was made from.
    pub version_hash: VersionHash,
}

/// Why no message was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The version speaks none of the languages.
    #[error("the template has no variant in any of the languages asked for")]
    NoVariant,
    /// A variable that the message needs is not known.
    #[error("the variable `{name}` is missing")]
    MissingVariable {
        /// The name of the variable.
        name: String,
    },
    /// A variable is not what the template expects.
    #[error("the variable `{name}` is a {found}, where a {expected} is expected", found = found.word(), expected = expected.word())]
    WrongKind {
        /// The name of the variable.
        name: String,
        /// What the template expects.
        expected: VariableKind,
        /// What it was given.
        found: VariableKind,
    },
    /// The subject would break a mail header: a variable brought in a line break or another control character.
    #[error("the subject contains a line break or another control character")]
    LineBreakInHeader,
    /// Days cannot be written out in the language of the variant.
    #[error("the names of days and months are not known in `{language}`")]
    DateNamesUnknown {
        /// The language of the variant.
        language: String,
    },
    /// The text is no valid template, which [`check`](super::check()) refuses at publishing.
    #[error("`{field}` cannot be rendered: {description}")]
    TemplateFaulty {
        /// The part of the variant.
        field: String,
        /// What the engine says.
        description: String,
    },
}

/// Makes the message in the first of the `languages` that the version speaks.
///
/// They are the customer's choices in their order, then the installation's default; English comes last in any case. Each
/// language stands for its more general tags too.
///
/// # Errors
/// Every [`RenderError`]. Nothing is made in part.
pub fn render(
    version: &TemplateVersion,
    languages: &[Language],
    variables: &Variables,
) -> Result<Rendered, RenderError> {
    let (variant, fell_back) = choose(version, languages).ok_or(RenderError::NoVariant)?;
    let direction = variant.language.direction();
    let wording = Wording::of(&variant.language);

    let mut shown = BTreeMap::new();
    for (name, schema) in version.variables() {
        let Some(variable) = variables.known(name) else {
            if schema.required {
                return Err(RenderError::MissingVariable { name: name.clone() });
            }
            continue;
        };
        if variable.kind() != schema.kind {
            let (expected, found) = (schema.kind, variable.kind());
            return Err(RenderError::WrongKind { name: name.clone(), expected, found });
        }
        shown.insert(name.as_str(), Shown::of(variable, &wording, &variant.language)?);
    }

    let subject = sentence::render("subject", &variant.subject, &sentence::in_subject(&shown, direction))?;
    if subject.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')) {
        return Err(RenderError::LineBreakInHeader);
    }
    let sections = layout::sections(variant, &shown)?;
    let html = layout::html(variant, direction, &subject, &sections)?;
    Ok(Rendered {
        language: variant.language.clone(),
        fell_back,
        direction,
        subject,
        text: layout::text(&sections),
        html,
        version_hash: version.hash(),
    })
}

/// The variant to use, and whether it is in another language than the one wanted most.
fn choose<'a>(version: &'a TemplateVersion, languages: &[Language]) -> Option<(&'a Variant, bool)> {
    let english = Language::parse("en").ok();
    let variant = languages
        .iter()
        .chain(english.iter())
        .flat_map(|language| std::iter::once(language.clone()).chain(language.parents()))
        .find_map(|language| version.variant(&language))?;
    let fell_back = languages.first().is_some_and(|wanted| primary(wanted) != primary(&variant.language));
    Some((variant, fell_back))
}

fn primary(language: &Language) -> &str {
    language.as_str().split('-').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
