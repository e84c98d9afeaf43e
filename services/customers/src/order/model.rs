//! What an order is and how reports change it: pure functions of the order, the report and the time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_values::{Money, PromisedDate, WebLink};
use uuid::Uuid;

use super::rules::SourceRules;

/// An order as the selling system reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub id: Uuid,
    /// Counts the order's events.
    pub version: i64,
    pub customer_id: Uuid,
    pub source: String,
    pub order_number: String,
    pub state: State,
    pub total: Option<Money>,
    /// What was ordered, as far as the seller says so.
    pub items: Vec<Item>,
    /// When each step became true. The first word about a step stays (CU11).
    pub steps: BTreeMap<State, Timestamp>,
    pub first_promised_date: Option<PromisedDate>,
    pub current_promised_date: Option<PromisedDate>,
    /// Entries of the history of promised days.
    pub promised_dates: i32,
    /// When the source named the current promised day.
    pub promised_at: Option<Timestamp>,
    pub actual_delivery_at: Option<Timestamp>,
    pub delay_reason: String,
    pub carrier: String,
    pub tracking_number: String,
    pub tracking_link: Option<WebLink>,
    pub source_sequence: i64,
    pub observed_at: Timestamp,
    pub fresh_until: Timestamp,
    pub found: Found,
    /// When the clock looks at it next.
    pub due_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// So many of something that is part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is, as the seller calls it.
    pub item: String,
    /// How many.
    pub quantity: i64,
}

/// How far an order has come, from first to last; the last two lead out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Placed,
    Confirmed,
    InManufacture,
    HandedToCarrier,
    InTransit,
    OutForDelivery,
    Delivered,
    Canceled,
    Unavailable,
}

impl State {
    /// Whether no step leads out of it (CU12).
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Canceled | Self::Unavailable)
    }
}

/// What became of a promised day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromisedDateOutcome {
    /// Still to come.
    Open,
    /// Delivered before its end.
    Kept,
    /// It ended without delivery.
    Broken,
    /// The order was called off or cannot be supplied.
    Withdrawn,
}

/// What the clock has found about the current promised day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    AtRisk,
    Missed,
}

/// One entry of the append-only history of promised days.
#[derive(Debug, Clone, PartialEq)]
pub struct PromisedDateChange {
    /// 1 for the first.
    pub number: i32,
    pub promised_date: PromisedDate,
    pub reason: String,
    /// When the source said so.
    pub promised_at: Timestamp,
}

/// What a source reports of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub fact: Fact,
    /// When it became true, by the source.
    pub at: Timestamp,
    /// Counts the source's reports on this order.
    pub sequence: i64,
}

/// What became true of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Placed { total: Option<Money>, promised_date: Option<PromisedDate>, items: Vec<Item> },
    Confirmed { promised_date: Option<PromisedDate> },
    InManufacture,
    HandedToCarrier { carrier: String, tracking_number: String, tracking_link: Option<WebLink> },
    InTransit { location: String },
    Delayed { promised_date: PromisedDate, reason: String },
    OutForDelivery,
    Delivered,
    Canceled { reason: String },
    Unavailable { reason: String },
}

impl Fact {
    /// The step it takes; a delay takes none.
    fn step(&self) -> Option<State> {
        Some(match self {
            Self::Placed { .. } => State::Placed,
            Self::Confirmed { .. } => State::Confirmed,
            Self::InManufacture => State::InManufacture,
            Self::HandedToCarrier { .. } => State::HandedToCarrier,
            Self::InTransit { .. } => State::InTransit,
            Self::Delayed { .. } => return None,
            Self::OutForDelivery => State::OutForDelivery,
            Self::Delivered => State::Delivered,
            Self::Canceled { .. } => State::Canceled,
            Self::Unavailable { .. } => State::Unavailable,
        })
    }
}

/// Something that happened to an order: one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    pub what: What,
    pub at: Timestamp,
    /// The order after it; its version is the event's sequence.
    pub order: Order,
    /// A later step was known already: it tells nobody.
    pub overtaken: bool,
    /// Of a moved promised day: the day before.
    pub previous_promised_date: Option<PromisedDate>,
    pub location: String,
    pub reason: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A step, as reported.
    Step(State),
    /// A sighting on the way after the first.
    Scanned,
    /// The promised day moved to a later one.
    Delayed,
    /// The promised day moved without a delay.
    Rescheduled,
    /// The clock found that the promised day is nearly over and the order is not with the driver.
    PromisedDayAtRisk,
    /// The clock found that the promised day ended without delivery.
    PromisedDayMissed,
}

/// What a report or the clock did to an order.
#[derive(Debug, Default)]
pub struct Changes {
    pub happenings: Vec<Happening>,
    /// The new entry of the history of promised days.
    pub promised_date: Option<PromisedDateChange>,
}

impl Order {
    /// An order of which nothing is known but who reports it for whom; the first report is applied to it.
    pub fn unknown(id: Uuid, customer_id: Uuid, source: String, order_number: String, now: Timestamp) -> Self {
        Self {
            id,
            version: 0,
            customer_id,
            source,
            order_number,
            state: State::Placed,
            total: None,
            items: Vec::new(),
            steps: BTreeMap::new(),
            first_promised_date: None,
            current_promised_date: None,
            promised_dates: 0,
            promised_at: None,
            actual_delivery_at: None,
            delay_reason: String::new(),
            carrier: String::new(),
            tracking_number: String::new(),
            tracking_link: None,
            source_sequence: -1,
            observed_at: Timestamp::MIN,
            fresh_until: Timestamp::MIN,
            found: Found::Nothing,
            due_at: None,
            created_at: now,
        }
    }

    /// Whether a newer report was applied, or this one (CU10).
    pub fn is_stale(&self, sequence: i64) -> bool {
        sequence <= self.source_sequence
    }

    /// Applies a report that is not stale; a stale one changes nothing (CU10).
    pub fn apply(&mut self, report: Report, rules: &SourceRules) -> Changes {
        let Report { fact, at, sequence } = report;
        let mut changes = Changes::default();
        if self.is_stale(sequence) {
            return changes;
        }
        self.source_sequence = sequence;
        self.observed_at = self.observed_at.max(at);
        self.fresh_until = self.observed_at.saturating_add(rules.fresh_for).expect("a span of hours has no calendar");
        let step = fact.step().map(|step| (step, self.take_step(step, at)));
        let mut told = Told::default();
        let mut promised = None;
        match fact {
            Fact::Placed { total, promised_date, items } => {
                self.total = total.or(self.total);
                if !items.is_empty() {
                    self.items = items;
                }
                promised = promised_date;
            }
            Fact::Confirmed { promised_date } => promised = promised_date,
            Fact::HandedToCarrier { carrier, tracking_number, tracking_link } => {
                fill(&mut self.carrier, carrier);
                fill(&mut self.tracking_number, tracking_number);
                self.tracking_link = tracking_link.or_else(|| self.tracking_link.take());
            }
            Fact::InTransit { location } => told.location = location,
            Fact::Delayed { promised_date, reason } => {
                told.reason = reason;
                promised = Some(promised_date);
            }
            Fact::Delivered => self.actual_delivery_at = Some(*self.actual_delivery_at.get_or_insert(at)),
            Fact::Canceled { reason } | Fact::Unavailable { reason } => told.reason = reason,
            Fact::InManufacture | Fact::OutForDelivery => {}
        }
        let before = self.current_promised_date.clone();
        let moved = promised.is_some_and(|day| self.promise(day, &told.reason, at, &mut changes));
        self.due_at = self.next_finding(rules);
        match step {
            Some((step, taken)) => {
                let what =
                    if taken == Taken::Again && step == State::InTransit { What::Scanned } else { What::Step(step) };
                let overtaken = self.has_passed(step) || (taken == Taken::Again && what != What::Scanned);
                self.tell(what, at, Told { overtaken, ..told }, &mut changes);
                if moved && before.is_some() {
                    let told = Told { previous_promised_date: before, ..Told::default() };
                    self.tell(What::Rescheduled, at, told, &mut changes);
                }
            }
            None => {
                let settled = self.is_settled();
                let later = ends(&self.current_promised_date) > ends(&before);
                if moved {
                    self.delay_reason.clone_from(&told.reason);
                }
                let what = if later || settled { What::Delayed } else { What::Rescheduled };
                let told = Told { previous_promised_date: before, overtaken: settled, ..told };
                self.tell(what, at, told, &mut changes);
            }
        }
        changes
    }

    /// Notes a step (CU11) and moves the state forward (CU12).
    fn take_step(&mut self, step: State, at: Timestamp) -> Taken {
        let taken = if self.steps.contains_key(&step) { Taken::Again } else { Taken::First };
        self.steps.entry(step).or_insert(at);
        if !self.state.has_ended() && step > self.state {
            self.state = step;
        }
        taken
    }

    /// Whether the order has come further than this step, or out another way.
    fn has_passed(&self, step: State) -> bool {
        self.state > step || (self.state.has_ended() && self.state != step)
    }

    /// Whether it has arrived or has ended: another day makes no difference any more.
    fn is_settled(&self) -> bool {
        self.actual_delivery_at.is_some() || self.state.has_ended()
    }

    /// Takes over a promised day and adds it to the history (CU13); answers whether it differs from the one before.
    fn promise(&mut self, day: PromisedDate, reason: &str, at: Timestamp, changes: &mut Changes) -> bool {
        // A settled order keeps the day it was measured by; the first word about a day is taken at any time.
        let keeps = self.current_promised_date.is_some() && self.is_settled();
        if keeps || self.current_promised_date.as_ref() == Some(&day) {
            return false;
        }
        self.promised_dates += 1;
        changes.promised_date = Some(PromisedDateChange {
            number: self.promised_dates,
            promised_date: day.clone(),
            reason: reason.to_owned(),
            promised_at: at,
        });
        self.first_promised_date.get_or_insert_with(|| day.clone());
        self.current_promised_date = Some(day);
        self.promised_at = Some(at);
        self.found = Found::Nothing;
        true
    }

    /// What became of the promised day (CU14).
    pub fn promised_date_outcome(&self) -> Option<PromisedDateOutcome> {
        let promised = self.current_promised_date.as_ref()?;
        Some(match self.actual_delivery_at {
            _ if self.state.has_ended() => PromisedDateOutcome::Withdrawn,
            Some(at) if promised.is_over(at) => PromisedDateOutcome::Broken,
            Some(_) => PromisedDateOutcome::Kept,
            None if self.found == Found::Missed => PromisedDateOutcome::Broken,
            None => PromisedDateOutcome::Open,
        })
    }

    /// Whether the current promised day ends later than the first.
    pub fn is_delayed(&self) -> bool {
        ends(&self.current_promised_date) > ends(&self.first_promised_date)
    }

    /// When the clock has something to find, if nothing is reported before (CU15). No finding comes before the day was named.
    fn next_finding(&self, rules: &SourceRules) -> Option<Timestamp> {
        let promised = self.current_promised_date.as_ref()?;
        if self.promised_date_outcome() != Some(PromisedDateOutcome::Open) {
            return None;
        }
        let looks_for_risk = self.found == Found::Nothing && !self.steps.contains_key(&State::OutForDelivery);
        let due = if looks_for_risk { promised.at_risk_from(rules.at_risk_lead) } else { promised.ends_at() };
        Some(self.promised_at.map_or(due, |named| due.max(named)))
    }

    /// Makes every finding that is due at `now`, each as of its own instant: how often the clock looks makes no difference (CU15).
    pub fn look(&mut self, now: Timestamp, rules: &SourceRules) -> Changes {
        let mut changes = Changes::default();
        while let Some(due) = self.due_at.filter(|due| *due <= now) {
            let Some(promised) = &self.current_promised_date else { break };
            let (found, what) = if promised.is_over(due) {
                (Found::Missed, What::PromisedDayMissed)
            } else {
                (Found::AtRisk, What::PromisedDayAtRisk)
            };
            self.found = found;
            self.due_at = self.next_finding(rules);
            self.tell(what, due, Told::default(), &mut changes);
        }
        changes
    }

    /// Adds an event; each counts one version up (CU23).
    fn tell(&mut self, what: What, at: Timestamp, told: Told, changes: &mut Changes) {
        self.version += 1;
        let Told { overtaken, previous_promised_date, location, reason } = told;
        let order = self.clone();
        changes.happenings.push(Happening { what, at, order, overtaken, previous_promised_date, location, reason });
    }
}

/// Whether a step was noted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    First,
    Again,
}

/// What an event says beside the order.
#[derive(Debug, Default)]
struct Told {
    overtaken: bool,
    previous_promised_date: Option<PromisedDate>,
    location: String,
    reason: String,
}

/// The end of a promised day; no day ends before every day.
fn ends(day: &Option<PromisedDate>) -> Option<Timestamp> {
    day.as_ref().map(PromisedDate::ends_at)
}

/// Puts a text in when there is one.
fn fill(field: &mut String, text: String) {
    if !text.is_empty() {
        *field = text;
    }
}
