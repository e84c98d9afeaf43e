//! The variables of a template: what a message is told about the order, the parcel or the invoice it speaks of.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use seva_values::{Money, WebLink, Zone};

/// What a variable is, which decides how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    /// Words, such as a name.
    Text,
    /// A number of things, written with the digits and grouping of the language; the only kind that has plurals.
    Count,
    /// An amount of money, with Latin digits.
    Money,
    /// A day, written out with its weekday.
    Date,
    /// A link to a web page; shown by a link block only.
    Link,
    /// A number that is copied and searched for, such as an order number: never rewritten.
    Code,
}

impl VariableKind {
    /// The word for this kind in template files and in refusals.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Count => "count",
            Self::Money => "money",
            Self::Date => "date",
            Self::Link => "link",
            Self::Code => "code",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Text, Self::Count, Self::Money, Self::Date, Self::Link, Self::Code]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// What a template expects of one variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableSchema {
    /// What the variable is.
    pub kind: VariableKind,
    /// Whether no message can be made without it. One that is not required appears only in blocks that depend on it.
    pub required: bool,
}

/// The variables a template expects, by name.
pub type Schema = BTreeMap<String, VariableSchema>;

/// The value of one variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variable {
    /// Words. Blank words count as not known.
    Text(String),
    /// A number of things.
    Count(u64),
    /// An amount of money.
    Money(Money),
    /// A day, such as the date of a `PromisedDate`.
    Date(Date),
    /// The day of a moment, which it becomes in the customer's zone.
    DayOf(Timestamp),
    /// A link to a web page.
    Link(WebLink),
    /// An order, invoice or tracking number. A blank one counts as not known.
    Code(String),
}

impl Variable {
    /// What this variable is.
    #[must_use]
    pub const fn kind(&self) -> VariableKind {
        match self {
            Self::Text(_) => VariableKind::Text,
            Self::Count(_) => VariableKind::Count,
            Self::Money(_) => VariableKind::Money,
            Self::Date(_) | Self::DayOf(_) => VariableKind::Date,
            Self::Link(_) => VariableKind::Link,
            Self::Code(_) => VariableKind::Code,
        }
    }

    /// Whether it says nothing. A sentence with a hole in it is worse than the sentence for an unknown value.
    fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) | Self::Code(text) => text.trim().is_empty(),
            Self::Count(_) | Self::Money(_) | Self::Date(_) | Self::DayOf(_) | Self::Link(_) => false,
        }
    }
}

/// The variables that are known for one message. Those that a template does not expect are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<String, Variable>);

impl Variables {
    /// No variables.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// These and one more; a variable of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, variable: Variable) -> Self {
        self.insert(name, variable);
        self
    }

    /// These and, when it is known, one more.
    #[must_use]
    pub fn with_known(self, name: impl Into<String>, variable: Option<Variable>) -> Self {
        match variable {
            Some(variable) => self.with(name, variable),
            None => self,
        }
    }

    /// These with the days that moments have in this zone.
    #[must_use]
    pub fn in_zone(mut self, zone: &Zone) -> Self {
        for variable in self.0.values_mut() {
            if let Variable::DayOf(moment) = variable {
                *variable = Variable::Date(moment.to_zoned(zone.time_zone().clone()).date());
            }
        }
        self
    }

    /// Sets a variable.
    pub fn insert(&mut self, name: impl Into<String>, variable: Variable) {
        self.0.insert(name.into(), variable);
    }

    /// The variable of this name, unless it is not known or blank.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<&Variable> {
        self.0.get(name).filter(|variable| !variable.is_blank())
    }
}
