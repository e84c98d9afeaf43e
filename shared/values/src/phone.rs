//! Phone numbers. (Signatures; bodies follow.)
use crate::Invalid;
/// A phone number (E.164).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);
impl Phone {
    /// Parses; `PHONE_MALFORMED`.
    pub fn parse(_text: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The E.164 form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
