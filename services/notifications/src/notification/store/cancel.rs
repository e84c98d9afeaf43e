//! The write of a person who calls a message off.

use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, context};
use seva_values::new_id;

use super::super::{
    convert::{name, payload_of},
    model::Change,
};

/// Saves a notification that was called off; `false` when it changed meanwhile.
pub async fn save_canceled(
    db: &Database,
    write: &Write,
    change: &Change,
    response: &impl Message,
) -> Result<bool, Error> {
    let Change { after, decision } = change;
    let update = sqlx::query!(
        r#"with canceled as (
               update notification set version = $2, state = 'canceled', reason = 'canceled', due_at = null
               where id = $1 and version = $2::bigint - 1 and state in ('queued', 'deferred')
               returning id
           ), recorded as (
               insert into decision (notification_id, number, state, reason, detail, decided_at)
               select canceled.id, $2, 'canceled', 'canceled', $3, $4 from canceled
           )
           select seva.emit($5, $6, 'seva.notifications.notification.canceled.v1', $7, $2, $4, $8),
                  seva.note($5, $7, '{state}'), seva.remember($5, $9)
           from canceled"#,
        after.id,
        after.version,
        decision.detail,
        jiff_sqlx::Timestamp::from(decision.decided_at) as _,
        context::of(write),
        new_id(),
        name(after.id),
        payload_of(after).encode_to_vec(),
        response.encode_to_vec(),
    );
    let saved = db.write(update.fetch_optional(db.calls())).await?.is_some();
    if saved {
        crate::metrics::decided(change);
    }
    Ok(saved)
}
