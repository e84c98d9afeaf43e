//! What this service hears that opens a ticket. What it emits stands with the writes that emit it; the README lists it.
//!
//! | event | matter | kind |
//! |---|---|---|
//! | `seva.customers.order.promised_day_missed.v1` | promised_day_missed, the order, the promised date | delivery |
//! | `seva.customers.invoice.payment_failed.v1`, from the second failure on | payment_failed, the invoice | billing |
//! | `seva.surveys.loop_case.opened.v1` | low_score, the response | complaint_service, high |

use std::sync::Arc;

use async_trait::async_trait;
use seva_proto::{
    customers::v1::{InvoiceEvent, OrderEvent},
    surveys::v1::LoopCaseEvent,
};
use seva_runtime::{BusinessClock, Error};
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use seva_values::{new_id, parse_name};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::Calendar,
    compensation,
    custom_field::Values,
    policy::{Matched, Policies},
    recipient::{self, Recipients},
    roster,
    stored::malformed,
    ticket::{
        Kind, Matter, Priority, Ticket,
        model::{NewTicket, Surroundings},
        store,
    },
};

const PROMISED_DAY_MISSED: &str = "seva.customers.order.promised_day_missed.v1";
const PAYMENT_FAILED: &str = "seva.customers.invoice.payment_failed.v1";
const LOOP_CASE_OPENED: &str = "seva.surveys.loop_case.opened.v1";
/// From so many failed payments on somebody sees to it.
const FAILED_PAYMENTS: i32 = 2;

/// Opens tickets for what other services tell.
#[derive(Debug, Clone)]
pub struct Openings {
    policies: Policies,
    clock: BusinessClock,
    routing: Bell,
}

/// The customers service's feed: customers first, so that whoever has a matter is known when it is opened.
#[derive(Debug, Clone)]
pub struct Customers(pub Openings);

/// The surveys service's feed.
#[derive(Debug, Clone)]
pub struct LowScores(pub Openings);

/// A ticket that an event asks for.
struct Opening {
    new: NewTicket,
    event: Arc<Event>,
}

impl Openings {
    /// Under the newest policy; rings `routing` when a ticket was opened.
    #[must_use]
    pub const fn new(policies: Policies, clock: BusinessClock, routing: Bell) -> Self {
        Self { policies, clock, routing }
    }

    async fn open(&self, connection: &mut PgConnection, actor: &str, openings: Vec<Opening>) -> Result<(), Fault> {
        if openings.is_empty() {
            return Ok(());
        }
        let policy = self.policies.newest().await?;
        let now = self.clock.now();
        for Opening { new, event } in openings {
            let known = recipient::store::find(&mut *connection, new.customer).await?;
            // Events of different services come in any order: the customer is on the way.
            let known = known.ok_or_else(|| not_yet_known(&event))?;
            let department = roster::store::department_of_kind(&mut *connection, new.kind).await?;
            let (department, calendar) =
                department.map_or((None, Calendar::always()), |(id, calendar)| (Some(id), calendar));
            let around = Surroundings {
                number: store::next_number(&mut *connection).await?,
                language: known.language,
                tier: known.tier,
                department,
                calendar,
                targets: policy.targets(&Matched {
                    kind: new.kind,
                    department,
                    tier: known.tier,
                    priority: new.priority,
                }),
                policy_version: policy.version(),
            };
            let opened_at = now.max(event.occurred_at);
            let mut change = Ticket::open(new_id(), new, around, event.story().into(), opened_at);
            change.ticket.cause = Some((event.source.clone(), event.event_id));
            store::batch::insert_opened(connection, actor, &change).await?;
        }
        Ok(())
    }
}

fn not_yet_known(event: &Event) -> Fault {
    let message = format!("the customer of {} is not known yet", event.subject);
    Fault::Decided(Error::unavailable(
        seva_proto::common::v1::ErrorReason::ServiceUnavailable,
        message,
        std::time::Duration::from_millis(100),
    ))
}

#[async_trait]
impl Handler for Customers {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        Recipients.apply(transaction, events).await?;
        compensation::consumer::apply(transaction, events, self.0.clock.now()).await?;
        let mut openings = Vec::new();
        for event in events {
            openings.extend(match event.kind.as_str() {
                PROMISED_DAY_MISSED => of_order(event)?,
                PAYMENT_FAILED => of_invoice(event)?,
                _ => None,
            });
        }
        self.0.open(transaction, "consumer:customers", openings).await
    }

    fn committed(&self) {
        self.0.routing.ring();
    }
}

#[async_trait]
impl Handler for LowScores {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let mut openings = Vec::new();
        for event in events.iter().filter(|event| event.kind == LOOP_CASE_OPENED) {
            openings.push(of_loop_case(event)?);
        }
        self.0.open(transaction, "consumer:low_scores", openings).await
    }

    fn committed(&self) {
        self.0.routing.ring();
    }
}

fn of_order(event: &Arc<Event>) -> Result<Option<Opening>, Fault> {
    let order = event.payload::<OrderEvent>()?.order.unwrap_or_default();
    let promised = order.current_promised_date.unwrap_or_default().date;
    let new = NewTicket {
        customer: customer(&order.customer)?,
        kind: Kind::Delivery,
        priority: Priority::Normal,
        title: format!("Promised day missed: order {}", order.order_number),
        stated_problem: format!("The order was promised for {promised} and has not come."),
        matter: Some(Matter {
            kind: "promised_day_missed".to_owned(),
            subject: event.subject.clone(),
            version: promised,
        }),
        tags: Vec::new(),
        fields: Values::default(),
        follow_up_of: None,
    };
    Ok(Some(Opening { new, event: event.clone() }))
}

fn of_invoice(event: &Arc<Event>) -> Result<Option<Opening>, Fault> {
    let invoice = event.payload::<InvoiceEvent>()?.invoice.unwrap_or_default();
    if invoice.failed_payments < FAILED_PAYMENTS {
        return Ok(None);
    }
    let new = NewTicket {
        customer: customer(&invoice.customer)?,
        kind: Kind::Billing,
        priority: Priority::Normal,
        title: format!("Payment failed again: invoice {}", invoice.invoice_number),
        stated_problem: format!("{} payments of this invoice have failed.", invoice.failed_payments),
        matter: Some(Matter {
            kind: "payment_failed".to_owned(),
            subject: event.subject.clone(),
            version: String::new(),
        }),
        tags: Vec::new(),
        fields: Values::default(),
        follow_up_of: None,
    };
    Ok(Some(Opening { new, event: event.clone() }))
}

fn of_loop_case(event: &Arc<Event>) -> Result<Opening, Fault> {
    let case = event.payload::<LoopCaseEvent>()?.loop_case.unwrap_or_default();
    let new = NewTicket {
        customer: customer(&case.customer)?,
        kind: Kind::ComplaintService,
        priority: Priority::High,
        title: "A low score was given".to_owned(),
        stated_problem: format!("{} was answered with {}.", case.question_id, case.score),
        matter: Some(Matter { kind: "low_score".to_owned(), subject: case.response, version: String::new() }),
        tags: Vec::new(),
        fields: Values::default(),
        follow_up_of: None,
    };
    Ok(Opening { new, event: event.clone() })
}

fn customer(name: &str) -> Result<Uuid, Fault> {
    parse_name("customers", name).map_err(malformed)
}
