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

/// Writes what events told, each only over an older one, in the order of ids. Of several events of an invoice each is written by itself: what it
/// adds is one refund.
///
/// # Errors
/// When a statement fails.
pub async fn save(connection: &mut PgConnection, heard: &[Invoice]) -> Result<(), Fault> {
    let mut rest: BTreeMap<Uuid, BTreeMap<i64, &Invoice>> = BTreeMap::new();
    for invoice in heard {
        rest.entry(invoice.id).or_default().insert(invoice.sequence, invoice);
    }
    loop {
        let next = rest.values_mut().filter_map(BTreeMap::pop_first).map(|(_, invoice)| invoice);
        let next: Vec<&Invoice> = next.collect();
        if next.is_empty() {
            return Ok(());
        }
        save_one_of_each(connection, &next).await?;
    }
}

async fn save_one_of_each(connection: &mut PgConnection, heard: &[&Invoice]) -> Result<(), Fault> {
    sqlx::query!(
        "insert into invoice as i (id, sequence, customer_id, order_number, currency, paid, refunded, refunds)
         select h.*, array_remove(array[h.refunded], 0)
         from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
              as h (id, sequence, customer_id, order_number, currency, paid, refunded)
         on conflict on constraint invoice_pkey do update
         set sequence = excluded.sequence, order_number = excluded.order_number, paid = excluded.paid, refunded = excluded.refunded,
             refunds = i.refunds || array_remove(array[excluded.refunded - i.refunded], 0)
         where excluded.sequence > i.sequence",
        &heard.iter().map(|invoice| invoice.id).collect::<Vec<_>>(),
        &heard.iter().map(|invoice| invoice.sequence).collect::<Vec<_>>(),
        &heard.iter().map(|invoice| invoice.customer).collect::<Vec<_>>(),
        &heard.iter().map(|invoice| invoice.order_number.clone()).collect::<Vec<_>>(),
        &heard.iter().map(|invoice| invoice.paid.currency.code()).collect::<Vec<_>>() as _,
        &heard.iter().map(|invoice| invoice.paid.minor_units).collect::<Vec<_>>(),
        &heard.iter().map(|invoice| invoice.refunded).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// TK64: locks an invoice of a customer until the transaction ends, and refuses to pay back more of it than is left; of a return it is the invoice
/// of its order (TK72).
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
    let invoice = lock(connection, id).await?;
    let differs = |invariant: &'static str, why: &'static str| {
        Fault::Decided(Error::precondition(ErrorReason::StateForbids, invariant, format_name(COLLECTION, id), why))
    };
    if invoice.customer != customer {
        return Err(differs("TK64", "the invoice is of the ticket's customer"));
    }
    // One of which nobody has said for which order it is may be any order's.
    if order_number.is_some_and(|number| number.is_empty() || invoice.order_number != number) {
        return Err(differs("TK72", "the invoice names the order that comes back"));
    }
    if invoice.currency != amount.currency.code() {
        return Err(differs("TK64", "the amount is in the invoice's currency"));
    }
    if amount.minor_units > invoice.available {
        return Err(exceeds(id, invoice.available));
    }
    Ok(())
}

/// TK64: locks an invoice until the transaction ends, and refuses when what was set aside of it is not left any more: others may have paid back
/// since.
///
/// # Errors
/// `REFUND_EXCEEDS_PAID`.
pub async fn is_left(connection: &mut PgConnection, id: Uuid) -> Result<(), Fault> {
    let invoice = lock(connection, id).await?;
    if invoice.available < 0 { Err(exceeds(id, invoice.available)) } else { Ok(()) }
}

fn exceeds(id: Uuid, available: i64) -> Fault {
    let why = "no more is paid back than was paid";
    let refusal = Error::precondition(ErrorReason::RefundExceedsPaid, "TK64", format_name(COLLECTION, id), why);
    refusal.with_metadata("available_minor_units", available.max(0).to_string()).into()
}

/// A locked invoice, and what is left of it to pay back; less than nothing when others have paid back what was set aside.
struct Locked {
    customer: Uuid,
    order_number: String,
    currency: String,
    available: i64,
}

/// Locks an invoice. What is under way counts as paid back, and so does what others have paid back.
async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Locked, Fault> {
    let invoice = sqlx::query!(
        "select customer_id, order_number, currency, paid, refunds, by_others from invoice where id = $1 for update",
        id
    );
    let invoice = invoice.fetch_optional(&mut *connection).await?;
    let invoice = invoice.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?;
    // Only now, with the invoice locked: the sum is of its own statement and sees what others have committed.
    let sum = sqlx::query!(
        r#"select
               coalesce(sum(amount) filter (where reverses is null and state not in ('rejected', 'expired', 'failed')), 0)::bigint
                   as "asked!",
               coalesce(sum(amount) filter (where reverses is not null and state = 'settled'), 0)::bigint as "reversed!",
               coalesce(array_agg(amount) filter (where kind = 'refund' and reverses is null and state = 'settled' and not is_reversed), '{}')
                   as "confirmed!",
               coalesce(array_agg(amount) filter (where kind = 'refund' and reverses is null and state in ('issued', 'settled')), '{}')
                   as "told!"
           from (
               select *, exists (select from compensation_grant r where r.reverses = g.id and r.state = 'settled') as is_reversed
               from compensation_grant g where invoice_id = $1
           ) as of_invoice"#,
        id
    );
    let sum = sum.fetch_one(&mut *connection).await?;
    // What billing had not been told of before it paid back is not ours, whatever has the same amount later.
    let surely = by_others(&invoice.refunds, &sum.told);
    if surely > invoice.by_others {
        let keep = sqlx::query!("update invoice set by_others = $2 where id = $1", id, surely);
        keep.execute(connection).await?;
    }
    let others = by_others(&invoice.refunds, &sum.confirmed).max(surely).max(invoice.by_others);
    let available = invoice.paid - (sum.asked - sum.reversed) - others;
    let (customer, order_number, currency) = (invoice.customer_id, invoice.order_number, invoice.currency);
    Ok(Locked { customer, order_number, currency, available })
}

/// What others have paid back: billing reports each refund by itself, so that ours are known by their amounts, in whichever order the report and
/// the confirmation come. Less than nothing is the report that one was taken back.
pub(super) fn by_others(refunds: &[i64], ours: &[i64]) -> i64 {
    let mut times: BTreeMap<i64, i64> = BTreeMap::new();
    for refund in refunds {
        *times.entry(refund.abs()).or_default() += refund.signum();
    }
    for amount in ours {
        *times.entry(*amount).or_default() -= 1;
    }
    times.into_iter().map(|(amount, times)| amount * times.max(0)).sum()
}
