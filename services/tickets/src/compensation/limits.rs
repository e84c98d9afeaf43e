//! What may be given without asking: the least of what four limits leave. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{Currency, Money};
use uuid::Uuid;

use crate::{
    roster::{StaffMember, State},
    stored::stored_names,
};

/// What is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money back, of an invoice.
    Refund,
    /// Money for the next order.
    Credit,
    /// A code for a reduced price.
    Coupon,
    /// Delivery without charge.
    FreeShipping,
    /// Something on top.
    Gift,
    /// Something better than ordered.
    Upgrade,
}

stored_names!(Kind, "kind of compensation" {
    Refund = "refund",
    Credit = "credit",
    Coupon = "coupon",
    FreeShipping = "free_shipping",
    Gift = "gift",
    Upgrade = "upgrade",
});

/// What bounds a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// What the member may give at once.
    Authority,
    /// What anybody may give at once.
    PerGrant,
    /// What one member may give on one day.
    PerMemberDay,
    /// What one customer may be given within 90 days.
    PerCustomer,
}

stored_names!(Bound, "limit" {
    Authority = "authority",
    PerGrant = "per_grant",
    PerMemberDay = "per_member_day",
    PerCustomer = "per_customer",
});

/// A version of what may be given without asking (TK67).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: Uuid,
    /// Counts the versions from 1.
    pub version: i32,
    /// From when it holds.
    pub effective_at: Timestamp,
    /// One of each kind and currency at most.
    pub limits: Vec<Limit>,
    /// Business time.
    pub created_at: Timestamp,
}

/// How much of one kind may be given without asking, in minor units of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is given.
    pub kind: Kind,
    /// In which currency: amounts of two are never counted together.
    pub currency: Currency,
    /// At once.
    pub per_grant: i64,
    /// By one member on one day.
    pub per_member_day: i64,
    /// To one customer within 90 days.
    pub per_customer: i64,
}

impl Policy {
    /// What it says of a kind in a currency.
    #[must_use]
    pub fn limit(&self, kind: Kind, currency: Currency) -> Option<&Limit> {
        self.limits.iter().find(|limit| (limit.kind, limit.currency) == (kind, currency))
    }
}

/// What was given already of one kind in one currency, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given {
    /// By the member on this day.
    pub today: i64,
    /// To the customer within 90 days.
    pub to_customer: i64,
}

/// What each limit leaves, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds([(Bound, i64); 4]);

impl Bounds {
    /// For somebody who may give `authority` at once. Without a limit nothing is given without asking.
    #[must_use]
    pub fn new(authority: i64, limit: Option<&Limit>, given: Given) -> Self {
        let left = |allowed: fn(&Limit) -> i64, given: i64| limit.map_or(0, |limit| (allowed(limit) - given).max(0));
        Self([
            (Bound::Authority, authority),
            (Bound::PerGrant, left(|limit| limit.per_grant, 0)),
            (Bound::PerMemberDay, left(|limit| limit.per_member_day, given.today)),
            (Bound::PerCustomer, left(|limit| limit.per_customer, given.to_customer)),
        ])
    }

    /// What each of them leaves.
    #[must_use]
    pub const fn left(&self) -> &[(Bound, i64); 4] {
        &self.0
    }

    /// The limits that an amount goes over; none: it does not wait (TK60).
    #[must_use]
    pub fn exceeded_by(&self, amount: i64) -> Vec<Bound> {
        self.0.iter().filter(|(_, left)| amount > *left).map(|(bound, _)| *bound).collect()
    }

    /// The least of them: so much can be given at once.
    #[must_use]
    pub fn narrowest(&self) -> (Bound, i64) {
        self.0.into_iter().min_by_key(|(_, left)| *left).expect("there are four")
    }
}

impl StaffMember {
    /// What the member may give of a kind at once; 0: nothing.
    #[must_use]
    pub fn authority(&self, kind: Kind, currency: Currency) -> i64 {
        let of =
            |limit: &&crate::roster::model::AuthorityLimit| (limit.kind, limit.per_grant.currency) == (kind, currency);
        self.authority_limits.iter().find(of).map_or(0, |limit| limit.per_grant.minor_units)
    }

    /// Whether the member may give this at once.
    #[must_use]
    pub fn covers(&self, kind: Kind, amount: Money) -> bool {
        self.authority(kind, amount.currency) >= amount.minor_units
    }

    /// Whether the member decides about what others propose.
    #[must_use]
    pub const fn leads(&self) -> bool {
        self.role.leads()
    }
}

/// TK61: who gives or decides is known, serves, and has signed the handbook that is in force.
///
/// # Errors
/// `AUTHORITY_SUSPENDED`.
pub fn may_give(caller: &str, member: Option<StaffMember>) -> Result<StaffMember, Error> {
    let why = match member {
        None => "the caller is known as a staff member",
        Some(member) if member.state != State::Active => "the caller serves: is not on leave, suspended or gone",
        Some(member) if !member.handbook_current => "the caller has signed the handbook that is in force",
        Some(member) => return Ok(member),
    };
    Err(Error::precondition(ErrorReason::AuthoritySuspended, "TK61", caller, why))
}
