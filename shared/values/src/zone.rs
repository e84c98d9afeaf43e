//! Time zones by their IANA names, and how a wall clock becomes an instant.

use std::fmt;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Invalid;

/// A time zone with an IANA name, such as `Asia/Kolkata`.
///
/// Serialised as its name. Cheap to clone. Equal when the names are equal: two names of the same rules are two zones.
#[derive(Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of an IANA name, in any case of letters; the name is kept in its canonical case.
    ///
    /// # Errors
    ///
    /// `ZONE_MISSING` for an empty name and `ZONE_UNKNOWN` for everything that is no IANA name: fixed offsets
    /// (`+05:30`), POSIX strings, the name of the machine's own zone, and the zones that count leap seconds.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        if name.is_empty() {
            return Err(Invalid::new("ZONE_MISSING", "a time zone is needed, such as Asia/Kolkata"));
        }
        let unknown = || Invalid::new("ZONE_UNKNOWN", "the time zone must be an IANA name, such as Asia/Kolkata");
        // A zone database on disk also holds these: they are no places, or differ from machine to machine.
        let no_places = ["localtime", "posixrules", "factory", "etc/unknown"];
        if no_places.iter().any(|no_place| name.eq_ignore_ascii_case(no_place)) {
            return Err(unknown());
        }
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        match zone.iana_name() {
            Some(known) if known.eq_ignore_ascii_case(name) => Ok(Self(zone)),
            _ => Err(unknown()),
        }
    }

    /// Coordinated universal time, `UTC`.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().expect("only named zones are ever constructed")
    }

    /// The rules, for arithmetic with jiff.
    #[must_use]
    pub const fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// The date that a wall clock in this zone shows at `at`.
    #[must_use]
    pub fn date_at(&self, at: Timestamp) -> Date {
        self.0.to_datetime(at).date()
    }

    /// The first instant of a day: midnight, or the end of the gap when the clocks jump over midnight.
    #[must_use]
    pub fn start_of_day(&self, date: Date) -> Timestamp {
        self.first_instant_reading(date.at(0, 0, 0, 0))
    }

    /// The first instant at which a wall clock shows `wall` or has jumped past it.
    ///
    /// Never goes back when `wall` goes forward, so that what does not overlap on the wall does not overlap in time.
    pub(crate) fn first_instant_reading(&self, wall: DateTime) -> Timestamp {
        let ambiguous = self.0.to_ambiguous_timestamp(wall);
        let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let earlier = within_range(ambiguous.earlier(), wall);
        if !is_gap {
            return earlier;
        }
        // In a gap the earlier reading lies just before the jump; the jump itself is the next transition.
        self.0.following(earlier).next().map_or(earlier, |jump| jump.timestamp())
    }

    /// The instant at which something opens: shifted forward in a gap, the later of two in a fold.
    pub(crate) fn instant_of_opening(&self, wall: DateTime) -> Timestamp {
        within_range(self.0.to_ambiguous_timestamp(wall).later(), wall)
    }

    /// The instant at which something closes: shifted forward in a gap, the earlier of two in a fold.
    pub(crate) fn instant_of_closing(&self, wall: DateTime) -> Timestamp {
        within_range(self.0.to_ambiguous_timestamp(wall).compatible(), wall)
    }
}

/// A wall clock at the very edge of the calendar (years -9999 and 9999) has no instant: the edge stands in for it.
fn within_range(instant: Result<Timestamp, jiff::Error>, wall: DateTime) -> Timestamp {
    instant.unwrap_or_else(|_| if wall.year() > 0 { Timestamp::MAX } else { Timestamp::MIN })
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
