//! What a case is, and what may happen to it: pure.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::format_name;
use uuid::Uuid;

use crate::{stored::stored_names, ticket::model::COLLECTION as TICKETS};

/// Collection of cases' names.
pub const COLLECTION: &str = "cases";
/// Tickets of one case at most.
pub const MAX_TICKETS: usize = 200;
/// Tickets that a refusal names at most.
const NAMED: usize = 20;

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is looked after.
    Open,
    /// All of its tickets were over.
    Closed,
}

stored_names!(State, "state of a case" { Open = "open", Closed = "closed" });

/// Tickets that are looked after together.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    pub id: Uuid,
    pub version: i64,
    pub customer: Uuid,
    /// Personal data.
    pub title: String,
    pub state: State,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// In the order of their ids; none in a list.
    pub tickets: Vec<Uuid>,
}

impl std::fmt::Debug for Case {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, state, tickets, .. } = self;
        let mut told = f.debug_struct("Case");
        told.field("id", id).field("version", version).field("state", state).field("tickets", tickets);
        told.finish_non_exhaustive()
    }
}

/// A ticket that comes into a case, or is in it.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    pub ticket: Uuid,
    pub customer: Uuid,
    pub is_over: bool,
}

impl Case {
    /// A new case.
    pub fn open(id: Uuid, customer: Uuid, title: String, now: Timestamp) -> Self {
        Self {
            id,
            version: 1,
            customer,
            title,
            state: State::Open,
            created_at: now,
            updated_at: now,
            closed_at: None,
            tickets: Vec::new(),
        }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Tickets that come into it; `across_customers`: also those of somebody else.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK57).
    pub fn hold(&mut self, members: &[Member], across_customers: bool) -> Result<(), Error> {
        self.has_to_be_open()?;
        if self.tickets.len() + members.len() > MAX_TICKETS {
            return Err(self.refusal("it holds 200 tickets at most"));
        }
        if let Some(foreign) = members.iter().find(|member| member.customer != self.customer && !across_customers) {
            let description = "it is of the case's customer, or a reason is given by whoever may";
            return Err(refusal(format_name(TICKETS, foreign.ticket), description));
        }
        self.tickets.extend(members.iter().map(|member| member.ticket));
        self.tickets.sort_unstable();
        Ok(())
    }

    /// A ticket that goes out of it; out of a closed one, too: it may have been opened again.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK57).
    pub fn let_go(&mut self, ticket: Uuid) -> Result<(), Error> {
        let place = self.tickets.binary_search(&ticket);
        let place = place.map_err(|_| refusal(format_name(TICKETS, ticket), "it is in this case"))?;
        self.tickets.remove(place);
        Ok(())
    }

    /// It is closed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK57), naming the tickets that are not over.
    pub fn close(&mut self, members: &[Member], now: Timestamp) -> Result<(), Error> {
        self.has_to_be_open()?;
        let mut going_on = members.iter().filter(|member| !member.is_over).map(|member| member.ticket);
        if let Some(first) = going_on.next() {
            let is_over = "it is closed, canceled or merged";
            let first = refusal(format_name(TICKETS, first), is_over);
            return Err(going_on
                .take(NAMED)
                .fold(first, |error, ticket| error.with_precondition("TK57", format_name(TICKETS, ticket), is_over)));
        }
        (self.state, self.closed_at) = (State::Closed, Some(now));
        Ok(())
    }

    fn has_to_be_open(&self) -> Result<(), Error> {
        match self.state {
            State::Open => Ok(()),
            State::Closed => Err(self.refusal("it is open")),
        }
    }

    fn refusal(&self, has_to_be_true: &'static str) -> Error {
        refusal(self.name(), has_to_be_true)
    }
}

fn refusal(subject: String, has_to_be_true: &'static str) -> Error {
    Error::precondition(ErrorReason::StateForbids, "TK57", subject, has_to_be_true)
}
