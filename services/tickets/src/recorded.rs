//! What a write that is a transaction leaves beside its rows: the event, and who did it.

use jiff::Timestamp;
use prost::Message;
use seva_runtime::Write;
use seva_store::{Fault, context};
use seva_values::new_id;
use sqlx::PgConnection;

/// A change of an aggregate, as it is told.
pub(crate) struct Recorded<'a> {
    /// Type of the event.
    pub kind: &'static str,
    /// Name of the resource.
    pub name: &'a str,
    /// Its version after the change.
    pub version: i64,
    /// Business time.
    pub at: Timestamp,
    /// Names of the fields that changed.
    pub changed: &'a [&'a str],
    /// Why, where a reason was given.
    pub reason: Option<&'a str>,
}

/// Records the event of a change and its audit row.
pub(crate) async fn record(
    connection: &mut PgConnection,
    write: &Write,
    recorded: &Recorded<'_>,
    payload: &impl Message,
) -> Result<(), Fault> {
    let Recorded { kind, name, version, at, changed, reason } = *recorded;
    let changed: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    sqlx::query!(
        "select seva.emit($1, $2, $3, $4, $5, $6, $7), seva.note($1, $4, $8, $9)",
        context::of(write),
        new_id(),
        kind,
        name,
        version,
        jiff_sqlx::Timestamp::from(at) as _,
        payload.encode_to_vec(),
        &changed,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes who did something, and why, beside what is recorded elsewhere.
pub(crate) async fn note(
    connection: &mut PgConnection,
    write: &Write,
    name: &str,
    changed: &[&str],
    reason: Option<&str>,
) -> Result<(), Fault> {
    let changed: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    sqlx::query!("select seva.note($1, $2, $3, $4)", context::of(write), name, &changed, reason)
        .execute(connection)
        .await?;
    Ok(())
}
