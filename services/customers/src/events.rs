//! What this service emits.
//!
//! | subject | types `seva.customers.` | payload | sequence |
//! |---|---|---|---|
//! | `customers/{id}` | `customer.{created, updated, consent_recorded, first_order_placed, repeat_order_placed}.v1` | `CustomerEvent` | the customer's version |
//! | `orders/{id}` | `order.*.v1`, see the README of this service | `OrderEvent` | the order's version |
//! | `invoices/{id}` | `invoice.{issued, payment_failed, paid, refunded}.v1` | `InvoiceEvent` | the invoice's version |
//! | `billingConfirmations/{id}` | `billing.confirmed.v1` | `BillingConfirmationEvent` | 1 |
//!
//! Calls emit in the statement that changes the customer. What comes from other systems and from the clock is emitted here, many at once,
//! each with its entry in the customer's timeline.

use seva_runtime::call::Story;
use seva_store::{Fault, NewEvent, event};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    invoice::{self, model::Invoice},
    order::{self, model::Happening},
};

/// An event and its entry in a timeline.
#[derive(Debug, Clone)]
pub struct Told {
    /// The event.
    pub event: NewEvent,
    /// None for the customer's own record: that part of the timeline reads the feed.
    pub entry: Option<Entry>,
}

/// What a customer's timeline says beside the event.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whose timeline.
    pub customer_id: Uuid,
    /// `order` or `invoice`.
    pub kind: &'static str,
    /// The number that the customer knows it by.
    pub label: String,
}

impl Told {
    /// What happened to an order.
    pub fn of_order(happening: &Happening, story: Story) -> Self {
        let order = &happening.order;
        Self {
            entry: Some(Entry { customer_id: order.customer_id, kind: "order", label: order.order_number.clone() }),
            event: NewEvent::new(
                happening.what.event_type(),
                format_name(order::convert::COLLECTION, order.id),
                order.version,
                happening.at,
                story,
                &order::convert::event_of(happening),
            ),
        }
    }

    /// What happened to an invoice, with the invoice after it.
    pub fn of_invoice(invoice: &Invoice, report: &invoice::model::Report, story: Story) -> Self {
        let label = invoice.invoice_number.clone();
        Self {
            entry: Some(Entry { customer_id: invoice.customer_id, kind: "invoice", label }),
            event: NewEvent::new(
                invoice::convert::event_type(report),
                format_name(invoice::convert::COLLECTION, invoice.id),
                invoice.version,
                report.at,
                story,
                &invoice::convert::event_of(invoice, report),
            ),
        }
    }

    /// What happened to a customer.
    pub fn of_customer(event: NewEvent) -> Self {
        Self { event, entry: None }
    }
}

/// Enters events into their customers' timelines and appends them to the outbox, in the order given. Comes last in a transaction, when all
/// rows that it speaks of are locked.
///
/// # Errors
/// As of [`event::append`].
pub async fn tell(connection: &mut PgConnection, actor: &str, told: &[Told]) -> Result<(), Fault> {
    let entered: Vec<_> = told.iter().filter_map(|told| Some((&told.event, told.entry.as_ref()?))).collect();
    if !entered.is_empty() {
        enter(connection, &entered).await?;
    }
    // One copy of the payloads more than needed; cheap beside the statement.
    let events: Vec<_> = told.iter().map(|told| told.event.clone()).collect();
    event::append(connection, actor, &events).await
}

async fn enter(connection: &mut PgConnection, entered: &[(&NewEvent, &Entry)]) -> Result<(), Fault> {
    let of_event = |value: fn(&NewEvent) -> &str| entered.iter().map(|(event, _)| value(event)).collect::<Vec<_>>();
    sqlx::query!(
        "insert into timeline_entry (customer_id, occurred_at, event_id, kind, subject, type, label, sequence)
         select * from unnest(
             $1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[]
         )",
        &entered.iter().map(|(_, entry)| entry.customer_id).collect::<Vec<_>>(),
        &entered.iter().map(|(event, _)| jiff_sqlx::Timestamp::from(event.occurred_at)).collect::<Vec<_>>() as _,
        &entered.iter().map(|(event, _)| event.event_id).collect::<Vec<_>>(),
        &entered.iter().map(|(_, entry)| entry.kind).collect::<Vec<_>>() as _,
        &of_event(|event| &event.subject) as _,
        &of_event(|event| event.kind) as _,
        &entered.iter().map(|(_, entry)| entry.label.as_str()).collect::<Vec<_>>() as _,
        &entered.iter().map(|(event, _)| event.sequence).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
