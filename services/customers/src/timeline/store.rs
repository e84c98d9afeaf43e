//! All SQL of the timeline.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seva_store::Fault;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

/// Every read of entries begins so.
pub const SELECT: &str = "select * from timeline_in_order";

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Customer,
    Order,
    Invoice,
    Message,
    Ticket,
    Survey,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Customer, Self::Order, Self::Invoice, Self::Message, Self::Ticket, Self::Survey];

    /// The name under which it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Order => "order",
            Self::Invoice => "invoice",
            Self::Message => "message",
            Self::Ticket => "ticket",
            Self::Survey => "survey",
        }
    }

    /// Reads the stored name; the table allows no other.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An entry as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct EntryRow {
    /// The event's.
    pub id: Uuid,
    pub occurred_at: jiff_sqlx::Timestamp,
    pub kind: String,
    pub subject: String,
    pub r#type: String,
    pub label: String,
    pub details: Json<BTreeMap<String, String>>,
}

/// An entry to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    pub customer_id: Uuid,
    pub occurred_at: Timestamp,
    pub event_id: Uuid,
    pub subject: String,
    pub r#type: String,
    pub label: String,
    pub details: BTreeMap<String, String>,
    pub sequence: i64,
}

/// Entries by column, for `unnest`.
struct Columns<'e> {
    customer_ids: Vec<Uuid>,
    occurred_at: Vec<jiff_sqlx::Timestamp>,
    event_ids: Vec<Uuid>,
    subjects: Vec<&'e str>,
    types: Vec<&'e str>,
    labels: Vec<&'e str>,
    details: Vec<Json<&'e BTreeMap<String, String>>>,
    sequences: Vec<i64>,
}

impl<'e> Columns<'e> {
    fn of(entries: &'e [NewEntry]) -> Self {
        Self {
            customer_ids: entries.iter().map(|entry| entry.customer_id).collect(),
            occurred_at: entries.iter().map(|entry| entry.occurred_at.into()).collect(),
            event_ids: entries.iter().map(|entry| entry.event_id).collect(),
            subjects: entries.iter().map(|entry| entry.subject.as_str()).collect(),
            types: entries.iter().map(|entry| entry.r#type.as_str()).collect(),
            labels: entries.iter().map(|entry| entry.label.as_str()).collect(),
            details: entries.iter().map(|entry| Json(&entry.details)).collect(),
            sequences: entries.iter().map(|entry| entry.sequence).collect(),
        }
    }
}

/// Enters what happened; the same event is entered once, and a customer who is not known here is passed over.
pub async fn enter_once(connection: &mut PgConnection, kind: Kind, entries: &[NewEntry]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let Columns { customer_ids, occurred_at, event_ids, subjects, types, labels, details, sequences } =
        Columns::of(entries);
    sqlx::query!(
        "insert into timeline_entry (customer_id, occurred_at, event_id, kind, subject, type, label, details, sequence)
         select e.customer_id, e.occurred_at, e.event_id, $9, e.subject, e.type, e.label, e.details, e.sequence
         from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::bigint[])
              as e (customer_id, occurred_at, event_id, subject, type, label, details, sequence)
         where exists (select from customer c where c.id = e.customer_id)
         on conflict on constraint timeline_entry_pkey do nothing",
        &customer_ids,
        &occurred_at as _,
        &event_ids,
        &subjects as _,
        &types as _,
        &labels as _,
        &details as _,
        &sequences,
        kind.name()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Enters messages, or their newer states; a state that is not newer than the one entered is passed over, and so is a customer who is not
/// known here. No message may come twice in `entries`.
pub async fn enter_messages(connection: &mut PgConnection, entries: &[NewEntry]) -> Result<(), Fault> {
    let Columns { customer_ids, occurred_at, event_ids, subjects, types, labels, details, sequences } =
        Columns::of(entries);
    sqlx::query!(
        "insert into timeline_entry as t
                (customer_id, occurred_at, event_id, kind, subject, type, label, details, sequence)
         select e.customer_id, e.occurred_at, e.event_id, 'message', e.subject, e.type, e.label, e.details, e.sequence
         from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::bigint[])
              as e (customer_id, occurred_at, event_id, subject, type, label, details, sequence)
         where exists (select from customer c where c.id = e.customer_id)
         on conflict (customer_id, subject) where kind = 'message' do update
         set type = excluded.type, details = excluded.details, sequence = excluded.sequence
         where excluded.sequence > t.sequence",
        &customer_ids,
        &occurred_at as _,
        &event_ids,
        &subjects as _,
        &types as _,
        &labels as _,
        &details as _,
        &sequences
    )
    .execute(connection)
    .await?;
    Ok(())
}
