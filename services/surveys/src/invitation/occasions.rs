//! What happens to invitations when the matters that they are about come to pass, or are undone. Inside a consumer's transaction.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use seva_store::Fault;
use seva_values::new_id;
use sqlx::PgConnection;

use super::{
    model::{Invitation, Occasion},
    state::SuppressReason,
    store,
};
use crate::{
    events::CalledOff,
    programme::{self, Programme, Trigger},
};

/// Holds an invitation for each occasion and active programme of its trigger, once (SU11).
pub async fn hold(
    connection: &mut PgConnection,
    actor: &str,
    occasions: &[Occasion],
    now: Timestamp,
) -> Result<(), Fault> {
    let triggers: BTreeSet<Trigger> = occasions.iter().map(|occasion| occasion.trigger).collect();
    let mut programmes: HashMap<Trigger, Vec<Programme>> = HashMap::new();
    for trigger in triggers {
        programmes.insert(trigger, programme::store::active(&mut *connection, trigger).await?);
    }
    let mut held = Vec::new();
    for occasion in occasions {
        let asking = programmes.get(&occasion.trigger).into_iter().flatten();
        held.extend(asking.map(|programme| Invitation::hold(new_id(), programme, occasion, now)));
    }
    store::insert_held(connection, actor, &held).await
}

/// Calls off what is still held about these matters; what was triggered later stays.
pub async fn call_off(
    connection: &mut PgConnection,
    actor: &str,
    called_off: &[CalledOff],
    now: Timestamp,
) -> Result<(), Fault> {
    if called_off.is_empty() {
        return Ok(());
    }
    let subjects: Vec<&str> = called_off.iter().map(|called_off| called_off.subject.as_str()).collect();
    let held = store::lock_held_about(connection, &subjects).await?;
    let mut changes = Vec::new();
    for invitation in held {
        let undone = |called_off: &&CalledOff| {
            called_off.subject == invitation.subject && called_off.sequence > invitation.triggered_by
        };
        let Some(cause) = called_off.iter().find(undone) else { continue };
        changes.extend(invitation.suppress(SuppressReason::CalledOff, now, &cause.story));
    }
    store::save(connection, actor, &changes).await
}
