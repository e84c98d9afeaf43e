//! The projection of customers.

use std::collections::{BTreeMap, HashMap};

use seva_store::Fault;
use seva_values::{AvailabilityWindows, Language, Zone};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::model::{Recipient, Tier};
use crate::stored::malformed;

/// Writes what events told, each only over an older one.
///
/// # Errors
/// When the statement fails.
pub async fn save(connection: &mut PgConnection, heard: &[Recipient]) -> Result<(), Fault> {
    let mut newest: BTreeMap<Uuid, &Recipient> = BTreeMap::new();
    for recipient in heard {
        let known = newest.entry(recipient.customer).or_insert(recipient);
        if recipient.sequence > known.sequence {
            *known = recipient;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let newest: Vec<&Recipient> = newest.into_values().collect();
    sqlx::query!(
        "insert into recipient as r (customer_id, sequence, language, tier, zone, provisional, availability, has_email, has_phone)
         select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::jsonb[], $8::bool[], $9::bool[])
         on conflict on constraint recipient_pkey do update
         set sequence = excluded.sequence, language = excluded.language, tier = excluded.tier, zone = excluded.zone,
             provisional = excluded.provisional, availability = excluded.availability,
             has_email = excluded.has_email, has_phone = excluded.has_phone
         where excluded.sequence > r.sequence",
        &newest.iter().map(|recipient| recipient.customer).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.language.as_str()).collect::<Vec<_>>() as _,
        &newest.iter().map(|recipient| recipient.tier.name()).collect::<Vec<_>>() as _,
        &newest.iter().map(|recipient| recipient.zone.name()).collect::<Vec<_>>() as _,
        &newest.iter().map(|recipient| recipient.provisional).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.availability.as_ref().map(Json)).collect::<Vec<_>>() as _,
        &newest.iter().map(|recipient| recipient.has_email).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.has_phone).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is known of a customer; `None` for one of whom nothing was heard.
///
/// # Errors
/// When the statement fails.
pub async fn find(executor: impl PgExecutor<'_>, customer: Uuid) -> Result<Option<Recipient>, Fault> {
    Ok(find_all(executor, &[customer]).await?.pop())
}

/// What is known of these customers; those of whom nothing was heard are left out.
///
/// # Errors
/// When the statement fails.
pub async fn find_all(executor: impl PgExecutor<'_>, customers: &[Uuid]) -> Result<Vec<Recipient>, Fault> {
    let rows = sqlx::query!(
        r#"select customer_id, sequence, language, tier, zone, provisional, availability as "availability: Json<AvailabilityWindows>",
                  has_email, has_phone
           from recipient where customer_id = any($1)"#,
        customers
    )
    .fetch_all(executor)
    .await?;
    let recipients = rows.into_iter().map(|row| {
        Ok(Recipient {
            customer: row.customer_id,
            sequence: row.sequence,
            language: Language::parse(&row.language).map_err(malformed)?,
            tier: Tier::from_name(&row.tier)?,
            zone: Zone::parse(&row.zone).map_err(malformed)?,
            provisional: row.provisional,
            availability: row.availability.map(|Json(availability)| availability),
            has_email: row.has_email,
            has_phone: row.has_phone,
        })
    });
    recipients.collect()
}

/// The same by customer.
///
/// # Errors
/// When the statement fails.
pub async fn by_customer(executor: impl PgExecutor<'_>, customers: &[Uuid]) -> Result<HashMap<Uuid, Recipient>, Fault> {
    let known = find_all(executor, customers).await?;
    Ok(known.into_iter().map(|recipient| (recipient.customer, recipient)).collect())
}
