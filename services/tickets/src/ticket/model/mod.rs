//! What a ticket is; what can happen to it stands in [`machine`].

pub mod ending;
pub mod hearing;
pub mod machine;
pub mod merging;
mod owing;
pub mod verification;
mod waiting;

use jiff::Timestamp;
use seva_runtime::call::Story;
use seva_values::{Language, format_name, new_id};
use uuid::Uuid;

use self::verification::Attempt;
use super::{
    kind::{Kind, Priority},
    state::{Act, CancelReason, Cause, Closure, State, Unverified},
};
use crate::{
    clock::{Calendar, ClockEvent, Clocks},
    custom_field::Values,
    delivery::model::{RENEWED, RESOLVED, told_as},
    message::{Attachment, Author, Medium, Message, Visibility},
    policy::Targets,
    promise::model::COLLECTION as PROMISES,
    recipient::Tier,
    risk::Level,
    routing::WaitReason,
};

/// Collection of tickets' names.
pub const COLLECTION: &str = "tickets";

/// A matter of one customer.
#[derive(Clone, PartialEq)]
pub struct Ticket {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// The number that people say, without the check character.
    pub number: i64,
    /// Whose it is.
    pub customer: Uuid,
    /// What sort of matter it is.
    pub kind: Kind,
    /// How soon.
    pub priority: Priority,
    /// Where it stands.
    pub state: State,
    /// What it is about: personal data.
    pub title: String,
    /// The problem as the customer states it: personal data.
    pub stated_problem: String,
    /// The problem as it turned out to be.
    pub root_problem: Option<RootProblem>,
    /// Words of the company's.
    pub tags: Vec<String>,
    /// Values of the fields that the company defines; texts are personal data.
    pub fields: Values,
    /// What it follows from.
    pub matter: Option<Matter>,
    /// Whose queue it is in, or was.
    pub department: Option<Uuid>,
    /// Who has it, or had it when it was resolved.
    pub assignee: Option<Uuid>,
    /// It was given to somebody who had no free place.
    pub over_limits: bool,
    /// Why nobody has it.
    pub wait_reason: Option<WaitReason>,
    /// When routing looks at it.
    pub route_at: Option<Timestamp>,
    /// Of the customer.
    pub language: Language,
    /// How far the company's relation to the customer went when it was opened.
    pub tier: Tier,
    /// What holds for it, as the policy said when it was opened or its priority last changed.
    pub targets: Targets,
    /// When it goes on by itself, while it waits for a day; or when its customer is reminded (TK16).
    pub wait_until: Option<Timestamp>,
    /// Whom it waits for outside: may be personal data.
    pub wait_party: Option<String>,
    /// The ticket that carries it on, and since when.
    pub merged_into: Option<(Uuid, Timestamp)>,
    /// When it goes back to the queue, unless whoever has it says something first (TK36).
    pub return_due_at: Option<Timestamp>,
    /// Who had it last and said nothing.
    pub returned_from: Option<Uuid>,
    /// How often it came back so.
    pub return_count: i32,
    /// Who resolved it last.
    pub resolver: Option<Uuid>,
    /// How often it was opened again.
    pub reopen_count: i32,
    /// How often it was resolved.
    pub resolution: i32,
    /// Every attempt to have a resolution confirmed, oldest first.
    pub verification: Vec<Attempt>,
    /// Attempts to have the present resolution confirmed.
    pub verification_attempts: i32,
    /// When the customer is asked again, or no more.
    pub verification_due_at: Option<Timestamp>,
    /// From then on a person has to call the customer, until it is due (TK142).
    pub call_from: Option<Timestamp>,
    /// What the customer answered last by link: the resolution, and whether it solved it.
    pub answered: Option<(i32, bool)>,
    /// How it was closed.
    pub closure: Option<Closure>,
    /// Why it was closed without the customer's word.
    pub unverified: Option<Unverified>,
    /// Why it was called off.
    pub cancel_reason: Option<CancelReason>,
    /// The ticket that this one follows.
    pub follow_up_of: Option<Uuid>,
    /// Links of an earlier generation have ended.
    pub link_generation: i32,
    /// The event that it was opened by: source and id.
    pub cause: Option<(String, Uuid)>,
    /// The story that it belongs to.
    pub story: StoryOf,
    /// Business time, as all that follow.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// How many promises, hand-offs, returns and grants are under way; kept by the database (TK11).
    pub open_work: i32,
    /// As it was assessed last; kept by whoever assesses (TK110).
    pub risk: Level,
    /// How long it may take.
    pub clocks: Clocks,
}

impl std::fmt::Debug for Ticket {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, state, assignee, .. } = self;
        f.debug_struct("Ticket")
            .field("id", id)
            .field("version", version)
            .field("state", state)
            .field("assignee", assignee)
            .finish_non_exhaustive()
    }
}

/// The story that a ticket belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryOf {
    /// Names the whole story.
    pub correlation_id: String,
    /// What opened it.
    pub causation_id: String,
    /// Links since the story's start.
    pub hops: i16,
    /// Trace context of its opening.
    pub traceparent: Option<String>,
}

impl From<Story> for StoryOf {
    fn from(story: Story) -> Self {
        let Story { correlation_id, causation_id, hops, traceparent } = story;
        Self { correlation_id, causation_id, hops, traceparent }
    }
}

/// The problem as it turned out to be.
#[derive(Clone, PartialEq, Eq)]
pub struct RootProblem {
    /// Whose doing it was.
    pub cause: Cause,
    /// What it was: personal data.
    pub description: String,
    /// Of our own policy: the handbook's rule (TK14).
    pub rule: Option<String>,
}

/// What a ticket follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Such as `promised_day_missed`.
    pub kind: String,
    /// Such as `orders/{id}`.
    pub subject: String,
    /// Which time, such as the promised date; or empty.
    pub version: String,
}

/// What a new ticket is made of.
#[derive(Clone)]
pub struct NewTicket {
    pub customer: Uuid,
    pub kind: Kind,
    pub priority: Priority,
    pub title: String,
    pub stated_problem: String,
    pub tags: Vec<String>,
    pub fields: Values,
    pub matter: Option<Matter>,
    pub follow_up_of: Option<Uuid>,
}

impl NewTicket {
    /// What follows a ticket that is over, with the problem as its customer states it now (TK8).
    pub fn following(ticket: &Ticket, stated_problem: String) -> Self {
        Self {
            customer: ticket.customer,
            kind: ticket.kind,
            priority: ticket.priority,
            title: ticket.title.clone(),
            stated_problem,
            tags: ticket.tags.clone(),
            fields: ticket.fields.clone(),
            matter: ticket.matter.clone(),
            follow_up_of: Some(ticket.id),
        }
    }
}

/// Fields to change; `None` leaves one as it is.
#[derive(Clone, Default)]
pub struct Update {
    pub title: Option<String>,
    /// With the department that takes the new kind, if any does.
    pub kind: Option<(Kind, Option<Uuid>)>,
    pub priority: Option<Priority>,
    pub tags: Option<Vec<String>>,
    pub fields: Option<Values>,
}

/// What is known when a ticket is opened.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub number: i64,
    pub language: Language,
    pub tier: Tier,
    pub department: Option<Uuid>,
    pub calendar: Calendar,
    pub targets: Targets,
    pub policy_version: i32,
}

/// A ticket after something happened to it, and what that was.
#[derive(Debug, Clone)]
pub struct Change {
    /// The ticket after it, with the clocks' events that are to be written.
    pub ticket: Ticket,
    /// What happened.
    pub act: Act,
    /// What was said with it.
    pub message: Option<Message>,
    /// What time has brought about for which clock: a warning or a breach.
    pub passed: Option<ClockEvent>,
    /// The message whose words were taken back.
    pub redacted: Option<Uuid>,
    /// The promise that is due later with what was said, and how often that has been so.
    pub renews: Option<(Uuid, i32)>,
    /// The names of the fields that changed, for the audit.
    pub changed: Vec<&'static str>,
}

impl Change {
    /// The reason for which the customer is told of what was said, where that is not the message itself: so its mail is known (TK149).
    pub(crate) fn told_as(&self) -> Option<String> {
        match self.renews {
            Some((promise, times)) => Some(told_as(&format_name(PROMISES, promise), RENEWED, times)),
            None if self.act == Act::Resolved => Some(told_as(&self.ticket.name(), RESOLVED, self.ticket.resolution)),
            None => None,
        }
    }

    /// Whatever time has brought about has a change of its own, with an event of its own (TK22): whoever loads a ticket to do something to it
    /// lets time pass first.
    pub(crate) fn tells_what_has_passed(&self) {
        let silent = self.passed.is_none() && self.ticket.clocks.pending().iter().any(|event| event.step.is_of_time());
        debug_assert!(!silent, "{} is told, and not what has passed before", self.act.event_kind());
    }
}

/// Stands where words were that a ticket shows and that were taken back.
pub const TAKEN_BACK: &str = "[…]";

/// What is taken back of a message. Personal data.
#[derive(Clone)]
pub struct Words {
    /// What it said; never empty.
    pub text: String,
    /// The title that it gave to a ticket, if it came in from outside.
    pub title: Option<String>,
}

/// What somebody says.
#[derive(Clone)]
pub struct Reply {
    pub visibility: Visibility,
    pub author: Author,
    pub author_id: Option<Uuid>,
    pub medium: Medium,
    pub text: String,
    pub attachments: Vec<Attachment>,
    /// A question that the customer has to answer.
    pub awaits_customer: bool,
}

impl Reply {
    /// What a customer is reminded with of a question that waits for their answer, in their language or in English.
    fn reminding(language: &Language) -> Self {
        let text = match language.as_str().split('-').next().unwrap_or_default() {
            "hi" => "हमने आपसे कुछ पूछा था और अभी तक आपका उत्तर नहीं मिला है। आपके उत्तर के बिना हम आगे नहीं बढ़ सकते।",
            "bn" => "আমরা আপনাকে কিছু জিজ্ঞাসা করেছিলাম, কিন্তু এখনও আপনার উত্তর পাইনি। আপনার উত্তর ছাড়া আমরা এগোতে পারছি না।",
            "ur" => {
                "ہم نے آپ سے کچھ پوچھا تھا اور ابھی تک آپ کا جواب نہیں ملا۔ آپ کے جواب کے بغیر ہم آگے نہیں بڑھ سکتے۔"
            }
            _ => "We have asked you something and have not heard from you yet. We cannot go on without your answer.",
        };
        Self { visibility: Visibility::Public, awaits_customer: true, ..Self::noted(text.to_owned()) }
    }

    /// What the system notes for staff.
    fn noted(text: String) -> Self {
        Self {
            visibility: Visibility::Internal,
            author: Author::System,
            author_id: None,
            medium: Medium::Text,
            text,
            attachments: Vec::new(),
            awaits_customer: false,
        }
    }

    /// As it is said now.
    pub(crate) fn at(self, now: Timestamp) -> Message {
        let Self { visibility, author, author_id, medium, text, attachments, awaits_customer: _ } = self;
        let id = new_id();
        Message { id, visibility, author, author_id, medium, text, attachments, created_at: now, redacted_at: None }
    }
}
