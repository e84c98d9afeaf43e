//! What is said about tickets, and taken back: from the contract.

use seva_proto::tickets::v1 as pb;
use seva_runtime::{Error, Violations};
use seva_values::{Invalid, WebLink, parse_name, text};
use uuid::Uuid;

use super::{MAX_LINE_CHARS, parse_author, parse_medium, parse_visibility, which, words};
use crate::{
    message::{
        Attachment, Author, Visibility,
        model::{MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS},
    },
    ticket::{
        commands::{RedactMessage, ReplyToTicket},
        model::COLLECTION,
    },
};

impl TryFrom<pb::ReplyToTicketRequest> for ReplyToTicket {
    type Error = Error;

    fn try_from(request: pb::ReplyToTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let visibility = violations.take("visibility", parse_visibility(request.visibility));
        let author = violations.take("author", parse_author(request.author));
        let medium = violations.take("medium", parse_medium(request.medium));
        let text = violations.take("text", words(&request.text));
        let attachments = parse_attachments(request.attachments, &mut violations);
        if author == Some(Author::Customer) && visibility == Some(Visibility::Internal) {
            let fault = Invalid::new("VISIBILITY_OF_CUSTOMER", "what the customer said is public to the customer");
            violations.add("visibility", fault);
        }
        let asks = request.awaits_customer;
        if asks && (author != Some(Author::Staff) || visibility != Some(Visibility::Public)) {
            let fault = Invalid::new("QUESTION_NOT_PUBLIC", "only staff ask the customer, and in public");
            violations.add("awaits_customer", fault);
        }
        let command = || {
            let (id, etag) = ids?;
            Some(Self {
                id,
                etag,
                visibility: visibility?,
                author: author?,
                medium: medium?,
                text: text?,
                attachments: attachments?,
                awaits_customer: asks,
            })
        };
        let command = command();
        violations.finish(command)
    }
}

impl TryFrom<pb::RedactMessageRequest> for RedactMessage {
    type Error = Error;

    fn try_from(request: pb::RedactMessageRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let name = violations.take("name", parse_message_name(&request.name));
        let reason = violations.take("reason", text::required_line(&request.reason, MAX_LINE_CHARS));
        violations.finish(name.zip(reason).map(|((ticket, message), reason)| Self { ticket, message, reason }))
    }
}

/// Ticket and message of `tickets/{ticket}/messages/{message}`.
fn parse_message_name(name: &str) -> Result<(Uuid, Uuid), Invalid> {
    let (ticket, message) = name.split_once("/messages/").unwrap_or((name, ""));
    let message = parse_name("messages", &format!("messages/{message}"));
    Ok((parse_name(COLLECTION, ticket)?, message?))
}

/// What is attached to a message. Faults are noted.
pub fn parse_attachments(given: Vec<pb::Attachment>, violations: &mut Violations) -> Option<Vec<Attachment>> {
    if given.len() > MAX_ATTACHMENTS {
        violations.add("attachments", Invalid::new("ATTACHMENTS_TOO_MANY", format!("{MAX_ATTACHMENTS} at most")));
        return None;
    }
    let count = given.len();
    let parsed: Vec<Attachment> = given
        .into_iter()
        .enumerate()
        .filter_map(|(at, attachment)| {
            let pb::Attachment { file_name, media_type, size_bytes, sha256, url } = attachment;
            let field = |name: &str| format!("attachments[{at}].{name}");
            let file_name = violations.take(field("file_name"), text::required_line(&file_name, MAX_LINE_CHARS));
            let media_type = violations.take(field("media_type"), parse_media_type(&media_type));
            let size_bytes = violations.take(field("size_bytes"), parse_size(size_bytes));
            let not_a_hash = |_| Invalid::new("SHA256_MALFORMED", "has to be the 32 bytes of a SHA-256");
            let sha256 = violations.take(field("sha256"), <[u8; 32]>::try_from(sha256.as_slice()).map_err(not_a_hash));
            let url = violations.take(field("url"), WebLink::parse(&url));
            Some(Attachment {
                file_name: file_name?,
                media_type: media_type?,
                size_bytes: size_bytes?,
                sha256: sha256?,
                url: url?.as_str().to_owned(),
            })
        })
        .collect();
    (parsed.len() == count).then_some(parsed)
}

fn parse_size(bytes: i64) -> Result<i64, Invalid> {
    match bytes {
        1..=MAX_ATTACHMENT_BYTES => Ok(bytes),
        _ => Err(Invalid::new("SIZE_OUT_OF_RANGE", format!("has to be from 1 to {MAX_ATTACHMENT_BYTES} bytes"))),
    }
}

/// RFC 6838: a type and a subtype of letters, digits and `!#$&-^_.+`.
fn parse_media_type(given: &str) -> Result<String, Invalid> {
    let fits = |part: &str| {
        (1..=100).contains(&part.len())
            && part.chars().all(|char| char.is_ascii_alphanumeric() || "!#$&-^_.+".contains(char))
    };
    match given.split_once('/') {
        Some((kind, subtype)) if fits(kind) && fits(subtype) => Ok(given.to_ascii_lowercase()),
        _ => Err(Invalid::new("MEDIA_TYPE_MALFORMED", "has to be a media type such as image/jpeg (RFC 6838)")),
    }
}
