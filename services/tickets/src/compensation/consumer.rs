//! Hears the customers service: what became of grants and the returns that they settle, as billing says; invoices and orders. No network.

use std::sync::Arc;

use jiff::Timestamp;
use seva_proto::customers::v1::{
    BillingConfirmationEvent, InvoiceEvent, OrderEvent, billing_confirmation_event::Outcome,
};
use seva_runtime::{Error, Write};
use seva_store::{Event, Fault};
use seva_values::{Invalid, Money, format_name, parse_name, text};
use sqlx::PgConnection;

use super::{
    invoices::{self, Invoice},
    model::{COLLECTION, Confirmation},
    store,
};
use crate::{
    return_case::{
        self,
        orders::{self, Order},
    },
    stored::malformed,
    ticket::store::locked,
};

const BILLING_CONFIRMED: &str = "seva.customers.billing.confirmed.v1";
const INVOICE_TYPES: &str = "seva.customers.invoice.";
const ORDER_TYPES: &str = "seva.customers.order.";
/// Longest key of billing's, and longest word of a fault, in characters.
const MAX_KEY_CHARS: usize = 200;
const MAX_FAULT_CHARS: usize = 60;

/// Takes what events say. Confirmations come first: they lock tickets, and invoices and orders are locked last, as everywhere.
///
/// # Errors
/// An event that cannot be applied: a confirmation of what was not issued, of another amount, or under a key of something else.
pub async fn apply(connection: &mut PgConnection, events: &[Arc<Event>], now: Timestamp) -> Result<(), Fault> {
    let mut confirmed = Vec::new();
    let mut told = Vec::new();
    let mut ordered = Vec::new();
    for event in events {
        if event.kind == BILLING_CONFIRMED {
            confirmed.push((event, Confirmation::heard(event.payload()?).map_err(malformed)?));
        } else if event.kind.starts_with(INVOICE_TYPES) {
            told.extend(Invoice::heard(event.sequence, event.payload::<InvoiceEvent>()?).map_err(malformed)?);
        } else if event.kind.starts_with(ORDER_TYPES) {
            ordered.extend(Order::heard(event.sequence, event.payload::<OrderEvent>()?).map_err(malformed)?);
        }
    }
    settle(connection, &confirmed, now).await?;
    invoices::save(connection, &told).await?;
    orders::save(connection, &ordered).await
}

async fn settle(
    connection: &mut PgConnection,
    confirmed: &[(&Arc<Event>, Confirmation)],
    now: Timestamp,
) -> Result<(), Fault> {
    if confirmed.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = confirmed.iter().map(|(_, said)| said.grant).collect();
    let tickets = store::tickets_of(&mut *connection, &ids).await?;
    let tickets = locked::lock_tickets(connection, &tickets).await?;
    let mut grants = store::lock(connection, &ids).await?;
    for (event, said) in confirmed {
        let known = grants.get(&said.grant).and_then(|grant| Some((grant, tickets.get(&grant.ticket)?)));
        let (grant, of) = known.ok_or_else(|| Error::not_found(format_name(COLLECTION, said.grant)))?;
        let Some(next) = grant.confirm(said, now.max(event.occurred_at))? else { continue };
        let write = Write {
            actor: "consumer:customers".to_owned(),
            on_behalf_of: None,
            method: BILLING_CONFIRMED.to_owned(),
            request: None,
            story: event.story(),
        };
        let told = of.told(&write);
        store::update(connection, &told, &next, &()).await?;
        if let Some(case) = next.return_case {
            return_case::store::confirm(connection, &told, case, &next, now).await?;
        }
        grants.insert(next.id, next);
    }
    Ok(())
}

impl Confirmation {
    /// What an event says.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(event: BillingConfirmationEvent) -> Result<Self, Invalid> {
        let outcome = event.outcome();
        let BillingConfirmationEvent { subject, outcome: _, external_key, amount, fault } = event;
        let amount = amount.and_then(|amount| Money::try_from(amount).ok());
        let fault = match outcome {
            Outcome::Settled => None,
            // Only a word is kept: anything else may be somebody's words.
            Outcome::Failed => Some(text::word(&fault, '_', MAX_FAULT_CHARS).unwrap_or_else(|_| "other".to_owned())),
            Outcome::Unspecified => return Err(Invalid::new("OUTCOME_UNKNOWN", "has to be a known outcome")),
        };
        Ok(Self {
            grant: parse_name(COLLECTION, &subject)?,
            external_key: text::required_line(&external_key, MAX_KEY_CHARS)?,
            amount: amount.ok_or_else(|| Invalid::new("AMOUNT_MALFORMED", "a confirmation names its amount"))?,
            fault,
        })
    }
}
