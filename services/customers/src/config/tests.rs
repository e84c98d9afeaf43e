//! The file of rules for orders: what it says, and everything that is wrong with it at once.

use std::io::Write;

use jiff::SignedDuration;
use seva_runtime::config::Faults;

use super::{CustomersConfig, Settings};

fn check(text: &str) -> (Option<Settings>, Vec<String>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut faults = Faults::new();
    let settings = CustomersConfig { order_rules: Some(file.path().to_owned()) }.check(&mut faults);
    let faults = faults.finish().err().map_or_else(Vec::new, |faults| faults.0);
    let file = format!("{}: ", file.path().display());
    (settings, faults.into_iter().map(|fault| fault.fault.replacen(&file, "", 1)).collect())
}

fn hours(settings: &Settings, source: &str) -> (i64, i64) {
    let rules = settings.order_rules.of(source);
    (rules.at_risk_lead.as_hours(), rules.fresh_for.as_hours())
}

#[test]
fn without_a_file_all_sources_follow_the_usual_rules() {
    let mut faults = Faults::new();
    let settings = CustomersConfig::default().check(&mut faults).unwrap();
    assert!(faults.is_empty());
    assert_eq!(hours(&settings, "//shop.example"), (24, 48));
}

#[test]
fn a_source_has_its_own_rules_and_else_those_of_the_file_and_else_the_usual_ones() {
    let (settings, faults) = check(
        r#"
        fresh_for = "72h"
        [source."//carrier.example"]
        at_risk_lead = "36h"
        [source."//shop.example"]
        fresh_for = "90m"
        "#,
    );
    assert_eq!(faults, Vec::<String>::new());
    let settings = settings.unwrap();
    assert_eq!(hours(&settings, "//carrier.example"), (36, 72));
    assert_eq!(settings.order_rules.of("//shop.example").fresh_for, SignedDuration::from_mins(90));
    assert_eq!(hours(&settings, "//shop.example").0, 24);
    assert_eq!(hours(&settings, "//other.example"), (24, 72));
}

#[test]
fn everything_that_is_wrong_with_a_file_is_told_at_once() {
    let (settings, faults) = check(
        r#"
        at_risk_leed = "24h"
        fresh_for = 48
        [source."//carrier.example"]
        at_risk_lead = "0s"
        lead = "1h"
        [source."//shop.example"]
        fresh_for = "3000h"
        [source." "]
        fresh_for = "1h"
        "#,
    );
    assert!(settings.is_none());
    let bad = |place: &str, value: &str| {
        format!("{place}: {value} is not a time from a minute to 2160 hours, such as \"36h\" or \"90m\"")
    };
    let mut expected = vec![
        bad("fresh_for", "48"),
        "source.\" \" names no source".to_owned(),
        "source.\"//carrier.example\".lead is no rule: there are at_risk_lead, fresh_for".to_owned(),
        bad("source.\"//carrier.example\".at_risk_lead", "\"0s\""),
        bad("source.\"//shop.example\".fresh_for", "\"3000h\""),
        "at_risk_leed is no rule: there are at_risk_lead, fresh_for, source".to_owned(),
    ];
    let mut faults = faults;
    faults.sort();
    expected.sort();
    assert_eq!(faults, expected);
}

#[test]
fn a_file_that_is_missing_or_no_toml_or_of_another_shape_is_refused() {
    let mut faults = Faults::new();
    let missing = CustomersConfig { order_rules: Some("/nowhere/rules.toml".into()) }.check(&mut faults);
    assert!(missing.is_none());
    let faults = faults.finish().unwrap_err().0;
    assert_eq!(faults[0].name, "--customers-order-rules (SEVA_CUSTOMERS_ORDER_RULES)");
    assert!(faults[0].fault.starts_with("/nowhere/rules.toml: "), "{}", faults[0].fault);

    for (text, told) in [
        ("at_risk_lead = ", "is not TOML"),
        ("source = \"//shop.example\"", "source is not a table of sources"),
        ("source.\"//shop.example\" = \"24h\"", "source.\"//shop.example\" is not a table of rules"),
    ] {
        let (settings, faults) = check(text);
        assert!(settings.is_none());
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(told), "{faults:?}");
    }
}
