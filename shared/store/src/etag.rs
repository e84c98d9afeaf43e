//! The version of a row as callers see it (RFC 7232 strong entity tag, AIP-154).

use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::Invalid;

#[cfg(test)]
mod tests;

/// A version that the caller has seen, if it sent one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Etag(Option<i64>);

impl Etag {
    /// Reads `"v17"`; empty: the caller does not mind what the version is.
    ///
    /// # Errors
    /// `ETAG_MALFORMED`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let version = text
            .strip_prefix("\"v")
            .and_then(|rest| rest.strip_suffix('"'))
            .and_then(|version| version.parse().ok())
            // As it was answered: no plus sign, no leading zeros.
            .filter(|version| Self::format(*version) == text)
            .ok_or_else(|| Invalid::new("ETAG_MALFORMED", "has to be an etag as it was answered, such as \"v17\""))?;
        Ok(Self(Some(version)))
    }

    /// `"v17"`.
    pub fn format(version: i64) -> String {
        format!("\"v{version}\"")
    }

    /// Refuses when the caller has seen another version than the present one.
    ///
    /// # Errors
    /// `ETAG_MISMATCH` with the present etag.
    pub fn check(self, current: i64) -> Result<(), Error> {
        match self.0 {
            Some(seen) if seen != current => {
                Err(Error::aborted(ErrorReason::EtagMismatch, "the resource has changed since it was read")
                    .with_metadata("current_etag", Self::format(current)))
            }
            _ => Ok(()),
        }
    }
}
