use std::collections::BTreeSet;

use proptest::{prelude::*, sample};

use super::*;

fn amount(minor_units: i64, code: &str) -> Money {
    Money::new(minor_units, Currency::parse(code).unwrap())
}

fn all_codes() -> Vec<&'static str> {
    [WITHOUT_DECIMALS, WITH_TWO_DECIMALS, WITH_THREE_DECIMALS].iter().flat_map(|codes| codes.split(' ')).collect()
}

#[test]
fn the_table_holds_each_code_once_and_in_three_capital_letters() {
    let codes = all_codes();

    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
    assert!(codes.iter().all(|code| Currency::parse(code).unwrap().code() == *code));
}

#[test]
fn a_currency_knows_its_decimals() {
    for (code, exponent) in
        [("EUR", 2), ("INR", 2), ("BDT", 2), ("PKR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLP", 0), ("TND", 3)]
    {
        assert_eq!(Currency::parse(code).unwrap().exponent(), exponent, "{code}");
    }
}

#[test]
fn what_is_no_currency_is_unknown() {
    for code in ["", "eur", "Eur", "EU", "EURO", "XXX", "XTS", "XAU", "DEM", "EUR ", " EUR", "EUR USD", "€", "123"] {
        assert_eq!(Currency::parse(code).unwrap_err().reason, "CURRENCY_UNKNOWN", "{code:?}");
    }
}

#[test]
fn an_amount_is_written_with_the_decimals_of_its_currency() {
    for (money, text) in [
        (amount(1_230, "EUR"), "12.30 EUR"),
        (amount(5, "EUR"), "0.05 EUR"),
        (amount(-5, "EUR"), "-0.05 EUR"),
        (amount(-12_345, "INR"), "-123.45 INR"),
        (amount(0, "BDT"), "0.00 BDT"),
        (amount(1_500, "JPY"), "1500 JPY"),
        (amount(-1_500, "KWD"), "-1.500 KWD"),
        (amount(i64::MIN, "EUR"), "-92233720368547758.08 EUR"),
        (amount(i64::MIN, "JPY"), "-9223372036854775808 JPY"),
    ] {
        assert_eq!(money.to_string(), text);
        assert_eq!(Money::parse(text), Ok(money));
    }
    assert_eq!(Money::parse("12 EUR"), Ok(amount(1_200, "EUR")));
}

#[test]
fn amounts_that_leave_a_doubt_are_refused() {
    for text in [
        "",
        "12.30",
        "EUR",
        " EUR",
        "12.3 EUR",
        "12.300 EUR",
        "12,30 EUR",
        "1,000.00 EUR",
        ".30 EUR",
        "12. EUR",
        "+1.00 EUR",
        "--1.00 EUR",
        "1e3 EUR",
        "१२.३० EUR",
        "1.0 JPY",
        "1. JPY",
        "- EUR",
        "-.05 EUR",
        "1.-5 EUR",
        "1.+5 EUR",
    ] {
        assert_eq!(Money::parse(text).unwrap_err().reason, "AMOUNT_MALFORMED", "{text:?}");
    }
    assert_eq!(Money::parse("12.30  EUR").unwrap_err().reason, "CURRENCY_UNKNOWN");
    assert_eq!(Money::parse("12.30 XYZ").unwrap_err().reason, "CURRENCY_UNKNOWN");
    assert_eq!(Money::parse("92233720368547758.08 EUR").unwrap_err().reason, "AMOUNT_OUT_OF_RANGE");
}

#[test]
fn only_amounts_of_one_currency_are_counted_together() {
    assert_eq!(amount(1_230, "EUR").checked_add(amount(70, "EUR")), Ok(amount(1_300, "EUR")));
    assert_eq!(amount(1_230, "EUR").checked_sub(amount(2_000, "EUR")), Ok(amount(-770, "EUR")));

    let refused = amount(1, "EUR").checked_add(amount(1, "USD")).unwrap_err();
    assert_eq!(refused.reason, "CURRENCY_MISMATCH");
    assert!(refused.to_string().contains("EUR") && refused.to_string().contains("USD"));
    assert_eq!(amount(1, "EUR").checked_sub(amount(0, "USD")).unwrap_err().reason, "CURRENCY_MISMATCH");
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(amount(i64::MAX, "EUR").checked_add(amount(1, "EUR")).unwrap_err().reason, "AMOUNT_OUT_OF_RANGE");
    assert_eq!(amount(i64::MIN, "EUR").checked_sub(amount(1, "EUR")).unwrap_err().reason, "AMOUNT_OUT_OF_RANGE");
}

#[test]
fn money_is_serialised_in_minor_units_and_its_currency_is_checked_when_read() {
    let json = r#"{"minor_units":1230,"currency":"EUR"}"#;

    assert_eq!(serde_json::to_string(&amount(1_230, "EUR")).unwrap(), json);
    assert_eq!(serde_json::from_str::<Money>(json).unwrap(), amount(1_230, "EUR"));
    assert!(serde_json::from_str::<Money>(&json.replace("EUR", "EURO")).is_err());
    assert!(serde_json::from_str::<Money>(&json.replace("1230", "12.3")).is_err());
}

proptest! {
    #[test]
    fn a_written_amount_is_read_back(minor_units: i64, code in sample::select(all_codes())) {
        let money = amount(minor_units, code);
        prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
    }

    #[test]
    fn what_was_added_can_be_taken_away(a: i64, b: i64) {
        if let Ok(sum) = amount(a, "INR").checked_add(amount(b, "INR")) {
            prop_assert_eq!(sum.checked_sub(amount(b, "INR")), Ok(amount(a, "INR")));
        } else {
            prop_assert!(a.checked_add(b).is_none());
        }
    }
}
