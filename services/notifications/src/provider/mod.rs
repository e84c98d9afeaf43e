//! Providers: who takes messages on their way. Mail by SMTP, files in a folder, or nowhere.

mod compose;
pub mod folder;
pub mod null;
pub mod smtp;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use jiff::Timestamp;
use seva_values::{Email, Language, WebLink};
use uuid::Uuid;

pub use compose::{Sender, compose};
pub use folder::Folder;
pub use null::Null;
pub use smtp::Smtp;

/// A message ready to be handed over. Personal data: its debug output shows the id alone.
#[derive(Clone)]
pub struct OutgoingMail {
    /// The notification's id; the same message again has the same one, and the same Message-ID.
    pub id: Uuid,
    /// Where to.
    pub to: Email,
    /// Whose address it is; may be empty.
    pub to_name: String,
    /// One line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// The language of both.
    pub language: Language,
    /// Business time.
    pub date: Timestamp,
    /// The ticket that it is about: mail programs show all messages about it together, and an answer says which one it is.
    pub ticket: Option<Uuid>,
    /// Where one POST ends such messages for the customer (RFC 8058); only for those that can be ended.
    pub unsubscribe: Option<WebLink>,
}

impl std::fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutgoingMail({})", self.id)
    }
}

/// Takes messages.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Hands a message over; when it answers, the provider has taken responsibility for it.
    ///
    /// # Errors
    /// What is known about the message then; see [`Fault`].
    async fn deliver(&self, message: &OutgoingMail) -> Result<(), Fault>;

    /// Whether it has taken the message of this id, asked after a hand-over that ended without a word; `None`: it cannot tell.
    ///
    /// A provider that can tell leaves as it is what it has, when it is handed the same message again.
    async fn has_taken(&self, _id: Uuid) -> Option<bool> {
        None
    }
}

/// Why a message was not taken, or is not known to be. `code` is what may be told and kept: no text of the provider, which may quote
/// an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It was not taken; later it may be.
    #[error("not taken for now: {code}")]
    Transient {
        /// Such as `450 4.2.1`.
        code: String,
    },
    /// Nobody gets mail there.
    #[error("the address was refused: {code}")]
    BadAddress {
        /// Such as `550 5.1.1`.
        code: String,
    },
    /// What it says, or our reputation, was refused.
    #[error("the content was refused: {code}")]
    BadContent {
        /// Such as `550 5.7.1`.
        code: String,
    },
    /// We may not send there, or not so.
    #[error("the account was refused: {code}")]
    BadAccount {
        /// Such as `530 5.5.1`.
        code: String,
    },
    /// The answer was lost: it may have been taken.
    #[error("it is not known whether it was taken: {code}")]
    Ambiguous {
        /// What happened.
        code: String,
    },
}

impl Fault {
    /// What may be told and kept.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Transient { code }
            | Self::BadAddress { code }
            | Self::BadContent { code }
            | Self::BadAccount { code }
            | Self::Ambiguous { code } => code,
        }
    }
}
