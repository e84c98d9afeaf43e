//! Waiting until nothing is left to do: no event on its way, no message due, nothing dead.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use sqlx::PgPool;

use crate::{Installation, installation::now};

/// How long it may take: longer than [`SOON`], after which the last message is due.
const PATIENCE: Duration = Duration::from_secs(240);
/// By real time, what is due this soon is waited for. While one waits, events become messages that are due a little later than the wait began,
/// and what a kill interrupted is tried again after a pause of about a minute.
const SOON: SignedDuration = SignedDuration::from_mins(2);
/// Looks in a row that find nothing. A look asks one thing after the other, so that a message's end can become an event, and that an effect,
/// behind its back, one step for each look.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// Work that waits for its time, in each service.
const DUE: [(&str, &str, &str); 9] = [
    ("customers", "orders to be looked at", "select count(*) from customer_order where due_at <= $1"),
    ("notifications", "messages due", "select count(*) from notification where due_at <= $1"),
    (
        "tickets",
        "tickets or people to be looked at",
        "select (select count(*) from ticket where state = 'new' and route_at <= $1)
              + (select count(*) from staff_member where offer_at <= $1)",
    ),
    ("tickets", "clocks due", "select count(*) from clock where next_at <= $1"),
    ("tickets", "resolutions to be asked about", "select count(*) from ticket where verification_due_at <= $1"),
    (
        "tickets",
        "tickets that go on or come back",
        "select (select count(*) from ticket where wait_until <= $1) + (select count(*) from ticket where return_due_at <= $1)",
    ),
    (
        "tickets",
        "risks to be looked at",
        "select (select count(*) from risk_look where look_at <= $1) + (select count(*) from risk_assessment where look_at <= $1)",
    ),
    (
        "tickets",
        "escalations to be acknowledged",
        "select count(*) from escalation where acknowledge_due_at <= $1 and overdue_at is null",
    ),
    ("surveys", "invitations due", "select count(*) from invitation where due_at <= $1"),
];
/// How many consumers each service has.
const CONSUMERS: [(&str, i64); 4] = [("customers", 4), ("notifications", 3), ("tickets", 6), ("surveys", 3)];

/// Who reads whose feed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    service: String,
    consumer: String,
    source: String,
    feed_no: i64,
}

/// Waits until every event is in its feed and applied by every consumer, and no message is due now or within two minutes, by real time.
///
/// # Panics
/// When it takes too long, with what is left; or when there is a dead letter, with its error.
pub async fn drained(installation: &Installation) {
    drained_at(installation, now() + SOON).await;
}

/// Waits until nothing is left to do that is due at the business time `now`.
///
/// # Panics
/// As [`drained`].
pub async fn drained_at(installation: &Installation, now: jiff::Timestamp) {
    let give_up = Instant::now() + PATIENCE;
    let mut empty = 0;
    while empty < LOOKS {
        let left = left(installation, now).await;
        let nothing = matches!(&left, Ok(left) if left.is_empty());
        empty = if nothing { empty + 1 } else { 0 };
        match &left {
            _ if nothing => {}
            _ if Instant::now() < give_up => tokio::time::sleep(PAUSE).await,
            _ => panic!("after {PATIENCE:?} there is still something left: {left:?}"),
        }
    }
    let dead = dead_letters(installation).await;
    assert!(dead.is_empty(), "dead letters: {dead:#?}");
}

/// What is left to do, in words; nothing when all is done.
///
/// # Errors
/// A database cannot be asked.
pub async fn left(installation: &Installation, now: jiff::Timestamp) -> Result<Vec<String>, sqlx::Error> {
    let mut left = Vec::new();
    let mut note = |what: String, count: i64| {
        if count > 0 {
            left.push(format!("{count} {what}"));
        }
    };
    let services: Vec<String> = installation.services().into_iter().map(str::to_owned).collect();
    for service in &services {
        let db = installation.database(service);
        note(
            format!("events of {service} not in its feed"),
            count(db, "select count(*) from seva.outbox_pending").await?,
        );
        for cursor in cursors(db, service).await? {
            let source = cursor.source.trim_start_matches('/');
            let head = count(installation.database(source), "select head from seva.feed_state").await?;
            note(format!("events of {source} before {} of {service}", cursor.consumer), head - cursor.feed_no);
        }
    }
    for (service, what, sql) in DUE {
        if services.iter().any(|known| known == service) {
            note(what.to_owned(), due(installation.database(service), sql, now).await?);
        }
    }
    for (service, consumers) in CONSUMERS {
        if services.iter().any(|known| known == service) {
            // A cursor comes into being when its consumer first runs: without it nothing could be left.
            let begun = count(installation.database(service), "select count(*) from seva.consumer_cursor").await?;
            note(format!("consumers of {service} that have not begun"), consumers - begun);
        }
    }
    Ok(left)
}

async fn cursors(db: &PgPool, service: &str) -> Result<Vec<Cursor>, sqlx::Error> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("select consumer, source, feed_no from seva.consumer_cursor").fetch_all(db).await?;
    let cursor = |(consumer, source, feed_no)| Cursor { service: service.to_owned(), consumer, source, feed_no };
    Ok(rows.into_iter().map(cursor).collect())
}

async fn count(db: &PgPool, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(db).await
}

async fn due(db: &PgPool, sql: &'static str, now: jiff::Timestamp) -> Result<i64, sqlx::Error> {
    // As text: the one parameter here is not worth another dependency.
    let sql = sqlx::AssertSqlSafe(sql.replace("$1", "$1::timestamptz"));
    sqlx::query_scalar(sql).bind(now.to_string()).fetch_one(db).await
}

/// Every dead letter with its error.
///
/// # Panics
/// When a database cannot be asked.
pub async fn dead_letters(installation: &Installation) -> Vec<String> {
    let mut dead = Vec::new();
    for service in installation.services() {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("select consumer, subject, error from seva.dead_letter order by created_at")
                .fetch_all(installation.database(service))
                .await
                .expect("the database can be asked");
        dead.extend(rows.into_iter().map(|(consumer, subject, error)| format!("{consumer} {subject}: {error}")));
    }
    dead
}
