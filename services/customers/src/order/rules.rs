//! What differs from source to source.

use std::{collections::HashMap, sync::Arc};

use jiff::SignedDuration;

/// Time before the end of a promised day from which it is at risk, if a source has no other.
const AT_RISK_LEAD: SignedDuration = SignedDuration::from_hours(24);
/// How long a report counts as fresh, if a source has no other.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(48);

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
}
