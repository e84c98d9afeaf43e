//! What differs from source to source, and the file that says so.
//!
//! ```toml
//! # For sources without rules of their own; what is missing is as these.
//! at_risk_lead = "24h"
//! fresh_for = "48h"
//!
//! [source."//carrier.example"]
//! at_risk_lead = "36h"
//! ```

use std::{collections::HashMap, sync::Arc};

use jiff::SignedDuration;
use toml::{Table, Value};

/// Time before the end of a promised day from which it is at risk, if a source has no other.
const AT_RISK_LEAD: SignedDuration = SignedDuration::from_hours(24);
/// How long a report counts as fresh, if a source has no other.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(48);

/// Names in the file.
const AT_RISK: &str = "at_risk_lead";
const FRESH: &str = "fresh_for";
const RULES: [&str; 2] = [AT_RISK, FRESH];
const BY_SOURCE: &str = "source";
/// The shortest and the longest time that a rule may name.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What holds for the orders of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceRules {
    /// This long before its end a promised day is at risk when the order is not with the driver.
    pub at_risk_lead: SignedDuration,
    /// This long after a report the order counts as fresh.
    pub fresh_for: SignedDuration,
}

impl Default for SourceRules {
    fn default() -> Self {
        Self { at_risk_lead: AT_RISK_LEAD, fresh_for: FRESH_FOR }
    }
}

/// The rules of all sources; those without rules of their own follow the default.
#[derive(Debug, Clone, Default)]
pub struct OrderRules {
    default: SourceRules,
    by_source: Arc<HashMap<String, SourceRules>>,
}

impl OrderRules {
    /// Rules with others for some sources.
    pub fn new(default: SourceRules, by_source: HashMap<String, SourceRules>) -> Self {
        Self { default, by_source: Arc::new(by_source) }
    }

    /// What holds for a source.
    pub fn of(&self, source: &str) -> &SourceRules {
        self.by_source.get(source).unwrap_or(&self.default)
    }

    /// Reads the rules of a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let file: Table =
            text.parse().map_err(|fault: toml::de::Error| vec![format!("is not TOML: {}", fault.message())])?;
        let mut faults = Vec::new();
        let default = SourceRules::read(&file, SourceRules::default(), "", &mut faults);
        let mut by_source = HashMap::new();
        match file.get(BY_SOURCE) {
            None => {}
            Some(Value::Table(sources)) => {
                for (source, rules) in sources {
                    let place = format!("{BY_SOURCE}.{source:?}");
                    match rules {
                        _ if source.trim().is_empty() => faults.push(format!("{place} names no source")),
                        Value::Table(rules) => {
                            unknown_names(rules, &RULES, &place, &mut faults);
                            by_source.insert(source.clone(), SourceRules::read(rules, default, &place, &mut faults));
                        }
                        _ => faults.push(format!("{place} is not a table of rules")),
                    }
                }
            }
            Some(_) => faults.push(format!("{BY_SOURCE} is not a table of sources")),
        }
        unknown_names(&file, &[AT_RISK, FRESH, BY_SOURCE], "", &mut faults);
        if faults.is_empty() { Ok(Self::new(default, by_source)) } else { Err(faults) }
    }
}

impl SourceRules {
    /// The rules of a table; what it does not name is as in `otherwise`.
    fn read(table: &Table, otherwise: Self, place: &str, faults: &mut Vec<String>) -> Self {
        let mut rule = |name: &str, otherwise: SignedDuration| {
            let Some(value) = table.get(name) else { return otherwise };
            let named = value.as_str().and_then(|text| text.parse::<SignedDuration>().ok());
            match named.filter(|duration| (SHORTEST..=LONGEST).contains(duration)) {
                Some(duration) => duration,
                None => {
                    faults.push(format!(
                        "{}: {value} is not a time from a minute to 2160 hours, such as \"36h\" or \"90m\"",
                        inside(place, name)
                    ));
                    otherwise
                }
            }
        };
        Self { at_risk_lead: rule(AT_RISK, otherwise.at_risk_lead), fresh_for: rule(FRESH, otherwise.fresh_for) }
    }
}

fn unknown_names(table: &Table, known: &[&str], place: &str, faults: &mut Vec<String>) {
    let unknown = table.keys().filter(|name| !known.contains(&name.as_str()));
    faults.extend(unknown.map(|name| format!("{} is no rule: there are {}", inside(place, name), known.join(", "))));
}

fn inside(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}
