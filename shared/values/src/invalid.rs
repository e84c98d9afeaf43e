//! The one error of this crate: a value was refused.

/// A value that was refused when it was parsed.
///
/// The reason is stable and may be shown to machines; the description is for people, in English, and never quotes
/// personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct Invalid {
    /// Why, in `UPPER_SNAKE` words that never change, such as `EMAIL_MALFORMED`.
    pub reason: &'static str,
    /// Why, as a sentence without a full stop.
    pub description: String,
}

impl Invalid {
    /// A refusal with its stable reason and a description for people.
    #[must_use]
    pub fn new(reason: &'static str, description: impl Into<String>) -> Self {
        Self { reason, description: description.into() }
    }
}
