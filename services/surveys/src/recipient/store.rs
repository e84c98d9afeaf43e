//! The projections of customers and of their tickets.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use seva_store::Fault;
use seva_values::Language;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{KnownTicket, Recipient};
use crate::stored::malformed;

/// Writes what events told of customers, each only over an older one or itself: a cursor that is set back fills in what was not kept before.
pub async fn save(connection: &mut PgConnection, heard: &[Recipient]) -> Result<(), Fault> {
    let newest = newest(heard, |recipient| (recipient.customer, recipient.sequence));
    if newest.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into recipient as r (customer_id, sequence, language, has_email, mailbox_id, can_be_asked)
         select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bool[], $5::uuid[], $6::bool[])
         on conflict on constraint recipient_pkey do update
         set sequence = excluded.sequence, language = excluded.language, has_email = excluded.has_email,
             mailbox_id = excluded.mailbox_id, can_be_asked = excluded.can_be_asked
         where excluded.sequence >= r.sequence",
        &newest.iter().map(|recipient| recipient.customer).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.language.as_str()).collect::<Vec<_>>() as _,
        &newest.iter().map(|recipient| recipient.has_email).collect::<Vec<_>>(),
        &newest.iter().map(|recipient| recipient.mailbox).collect::<Vec<_>>() as _,
        &newest.iter().map(|recipient| recipient.can_be_asked).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what events told of tickets, each only over an older one; the last contact is the last that was told of, by whichever event.
pub async fn save_tickets(connection: &mut PgConnection, heard: &[KnownTicket]) -> Result<(), Fault> {
    let newest = newest(heard, |ticket| (ticket.ticket, ticket.sequence));
    if newest.is_empty() {
        return Ok(());
    }
    let mut contacts: HashMap<Uuid, Timestamp> = HashMap::new();
    for (ticket, at) in heard.iter().filter_map(|ticket| Some((ticket.ticket, ticket.contacted_at?))) {
        let last = contacts.entry(ticket).or_insert(at);
        *last = at.max(*last);
    }
    let contacted_at = |ticket: &&KnownTicket| contacts.get(&ticket.ticket).copied().map(jiff_sqlx::Timestamp::from);
    sqlx::query!(
        "insert into known_ticket as t (ticket_id, customer_id, sequence, is_open, contacted_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bool[], $5::timestamptz[])
         on conflict on constraint known_ticket_pkey do update
         set customer_id = excluded.customer_id, sequence = excluded.sequence, is_open = excluded.is_open,
             contacted_at = greatest(t.contacted_at, excluded.contacted_at)
         where excluded.sequence >= t.sequence",
        &newest.iter().map(|ticket| ticket.ticket).collect::<Vec<_>>(),
        &newest.iter().map(|ticket| ticket.customer).collect::<Vec<_>>(),
        &newest.iter().map(|ticket| ticket.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|ticket| ticket.is_open).collect::<Vec<_>>(),
        &newest.iter().map(contacted_at).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest word on each, in the order of their ids: writers that wait for each other's rows never do so in a circle.
fn newest<T>(heard: &[T], place: impl Fn(&T) -> (Uuid, i64)) -> Vec<&T> {
    let mut newest: BTreeMap<Uuid, &T> = BTreeMap::new();
    for one in heard {
        let (id, sequence) = place(one);
        let known = newest.entry(id).or_insert(one);
        if sequence > place(known).1 {
            *known = one;
        }
    }
    newest.into_values().collect()
}

/// What is known of these customers; those of whom nothing was heard are left out.
pub async fn find(connection: &mut PgConnection, customers: &[Uuid]) -> Result<HashMap<Uuid, Recipient>, Fault> {
    let rows = sqlx::query!(
        "select customer_id, sequence, language, has_email, mailbox_id, can_be_asked from recipient where customer_id = any($1)",
        customers
    )
    .fetch_all(connection)
    .await?;
    let recipients = rows.into_iter().map(|row| {
        let recipient = Recipient {
            customer: row.customer_id,
            sequence: row.sequence,
            language: Language::parse(&row.language).map_err(malformed)?,
            has_email: row.has_email,
            mailbox: row.mailbox_id,
            can_be_asked: row.can_be_asked,
        };
        Ok((row.customer_id, recipient))
    });
    recipients.collect()
}

/// Those of these customers who have an open ticket.
pub async fn with_open_ticket(connection: &mut PgConnection, customers: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    let customers = sqlx::query_scalar!(
        "select distinct customer_id from known_ticket where is_open and customer_id = any($1)",
        customers
    );
    Ok(customers.fetch_all(connection).await?.into_iter().collect())
}

/// About which tickets these customers and staff have heard of each other since an instant, by customer.
pub async fn contacts_since(
    connection: &mut PgConnection,
    customers: &[Uuid],
    since: Timestamp,
) -> Result<HashMap<Uuid, Vec<Uuid>>, Fault> {
    let rows = sqlx::query!(
        "select customer_id, ticket_id from known_ticket where customer_id = any($1) and contacted_at > $2",
        customers,
        jiff_sqlx::Timestamp::from(since) as _,
    )
    .fetch_all(connection)
    .await?;
    let mut contacts: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in rows {
        contacts.entry(row.customer_id).or_default().push(row.ticket_id);
    }
    Ok(contacts)
}
