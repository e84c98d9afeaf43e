//! Looks after promised days: finds those at risk and those missed, at their instants and with no report needed.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{
    Error,
    call::{Story, current_traceparent},
    clock::machine_now,
    telemetry,
};
use seva_store::{Database, Fault, due::DueWork};

use crate::{
    events::{self, Told},
    order::{
        OrderRules,
        model::Happening,
        store::{
            self,
            looks::{self, Claimed, Looked},
        },
    },
};

/// Who says so in the events.
const ACTOR: &str = "worker:promised_days";
/// Longer than a batch can take: its statements end after five seconds each.
const LEASE: Duration = Duration::from_secs(30);

/// The clock's findings about promised days (CU15).
#[derive(Debug)]
pub struct PromisedDays {
    db: Database,
    rules: OrderRules,
}

impl PromisedDays {
    /// Looks after the orders of this database.
    pub fn new(db: Database, rules: OrderRules) -> Self {
        Self { db, rules }
    }

    /// Makes the findings of claimed orders and schedules the next, in one transaction. An order that was claimed again or reported on
    /// meanwhile is left to whoever did that.
    async fn look(&self, claimed: &[Claimed], now: Timestamp) -> Result<(), Fault> {
        let attempts: HashMap<_, _> = claimed.iter().map(|claimed| (claimed.id, claimed.attempt)).collect();
        let ids: Vec<_> = claimed.iter().map(|claimed| claimed.id).collect();
        let mut transaction = self.db.begin().await?;
        let orders = store::find(&mut *transaction, &ids, &[], &[]).await?;
        let mut looked = Vec::with_capacity(orders.len());
        let mut found = HashMap::with_capacity(orders.len());
        for mut order in orders {
            let known_version = order.version;
            let changes = order.look(now, self.rules.of(&order.source));
            found.insert(order.id, changes.happenings);
            looked.push(Looked { attempt: attempts[&order.id], known_version, order });
        }
        let saved = looks::save_looked(&mut transaction, &looked).await?;
        let found: Vec<_> = saved.iter().flat_map(|id| found.remove(id).unwrap_or_default()).collect();
        let orders: Vec<_> = found.iter().map(|finding| finding.order.id).collect();
        let stories = looks::stories(&mut transaction, &orders).await?;
        let told: Vec<_> = found
            .iter()
            .map(|finding| Told::of_order(finding, story(finding, stories.get(&finding.order.id))))
            .collect();
        events::tell(&mut transaction, ACTOR, &told).await?;
        self.db.commit(transaction).await
    }
}

#[async_trait]
impl DueWork for PromisedDays {
    fn name(&self) -> &'static str {
        "promised_days"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let claimed = looks::claim(&self.db, now, limit, machine_now(), LEASE).await?;
        match self.look(&claimed, now).await {
            // One order must not stand in the way of the others; its lease runs out and it is tried again.
            Err(fault) if fault.is_permanent() && claimed.len() > 1 => {
                for one in &claimed {
                    if let Err(fault) = self.look(std::slice::from_ref(one), now).await {
                        tracing::error!(order = %one.id, %fault, "an order cannot be looked after");
                    }
                }
            }
            looked => looked?,
        }
        Ok(claimed.len())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(looks::next_due(&self.db).await?)
    }
}

/// A finding goes on with the story, and the trace, of the report that named the day. Where that is not known it begins one: the worker's own
/// trace lasts as long as the process.
fn story(finding: &Happening, promise: Option<&Story>) -> Story {
    let span = telemetry::event_span(promise.and_then(|story| story.traceparent.as_deref()), "promised_days");
    span.in_scope(|| match promise {
        Some(promise) => Story { traceparent: current_traceparent(), ..promise.clone() },
        None => Story::begun_by(format!("promised_days/{}/{}", finding.order.id, finding.order.version)),
    })
}
