//! A rule: when it is looked at, what has to be so, what it does. Pure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use seva_runtime::mask::replace;
use seva_values::{Language, format_name};
use uuid::Uuid;

use crate::{
    action::Action,
    clock,
    recipient::Tier,
    ticket::{Kind, Priority, State, Ticket},
};

/// Collection of automations' names.
pub const COLLECTION: &str = "automations";

/// A rule under its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Automation {
    pub id: Uuid,
    pub version: i64,
    pub display_name: String,
    pub weight: i32,
    pub enabled: bool,
    /// Since when it is enabled as it is: what was before is not made up for.
    pub enabled_at: Timestamp,
    pub rule: Rule,
    pub rule_version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is done when.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub trigger: Trigger,
    /// All of these groups have to hold; of each one condition.
    pub conditions: Vec<Vec<Condition>>,
    pub actions: Vec<Action>,
}

/// When it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Something happened; of what happens to a clock only to one of `clocks`, unless there are none.
    Event { happenings: Vec<Happening>, clocks: Vec<clock::Kind> },
    /// It has been in a state for so long.
    InState { state: State, hours: i32 },
    /// The soonest due of its clocks is due in so long.
    BeforeDue { minutes: i32 },
}

/// What can happen to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    Created,
    Assigned,
    Unassigned,
    Updated,
    CustomerReplied,
    StaffReplied,
    Resolved,
    Rejected,
    Reopened,
    Closed,
    ClockWarned,
    ClockBreached,
}

/// One thing that has to be so of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Kinds(Vec<Kind>),
    Priorities(Vec<Priority>),
    States(Vec<State>),
    Departments(BTreeSet<Uuid>),
    Tiers(Vec<Tier>),
    Languages(Vec<Language>),
    ReopenCountAtLeast(i32),
    HoursSinceCreate(i32),
    HoursSinceUpdate(i32),
    Unassigned(bool),
}

/// What a new automation is made of.
#[derive(Debug, Clone)]
pub struct NewAutomation {
    pub display_name: String,
    pub weight: i32,
    pub enabled: bool,
    pub rule: Rule,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    pub display_name: Option<String>,
    pub weight: Option<i32>,
    pub enabled: Option<bool>,
    pub rule: Option<Rule>,
}

impl Condition {
    /// Whether it is so of a ticket, at `now`.
    pub fn holds(&self, ticket: &Ticket, now: Timestamp) -> bool {
        let is_past = |since: Timestamp, hours: i32| since + SignedDuration::from_hours(hours.into()) <= now;
        match self {
            Self::Kinds(kinds) => kinds.contains(&ticket.kind),
            Self::Priorities(priorities) => priorities.contains(&ticket.priority),
            Self::States(states) => states.contains(&ticket.state),
            Self::Departments(departments) => ticket.department.is_some_and(|own| departments.contains(&own)),
            Self::Tiers(tiers) => tiers.contains(&ticket.tier),
            Self::Languages(languages) => {
                let own = [ticket.language.clone()].into_iter().chain(ticket.language.parents());
                own.into_iter().any(|own| languages.contains(&own))
            }
            Self::ReopenCountAtLeast(count) => ticket.reopen_count >= *count,
            Self::HoursSinceCreate(hours) => is_past(ticket.created_at, *hours),
            Self::HoursSinceUpdate(hours) => is_past(ticket.updated_at, *hours),
            Self::Unassigned(unassigned) => ticket.is_in_queue() == *unassigned,
        }
    }
}

impl Rule {
    /// Which groups of conditions hold for a ticket, at `now`.
    pub fn groups_hold(&self, ticket: &Ticket, now: Timestamp) -> Vec<bool> {
        self.conditions.iter().map(|any_of| any_of.iter().any(|one| one.holds(ticket, now))).collect()
    }

    /// Whether all of them do.
    pub fn holds(&self, ticket: &Ticket, now: Timestamp) -> bool {
        self.groups_hold(ticket, now).into_iter().all(|holds| holds)
    }
}

impl Trigger {
    /// Whether it is about something that happened, to this clock if to one.
    pub fn is_about(&self, happening: Happening, of_clock: Option<clock::Kind>) -> bool {
        let Self::Event { happenings, clocks } = self else { return false };
        let is_of_clock = of_clock.is_none_or(|clock| clocks.is_empty() || clocks.contains(&clock));
        happenings.contains(&happening) && is_of_clock
    }
}

impl Automation {
    /// A new one.
    pub fn create(id: Uuid, new: NewAutomation, now: Timestamp) -> Self {
        let NewAutomation { display_name, weight, enabled, rule } = new;
        Self {
            id,
            version: 1,
            display_name,
            weight,
            enabled,
            enabled_at: now,
            rule,
            rule_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// As whom it does something.
    pub fn actor(&self) -> String {
        format!("automation:{}", self.id)
    }

    /// With other fields, and which they are.
    pub fn update(&self, edit: Edit, now: Timestamp) -> (Self, Vec<&'static str>) {
        let Edit { display_name, weight, enabled, rule } = edit;
        let mut next = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        let mut changed = Vec::new();
        replace(&mut next.display_name, display_name, "display_name", &mut changed);
        replace(&mut next.weight, weight, "weight", &mut changed);
        replace(&mut next.enabled, enabled, "enabled", &mut changed);
        replace(&mut next.rule, rule, "rule", &mut changed);
        if changed.contains(&"rule") {
            next.rule_version += 1;
        }
        if changed.contains(&"rule") || changed.contains(&"enabled") {
            next.enabled_at = now;
        }
        (next, changed)
    }
}
