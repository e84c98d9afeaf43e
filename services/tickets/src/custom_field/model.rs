//! What a field is, and whether values fit. Pure.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, mask::replace};
use seva_values::{Invalid, LocalizedText};
use uuid::Uuid;

use crate::{stored::stored_names, ticket::Kind};

/// Fields of the company at most, retired ones too.
pub const MAX_FIELDS: i64 = 200;
/// Choices of a field at most.
pub const MAX_CHOICES: usize = 100;
/// Longest text of a field, in characters.
pub const MAX_TEXT_CHARS: usize = 1_000;

/// A field that the company defines.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomField {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// Names it in tickets; never changes.
    pub key: String,
    /// What people call it.
    pub titles: LocalizedText,
    /// What its values are; never changes.
    pub value_type: ValueType,
    /// Of a choice: what can be chosen. More can be added, none is taken away.
    pub choices: Vec<String>,
    /// Kinds of tickets that have it; empty: all.
    pub kinds: Vec<Kind>,
    /// When it has to have a value.
    pub required: Required,
    /// Whether it is still filled in.
    pub state: State,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time of the last change.
    pub updated_at: Timestamp,
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A line: personal data.
    Text,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A calendar date.
    Date,
    /// One of the field's choices.
    Choice,
}

stored_names!(ValueType, "type of a field" {
    Text = "text",
    Integer = "integer",
    Boolean = "boolean",
    Date = "date",
    Choice = "choice",
});

/// When a field has to have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// At no time.
    Never,
    /// When the ticket is opened by a person.
    ToOpen,
    /// When it is resolved.
    ToResolve,
}

stored_names!(Required, "demand of a field" { Never = "never", ToOpen = "to_open", ToResolve = "to_resolve" });

/// Whether a field is still filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Active,
    /// Not any more; tickets keep what they have.
    Retired,
}

stored_names!(State, "state of a field" { Active = "active", Retired = "retired" });

/// What a new field is made of.
#[derive(Debug, Clone)]
pub struct NewCustomField {
    pub key: String,
    pub titles: LocalizedText,
    pub value_type: ValueType,
    pub choices: Vec<String>,
    pub kinds: Vec<Kind>,
    pub required: Required,
}

/// What changes of a field; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct CustomFieldChange {
    pub titles: Option<LocalizedText>,
    pub choices: Option<Vec<String>>,
    pub kinds: Option<Vec<Kind>>,
    pub required: Option<Required>,
}

impl CustomField {
    /// A new one.
    pub fn create(id: Uuid, new: NewCustomField, now: Timestamp) -> Self {
        let NewCustomField { key, titles, value_type, choices, kinds, required } = new;
        Self {
            id,
            version: 1,
            key,
            titles,
            value_type,
            choices,
            kinds,
            required,
            state: State::Active,
            created_at: now,
            updated_at: now,
        }
    }

    /// The field after a change, and the names of what it touched.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK13) for a retired one, and when choices would be taken away: tickets may hold them.
    pub fn update(&self, change: CustomFieldChange, now: Timestamp) -> Result<(Self, Vec<&'static str>), Error> {
        self.has_to_be_active()?;
        let CustomFieldChange { titles, choices, kinds, required } = change;
        if let Some(choices) = &choices
            && self.choices.iter().any(|choice| !choices.contains(choice))
        {
            return Err(self.refusal("every choice that it has stays, as tickets may hold it"));
        }
        let mut next = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        let mut changed = Vec::new();
        replace(&mut next.titles, titles, "titles", &mut changed);
        replace(&mut next.choices, choices, "choices", &mut changed);
        replace(&mut next.kinds, kinds, "kinds", &mut changed);
        replace(&mut next.required, required, "required", &mut changed);
        Ok((next, changed))
    }

    /// It is not filled in any more.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK13) when it is retired.
    pub fn retire(&self, now: Timestamp) -> Result<Self, Error> {
        self.has_to_be_active()?;
        Ok(Self { version: self.version + 1, updated_at: now, state: State::Retired, ..self.clone() })
    }

    fn has_to_be_active(&self) -> Result<(), Error> {
        match self.state {
            State::Active => Ok(()),
            State::Retired => Err(self.refusal("it is not retired")),
        }
    }

    fn refusal(&self, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, "TK13", super::convert::name(self.id), has_to_be_true)
    }

    fn takes(&self, value: &Value) -> Result<(), Invalid> {
        let fits = match (self.value_type, value) {
            (ValueType::Text, Value::Text(_))
            | (ValueType::Integer, Value::Integer(_))
            | (ValueType::Boolean, Value::Boolean(_))
            | (ValueType::Date, Value::Date(_)) => true,
            (ValueType::Choice, Value::Choice(chosen)) if !self.choices.contains(chosen) => {
                let choices = self.choices.join(", ");
                return Err(Invalid::new("CHOICE_UNKNOWN", format!("has to be one of: {choices}")));
            }
            (ValueType::Choice, Value::Choice(_)) => true,
            _ => false,
        };
        let expected = || Invalid::new("FIELD_TYPE_MISMATCH", format!("has to be of type {}", self.value_type.name()));
        if fits { Ok(()) } else { Err(expected()) }
    }
}

/// A value of a field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Personal data.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// A calendar date.
    Date(Date),
    /// What was chosen.
    Choice(String),
}

/// Values of a ticket, by the keys of their fields.
pub type Values = BTreeMap<String, Value>;

/// The fields that are filled in now.
#[derive(Debug, Clone, Default)]
pub struct Schema(Vec<CustomField>);

impl Schema {
    /// Of these fields.
    pub fn new(fields: Vec<CustomField>) -> Self {
        Self(fields)
    }

    /// What of these values does not fit tickets of the kind, by key (TK13). What a ticket has already may stay.
    pub fn faults(&self, kind: Kind, values: &Values, before: &Values) -> Vec<(String, Invalid)> {
        let unknown = || Invalid::new("FIELD_UNKNOWN", "has to be a field that tickets of this kind have");
        let new = values.iter().filter(|(key, value)| before.get(*key) != Some(*value));
        new.filter_map(|(key, value)| {
            let field = self.of(kind).find(|field| field.key == *key);
            let fault = field.map_or_else(|| Some(unknown()), |field| field.takes(value).err());
            Some((key.clone(), fault?))
        })
        .collect()
    }

    /// The keys of the fields that tickets of the kind need at this moment and that have no value.
    pub fn missing(&self, kind: Kind, values: &Values, moment: Required) -> Vec<String> {
        // What had to be there at the opening has to be there at the end as well: the kind may have changed since.
        let is_asked = |field: &&CustomField| match moment {
            Required::Never => false,
            Required::ToOpen => field.required == Required::ToOpen,
            Required::ToResolve => field.required != Required::Never,
        };
        let asked = self.of(kind).filter(is_asked);
        asked.filter(|field| !values.contains_key(&field.key)).map(|field| field.key.clone()).collect()
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &CustomField> {
        self.0.iter().filter(move |field| field.kinds.is_empty() || field.kinds.contains(&kind))
    }
}
