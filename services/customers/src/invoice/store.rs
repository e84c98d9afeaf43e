//! All SQL of invoices.

use seva_runtime::Error;
use seva_store::Fault;
use seva_values::{Currency, Invalid};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::model::{Invoice, State};
use crate::order::store::promised;

/// An invoice as the database holds it.
#[derive(Debug)]
struct InvoiceRow {
    id: Uuid,
    version: i64,
    customer_id: Uuid,
    source: String,
    invoice_number: String,
    order_number: String,
    state: String,
    currency: String,
    amount_minor_units: Option<i64>,
    paid_minor_units: i64,
    refunded_minor_units: i64,
    failed_payments: i32,
    due_date: Option<jiff_sqlx::Date>,
    due_zone: Option<String>,
    source_sequence: i64,
    observed_at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
}

/// The invoices of these (source, number) pairs, as far as there are any.
pub async fn find(
    executor: impl PgExecutor<'_>,
    sources: &[&str],
    invoice_numbers: &[&str],
) -> Result<Vec<Invoice>, Fault> {
    let rows = sqlx::query_as!(
        InvoiceRow,
        "select i.id, i.version, i.customer_id, i.source, i.invoice_number, i.order_number, i.state, i.currency, i.amount_minor_units,
                i.paid_minor_units, i.refunded_minor_units, i.failed_payments, i.due_date, i.due_zone, i.source_sequence, i.observed_at,
                i.created_at
         from unnest($1::text[], $2::text[]) as t (source, invoice_number)
         join invoice i on i.source = t.source and i.invoice_number = t.invoice_number",
        sources as _,
        invoice_numbers as _,
    );
    read_all(rows.fetch_all(executor).await?)
}

/// The newest invoices of a customer, newest first.
pub async fn newest_of(executor: impl PgExecutor<'_>, customer_id: Uuid, limit: i64) -> Result<Vec<Invoice>, Fault> {
    let rows = sqlx::query_as!(
        InvoiceRow,
        "select id, version, customer_id, source, invoice_number, order_number, state, currency, amount_minor_units, paid_minor_units,
                refunded_minor_units, failed_payments, due_date, due_zone, source_sequence, observed_at, created_at
         from invoice where customer_id = $1 order by created_at desc, id desc limit $2",
        customer_id,
        limit,
    );
    read_all(rows.fetch_all(executor).await?)
}

/// An invoice to be saved, with the version that it had when it was loaded; 0: it is new.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    pub invoice: &'a Invoice,
    pub known_version: i64,
}

/// Saves invoices; answers how many. Fewer than given: another write came first, and the transaction has to be given up.
pub async fn save(connection: &mut PgConnection, invoices: &[Changed<'_>]) -> Result<usize, Fault> {
    if invoices.is_empty() {
        return Ok(0);
    }
    let all = || invoices.iter().map(|changed| changed.invoice);
    let column = |value: fn(&Invoice) -> &str| all().map(value).collect::<Vec<_>>();
    let numbers = |value: fn(&Invoice) -> i64| all().map(value).collect::<Vec<_>>();
    let saved = sqlx::query_scalar!(
        r#"with given as (
               select * from unnest(
                   $1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                   $10::bigint[], $11::bigint[], $12::bigint[], $13::int[], $14::date[], $15::text[], $16::bigint[],
                   $17::timestamptz[], $18::timestamptz[]
               ) as t (
                   id, known_version, version, customer_id, source, invoice_number, order_number, state, currency, amount_minor_units,
                   paid_minor_units, refunded_minor_units, failed_payments, due_date, due_zone, source_sequence, observed_at, created_at
               )
           ), updated as (
               update invoice i
               set version = g.version, order_number = g.order_number, state = g.state, amount_minor_units = g.amount_minor_units,
                   paid_minor_units = g.paid_minor_units, refunded_minor_units = g.refunded_minor_units,
                   failed_payments = g.failed_payments, due_date = g.due_date, due_zone = g.due_zone,
                   source_sequence = g.source_sequence, observed_at = g.observed_at
               from given g
               where i.id = g.id and i.version = g.known_version
               returning i.id
           ), inserted as (
               insert into invoice (
                   id, version, customer_id, source, invoice_number, order_number, state, currency, amount_minor_units,
                   paid_minor_units, refunded_minor_units, failed_payments, due_date, due_zone, source_sequence, observed_at, created_at
               )
               select id, version, customer_id, source, invoice_number, order_number, state, currency, amount_minor_units,
                      paid_minor_units, refunded_minor_units, failed_payments, due_date, due_zone, source_sequence, observed_at, created_at
               from given where known_version = 0
               returning id
           )
           select (select count(*) from updated) + (select count(*) from inserted) as "count!""#,
        &all().map(|invoice| invoice.id).collect::<Vec<_>>(),
        &invoices.iter().map(|changed| changed.known_version).collect::<Vec<_>>(),
        &numbers(|invoice| invoice.version),
        &all().map(|invoice| invoice.customer_id).collect::<Vec<_>>(),
        &column(|invoice| &invoice.source) as _,
        &column(|invoice| &invoice.invoice_number) as _,
        &column(|invoice| &invoice.order_number) as _,
        &column(|invoice| invoice.state.name()) as _,
        &column(|invoice| invoice.currency.code()) as _,
        &all().map(|invoice| invoice.amount).collect::<Vec<_>>() as _,
        &numbers(|invoice| invoice.paid),
        &numbers(|invoice| invoice.refunded),
        &all().map(|invoice| invoice.failed_payments).collect::<Vec<_>>(),
        &all().map(|invoice| invoice.due_date.as_ref().map(|due| jiff_sqlx::Date::from(due.date))).collect::<Vec<_>>()
            as _,
        &all().map(|invoice| invoice.due_date.as_ref().map(|due| due.zone.name())).collect::<Vec<_>>() as _,
        &numbers(|invoice| invoice.source_sequence),
        &all().map(|invoice| jiff_sqlx::Timestamp::from(invoice.observed_at)).collect::<Vec<_>>() as _,
        &all().map(|invoice| jiff_sqlx::Timestamp::from(invoice.created_at)).collect::<Vec<_>>() as _,
    );
    Ok(saved.fetch_one(connection).await?.try_into().expect("a count is not negative"))
}

fn read_all(rows: Vec<InvoiceRow>) -> Result<Vec<Invoice>, Fault> {
    let unreadable = |invalid| Fault::Decided(Error::internal(format!("a stored invoice cannot be read: {invalid}")));
    rows.into_iter().map(|row| read(row).map_err(unreadable)).collect()
}

fn read(row: InvoiceRow) -> Result<Invoice, Invalid> {
    let InvoiceRow {
        id,
        version,
        customer_id,
        source,
        invoice_number,
        order_number,
        state,
        currency,
        amount_minor_units,
        paid_minor_units,
        refunded_minor_units,
        failed_payments,
        due_date,
        due_zone,
        source_sequence,
        observed_at,
        created_at,
    } = row;
    Ok(Invoice {
        id,
        version,
        customer_id,
        source,
        invoice_number,
        order_number,
        state: State::from_name(&state)?,
        currency: Currency::parse(&currency)?,
        amount: amount_minor_units,
        paid: paid_minor_units,
        refunded: refunded_minor_units,
        failed_payments,
        due_date: promised(due_date, due_zone)?,
        source_sequence,
        observed_at: observed_at.to_jiff(),
        created_at: created_at.to_jiff(),
    })
}

impl State {
    /// The name under which it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::PaymentFailed => "payment_failed",
            Self::Paid => "paid",
            Self::Refunded => "refunded",
        }
    }

    /// Reads the stored name.
    pub fn from_name(name: &str) -> Result<Self, Invalid> {
        let all = [Self::Issued, Self::PaymentFailed, Self::Paid, Self::Refunded];
        let unknown = || Invalid::new("STORED_NAME_UNKNOWN", format!("{name} is no state of an invoice"));
        all.into_iter().find(|state| state.name() == name).ok_or_else(unknown)
    }
}
