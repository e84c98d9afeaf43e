//! Invoices, kept from the customers service's events, and what is left of each to pay back.

use std::collections::BTreeMap;

use seva_proto::{common::v1::ErrorReason, customers::v1::InvoiceEvent};
use seva_runtime::Error;
use seva_store::Fault;
use seva_values::{Invalid, Money, format_name, parse_name};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::stored::first;

/// Names of invoices.
pub const COLLECTION: &str = "invoices";

/// An invoice as far as money can be paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// Who paid it.
    pub customer: Uuid,
    /// The order that it is for, by its number at the seller, or empty.
    pub order_number: String,
    /// What was paid.
    pub paid: Money,
    /// What was paid back, in minor units of the same currency.
    pub refunded: i64,
}

impl Invoice {
    /// What an event with this sequence says; `None` when it names no money.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: InvoiceEvent) -> Result<Option<Self>, Invalid> {
        let invoice = event.invoice.unwrap_or_default();
        let Some(amount) = invoice.amount else { return Ok(None) };
        let money = |money: Option<_>| money.map(Money::try_from).transpose().map_err(first);
        let (amount, paid, refunded) = (money(Some(amount))?, money(invoice.paid)?, money(invoice.refunded)?);
        let Some(Money { currency, .. }) = amount else { return Ok(None) };
        Ok(Some(Self {
            id: parse_name(COLLECTION, &invoice.name)?,
            sequence,
            customer: parse_name("customers", &invoice.customer)?,
            order_number: invoice.order_number,
            paid: paid.unwrap_or_else(|| Money::new(0, currency)),
            refunded: refunded.map_or(0, |refunded| refunded.minor_units),
        }))
    }
}

/// Writes what events told, each only over an older one, in the order of ids.
///
/// # Errors
/// When the statement fails.
pub async fn save(connection: &mut PgConnection, heard: &[Invoice]) -> Result<(), Fault> {
    let mut newest: BTreeMap<Uuid, &Invoice> = BTreeMap::new();
    for invoice in heard {
        let known = newest.entry(invoice.id).or_insert(invoice);
        if invoice.sequence > known.sequence {
            *known = invoice;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let newest: Vec<&Invoice> = newest.into_values().collect();
    sqlx::query!(
        "insert into invoice as i (id, sequence, customer_id, order_number, currency, paid, refunded)
         select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
         on conflict on constraint invoice_pkey do update
         set sequence = excluded.sequence, order_number = excluded.order_number, paid = excluded.paid, refunded = excluded.refunded
         where excluded.sequence > i.sequence",
        &newest.iter().map(|invoice| invoice.id).collect::<Vec<_>>(),
        &newest.iter().map(|invoice| invoice.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|invoice| invoice.customer).collect::<Vec<_>>(),
        &newest.iter().map(|invoice| invoice.order_number.clone()).collect::<Vec<_>>(),
        &newest.iter().map(|invoice| invoice.paid.currency.code()).collect::<Vec<_>>() as _,
        &newest.iter().map(|invoice| invoice.paid.minor_units).collect::<Vec<_>>(),
        &newest.iter().map(|invoice| invoice.refunded).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// TK64: locks an invoice of a customer until the transaction ends, and refuses to pay back more of it than is left.
///
/// What is under way counts as paid back. So does what billing says to have paid back, as far as it is more than what it confirmed to us: a
/// confirmation and the invoice's own event come in any order.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `REFUND_EXCEEDS_PAID`, `STATE_FORBIDS` for an invoice of another customer, order or currency.
pub async fn set_aside(
    connection: &mut PgConnection,
    id: Uuid,
    customer: Uuid,
    order_number: Option<&str>,
    amount: Money,
) -> Result<(), Fault> {
    let name = format_name(COLLECTION, id);
    let invoice = sqlx::query!(
        "select customer_id, order_number, currency, paid, refunded from invoice where id = $1 for update",
        id
    );
    let invoice = invoice.fetch_optional(&mut *connection).await?.ok_or_else(|| Error::not_found(name.clone()))?;
    let differs = |why: &'static str| Error::precondition(ErrorReason::StateForbids, "TK64", name.clone(), why);
    if invoice.customer_id != customer {
        return Err(differs("the invoice is of the ticket's customer").into());
    }
    if order_number.is_some_and(|number| !invoice.order_number.is_empty() && invoice.order_number != number) {
        return Err(differs("the invoice is of the order that comes back").into());
    }
    if invoice.currency != amount.currency.code() {
        return Err(differs("the amount is in the invoice's currency").into());
    }
    // Only now, with the invoice locked: the sum is of its own statement and sees what others have committed.
    let sum = sqlx::query!(
        r#"select
               coalesce(sum(amount) filter (where reverses is null and state not in ('rejected', 'expired', 'failed')), 0)::bigint
                   as "asked!",
               coalesce(sum(amount) filter (where reverses is not null and state = 'settled'), 0)::bigint as "reversed!",
               coalesce(sum(case when reverses is null then amount else -amount end)
                   filter (where kind = 'refund' and state = 'settled'), 0)::bigint as "confirmed!"
           from compensation_grant where invoice_id = $1"#,
        id
    )
    .fetch_one(connection)
    .await?;
    let by_others = (invoice.refunded - sum.confirmed).max(0);
    let available = invoice.paid - (sum.asked - sum.reversed) - by_others;
    if amount.minor_units > available {
        let why = "no more is paid back than was paid";
        let refusal = Error::precondition(ErrorReason::RefundExceedsPaid, "TK64", name, why);
        return Err(refusal.with_metadata("available_minor_units", available.max(0).to_string()).into());
    }
    Ok(())
}
