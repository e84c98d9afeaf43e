//! Actions and the texts in them. Pure.

use seva_values::{Invalid, Language, LocalizedText};
use uuid::Uuid;

use crate::{
    recipient::model::ENGLISH,
    ticket::{CancelReason, Priority, Ticket, convert::number_of, model::RootProblem},
};

/// Actions of a macro, a job or a rule at most.
pub const MAX_ACTIONS: usize = 10;
/// What a text may hold that is put in when it is said.
const TICKET_NUMBER: &str = "{ticket_number}";

/// One thing that is done to a ticket.
#[derive(Clone, PartialEq)]
pub enum Action {
    /// The customer is told something, or asked.
    Reply {
        /// What is said.
        texts: Texts,
        /// It waits for the answer.
        awaits_customer: bool,
    },
    /// Something is noted for staff.
    Note(String),
    /// Another priority.
    SetPriority(Priority),
    /// Somebody gets it, or the queue.
    Assign(Option<Uuid>),
    /// It is solved, we say.
    Resolve {
        /// What it was.
        root_problem: RootProblem,
        /// What was done.
        notes: Texts,
    },
    /// It is called off.
    Cancel(CancelReason),
    /// It gets tags, or loses some.
    ChangeTags {
        /// What it gets.
        add: Vec<String>,
        /// What it loses.
        remove: Vec<String>,
    },
}

impl Action {
    /// What sort of action it is, as events say.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Reply { awaits_customer: false, .. } => "reply",
            Self::Reply { awaits_customer: true, .. } => "ask_customer",
            Self::Note(_) => "note",
            Self::SetPriority(_) => "set_priority",
            Self::Assign(_) => "assign",
            Self::Resolve { .. } => "resolve",
            Self::Cancel(_) => "cancel",
            Self::ChangeTags { .. } => "change_tags",
        }
    }
}

impl std::fmt::Debug for Action {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// A text for customers in languages, English among them.
#[derive(Clone, PartialEq, Eq)]
pub struct Texts(LocalizedText);

impl Texts {
    /// Texts of which each may hold the placeholder.
    ///
    /// # Errors
    /// `ENGLISH_MISSING`.
    pub fn new(texts: LocalizedText) -> Result<Self, Invalid> {
        match texts.pick(&[english()]) {
            Some(_) => Ok(Self(texts)),
            None => Err(Invalid::new(
                "ENGLISH_MISSING",
                "needs a text in English, for customers whose language is not among them",
            )),
        }
    }

    /// By language.
    pub fn iter(&self) -> impl Iterator<Item = (&Language, &str)> {
        self.0.iter()
    }

    /// As the customer of a ticket reads it.
    #[must_use]
    pub fn for_customer_of(&self, ticket: &Ticket) -> String {
        let text = self.0.pick(&[ticket.language.clone(), english()]).map_or("", |(_, text)| text);
        rendered(text, ticket)
    }
}

/// A text with what it holds put in.
#[must_use]
pub fn rendered(text: &str, ticket: &Ticket) -> String {
    text.replace(TICKET_NUMBER, &number_of(ticket))
}

/// Refuses a text that holds another placeholder than there is.
///
/// # Errors
/// `PLACEHOLDER_UNKNOWN`.
pub fn with_known_placeholders(text: String) -> Result<String, Invalid> {
    if text.replace(TICKET_NUMBER, "").contains(['{', '}']) {
        return Err(Invalid::new("PLACEHOLDER_UNKNOWN", format!("can hold no braces but {TICKET_NUMBER}")));
    }
    Ok(text)
}

fn english() -> Language {
    Language::parse(ENGLISH).expect("it is a language")
}
