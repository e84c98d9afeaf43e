//! From a message to a mail: headers and both bodies.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use seva_values::Email;
use uuid::Uuid;

use super::{Fault, OutgoingMail};

/// Who sends.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The address in From; its domain is the domain of every Message-ID.
    pub from: Email,
    /// The name in From.
    pub from_name: String,
    /// Where answers go, if elsewhere.
    pub reply_to: Option<Email>,
}

impl Sender {
    /// What every message about a ticket refers to: an answer refers to it too, whatever its subject has become.
    #[must_use]
    pub fn thread_id(&self, ticket: Uuid) -> String {
        format!("<ticket.{ticket}@{}>", self.from.domain())
    }

    /// The Message-ID of a message: the same for every attempt, so that a receiver can tell a repetition.
    #[must_use]
    pub fn message_id(&self, message: &OutgoingMail) -> String {
        format!("<{}@{}>", message.id, self.from.domain())
    }
}

/// Makes the mail.
///
/// # Errors
/// [`Fault::BadContent`] for a line break in anything that stands in a header, and for what no mail can be made of.
pub fn compose(sender: &Sender, message: &OutgoingMail) -> Result<Message, Fault> {
    for (what, text) in [("subject", &message.subject), ("name", &message.to_name), ("sender", &sender.from_name)] {
        if text.contains(['\r', '\n', '\0']) {
            return Err(refused(format!("a line break in the {what}")));
        }
    }
    let seconds = u64::try_from(message.date.as_second()).unwrap_or(0);
    let mut builder = Message::builder()
        .from(mailbox(&sender.from_name, &sender.from)?)
        .to(mailbox(&message.to_name, &message.to)?)
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(sender.message_id(message)))
        .subject(&message.subject)
        .raw_header(header("Content-Language", message.language.as_str()))
        // So that automatic answers are not sent, and answered.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(mailbox("", reply_to)?);
    }
    if let Some(ticket) = message.ticket {
        builder = builder.references(sender.thread_id(ticket));
    }
    if let Some(link) = &message.unsubscribe {
        // RFC 8058: both or none. A mail program ends the messages by one POST to it; looking at it changes nothing.
        builder = builder
            .raw_header(header("List-Unsubscribe", &format!("<{link}>")))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let part = |kind: ContentType, text: &str| {
        let builder = SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable);
        builder.body(text.to_owned())
    };
    let bodies = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, &message.text))
        .singlepart(part(ContentType::TEXT_HTML, &message.html));
    builder.multipart(bodies).map_err(|_| refused("no mail can be made of it".to_owned()))
}

/// A header of our own; its name and value are written here or checked by their types.
fn header(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii(name.to_owned()).expect("the names of our headers are plain ASCII");
    HeaderValue::new(name, value.to_owned())
}

fn mailbox(name: &str, email: &Email) -> Result<Mailbox, Fault> {
    let address: Address = email.as_str().parse().map_err(|_| Fault::BadAddress { code: "malformed".to_owned() })?;
    Ok(Mailbox::new((!name.trim().is_empty()).then(|| name.trim().to_owned()), address))
}

fn refused(code: String) -> Fault {
    Fault::BadContent { code }
}
