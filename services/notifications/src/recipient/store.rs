//! The projection of customers.

use std::collections::HashMap;

use seva_store::{Database, Fault};
use seva_values::{AvailabilityWindows, Language};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::model::{Consent, Recipient};

/// Writes what events told, each only over an older one; of one customer the newest has to come last.
pub async fn save(connection: &mut PgConnection, heard: &[Recipient]) -> Result<(), Fault> {
    let newest: HashMap<Uuid, &Recipient> = heard.iter().map(|recipient| (recipient.customer, recipient)).collect();
    if newest.is_empty() {
        return Ok(());
    }
    let newest: Vec<&Recipient> = newest.into_values().collect();
    let customers: Vec<Uuid> = newest.iter().map(|recipient| recipient.customer).collect();
    let sequences: Vec<i64> = newest.iter().map(|recipient| recipient.sequence).collect();
    let languages: Vec<_> = newest.iter().map(|recipient| Json(&recipient.languages)).collect();
    let availability: Vec<_> = newest.iter().map(|recipient| Json(&recipient.availability)).collect();
    let has_email: Vec<bool> = newest.iter().map(|recipient| recipient.has_email).collect();
    let has_phone: Vec<bool> = newest.iter().map(|recipient| recipient.has_phone).collect();
    let tiers: Vec<&str> = newest.iter().map(|recipient| recipient.tier.as_str()).collect();
    let consents: Vec<_> = newest.iter().map(|recipient| Json(&recipient.consents)).collect();
    sqlx::query!(
        r#"insert into recipient as r (customer_id, sequence, languages, availability, has_email, has_phone, tier, consents)
           select * from unnest($1::uuid[], $2::bigint[], $3::jsonb[], $4::jsonb[], $5::bool[], $6::bool[], $7::text[], $8::jsonb[])
           on conflict on constraint recipient_pkey do update
           set sequence = excluded.sequence, languages = excluded.languages, availability = excluded.availability,
               has_email = excluded.has_email, has_phone = excluded.has_phone, tier = excluded.tier, consents = excluded.consents
           where excluded.sequence > r.sequence"#,
        &customers,
        &sequences,
        &languages as _,
        &availability as _,
        &has_email,
        &has_phone,
        &tiers as _,
        &consents as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is known of these customers.
pub async fn load(connection: &mut PgConnection, customers: &[Uuid]) -> Result<HashMap<Uuid, Recipient>, Fault> {
    let rows = sqlx::query!(
        r#"select customer_id, sequence, languages as "languages: Json<Vec<Language>>",
                  availability as "availability: Json<AvailabilityWindows>", has_email, has_phone, tier,
                  consents as "consents: Json<Vec<Consent>>"
           from recipient where customer_id = any($1)"#,
        customers
    )
    .fetch_all(connection)
    .await?;
    let recipients = rows.into_iter().map(|row| Recipient {
        customer: row.customer_id,
        sequence: row.sequence,
        languages: row.languages.0,
        availability: row.availability.0,
        has_email: row.has_email,
        has_phone: row.has_phone,
        tier: row.tier,
        consents: row.consents.0,
    });
    Ok(recipients.map(|recipient| (recipient.customer, recipient)).collect())
}

/// The language that a customer reads best, where it is known.
pub async fn first_language(db: &Database, customer: Uuid) -> Result<Option<Language>, Fault> {
    let row = sqlx::query_scalar!(
        r#"select languages as "languages: Json<Vec<Language>>" from recipient where customer_id = $1"#,
        customer
    );
    let languages = row.fetch_optional(db.calls()).await?;
    Ok(languages.and_then(|languages| languages.0.into_iter().next()))
}
