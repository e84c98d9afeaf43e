//! What articles and troubleshooting guides share: texts in several languages that are written as drafts, checked, and frozen when published.

mod check;
mod draft;
mod version_name;

pub use check::{Check, ENGLISH};
pub use draft::{parts, texts, translations, words};
pub use version_name::{format_version, parse_latest_or_version, parse_version};

use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Violations};
use seva_values::proto::Faults;
use sha2::{Digest, Sha256};

/// SHA-256 of the canonical form: fields in the order of their declaration, languages by tag, no white space.
pub fn hash(content: &impl serde::Serialize) -> [u8; 32] {
    let canonical = serde_json::to_vec(content).expect("texts are plain data");
    Sha256::digest(canonical).into()
}

/// The refusal of a draft with everything that is wrong with it.
///
/// # Errors
/// `DRAFT_FAULTY` when there is any fault.
pub fn refuse(faults: Faults, invariant: &'static str) -> Result<(), Error> {
    if faults.is_empty() {
        return Ok(());
    }
    let message = format!("{} faults keep the version from being published ({invariant})", faults.len());
    let mut violations = Violations::default();
    for (field, invalid) in faults {
        violations.add(field, invalid);
    }
    Err(Error::invalid(ErrorReason::DraftFaulty, message).joined(Some(violations.into())))
}
