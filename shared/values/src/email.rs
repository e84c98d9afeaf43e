//! E-mail addresses.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Host;

use crate::Invalid;

/// The longest address that fits into the envelope of a mail.
const LONGEST: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST_LABEL: usize = 63;
/// What an address may hold before the @ beside letters and digits.
const LOCAL_SYMBOLS: &str = "!#$%&'*+-/=?^_`{|}~.";

/// An e-mail address that can stand in a mail's envelope and headers as it is. Personal data.
///
/// One domain has one spelling: small letters, and `xn--` where it has others than ASCII. The part before the @ keeps
/// its case, because only the receiving host knows what it means.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The address, taken strictly: no spaces round it, no display name, no quoting, no comments.
    ///
    /// # Errors
    ///
    /// `EMAIL_LINE_BREAK` for a CR or LF anywhere (somebody tries to write headers), `EMAIL_TOO_LONG` over 254 bytes
    /// or over 64 before the @, `EMAIL_MALFORMED` for everything else that is no address.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.contains(['\r', '\n']) {
            return Err(Invalid::new("EMAIL_LINE_BREAK", "an e-mail address has no line breaks"));
        }
        let (local, domain) = text.split_once('@').ok_or_else(malformed)?;
        if text.len() > LONGEST || local.len() > LONGEST_LOCAL_PART {
            return Err(too_long());
        }
        let dots_are_inside = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        if local.is_empty() || !dots_are_inside || !local.chars().all(may_stand_in_local_part) {
            return Err(malformed());
        }
        let normalised = format!("{local}@{}", normalised_domain(domain)?);
        if normalised.len() > LONGEST {
            return Err(too_long());
        }
        Ok(Self(normalised))
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the @: what may be logged and counted.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').expect("an address has an @").1
    }
}

fn malformed() -> Invalid {
    Invalid::new("EMAIL_MALFORMED", "an e-mail address looks like name@example.com")
}

fn too_long() -> Invalid {
    let description = format!("an e-mail address has at most {LONGEST} bytes, {LONGEST_LOCAL_PART} before the @");
    Invalid::new("EMAIL_TOO_LONG", description)
}

fn may_stand_in_local_part(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || LOCAL_SYMBOLS.contains(character);
    }
    // The scripts of India write vowels and joined letters with marks that do not count as letters by themselves.
    character.is_alphanumeric() || matches!(character, '\u{300}'..='\u{36F}' | '\u{900}'..='\u{DFF}')
}

/// The domain in ASCII and small letters.
fn normalised_domain(domain: &str) -> Result<String, Invalid> {
    // The parser of hosts undoes percent signs and reads brackets as addresses of machines: neither is a mail domain.
    if domain.contains(|c: char| c.is_control() || c.is_whitespace() || "%[]".contains(c)) {
        return Err(malformed());
    }
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return Err(malformed()) };
    let mut labels = 0;
    for label in domain.split('.') {
        let inner_hyphens = !label.starts_with('-') && !label.ends_with('-');
        let letters = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if label.is_empty() || label.len() > LONGEST_LABEL || !inner_hyphens || !letters {
            return Err(malformed());
        }
        labels += 1;
    }
    if labels < 2 { Err(malformed()) } else { Ok(domain) }
}

impl TryFrom<String> for Email {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    /// Redacted, so that no log and no failed assertion shows a person's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(redacted)")
    }
}

#[cfg(test)]
mod tests;
