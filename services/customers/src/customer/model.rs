//! What a customer is and how it changes: pure functions of the customer, the change and the time.

use jiff::Timestamp;
use seva_runtime::mask::replace;
use seva_values::{AvailabilityWindows, Email, Invalid, Language, Phone, Zone};
use uuid::Uuid;

/// Ways to reach one customer at most.
pub const MAX_CONTACT_POINTS: usize = 20;
/// Ids in other systems of one customer at most.
pub const MAX_EXTERNAL_REFS: usize = 50;
/// Languages of one customer at most.
pub const MAX_LANGUAGES: usize = 10;

/// A person whom the company serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    pub id: Uuid,
    pub version: i64,
    pub given_name: String,
    pub family_name: String,
    /// In the customer's order of preference; never empty.
    pub languages: Vec<Language>,
    pub zone: Zone,
    pub availability: AvailabilityWindows,
    pub contact_points: Vec<ContactPoint>,
    /// By system and id.
    pub external_refs: Vec<ExternalRef>,
    pub tier: Tier,
    pub provisional: bool,
    /// The newest per purpose and channel, by their names.
    pub consents: Vec<Consent>,
    pub first_order_at: Option<Timestamp>,
    pub order_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// How far the company's relation to a customer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    Standard,
    Loyal,
    Vip,
}

/// A way to reach a customer.
#[derive(Clone, PartialEq)]
pub struct ContactPoint {
    pub address: Address,
    pub primary: bool,
    pub shared: bool,
    pub verified_at: Option<Timestamp>,
}

impl ContactPoint {
    /// What is wrong with this point beside those that stand before it in the list.
    pub fn faults_beside(&self, before: &[Self]) -> Vec<Invalid> {
        let mut faults = Vec::new();
        if before.iter().any(|other| other.address == self.address) {
            faults.push(Invalid::new("CONTACT_POINT_REPEATED", "stands in the list before"));
        }
        let is_other_primary = |other: &Self| other.primary && other.address.kind() == self.address.kind();
        if self.primary && before.iter().any(is_other_primary) {
            faults.push(Invalid::new("CONTACT_POINT_SECOND_PRIMARY", "another of its kind is primary (CU2)"));
        }
        faults
    }
}

impl std::fmt::Debug for ContactPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ContactPoint({})", self.address.kind())
    }
}

/// An address of one kind, valid and normalised.
#[derive(Debug, Clone, PartialEq)]
pub enum Address {
    Email(Email),
    Phone(Phone),
}

impl Address {
    /// The kind's name, as it is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
        }
    }

    /// The address itself: personal data.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(phone) => phone.as_str(),
        }
    }
}

/// An id by which another system knows a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalRef {
    pub system: String,
    pub id: String,
}

/// Agreement to, or refusal of, messages of a purpose on a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    pub purpose: Purpose,
    pub channel: ConsentChannel,
    pub granted: bool,
    pub evidence: String,
    pub captured_at: Timestamp,
}

/// What messages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Service,
    Survey,
    Marketing,
}

/// How messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentChannel {
    /// On every channel.
    All,
    Email,
    Phone,
    Sms,
    Push,
}

/// What a new customer is made of.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    pub given_name: String,
    pub family_name: String,
    pub languages: Vec<Language>,
    pub zone: Zone,
    /// `None`: at any time.
    pub availability: Option<AvailabilityWindows>,
    pub contact_points: Vec<ContactPoint>,
    pub external_refs: Vec<ExternalRef>,
    pub tier: Tier,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub languages: Option<Vec<Language>>,
    pub zone: Option<Zone>,
    /// `Some(None)`: at any time from now on.
    pub availability: Option<Option<AvailabilityWindows>>,
    pub contact_points: Option<Vec<ContactPoint>>,
    pub external_refs: Option<Vec<ExternalRef>>,
    pub tier: Option<Tier>,
}

impl Customer {
    /// A customer recorded by a person.
    pub fn create(id: Uuid, new: NewCustomer, now: Timestamp) -> Self {
        let NewCustomer { given_name, family_name, languages, zone, availability, contact_points, external_refs, tier } =
            new;
        Self {
            id,
            version: 1,
            given_name,
            family_name,
            languages,
            availability: availability.unwrap_or_else(|| AvailabilityWindows::always(zone.clone())),
            zone,
            contact_points,
            external_refs,
            tier,
            provisional: false,
            consents: Vec::new(),
            first_order_at: None,
            order_count: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// The customer after a person's change, and the names of the fields that it touched. A person's change confirms a provisional customer.
    pub fn update(&self, change: Change, now: Timestamp) -> (Self, Vec<&'static str>) {
        let Change { given_name, family_name, languages, zone, availability, contact_points, external_refs, tier } =
            change;
        let mut next = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        let mut changed = Vec::new();
        replace(&mut next.given_name, given_name, "given_name", &mut changed);
        replace(&mut next.family_name, family_name, "family_name", &mut changed);
        replace(&mut next.languages, languages, "languages", &mut changed);
        replace(&mut next.zone, zone, "zone", &mut changed);
        let availability =
            availability.map(|windows| windows.unwrap_or_else(|| AvailabilityWindows::always(next.zone.clone())));
        replace(&mut next.availability, availability, "availability", &mut changed);
        let contact_points = contact_points.map(|points| keep_verification(points, &self.contact_points));
        replace(&mut next.contact_points, contact_points, "contact_points", &mut changed);
        replace(&mut next.external_refs, external_refs, "external_refs", &mut changed);
        replace(&mut next.tier, tier, "tier", &mut changed);
        replace(&mut next.provisional, Some(false), "provisional", &mut changed);
        (next, changed)
    }

    /// Whether an address of this customer is not theirs any more in `next`. Whoever reads there from now on holds links that were made for this
    /// customer: they have to end (CU25).
    pub fn loses_an_address(&self, next: &Self) -> bool {
        let is_kept = |address: &Address| next.contact_points.iter().any(|point| point.address == *address);
        self.contact_points.iter().any(|point| !is_kept(&point.address))
    }

    /// The customer after agreeing to, or refusing, a purpose on a channel: the newest word holds (CU9).
    pub fn record_consent(&self, consent: Consent) -> Self {
        let mut next = Self { version: self.version + 1, updated_at: consent.captured_at, ..self.clone() };
        next.consents.retain(|known| (known.purpose, known.channel) != (consent.purpose, consent.channel));
        next.consents.push(consent);
        next.consents.sort_by_key(|consent| (consent.purpose.name(), consent.channel.name()));
        next
    }

    /// Whether messages of this purpose may go out on this channel now (CU3).
    ///
    /// Service messages about the customer's own order need no consent. Of the others the channel's own word goes before the word for all
    /// channels; without any word, surveys may be sent and marketing may not.
    pub fn consents_to(&self, purpose: Purpose, channel: ConsentChannel) -> bool {
        let word = |on| {
            let of_purpose = |consent: &&Consent| consent.purpose == purpose && consent.channel == on;
            self.consents.iter().find(of_purpose).map(|consent| consent.granted)
        };
        match purpose {
            Purpose::Service => true,
            Purpose::Survey => word(channel).or_else(|| word(ConsentChannel::All)).unwrap_or(true),
            Purpose::Marketing => word(channel).or_else(|| word(ConsentChannel::All)).unwrap_or(false),
        }
    }

    /// The address to use for a kind: the primary one, or else the first.
    pub fn address(&self, kind: &str) -> Option<&Address> {
        let mut of_kind = self.contact_points.iter().filter(|point| point.address.kind() == kind);
        let first = of_kind.clone().next();
        of_kind.find(|point| point.primary).or(first).map(|point| &point.address)
    }
}

/// An address that stays keeps its proof; callers cannot set one.
fn keep_verification(mut points: Vec<ContactPoint>, known: &[ContactPoint]) -> Vec<ContactPoint> {
    for point in &mut points {
        point.verified_at =
            known.iter().find(|known| known.address == point.address).and_then(|known| known.verified_at);
    }
    points
}
