//! Values from and to the contract: in with every fault and its field, out without a way to fail.

use jiff::civil::{Date, Time, Weekday};
use seva_proto::common::v1 as pb;

use crate::{
    AvailabilityWindows, BusinessCalendar, Currency, DatedException, DayInterval, Invalid, Money, PromisedDate,
    WeeklyInterval, Zone,
};

#[cfg(test)]
mod tests;

/// Faults of a message, each with the path of its field below the message.
pub type Faults = Vec<(String, Invalid)>;

/// Keeps a fault, or answers the value.
fn take<T>(faults: &mut Faults, field: impl Into<String>, parsed: Result<T, Invalid>) -> Option<T> {
    parsed.map_err(|invalid| faults.push((field.into(), invalid))).ok()
}

impl TryFrom<pb::Money> for Money {
    type Error = Faults;

    fn try_from(money: pb::Money) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        if money.minor_units < 0 {
            faults.push(("minor_units".to_owned(), Invalid::new("AMOUNT_NEGATIVE", "cannot be negative")));
        }
        match take(&mut faults, "currency", Currency::parse(&money.currency)) {
            Some(currency) if faults.is_empty() => Ok(Self::new(money.minor_units, currency)),
            _ => Err(faults),
        }
    }
}

impl From<Money> for pb::Money {
    fn from(money: Money) -> Self {
        Self { minor_units: money.minor_units, currency: money.currency.code().to_owned() }
    }
}

impl TryFrom<pb::PromisedDate> for PromisedDate {
    type Error = Faults;

    fn try_from(promised: pb::PromisedDate) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let date = take(&mut faults, "date", parse_date(&promised.date));
        let zone = take(&mut faults, "zone", Zone::parse(&promised.zone));
        date.zip(zone).map(|(date, zone)| Self::new(date, zone)).ok_or(faults)
    }
}

impl From<&PromisedDate> for pb::PromisedDate {
    fn from(promised: &PromisedDate) -> Self {
        Self { date: promised.date.to_string(), zone: promised.zone.name().to_owned() }
    }
}

impl TryFrom<pb::AvailabilityWindows> for AvailabilityWindows {
    type Error = Faults;

    fn try_from(windows: pb::AvailabilityWindows) -> Result<Self, Faults> {
        let pb::AvailabilityWindows { zone, intervals, exceptions } = windows;
        let (zone, intervals, exceptions) = read_hours(&zone, &intervals, &exceptions)?;
        Self::new(zone, intervals, exceptions).map_err(|invalid| vec![("intervals".to_owned(), invalid)])
    }
}

impl From<&AvailabilityWindows> for pb::AvailabilityWindows {
    fn from(windows: &AvailabilityWindows) -> Self {
        Self {
            zone: windows.zone().name().to_owned(),
            intervals: windows.intervals().iter().map(proto_interval).collect(),
            exceptions: windows.exceptions().iter().map(proto_exception).collect(),
        }
    }
}

impl TryFrom<pb::BusinessCalendar> for BusinessCalendar {
    type Error = Faults;

    fn try_from(calendar: pb::BusinessCalendar) -> Result<Self, Faults> {
        let pb::BusinessCalendar { zone, intervals, exceptions } = calendar;
        let (zone, week, exceptions) = read_hours(&zone, &intervals, &exceptions)?;
        Self::new(zone, week, exceptions).map_err(|invalid| vec![("intervals".to_owned(), invalid)])
    }
}

impl From<&BusinessCalendar> for pb::BusinessCalendar {
    fn from(calendar: &BusinessCalendar) -> Self {
        Self {
            zone: calendar.zone().name().to_owned(),
            intervals: calendar.week().iter().map(proto_interval).collect(),
            exceptions: calendar.exceptions().iter().map(proto_exception).collect(),
        }
    }
}

/// Reads hours, with every fault of their parts; whether they go together is for what they become.
fn read_hours(
    zone: &str,
    intervals: &[pb::WeeklyInterval],
    exceptions: &[pb::DatedException],
) -> Result<(Zone, Vec<WeeklyInterval>, Vec<DatedException>), Faults> {
    let mut faults = Faults::new();
    let zone = take(&mut faults, "zone", Zone::parse(zone));
    let mut weekly = Vec::new();
    for (at, interval) in intervals.iter().enumerate() {
        let weekday = take(&mut faults, format!("intervals[{at}].weekday"), parse_weekday(interval.weekday()));
        let start = take(&mut faults, format!("intervals[{at}].start"), parse_time(&interval.start));
        let end = take(&mut faults, format!("intervals[{at}].end"), parse_time(&interval.end));
        if let (Some(weekday), Some(start), Some(end)) = (weekday, start, end) {
            weekly.push(WeeklyInterval::new(weekday, start, end));
        }
    }
    let mut dated = Vec::new();
    for (at, exception) in exceptions.iter().enumerate() {
        let date = take(&mut faults, format!("exceptions[{at}].date"), parse_date(&exception.date));
        let mut hours = Vec::new();
        for (number, stretch) in exception.hours.iter().enumerate() {
            let path = format!("exceptions[{at}].hours[{number}]");
            let start = take(&mut faults, format!("{path}.start"), parse_time(&stretch.start));
            let end = take(&mut faults, format!("{path}.end"), parse_time(&stretch.end));
            hours.extend(start.zip(end).map(|(start, end)| DayInterval::new(start, end)));
        }
        dated.extend(date.map(|date| DatedException { date, intervals: hours }));
    }
    match zone {
        Some(zone) if faults.is_empty() => Ok((zone, weekly, dated)),
        _ => Err(faults),
    }
}

fn proto_interval(interval: &WeeklyInterval) -> pb::WeeklyInterval {
    pb::WeeklyInterval {
        weekday: proto_weekday(interval.weekday).into(),
        start: format_time(interval.start),
        end: format_time(interval.end),
    }
}

fn proto_exception(exception: &DatedException) -> pb::DatedException {
    let hours = exception
        .intervals
        .iter()
        .map(|hours| pb::dated_exception::Hours { start: format_time(hours.start), end: format_time(hours.end) });
    pb::DatedException { date: exception.date.to_string(), hours: hours.collect() }
}

/// Reads `2026-11-21`.
///
/// # Errors
/// `DATE_MALFORMED`.
pub fn parse_date(text: &str) -> Result<Date, Invalid> {
    let malformed = || Invalid::new("DATE_MALFORMED", "has to be a calendar date such as 2026-11-21");
    if text.len() != 10 {
        return Err(malformed());
    }
    text.parse().map_err(|_| malformed())
}

/// Reads `09:30`.
fn parse_time(text: &str) -> Result<Time, Invalid> {
    Time::strptime("%H:%M", text)
        .map_err(|_| Invalid::new("TIME_OF_DAY_MALFORMED", "has to be a time of day such as 09:30"))
}

fn format_time(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

fn parse_weekday(weekday: pb::Weekday) -> Result<Weekday, Invalid> {
    i8::try_from(i32::from(weekday))
        .ok()
        .and_then(|offset| Weekday::from_monday_one_offset(offset).ok())
        .ok_or_else(|| Invalid::new("WEEKDAY_UNKNOWN", "has to be a day of the week"))
}

fn proto_weekday(weekday: Weekday) -> pb::Weekday {
    pb::Weekday::try_from(i32::from(weekday.to_monday_one_offset())).expect("both count from Monday as one")
}
