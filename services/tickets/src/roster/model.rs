//! What is known of departments and of those who serve. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_proto::{
    common::v1 as values,
    staff::v1::{self as staff, staff_member},
};
use seva_values::{AvailabilityWindows, BusinessCalendar, Invalid, Language, Money, parse_name};
use uuid::Uuid;

use crate::{
    compensation::Kind,
    stored::{first, stored_names},
};

/// Names of departments.
pub const DEPARTMENTS: &str = "departments";
/// Names of staff members.
pub const STAFF_MEMBERS: &str = "staffMembers";

/// A department as far as tickets need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Its id.
    pub id: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// A short word that never changes.
    pub key: String,
    /// When it works.
    pub calendar: BusinessCalendar,
    /// Which version of it that is; from 1.
    pub calendar_version: i64,
    /// Kinds of tickets that come to it, by their stored names.
    pub ticket_kinds: Vec<String>,
}

/// Somebody who serves customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// The member's id.
    pub id: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// The subject of the member's tokens.
    pub user: String,
    /// What the person does, by its stored name.
    pub role: Role,
    /// Where the person serves.
    pub department: Option<Uuid>,
    /// Languages that the person serves in.
    pub languages: Vec<Language>,
    /// What the person knows.
    pub skills: BTreeSet<String>,
    /// When the person works.
    pub shifts: Shifts,
    /// Whether the person is there.
    pub presence: Presence,
    /// How much at once, at most: a usual ticket weighs one.
    pub capacity: i32,
    /// Serves, or has left.
    pub state: State,
    /// Whether the handbook in force was signed.
    pub handbook_current: bool,
    /// What the person may give at once without asking; nothing of what is not named.
    pub authority_limits: Vec<AuthorityLimit>,
    /// How much of the capacity is taken: the weight of the member's tickets; kept by the database (TK30).
    pub open_weight: i32,
    /// Grows with every assignment to anybody; 0: none yet.
    pub last_assignment: i64,
}

/// What somebody may give at once without asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityLimit {
    /// What is given.
    pub kind: Kind,
    /// At most.
    pub per_grant: Money,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves customers.
    Agent,
    /// Leads a team.
    Lead,
    /// Leads a department.
    Manager,
    /// Looks after staff.
    Hr,
}

impl Role {
    /// Whether others look to them.
    #[must_use]
    pub const fn leads(self) -> bool {
        matches!(self, Self::Lead | Self::Manager)
    }
}

stored_names!(Role, "role" { Agent = "agent", Lead = "lead", Manager = "manager", Hr = "hr" });

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// At work, takes tickets.
    Present,
    /// Not at work, or in a pause.
    Away,
}

stored_names!(Presence, "presence" { Present = "present", Away = "away" });

/// What has become of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Serves.
    Active,
    /// Is away for longer, and comes back.
    OnLeave,
    /// Does not serve until that is decided.
    Suspended,
    /// Has left for good.
    Left,
}

stored_names!(State, "state of a staff member" {
    Active = "active",
    OnLeave = "on_leave",
    Suspended = "suspended",
    Left = "left",
});

/// When somebody works, in a zone; without any hours never.
///
/// Unlike a department's day a shift may run over midnight. In the hour that comes twice it begins with the later and ends with the earlier.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shifts(Option<AvailabilityWindows>);

impl Shifts {
    /// Never.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    /// Within these hours; never when there are none, where a customer's windows would be always open.
    #[must_use]
    pub fn within(hours: AvailabilityWindows) -> Self {
        Self((!hours.is_always()).then_some(hours))
    }

    /// Whether `at` lies in a shift.
    #[must_use]
    pub fn contain(&self, at: Timestamp) -> bool {
        self.0.as_ref().is_some_and(|hours| hours.contains(at))
    }

    /// The earliest instant, `from` or later, that lies in a shift.
    #[must_use]
    pub fn next(&self, from: Timestamp) -> Option<Timestamp> {
        self.0.as_ref()?.next_allowed(from)
    }
}

impl StaffMember {
    /// Whether the member serves and `at` lies in a shift.
    #[must_use]
    pub fn on_shift(&self, at: Timestamp) -> bool {
        self.state == State::Active && self.shifts.contain(at)
    }

    /// Whether a ticket of this weight can be taken.
    #[must_use]
    pub const fn has_room_for(&self, weight: i32) -> bool {
        self.open_weight + weight <= self.capacity
    }

    /// Whether the member serves in this language: their tag and the other's are the same, or one is the more general of the two. A script
    /// that only one of them names is none that the other reads.
    #[must_use]
    pub fn speaks(&self, language: &Language) -> bool {
        self.languages.iter().any(|spoken| {
            spoken == language
                || language.parents().any(|parent| parent == *spoken)
                || spoken.parents().any(|parent| parent == *language)
        })
    }

    /// What an event with this sequence says; places are not its matter.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: staff::StaffMemberEvent) -> Result<Self, Invalid> {
        use staff_member::{Presence as PresenceMessage, Role as RoleMessage, State as StateMessage};
        let role = match event.role() {
            RoleMessage::Unspecified | RoleMessage::Agent => Role::Agent,
            RoleMessage::Lead => Role::Lead,
            RoleMessage::Manager => Role::Manager,
            RoleMessage::Hr => Role::Hr,
        };
        let presence = match event.presence() {
            PresenceMessage::Present => Presence::Present,
            PresenceMessage::Unspecified | PresenceMessage::Away => Presence::Away,
        };
        let state = match event.state() {
            StateMessage::Unspecified | StateMessage::Active => State::Active,
            StateMessage::OnLeave => State::OnLeave,
            StateMessage::Suspended => State::Suspended,
            StateMessage::Left => State::Left,
        };
        let department = match event.department.as_str() {
            "" => None,
            name => Some(parse_name(DEPARTMENTS, name)?),
        };
        let shifts = match event.shifts {
            None => Shifts::never(),
            // Nobody works in hours that are not named, and a zone is needed only for those that are.
            Some(shifts) if shifts.intervals.is_empty() && shifts.exceptions.is_empty() => Shifts::never(),
            Some(staff::Shifts { zone, intervals, exceptions }) => {
                let hours = values::AvailabilityWindows { zone, intervals, exceptions };
                Shifts::within(AvailabilityWindows::try_from(hours).map_err(first)?)
            }
        };
        let authority_limits = event.authority_limits.into_iter().filter_map(AuthorityLimit::heard);
        Ok(Self {
            id: parse_name(STAFF_MEMBERS, &event.staff_member)?,
            sequence,
            user: event.user,
            role,
            department,
            languages: event.languages.iter().map(|tag| Language::parse(tag)).collect::<Result<_, _>>()?,
            skills: event.skills.into_iter().collect(),
            shifts,
            presence,
            capacity: event.capacity,
            state,
            handbook_current: event.handbook_current,
            authority_limits: authority_limits.collect::<Result<_, _>>()?,
            open_weight: 0,
            last_assignment: 0,
        })
    }
}

impl AuthorityLimit {
    /// What an event says; `None` of a kind that this program does not know.
    fn heard(limit: staff::AuthorityLimit) -> Option<Result<Self, Invalid>> {
        use staff::authority_limit::Kind as KindMessage;
        let kind = match limit.kind() {
            KindMessage::Unspecified => return None,
            KindMessage::Refund => Kind::Refund,
            KindMessage::Credit => Kind::Credit,
            KindMessage::Coupon => Kind::Coupon,
            KindMessage::FreeShipping => Kind::FreeShipping,
            KindMessage::Gift => Kind::Gift,
            KindMessage::Upgrade => Kind::Upgrade,
        };
        let per_grant = Money::try_from(limit.per_grant?).map_err(first);
        Some(per_grant.map(|per_grant| Self { kind, per_grant }))
    }
}

impl Department {
    /// What an event with this sequence says.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: staff::DepartmentEvent) -> Result<Self, Invalid> {
        let missing = || Invalid::new("FIELD_REQUIRED", "a department's event tells it with its calendar");
        let department = event.department.ok_or_else(missing)?;
        let calendar = department.calendar.ok_or_else(missing)?;
        if department.calendar_version < 1 {
            return Err(Invalid::new("CALENDAR_VERSION_MALFORMED", "versions of a calendar count from 1"));
        }
        Ok(Self {
            id: parse_name(DEPARTMENTS, &department.name)?,
            sequence,
            key: department.key,
            calendar: BusinessCalendar::try_from(calendar).map_err(first)?,
            calendar_version: department.calendar_version,
            ticket_kinds: department.ticket_kinds,
        })
    }
}
