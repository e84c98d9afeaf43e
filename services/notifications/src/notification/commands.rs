//! Writes of notifications that a person asks for.

use seva_proto::{common::v1::ErrorReason, notifications::v1::CancelNotificationResponse};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, fault::write_conflict, idempotency::once};
use uuid::Uuid;

use super::{
    convert::name,
    model::Verdict,
    state::{Reason, State},
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What writes of notifications need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A message to be called off.
#[derive(Debug)]
pub struct CancelNotification {
    pub id: Uuid,
    pub reason: String,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Calls off what still waits (NO2).
    pub async fn cancel(
        &self,
        write: &Write,
        command: CancelNotification,
    ) -> Result<CancelNotificationResponse, Error> {
        let CancelNotification { id, reason } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let notification = store::load(&self.db, id).await?;
                let verdict =
                    Verdict { state: State::Canceled, reason: Reason::Canceled, due_at: None, detail: reason.clone() };
                let Some(change) = notification.decided(verdict, self.clock.now()) else {
                    let state = notification.state.name();
                    let description = format!("it is {state}; only what is queued or deferred can be called off");
                    return Err(Error::precondition(ErrorReason::StateForbids, "NO2", name(id), description));
                };
                let response = CancelNotificationResponse { notification: Some((&change.after).into()) };
                if store::save_canceled(&self.db, write, &change, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
