//! A promised date. (Signatures; bodies follow.)
use crate::Zone;
use jiff::{SignedDuration, Timestamp, civil::Date};
/// A date in a zone that ends with its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromisedDate {
    /// The day.
    pub date: Date,
    /// Where.
    pub zone: Zone,
}
impl PromisedDate {
    /// A day in a zone.
    #[must_use]
    pub const fn new(date: Date, zone: Zone) -> Self {
        Self { date, zone }
    }
    /// The first instant of the day.
    #[must_use]
    pub fn starts_at(&self) -> Timestamp {
        unimplemented!()
    }
    /// The first instant after the day.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        unimplemented!()
    }
    /// Whether the day has ended.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at()
    }
    /// `ends_at` less the lead.
    #[must_use]
    pub fn at_risk_from(&self, _lead: SignedDuration) -> Timestamp {
        unimplemented!()
    }
}
