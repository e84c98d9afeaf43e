//! Reads the notifications service's feed: what became of the mail with invitations.

use std::sync::Arc;

use async_trait::async_trait;
use seva_store::{Event, Fault, consumer::Handler};
use sqlx::PgConnection;

use crate::{events, invitation::mail};

/// The consumer's name for ever.
pub const NAME: &str = "deliveries_of_mail";
/// Who says so in the events.
const ACTOR: &str = "consumer:deliveries_of_mail";

/// Marks invitations as sent or undeliverable.
#[derive(Debug, Clone, Copy)]
pub struct DeliveriesOfMail;

#[async_trait]
impl Handler for DeliveriesOfMail {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        mail::apply(transaction, ACTOR, &events::hear_mail(events)?).await
    }
}
