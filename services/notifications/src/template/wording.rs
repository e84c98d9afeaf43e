//! How a language writes numbers, money and days.

use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use jiff::civil::Date;
use seva_values::{Language, Money};

/// The names of days and months in one language, and how a day is written with them.
struct Calendar {
    language: &'static str,
    /// From Monday.
    weekdays: [&'static str; 7],
    months: [&'static str; 12],
    comma: &'static str,
    zero: char,
}

static CALENDARS: [Calendar; 4] = [
    Calendar {
        language: "en",
        weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        comma: ",",
        zero: '0',
    },
    Calendar {
        language: "hi",
        weekdays: ["सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"],
        months: ["जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"],
        comma: ",",
        zero: '0',
    },
    Calendar {
        language: "bn",
        weekdays: ["সোমবার", "মঙ্গলবার", "বুধবার", "বৃহস্পতিবার", "শুক্রবার", "শনিবার", "রবিবার"],
        months: [
            "জানুয়ারি",
            "ফেব্রুয়ারি",
            "মার্চ",
            "এপ্রিল",
            "মে",
            "জুন",
            "জুলাই",
            "আগস্ট",
            "সেপ্টেম্বর",
            "অক্টোবর",
            "নভেম্বর",
            "ডিসেম্বর",
        ],
        comma: ",",
        zero: '০',
    },
    Calendar {
        language: "ur",
        weekdays: ["پیر", "منگل", "بدھ", "جمعرات", "جمعہ", "ہفتہ", "اتوار"],
        months: ["جنوری", "فروری", "مارچ", "اپریل", "مئی", "جون", "جولائی", "اگست", "ستمبر", "اکتوبر", "نومبر", "دسمبر"],
        comma: "،",
        zero: '0',
    },
];

/// The currencies whose sign is known to their readers; the others show their code.
static CURRENCY_SIGNS: [(&str, &str); 7] =
    [("INR", "₹"), ("BDT", "৳"), ("PKR", "Rs\u{a0}"), ("BRL", "R$\u{a0}"), ("USD", "US$"), ("EUR", "€"), ("GBP", "£")];

/// How one language writes.
pub(super) struct Wording {
    locale: Locale,
    calendar: Option<&'static Calendar>,
}

impl Wording {
    /// The wording of a language, with the calendar of the nearest more general language that has one.
    pub fn of(language: &Language) -> Self {
        let locale = Locale::try_from_str(language.as_str()).unwrap_or(Locale::UNKNOWN);
        let calendar = std::iter::once(language.clone())
            .chain(language.parents())
            .find_map(|language| CALENDARS.iter().find(|calendar| calendar.language == language.as_str()));
        Self { locale, calendar }
    }

    /// A count with the digits and the grouping of the language.
    pub fn count(&self, count: u64) -> String {
        written(&self.locale, &Decimal::from(count))
    }

    /// An amount with the grouping of the language and Latin digits, so that it reads as it does on a bill.
    pub fn money(&self, money: Money) -> String {
        let code = money.currency.code();
        let sign = CURRENCY_SIGNS.iter().find(|(known, _)| *known == code);
        let sign = sign.map_or_else(|| format!("{code}\u{a0}"), |(_, sign)| (*sign).to_owned());
        let mut amount = Decimal::from(money.minor_units.unsigned_abs());
        amount.multiply_pow10(-i16::from(money.currency.exponent()));
        let latin = Locale::try_from_str(&format!("{}-u-nu-latn", self.locale.id)).unwrap_or(Locale::UNKNOWN);
        let minus = if money.minor_units < 0 { "-" } else { "" };
        format!("{minus}{sign}{}", written(&latin, &amount))
    }

    /// A day, written out with its weekday; `None` when the names of this language are not known here.
    pub fn date(&self, date: Date) -> Option<String> {
        let calendar = self.calendar?;
        let weekday = calendar.weekdays[usize::try_from(date.weekday().to_monday_zero_offset()).ok()?];
        let month = calendar.months[usize::try_from(date.month() - 1).ok()?];
        let (day, year) = (calendar.digits(i32::from(date.day())), calendar.digits(i32::from(date.year())));
        Some(format!("{weekday}{} {day} {month} {year}", calendar.comma))
    }

    /// Whether days can be written in this language.
    pub const fn knows_dates(&self) -> bool {
        self.calendar.is_some()
    }

    /// The plural rules of the language.
    pub fn plural_rules(&self) -> PluralRules {
        PluralRules::try_new_cardinal((&self.locale).into())
            .expect("the rules are compiled in, and every locale falls back to the root")
    }
}

impl Calendar {
    fn digits(&self, number: i32) -> String {
        let shifted = |digit: char| {
            digit.to_digit(10).and_then(|digit| char::from_u32(u32::from(self.zero) + digit)).unwrap_or(digit)
        };
        number.to_string().chars().map(shifted).collect()
    }
}

fn written(locale: &Locale, number: &Decimal) -> String {
    DecimalFormatter::try_new(locale.into(), icu_decimal::options::DecimalFormatterOptions::default())
        .expect("the symbols are compiled in, and every locale falls back to the root")
        .format(number)
        .to_string()
}

/// The word by which a template names a plural category.
pub(super) const fn form(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

/// Every word for a plural form. `zero` is the text for exactly nothing, in languages without that category too.
pub(super) const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

#[cfg(test)]
mod tests;
