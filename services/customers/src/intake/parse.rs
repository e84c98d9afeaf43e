//! An event as facts, or every reason against it at once.

use jiff::Timestamp;
use seva_proto::{common::v1::ErrorReason, customers::v1 as pb, io::cloudevents::v1::CloudEvent};
use seva_runtime::{Error, Violations, auth::Principal};
use seva_values::{Email, Invalid, Language, Money, Phone, PromisedDate, WebLink, Zone, text};
use tonic::Code;

use super::{
    data::{self, Data},
    envelope::{self, Attributes, Canonical},
    reporter::ReportedCustomer,
};
use crate::{customer::model::ExternalRef, invoice, order};

/// Longest number of an order or invoice, and id of a customer, in bytes.
const MAX_NUMBER_BYTES: usize = 255;
/// Longest name, reason, place, in characters.
const MAX_TEXT_CHARS: usize = 500;
/// Items of one order at most, and how many of each.
const MAX_ITEMS: usize = 500;
const MAX_QUANTITY: i64 = 1_000_000;
/// Longest word of a fault.
const MAX_WORD_CHARS: usize = 60;
/// Languages of one customer at most.
const MAX_LANGUAGES: usize = 10;

/// An event as it came, read as far as it can be.
#[derive(Debug)]
pub struct Received {
    pub source: String,
    pub id: String,
    pub canonical: Canonical,
    pub traceparent: Option<String>,
    /// The customer's id at the source, as far as it could be read.
    pub foreign_customer_id: Option<String>,
    pub read: Result<Incoming, Error>,
}

/// A valid event.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    pub reporter: ReportedCustomer,
    /// The number of the order or invoice at the source.
    pub number: String,
    pub about: About,
}

/// What an event reports.
#[derive(Debug, Clone, PartialEq)]
pub enum About {
    Order(order::model::Report),
    Invoice(invoice::model::Report),
    Billing(Confirmed),
}

/// What became of something that billing was told to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirmed {
    /// As it is passed on.
    pub event: pb::BillingConfirmationEvent,
    /// When it became true, by billing.
    pub at: Timestamp,
}

/// Reads an event that `principal` pushed at `now`.
pub fn received(event: CloudEvent, principal: &Principal, now: Timestamp) -> Received {
    let canonical = Canonical::of(&event);
    let mut received = Received {
        source: String::new(),
        id: String::new(),
        canonical,
        traceparent: None,
        foreign_customer_id: None,
        read: Err(Error::invalid(ErrorReason::EventTooLarge, "the event has more than 64 KiB")),
    };
    if !received.canonical.is_too_large() {
        received.read = read(&event, principal, now, &mut received);
    }
    received.source = event.source;
    received.id = event.id;
    received
}

fn read(event: &CloudEvent, principal: &Principal, now: Timestamp, received: &mut Received) -> Result<Incoming, Error> {
    let mut violations = Violations::default();
    let (attributes, is_in_future) = envelope::attributes(event, now, &mut violations);
    let data = data::read(event);
    received.foreign_customer_id = match &data {
        Ok(data) => data.customer_id().map(str::to_owned),
        Err(_) => data::customer_id_of_malformed(event),
    };
    if !principal.may_push_for(&event.source) {
        return Err(Error::new(
            Code::PermissionDenied,
            ErrorReason::SourceForbidden,
            "the caller may not push for this source",
        ));
    }
    let data = match data {
        Ok(data) => data,
        Err(error) => return Err(error.joined((!violations.is_empty()).then(|| violations.into()))),
    };
    let mut of_data = Reader { violations: Violations::default(), source: &event.source };
    let incoming = of_data.incoming(data, attributes.as_ref());
    violations.absorb("data", of_data.violations);
    if is_in_future && violations.is_empty() && incoming.is_some() {
        let message = "the event's time lies more than five minutes in the future";
        return Err(Error::invalid(ErrorReason::EventTimeInFuture, message));
    }
    if is_in_future {
        violations.add("time", Invalid::new("TIME_IN_FUTURE", "lies more than five minutes in the future"));
    }
    received.traceparent = attributes.and_then(|attributes| attributes.traceparent);
    violations.finish(incoming)
}

/// Reads the data of one event and notes what is wrong with it.
struct Reader<'e> {
    violations: Violations,
    source: &'e str,
}

impl Reader<'_> {
    fn incoming(&mut self, data: Data, attributes: Option<&Attributes>) -> Option<Incoming> {
        use order::model::Fact;
        match data {
            Data::OrderPlaced(pb::OrderPlaced { order_number, customer, total, promised_date, items }) => {
                let total = self.optional(total, |reader, total| reader.money("total", total));
                let promised_date = self.optional(promised_date, |reader, day| reader.day("promised_date", day));
                let items = self.items(items);
                let fact = total.zip(promised_date).zip(items);
                let fact = fact.map(|((total, promised_date), items)| Fact::Placed { total, promised_date, items });
                self.order(order_number, customer, fact, attributes)
            }
            Data::OrderConfirmed(pb::OrderConfirmed { order_number, customer, promised_date }) => {
                let promised_date = self.optional(promised_date, |reader, day| reader.day("promised_date", day));
                let fact = promised_date.map(|promised_date| Fact::Confirmed { promised_date });
                self.order(order_number, customer, fact, attributes)
            }
            Data::OrderInManufacture(pb::OrderInManufacture { order_number, customer }) => {
                self.order(order_number, customer, Some(Fact::InManufacture), attributes)
            }
            Data::OrderHandedToCarrier(pb::OrderHandedToCarrier {
                order_number,
                customer,
                carrier,
                tracking_number,
                tracking_link,
            }) => {
                let carrier = self.text("carrier", carrier);
                let tracking_number = self.text("tracking_number", tracking_number);
                let link = (!tracking_link.is_empty()).then_some(tracking_link);
                let tracking_link =
                    self.optional(link, |reader, link| reader.violations.take("tracking_link", WebLink::parse(&link)));
                let fact = carrier.zip(tracking_number).zip(tracking_link).map(|((carrier, tracking_number), link)| {
                    Fact::HandedToCarrier { carrier, tracking_number, tracking_link: link }
                });
                self.order(order_number, customer, fact, attributes)
            }
            Data::OrderInTransit(pb::OrderInTransit { order_number, customer, location }) => {
                let fact = self.text("location", location).map(|location| Fact::InTransit { location });
                self.order(order_number, customer, fact, attributes)
            }
            Data::OrderDelayed(pb::OrderDelayed { order_number, customer, promised_date, reason }) => {
                let promised_date = self.violations.required("promised_date", promised_date);
                let promised_date = promised_date.and_then(|day| self.day("promised_date", day));
                let reason = self.text("reason", reason);
                let fact = promised_date.zip(reason);
                let fact = fact.map(|(promised_date, reason)| Fact::Delayed { promised_date, reason });
                self.order(order_number, customer, fact, attributes)
            }
            Data::OrderOutForDelivery(pb::OrderOutForDelivery { order_number, customer }) => {
                self.order(order_number, customer, Some(Fact::OutForDelivery), attributes)
            }
            Data::OrderDelivered(pb::OrderDelivered { order_number, customer }) => {
                self.order(order_number, customer, Some(Fact::Delivered), attributes)
            }
            Data::OrderCanceled(pb::OrderCanceled { order_number, customer, reason }) => {
                let fact = self.text("reason", reason).map(|reason| Fact::Canceled { reason });
                self.order(order_number, customer, fact, attributes)
            }
            Data::OrderUnavailable(pb::OrderUnavailable { order_number, customer, reason }) => {
                let fact = self.text("reason", reason).map(|reason| Fact::Unavailable { reason });
                self.order(order_number, customer, fact, attributes)
            }
            data => self.invoice_data(data, attributes),
        }
    }

    fn invoice_data(&mut self, data: Data, attributes: Option<&Attributes>) -> Option<Incoming> {
        use invoice::model::Fact;
        match data {
            Data::InvoiceIssued(pb::InvoiceIssued { invoice_number, customer, order_number, amount, due_date }) => {
                let order_number = match order_number.is_empty() {
                    true => Some(order_number),
                    false => self.number("order_number", order_number),
                };
                let due_date = self.optional(due_date, |reader, day| reader.day("due_date", day));
                let fact = order_number.zip(due_date);
                let fact = fact.map(|(order_number, due_date)| Fact::Issued { order_number, due_date });
                self.invoice(invoice_number, customer, amount, fact, attributes)
            }
            Data::InvoicePaymentFailed(pb::InvoicePaymentFailed { invoice_number, customer, amount, reason }) => {
                let fact = self.text("reason", reason).map(|reason| Fact::PaymentFailed { reason });
                self.invoice(invoice_number, customer, amount, fact, attributes)
            }
            Data::InvoicePaid(pb::InvoicePaid { invoice_number, customer, amount }) => {
                self.invoice(invoice_number, customer, amount, Some(Fact::Paid), attributes)
            }
            Data::InvoiceRefunded(pb::InvoiceRefunded { invoice_number, customer, amount, reason }) => {
                let fact = self.text("reason", reason).map(|reason| Fact::Refunded { reason });
                self.invoice(invoice_number, customer, amount, fact, attributes)
            }
            Data::BillingConfirmed(confirmed) => self.billing(confirmed, attributes),
            _ => unreachable!("the types of orders are read before"),
        }
    }

    fn order(
        &mut self,
        order_number: String,
        customer: Option<pb::ReportedCustomer>,
        fact: Option<order::model::Fact>,
        attributes: Option<&Attributes>,
    ) -> Option<Incoming> {
        let number = self.number("order_number", order_number);
        let reporter = self.reporter(customer);
        let Attributes { at, sequence, .. } = *attributes?;
        let about = About::Order(order::model::Report { fact: fact?, at, sequence });
        Some(Incoming { reporter: reporter?, number: number?, about })
    }

    fn invoice(
        &mut self,
        invoice_number: String,
        customer: Option<pb::ReportedCustomer>,
        amount: Option<seva_proto::common::v1::Money>,
        fact: Option<invoice::model::Fact>,
        attributes: Option<&Attributes>,
    ) -> Option<Incoming> {
        let number = self.number("invoice_number", invoice_number);
        let reporter = self.reporter(customer);
        let amount = self.violations.required("amount", amount).and_then(|amount| self.money("amount", amount));
        let Attributes { at, sequence, .. } = *attributes?;
        let about = About::Invoice(invoice::model::Report { fact: fact?, amount: amount?, at, sequence });
        Some(Incoming { reporter: reporter?, number: number?, about })
    }

    fn billing(&mut self, confirmed: pb::BillingConfirmed, attributes: Option<&Attributes>) -> Option<Incoming> {
        use pb::billing_confirmation_event::Outcome;
        let outcome = match confirmed.outcome() {
            Outcome::Unspecified => None,
            known => Some(known),
        };
        let outcome = self.violations.required("outcome", outcome);
        let pb::BillingConfirmed { subject, customer, outcome: _, external_key, amount, fault } = confirmed;
        let number = self.number("external_key", external_key);
        let subject = self.number("subject", subject);
        let reporter = self.reporter(customer);
        let amount = self.violations.required("amount", amount).and_then(|amount| self.money("amount", amount));
        let fault = match fault.is_empty() {
            true => Some(fault),
            false => self.violations.take("fault", text::word(&fault, '_', MAX_WORD_CHARS)),
        };
        let event = pb::BillingConfirmationEvent {
            subject: subject?,
            outcome: outcome?.into(),
            external_key: number.clone()?,
            amount: Some(amount?.into()),
            fault: fault?,
        };
        let about = About::Billing(Confirmed { event, at: attributes?.at });
        Some(Incoming { reporter: reporter?, number: number?, about })
    }

    fn reporter(&mut self, customer: Option<pb::ReportedCustomer>) -> Option<ReportedCustomer> {
        let customer = self.violations.required("customer", customer)?;
        let pb::ReportedCustomer { id, given_name, family_name, email, phone, languages, zone } = customer;
        let id = self.number("customer.id", id);
        let given_name = self.text("customer.given_name", given_name);
        let family_name = self.text("customer.family_name", family_name);
        let said = |text: String| (!text.is_empty()).then_some(text);
        let email =
            self.optional(said(email), |reader, email| reader.violations.take("customer.email", Email::parse(&email)));
        let phone =
            self.optional(said(phone), |reader, phone| reader.violations.take("customer.phone", Phone::parse(&phone)));
        let zone =
            self.optional(said(zone), |reader, zone| reader.violations.take("customer.zone", Zone::parse(&zone)));
        let languages = self.languages(&languages);
        Some(ReportedCustomer {
            known_as: ExternalRef { system: self.source.to_owned(), id: id? },
            given_name: given_name?,
            family_name: family_name?,
            email: email?,
            phone: phone?,
            languages: languages?,
            zone: zone?,
        })
    }

    fn languages(&mut self, tags: &[String]) -> Option<Vec<Language>> {
        if tags.len() > MAX_LANGUAGES {
            self.violations.add("customer.languages", Invalid::new("LANGUAGES_TOO_MANY", "has 10 at most"));
            return None;
        }
        let parsed: Vec<_> = tags
            .iter()
            .enumerate()
            .map(|(at, tag)| self.violations.take(format!("customer.languages[{at}]"), Language::parse(tag)))
            .collect();
        parsed.into_iter().collect()
    }

    /// Outer: valid; inner: given.
    #[expect(clippy::option_option, reason = "a field may be missing, which is valid, or wrong, which is not")]
    fn optional<T, U>(&mut self, given: Option<T>, parse: impl FnOnce(&mut Self, T) -> Option<U>) -> Option<Option<U>> {
        match given {
            None => Some(None),
            Some(given) => parse(self, given).map(Some),
        }
    }

    fn number(&mut self, field: &str, number: String) -> Option<String> {
        let number = self.violations.required(field, (!number.is_empty()).then_some(number))?;
        if number.len() > MAX_NUMBER_BYTES || number.chars().any(char::is_control) {
            let invalid = Invalid::new("NUMBER_MALFORMED", "has 255 bytes at most and no control characters");
            self.violations.add(field, invalid);
            return None;
        }
        Some(number)
    }

    fn text(&mut self, field: &str, text: String) -> Option<String> {
        let invalid = if text.chars().any(char::is_control) {
            Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold line breaks or other control characters")
        } else if text.chars().count() > MAX_TEXT_CHARS {
            Invalid::new("TEXT_TOO_LONG", format!("has {MAX_TEXT_CHARS} characters at most"))
        } else {
            return Some(text);
        };
        self.violations.add(field, invalid);
        None
    }

    /// What was ordered, each once.
    fn items(&mut self, given: Vec<pb::OrderItem>) -> Option<Vec<order::model::Item>> {
        if given.len() > MAX_ITEMS {
            let fault = Invalid::new("TOO_MANY", format!("has {MAX_ITEMS} items at most"));
            self.violations.add("items", fault);
            return None;
        }
        let mut items: Vec<order::model::Item> = Vec::with_capacity(given.len());
        for (at, pb::OrderItem { item, quantity }) in given.into_iter().enumerate() {
            let item = self.number(&format!("items[{at}].item"), item)?;
            if !(1..=MAX_QUANTITY).contains(&quantity) || items.iter().any(|of| of.item == item) {
                let fault =
                    Invalid::new("ITEM_MALFORMED", "each item stands there once, with a quantity of 1 to 1000000");
                self.violations.add(format!("items[{at}]"), fault);
                return None;
            }
            items.push(order::model::Item { item, quantity });
        }
        Some(items)
    }

    fn money(&mut self, field: &str, money: seva_proto::common::v1::Money) -> Option<Money> {
        self.violations.take_message(field, Money::try_from(money))
    }

    fn day(&mut self, field: &str, day: seva_proto::common::v1::PromisedDate) -> Option<PromisedDate> {
        let day = self.violations.take_message(field, PromisedDate::try_from(day))?;
        if !(1..=9998).contains(&day.date.year()) {
            self.violations.add(field, Invalid::new("DATE_OUT_OF_RANGE", "has to lie in the years 1 to 9998"));
            return None;
        }
        Some(day)
    }
}
