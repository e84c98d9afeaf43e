//! Lets a message that is held or ignored come to its ticket after all.

use seva_proto::{common::v1::ErrorReason, tickets::v1::ReleaseInboundMessageResponse};
use seva_runtime::{Error, Write};
use seva_store::{Database, idempotency::once};
use seva_values::format_name;
use uuid::Uuid;

use super::{
    Delivery,
    model::{COLLECTION, Kept, Reason},
    store,
};
use crate::recipient;

/// Which message, and whose it is; `None`: as the sender's address says.
pub struct ReleaseMessage {
    pub id: Uuid,
    pub customer: Option<Uuid>,
}

/// Releases messages.
#[derive(Clone)]
pub struct Release {
    db: Database,
    delivery: Delivery,
}

impl Release {
    /// Of this database; `delivery` brings them to their tickets.
    pub const fn new(db: Database, delivery: Delivery) -> Self {
        Self { db, delivery }
    }

    /// Releases a message and answers it as it is then.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK98) when it is neither held nor ignored, or several customers share the address and none is named.
    pub async fn release(&self, write: &Write, ReleaseMessage { id, customer }: ReleaseMessage) -> Result<Kept, Error> {
        // What is remembered holds nothing: words are not kept a second time.
        once(&self.db, write, async {
            self.allow(id, customer).await?;
            match store::release(&self.db, write, id, customer).await? {
                true => Ok(ReleaseInboundMessageResponse::default()),
                false => {
                    Err(refusal(id, "it is held or ignored: what is on its way or with its ticket is let in already"))
                }
            }
        })
        .await?;
        self.delivery.deliver_now(&[id]).await;
        store::load(&self.db, id).await
    }

    async fn allow(&self, id: Uuid, customer: Option<Uuid>) -> Result<(), Error> {
        let kept = store::load(&self.db, id).await?;
        let Some(customer) = customer else {
            if kept.progress.reason == Some(Reason::SenderAmbiguous) {
                return Err(refusal(id, "the request names one of the customers who share the address"));
            }
            return Ok(());
        };
        let known = recipient::store::find(self.db.calls(), customer).await?;
        known.map(|_| ()).ok_or_else(|| Error::not_found(format_name("customers", customer)))
    }
}

fn refusal(id: Uuid, has_to_be_true: &'static str) -> Error {
    Error::precondition(ErrorReason::StateForbids, "TK98", format_name(COLLECTION, id), has_to_be_true)
}
