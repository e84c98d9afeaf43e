//! Invoices to the contract.

use seva_proto::customers::v1::{self as pb, InvoiceEvent};
use seva_store::event::proto_timestamp;
use seva_values::format_name;

use super::model::{Invoice, Report, State};

/// Collection of invoices' names.
pub const COLLECTION: &str = "invoices";

impl From<State> for pb::invoice::State {
    fn from(state: State) -> Self {
        match state {
            State::Issued => Self::Issued,
            State::PaymentFailed => Self::PaymentFailed,
            State::Paid => Self::Paid,
            State::Refunded => Self::Refunded,
        }
    }
}

impl From<&Invoice> for pb::Invoice {
    fn from(invoice: &Invoice) -> Self {
        let money = |minor_units| Some(invoice.money(minor_units).into());
        let Invoice {
            id,
            version,
            customer_id,
            source,
            invoice_number,
            order_number,
            state,
            currency: _,
            amount,
            paid,
            refunded,
            failed_payments,
            due_date,
            source_sequence,
            observed_at,
            created_at: _,
        } = invoice;
        Self {
            name: format_name(COLLECTION, *id),
            customer: format_name("customers", *customer_id),
            source: source.clone(),
            invoice_number: invoice_number.clone(),
            order_number: order_number.clone(),
            state: pb::invoice::State::from(*state).into(),
            amount: amount.and_then(money),
            paid: money(*paid),
            refunded: money(*refunded),
            failed_payments: *failed_payments,
            due_date: due_date.as_ref().map(Into::into),
            source_sequence: *source_sequence,
            observe_time: Some(proto_timestamp(*observed_at)),
            version: *version,
        }
    }
}

/// The type of the event of a report.
pub fn event_type(report: &Report) -> &'static str {
    match report.fact.state() {
        State::Issued => "seva.customers.invoice.issued.v1",
        State::PaymentFailed => "seva.customers.invoice.payment_failed.v1",
        State::Paid => "seva.customers.invoice.paid.v1",
        State::Refunded => "seva.customers.invoice.refunded.v1",
    }
}

/// The payload of the event of a report, with the invoice after it.
pub fn event_of(invoice: &Invoice, report: &Report) -> InvoiceEvent {
    InvoiceEvent {
        invoice: Some(invoice.into()),
        amount: Some(report.amount.into()),
        reason: report.fact.reason().to_owned(),
    }
}
