//! Which values fit, and which are asked for (TK13).

use jiff::Timestamp;
use seva_values::{Language, LocalizedText};
use uuid::Uuid;

use super::model::{CustomField, CustomFieldChange, NewCustomField, Required, Schema, Value, ValueType, Values};
use crate::ticket::Kind;

fn field(key: &str, value_type: ValueType, kinds: &[Kind], required: Required) -> CustomField {
    let mut titles = LocalizedText::new();
    titles.insert(Language::parse("en").unwrap(), key.to_owned());
    let choices = if value_type == ValueType::Choice { vec!["red".to_owned(), "blue".to_owned()] } else { Vec::new() };
    let new = NewCustomField { key: key.to_owned(), titles, value_type, choices, kinds: kinds.to_vec(), required };
    CustomField::create(Uuid::from_u128(7), new, Timestamp::UNIX_EPOCH)
}

fn schema() -> Schema {
    Schema::new(vec![
        field("serial", ValueType::Text, &[Kind::Repair], Required::ToOpen),
        field("colour", ValueType::Choice, &[], Required::Never),
        field("units", ValueType::Integer, &[], Required::ToResolve),
        field("bought", ValueType::Date, &[], Required::Never),
        field("gift", ValueType::Boolean, &[], Required::Never),
    ])
}

fn values(of: &[(&str, Value)]) -> Values {
    of.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn reasons(kind: Kind, given: &[(&str, Value)], before: &[(&str, Value)]) -> Vec<(String, &'static str)> {
    let faults = schema().faults(kind, &values(given), &values(before));
    faults.into_iter().map(|(key, fault)| (key, fault.reason)).collect()
}

#[test]
fn tk13_values_have_the_type_of_their_field_and_their_field_is_of_the_kind() {
    let text = || Value::Text("SN-1".to_owned());
    let choice = |chosen: &str| Value::Choice(chosen.to_owned());
    let date = Value::Date("2026-03-02".parse().unwrap());
    let all = [
        ("serial", text()),
        ("colour", choice("red")),
        ("units", Value::Integer(2)),
        ("bought", date.clone()),
        ("gift", Value::Boolean(true)),
    ];
    assert_eq!(reasons(Kind::Repair, &all, &[]), []);
    let of = |key: &str, reason| vec![(key.to_owned(), reason)];
    assert_eq!(reasons(Kind::Question, &all[..1], &[]), of("serial", "FIELD_UNKNOWN"));
    assert_eq!(reasons(Kind::Repair, &[("colour", choice("green"))], &[]), of("colour", "CHOICE_UNKNOWN"));
    assert_eq!(reasons(Kind::Repair, &[("colour", text())], &[]), of("colour", "FIELD_TYPE_MISMATCH"));
    assert_eq!(reasons(Kind::Repair, &[("units", date)], &[]), of("units", "FIELD_TYPE_MISMATCH"));
}

#[test]
fn tk13_what_a_ticket_has_already_may_stay_though_its_field_was_retired() {
    let old = [("gone", Value::Integer(1))];
    assert_eq!(reasons(Kind::Repair, &old, &old), []);
    let changed = [("gone", Value::Integer(2))];
    assert_eq!(reasons(Kind::Repair, &changed, &old), [("gone".to_owned(), "FIELD_UNKNOWN")]);
}

#[test]
fn tk13_what_is_asked_for_at_the_opening_is_asked_for_at_the_end_as_well() {
    let missing = |kind, moment| schema().missing(kind, &Values::default(), moment);
    assert_eq!(missing(Kind::Repair, Required::ToOpen), ["serial"]);
    assert_eq!(missing(Kind::Question, Required::ToOpen), Vec::<String>::new());
    assert_eq!(missing(Kind::Repair, Required::ToResolve), ["serial", "units"]);
    let given = values(&[("units", Value::Integer(1))]);
    assert_eq!(schema().missing(Kind::Question, &given, Required::ToResolve), Vec::<String>::new());
}

#[test]
fn tk13_choices_are_added_and_none_is_taken_away_and_what_is_retired_stays_so() {
    let field = field("colour", ValueType::Choice, &[], Required::Never);
    let change = |choices: &[&str]| CustomFieldChange {
        choices: Some(choices.iter().map(|&choice| choice.to_owned()).collect()),
        ..CustomFieldChange::default()
    };
    let now = Timestamp::UNIX_EPOCH;
    let (more, changed) = field.update(change(&["blue", "red", "green"]), now).unwrap();
    assert_eq!((more.version, changed), (2, vec!["choices"]));
    assert!(more.update(change(&["red", "green"]), now).unwrap_err().is_refused_by("TK13"));
    let retired = more.retire(now).unwrap();
    assert!(retired.retire(now).unwrap_err().is_refused_by("TK13"));
    assert!(retired.update(CustomFieldChange::default(), now).unwrap_err().is_refused_by("TK13"));
}
