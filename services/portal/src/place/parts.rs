//! What the parts of a place show, and what they leave out.

use jiff::{SignedDuration, tz::TimeZone};
use prost_types::Timestamp;
use seva_proto::{
    common::v1::{Money, PromisedDate},
    customers::v1::{
        Invoice, Order, OwnPlace, PartAge, TicketView, TimelineEntry,
        invoice::State as InvoiceState,
        order::{PromisedDateOutcome, State as OrderState},
    },
    tickets::v1::ticket::{Closure, State as TicketState},
};
use seva_values::WebLink;

use super::view::{CardView, LinkView, PartView, RowView, StateView, Tone};
use crate::texts::{
    Texts, Words, key, word,
    wording::{self, instant},
};

/// Who reads which place: the words, and the zone in which times are told.
pub struct Reader<'p> {
    pub texts: &'p Texts,
    pub zone: TimeZone,
    pub place: &'p OwnPlace,
}

impl<'p> Reader<'p> {
    /// The orders.
    pub fn orders(&self) -> PartView<'p> {
        let words = &self.texts.place;
        let Some(part) = &self.place.orders else { return self.part("orders", &words.orders, None, Vec::new(), false) };
        let cards = part.orders.iter().map(|order| self.order(order)).collect();
        self.part("orders", &words.orders, part.age.as_ref(), cards, part.more)
    }

    /// The invoices.
    pub fn invoices(&self) -> PartView<'p> {
        let words = &self.texts.place;
        let Some(part) = &self.place.invoices else {
            return self.part("invoices", &words.invoices, None, Vec::new(), false);
        };
        let cards = part.invoices.iter().map(|invoice| self.invoice(invoice)).collect();
        self.part("invoices", &words.invoices, part.age.as_ref(), cards, part.more)
    }

    /// The tickets.
    pub fn tickets(&self) -> PartView<'p> {
        let words = &self.texts.place;
        let Some(part) = &self.place.tickets else {
            return self.part("tickets", &words.tickets, None, Vec::new(), false);
        };
        let cards = part.tickets.iter().map(|ticket| self.ticket(ticket)).collect();
        self.part("tickets", &words.tickets, part.age.as_ref(), cards, part.more)
    }

    /// The messages that were sent; any other that came is not shown.
    pub fn messages(&self) -> PartView<'p> {
        let words = &self.texts.place;
        let Some(part) = &self.place.messages else {
            return self.part("messages", &words.messages, None, Vec::new(), false);
        };
        let sent = part.messages.iter().filter(|message| detail(message, "state") == Some("sent"));
        let cards = sent.map(|message| self.message(message)).collect();
        self.part("messages", &words.messages, part.age.as_ref(), cards, part.more)
    }

    fn part(
        &self,
        id: &'static str,
        title: &'p str,
        age: Option<&PartAge>,
        cards: Vec<CardView<'p>>,
        more: bool,
    ) -> PartView<'p> {
        let words = &self.texts.place;
        let told = age.and_then(|age| self.age(age));
        let empty = if told.is_none() { &words.never } else { &words.empty };
        PartView {
            id,
            title,
            // What is there has an age, whether it is known or not.
            age: told.or_else(|| (!cards.is_empty()).then(|| words.age_unknown.clone())),
            stale: age.is_some_and(|age| age.stale),
            count: self.texts.number(cards.len()),
            cards,
            empty,
            more,
        }
    }

    /// `As of 21 November 2026, 14:05 IST (3 hours ago)`; `None` when nothing was ever reported.
    fn age(&self, age: &PartAge) -> Option<String> {
        let at = instant(age.observe_time.as_ref())?;
        let time = self.texts.moment_there(at, &self.zone);
        let as_of = self.texts.filled(&self.texts.place.as_of, "time", &time);
        let Some(age) = &age.age else { return Some(as_of) };
        Some(format!("{as_of} ({})", self.texts.ago(SignedDuration::from_secs(age.seconds))))
    }

    fn order(&self, order: &'p Order) -> CardView<'p> {
        let words = &self.texts.place;
        let outcome = order.promised_date_outcome();
        let mut rows = Rows::default();
        // A day that holds no longer is not shown as if it did.
        if outcome != PromisedDateOutcome::Withdrawn {
            let first = self.texts.promised(order.first_promised_date.as_ref());
            let current = self.texts.promised(order.current_promised_date.as_ref());
            if order.delayed && first != current {
                rows.add(&words.first_day, first);
                rows.add(&words.current_day, current);
            } else {
                rows.add(&words.promised_day, current.or(first));
            }
            if order.delayed {
                rows.add(&words.delay_reason, Some(order.delay_reason.clone()));
            }
        }
        rows.add(&words.delivered, self.delivery_day(order));
        rows.add(&words.total, self.texts.money(order.total.as_ref()));
        rows.add(&words.carrier, Some(order.carrier.clone()));
        rows.add(&words.tracking_number, Some(order.tracking_number.clone()));
        let tone = match order.state() {
            OrderState::Delivered => Tone::Good,
            OrderState::Canceled | OrderState::Unavailable => Tone::Bad,
            _ => Tone::Plain,
        };
        CardView {
            title: self.texts.filled(&words.order, "number", &order.order_number),
            state: state(&words.order_states, order.state().as_str_name(), tone),
            note: (outcome == PromisedDateOutcome::Broken).then_some(&words.not_kept),
            rows: rows.0,
            link: link(&words.track, &order.tracking_link),
        }
    }

    /// The day on which an order arrived, where it was promised: the two days are compared with each other.
    fn delivery_day(&self, order: &Order) -> Option<String> {
        let at = instant(order.actual_delivery_time.as_ref())?;
        let promised = order.current_promised_date.as_ref().or(order.first_promised_date.as_ref());
        let zone = promised.map_or_else(|| self.zone.clone(), |promised: &PromisedDate| wording::zone(&promised.zone));
        Some(self.texts.date(zone.to_datetime(at).date()))
    }

    fn invoice(&self, invoice: &'p Invoice) -> CardView<'p> {
        let words = &self.texts.place;
        let is_open = matches!(invoice.state(), InvoiceState::Issued | InvoiceState::PaymentFailed);
        // Nothing paid, and nothing paid back, is no news.
        let some = |money: &Option<Money>| self.texts.money(money.as_ref().filter(|money| money.minor_units != 0));
        let mut rows = Rows::default();
        rows.add(&words.amount, self.texts.money(invoice.amount.as_ref()));
        rows.add(&words.paid, some(&invoice.paid));
        rows.add(&words.refunded, some(&invoice.refunded));
        rows.add(&words.due, self.texts.promised(invoice.due_date.as_ref()).filter(|_| is_open));
        rows.add(&words.for_order, Some(invoice.order_number.clone()));
        let tone = match invoice.state() {
            InvoiceState::Paid | InvoiceState::Refunded => Tone::Good,
            InvoiceState::PaymentFailed => Tone::Bad,
            InvoiceState::Issued => Tone::Asks,
            InvoiceState::Unspecified => Tone::Plain,
        };
        CardView {
            title: self.texts.filled(&words.invoice, "number", &invoice.invoice_number),
            state: state(&words.invoice_states, invoice.state().as_str_name(), tone),
            rows: rows.0,
            ..CardView::default()
        }
    }

    fn ticket(&self, ticket: &'p TicketView) -> CardView<'p> {
        let words = &self.texts.place;
        let kind = word(&self.texts.ticket.kinds, &key(ticket.kind().as_str_name(), "KIND_"));
        let mut rows = Rows::default();
        rows.add(&words.about, Some(kind.to_owned()));
        rows.add(&words.for_order, self.number_of(&ticket.subject).map(str::to_owned));
        rows.add(&words.opened, self.day(ticket.create_time.as_ref()));
        rows.add(&words.changed, self.moment(ticket.update_time.as_ref()));
        let tone = match ticket.state() {
            TicketState::PendingCustomer | TicketState::Resolved => Tone::Asks,
            TicketState::Closed => Tone::Good,
            _ => Tone::Plain,
        };
        let note = match (ticket.state(), ticket.closure()) {
            (TicketState::Closed, Closure::Verified) => Some(self.texts.ticket.closed_verified.as_str()),
            (TicketState::Closed, Closure::Unverified) => Some(self.texts.ticket.closed_unverified.as_str()),
            _ => None,
        };
        CardView {
            title: self.texts.filled(&words.ticket, "number", &ticket.number),
            state: state(&self.texts.ticket.states, ticket.state().as_str_name(), tone),
            note,
            rows: rows.0,
            link: None,
        }
    }

    fn message(&self, message: &'p TimelineEntry) -> CardView<'p> {
        let words = &self.texts.place;
        let milestone = detail(message, "milestone").unwrap_or_default();
        // One that is newer than these words is named by what it is about: `order_thawed` by `order`.
        let family = milestone.split('_').next().unwrap_or_default();
        let title = words.milestones.get(milestone).map_or_else(|| word(&words.milestones, family), String::as_str);
        let channel = detail(message, "channel").map(|channel| word(&words.channels, channel));
        let mut rows = Rows::default();
        rows.add(&words.sent, self.moment(message.time.as_ref()));
        rows.add(&words.channel, channel.map(str::to_owned));
        rows.add(&words.about, detail(message, "about").and_then(|about| self.titled(about)));
        CardView { title: title.to_owned(), rows: rows.0, ..CardView::default() }
    }

    /// What a resource of this place is called on this page.
    fn titled(&self, name: &str) -> Option<String> {
        let words = &self.texts.place;
        let number = self.number_of(name)?;
        let title = match name.split('/').next()? {
            "orders" => &words.order,
            "invoices" => &words.invoice,
            _ => &words.ticket,
        };
        Some(self.texts.filled(title, "number", number))
    }

    /// The number of a resource, when it is one of this place.
    fn number_of(&self, name: &str) -> Option<&'p str> {
        let place = self.place;
        let mut orders = place.orders.iter().flat_map(|part| &part.orders);
        let mut invoices = place.invoices.iter().flat_map(|part| &part.invoices);
        let mut tickets = place.tickets.iter().flat_map(|part| &part.tickets);
        let order = orders.find(|order| order.name == name).map(|order| &order.order_number);
        let invoice = || invoices.find(|invoice| invoice.name == name).map(|invoice| &invoice.invoice_number);
        let ticket = || tickets.find(|ticket| ticket.ticket == name).map(|ticket| &ticket.number);
        order.or_else(invoice).or_else(ticket).map(String::as_str)
    }

    fn day(&self, time: Option<&Timestamp>) -> Option<String> {
        Some(self.texts.date(self.zone.to_datetime(instant(time)?).date()))
    }

    fn moment(&self, time: Option<&Timestamp>) -> Option<String> {
        Some(self.texts.moment_there(instant(time)?, &self.zone))
    }
}

/// Facts of a card, as far as there are any.
#[derive(Default)]
struct Rows<'p>(Vec<RowView<'p>>);

impl<'p> Rows<'p> {
    fn add(&mut self, label: &'p str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            self.0.push(RowView { label, value });
        }
    }
}

/// The word for a state of the contract; one that is not known is not told at all.
fn state<'p>(words: &'p Words, name: &str, tone: Tone) -> Option<StateView<'p>> {
    let word = word(words, &key(name, "STATE_"));
    (!word.is_empty()).then_some(StateView { word, tone })
}

/// The way to a carrier's page, when its address is one that may be followed (PO7).
fn link<'p>(label: &'p str, address: &str) -> Option<LinkView<'p>> {
    let address = String::from(WebLink::parse(address).ok()?);
    let (_, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    Some(LinkView { label, address, host })
}

fn detail<'p>(message: &'p TimelineEntry, name: &str) -> Option<&'p str> {
    message.details.get(name).map(String::as_str).filter(|value| !value.is_empty())
}
