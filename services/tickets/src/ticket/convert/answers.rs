//! Tickets, messages and clocks to the contract: answers and events.

use seva_proto::{
    common::v1::Channel,
    tickets::v1::{
        self as pb, TicketEvent, clock as pb_clock, clock_event, message as pb_message, root_problem,
        ticket as pb_ticket,
    },
};
use seva_store::{Etag, event::proto_timestamp};
use seva_values::{HumanNumber, format_name};
use uuid::Uuid;

use super::{
    CUSTOMERS,
    verification::{channels_tried, proto_unverified},
};
use crate::{
    clock::{self, Clock, ClockEvent, Shown},
    custom_field,
    message::{self, Attachment, Author, Message, Spoken},
    promise::model::COLLECTION as PROMISES,
    recipient::Tier,
    risk,
    roster::model::{DEPARTMENTS, STAFF_MEMBERS},
    routing::WaitReason,
    ticket::{
        model::{COLLECTION, Change, Matter, RootProblem, Ticket},
        state::{Act, Closure},
        store::listed::{Listed, Summary, Whole},
    },
};

/// How it was closed, in the contract's form.
pub fn proto_closure(closure: Option<Closure>) -> pb_ticket::Closure {
    match closure {
        None => pb_ticket::Closure::Unspecified,
        Some(Closure::Verified) => pb_ticket::Closure::Verified,
        Some(Closure::Unverified) => pb_ticket::Closure::Unverified,
    }
}

fn proto_wait_reason(reason: Option<WaitReason>) -> pb_ticket::WaitReason {
    match reason {
        None => pb_ticket::WaitReason::Unspecified,
        Some(WaitReason::NoDepartment) => pb_ticket::WaitReason::NoDepartment,
        Some(WaitReason::NoSkill) => pb_ticket::WaitReason::NoSkill,
        Some(WaitReason::NoLanguage) => pb_ticket::WaitReason::NoLanguage,
        Some(WaitReason::NobodyOnShift) => pb_ticket::WaitReason::NobodyOnShift,
        Some(WaitReason::NoFreePlace) => pb_ticket::WaitReason::NoFreePlace,
    }
}

/// A tier in the contract's form.
pub fn proto_tier(tier: Tier) -> pb_ticket::Tier {
    match tier {
        Tier::Standard => pb_ticket::Tier::Standard,
        Tier::Loyal => pb_ticket::Tier::Loyal,
        Tier::Vip => pb_ticket::Tier::Vip,
    }
}

impl From<clock::Kind> for pb_clock::Kind {
    fn from(kind: clock::Kind) -> Self {
        match kind {
            clock::Kind::FirstResponse => Self::FirstResponse,
            clock::Kind::NextResponse => Self::NextResponse,
            clock::Kind::UpdateCadence => Self::UpdateCadence,
            clock::Kind::HandoffAck => Self::HandoffAck,
            clock::Kind::HandoffDone => Self::HandoffDone,
            clock::Kind::Promise => Self::Promise,
            clock::Kind::Verification => Self::Verification,
            clock::Kind::ResolutionFirst => Self::ResolutionFirst,
            clock::Kind::ResolutionTotal => Self::ResolutionTotal,
        }
    }
}

impl From<Shown> for pb::Clock {
    fn from(clock: Shown) -> Self {
        let Shown { kind, round, state, due_at, breached_at, met_at, policy_version, calendar_version } = clock;
        let state = match state {
            clock::State::Running => pb_clock::State::Running,
            clock::State::Paused => pb_clock::State::Paused,
            clock::State::Met => pb_clock::State::Met,
            clock::State::Canceled => pb_clock::State::Canceled,
        };
        Self {
            kind: pb_clock::Kind::from(kind).into(),
            state: state.into(),
            due_time: Some(proto_timestamp(due_at)),
            breach_time: breached_at.map(proto_timestamp),
            meet_time: met_at.map(proto_timestamp),
            policy_version,
            calendar_version,
            round,
        }
    }
}

impl From<&Clock> for pb::Clock {
    fn from(clock: &Clock) -> Self {
        Shown::from(clock).into()
    }
}

impl From<&ClockEvent> for pb::ClockEvent {
    fn from(event: &ClockEvent) -> Self {
        let ClockEvent { clock, round, number, step, at, due_at, target: _ } = *event;
        let kind = match step {
            clock::Step::Started => clock_event::Kind::Started,
            clock::Step::Paused => clock_event::Kind::Paused,
            clock::Step::Resumed => clock_event::Kind::Resumed,
            clock::Step::Retargeted => clock_event::Kind::Retargeted,
            clock::Step::Inherited => clock_event::Kind::Inherited,
            clock::Step::Met => clock_event::Kind::Met,
            clock::Step::Warned50 => clock_event::Kind::Warned50,
            clock::Step::Warned80 => clock_event::Kind::Warned80,
            clock::Step::Breached => clock_event::Kind::Breached,
            clock::Step::Canceled => clock_event::Kind::Canceled,
        };
        Self {
            clock: pb_clock::Kind::from(clock).into(),
            number,
            kind: kind.into(),
            time: Some(proto_timestamp(at)),
            due_time: Some(proto_timestamp(due_at)),
            round,
        }
    }
}

impl From<&Matter> for pb::Matter {
    fn from(matter: &Matter) -> Self {
        let Matter { kind, subject, version } = matter.clone();
        Self { kind, subject, version }
    }
}

impl From<&RootProblem> for pb::RootProblem {
    fn from(root: &RootProblem) -> Self {
        let RootProblem { cause, description, rule } = root.clone();
        let cause = root_problem::Cause::from(cause).into();
        Self { cause, description, handbook_rule: rule.unwrap_or_default() }
    }
}

/// The number that people say.
pub fn number_of(ticket: &Ticket) -> String {
    said_number(ticket.number)
}

fn said_number(number: i64) -> String {
    HumanNumber::new(number).map(|number| number.to_string()).unwrap_or_default()
}

/// The name of what may be missing; then it is empty.
pub fn named(collection: &str, id: Option<Uuid>) -> String {
    id.map(|id| format_name(collection, id)).unwrap_or_default()
}

impl From<&Ticket> for pb::Ticket {
    fn from(ticket: &Ticket) -> Self {
        Self {
            name: ticket.name(),
            etag: Etag::format(ticket.version),
            number: number_of(ticket),
            customer: format_name(CUSTOMERS, ticket.customer),
            kind: pb_ticket::Kind::from(ticket.kind).into(),
            priority: pb_ticket::Priority::from(ticket.priority).into(),
            state: pb_ticket::State::from(ticket.state).into(),
            title: ticket.title.clone(),
            stated_problem: ticket.stated_problem.clone(),
            root_problem: ticket.root_problem.as_ref().map(Into::into),
            tags: ticket.tags.clone(),
            fields: custom_field::values_to_proto(&ticket.fields),
            matter: ticket.matter.as_ref().map(Into::into),
            department: named(DEPARTMENTS, ticket.department),
            assignee: named(STAFF_MEMBERS, ticket.assignee),
            wait_reason: proto_wait_reason(ticket.wait_reason).into(),
            language: ticket.language.as_str().to_owned(),
            clocks: ticket.clocks.iter().map(Into::into).collect(),
            reopen_count: ticket.reopen_count,
            closure: proto_closure(ticket.closure).into(),
            cancel_reason: ticket.cancel_reason.map_or(0, |reason| pb_ticket::CancelReason::from(reason).into()),
            verification_attempts: ticket.verification_attempts,
            follow_up_of: named(COLLECTION, ticket.follow_up_of),
            create_time: Some(proto_timestamp(ticket.created_at)),
            update_time: Some(proto_timestamp(ticket.updated_at)),
            resolve_time: ticket.resolved_at.map(proto_timestamp),
            close_time: ticket.closed_at.map(proto_timestamp),
            next_due_time: ticket.clocks.next_due().map(proto_timestamp),
            tier: proto_tier(ticket.tier).into(),
            wait_until_time: ticket.wait_until.map(proto_timestamp),
            wait_party: ticket.wait_party.clone().unwrap_or_default(),
            merged_into: named(COLLECTION, ticket.merged_into.map(|(target, _)| target)),
            open_work: ticket.open_work,
            return_count: ticket.return_count,
            risk_level: risk::proto_level(ticket.risk).into(),
            verification: ticket.verification.iter().map(Into::into).collect(),
            verification_due_time: ticket.verification_due_at.map(proto_timestamp),
            verification_call_time: ticket.call_from.map(proto_timestamp),
            unverified_reason: proto_unverified(ticket.unverified).into(),
        }
    }
}

impl From<Listed> for pb::ListTicketsResponse {
    fn from(listed: Listed) -> Self {
        let (tickets, next_page_token) = match listed {
            Listed::Basic(page) => (page.items.into_iter().map(Into::into).collect(), page.next_page_token),
            Listed::Full(page) => (page.items.into_iter().map(Into::into).collect(), page.next_page_token),
        };
        Self { tickets, next_page_token }
    }
}

impl From<Whole> for pb::Ticket {
    fn from(whole: Whole) -> Self {
        let Whole { ticket, clocks, next_due_at } = whole;
        let clocks = clocks.into_iter().map(Into::into).collect();
        Self { clocks, next_due_time: next_due_at.map(proto_timestamp), ..(&ticket).into() }
    }
}

impl From<Summary> for pb::Ticket {
    /// As a whole ticket, with nothing in what is not shown.
    fn from(shown: Summary) -> Self {
        let past = shown.past;
        Self {
            name: format_name(COLLECTION, shown.id),
            etag: Etag::format(shown.version),
            number: said_number(shown.number),
            customer: format_name(CUSTOMERS, shown.customer),
            kind: pb_ticket::Kind::from(shown.kind).into(),
            priority: pb_ticket::Priority::from(shown.priority).into(),
            state: pb_ticket::State::from(shown.state).into(),
            title: shown.title,
            tags: shown.tags,
            department: named(DEPARTMENTS, shown.department),
            assignee: named(STAFF_MEMBERS, shown.assignee),
            wait_reason: proto_wait_reason(shown.wait_reason).into(),
            language: shown.language,
            reopen_count: past.reopen_count,
            closure: proto_closure(past.closure).into(),
            cancel_reason: past.cancel_reason.map_or(0, |reason| pb_ticket::CancelReason::from(reason).into()),
            verification_attempts: past.verification_attempts,
            follow_up_of: named(COLLECTION, past.follow_up_of),
            create_time: Some(proto_timestamp(shown.created_at)),
            update_time: Some(proto_timestamp(shown.updated_at)),
            resolve_time: past.resolved_at.map(proto_timestamp),
            close_time: past.closed_at.map(proto_timestamp),
            next_due_time: shown.next_due_at.map(proto_timestamp),
            tier: proto_tier(shown.tier).into(),
            wait_until_time: past.wait_until.map(proto_timestamp),
            merged_into: named(COLLECTION, past.merged_into),
            open_work: past.open_work,
            return_count: past.return_count,
            risk_level: risk::proto_level(shown.risk).into(),
            verification_due_time: past.verification_due_at.map(proto_timestamp),
            verification_call_time: past.call_from.map(proto_timestamp),
            unverified_reason: proto_unverified(past.unverified).into(),
            ..Self::default()
        }
    }
}

/// The name of a message.
pub fn message_name(ticket: Uuid, message: Uuid) -> String {
    format!("{}/messages/{message}", format_name(COLLECTION, ticket))
}

/// A message of a ticket.
pub fn message_to_proto(ticket: &Ticket, message: &Message) -> pb::Message {
    let message::Message { id, visibility, author, author_id, medium, text, created_at, attachments, redacted_at } =
        message;
    let author_name = match author {
        Author::Staff => named(STAFF_MEMBERS, *author_id),
        Author::Customer => format_name(CUSTOMERS, author_id.unwrap_or(ticket.customer)),
        Author::System => String::new(),
    };
    pb::Message {
        name: message_name(ticket.id, *id),
        visibility: pb_message::Visibility::from(*visibility).into(),
        author: pb_message::Author::from(*author).into(),
        author_name,
        medium: pb_message::Medium::from(*medium).into(),
        text: text.clone(),
        create_time: Some(proto_timestamp(*created_at)),
        attachments: attachments.iter().map(Into::into).collect(),
        redact_time: redacted_at.map(proto_timestamp),
        redirected_from: String::new(),
        delivery: None,
    }
}

impl From<&Attachment> for pb::Attachment {
    fn from(attachment: &Attachment) -> Self {
        let Attachment { file_name, media_type, size_bytes, sha256, url } = attachment.clone();
        Self { file_name, media_type, size_bytes, sha256: sha256.to_vec(), url }
    }
}

/// A message of a ticket's conversation, which may have been said in another ticket.
pub fn spoken_to_proto(ticket: &Ticket, spoken: &Spoken) -> pb::Message {
    let Spoken { ticket: said_in, through, message, delivery } = spoken;
    let told = message_to_proto(ticket, message);
    let author_name = match message.author {
        Author::Customer if message.author_id.is_some() => named(CUSTOMERS, message.author_id),
        _ => told.author_name,
    };
    let name = message_name(*said_in, message.id);
    let delivery = delivery.as_ref().map(Into::into);
    pb::Message { name, author_name, redirected_from: named(COLLECTION, *through), delivery, ..told }
}

/// The public state of a ticket after a change, as events carry it: without anybody's words (TK9).
pub fn event_of(change: &Change) -> TicketEvent {
    let ticket = &change.ticket;
    let message = change.message.as_ref();
    let said = message.map(|message| message.id).or(change.redacted);
    let asks = matches!(change.act, Act::Resolved | Act::VerificationRequested);
    let asked_on = ticket.attempts().last().filter(|_| asks).map(|attempt| attempt.channel);
    let number = if asks { ticket.attempts().len() } else { 0 };
    let kind_of = |passed: &ClockEvent| pb_clock::Kind::from(passed.clock).into();
    let breached = change.passed.as_ref().filter(|passed| passed.step == clock::Step::Breached);
    let warned = change.passed.as_ref().filter(|passed| passed.step != clock::Step::Breached);
    TicketEvent {
        ticket: ticket.name(),
        number: number_of(ticket),
        customer: format_name(CUSTOMERS, ticket.customer),
        kind: pb_ticket::Kind::from(ticket.kind).into(),
        priority: pb_ticket::Priority::from(ticket.priority).into(),
        state: pb_ticket::State::from(ticket.state).into(),
        matter: ticket.matter.as_ref().map(Into::into),
        department: named(DEPARTMENTS, ticket.department),
        assignee: named(STAFF_MEMBERS, ticket.assignee),
        wait_reason: proto_wait_reason(ticket.wait_reason).into(),
        language: ticket.language.as_str().to_owned(),
        cause: ticket.root_problem.as_ref().map_or(0, |root| root_problem::Cause::from(root.cause).into()),
        closure: proto_closure(ticket.closure).into(),
        cancel_reason: ticket.cancel_reason.map_or(0, |reason| pb_ticket::CancelReason::from(reason).into()),
        reopen_count: ticket.reopen_count,
        resolution: ticket.resolution,
        verification_attempts: ticket.verification_attempts,
        follow_up_of: named(COLLECTION, ticket.follow_up_of),
        resolver: named(STAFF_MEMBERS, ticket.resolver),
        clocks: ticket.clocks.iter().map(Into::into).collect(),
        message_visibility: message.map_or(0, |message| pb_message::Visibility::from(message.visibility).into()),
        message_author: message.map_or(0, |message| pb_message::Author::from(message.author).into()),
        message: said.map(|message| message_name(ticket.id, message)).unwrap_or_default(),
        breached_clock: breached.map_or(0, kind_of),
        warned_clock: warned.map_or(0, kind_of),
        warned_percent: warned.map_or(0, |passed| if passed.step == clock::Step::Warned50 { 50 } else { 80 }),
        clock_round: change.passed.map_or(0, |passed| passed.round),
        tier: proto_tier(ticket.tier).into(),
        wait_until_time: ticket.wait_until.map(proto_timestamp),
        merged_into: named(COLLECTION, ticket.merged_into.map(|(target, _)| target)),
        tags: ticket.tags.clone(),
        return_count: ticket.return_count,
        handbook_rule: ticket.root_problem.as_ref().and_then(|root| root.rule.clone()).unwrap_or_default(),
        r#override: ticket.over_limits,
        create_time: Some(proto_timestamp(ticket.created_at)),
        version: ticket.version,
        next_due_time: ticket.clocks.next_due().map(proto_timestamp),
        renewed_promise: named(PROMISES, change.renews.map(|(promise, _)| promise)),
        verification_number: i32::try_from(number).unwrap_or(i32::MAX),
        verification_channel: asked_on.map_or(0, |channel| Channel::from(channel).into()),
        verification_channels: channels_tried(ticket),
        verification_call_time: ticket.call_from.map(proto_timestamp),
        unverified_reason: proto_unverified(ticket.unverified).into(),
    }
}
