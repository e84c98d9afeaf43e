//! Messages that came in, from and to the contract.

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        self as pb, inbound_message as pb_inbound, message_result::Outcome, message_sender::From as PbFrom,
        ticket::Kind as PbKind,
    },
};
use seva_runtime::{Error, Violations, auth::Principal};
use seva_store::{
    event::{proto_timestamp, timestamp},
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Email, Invalid, Language, Phone, format_name, parse_name, text};
use sha2::{Digest, Sha256};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    model::{Automation, COLLECTION, Channel, From, Incoming, Kept, Progress, Proof, Reason, Sender, State},
    queries::{ListInbound, ORDERS},
    release::ReleaseMessage,
    words,
};
use crate::{
    message::Attachment,
    ticket::{
        Kind,
        convert::{CUSTOMERS, MAX_LINE_CHARS, message_name, named, parse_attachments, parse_kind},
        model::COLLECTION as TICKETS,
    },
};

/// Messages of one batch at most.
const MAX_MESSAGES: usize = 100;
const MAX_SOURCE_BYTES: usize = 255;
const MAX_EXTERNAL_ID_BYTES: usize = 500;
const MAX_THREAD_ID_BYTES: usize = 255;
const MAX_HANDLE_CHARS: usize = 255;
const MAX_NAME_CHARS: usize = 200;
const MAX_TEXT_CHARS: usize = 100_000;
const MAX_REFERENCES: usize = 50;
const MAX_HEADER_CHARS: usize = 255;
/// The name of a file that has none.
const WITHOUT_NAME: &str = "…";

/// A message as it was pushed, read as far as it can be.
#[derive(Debug)]
pub struct Received {
    pub source: String,
    pub external_id: String,
    pub hash: [u8; 32],
    pub read: Result<Incoming, Error>,
}

/// Reads how many there are.
pub fn messages(request: pb::PublishMessagesRequest) -> Result<Vec<pb::InboundMessage>, Error> {
    let invalid = |invalid| Err(Error::invalid_field("messages", invalid));
    match request.messages.len() {
        0 => invalid(Invalid::new("FIELD_REQUIRED", "needs one message at least")),
        1..=MAX_MESSAGES => Ok(request.messages),
        _ => invalid(Invalid::new("MESSAGES_TOO_MANY", format!("takes {MAX_MESSAGES} messages at most"))),
    }
}

/// Reads a message that `principal` pushed.
pub fn received(message: pb::InboundMessage, principal: &Principal) -> Received {
    let hash = Sha256::digest(message.encode_to_vec()).into();
    let (source, external_id) = (message.source.clone(), message.external_id.clone());
    let read = if principal.may_push_for(&source) {
        let mut violations = Violations::default();
        let incoming = incoming(message, &mut violations);
        violations.finish(incoming)
    } else {
        let message = "the caller may not push for this source";
        Err(Error::new(Code::PermissionDenied, ErrorReason::SourceForbidden, message))
    };
    Received { source, external_id, hash, read }
}

fn incoming(message: pb::InboundMessage, violations: &mut Violations) -> Option<Incoming> {
    let channel = violations.take("channel", channel(message.channel));
    let source = violations.take("source", source(&message.source));
    let external_id = violations.take("external_id", token(&message.external_id, MAX_EXTERNAL_ID_BYTES));
    let sender = violations.required("sender", message.sender).and_then(|sender| self::sender(sender, violations));
    let proof = violations.take("sender_proof", proof(message.sender_proof));
    let language = match message.language.as_str() {
        "" => Some(None),
        tag => violations.take("language", Language::parse(tag)).map(Some),
    };
    let (subject, body) = (words::subject(&message.subject), words::body(&message.text));
    if message.text.chars().count() > MAX_TEXT_CHARS {
        violations.add("text", Invalid::new("TEXT_TOO_LONG", format!("has {MAX_TEXT_CHARS} characters at most")));
    } else if body.is_empty() && subject.is_empty() && message.attachments.is_empty() {
        violations.add("text", Invalid::new("FIELD_REQUIRED", "a message says something, or something comes with it"));
    }
    let attachments = attachments(message.attachments, violations);
    let automation = violations.take("automation", automation(message.automation.unwrap_or_default()));
    let kind = violations.take("kind", kind(message.kind));
    let (in_reply_to, thread_id) = thread(message.thread.unwrap_or_default(), violations)?;
    // What a machine without a clock says, and what no column holds, is no time.
    let sent_at = timestamp(message.send_time).filter(|at| *at > Timestamp::UNIX_EPOCH);
    if message.send_time.is_some() && sent_at.is_none() {
        violations.add("send_time", Invalid::new("TIME_MALFORMED", "lies after 1970, and in no year beyond 9999"));
    }
    if message.posted_publicly && channel.is_some_and(|channel| channel != Channel::Social) {
        let fault = Invalid::new("PUBLIC_CHANNEL", "only what came by a social network is posted for everybody");
        violations.add("posted_publicly", fault);
    }
    Some(Incoming {
        source: source?,
        external_id: external_id?,
        channel: channel?,
        posted_publicly: message.posted_publicly,
        sender: sender?,
        proof: proof?,
        language: language?,
        subject,
        body,
        attachments: attachments?,
        automation: automation?,
        kind: kind?,
        in_reply_to,
        thread_id,
        sent_at,
    })
}

fn unknown(what: &'static str) -> Invalid {
    Invalid::new(what, "has to be a known value")
}

fn channel(given: i32) -> Result<Channel, Invalid> {
    match pb_inbound::Channel::try_from(given) {
        Ok(pb_inbound::Channel::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(pb_inbound::Channel::Mail) => Ok(Channel::Mail),
        Ok(pb_inbound::Channel::Web) => Ok(Channel::Web),
        Ok(pb_inbound::Channel::Sms) => Ok(Channel::Sms),
        Ok(pb_inbound::Channel::Messaging) => Ok(Channel::Messaging),
        Ok(pb_inbound::Channel::Social) => Ok(Channel::Social),
        Err(_) => Err(unknown("CHANNEL_UNKNOWN")),
    }
}

fn proof(given: i32) -> Result<Proof, Invalid> {
    match pb_inbound::SenderProof::try_from(given) {
        Ok(pb_inbound::SenderProof::Unspecified) => Ok(Proof::None),
        Ok(pb_inbound::SenderProof::Passed) => Ok(Proof::Passed),
        Ok(pb_inbound::SenderProof::Failed) => Ok(Proof::Failed),
        Err(_) => Err(unknown("SENDER_PROOF_UNKNOWN")),
    }
}

/// A question unless another kind is given.
fn kind(given: i32) -> Result<Kind, Invalid> {
    match given {
        0 => Ok(Kind::Question),
        given => parse_kind(given),
    }
}

fn source(given: &str) -> Result<String, Invalid> {
    let rest = given.strip_prefix("//").unwrap_or_default();
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) || given.len() > MAX_SOURCE_BYTES {
        return Err(Invalid::new("SOURCE_MALFORMED", "a source looks like //mail/support"));
    }
    Ok(given.to_owned())
}

/// A name that another program gave: not empty, without control characters, and kept as it is.
fn token(given: &str, longest: usize) -> Result<String, Invalid> {
    if given.trim().is_empty() {
        return Err(Invalid::new("FIELD_REQUIRED", "is required"));
    }
    if given.len() > longest || given.chars().any(char::is_control) {
        let description = format!("has {longest} bytes at most and no control characters");
        return Err(Invalid::new("ID_MALFORMED", description));
    }
    Ok(given.to_owned())
}

fn sender(sender: pb::MessageSender, violations: &mut Violations) -> Option<Sender> {
    let pb::MessageSender { from, display_name } = sender;
    let from = match violations.required("sender.from", from)? {
        PbFrom::Email(email) => violations.take("sender.email", Email::parse(&email)).map(From::Email),
        PbFrom::Phone(phone) => violations.take("sender.phone", Phone::parse(&phone)).map(From::Phone),
        PbFrom::Handle(handle) => {
            violations.take("sender.handle", text::required_line(&handle, MAX_HANDLE_CHARS)).map(From::Handle)
        }
    };
    // Whatever somebody calls themselves does not keep their words from us.
    let display_name = words::cut(&words::subject(&display_name), MAX_NAME_CHARS);
    Some(Sender { from: from?, display_name })
}

fn thread(thread: pb::MessageThread, violations: &mut Violations) -> Option<(Vec<String>, String)> {
    let pb::MessageThread { in_reply_to, thread_id } = thread;
    // Headers of mail are written by anybody: what is no id of ours is passed over, and not a reason to refuse.
    let is_id = |id: &String| token(id, MAX_EXTERNAL_ID_BYTES).is_ok();
    let in_reply_to = in_reply_to.into_iter().filter(is_id).take(MAX_REFERENCES).collect();
    let thread_id = match thread_id.as_str() {
        "" => Some(thread_id),
        id => violations.take("thread.thread_id", token(id, MAX_THREAD_ID_BYTES)),
    };
    Some((in_reply_to, thread_id.unwrap_or_default()))
}

fn automation(automation: pb::ProgramMarks) -> Result<Automation, Invalid> {
    let pb::ProgramMarks { auto_submitted, precedence, list_id, loop_marker, hop_count } = automation;
    if hop_count < 0 {
        return Err(Invalid::new("HOPS_NEGATIVE", "hop_count cannot be negative"));
    }
    let header = |text: &str| words::cut(&words::subject(text), MAX_HEADER_CHARS);
    Ok(Automation {
        auto_submitted,
        precedence,
        list_id: header(&list_id),
        loop_marker: header(&loop_marker),
        hop_count,
    })
}

/// What came with a message. Whatever a file is called does not keep the message from us, and what has no bytes is nothing.
fn attachments(given: Vec<pb::Attachment>, violations: &mut Violations) -> Option<Vec<Attachment>> {
    let with_bytes = given.into_iter().filter(|attachment| attachment.size_bytes != 0);
    let named = with_bytes.map(|attachment| {
        let name = words::cut(&words::subject(&attachment.file_name), MAX_LINE_CHARS).replace(['/', '\\'], "_");
        let file_name = if name.is_empty() { WITHOUT_NAME.to_owned() } else { name };
        pb::Attachment { file_name, ..attachment }
    });
    parse_attachments(named.collect(), violations)
}

/// Reads which message.
pub fn wanted(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

impl TryFrom<pb::ReleaseInboundMessageRequest> for ReleaseMessage {
    type Error = Error;

    fn try_from(request: pb::ReleaseInboundMessageRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let customer = optional(&mut violations, "customer", CUSTOMERS, &request.customer);
        violations.finish(id.zip(customer).map(|(id, customer)| Self { id, customer }))
    }
}

fn optional(violations: &mut Violations, field: &str, collection: &str, name: &str) -> Option<Option<Uuid>> {
    let parsed = if name.is_empty() { Ok(None) } else { parse_name(collection, name).map(Some) };
    violations.take(field, parsed)
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListInboundMessagesRequest, key: &PageKey) -> Result<ListInbound, Error> {
    let pb::ListInboundMessagesRequest { page_size, page_token, order_by, filter } = request;
    let pb::InboundMessageFilter { state, customer, ticket } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let customer = optional(&mut violations, "filter.customer", CUSTOMERS, &customer);
    let ticket = optional(&mut violations, "filter.ticket", TICKETS, &ticket);
    let state = violations.take(
        "filter.state",
        match pb_inbound::State::try_from(state) {
            Ok(pb_inbound::State::Unspecified) => Ok(None),
            Ok(pb_inbound::State::Pending) => Ok(Some(State::Pending)),
            Ok(pb_inbound::State::Delivered) => Ok(Some(State::Delivered)),
            Ok(pb_inbound::State::Ignored) => Ok(Some(State::Ignored)),
            Ok(pb_inbound::State::Held) => Ok(Some(State::Held)),
            Err(_) => Err(unknown("STATE_UNKNOWN")),
        },
    );
    let all = || Some((order?, customer?, ticket?, state?));
    let all = all();
    let (order, customer, ticket, state) = violations.finish(all)?;
    let query = format!("{}/{customer:?}/{ticket:?}/{state:?}", order.name);
    let page = PageRequest::parse(key, "inboundMessages", &query, page_size, &page_token)?;
    Ok(ListInbound { order, customer, ticket, state, page })
}

/// The answer for a message that was taken, now or before.
pub fn taken(received: &Received, outcome: Outcome, id: Uuid, progress: &Progress) -> pb::MessageResult {
    pb::MessageResult {
        external_id: received.external_id.clone(),
        outcome: outcome.into(),
        error: None,
        inbound_message: format_name(COLLECTION, id),
        state: proto_state(progress.state).into(),
        reason: proto_reason(progress.reason).into(),
        ticket: named(TICKETS, progress.ticket),
        message: said(progress),
    }
}

/// The answer for a refused message.
pub fn rejected(received: &Received, error: &Error) -> pb::MessageResult {
    let status = Status::from(error);
    let error = tonic_types::pb::Status::decode(status.details()).expect("our own encoding can be read");
    pb::MessageResult {
        external_id: received.external_id.clone(),
        outcome: Outcome::Rejected.into(),
        error: Some(error),
        ..pb::MessageResult::default()
    }
}

fn said(progress: &Progress) -> String {
    progress.ticket.zip(progress.message).map(|(ticket, message)| message_name(ticket, message)).unwrap_or_default()
}

const fn proto_state(state: State) -> pb_inbound::State {
    match state {
        State::Pending => pb_inbound::State::Pending,
        State::Delivered => pb_inbound::State::Delivered,
        State::Ignored => pb_inbound::State::Ignored,
        State::Held => pb_inbound::State::Held,
    }
}

const fn proto_reason(reason: Option<Reason>) -> pb_inbound::Reason {
    match reason {
        None => pb_inbound::Reason::Unspecified,
        Some(Reason::Automatic) => pb_inbound::Reason::Automatic,
        Some(Reason::Bulk) => pb_inbound::Reason::Bulk,
        Some(Reason::Loop) => pb_inbound::Reason::Loop,
        Some(Reason::TooMany) => pb_inbound::Reason::TooMany,
        Some(Reason::SenderForged) => pb_inbound::Reason::SenderForged,
        Some(Reason::SenderAmbiguous) => pb_inbound::Reason::SenderAmbiguous,
        Some(Reason::SenderUnproved) => pb_inbound::Reason::SenderUnproved,
        Some(Reason::Thanks) => pb_inbound::Reason::Thanks,
        Some(Reason::Failed) => pb_inbound::Reason::Failed,
    }
}

impl std::convert::From<&Kept> for pb::InboundMessage {
    fn from(kept: &Kept) -> Self {
        let Kept { id, incoming, progress, received_at, .. } = kept;
        let from = match incoming.sender.from.clone() {
            From::Email(email) => PbFrom::Email(email.as_str().to_owned()),
            From::Phone(phone) => PbFrom::Phone(phone.as_str().to_owned()),
            From::Handle(handle) => PbFrom::Handle(handle),
        };
        let Automation { auto_submitted, precedence, list_id, loop_marker, hop_count } = incoming.automation.clone();
        let channel = match incoming.channel {
            Channel::Mail => pb_inbound::Channel::Mail,
            Channel::Web => pb_inbound::Channel::Web,
            Channel::Sms => pb_inbound::Channel::Sms,
            Channel::Messaging => pb_inbound::Channel::Messaging,
            Channel::Social => pb_inbound::Channel::Social,
        };
        let proof = match incoming.proof {
            Proof::None => pb_inbound::SenderProof::Unspecified,
            Proof::Passed => pb_inbound::SenderProof::Passed,
            Proof::Failed => pb_inbound::SenderProof::Failed,
        };
        Self {
            name: format_name(COLLECTION, *id),
            source: incoming.source.clone(),
            external_id: incoming.external_id.clone(),
            channel: channel.into(),
            posted_publicly: incoming.posted_publicly,
            sender: Some(pb::MessageSender { from: Some(from), display_name: incoming.sender.display_name.clone() }),
            language: incoming.language.as_ref().map(|language| language.as_str().to_owned()).unwrap_or_default(),
            subject: incoming.subject.clone(),
            text: incoming.body.clone(),
            attachments: incoming.attachments.iter().map(Into::into).collect(),
            thread: Some(pb::MessageThread {
                in_reply_to: incoming.in_reply_to.clone(),
                thread_id: incoming.thread_id.clone(),
            }),
            send_time: incoming.sent_at.map(proto_timestamp),
            automation: Some(pb::ProgramMarks { auto_submitted, precedence, list_id, loop_marker, hop_count }),
            kind: PbKind::from(incoming.kind).into(),
            sender_proof: proof.into(),
            state: proto_state(progress.state).into(),
            reason: proto_reason(progress.reason).into(),
            customer: named(CUSTOMERS, progress.customer),
            ticket: named(TICKETS, progress.ticket),
            message: said(progress),
            receive_time: Some(proto_timestamp(*received_at)),
        }
    }
}
