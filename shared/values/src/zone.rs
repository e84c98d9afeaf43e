//! Time zones. (Signatures; bodies follow.)
use crate::Invalid;
use jiff::tz::TimeZone;
/// An IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);
impl Zone {
    /// Parses; `ZONE_MISSING`, `ZONE_UNKNOWN`.
    pub fn parse(_name: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// Universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }
    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        unimplemented!()
    }
    /// For jiff.
    #[must_use]
    pub const fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}
