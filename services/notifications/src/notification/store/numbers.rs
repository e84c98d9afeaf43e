//! The numbers of tickets, which messages about what belongs to a ticket carry.

use std::collections::HashMap;

use seva_store::Fault;
use sqlx::PgConnection;

/// Keeps the numbers of tickets, each given as its name and its number.
pub async fn save_numbers(connection: &mut PgConnection, numbers: &[(String, String)]) -> Result<(), Fault> {
    if numbers.is_empty() {
        return Ok(());
    }
    let (tickets, numbers): (Vec<&str>, Vec<&str>) =
        numbers.iter().map(|(ticket, number)| (ticket.as_str(), number.as_str())).unzip();
    sqlx::query!(
        "insert into known_ticket (ticket, number) select * from unnest($1::text[], $2::text[])
         on conflict on constraint known_ticket_pkey do nothing",
        &tickets as _,
        &numbers as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The numbers of these tickets, as far as they are known.
pub async fn load_numbers(connection: &mut PgConnection, tickets: &[&str]) -> Result<HashMap<String, String>, Fault> {
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!("select ticket, number from known_ticket where ticket = any($1)", tickets as _);
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.ticket, row.number)).collect())
}
