//! Which tickets a list, a view, a search or a watch is about: of rows, of what an event tells, and of what is counted.

use jiff::Timestamp;
use seva_store::paging::Conditions;
use uuid::Uuid;

use super::{Kind, Priority, State};
use crate::risk::Level;

/// When a ticket is due next, as indexes have it: never is last.
pub const DUE: &str = "coalesce(next_due_at, timestamptz '9999-12-01 00:00:00+00')";
/// When what is never due is due.
pub const NEVER: Timestamp = Timestamp::constant(253_399_622_400, 0);
/// What indexes of open work hold.
pub const NOT_OVER: &str = "(state || '') not in ('closed', 'canceled', 'merged')";

/// What the index of tickets at risk holds.
pub const AT_RISK: &str = "risk_level <> 'low'";

/// Conditions that all have to hold; an empty list is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    pub customer: Option<Uuid>,
    pub department: Option<Uuid>,
    pub assignee: Option<Uuid>,
    /// Of whoever asks: [`TicketFilter::of_caller`].
    pub mine: bool,
    pub states: Vec<State>,
    pub kinds: Vec<Kind>,
    pub priorities: Vec<Priority>,
    pub unassigned: bool,
    pub created: Range,
    pub updated: Range,
    pub due: Range,
    pub overdue: bool,
    pub reopened: bool,
    /// It has all of them.
    pub tags: Vec<String>,
    pub risks: Vec<Level>,
    /// A person has to call its customer now (TK142).
    pub needs_call: bool,
}

/// From a time up to but not including another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

/// What a filter asks of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub customer: Uuid,
    pub department: Option<Uuid>,
    pub assignee: Option<Uuid>,
    pub state: State,
    pub kind: Kind,
    pub priority: Priority,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub next_due_at: Option<Timestamp>,
    pub reopen_count: i32,
    pub tags: Vec<String>,
    pub call_from: Option<Timestamp>,
}

impl Range {
    fn is_open(self) -> bool {
        self == Self::default()
    }

    fn holds(self, time: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time < end)
    }
}

impl TicketFilter {
    /// For whoever asks; somebody who is no member has no ticket.
    #[must_use]
    pub fn of_caller(self, member: Option<Uuid>) -> Self {
        let assignee = if self.mine { Some(member.unwrap_or(Uuid::nil())) } else { self.assignee };
        Self { assignee, mine: false, ..self }
    }

    /// As conditions on rows, at `now`.
    #[must_use]
    pub fn conditions(&self, now: Timestamp) -> Conditions {
        let states: Vec<&str> = self.states.iter().map(|state| state.name()).collect();
        let conditions = self.without_states(now);
        match states.as_slice() {
            [] => conditions,
            [one] => conditions.and_value("state =", Some(*one)),
            _ => conditions.and_around("state = any(", states, ")"),
        }
    }

    /// As conditions on rows, but for the states.
    #[must_use]
    pub fn without_states(&self, now: Timestamp) -> Conditions {
        let time = |time: Option<Timestamp>| time.map(jiff_sqlx::Timestamp::from);
        let mut conditions = Conditions::default()
            .and_value("customer_id =", self.customer)
            .and_value("department =", self.department)
            .and_value("assignee =", self.assignee)
            .and_value("created_at >=", time(self.created.start))
            .and_value("created_at <", time(self.created.end))
            .and_value("updated_at >=", time(self.updated.start))
            .and_value("updated_at <", time(self.updated.end));
        if !self.kinds.is_empty() {
            let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
            conditions = conditions.and_around("kind = any(", kinds, ")");
        }
        if !self.priorities.is_empty() {
            let priorities: Vec<&str> = self.priorities.iter().map(|priority| priority.name()).collect();
            conditions = conditions.and_around("priority = any(", priorities, ")");
        }
        if !self.risks.is_empty() {
            let levels: Vec<&str> = self.risks.iter().map(|level| level.name()).collect();
            conditions = conditions.and_around("risk_level = any(", levels, ")");
        }
        if self.unassigned {
            conditions = conditions.and("state = 'new'");
        }
        if self.reopened {
            conditions = conditions.and("reopen_count > 0");
        }
        if !self.tags.is_empty() {
            conditions = conditions.and("tags <> '{}'").and_value("tags @>", Some(self.tags.clone()));
        }
        if self.needs_call {
            conditions = conditions
                .and("verification_call_from is not null")
                .and_value("verification_call_from <=", time(Some(now)));
        }
        if self.overdue || !self.due.is_open() {
            let late = self.overdue.then_some(now);
            conditions = conditions
                .and(NOT_OVER)
                .and("next_due_at is not null")
                .and_value(DUE_FROM, time(self.due.start))
                .and_value(DUE_BEFORE, time(self.due.end))
                .and_value(DUE_BEFORE, time(late));
        }
        conditions
    }

    /// Whether it matches a ticket, at `now`.
    #[must_use]
    pub fn matches(&self, seen: &Seen, now: Timestamp) -> bool {
        let Self {
            customer,
            department,
            assignee,
            mine: _,
            states,
            kinds,
            priorities,
            unassigned,
            created,
            updated,
            due,
            overdue,
            reopened,
            tags,
            // No event of a ticket tells it: a watch that asks for it is refused.
            risks: _,
            needs_call,
        } = self;
        customer.is_none_or(|customer| customer == seen.customer)
            && (department.is_none() || *department == seen.department)
            && (assignee.is_none() || *assignee == seen.assignee)
            && (states.is_empty() || states.contains(&seen.state))
            && (kinds.is_empty() || kinds.contains(&seen.kind))
            && (priorities.is_empty() || priorities.contains(&seen.priority))
            && (!unassigned || seen.state == State::New)
            && created.holds(seen.created_at)
            && updated.holds(seen.updated_at)
            && (due.is_open() || seen.next_due_at.is_some_and(|at| due.holds(at)))
            && (!overdue || seen.next_due_at.is_some_and(|at| at < now))
            && (!reopened || seen.reopen_count > 0)
            && tags.iter().all(|tag| seen.tags.contains(tag))
            && (!needs_call || seen.call_from.is_some_and(|from| from <= now))
    }

    /// Whether it asks only for what is counted (TK100).
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let Self {
            customer,
            department: _,
            assignee: _,
            mine: _,
            states: _,
            kinds: _,
            priorities: _,
            unassigned: _,
            created,
            updated,
            due,
            overdue,
            reopened,
            tags,
            risks,
            needs_call,
        } = self;
        customer.is_none()
            && created.is_open()
            && updated.is_open()
            && due.is_open()
            && !overdue
            && !reopened
            && tags.is_empty()
            && risks.is_empty()
            && !needs_call
    }

    /// Whether it asks only for tickets of some risk, which are few.
    #[must_use]
    pub fn is_at_risk(&self) -> bool {
        !self.risks.is_empty() && !self.risks.contains(&Level::Low)
    }
}

const DUE_FROM: &str = "coalesce(next_due_at, timestamptz '9999-12-01 00:00:00+00') >=";
const DUE_BEFORE: &str = "coalesce(next_due_at, timestamptz '9999-12-01 00:00:00+00') <";
