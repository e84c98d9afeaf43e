//! What a batch changes, decided in memory, event by event in its order. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{EventResult, event_result::Outcome},
};
use seva_runtime::{Error, call::Story};
use seva_store::NewEvent;
use seva_values::{format_name, new_id};
use tonic::Status;
use uuid::Uuid;

use super::{
    load::{Identity, Key, Known},
    parse::{About, Confirmed, Incoming, Received},
    reporter::{Holder, ReportedCustomer, contact_point},
};
use crate::{
    customer::{
        convert::{COLLECTION as CUSTOMERS, event_of},
        mailbox::MailboxKey,
        model::{Address, ContactPoint, Customer, ExternalRef},
    },
    events::Told,
    invoice::{self, model::Invoice},
    order::{self, OrderRules, model::Order, store::Promise},
};

const BILLING_CONFIRMED: &str = "seva.customers.billing.confirmed.v1";

/// What a batch writes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Events that are remembered: by number in the batch, what became of them and what they are about.
    pub remembered: Vec<(usize, &'static str, String)>,
    /// Events that are refused, by number in the batch, and why.
    pub quarantined: Vec<(usize, &'static str)>,
    /// Customers with the version that they had; 0: new.
    pub customers: BTreeMap<Uuid, (Customer, i64)>,
    pub external_refs: Vec<(ExternalRef, Uuid)>,
    /// New points with the customer and the number among the customer's points.
    pub contact_points: Vec<(Uuid, ContactPoint, usize)>,
    /// Orders with the version that they had; 0: new.
    pub orders: BTreeMap<Uuid, (Order, i64)>,
    pub promises: Vec<Promise>,
    /// Invoices with the version that they had; 0: new.
    pub invoices: BTreeMap<Uuid, (Invoice, i64)>,
    /// In the order in which it happened.
    pub told: Vec<Told>,
}

/// A batch in the course of being decided.
pub struct Fold<'b> {
    known: Known,
    rules: &'b OrderRules,
    mailboxes: &'b MailboxKey,
    now: Timestamp,
    changes: Changes,
}

/// What became of an event that was not refused, and what it is about.
struct Decided {
    outcome: Outcome,
    subject: String,
}

impl<'b> Fold<'b> {
    /// Nothing decided yet.
    pub fn new(known: Known, rules: &'b OrderRules, mailboxes: &'b MailboxKey, now: Timestamp) -> Self {
        Self { known, rules, mailboxes, now, changes: Changes::default() }
    }

    /// Decides a batch: a result for each event, and what is written.
    pub fn batch(mut self, batch: &[Received]) -> (Vec<EventResult>, Changes) {
        let results = batch.iter().enumerate().map(|(number, event)| self.event(number, event)).collect();
        (results, self.changes)
    }

    fn event(&mut self, number: usize, event: &Received) -> EventResult {
        let decided = match &event.read {
            Ok(incoming) => self.decide(event, incoming),
            Err(error) => return self.refuse(number, event, error),
        };
        let Decided { outcome, subject } = match decided {
            Ok(decided) => decided,
            Err(error) => return self.refuse(number, event, &error),
        };
        if outcome != Outcome::Duplicate {
            let identity = Identity { hash: event.canonical.hash.to_vec(), subject: subject.clone() };
            self.known.identities.insert(identity_of(event), identity);
            let name = if outcome == Outcome::Stale { "stale" } else { "accepted" };
            self.changes.remembered.push((number, name, subject.clone()));
        }
        EventResult { id: event.id.clone(), outcome: outcome.into(), error: None, subject }
    }

    fn refuse(&mut self, number: usize, event: &Received, error: &Error) -> EventResult {
        self.changes.quarantined.push((number, error.reason_name()));
        rejected(event, error)
    }

    fn decide(&mut self, event: &Received, incoming: &Incoming) -> Result<Decided, Error> {
        if let Some(before) = self.known.identities.get(&identity_of(event)) {
            if before.hash == event.canonical.hash {
                return Ok(Decided { outcome: Outcome::Duplicate, subject: before.subject.clone() });
            }
            let message = "an event with this source and id came before with another body";
            return Err(Error::invalid(ErrorReason::EventIdReused, message));
        }
        match &incoming.about {
            About::Order(report) => self.order(event, incoming, report),
            About::Invoice(report) => self.invoice(event, incoming, report),
            About::Billing(confirmed) => Ok(self.billing(event, confirmed)),
        }
    }

    fn order(
        &mut self,
        event: &Received,
        incoming: &Incoming,
        report: &order::model::Report,
    ) -> Result<Decided, Error> {
        let key: Key = (event.source.clone(), incoming.number.clone());
        let reporter = &incoming.reporter;
        let story = story(event);
        let known = self.known.orders.get(&key);
        let is_new = known.is_none();
        let mut order = match known {
            Some(order) => {
                let subject = format_name(order::convert::COLLECTION, order.id);
                self.check_customer(reporter, order.customer_id, &subject)?;
                if order.is_stale(report.sequence) {
                    return Ok(Decided { outcome: Outcome::Stale, subject });
                }
                order.clone()
            }
            None => {
                let customer_id = self.customer_id(reporter);
                Order::unknown(new_id(), customer_id, event.source.clone(), incoming.number.clone(), self.now)
            }
        };
        self.take_report(reporter, order.customer_id, report.at, &story);
        let known_version = order.version;
        let changes = order.apply(report.clone(), self.rules.of(&event.source));
        let told: Vec<_> =
            changes.happenings.iter().map(|happening| Told::of_order(happening, story.clone())).collect();
        // Whatever names a day is told of.
        if let (Some(change), Some(first)) = (changes.promised_date, told.first()) {
            self.changes.promises.push(Promise { order_id: order.id, change, aftermath: first.event.aftermath() });
        }
        self.changes.told.extend(told);
        if is_new {
            self.count_order(&order, report.at, story);
        }
        let subject = format_name(order::convert::COLLECTION, order.id);
        self.changes.orders.entry(order.id).or_insert_with(|| (order.clone(), known_version)).0 = order.clone();
        self.known.orders.insert(key, order);
        Ok(Decided { outcome: Outcome::Accepted, subject })
    }

    fn invoice(
        &mut self,
        event: &Received,
        incoming: &Incoming,
        report: &invoice::model::Report,
    ) -> Result<Decided, Error> {
        let key: Key = (event.source.clone(), incoming.number.clone());
        let reporter = &incoming.reporter;
        let invoice = match self.known.invoices.get(&key) {
            Some(invoice) => {
                let subject = format_name(invoice::convert::COLLECTION, invoice.id);
                self.check_customer(reporter, invoice.customer_id, &subject)?;
                if invoice.is_stale(report.sequence) {
                    return Ok(Decided { outcome: Outcome::Stale, subject });
                }
                invoice.clone()
            }
            None => {
                let (source, number, currency) =
                    (event.source.clone(), incoming.number.clone(), report.amount.currency);
                Invoice::unknown(new_id(), self.customer_id(reporter), source, number, currency, self.now)
            }
        };
        // Decided before anything is noted: a refused event leaves no customer behind.
        let next = invoice.apply(report).map_err(|invalid| {
            let field = if invalid.reason == "CURRENCY_MISMATCH" { "data.amount.currency" } else { "data.amount" };
            Error::invalid_field(field, invalid)
        })?;
        let story = story(event);
        self.take_report(reporter, next.customer_id, report.at, &story);
        self.changes.told.push(Told::of_invoice(&next, report, story));
        let subject = format_name(invoice::convert::COLLECTION, next.id);
        self.changes.invoices.entry(next.id).or_insert_with(|| (next.clone(), invoice.version)).0 = next.clone();
        self.known.invoices.insert(key, next);
        Ok(Decided { outcome: Outcome::Accepted, subject })
    }

    /// Passes on what billing confirms: nothing is known of it here.
    fn billing(&mut self, event: &Received, confirmed: &Confirmed) -> Decided {
        let subject = format_name("billingConfirmations", new_id());
        let Confirmed { event: payload, at } = confirmed;
        let told = NewEvent::new(BILLING_CONFIRMED, subject.clone(), 1, *at, story(event), payload);
        self.changes.told.push(Told { event: told, entry: None });
        Decided { outcome: Outcome::Accepted, subject }
    }

    /// The customer as they are known, or the id of one to be made.
    fn customer_id(&self, reporter: &ReportedCustomer) -> Uuid {
        self.known.customer_ids.get(&reporter.known_as).copied().unwrap_or_else(new_id)
    }

    /// An order or invoice stays with its customer (CU20).
    fn check_customer(&self, reporter: &ReportedCustomer, customer_id: Uuid, subject: &str) -> Result<(), Error> {
        if self.known.customer_ids.get(&reporter.known_as) == Some(&customer_id) {
            return Ok(());
        }
        let description = "the event has to name the customer whom it was reported for before";
        Err(Error::precondition(ErrorReason::EventCustomerMismatch, "CU20", subject, description))
    }

    /// Takes over what is reported of a customer: makes a provisional one, or fills what one lacks.
    fn take_report(&mut self, reporter: &ReportedCustomer, id: Uuid, at: Timestamp, story: &Story) {
        let is_new = !self.known.customer_ids.contains_key(&reporter.known_as);
        let mut customer = match self.known.customers.get(&id) {
            Some(customer) => customer.clone(),
            None if is_new => reporter.provisional(id, self.now),
            // Known, and nothing of what is reported could change it.
            None => return,
        };
        let mut filled = if is_new { Vec::new() } else { reporter.fill(&mut customer) };
        for address in reporter.addresses() {
            filled.extend(self.add_address(&mut customer, address));
        }
        if is_new {
            self.known.customer_ids.insert(reporter.known_as.clone(), id);
            self.changes.external_refs.push((reporter.known_as.clone(), id));
            self.tell_customer("seva.customers.customer.created.v1", &customer, None, &["*"], at, story.clone());
            self.change_customer(customer, 0);
        } else if !filled.is_empty() {
            let known_version = customer.version;
            customer.version += 1;
            customer.updated_at = self.now;
            self.tell_customer("seva.customers.customer.updated.v1", &customer, None, &filled, at, story.clone());
            self.change_customer(customer, known_version);
        }
    }

    /// Gives a provisional customer an address that nobody else has, and answers the name of the field.
    fn add_address(&mut self, customer: &mut Customer, address: Address) -> Option<&'static str> {
        let held = self.known.holders.entry((address.kind(), address.as_str().to_owned())).or_default();
        let others = || held.iter().filter(|(holder, _)| *holder != customer.id);
        let holder = match others().next() {
            None => Holder::Nobody,
            Some(_) if others().all(|(_, shared)| *shared) => Holder::Sharers,
            Some(_) => Holder::Another,
        };
        if holder == Holder::Another {
            let kind = address.kind();
            tracing::debug!(customer = %customer.id, kind, "a reported address is another customer's and is left out");
        }
        let point = contact_point(customer, address, holder)?;
        held.push((customer.id, point.shared));
        customer.contact_points.push(point.clone());
        self.changes.contact_points.push((customer.id, point, customer.contact_points.len()));
        Some("contact_points")
    }

    /// Counts an order at its first event: a customer has one first order (CU21).
    fn count_order(&mut self, order: &Order, at: Timestamp, story: Story) {
        let customer = self.known.customers.get(&order.customer_id);
        let mut customer = customer.cloned().expect("the customers of new orders are loaded or made");
        let known_version = customer.version;
        let kind = match customer.first_order_at {
            None => "seva.customers.customer.first_order_placed.v1",
            Some(_) => "seva.customers.customer.repeat_order_placed.v1",
        };
        customer.version += 1;
        customer.order_count += 1;
        customer.first_order_at.get_or_insert(at);
        customer.updated_at = self.now;
        self.tell_customer(kind, &customer, Some(order), &["order_count", "first_order_at"], at, story);
        self.change_customer(customer, known_version);
    }

    fn change_customer(&mut self, customer: Customer, known_version: i64) {
        let changed = self.changes.customers.entry(customer.id);
        changed.or_insert_with(|| (customer.clone(), known_version)).0 = customer.clone();
        self.known.customers.insert(customer.id, customer);
    }

    fn tell_customer(
        &mut self,
        kind: &'static str,
        customer: &Customer,
        order: Option<&Order>,
        changed: &[&str],
        at: Timestamp,
        story: Story,
    ) {
        let mut payload = event_of(customer, changed, self.mailboxes);
        if let Some(order) = order {
            payload.order = format_name(order::convert::COLLECTION, order.id);
            payload.order_number.clone_from(&order.order_number);
        }
        let subject = format_name(CUSTOMERS, customer.id);
        self.changes.told.push(Told::of_customer(NewEvent::new(kind, subject, customer.version, at, story, &payload)));
    }
}

/// The answer for a refused event.
pub fn rejected(event: &Received, error: &Error) -> EventResult {
    let status = Status::from(error);
    let error = tonic_types::pb::Status::decode(status.details()).expect("our own encoding can be read");
    EventResult { id: event.id.clone(), outcome: Outcome::Rejected.into(), error: Some(error), subject: String::new() }
}

fn identity_of(event: &Received) -> Key {
    (event.source.clone(), event.id.clone())
}

/// The story that an event begins; it goes on in the trace that the event names, or else in the call's.
fn story(event: &Received) -> Story {
    let begun = Story::begun_by(format!("{}/{}", event.source, event.id));
    Story { traceparent: event.traceparent.clone().or(begun.traceparent), ..begun }
}
