//! What operators watch: decisions by state, reason and category; messages in another language than the customer's.

use std::sync::LazyLock;

use opentelemetry::{KeyValue, metrics::Counter};
use seva_runtime::telemetry::meter;

use crate::notification::{State, model::Change};

struct Instruments {
    decisions: Counter<u64>,
    fallbacks: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments {
    decisions: meter().u64_counter("seva.notification.decisions").build(),
    fallbacks: meter().u64_counter("seva.notification.language_fallbacks").build(),
});

/// Counts a decision.
pub(crate) fn decided(change: &Change) {
    let category = KeyValue::new("category", change.after.category.clone());
    let state = KeyValue::new("state", change.decision.state.name());
    let reason = KeyValue::new("reason", change.decision.reason.name());
    INSTRUMENTS.decisions.add(1, &[category.clone(), state, reason]);
    let fell_back = change.after.written.as_ref().is_some_and(|written| written.fell_back);
    if fell_back && change.decision.state == State::Sent {
        INSTRUMENTS.fallbacks.add(1, &[category]);
    }
}
