//! A message and its words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::stored::stored_names;

/// Longest text, in characters.
pub const MAX_TEXT_CHARS: usize = 20_000;
/// Attachments of one message at most.
pub const MAX_ATTACHMENTS: usize = 20;
/// Largest attachment, in bytes.
pub const MAX_ATTACHMENT_BYTES: i64 = 100 * 1024 * 1024;

/// Something said about a ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: Uuid,
    /// Who can read it.
    pub visibility: Visibility,
    /// Who said it.
    pub author: Author,
    /// The member or the customer, as far as known.
    pub author_id: Option<Uuid>,
    /// How it was said.
    pub medium: Medium,
    /// What was said: personal data.
    pub text: String,
    /// Business time.
    pub created_at: Timestamp,
    /// What was attached.
    pub attachments: Vec<Attachment>,
    /// When its words were taken back (TK6).
    pub redacted_at: Option<Timestamp>,
}

/// What was attached to a message; the bytes lie elsewhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// As people see it: personal data.
    pub file_name: String,
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// In bytes.
    pub size_bytes: i64,
    /// Of the bytes.
    pub sha256: [u8; 32],
    /// Where it lies: personal data.
    pub url: String,
}

impl std::fmt::Debug for Message {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("author", &self.author).finish_non_exhaustive()
    }
}

/// Who can read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// The customer and staff.
    Public,
    /// Staff.
    Internal,
}

stored_names!(Visibility, "visibility" { Public = "public", Internal = "internal" });

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Somebody who serves.
    Staff,
    /// The customer.
    Customer,
    /// Seva itself.
    System,
}

stored_names!(Author, "author" { Staff = "staff", Customer = "customer", System = "system" });

/// How something was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Written.
    Text,
    /// Said on the phone, and written down.
    PhoneCall,
    /// Came by mail.
    Email,
    /// Came by a form of a web page, or a chat there.
    Web,
    /// Came by text message.
    Sms,
    /// Came by a messaging app.
    Messaging,
    /// Came by a social network, to us alone.
    Social,
    /// Was posted on a social network for everybody to read.
    SocialPost,
}

stored_names!(Medium, "medium" {
    Text = "text",
    PhoneCall = "phone_call",
    Email = "email",
    Web = "web",
    Sms = "sms",
    Messaging = "messaging",
    Social = "social",
    SocialPost = "social_post",
});
