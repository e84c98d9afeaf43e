//! Which report, of which days. Pure.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use seva_values::{Invalid, Zone};
use uuid::Uuid;

/// Days of a report at most (TK131).
pub const MOST_DAYS: i32 = 400;

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// What happened on each day, and what was open at its end.
    Volumes,
    /// How much was in time, and how long it took.
    Clocks,
    /// What customers said to what we call solved.
    Resolutions,
    /// What became of promises, by department.
    PromisesByDepartment,
    /// What became of promises, by owner.
    PromisesByOwner,
    /// How departments serve what is handed to them.
    DepartmentParity,
    /// What the problems turned out to be.
    Causes,
    /// What was given for them.
    CauseCompensation,
    /// Contacts that something of ours has caused.
    AvoidableContacts,
    /// What waited, and who was on shift.
    WaitingByHour,
    /// Tickets, one by one.
    Tickets,
}

/// A report as it is asked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which.
    pub report: Report,
    /// Of which days.
    pub period: Period,
    /// Of this department only.
    pub department: Option<Uuid>,
    /// When it is read.
    pub now: Timestamp,
}

/// Whole days in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    zone: Zone,
    first: Date,
    end: Date,
}

/// An hour of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// The day.
    pub date: Date,
    /// What the wall clock shows.
    pub hour: i8,
    /// When it begins.
    pub at: Timestamp,
}

impl Period {
    /// The days from `first` to the one before `end`.
    ///
    /// # Errors
    /// TK131
    pub fn new(zone: Zone, first: Date, end: Date) -> Result<Self, Invalid> {
        let days = first.until(end).map_or(0, |span| span.get_days());
        if !(1..=MOST_DAYS).contains(&days) {
            let why = format!("has to be later than the start, by {MOST_DAYS} days at most");
            return Err(Invalid::new("PERIOD_OUT_OF_BOUNDS", why));
        }
        Ok(Self { zone, first, end })
    }

    /// Its days that have begun; maybe none.
    pub fn begun_by(self, now: Timestamp) -> Self {
        let tomorrow = next(self.zone.date_at(now));
        Self { end: self.end.min(tomorrow).max(self.first), ..self }
    }

    /// When it begins.
    pub fn from(&self) -> Timestamp {
        self.zone.start_of_day(self.first)
    }

    /// When it has ended.
    pub fn until(&self) -> Timestamp {
        self.zone.start_of_day(self.end)
    }

    /// Its days.
    pub fn days(&self) -> impl Iterator<Item = Date> {
        let end = self.end;
        std::iter::successors(Some(self.first), |date| Some(next(*date))).take_while(move |date| *date < end)
    }

    /// When each of its days begins, and its end: one more than days.
    pub fn borders(&self) -> Vec<Timestamp> {
        self.days().chain([self.end]).map(|date| self.zone.start_of_day(date)).collect()
    }

    /// Its hours, one after the other: 23 or 25 of them on the day on which clocks change.
    pub fn hours(&self) -> impl Iterator<Item = Hour> {
        self.days().flat_map(move |date| {
            let (begins, ends) = (self.zone.start_of_day(date), self.zone.start_of_day(next(date)));
            let at = (0..).map_while(move |hour| begins.checked_add(SignedDuration::from_hours(hour)).ok());
            let zone = self.zone.time_zone();
            at.take_while(move |at| *at < ends).map(move |at| Hour { date, hour: zone.to_datetime(at).hour(), at })
        })
    }

    /// The same days in parts of so many.
    pub fn parts(&self, days: i32) -> impl Iterator<Item = Self> {
        let (zone, end) = (self.zone.clone(), self.end);
        let firsts = std::iter::successors(Some(self.first), move |first| first.checked_add(days.days()).ok());
        firsts.take_while(move |first| *first < end).map(move |first| {
            let until = first.checked_add(days.days()).map_or(end, |until| until.min(end));
            Self { zone: zone.clone(), first, end: until }
        })
    }
}

/// The last day of all is followed by itself: nothing that we know of lies there.
fn next(date: Date) -> Date {
    date.tomorrow().unwrap_or(date)
}
