//! Milestones: what customers are told about, in one table.

use crate::link::Page;

/// Something that a customer is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Its name, which is also the key of its template.
    pub key: &'static str,
    /// Whose events report it.
    pub source: Source,
    /// The types of these events; which of several milestones an event of a ticket reports, its state says.
    pub event_types: &'static [&'static str],
    /// The category that its messages belong to.
    pub category: &'static str,
    /// Which newer facts make its message untrue; `None`: it stays true.
    pub topic: Option<Topic>,
    /// How far it lies within its topic: a lower one is never told after a higher one.
    pub rank: i32,
    /// Topics that it also settles, up to a rank: what waits there and is older is no longer true.
    pub settles: &'static [(Topic, i32)],
    /// The page of its subject that its message leads to.
    pub leads_to: Option<Lead>,
    /// A customer is told of it once in a life, also when the message itself is no longer kept.
    pub once_for_ever: bool,
}

/// Whose events report a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `//customers`, which also tells who is a customer.
    Customers,
    /// `//tickets`.
    Tickets,
    /// `//surveys`.
    Surveys,
}

/// Where a message leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// To which page of its subject.
    pub page: Page,
    /// Without the page the message says nothing: it is not sent when the page has ended.
    pub is_needed: bool,
}

/// What a message of a milestone is about, within one order, invoice, ticket, return, grant, promise or invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// How far an order has come.
    Progress,
    /// Whether its promised day holds.
    PromisedDay,
    /// Whether an invoice is paid.
    Payment,
    /// That a ticket is carried.
    TicketCarried,
    /// That we wrote something about it.
    TicketReply,
    /// That we wait for the customer's answer.
    TicketQuestion,
    /// Whether it is solved.
    TicketSolved,
    /// That it is over.
    TicketEnd,
    /// How far a return has come.
    Return,
    /// What the customer is given to make up for something.
    Compensation,
    /// Whether a promise holds.
    Promise,
    /// That the customer is asked how it went.
    Invitation,
}

crate::stored::stored_names!(Topic, "topic" {
    Progress = "progress",
    PromisedDay = "promised_day",
    Payment = "payment",
    TicketCarried = "ticket_carried",
    TicketReply = "ticket_reply",
    TicketQuestion = "ticket_question",
    TicketSolved = "ticket_solved",
    TicketEnd = "ticket_end",
    Return = "return",
    Compensation = "compensation",
    Promise = "promise",
    Invitation = "invitation",
});

/// Nothing about a promised day is true any more once the order has ended.
const ENDED: &[(Topic, i32)] = &[(Topic::PromisedDay, 100)];
/// An order with its driver is not at risk just now; but the day may still be missed.
const WITH_DRIVER: &[(Topic, i32)] = &[(Topic::PromisedDay, 0)];
/// Nobody is asked to pay what was paid back.
const PAID_BACK: &[(Topic, i32)] = &[(Topic::Payment, 100)];
/// What was written before lies on the page that this message leads to.
const LEADS_TO_WHAT_WAS_WRITTEN: &[(Topic, i32)] = &[(Topic::TicketReply, 0)];

const ORDER: &str = "order_updates";
const DELIVERY: &str = "delivery";
const BILLING: &str = "billing";
const WELCOME: &str = "welcome";
const TICKETS: &str = "tickets";
const SURVEYS: &str = "surveys";

/// The message tells more with the ticket's page, and is true without it.
const TICKET_PAGE: Lead = Lead { page: Page::Ticket, is_needed: false };
/// What the message is about is on the ticket's page alone.
const ON_TICKET_PAGE: Lead = Lead { page: Page::Ticket, is_needed: true };
/// The questions are on the survey's page.
const ON_SURVEY_PAGE: Lead = Lead { page: Page::Survey, is_needed: true };

const fn lasting(key: &'static str, event_types: &'static [&'static str], category: &'static str) -> Milestone {
    Milestone {
        key,
        source: Source::Customers,
        event_types,
        category,
        topic: None,
        rank: 0,
        settles: &[],
        leads_to: None,
        once_for_ever: false,
    }
}

const fn progress(
    key: &'static str,
    event_types: &'static [&'static str],
    category: &'static str,
    rank: i32,
) -> Milestone {
    Milestone { topic: Some(Topic::Progress), rank, ..lasting(key, event_types, category) }
}

const fn settling(milestone: Milestone, settles: &'static [(Topic, i32)]) -> Milestone {
    Milestone { settles, ..milestone }
}

const fn promised_day(key: &'static str, event_types: &'static [&'static str]) -> Milestone {
    Milestone { topic: Some(Topic::PromisedDay), ..lasting(key, event_types, DELIVERY) }
}

const fn payment(key: &'static str, event_types: &'static [&'static str], rank: i32) -> Milestone {
    Milestone { topic: Some(Topic::Payment), rank, ..lasting(key, event_types, BILLING) }
}

/// Of a ticket, or of what belongs to one: the ranks are equal, as these come and go; the newest event decides.
const fn ticket(key: &'static str, event_types: &'static [&'static str], topic: Topic, lead: Lead) -> Milestone {
    let milestone = lasting(key, event_types, TICKETS);
    Milestone { source: Source::Tickets, topic: Some(topic), leads_to: Some(lead), ..milestone }
}

const fn invitation(key: &'static str, event_types: &'static [&'static str]) -> Milestone {
    let milestone = lasting(key, event_types, SURVEYS);
    let topic = Some(Topic::Invitation);
    Milestone { source: Source::Surveys, topic, leads_to: Some(ON_SURVEY_PAGE), ..milestone }
}

const fn once_for_ever(milestone: Milestone) -> Milestone {
    Milestone { once_for_ever: true, ..milestone }
}

/// Every milestone. Other events tell nobody.
pub static MILESTONES: [Milestone; 40] = [
    progress("order_placed", &["seva.customers.order.placed.v1"], ORDER, 10),
    progress("order_confirmed", &["seva.customers.order.confirmed.v1"], ORDER, 20),
    progress("order_in_manufacture", &["seva.customers.order.in_manufacture.v1"], ORDER, 30),
    progress("order_handed_to_carrier", &["seva.customers.order.handed_to_carrier.v1"], DELIVERY, 40),
    progress("order_in_transit", &["seva.customers.order.in_transit.v1"], DELIVERY, 50),
    promised_day("order_delayed", &["seva.customers.order.delayed.v1"]),
    promised_day("order_promised_day_at_risk", &["seva.customers.order.promised_day_at_risk.v1"]),
    promised_day("order_promised_day_missed", &["seva.customers.order.promised_day_missed.v1"]),
    settling(
        progress("order_out_for_delivery", &["seva.customers.order.out_for_delivery.v1"], DELIVERY, 60),
        WITH_DRIVER,
    ),
    settling(progress("order_delivered", &["seva.customers.order.delivered.v1"], DELIVERY, 100), ENDED),
    settling(progress("order_canceled", &["seva.customers.order.canceled.v1"], ORDER, 100), ENDED),
    settling(progress("order_unavailable", &["seva.customers.order.unavailable.v1"], ORDER, 100), ENDED),
    payment("invoice_issued", &["seva.customers.invoice.issued.v1"], 10),
    payment("invoice_payment_failed", &["seva.customers.invoice.payment_failed.v1"], 20),
    payment("invoice_paid", &["seva.customers.invoice.paid.v1"], 30),
    // Each refund is money of its own, so one does not replace the other.
    settling(lasting("invoice_refunded", &["seva.customers.invoice.refunded.v1"], BILLING), PAID_BACK),
    once_for_ever(lasting("customer_welcome", &["seva.customers.customer.first_order_placed.v1"], WELCOME)),
    lasting("customer_thanked", &["seva.customers.customer.repeat_order_placed.v1"], WELCOME),
    ticket("ticket_opened", &["seva.tickets.ticket.created.v1"], Topic::TicketCarried, TICKET_PAGE),
    ticket(
        "ticket_replied",
        &["seva.tickets.ticket.replied.v1", "seva.tickets.ticket.pending.v1"],
        Topic::TicketReply,
        ON_TICKET_PAGE,
    ),
    settling(
        ticket("ticket_question", &["seva.tickets.ticket.pending.v1"], Topic::TicketQuestion, ON_TICKET_PAGE),
        LEADS_TO_WHAT_WAS_WRITTEN,
    ),
    settling(
        ticket("ticket_resolved", &["seva.tickets.ticket.resolved.v1"], Topic::TicketSolved, ON_TICKET_PAGE),
        LEADS_TO_WHAT_WAS_WRITTEN,
    ),
    ticket(
        "ticket_asked_again",
        &["seva.tickets.ticket.verification_requested.v1"],
        Topic::TicketSolved,
        ON_TICKET_PAGE,
    ),
    ticket(
        "ticket_reopened",
        &["seva.tickets.ticket.rejected.v1", "seva.tickets.ticket.reopened.v1"],
        Topic::TicketCarried,
        TICKET_PAGE,
    ),
    ticket("ticket_closed", &["seva.tickets.ticket.closed.v1"], Topic::TicketEnd, TICKET_PAGE),
    ticket("ticket_closed_unconfirmed", &["seva.tickets.ticket.closed.v1"], Topic::TicketEnd, TICKET_PAGE),
    ticket("ticket_canceled", &["seva.tickets.ticket.canceled.v1"], Topic::TicketEnd, TICKET_PAGE),
    ticket("return_requested", &["seva.tickets.return_case.requested.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_approved", &["seva.tickets.return_case.approved.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_partly_approved", &["seva.tickets.return_case.partly_approved.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_declined", &["seva.tickets.return_case.declined.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_label_sent", &["seva.tickets.return_case.label_sent.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_received", &["seva.tickets.return_case.received.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_settled", &["seva.tickets.return_case.settled.v1"], Topic::Return, TICKET_PAGE),
    ticket("return_settlement_failed", &["seva.tickets.return_case.settlement_failed.v1"], Topic::Return, TICKET_PAGE),
    ticket("compensation_issued", &["seva.tickets.compensation_grant.issued.v1"], Topic::Compensation, TICKET_PAGE),
    ticket("compensation_settled", &["seva.tickets.compensation_grant.settled.v1"], Topic::Compensation, TICKET_PAGE),
    ticket("promise_renewed", &["seva.tickets.promise.renewed.v1"], Topic::Promise, TICKET_PAGE),
    ticket("promise_broken", &["seva.tickets.promise.broken.v1"], Topic::Promise, TICKET_PAGE),
    invitation("survey_invitation", &["seva.surveys.invitation.queued.v1"]),
];

/// The milestone that events of this type of the customers service report.
#[must_use]
pub fn of_customers_event(event_type: &str) -> Option<&'static Milestone> {
    let reports =
        |milestone: &&Milestone| milestone.source == Source::Customers && milestone.event_types.contains(&event_type);
    MILESTONES.iter().find(reports)
}

/// The milestone of this name.
#[must_use]
pub fn find(key: &str) -> Option<&'static Milestone> {
    MILESTONES.iter().find(|milestone| milestone.key == key)
}

/// The names of those that a customer is told of once in a life.
#[must_use]
pub fn once_for_ever_keys() -> Vec<&'static str> {
    MILESTONES.iter().filter(|milestone| milestone.once_for_ever).map(|milestone| milestone.key).collect()
}
