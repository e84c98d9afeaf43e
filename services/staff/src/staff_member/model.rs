//! What a staff member is and how one changes: pure functions of the member, the command and the time.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, mask::replace};
use seva_values::{AvailabilityWindows, Language, Money};
use uuid::Uuid;

use crate::stored::stored_names;

/// Languages of one member at most.
pub const MAX_LANGUAGES: usize = 20;
/// Skills of one member at most.
pub const MAX_SKILLS: usize = 100;
/// Tickets at once at most.
pub const MAX_CAPACITY: i32 = 1000;
/// Limits of authority of one member at most.
pub const MAX_AUTHORITY_LIMITS: usize = 100;

/// Somebody who serves customers.
#[derive(Clone, PartialEq)]
pub struct StaffMember {
    pub id: Uuid,
    pub version: i64,
    pub given_name: String,
    pub family_name: String,
    /// The subject of the person's tokens.
    pub user: String,
    pub role: Role,
    pub department: Uuid,
    /// Never empty.
    pub languages: Vec<Language>,
    pub skills: Vec<String>,
    pub shifts: Shifts,
    pub presence: Presence,
    pub capacity: i32,
    /// One of each kind and currency at most.
    pub authority_limits: Vec<AuthorityLimit>,
    pub state: State,
    pub handbook_current: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for StaffMember {
    /// Without the name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaffMember").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Agent,
    Lead,
    Manager,
    Hr,
}

stored_names!(Role, "role" { Agent = "agent", Lead = "lead", Manager = "manager", Hr = "hr" });

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Present,
    Away,
}

stored_names!(Presence, "presence" { Present = "present", Away = "away" });

/// What has become of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Active,
    /// For good.
    Left,
}

stored_names!(State, "state of a staff member" { Active = "active", Left = "left" });

/// What somebody may give without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorityLimit {
    pub kind: AuthorityKind,
    /// At most, for one grant.
    pub per_grant: Money,
}

/// What is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityKind {
    Refund,
    Credit,
    Coupon,
    FreeShipping,
    Gift,
    Upgrade,
}

stored_names!(AuthorityKind, "kind of authority" {
    Refund = "refund", Credit = "credit", Coupon = "coupon", FreeShipping = "free_shipping", Gift = "gift", Upgrade = "upgrade",
});

/// When somebody works: hours of the week and dates with other hours, by the wall clock of a zone.
///
/// A shift may run over midnight and belongs to the day on which it starts. In the hour that comes twice it starts at the later and ends at
/// the earlier of the two. Without any hours: never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shifts(AvailabilityWindows);

impl Shifts {
    /// These hours.
    pub fn new(hours: AvailabilityWindows) -> Self {
        Self(hours)
    }

    /// The hours.
    pub fn hours(&self) -> &AvailabilityWindows {
        &self.0
    }

    /// Whether the instant lies in a shift.
    pub fn contain(&self, at: Timestamp) -> bool {
        !self.0.is_always() && self.0.contains(at)
    }
}

/// What a new member is made of.
#[derive(Debug, Clone)]
pub struct NewStaffMember {
    pub given_name: String,
    pub family_name: String,
    pub user: String,
    pub role: Role,
    pub department: Uuid,
    pub languages: Vec<Language>,
    pub skills: Vec<String>,
    pub shifts: Shifts,
    pub presence: Presence,
    pub capacity: i32,
    pub authority_limits: Vec<AuthorityLimit>,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub role: Option<Role>,
    pub department: Option<Uuid>,
    pub languages: Option<Vec<Language>>,
    pub skills: Option<Vec<String>>,
    pub shifts: Option<Shifts>,
    pub capacity: Option<i32>,
    pub authority_limits: Option<Vec<AuthorityLimit>>,
}

impl StaffMember {
    /// Somebody who begins to serve.
    pub fn create(id: Uuid, new: NewStaffMember, now: Timestamp) -> Self {
        let NewStaffMember {
            given_name,
            family_name,
            user,
            role,
            department,
            languages,
            skills,
            shifts,
            presence,
            capacity,
            authority_limits,
        } = new;
        Self {
            id,
            version: 1,
            given_name,
            family_name,
            user,
            role,
            department,
            languages,
            skills,
            shifts,
            presence,
            capacity,
            authority_limits,
            state: State::Active,
            handbook_current: true,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether the member works at this instant: within the shifts, and still serving.
    pub fn on_shift(&self, at: Timestamp) -> bool {
        self.state == State::Active && self.shifts.contain(at)
    }

    /// The member after a change, and the names of the fields that it touched.
    ///
    /// # Errors
    /// `STATE_FORBIDS` for somebody who has left (ST4).
    pub fn update(&self, change: Change, now: Timestamp) -> Result<(Self, Vec<&'static str>), Error> {
        self.has_to_serve()?;
        let Change { given_name, family_name, role, department, languages, skills, shifts, capacity, authority_limits } =
            change;
        let mut next = self.next(now);
        let mut changed = Vec::new();
        replace(&mut next.given_name, given_name, "given_name", &mut changed);
        replace(&mut next.family_name, family_name, "family_name", &mut changed);
        replace(&mut next.role, role, "role", &mut changed);
        replace(&mut next.department, department, "department", &mut changed);
        replace(&mut next.languages, languages, "languages", &mut changed);
        replace(&mut next.skills, skills, "skills", &mut changed);
        replace(&mut next.shifts, shifts, "shifts", &mut changed);
        replace(&mut next.capacity, capacity, "capacity", &mut changed);
        replace(&mut next.authority_limits, authority_limits, "authority_limits", &mut changed);
        Ok((next, changed))
    }

    /// The member who is there, or away, from now on.
    ///
    /// # Errors
    /// `STATE_FORBIDS` for somebody who has left (ST4).
    pub fn set_presence(&self, presence: Presence, now: Timestamp) -> Result<Self, Error> {
        self.has_to_serve()?;
        Ok(Self { presence, ..self.next(now) })
    }

    /// The member who has left.
    ///
    /// # Errors
    /// `STATE_FORBIDS` for somebody who has left before (ST4).
    pub fn leave(&self, now: Timestamp) -> Result<Self, Error> {
        self.has_to_serve()?;
        Ok(Self { state: State::Left, presence: Presence::Away, ..self.next(now) })
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    fn has_to_serve(&self) -> Result<(), Error> {
        match self.state {
            State::Active => Ok(()),
            State::Left => Err(Error::precondition(
                ErrorReason::StateForbids,
                "ST4",
                super::convert::name(self.id),
                "somebody who has left serves no more; who comes back is recorded as somebody new",
            )),
        }
    }
}
