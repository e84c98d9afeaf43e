//! One text of a template with its variables in place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use jiff::{civil::Date, tz::TimeZone};
use minijinja::value::{Kwargs, Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use seva_values::{Direction, Language};

use super::render::RenderError;
use super::variable::{Variable, VariableKind};
use super::wording::{Wording, form};

/// Far more instructions than the longest text needs; a text that takes more is wrong.
const FUEL: u64 = 10_000;

const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const POP_DIRECTIONAL_ISOLATE: char = '\u{2069}';

/// A variable as the language writes it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// The bare value.
    pub raw: String,
    /// What it is.
    pub kind: VariableKind,
    /// The count and the word for its plural form.
    plural: Option<(u64, &'static str)>,
}

impl Shown {
    /// Writes a variable in a language; the only refusal is [`RenderError::DateNamesUnknown`].
    pub fn of(variable: &Variable, wording: &Wording, language: &Language) -> Result<Self, RenderError> {
        let mut plural = None;
        let day = |date: Date| {
            wording.date(date).ok_or_else(|| RenderError::DateNamesUnknown { language: language.as_str().to_owned() })
        };
        let raw = match variable {
            Variable::Text(text) | Variable::Code(text) => text.trim().chars().filter(|c| !turns_text(*c)).collect(),
            Variable::Count(count) => {
                plural = Some((*count, form(wording.plural_rules().category_for(*count))));
                wording.count(*count)
            }
            Variable::Money(money) => wording.money(*money),
            Variable::Date(date) => day(*date)?,
            Variable::DayOf(moment) => day(moment.to_zoned(TimeZone::UTC).date())?,
            Variable::Link(link) => link.as_str().to_owned(),
        };
        Ok(Self { raw, kind: variable.kind(), plural })
    }

    /// As it stands in the body. A line break inside a name must not look like the end of our sentence.
    fn in_body(&self) -> Inserted {
        let text: String = self.raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = if self.kind == VariableKind::Link { text } else { isolated(&text) };
        Inserted { text, plural: self.plural }
    }

    /// As it stands in the subject, which shows isolates only where they change something: some mail programs draw them.
    fn in_subject(&self, direction: Direction) -> Inserted {
        let isolate = direction == Direction::RightToLeft || self.raw.chars().any(is_written_from_the_right);
        let text = if isolate { isolated(&self.raw) } else { self.raw.clone() };
        Inserted { text, plural: self.plural }
    }
}

/// Every known variable as it stands in the subject.
pub(super) fn in_subject(shown: &BTreeMap<&str, Shown>, direction: Direction) -> Context {
    Context(shown.iter().map(|(name, shown)| ((*name).to_owned(), shown.in_subject(direction))).collect())
}

/// Every known variable as it stands in the body.
pub(super) fn in_body(shown: &BTreeMap<&str, Shown>) -> Context {
    Context(shown.iter().map(|(name, shown)| ((*name).to_owned(), shown.in_body())).collect())
}

/// The variables of one field, ready to be inserted.
pub(super) struct Context(BTreeMap<String, Inserted>);

impl Context {
    /// A variable as it is inserted, when it is known.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|inserted| inserted.text.as_str())
    }
}

/// The characters with which a value could end our isolate or turn the sentence around it.
const fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character belongs to a script that runs from the right.
const fn is_written_from_the_right(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

fn isolated(text: &str) -> String {
    format!("{FIRST_STRONG_ISOLATE}{text}{POP_DIRECTIONAL_ISOLATE}")
}

/// A variable inside the engine: written as it is, and countable when it is a count.
#[derive(Clone, Debug)]
struct Inserted {
    text: String,
    plural: Option<(u64, &'static str)>,
}

impl Object for Inserted {
    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The engine of the sentences: two filters, one function, no autoescape, since the html is escaped as a whole.
static SENTENCES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("number", number);
    environment.add_filter("plural", plural);
    environment.add_function("plural", plural);
    environment
});

fn counted(value: &Value) -> Result<(&Inserted, u64, &'static str), Error> {
    value
        .downcast_object_ref::<Inserted>()
        .and_then(|inserted| inserted.plural.map(|(count, form)| (inserted, count, form)))
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "only a count can be written as a number"))
}

fn number(value: Value) -> Result<Value, Error> {
    counted(&value)?;
    Ok(value)
}

fn plural(value: Value, forms: Kwargs) -> Result<String, Error> {
    let (inserted, count, form) = counted(&value)?;
    let exact = if count == 0 { forms.get::<Option<&str>>("zero")? } else { None };
    let text = match exact {
        Some(text) => text,
        None => match forms.get::<Option<&str>>(form)? {
            Some(text) => text,
            None => forms.get::<&str>("other")?,
        },
    };
    Ok(text.replace('#', &inserted.text))
}

/// Puts the variables into a text; `field` is the part of the variant that a refusal names.
pub(super) fn render(field: &str, template: &str, context: &Context) -> Result<String, RenderError> {
    let faulty =
        |error: &Error| RenderError::TemplateFaulty { field: field.to_owned(), description: error.to_string() };
    let template = SENTENCES.template_from_str(template).map_err(|error| faulty(&error))?;
    let values: BTreeMap<&str, Value> =
        context.0.iter().map(|(name, inserted)| (name.as_str(), Value::from_object(inserted.clone()))).collect();
    template.render(Value::from(values)).map_err(|error| {
        if error.kind() != ErrorKind::UndefinedError {
            return faulty(&error);
        }
        let missing =
            template.undeclared_variables(false).into_iter().filter(|name| !context.0.contains_key(name)).min();
        missing.map_or_else(|| faulty(&error), |name| RenderError::MissingVariable { name })
    })
}
