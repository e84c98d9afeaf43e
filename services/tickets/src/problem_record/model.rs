//! What a problem record is, and what may happen to it: pure.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{Language, LocalizedText, format_name};
use uuid::Uuid;

use crate::{stored::stored_names, ticket::model::RootProblem};

/// Collection of problem records' names.
pub const COLLECTION: &str = "problemRecords";

/// The event that says that every ticket of what is fixed has had its turn.
pub const CARRIED_OUT: &str = "seva.tickets.problem_record.carried_out.v1";

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its cause is looked for.
    Open,
    /// Its cause is known.
    KnownCause,
    /// It is fixed; customers are told and asked.
    Fixed,
    /// Every ticket has had its turn.
    Closed,
}

stored_names!(State, "state of a problem record" {
    Open = "open",
    KnownCause = "known_cause",
    Fixed = "fixed",
    Closed = "closed",
});

/// What became of a ticket when the problem was fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its customer was told and asked.
    Resolved,
    /// It could not be resolved.
    Refused,
}

stored_names!(Outcome, "outcome of a problem's ticket" { Resolved = "resolved", Refused = "refused" });

/// What a new record is made of.
#[derive(Clone)]
pub struct NewProblem {
    pub title: String,
    pub product: String,
    pub batch: String,
}

/// One cause that many customers suffer from.
#[derive(Clone, PartialEq)]
pub struct Problem {
    pub id: Uuid,
    pub version: i64,
    /// In somebody's words, as the note and the cause.
    pub title: String,
    pub state: State,
    pub product: String,
    pub batch: String,
    pub root_problem: Option<RootProblem>,
    /// What customers are told.
    pub note: LocalizedText,
    pub total: i32,
    pub resolved: i32,
    pub refused: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub fixed_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

impl std::fmt::Debug for Problem {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, state, total, .. } = self;
        let mut told = f.debug_struct("Problem");
        told.field("id", id).field("version", version).field("state", state).field("total", total);
        told.finish_non_exhaustive()
    }
}

impl Problem {
    /// A new record.
    pub fn open(id: Uuid, new: NewProblem, now: Timestamp) -> Self {
        let NewProblem { title, product, batch } = new;
        Self {
            id,
            version: 1,
            title,
            state: State::Open,
            product,
            batch,
            root_problem: None,
            note: LocalizedText::new(),
            total: 0,
            resolved: 0,
            refused: 0,
            created_at: now,
            updated_at: now,
            fixed_at: None,
            closed_at: None,
        }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// What becomes of it by a change at this time.
    pub fn next(self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self }
    }

    /// So many tickets come to it. When they are resolved with it: at once, if it is fixed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK58).
    pub fn attach(&mut self, tickets: usize) -> Result<Option<Timestamp>, Error> {
        if self.state == State::Closed {
            return Err(self.refusal("it is not closed"));
        }
        self.total += i32::try_from(tickets).unwrap_or(i32::MAX);
        Ok((self.state == State::Fixed).then_some(self.updated_at))
    }

    /// A ticket goes, with what became of it.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK58).
    pub fn detach(&mut self, outcome: Option<Outcome>) -> Result<(), Error> {
        match outcome {
            _ if self.state == State::Closed => Err(self.refusal("it is not closed")),
            Some(Outcome::Resolved) => Err(self.refusal("the ticket was not resolved with it")),
            Some(Outcome::Refused) => {
                (self.total, self.refused) = (self.total - 1, self.refused - 1);
                Ok(())
            }
            None => {
                self.total -= 1;
                Ok(())
            }
        }
    }

    /// Its cause is known, or known better.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK58).
    pub fn know(&mut self, cause: RootProblem) -> Result<(), Error> {
        if !matches!(self.state, State::Open | State::KnownCause) {
            return Err(self.refusal("it is not fixed yet"));
        }
        (self.state, self.root_problem) = (State::KnownCause, Some(cause));
        Ok(())
    }

    /// Its cause is removed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK58).
    pub fn fix(&mut self, note: LocalizedText) -> Result<(), Error> {
        if self.state != State::KnownCause {
            return Err(self.refusal("its cause is known, and it is not fixed yet"));
        }
        (self.state, self.note, self.fixed_at) = (State::Fixed, note, Some(self.updated_at));
        Ok(())
    }

    /// It is over.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK58).
    pub fn close(&mut self) -> Result<(), Error> {
        if self.state != State::Fixed || !self.is_carried_out() {
            return Err(self.refusal("it is fixed, and every ticket has had its turn"));
        }
        (self.state, self.closed_at) = (State::Closed, Some(self.updated_at));
        Ok(())
    }

    /// Tickets had their turn.
    pub fn count(&mut self, resolved: i32, refused: i32) {
        self.resolved += resolved;
        self.refused += refused;
    }

    /// Whether every ticket has had its turn.
    pub const fn is_carried_out(&self) -> bool {
        self.resolved + self.refused >= self.total
    }

    /// What a customer who reads this language is told.
    pub fn note_for(&self, language: &Language) -> Option<String> {
        self.note.pick(&[language.clone(), english()]).map(|(_, note)| note.to_owned())
    }

    fn refusal(&self, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, "TK58", self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }
}

/// In which everybody is told whose language is not among the notes.
pub fn english() -> Language {
    Language::parse("en").expect("English is a language")
}
