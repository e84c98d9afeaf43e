//! The same request again gets the first answer again.
//!
//! A write keeps its answer in its own statement (`seva.remember`), whose primary key lets one of many equal callers through. So the first time
//! costs no extra round trip; only a write that failed looks whether it is a repetition.

use std::{future::Future, time::Duration};

use prost::Message;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use sqlx::{PgConnection, Row};
use tonic::Code;

use crate::{Database, Fault, context};

/// The constraint that a twin violates.
pub const CONSTRAINT: &str = "idempotency_pkey";
/// When the twin of a request in flight may ask again.
const IN_FLIGHT_RETRY: Duration = Duration::from_millis(500);

/// Keeps the answer of a write that is a transaction over several aggregates, as its last statement before the commit.
///
/// # Errors
/// [`Fault`] of the constraint [`CONSTRAINT`] when a twin came first: [`once`] then answers what it was answered.
pub async fn remember(connection: &mut PgConnection, write: &Write, response: &impl Message) -> Result<(), Fault> {
    sqlx::query("select seva.remember($1, $2)")
        .bind(context::of(write))
        .bind(response.encode_to_vec())
        .execute(connection)
        .await?;
    Ok(())
}

/// Carries out a write, or answers what was answered the first time.
///
/// # Errors
/// `REQUEST_ID_REUSED` when the id came before with another message, `REQUEST_IN_FLIGHT` while a twin holds the locks, and the write's own
/// error when there is no earlier answer. Refusals are not kept: the same request may succeed later.
pub async fn once<R: Message + Default>(
    db: &Database,
    write: &Write,
    attempt: impl Future<Output = Result<R, Error>>,
) -> Result<R, Error> {
    let error = match attempt.await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let Some(request) = &write.request else { return Err(error) };
    if matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Internal) {
        return Err(error);
    }
    let kept = sqlx::query(
        "select request_hash, response from seva.idempotency where caller = $1 and method = $2 and request_id = $3",
    )
    .bind(&write.actor)
    .bind(&write.method)
    .bind(request.id)
    .fetch_optional(db.calls())
    .await
    .map_err(Fault::from)?;
    match kept {
        Some(kept) if kept.get::<Vec<u8>, _>(0) == request.hash => {
            R::decode(kept.get::<Vec<u8>, _>(1).as_slice()).map_err(Error::internal)
        }
        Some(_) => Err(Error::invalid(
            ErrorReason::RequestIdReused,
            "this request id was used before with another message; use a new id",
        )),
        None if error.reason() == ErrorReason::WriteConflict => Err(Error::aborted(
            ErrorReason::RequestInFlight,
            "a call with this request id, or another write of the same resource, is being carried out; try again",
        )
        .with_retry_after(IN_FLIGHT_RETRY)),
        None => Err(error),
    }
}
