//! Milestones: what customers are told about, in one table.

/// Something that a customer is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Its name, which is also the key of its template.
    pub key: &'static str,
    /// The type of the event that reports it.
    pub event_type: &'static str,
    /// The category that its messages belong to.
    pub category: &'static str,
    /// Which newer facts make its message untrue; `None`: it stays true.
    pub topic: Option<Topic>,
    /// How far it lies within its topic: a lower one is never told after a higher one.
    pub rank: i32,
    /// Topics that it also settles, up to a rank: what waits there and is older is no longer true.
    pub settles: &'static [(Topic, i32)],
}

/// What a message of a milestone is about, within one order or invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// How far an order has come.
    Progress,
    /// Whether its promised day holds.
    PromisedDay,
    /// Whether an invoice is paid.
    Payment,
}

crate::stored::stored_names!(Topic, "topic" {
    Progress = "progress",
    PromisedDay = "promised_day",
    Payment = "payment",
});

/// Nothing about a promised day is true any more once the order has ended.
const ENDED: &[(Topic, i32)] = &[(Topic::PromisedDay, 100)];
/// An order with its driver is not at risk just now; but the day may still be missed.
const WITH_DRIVER: &[(Topic, i32)] = &[(Topic::PromisedDay, 0)];
/// Nobody is asked to pay what was paid back.
const PAID_BACK: &[(Topic, i32)] = &[(Topic::Payment, 100)];

const ORDER: &str = "order_updates";
const DELIVERY: &str = "delivery";
const BILLING: &str = "billing";
const WELCOME: &str = "welcome";

const fn progress(key: &'static str, event_type: &'static str, category: &'static str, rank: i32) -> Milestone {
    Milestone { key, event_type, category, topic: Some(Topic::Progress), rank, settles: &[] }
}

const fn settling(milestone: Milestone, settles: &'static [(Topic, i32)]) -> Milestone {
    Milestone { settles, ..milestone }
}

const fn promised_day(key: &'static str, event_type: &'static str) -> Milestone {
    Milestone { key, event_type, category: DELIVERY, topic: Some(Topic::PromisedDay), rank: 0, settles: &[] }
}

const fn payment(key: &'static str, event_type: &'static str, rank: i32) -> Milestone {
    Milestone { key, event_type, category: BILLING, topic: Some(Topic::Payment), rank, settles: &[] }
}

const fn lasting(key: &'static str, event_type: &'static str, category: &'static str) -> Milestone {
    Milestone { key, event_type, category, topic: None, rank: 0, settles: &[] }
}

/// Every milestone. Other events of orders and invoices tell nobody.
pub static MILESTONES: [Milestone; 18] = [
    progress("order_placed", "seva.customers.order.placed.v1", ORDER, 10),
    progress("order_confirmed", "seva.customers.order.confirmed.v1", ORDER, 20),
    progress("order_in_manufacture", "seva.customers.order.in_manufacture.v1", ORDER, 30),
    progress("order_handed_to_carrier", "seva.customers.order.handed_to_carrier.v1", DELIVERY, 40),
    progress("order_in_transit", "seva.customers.order.in_transit.v1", DELIVERY, 50),
    promised_day("order_delayed", "seva.customers.order.delayed.v1"),
    promised_day("order_promised_day_at_risk", "seva.customers.order.promised_day_at_risk.v1"),
    promised_day("order_promised_day_missed", "seva.customers.order.promised_day_missed.v1"),
    settling(progress("order_out_for_delivery", "seva.customers.order.out_for_delivery.v1", DELIVERY, 60), WITH_DRIVER),
    settling(progress("order_delivered", "seva.customers.order.delivered.v1", DELIVERY, 100), ENDED),
    settling(progress("order_canceled", "seva.customers.order.canceled.v1", ORDER, 100), ENDED),
    settling(progress("order_unavailable", "seva.customers.order.unavailable.v1", ORDER, 100), ENDED),
    payment("invoice_issued", "seva.customers.invoice.issued.v1", 10),
    payment("invoice_payment_failed", "seva.customers.invoice.payment_failed.v1", 20),
    payment("invoice_paid", "seva.customers.invoice.paid.v1", 30),
    // Each refund is money of its own, so one does not replace the other.
    settling(lasting("invoice_refunded", "seva.customers.invoice.refunded.v1", BILLING), PAID_BACK),
    lasting("customer_welcome", "seva.customers.customer.first_order_placed.v1", WELCOME),
    lasting("customer_thanked", "seva.customers.customer.repeat_order_placed.v1", WELCOME),
];

/// The milestone that events of this type report.
#[must_use]
pub fn of_event(event_type: &str) -> Option<&'static Milestone> {
    MILESTONES.iter().find(|milestone| milestone.event_type == event_type)
}

/// The milestone of this name.
#[must_use]
pub fn find(key: &str) -> Option<&'static Milestone> {
    MILESTONES.iter().find(|milestone| milestone.key == key)
}
