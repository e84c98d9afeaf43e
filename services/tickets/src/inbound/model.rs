//! A message that came in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_values::{Email, Language, Phone};
use uuid::Uuid;

use crate::{
    message::{Attachment, Medium},
    stored::stored_names,
    ticket::Kind,
};

/// Collection of their names.
pub const COLLECTION: &str = "inboundMessages";

/// A message as an adapter pushed it, valid.
#[derive(Clone)]
pub struct Incoming {
    pub source: String,
    pub external_id: String,
    pub channel: Channel,
    pub posted_publicly: bool,
    pub sender: Sender,
    pub proof: Proof,
    pub language: Option<Language>,
    /// Personal data, as the body and the attachments are.
    pub subject: String,
    pub body: String,
    pub attachments: Vec<Attachment>,
    pub automation: Automation,
    /// Of a ticket that it opens.
    pub kind: Kind,
    /// The nearest first.
    pub in_reply_to: Vec<String>,
    /// Empty: it says none.
    pub thread_id: String,
    pub sent_at: Option<Timestamp>,
}

impl std::fmt::Debug for Incoming {
    /// Without anybody's words and addresses.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("source", &self.source).field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// A message that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    pub id: Uuid,
    pub incoming: Incoming,
    /// The key or user that pushed it.
    pub pushed_by: String,
    pub traceparent: Option<String>,
    /// Business time.
    pub received_at: Timestamp,
    /// Somebody has looked at it: nothing is asked of it any more.
    pub released: bool,
    pub progress: Progress,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub state: State,
    /// Why it is ignored or held.
    pub reason: Option<Reason>,
    /// Whose it is, as soon as that is known.
    pub customer: Option<Uuid>,
    pub ticket: Option<Uuid>,
    /// What was said on the ticket.
    pub message: Option<Uuid>,
}

impl Progress {
    /// Nothing has come of it yet.
    pub const PENDING: Self = Self { state: State::Pending, reason: None, customer: None, ticket: None, message: None };

    /// Nothing comes of it, or not yet, and why.
    pub const fn stopped(reason: Reason) -> Self {
        Self { state: reason.state(), reason: Some(reason), ..Self::PENDING }
    }
}

/// Who has sent a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Sender {
    pub from: From,
    /// As they call themselves: personal data, as the address is.
    pub display_name: String,
}

/// From where a message was sent.
#[derive(Clone, PartialEq, Eq)]
pub enum From {
    Email(Email),
    Phone(Phone),
    /// An account of the app or network that the message's source speaks for.
    Handle(String),
}

impl From {
    /// The kind's name, as it is stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::Handle(_) => "handle",
        }
    }

    /// The address itself: personal data.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(phone) => phone.as_str(),
            Self::Handle(handle) => handle,
        }
    }
}

/// What gives away that no person has written a message, by the numbers of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Automation {
    pub auto_submitted: i32,
    pub precedence: i32,
    pub list_id: String,
    pub loop_marker: String,
    pub hop_count: i32,
}

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Mail,
    Web,
    Sms,
    Messaging,
    Social,
}

stored_names!(Channel, "channel" { Mail = "mail", Web = "web", Sms = "sms", Messaging = "messaging", Social = "social" });

impl Incoming {
    /// Whether it is its sender's word: a mail address is anybody's to write, until it is proved.
    pub fn is_of_its_sender(&self) -> bool {
        self.proof == Proof::Passed || !matches!(self.sender.from, From::Email(_))
    }

    /// How it is said on its ticket; what everybody can read is told apart (TK99).
    pub const fn medium(&self) -> Medium {
        match self.channel {
            Channel::Mail => Medium::Email,
            Channel::Web => Medium::Web,
            Channel::Sms => Medium::Sms,
            Channel::Messaging => Medium::Messaging,
            Channel::Social if self.posted_publicly => Medium::SocialPost,
            Channel::Social => Medium::Social,
        }
    }
}

/// Whether the sender's address was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nobody has looked.
    None,
    Passed,
    Failed,
}

stored_names!(Proof, "proof of a sender" { None = "none", Passed = "passed", Failed = "failed" });

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Kept, and not yet with its ticket.
    Pending,
    /// With its ticket.
    Delivered,
    /// Nothing follows from it.
    Ignored,
    /// In quarantine.
    Held,
}

stored_names!(State, "state of a message that came in" {
    Pending = "pending", Delivered = "delivered", Ignored = "ignored", Held = "held",
});

/// Why a message is ignored or held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A program has sent it.
    Automatic,
    /// It went to many.
    Bulk,
    /// It goes round in circles.
    Loop,
    /// Its sender has sent too many of late.
    TooMany,
    /// Its sender's address is made up.
    SenderForged,
    /// Several customers share the address.
    SenderAmbiguous,
    /// Nobody has proved its sender's mail address, and it would settle or reopen a ticket.
    SenderUnproved,
    /// It only says thanks, and its ticket is over.
    Thanks,
    /// It could not be worked off.
    Failed,
}

stored_names!(Reason, "reason to stop a message" {
    Automatic = "automatic",
    Bulk = "bulk",
    Loop = "loop",
    TooMany = "too_many",
    SenderForged = "sender_forged",
    SenderAmbiguous = "sender_ambiguous",
    SenderUnproved = "sender_unproved",
    Thanks = "thanks",
    Failed = "failed",
});

impl Reason {
    /// Whether such a message is done with, or waits for somebody to look at it.
    pub const fn state(self) -> State {
        match self {
            Self::Automatic | Self::Bulk | Self::Loop | Self::Thanks => State::Ignored,
            Self::TooMany | Self::SenderForged | Self::SenderAmbiguous | Self::SenderUnproved | Self::Failed => {
                State::Held
            }
        }
    }
}
