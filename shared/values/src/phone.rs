//! Phone numbers.

use std::fmt;

use phonenumber::Mode;
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// More than the fifteen digits of a number with every usual sign between them.
const LONGEST: usize = 32;

/// A phone number in its international form (E.164), such as `+919876543210`. Personal data.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// The number, written internationally: a plus, the country's code and the number; spaces, hyphens, dots and
    /// brackets between the digits are dropped.
    ///
    /// # Errors
    ///
    /// `PHONE_MALFORMED` without the plus, for other characters, or when the numbering plan of the country has no
    /// such number.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("PHONE_MALFORMED", "a phone number looks like +91 98765 43210");
        let digits = text.strip_prefix('+').ok_or_else(malformed)?;
        // The library would also take letters, extensions and URIs: none of them can be dialled as they stand.
        let is_plain = digits.chars().all(|c| c.is_ascii_digit() || " -.()".contains(c));
        if text.len() > LONGEST || !is_plain || !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(malformed());
        }
        let number = phonenumber::parse(None, text).map_err(|_| malformed())?;
        if !number.is_valid() {
            return Err(malformed());
        }
        Ok(Self(number.format().mode(Mode::E164).to_string()))
    }

    /// The number in E.164: a plus and at most fifteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Phone {
    /// Redacted, so that no log and no failed assertion shows a person's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(redacted)")
    }
}

#[cfg(test)]
mod tests;
