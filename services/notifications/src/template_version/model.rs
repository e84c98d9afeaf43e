//! A version of a template and its life: draft, published, retired.

use jiff::Timestamp;
use uuid::Uuid;

use crate::template::{TemplateDraft, TemplateVersion};

/// A version as it is kept.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its id.
    pub id: Uuid,
    /// The number within its template; the first is 1.
    pub number: i32,
    /// Its texts; the key is the milestone.
    pub draft: TemplateDraft,
    /// SHA-256 of it all.
    pub hash: Vec<u8>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it was published, if ever; from then on it never changes (NO10).
    pub published_at: Option<Timestamp>,
    /// It is the one that is sent from.
    pub is_current: bool,
}

/// What has become of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not sent from yet.
    Draft,
    /// Sent from.
    Published,
    /// Was sent from.
    Retired,
}

impl Version {
    /// A draft with its number and hash.
    #[must_use]
    pub fn draft(id: Uuid, number: i32, draft: TemplateDraft, now: Timestamp) -> Self {
        let hash = hash_of(&draft);
        Self { id, number, draft, hash, created_at: now, published_at: None, is_current: false }
    }

    /// What has become of it.
    #[must_use]
    pub const fn state(&self) -> State {
        match (self.is_current, self.published_at) {
            (true, _) => State::Published,
            (false, Some(_)) => State::Retired,
            (false, None) => State::Draft,
        }
    }

    /// The version from which messages are written.
    #[must_use]
    pub fn to_template(&self) -> TemplateVersion {
        TemplateVersion::new(self.draft.clone(), u32::try_from(self.number).unwrap_or(0))
    }
}

/// SHA-256 of a draft's content.
#[must_use]
pub fn hash_of(draft: &TemplateDraft) -> Vec<u8> {
    TemplateVersion::new(draft.clone(), 0).hash().as_bytes().to_vec()
}
