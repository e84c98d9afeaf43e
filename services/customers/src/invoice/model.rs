//! What an invoice is and how reports change it: pure functions.

use jiff::Timestamp;
use seva_values::{Currency, Invalid, Money, PromisedDate};
use uuid::Uuid;

/// An invoice as the billing system reports it. All its amounts are of one currency (CU17).
#[derive(Debug, Clone, PartialEq)]
pub struct Invoice {
    pub id: Uuid,
    /// Counts the invoice's events.
    pub version: i64,
    pub customer_id: Uuid,
    pub source: String,
    pub invoice_number: String,
    /// The order that it is for, its number at the seller; empty when the source did not say.
    pub order_number: String,
    pub state: State,
    pub currency: Currency,
    /// What is to be paid, in minor units; unknown until it was issued.
    pub amount: Option<i64>,
    /// What was paid, in minor units.
    pub paid: i64,
    /// What was paid back, in minor units.
    pub refunded: i64,
    pub failed_payments: i32,
    pub due_date: Option<PromisedDate>,
    pub source_sequence: i64,
    pub observed_at: Timestamp,
    pub created_at: Timestamp,
}

/// What has become of an invoice; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Issued,
    PaymentFailed,
    Paid,
    Refunded,
}

/// What a source reports of an invoice.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub fact: Fact,
    /// The amount that it is about.
    pub amount: Money,
    /// When it became true, by the source.
    pub at: Timestamp,
    /// Counts the source's reports on this invoice.
    pub sequence: i64,
}

/// What became true of an invoice.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Issued { order_number: String, due_date: Option<PromisedDate> },
    PaymentFailed { reason: String },
    Paid,
    Refunded { reason: String },
}

impl Fact {
    /// The state that it leads to, at least.
    pub fn state(&self) -> State {
        match self {
            Self::Issued { .. } => State::Issued,
            Self::PaymentFailed { .. } => State::PaymentFailed,
            Self::Paid => State::Paid,
            Self::Refunded { .. } => State::Refunded,
        }
    }

    /// Why, where the source said so.
    pub fn reason(&self) -> &str {
        match self {
            Self::PaymentFailed { reason } | Self::Refunded { reason } => reason,
            Self::Issued { .. } | Self::Paid => "",
        }
    }
}

impl Invoice {
    /// An invoice of which nothing is known but who reports it for whom, in which currency; the first report is applied to it.
    pub fn unknown(
        id: Uuid,
        customer_id: Uuid,
        source: String,
        invoice_number: String,
        currency: Currency,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            version: 0,
            customer_id,
            source,
            invoice_number,
            order_number: String::new(),
            state: State::Issued,
            currency,
            amount: None,
            paid: 0,
            refunded: 0,
            failed_payments: 0,
            due_date: None,
            source_sequence: -1,
            observed_at: Timestamp::MIN,
            created_at: now,
        }
    }

    /// Whether a newer report was applied, or this one (CU10).
    pub fn is_stale(&self, sequence: i64) -> bool {
        sequence <= self.source_sequence
    }

    /// The invoice after a report that is not stale: one event.
    ///
    /// # Errors
    /// `CURRENCY_MISMATCH` (CU17), `REFUND_EXCEEDS_PAID` (CU16), `AMOUNT_OUT_OF_RANGE`; nothing has changed then.
    pub fn apply(&self, report: &Report) -> Result<Self, Invalid> {
        let amount = report.amount;
        if amount.currency != self.currency {
            let description = format!("the invoice is in {}, not in {}", self.currency, amount.currency);
            return Err(Invalid::new("CURRENCY_MISMATCH", description));
        }
        let sum = |before: i64| Money::new(before, self.currency).checked_add(amount).map(|sum| sum.minor_units);
        let mut next = Self {
            version: self.version + 1,
            state: self.state.max(report.fact.state()),
            source_sequence: report.sequence,
            observed_at: self.observed_at.max(report.at),
            ..self.clone()
        };
        match &report.fact {
            Fact::Issued { order_number, due_date } => {
                next.amount = Some(amount.minor_units);
                if !order_number.is_empty() {
                    next.order_number.clone_from(order_number);
                }
                next.due_date = due_date.clone().or(next.due_date);
            }
            Fact::PaymentFailed { .. } => next.failed_payments = next.failed_payments.saturating_add(1),
            Fact::Paid => next.paid = sum(self.paid)?,
            Fact::Refunded { .. } => {
                next.refunded = sum(self.refunded)?;
                if next.refunded > self.paid {
                    return Err(Invalid::new("REFUND_EXCEEDS_PAID", "more cannot be paid back than was paid (CU16)"));
                }
            }
        }
        Ok(next)
    }

    /// An amount of this invoice as money.
    pub fn money(&self, minor_units: i64) -> Money {
        Money::new(minor_units, self.currency)
    }
}
