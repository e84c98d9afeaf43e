use jiff::civil::date;
use seva_values::Currency;

use super::*;

fn wording(tag: &str) -> Wording {
    Wording::of(&Language::parse(tag).unwrap())
}

fn money(tag: &str, minor_units: i64, code: &str) -> String {
    wording(tag).money(Money::new(minor_units, Currency::parse(code).unwrap()))
}

#[test]
fn counts_have_the_digits_and_the_grouping_of_the_language() {
    let written = ["en", "hi", "bn", "ur", "bn-BD"].map(|tag| wording(tag).count(1_234_567));
    assert_eq!(written, ["1,234,567", "12,34,567", "১২,৩৪,৫৬৭", "1,234,567", "১২,৩৪,৫৬৭"]);
}

#[test]
fn money_has_latin_digits_in_every_language() {
    let written = ["en", "hi", "bn", "ur"].map(|tag| money(tag, 123_456_700, "INR"));
    assert_eq!(written, ["₹1,234,567.00", "₹12,34,567.00", "₹12,34,567.00", "₹1,234,567.00"]);
}

#[test]
fn money_has_as_many_decimals_as_its_currency() {
    assert_eq!(money("en", 1299, "BRL"), "R$\u{a0}12.99");
    assert_eq!(money("en", 5, "USD"), "US$0.05");
    assert_eq!(money("en", 1299, "JPY"), "JPY\u{a0}1,299");
    assert_eq!(money("en", 1_299_500, "KWD"), "KWD\u{a0}1,299.500");
}

#[test]
fn money_that_is_owed_the_other_way_has_its_sign_in_front() {
    assert_eq!(money("en", -1299, "INR"), "-₹12.99");
    assert_eq!(money("en", i64::MIN, "JPY"), "-JPY\u{a0}9,223,372,036,854,775,808");
}

#[test]
fn days_are_written_out_with_their_weekday() {
    let day = date(2026, 11, 27);
    let written = ["en", "hi", "bn", "ur"].map(|tag| wording(tag).date(day).unwrap());
    let expected = ["Friday, 27 November 2026", "शुक्रवार, 27 नवंबर 2026", "শুক্রবার, ২৭ নভেম্বর ২০২৬", "جمعہ، 27 نومبر 2026"];
    assert_eq!(written, expected);
}

#[test]
fn every_day_and_month_has_its_own_name_in_every_language() {
    for calendar in &CALENDARS {
        let weekdays: std::collections::BTreeSet<_> = calendar.weekdays.iter().collect();
        let months: std::collections::BTreeSet<_> = calendar.months.iter().collect();
        assert_eq!((weekdays.len(), months.len()), (7, 12), "{}", calendar.language);
    }
    assert_eq!(wording("en").date(date(2024, 2, 29)).unwrap(), "Thursday, 29 February 2024");
    assert_eq!(wording("en").date(date(2023, 1, 1)).unwrap(), "Sunday, 1 January 2023");
    assert_eq!(wording("en").date(date(2022, 12, 31)).unwrap(), "Saturday, 31 December 2022");
}

#[test]
fn days_are_not_written_in_a_language_whose_names_are_unknown() {
    assert_eq!(wording("fr").date(date(2026, 11, 27)), None);
    assert_eq!(wording("hi-Latn").date(date(2026, 11, 27)), None);
}

#[test]
fn nothing_is_counted_like_one_in_hindi_and_bengali_only() {
    let forms = |tag| [0_u64, 1, 2].map(|count| form(wording(tag).plural_rules().category_for(count)));
    assert_eq!(forms("en"), ["other", "one", "other"]);
    assert_eq!(forms("ur"), ["other", "one", "other"]);
    assert_eq!(forms("hi"), ["one", "one", "other"]);
    assert_eq!(forms("bn"), ["one", "one", "other"]);
}
