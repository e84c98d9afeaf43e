//! E-mail addresses. (Signatures; bodies follow.)
use crate::Invalid;
/// An e-mail address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);
impl Email {
    /// Parses; `EMAIL_MALFORMED`, `EMAIL_TOO_LONG`, `EMAIL_LINE_BREAK`.
    pub fn parse(_text: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
