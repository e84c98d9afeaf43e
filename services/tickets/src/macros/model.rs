//! A macro. Pure.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, mask::replace};
use seva_values::{LocalizedText, format_name};
use uuid::Uuid;

use crate::{action::Action, stored::stored_names, ticket::Ticket};

/// Collection of macros' names.
pub const COLLECTION: &str = "macros";

/// Actions under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Macro {
    pub id: Uuid,
    pub version: i64,
    pub titles: LocalizedText,
    /// Whose tickets it is for; `None`: for all.
    pub department: Option<Uuid>,
    pub actions: Vec<Action>,
    pub state: State,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whether it can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can.
    Active,
    /// Not any more.
    Retired,
}

stored_names!(State, "state of a macro" { Active = "active", Retired = "retired" });

/// What a new macro is made of.
#[derive(Debug, Clone)]
pub struct NewMacro {
    pub titles: LocalizedText,
    pub department: Option<Uuid>,
    pub actions: Vec<Action>,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
#[expect(clippy::option_option, reason = "left as it is, for all, or for one department")]
pub struct Edit {
    pub titles: Option<LocalizedText>,
    pub department: Option<Option<Uuid>>,
    pub actions: Option<Vec<Action>>,
}

impl Macro {
    /// A new one.
    pub fn create(id: Uuid, new: NewMacro, now: Timestamp) -> Self {
        let NewMacro { titles, department, actions } = new;
        Self { id, version: 1, titles, department, actions, state: State::Active, created_at: now, updated_at: now }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// With other fields, and which they are.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK121): it is retired.
    pub fn update(&self, edit: Edit, now: Timestamp) -> Result<(Self, Vec<&'static str>), Error> {
        self.has_to_be_active()?;
        let Edit { titles, department, actions } = edit;
        let mut next = self.next(now);
        let mut changed = Vec::new();
        replace(&mut next.titles, titles, "titles", &mut changed);
        replace(&mut next.department, department, "department", &mut changed);
        replace(&mut next.actions, actions, "actions", &mut changed);
        Ok((next, changed))
    }

    /// Out of use; `None` when it is so already.
    pub fn retire(&self, now: Timestamp) -> Option<Self> {
        (self.state == State::Active).then(|| Self { state: State::Retired, ..self.next(now) })
    }

    /// Refuses a ticket that it is not for.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK121).
    pub fn fits(&self, ticket: &Ticket) -> Result<(), Error> {
        self.has_to_be_active()?;
        if self.department.is_some() && self.department != ticket.department {
            return Err(self.refusal("the ticket is of the macro's department"));
        }
        Ok(())
    }

    fn has_to_be_active(&self) -> Result<(), Error> {
        match self.state {
            State::Active => Ok(()),
            State::Retired => Err(self.refusal("it is not retired")),
        }
    }

    fn refusal(&self, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, "TK121", self.name(), has_to_be_true)
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}
