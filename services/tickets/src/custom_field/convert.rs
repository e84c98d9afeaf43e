//! Fields and their values from and to the contract.

use seva_proto::{
    common::v1::Translation,
    tickets::v1::{self as pb, CustomFieldEvent, custom_field as pb_field, field_value, ticket as pb_ticket},
};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, Language, LocalizedText, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{RetireCustomField, UpdateCustomField},
    model::{
        CustomField, CustomFieldChange, MAX_CHOICES, MAX_TEXT_CHARS, NewCustomField, Required, State, Value, ValueType,
        Values,
    },
};
use crate::{
    action::convert::read_translations,
    ticket::{Kind, convert::parse_kind},
};

/// Collection of fields' names.
const COLLECTION: &str = "customFields";
/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 100;
/// Longest key or choice, in bytes.
const MAX_WORD_BYTES: usize = 40;
/// Values of one ticket at most.
const MAX_VALUES: usize = 50;
const WRITABLE: &[&str] = &["titles", "choices", "kinds", "required"];
const OUTPUT_ONLY: &[&str] = &["name", "etag", "key", "value_type", "state", "create_time", "update_time"];

/// The resource name of a field.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListCustomFieldsRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, "custom fields", "", request.page_size, &request.page_token)
}

impl TryFrom<pb::CreateCustomFieldRequest> for NewCustomField {
    type Error = Error;

    fn try_from(request: pb::CreateCustomFieldRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(field) = violations.required("custom_field", request.custom_field) else {
            return Err(violations.into());
        };
        let key = violations.take("custom_field.key", text::word(&field.key, '_', MAX_WORD_BYTES));
        let value_type = violations.take("custom_field.value_type", parse_type(field.value_type));
        let CustomFieldChange { titles, choices, kinds, required } = change(&field, WRITABLE, &mut violations);
        if let (Some(value_type), Some(choices)) = (value_type, &choices)
            && (value_type == ValueType::Choice) == choices.is_empty()
        {
            let fault = Invalid::new("CHOICES_MISMATCH", "a choice has choices, and nothing else has");
            violations.add("custom_field.choices", fault);
        }
        let new = || {
            Some(Self {
                key: key?,
                titles: titles?,
                value_type: value_type?,
                choices: choices?,
                kinds: kinds?,
                required: required?,
            })
        };
        let new = new();
        violations.finish(new)
    }
}

impl TryFrom<pb::UpdateCustomFieldRequest> for UpdateCustomField {
    type Error = Error;

    fn try_from(request: pb::UpdateCustomFieldRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(field) = violations.required("custom_field", request.custom_field) else {
            return Err(violations.into());
        };
        let id = violations.take("custom_field.name", parse_name(COLLECTION, &field.name));
        let etag = violations.take("custom_field.etag", Etag::parse(&field.etag));
        let is_set = |path: &str| match path {
            "titles" => !field.titles.is_empty(),
            "choices" => !field.choices.is_empty(),
            "kinds" => !field.kinds.is_empty(),
            _ => field.required != 0,
        };
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut violations);
        let change = change(&field, &paths, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, change }))
    }
}

impl TryFrom<pb::RetireCustomFieldRequest> for RetireCustomField {
    type Error = Error;

    fn try_from(request: pb::RetireCustomFieldRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag }))
    }
}

/// Reads what stands at these paths. Faults are noted.
fn change(field: &pb::CustomField, paths: &[&str], violations: &mut Violations) -> CustomFieldChange {
    let mut change = CustomFieldChange::default();
    for path in paths {
        let at = format!("custom_field.{path}");
        match *path {
            "titles" => change.titles = titles(&field.titles, &at, violations),
            "choices" => change.choices = choices(&field.choices, &at, violations),
            "kinds" => change.kinds = kinds(&field.kinds, &at, violations),
            _ => change.required = violations.take(at, parse_required(field.required)),
        }
    }
    change
}

fn titles(given: &[Translation], field: &str, violations: &mut Violations) -> Option<LocalizedText> {
    read_translations(given, field, violations, |title| text::required_line(title, MAX_TITLE_CHARS))
}

fn choices(given: &[String], field: &str, violations: &mut Violations) -> Option<Vec<String>> {
    if given.len() > MAX_CHOICES {
        violations.add(field, Invalid::new("CHOICES_TOO_MANY", format!("{MAX_CHOICES} at most")));
        return None;
    }
    let mut choices: Vec<String> = Vec::with_capacity(given.len());
    for (at, choice) in given.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(choice) = violations.take(field.clone(), text::word(choice, '_', MAX_WORD_BYTES)) else { continue };
        if choices.contains(&choice) {
            violations.add(field, Invalid::new("CHOICE_REPEATED", "stands in the list before"));
        }
        choices.push(choice);
    }
    (choices.len() == given.len()).then_some(choices)
}

fn kinds(given: &[i32], field: &str, violations: &mut Violations) -> Option<Vec<Kind>> {
    let parsed: Vec<Kind> = given
        .iter()
        .enumerate()
        .filter_map(|(at, kind)| violations.take(format!("{field}[{at}]"), parse_kind(*kind)))
        .collect();
    let mut kinds = parsed.clone();
    kinds.sort_unstable();
    kinds.dedup();
    (parsed.len() == given.len()).then_some(kinds)
}

fn parse_type(given: i32) -> Result<ValueType, Invalid> {
    match pb_field::ValueType::try_from(given) {
        Ok(pb_field::ValueType::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(pb_field::ValueType::Text) => Ok(ValueType::Text),
        Ok(pb_field::ValueType::Integer) => Ok(ValueType::Integer),
        Ok(pb_field::ValueType::Boolean) => Ok(ValueType::Boolean),
        Ok(pb_field::ValueType::Date) => Ok(ValueType::Date),
        Ok(pb_field::ValueType::Choice) => Ok(ValueType::Choice),
        Err(_) => Err(Invalid::new("VALUE_TYPE_UNKNOWN", "has to be a known value")),
    }
}

fn parse_required(given: i32) -> Result<Required, Invalid> {
    match pb_field::Required::try_from(given) {
        Ok(pb_field::Required::Unspecified | pb_field::Required::Never) => Ok(Required::Never),
        Ok(pb_field::Required::ToOpen) => Ok(Required::ToOpen),
        Ok(pb_field::Required::ToResolve) => Ok(Required::ToResolve),
        Err(_) => Err(Invalid::new("REQUIRED_UNKNOWN", "has to be a known value")),
    }
}

impl From<&CustomField> for pb::CustomField {
    fn from(field: &CustomField) -> Self {
        let CustomField {
            id,
            version,
            key,
            titles,
            value_type,
            choices,
            kinds,
            required,
            state,
            created_at,
            updated_at,
        } = field;
        let title = |(language, text): (&Language, &str)| Translation {
            language: language.as_str().to_owned(),
            text: text.to_owned(),
        };
        let value_type = match value_type {
            ValueType::Text => pb_field::ValueType::Text,
            ValueType::Integer => pb_field::ValueType::Integer,
            ValueType::Boolean => pb_field::ValueType::Boolean,
            ValueType::Date => pb_field::ValueType::Date,
            ValueType::Choice => pb_field::ValueType::Choice,
        };
        let required = match required {
            Required::Never => pb_field::Required::Never,
            Required::ToOpen => pb_field::Required::ToOpen,
            Required::ToResolve => pb_field::Required::ToResolve,
        };
        let state = match state {
            State::Active => pb_field::State::Active,
            State::Retired => pb_field::State::Retired,
        };
        Self {
            name: name(*id),
            etag: Etag::format(*version),
            key: key.clone(),
            titles: titles.iter().map(title).collect(),
            value_type: value_type.into(),
            choices: choices.clone(),
            kinds: kinds.iter().map(|kind| pb_ticket::Kind::from(*kind).into()).collect(),
            required: required.into(),
            state: state.into(),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

/// The state of a field as events carry it.
pub fn event_of(field: &CustomField) -> CustomFieldEvent {
    CustomFieldEvent { custom_field: Some(field.into()), version: field.version }
}

/// Reads the values of a ticket. Faults are noted; whether they fit is for the schema to say.
pub fn values(
    given: std::collections::BTreeMap<String, pb::FieldValue>,
    field: &str,
    violations: &mut Violations,
) -> Option<Values> {
    if given.len() > MAX_VALUES {
        violations.add(field, Invalid::new("FIELDS_TOO_MANY", format!("{MAX_VALUES} at most")));
        return None;
    }
    let count = given.len();
    let parsed: Values = given
        .into_iter()
        .filter_map(|(key, value)| {
            let field = format!("{field}[{key}]");
            let value = match violations.required(field.clone(), value.value)? {
                field_value::Value::Text(text) => text::required_line(&text, MAX_TEXT_CHARS).map(Value::Text),
                field_value::Value::Integer(number) => Ok(Value::Integer(number)),
                field_value::Value::Boolean(yes) => Ok(Value::Boolean(yes)),
                field_value::Value::Date(date) => {
                    let malformed = |_| Invalid::new("DATE_MALFORMED", "has to be a calendar date such as 2026-11-21");
                    date.parse().map(Value::Date).map_err(malformed)
                }
                field_value::Value::Choice(choice) => Ok(Value::Choice(choice)),
            };
            Some((key, violations.take(field, value)?))
        })
        .collect();
    (parsed.len() == count).then_some(parsed)
}

/// The values of a ticket.
pub fn values_to_proto(values: &Values) -> std::collections::BTreeMap<String, pb::FieldValue> {
    let value = |value: &Value| match value {
        Value::Text(text) => field_value::Value::Text(text.clone()),
        Value::Integer(number) => field_value::Value::Integer(*number),
        Value::Boolean(yes) => field_value::Value::Boolean(*yes),
        Value::Date(date) => field_value::Value::Date(date.to_string()),
        Value::Choice(choice) => field_value::Value::Choice(choice.clone()),
    };
    values.iter().map(|(key, one)| (key.clone(), pb::FieldValue { value: Some(value(one)) })).collect()
}
