//! All SQL of orders; that of the clock's looks stands in [`looks`].

pub mod looks;

use std::collections::BTreeMap;

use jiff::Timestamp;
use seva_runtime::{Error, call::Story};
use seva_store::{Database, Fault};
use seva_values::{Currency, Invalid, Money, PromisedDate, WebLink, Zone};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::model::{Found, Item, Order, PromisedDateChange, PromisedDateOutcome, State};

/// Every read of orders begins so.
pub const SELECT: &str = "select id, version, customer_id, source, order_number, state, total_minor_units, total_currency, steps, \
     first_promised_date, first_promised_zone, current_promised_date, current_promised_zone, promised_dates, promised_at, \
     actual_delivery_at, delay_reason, carrier, tracking_number, tracking_link, source_sequence, observed_at, fresh_until, found, \
     due_at, created_at, items from customer_order";

/// An order as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct OrderRow {
    pub id: Uuid,
    pub version: i64,
    pub customer_id: Uuid,
    pub source: String,
    pub order_number: String,
    pub state: String,
    pub total_minor_units: Option<i64>,
    pub total_currency: Option<String>,
    pub steps: Json<BTreeMap<String, Timestamp>>,
    pub first_promised_date: Option<jiff_sqlx::Date>,
    pub first_promised_zone: Option<String>,
    pub current_promised_date: Option<jiff_sqlx::Date>,
    pub current_promised_zone: Option<String>,
    pub promised_dates: i32,
    pub promised_at: Option<jiff_sqlx::Timestamp>,
    pub actual_delivery_at: Option<jiff_sqlx::Timestamp>,
    pub delay_reason: String,
    pub carrier: String,
    pub tracking_number: String,
    pub tracking_link: Option<String>,
    pub source_sequence: i64,
    pub observed_at: jiff_sqlx::Timestamp,
    pub fresh_until: jiff_sqlx::Timestamp,
    pub found: String,
    pub due_at: Option<jiff_sqlx::Timestamp>,
    pub created_at: jiff_sqlx::Timestamp,
    pub items: Json<Vec<Item>>,
}

/// The orders of these ids and of these (source, number) pairs, as far as there are any.
pub async fn find(
    executor: impl PgExecutor<'_>,
    ids: &[Uuid],
    sources: &[&str],
    order_numbers: &[&str],
) -> Result<Vec<Order>, Fault> {
    let rows = sqlx::query_as!(
        OrderRow,
        r#"with wanted as (
               select id from unnest($1::uuid[]) as t (id)
               union
               select o.id from unnest($2::text[], $3::text[]) as t (source, order_number) join customer_order o using (source, order_number)
           )
           select o.id, version, customer_id, source, order_number, state, total_minor_units, total_currency,
                  steps as "steps: Json<BTreeMap<String, Timestamp>>", first_promised_date, first_promised_zone, current_promised_date,
                  current_promised_zone, promised_dates, promised_at, actual_delivery_at, delay_reason, carrier, tracking_number,
                  tracking_link, source_sequence, observed_at, fresh_until, found, due_at, created_at,
                  items as "items: Json<Vec<Item>>"
           from wanted join customer_order o on o.id = wanted.id"#,
        ids,
        sources as _,
        order_numbers as _,
    );
    let rows = rows.fetch_all(executor).await?;
    rows.into_iter().map(|row| Order::try_from(row).map_err(Fault::Decided)).collect()
}

/// The history of an order's promised days, the first one first.
pub async fn promised_dates(db: &Database, order_id: Uuid) -> Result<Vec<PromisedDateChange>, Error> {
    let rows = sqlx::query!(
        "select number, promised_date, zone, reason, promised_at from promised_date where order_id = $1 order by number",
        order_id
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let change = |number, day: jiff_sqlx::Date, zone: &str, reason, at: jiff_sqlx::Timestamp| {
        let promised_date = PromisedDate::new(day.to_jiff(), Zone::parse(zone)?);
        Ok(PromisedDateChange { number, promised_date, reason, promised_at: at.to_jiff() })
    };
    rows.into_iter()
        .map(|row| change(row.number, row.promised_date, &row.zone, row.reason, row.promised_at).map_err(unreadable))
        .collect()
}

/// An order to be saved, with the version that it had when it was loaded; 0: it is new.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    pub order: &'a Order,
    pub known_version: i64,
}

/// Saves orders; answers how many. Fewer than given: another write came first, and the transaction has to be given up.
pub async fn save(connection: &mut PgConnection, orders: &[Changed<'_>]) -> Result<usize, Fault> {
    if orders.is_empty() {
        return Ok(0);
    }
    let all = || orders.iter().map(|changed| changed.order);
    let column = |value: fn(&Order) -> &str| all().map(value).collect::<Vec<_>>();
    let times = |value: fn(&Order) -> Option<Timestamp>| {
        all().map(|order| value(order).map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>()
    };
    let days = |value: fn(&Order) -> Option<&PromisedDate>| {
        let dates: Vec<_> = all().map(|order| value(order).map(|day| jiff_sqlx::Date::from(day.date))).collect();
        let zones: Vec<_> = all().map(|order| value(order).map(|day| day.zone.name())).collect();
        (dates, zones)
    };
    let (first_dates, first_zones) = days(|order| order.first_promised_date.as_ref());
    let (current_dates, current_zones) = days(|order| order.current_promised_date.as_ref());
    let saved = sqlx::query_scalar!(
        r#"with given as (
               select * from unnest(
                   $1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
                   $10::jsonb[], $11::date[], $12::text[], $13::date[], $14::text[], $15::int[], $16::timestamptz[],
                   $17::timestamptz[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::bigint[],
                   $24::timestamptz[], $25::timestamptz[], $26::text[], $27::timestamptz[], $28::timestamptz[], $29::jsonb[]
               ) as t (
                   id, known_version, version, customer_id, source, order_number, state, total_minor_units, total_currency,
                   steps, first_promised_date, first_promised_zone, current_promised_date, current_promised_zone, promised_dates, promised_at,
                   actual_delivery_at, promised_date_outcome, delay_reason, carrier, tracking_number, tracking_link, source_sequence,
                   observed_at, fresh_until, found, due_at, created_at, items
               )
           ), updated as (
               update customer_order o
               set version = g.version, state = g.state, total_minor_units = g.total_minor_units, total_currency = g.total_currency,
                   steps = g.steps, first_promised_date = g.first_promised_date, first_promised_zone = g.first_promised_zone,
                   current_promised_date = g.current_promised_date, current_promised_zone = g.current_promised_zone,
                   promised_dates = g.promised_dates, promised_at = g.promised_at, actual_delivery_at = g.actual_delivery_at,
                   promised_date_outcome = g.promised_date_outcome, delay_reason = g.delay_reason, carrier = g.carrier,
                   tracking_number = g.tracking_number, tracking_link = g.tracking_link, source_sequence = g.source_sequence,
                   observed_at = g.observed_at, fresh_until = g.fresh_until, found = g.found, due_at = g.due_at,
                   items = g.items,
                   -- What is due next is nobody's yet; a worker that still holds the order finds its version gone.
                   leased_until = '-infinity'
               from given g
               where o.id = g.id and o.version = g.known_version
               returning o.id
           ), inserted as (
               insert into customer_order (
                   id, version, customer_id, source, order_number, state, total_minor_units, total_currency, steps,
                   first_promised_date, first_promised_zone, current_promised_date, current_promised_zone, promised_dates, promised_at,
                   actual_delivery_at, promised_date_outcome, delay_reason, carrier, tracking_number, tracking_link, source_sequence,
                   observed_at, fresh_until, found, due_at, created_at, items
               )
               select id, version, customer_id, source, order_number, state, total_minor_units, total_currency, steps,
                      first_promised_date, first_promised_zone, current_promised_date, current_promised_zone, promised_dates, promised_at,
                      actual_delivery_at, promised_date_outcome, delay_reason, carrier, tracking_number, tracking_link, source_sequence,
                      observed_at, fresh_until, found, due_at, created_at, items
               from given where known_version = 0
               returning id
           )
           select (select count(*) from updated) + (select count(*) from inserted) as "count!""#,
        &all().map(|order| order.id).collect::<Vec<_>>(),
        &orders.iter().map(|changed| changed.known_version).collect::<Vec<_>>(),
        &all().map(|order| order.version).collect::<Vec<_>>(),
        &all().map(|order| order.customer_id).collect::<Vec<_>>(),
        &column(|order| &order.source) as _,
        &column(|order| &order.order_number) as _,
        &column(|order| order.state.name()) as _,
        &all().map(|order| order.total.map(|total| total.minor_units)).collect::<Vec<_>>() as _,
        &all().map(|order| order.total.map(|total| total.currency.code())).collect::<Vec<_>>() as _,
        &all().map(steps).collect::<Vec<_>>() as _,
        &first_dates as _,
        &first_zones as _,
        &current_dates as _,
        &current_zones as _,
        &all().map(|order| order.promised_dates).collect::<Vec<_>>(),
        &times(|order| order.promised_at) as _,
        &times(|order| order.actual_delivery_at) as _,
        &all().map(|order| order.promised_date_outcome().map(PromisedDateOutcome::name)).collect::<Vec<_>>() as _,
        &column(|order| &order.delay_reason) as _,
        &column(|order| &order.carrier) as _,
        &column(|order| &order.tracking_number) as _,
        &all().map(|order| order.tracking_link.as_ref().map(WebLink::as_str)).collect::<Vec<_>>() as _,
        &all().map(|order| order.source_sequence).collect::<Vec<_>>(),
        &times(|order| Some(order.observed_at)) as _,
        &times(|order| Some(order.fresh_until)) as _,
        &column(|order| order.found.name()) as _,
        &times(|order| order.due_at) as _,
        &times(|order| Some(order.created_at)) as _,
        &all().map(|order| Json(&order.items)).collect::<Vec<_>>() as _,
    );
    Ok(saved.fetch_one(connection).await?.try_into().expect("a count is not negative"))
}

/// An entry for the history of an order's promised days.
#[derive(Debug)]
pub struct Promise {
    pub order_id: Uuid,
    pub change: PromisedDateChange,
    /// The story of what follows from it.
    pub aftermath: Story,
}

/// Appends to the histories of promised days (CU13).
pub async fn append_promised_dates(connection: &mut PgConnection, promises: &[Promise]) -> Result<(), Fault> {
    if promises.is_empty() {
        return Ok(());
    }
    let all = || promises.iter().map(|promise| &promise.change);
    let stories = || promises.iter().map(|promise| &promise.aftermath);
    sqlx::query!(
        "insert into promised_date (
             order_id, number, promised_date, zone, reason, promised_at, correlation_id, causation_id, hops, traceparent
         )
         select * from unnest(
             $1::uuid[], $2::int[], $3::date[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::smallint[], $10::text[]
         )",
        &promises.iter().map(|promise| promise.order_id).collect::<Vec<_>>(),
        &all().map(|change| change.number).collect::<Vec<_>>(),
        &all().map(|change| jiff_sqlx::Date::from(change.promised_date.date)).collect::<Vec<_>>() as _,
        &all().map(|change| change.promised_date.zone.name()).collect::<Vec<_>>() as _,
        &all().map(|change| change.reason.as_str()).collect::<Vec<_>>() as _,
        &all().map(|change| jiff_sqlx::Timestamp::from(change.promised_at)).collect::<Vec<_>>() as _,
        &stories().map(|story| story.correlation_id.as_str()).collect::<Vec<_>>() as _,
        &stories().map(|story| story.causation_id.as_str()).collect::<Vec<_>>() as _,
        &stories().map(|story| story.hops).collect::<Vec<_>>(),
        &stories().map(|story| story.traceparent.as_deref()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// When each step became true, by the step's name.
fn steps(order: &Order) -> Json<BTreeMap<&'static str, Timestamp>> {
    Json(order.steps.iter().map(|(step, at)| (step.name(), *at)).collect())
}

impl TryFrom<OrderRow> for Order {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: OrderRow) -> Result<Self, Error> {
        read(row).map_err(unreadable)
    }
}

fn unreadable(invalid: Invalid) -> Error {
    Error::internal(format!("a stored order cannot be read: {invalid}"))
}

fn read(row: OrderRow) -> Result<Order, Invalid> {
    let OrderRow {
        id,
        version,
        customer_id,
        source,
        order_number,
        state,
        total_minor_units,
        total_currency,
        steps: Json(steps),
        first_promised_date,
        first_promised_zone,
        current_promised_date,
        current_promised_zone,
        promised_dates,
        promised_at,
        actual_delivery_at,
        delay_reason,
        carrier,
        tracking_number,
        tracking_link,
        source_sequence,
        observed_at,
        fresh_until,
        found,
        due_at,
        created_at,
        items: Json(items),
    } = row;
    let money = |(minor_units, currency): (i64, String)| Ok(Money::new(minor_units, Currency::parse(&currency)?));
    Ok(Order {
        id,
        version,
        customer_id,
        source,
        order_number,
        state: State::from_name(&state)?,
        total: total_minor_units.zip(total_currency).map(money).transpose()?,
        steps: steps.iter().map(|(name, at)| Ok((State::from_name(name)?, *at))).collect::<Result<_, Invalid>>()?,
        first_promised_date: promised(first_promised_date, first_promised_zone)?,
        current_promised_date: promised(current_promised_date, current_promised_zone)?,
        promised_dates,
        promised_at: promised_at.map(jiff_sqlx::Timestamp::to_jiff),
        actual_delivery_at: actual_delivery_at.map(jiff_sqlx::Timestamp::to_jiff),
        delay_reason,
        carrier,
        tracking_number,
        tracking_link: tracking_link.map(|link| WebLink::parse(&link)).transpose()?,
        source_sequence,
        observed_at: observed_at.to_jiff(),
        fresh_until: fresh_until.to_jiff(),
        found: Found::from_name(&found)?,
        due_at: due_at.map(jiff_sqlx::Timestamp::to_jiff),
        created_at: created_at.to_jiff(),
        items,
    })
}

/// A day of two columns.
pub(crate) fn promised(date: Option<jiff_sqlx::Date>, zone: Option<String>) -> Result<Option<PromisedDate>, Invalid> {
    let day = |(date, zone): (jiff_sqlx::Date, String)| Ok(PromisedDate::new(date.to_jiff(), Zone::parse(&zone)?));
    date.zip(zone).map(day).transpose()
}

/// Gives the variants of an enum the names under which they are stored.
macro_rules! stored_names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name under which it is stored.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads the stored name.
            pub fn from_name(name: &str) -> Result<Self, Invalid> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    other => Err(Invalid::new("STORED_NAME_UNKNOWN", format!("{other} is no {}", stringify!($type)))),
                }
            }
        }
    };
}

stored_names!(State {
    Placed = "placed",
    Confirmed = "confirmed",
    InManufacture = "in_manufacture",
    HandedToCarrier = "handed_to_carrier",
    InTransit = "in_transit",
    OutForDelivery = "out_for_delivery",
    Delivered = "delivered",
    Canceled = "canceled",
    Unavailable = "unavailable",
});
stored_names!(Found { Nothing = "nothing", AtRisk = "at_risk", Missed = "missed" });
stored_names!(PromisedDateOutcome { Open = "open", Kept = "kept", Broken = "broken", Withdrawn = "withdrawn" });
