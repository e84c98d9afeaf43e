//! The customers service's events: who is a customer, and what becomes of orders and invoices.

use seva_proto::{
    common::v1::PromisedDate as PromisedDateMessage,
    customers::v1::{CustomerEvent, InvoiceEvent, OrderEvent},
};
use seva_store::{Event, Fault};
use seva_values::{PromisedDate, WebLink, parse_name};

use super::{About, Heard, Told, malformed, money, news};
use crate::{
    notification::{
        milestone::{self, Milestone, Topic},
        plan::News,
    },
    recipient::Recipient,
    template::{Variable, Variables},
};

/// Of all events of this source.
pub const PREFIX: &str = "seva.customers.";
/// An order's promised day moved without a delay: it tells nobody, and what was said of the former day is no longer true.
const RESCHEDULED: &str = "seva.customers.order.rescheduled.v1";
/// Of all events that carry a customer's state.
const CUSTOMER_PREFIX: &str = "seva.customers.customer.";

/// Reads one event.
pub fn hear(event: &Event, heard: &mut Heard) -> Result<(), Fault> {
    let about = About::of(event);
    if event.kind.starts_with(CUSTOMER_PREFIX) {
        let state: CustomerEvent = event.payload()?;
        heard.recipients.push(Recipient::heard(event.sequence, state.clone()).map_err(malformed)?);
        if let Some(milestone) = milestone::of_customers_event(&event.kind) {
            heard.news.push(news(milestone, &about, of_customer(milestone, &state)?));
        }
    } else if event.kind == RESCHEDULED {
        let order = event.payload::<OrderEvent>()?.order.unwrap_or_default();
        let customer = parse_name("customers", &order.customer).map_err(malformed)?;
        heard.news.push(News { said: about.settled(customer, &[Topic::PromisedDay]), fact: None });
    } else if let Some(milestone) = milestone::of_customers_event(&event.kind) {
        let told = if milestone.key.starts_with("invoice_") {
            of_invoice(milestone, event.payload()?)?
        } else {
            of_order(milestone, event.payload()?)?
        };
        heard.news.push(news(milestone, &about, Told { subject: event.subject.clone(), ..told }));
    }
    Ok(())
}

fn of_order(milestone: &Milestone, event: OrderEvent) -> Result<Told, Fault> {
    let OrderEvent { order, previous_promised_date, overtaken, location: _, reason: _ } = event;
    let order = order.unwrap_or_default();
    let promised = date(order.current_promised_date.clone());
    // A day is delayed, at risk and missed once each.
    let occasion = match milestone.topic {
        Some(Topic::PromisedDay) => order.current_promised_date.map(|promised| promised.date).unwrap_or_default(),
        _ => String::new(),
    };
    let variables = Variables::new()
        .with("order_number", Variable::Code(order.order_number))
        .with("carrier", Variable::Text(order.carrier))
        .with("tracking_number", Variable::Code(order.tracking_number))
        .with_known("tracking_link", WebLink::parse(&order.tracking_link).ok().map(Variable::Link))
        .with_known("promised_date", promised)
        .with_known("previous_promised_date", date(previous_promised_date));
    let customer = parse_name("customers", &order.customer).map_err(malformed)?;
    Ok(Told { customer, subject: String::new(), ticket: None, occasion, overtaken, variables })
}

fn of_invoice(milestone: &Milestone, event: InvoiceEvent) -> Result<Told, Fault> {
    let InvoiceEvent { invoice, amount, reason: _ } = event;
    let invoice = invoice.unwrap_or_default();
    let occasion = match milestone.key {
        "invoice_payment_failed" => invoice.failed_payments.to_string(),
        // What was paid back in all grows with every refund, and does not when one is reported twice.
        "invoice_refunded" => {
            invoice.refunded.as_ref().map_or(invoice.version, |refunded| refunded.minor_units).to_string()
        }
        _ => String::new(),
    };
    let variables = Variables::new()
        .with("invoice_number", Variable::Code(invoice.invoice_number))
        .with("order_number", Variable::Code(invoice.order_number))
        .with_known("amount", money(amount).or_else(|| money(invoice.amount)))
        .with_known("due_date", date(invoice.due_date));
    let customer = parse_name("customers", &invoice.customer).map_err(malformed)?;
    Ok(Told { customer, subject: String::new(), ticket: None, occasion, overtaken: false, variables })
}

fn of_customer(milestone: &Milestone, event: &CustomerEvent) -> Result<Told, Fault> {
    // A customer is welcomed once for ever, and thanked once for each order.
    let subject = if milestone.once_for_ever { &event.customer } else { &event.order };
    let variables = Variables::new()
        .with("order_number", Variable::Code(event.order_number.clone()))
        .with_known("order_count", u64::try_from(event.order_count).ok().map(Variable::Count));
    Ok(Told {
        customer: parse_name("customers", &event.customer).map_err(malformed)?,
        subject: subject.clone(),
        ticket: None,
        occasion: String::new(),
        overtaken: false,
        variables,
    })
}

fn date(promised: Option<PromisedDateMessage>) -> Option<Variable> {
    PromisedDate::try_from(promised?).ok().map(|promised| Variable::Date(promised.date))
}
