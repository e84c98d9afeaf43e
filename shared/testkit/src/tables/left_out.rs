//! What is not compared, and why. Everything else is.
//!
//! Some values differ and are compared all the same. An id is compared by what is said about it ([`super::likeness`]), and so is the number of a
//! ticket, which is another name of its id ([`super::text`]). Of a link of the installation itself only the port and the signature are taken
//! out. Payloads of events and remembered answers are compared as the messages that they are ([`super::payload`]).

use std::collections::BTreeSet;

use super::catalog::Table;

/// Columns of a table that are not compared.
#[derive(Debug, Clone, Copy)]
pub struct LeftOut {
    /// The one database in which that is so; `None`: in each.
    pub database: Option<&'static str>,
    /// With its schema, unless that is `public`.
    pub table: &'static str,
    /// Their names.
    pub columns: &'static [&'static str],
    /// Why they differ between two runs in which the same happened.
    pub because: &'static str,
}

const fn everywhere(table: &'static str, columns: &'static [&'static str], because: &'static str) -> LeftOut {
    LeftOut { database: None, table, columns, because }
}

const fn of(
    database: &'static str,
    table: &'static str,
    columns: &'static [&'static str],
    because: &'static str,
) -> LeftOut {
    LeftOut { database: Some(database), table, columns, because }
}

/// All of them.
pub const LEFT_OUT: [LeftOut; 23] = [
    everywhere(
        "seva._sqlx_migrations",
        &["installed_on", "execution_time"],
        "machine time; which migrations ran is compared",
    ),
    everywhere(
        "_sqlx_migrations",
        &["installed_on", "execution_time"],
        "machine time; which migrations ran is compared",
    ),
    everywhere(
        "seva.outbox",
        &["position", "day", "recorded_at", "traceparent"],
        "positions are drawn by writers at once, and a number that was drawn by one who was killed is never used; machine time; random",
    ),
    everywhere("seva.outbox_pending", &["position", "day"], "as in the outbox; that nothing is pending is compared"),
    everywhere(
        "seva.feed",
        &["position", "day"],
        "as in the outbox; that feed numbers are dense, and how many there are, is compared",
    ),
    everywhere("seva.audit", &["id", "at", "trace_id"], "drawn by writers at once; machine time; random"),
    everywhere(
        "seva.idempotency",
        &["request_hash", "created_at"],
        "of a message that holds a random request id; machine time. Who asked for what, and the answer, are compared",
    ),
    everywhere(
        "seva.consumer_cursor",
        &["generation", "owner", "expires_at"],
        "the lease: who reads, since when. How far every consumer is, is compared",
    ),
    everywhere(
        "seva.dead_letter",
        &["feed_no", "event", "traceparent", "created_at"],
        "events of one instant may come into the feed in another order; the event is compared where it was written; random; machine time",
    ),
    of("customers", "intake_event", &["received_at"], "machine time"),
    of("customers", "mailbox_key", &["key"], "random"),
    of("customers", "promised_date", &["traceparent"], "random"),
    of("customers", "intake_quarantine", &["received_at"], "machine time"),
    of("customers", "api_key", &["secret_sha256", "created_at"], "of a random secret; machine time"),
    of(
        "customers",
        "customer_order",
        &["attempt", "leased_until"],
        "the claim of a worker: how often, and in machine time until when",
    ),
    of(
        "notifications",
        "notification",
        &["attempt", "leased_until", "traceparent"],
        "the claim of a worker, as above; random",
    ),
    of(
        "tickets",
        "ticket",
        &["number", "traceparent"],
        "drawn by writers at once, and a drawn number is never given back: it is compared wherever somebody is told it, as the ticket's id; random",
    ),
    of(
        "tickets",
        "staff_member",
        &["last_assignment"],
        "counts all assignments, and one that was rolled back has counted; which tickets a member has and had is compared",
    ),
    of("tickets", "bulk_job", &["traceparent"], "random"),
    of(
        "tickets",
        "inbound_message",
        &["hash", "traceparent", "recorded_at"],
        "of a message that may hold a random id; random; machine time",
    ),
    of("surveys", "programme", &["salt"], "random"),
    of(
        "surveys",
        "response",
        &["saved_hash"],
        "of a message that holds a signed link; the answers themselves are compared, and the request's id",
    ),
    of("surveys", "invitation", &["leased_until", "traceparent"], "machine time; random"),
];

impl LeftOut {
    /// Whether it speaks of this table.
    pub fn is_of(&self, table: &Table) -> bool {
        self.speaks_of(&table.database, &table.name)
    }

    fn speaks_of(&self, database: &str, table: &str) -> bool {
        self.table == table && self.database.is_none_or(|named| named == database)
    }
}

/// The columns of a table that are not compared.
pub fn left_out_of(database: &str, table: &str) -> BTreeSet<&'static str> {
    let entries = LEFT_OUT.iter().filter(|entry| entry.speaks_of(database, table));
    entries.flat_map(|entry| entry.columns).copied().collect()
}
