//! Bringing dead letters back: the dead event first or not at all, then what waits behind it, in order.

use std::sync::Arc;

use prost::Message;
use seva_proto::{common::v1::ErrorReason, events::v1::dead_letter::State};
use seva_runtime::{Error, Write};
use seva_values::id::format_name;
use sqlx::PgConnection;

use super::{COLLECTION, DeadLetter};
use crate::{
    Database, Fault,
    consumer::{Consumer, apply_one, hold},
    context,
};

/// What is done with the dead event itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resolution {
    /// It is applied again.
    Retry,
    /// It is given up, for this reason.
    Skip(String),
}

/// Resolves a dead letter and drains what waits behind it, in one transaction that holds the consumer's cursor; answers how many events were
/// applied. What fails of the waiting ones becomes the subject's new dead letter.
pub(super) async fn resolve<R: Message>(
    db: &Database,
    consumer: &Consumer,
    letter: &DeadLetter,
    resolution: Resolution,
    write: &Write,
    reply: impl FnOnce(i32) -> R,
) -> Result<R, Error> {
    if letter.state == State::Parked {
        return Err(Error::precondition(
            ErrorReason::DeadLetterParked,
            "DEAD_LETTER_FIRST",
            format_name(COLLECTION, letter.id),
            "it waits behind an earlier event of its subject; retry or skip that one first",
        ));
    }
    let mut transaction = db.begin().await?;
    hold(&mut transaction, &letter.consumer, &letter.source).await?;
    let mut applied = 0;
    if resolution == Resolution::Retry {
        let event = Arc::new(letter.event.clone());
        if let Err(fault) = apply_one(consumer.handler(), &mut transaction, &event, consumer.name()).await {
            count_attempt(&mut transaction, letter, &fault.told()).await?;
            db.commit(transaction).await?;
            return Err(Error::precondition(
                ErrorReason::DeadLetterFailedAgain,
                "DEAD_LETTER_APPLIES",
                format_name(COLLECTION, letter.id),
                "the event failed again; its cause has to be removed first",
            )
            .with_metadata("error", fault.told()));
        }
        applied += 1;
    }
    remove(&mut transaction, letter).await?;
    applied += drain(&mut transaction, consumer, letter).await?;
    let reply = reply(applied);
    note(&mut transaction, letter, resolution, write, &reply.encode_to_vec()).await?;
    db.commit(transaction).await?;
    consumer.handler().committed();
    Ok(reply)
}

/// Applies what waits behind a resolved letter until one fails; that one becomes dead and the rest goes on waiting.
async fn drain(connection: &mut PgConnection, consumer: &Consumer, resolved: &DeadLetter) -> Result<i32, Error> {
    let waiting: Vec<DeadLetter> = sqlx::query_as(
        "select * from seva.dead_letter where consumer = $1 and source = $2 and subject = $3 order by feed_no",
    )
    .bind(&resolved.consumer)
    .bind(&resolved.source)
    .bind(&resolved.event.subject)
    .fetch_all(&mut *connection)
    .await
    .map_err(Fault::from)?;
    let mut applied = 0;
    for letter in waiting {
        let event = Arc::new(letter.event.clone());
        if let Err(fault) = apply_one(consumer.handler(), connection, &event, consumer.name()).await {
            count_attempt(connection, &letter, &fault.told()).await?;
            break;
        }
        remove(connection, &letter).await?;
        applied += 1;
    }
    Ok(applied)
}

async fn remove(connection: &mut PgConnection, letter: &DeadLetter) -> Result<(), Error> {
    let removed = sqlx::query("delete from seva.dead_letter where id = $1").bind(letter.id).execute(connection).await;
    if removed.map_err(Fault::from)?.rows_affected() == 0 {
        return Err(Error::not_found(format_name(COLLECTION, letter.id)));
    }
    Ok(())
}

/// Notes a failed try; a parked letter that failed itself is dead from now on.
async fn count_attempt(connection: &mut PgConnection, letter: &DeadLetter, error: &str) -> Result<(), Error> {
    sqlx::query("update seva.dead_letter set attempts = attempts + 1, error = $2, state = 'dead' where id = $1")
        .bind(letter.id)
        .bind(error)
        .execute(connection)
        .await
        .map_err(Fault::from)?;
    Ok(())
}

async fn note(
    connection: &mut PgConnection,
    letter: &DeadLetter,
    resolution: Resolution,
    write: &Write,
    response: &[u8],
) -> Result<(), Error> {
    let (act, reason) = match resolution {
        Resolution::Retry => ("retried", None),
        Resolution::Skip(reason) => ("skipped", Some(reason)),
    };
    sqlx::query("select seva.note($1, $2, $3, $4), seva.remember($1, $5)")
        .bind(context::of(write))
        .bind(format_name(COLLECTION, letter.id))
        .bind(vec![act])
        .bind(reason)
        .bind(response)
        .execute(connection)
        .await
        .map_err(Fault::from)?;
    Ok(())
}
