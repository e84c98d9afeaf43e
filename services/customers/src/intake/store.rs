//! Writes what a batch has changed, a statement for each sort.

use seva_runtime::clock::machine_now;
use seva_store::Fault;
use seva_values::new_id;
use sqlx::{PgConnection, types::Json};

use super::{envelope::MAX_BYTES, fold::Changes, parse::Received};
use crate::{customer::model::Customer, events, invoice, order};

/// Writes everything, the events last.
///
/// # Errors
/// [`Fault::Serialization`] when another write came between the reading and the writing.
pub async fn write(
    connection: &mut PgConnection,
    actor: &str,
    batch: &[Received],
    changes: &Changes,
) -> Result<(), Fault> {
    customers(connection, changes).await?;
    contact_points(connection, changes).await?;
    external_refs(connection, changes).await?;
    let orders: Vec<_> = changes
        .orders
        .values()
        .map(|(order, known_version)| order::store::Changed { order, known_version: *known_version })
        .collect();
    all_saved(order::store::save(connection, &orders).await?, orders.len())?;
    order::store::append_promised_dates(connection, &changes.promises).await?;
    let invoices: Vec<_> = changes
        .invoices
        .values()
        .map(|(invoice, known_version)| invoice::store::Changed { invoice, known_version: *known_version })
        .collect();
    all_saved(invoice::store::save(connection, &invoices).await?, invoices.len())?;
    remember(connection, batch, changes).await?;
    quarantine(connection, batch, &changes.quarantined).await?;
    events::tell(connection, actor, &changes.told).await
}

/// Fewer saved than given: a version has moved on since it was read, and to write over it would tear a hole (CU23).
fn all_saved(saved: usize, given: usize) -> Result<(), Fault> {
    if saved == given { Ok(()) } else { Err(Fault::Serialization) }
}

async fn customers(connection: &mut PgConnection, changes: &Changes) -> Result<(), Fault> {
    if changes.customers.is_empty() {
        return Ok(());
    }
    let all = || changes.customers.values().map(|(customer, _)| customer);
    let column = |value: fn(&Customer) -> &str| all().map(value).collect::<Vec<_>>();
    let languages =
        |customer: &Customer| customer.languages.iter().map(|language| language.as_str()).collect::<Vec<_>>().join(",");
    let saved = sqlx::query_scalar!(
        r#"with given as (
               select * from unnest(
                   $1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::text[],
                   $10::bool[], $11::timestamptz[], $12::bigint[], $13::timestamptz[], $14::timestamptz[]
               ) as t (
                   id, known_version, version, given_name, family_name, languages, zone, availability, tier, provisional,
                   first_order_at, order_count, created_at, updated_at
               )
           ), updated as (
               update customer c
               set version = g.version, given_name = g.given_name, family_name = g.family_name,
                   languages = string_to_array(g.languages, ','), zone = g.zone, availability = g.availability,
                   first_order_at = g.first_order_at, order_count = g.order_count, updated_at = g.updated_at
               from given g
               where c.id = g.id and c.version = g.known_version
               returning c.id
           ), inserted as (
               insert into customer (
                   id, version, given_name, family_name, languages, zone, availability, tier, provisional, first_order_at,
                   order_count, created_at, updated_at
               )
               select id, version, given_name, family_name, string_to_array(languages, ','), zone, availability, tier, provisional,
                      first_order_at, order_count, created_at, updated_at
               from given where known_version = 0
               returning id
           )
           select (select count(*) from updated) + (select count(*) from inserted) as "count!""#,
        &all().map(|customer| customer.id).collect::<Vec<_>>(),
        &changes.customers.values().map(|(_, known_version)| *known_version).collect::<Vec<_>>(),
        &all().map(|customer| customer.version).collect::<Vec<_>>(),
        &column(|customer| &customer.given_name) as _,
        &column(|customer| &customer.family_name) as _,
        &all().map(languages).collect::<Vec<_>>(),
        &column(|customer| customer.zone.name()) as _,
        &all().map(|customer| Json(&customer.availability)).collect::<Vec<_>>() as _,
        &column(|customer| customer.tier.name()) as _,
        &all().map(|customer| customer.provisional).collect::<Vec<_>>(),
        &all().map(|customer| customer.first_order_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
        &all().map(|customer| customer.order_count).collect::<Vec<_>>(),
        &all().map(|customer| jiff_sqlx::Timestamp::from(customer.created_at)).collect::<Vec<_>>() as _,
        &all().map(|customer| jiff_sqlx::Timestamp::from(customer.updated_at)).collect::<Vec<_>>() as _,
    );
    let saved = saved.fetch_one(connection).await?;
    all_saved(saved.try_into().expect("a count is not negative"), changes.customers.len())
}

/// Adds contact points, in one order for all writers. A point that somebody else has got since it was looked for violates CU1: the batch is
/// tried again, and leaves it out then.
async fn contact_points(connection: &mut PgConnection, changes: &Changes) -> Result<(), Fault> {
    if changes.contact_points.is_empty() {
        return Ok(());
    }
    let all = || changes.contact_points.iter().map(|(_, point, _)| point);
    let number = |number: usize| i16::try_from(number).expect("a customer has few points");
    sqlx::query!(
        "insert into contact_point (customer_id, kind, value, is_primary, shared, verified_at, number)
         select t.customer_id, t.kind, t.value, true, t.shared, null, t.number
         from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::smallint[]) as t (customer_id, kind, value, shared, number)
         order by t.kind, t.value",
        &changes.contact_points.iter().map(|(customer_id, ..)| *customer_id).collect::<Vec<_>>(),
        &all().map(|point| point.address.kind()).collect::<Vec<_>>() as _,
        &all().map(|point| point.address.as_str()).collect::<Vec<_>>() as _,
        &all().map(|point| point.shared).collect::<Vec<_>>(),
        &changes.contact_points.iter().map(|(.., at)| number(*at)).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn external_refs(connection: &mut PgConnection, changes: &Changes) -> Result<(), Fault> {
    if changes.external_refs.is_empty() {
        return Ok(());
    }
    let all = || changes.external_refs.iter().map(|(known_as, _)| known_as);
    sqlx::query!(
        "insert into external_ref (system, foreign_id, customer_id)
         select * from unnest($1::text[], $2::text[], $3::uuid[]) as t (system, foreign_id, customer_id) order by 1, 2",
        &all().map(|known_as| known_as.system.as_str()).collect::<Vec<_>>() as _,
        &all().map(|known_as| known_as.id.as_str()).collect::<Vec<_>>() as _,
        &changes.external_refs.iter().map(|(_, customer_id)| *customer_id).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Remembers the identities of events (CU22).
async fn remember(connection: &mut PgConnection, batch: &[Received], changes: &Changes) -> Result<(), Fault> {
    if changes.remembered.is_empty() {
        return Ok(());
    }
    let all = || changes.remembered.iter().map(|(number, ..)| &batch[*number]);
    sqlx::query!(
        "insert into intake_event (source, id, hash, outcome, subject, received_at)
         select t.*, $6 from unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[]) as t order by 1, 2",
        &all().map(|event| event.source.as_str()).collect::<Vec<_>>() as _,
        &all().map(|event| event.id.as_str()).collect::<Vec<_>>() as _,
        &all().map(|event| event.canonical.hash.as_slice()).collect::<Vec<_>>() as _,
        &changes.remembered.iter().map(|(_, outcome, _)| *outcome).collect::<Vec<_>>() as _,
        &changes.remembered.iter().map(|(.., subject)| subject.as_str()).collect::<Vec<_>>() as _,
        jiff_sqlx::Timestamp::from(machine_now()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the bodies of refused events; one that comes again and again is kept once.
pub async fn quarantine(
    connection: &mut PgConnection,
    batch: &[Received],
    quarantined: &[(usize, &'static str)],
) -> Result<(), Fault> {
    if quarantined.is_empty() {
        return Ok(());
    }
    let all = || quarantined.iter().map(|(number, _)| &batch[*number]);
    let body = |event: &Received| event.canonical.bytes[..event.canonical.bytes.len().min(MAX_BYTES)].to_vec();
    sqlx::query!(
        "insert into intake_quarantine (id, source, event_id, reason, foreign_customer_id, hash, body, received_at)
         select t.*, $8
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[]) as t
         on conflict on constraint intake_quarantine_once do nothing",
        &all().map(|_| new_id()).collect::<Vec<_>>(),
        &all().map(|event| storable(&event.source)).collect::<Vec<_>>(),
        &all().map(|event| storable(&event.id)).collect::<Vec<_>>(),
        &quarantined.iter().map(|(_, reason)| *reason).collect::<Vec<_>>() as _,
        &all().map(|event| event.foreign_customer_id.as_deref().map(storable)).collect::<Vec<_>>() as _,
        &all().map(|event| event.canonical.hash.as_slice()).collect::<Vec<_>>() as _,
        &all().map(body).collect::<Vec<_>>(),
        jiff_sqlx::Timestamp::from(machine_now()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A text of a refused event as a column can hold it: without NUL, and short enough for an index.
fn storable(text: &str) -> String {
    text[..text.floor_char_boundary(255)].replace('\0', "\u{FFFD}")
}
