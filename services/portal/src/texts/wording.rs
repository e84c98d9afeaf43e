//! How a language writes days, times and amounts: as the messages do that customers get.

use icu_decimal::{DecimalFormatter, input::Decimal, options::DecimalFormatterOptions};
use icu_locale::Locale;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use seva_proto::common::v1::{Money as PbMoney, PromisedDate};
use seva_values::{Currency, Money, Zone};

use super::Texts;

/// The currencies whose sign is known to their readers; the others show their code.
const CURRENCY_SIGNS: [(&str, &str); 7] =
    [("INR", "₹"), ("BDT", "৳"), ("PKR", "Rs\u{a0}"), ("BRL", "R$\u{a0}"), ("USD", "US$"), ("EUR", "€"), ("GBP", "£")];

impl Texts {
    /// A day: `21 November 2026`.
    pub fn date(&self, date: Date) -> String {
        let month = usize::try_from(date.month() - 1).ok().and_then(|month| self.months.get(month));
        let month = month.map_or("", String::as_str);
        self.digits(&format!("{} {month} {}", date.day(), date.year()))
    }

    /// A moment on the wall of `zone`: `21 November 2026, 14:05`.
    pub fn moment(&self, at: Timestamp, zone: &TimeZone) -> String {
        let wall = zone.to_datetime(at);
        let time = self.digits(&format!("{:02}:{:02}", wall.hour(), wall.minute()));
        format!("{}{}{time}", self.date(wall.date()), self.comma)
    }

    /// A moment with the short name of its zone, which a page cannot know to be the reader's: `21 November 2026, 14:05 IST`.
    pub fn moment_there(&self, at: Timestamp, zone: &TimeZone) -> String {
        let info = zone.to_offset_info(at);
        // Some zones have no name but their offset.
        let utc = if info.abbreviation().starts_with(['+', '-']) { "UTC" } else { "" };
        format!("{}\u{a0}{utc}{}", self.moment(at, zone), info.abbreviation())
    }

    /// A number of things.
    pub fn number(&self, count: usize) -> String {
        self.digits(&count.to_string())
    }

    /// How long ago something was: `3 hours ago`.
    pub fn ago(&self, age: SignedDuration) -> String {
        let minutes = age.as_mins();
        let (words, count) = match minutes {
            ..1 => return self.ago.just_now.clone(),
            1..60 => (&self.ago.minutes, minutes),
            60..1440 => (&self.ago.hours, minutes / 60),
            _ => (&self.ago.days, minutes / 1440),
        };
        let words = if count == 1 { &words.one } else { &words.other };
        self.filled(words, "count", &self.digits(&count.to_string()))
    }

    /// A promised or due day; `None` when there is none.
    pub fn promised(&self, day: Option<&PromisedDate>) -> Option<String> {
        day?.date.parse().ok().map(|date| self.date(date))
    }

    /// An amount with the grouping of the language and Latin digits, so that it reads as it does on a bill; `None` when there is none.
    pub fn money(&self, money: Option<&PbMoney>) -> Option<String> {
        let money = money?;
        let money = Money::new(money.minor_units, Currency::parse(&money.currency).ok()?);
        let code = money.currency.code();
        let sign = CURRENCY_SIGNS.iter().find(|(known, _)| *known == code);
        let sign = sign.map_or_else(|| format!("{code}\u{a0}"), |(_, sign)| (*sign).to_owned());
        let mut amount = Decimal::from(money.minor_units.unsigned_abs());
        amount.multiply_pow10(-i16::from(money.currency.exponent()));
        let minus = if money.minor_units < 0 { "-" } else { "" };
        Some(format!("{minus}{sign}{}", self.grouped(&amount)))
    }

    fn grouped(&self, amount: &Decimal) -> String {
        let locale = Locale::try_from_str(&format!("{}-u-nu-latn", self.language)).unwrap_or(Locale::UNKNOWN);
        DecimalFormatter::try_new((&locale).into(), DecimalFormatterOptions::default())
            .expect("the symbols are compiled in, and every locale falls back to the root")
            .format(amount)
            .to_string()
    }

    /// The text with its digits as days are written with them.
    fn digits(&self, text: &str) -> String {
        let shifted = |letter: char| {
            letter.to_digit(10).and_then(|digit| char::from_u32(u32::from(self.zero) + digit)).unwrap_or(letter)
        };
        text.chars().map(shifted).collect()
    }
}

/// The instant of the contract's timestamp; `None` when it is missing or none.
pub fn instant(time: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// The zone of this name, or UTC.
pub fn zone(name: &str) -> TimeZone {
    Zone::parse(name).map_or(TimeZone::UTC, |zone| zone.time_zone().clone())
}
