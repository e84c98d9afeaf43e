//! How far the read models of other services' events have come.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Event, Fault, consumer::Consumer};
use sqlx::PgConnection;

/// The business time of the newest event applied, by source.
#[derive(Debug, Default)]
pub struct Progress(HashMap<String, Timestamp>);

/// How far one read model has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Business time of the newest event applied; `None` before the first.
    pub newest: Option<Timestamp>,
    /// The other service has told of events that are not applied yet.
    pub behind: bool,
}

impl Progress {
    /// How far `consumer` has come.
    pub fn read_by(&self, consumer: &Consumer) -> Read {
        let standing = consumer.standing();
        Read { newest: self.0.get(&standing.source).copied(), behind: standing.feed_no < standing.head }
    }
}

/// Notes that these events of `source` were applied. All types count, also those that say nothing here.
pub async fn note(connection: &mut PgConnection, source: &str, events: &[Arc<Event>]) -> Result<(), Fault> {
    let Some(newest) = events.iter().map(|event| event.occurred_at).max() else { return Ok(()) };
    sqlx::query!(
        "insert into read_model_progress as p (source, occurred_at) values ($1, $2)
         on conflict on constraint read_model_progress_pkey do update
         set occurred_at = greatest(p.occurred_at, excluded.occurred_at)",
        source,
        jiff_sqlx::Timestamp::from(newest) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How far all of them have come.
pub async fn load(db: &Database) -> Result<Progress, Error> {
    let rows = sqlx::query!("select source, occurred_at from read_model_progress");
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(Progress(rows.into_iter().map(|row| (row.source, row.occurred_at.to_jiff())).collect()))
}
