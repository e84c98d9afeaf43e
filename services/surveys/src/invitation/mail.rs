//! What happens to invitations when their mail was handed over, or could not be. Inside a consumer's transaction.

use std::collections::{BTreeSet, HashMap};

use seva_store::Fault;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{model::Invitation, state::Happening, store};
use crate::{events::Mail, throttle};

/// Applies the words on mail, in order. Who could not be reached was not asked: the place in the ledger is given back (SU2).
pub async fn apply(connection: &mut PgConnection, actor: &str, mail: &[Mail]) -> Result<(), Fault> {
    let ids: BTreeSet<Uuid> = mail.iter().map(|mail| mail.invitation).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let locked = store::lock(connection, &ids.into_iter().collect::<Vec<_>>()).await?;
    let mut known: HashMap<Uuid, Invitation> = locked.into_iter().map(|locked| (locked.id, locked)).collect();
    let (mut changes, mut undelivered) = (Vec::new(), Vec::new());
    for Mail { invitation, happening, at, story } in mail {
        let change = known.get(invitation).and_then(|invitation| invitation.happens(*happening, *at, story));
        let Some(change) = change else { continue };
        if *happening == Happening::Undeliverable {
            undelivered.push(*invitation);
        }
        known.insert(*invitation, change.after.clone());
        changes.push(change);
    }
    store::save(connection, actor, &changes).await?;
    throttle::store::free(connection, &undelivered).await
}
