//! The last word on the mail of each message; it is read with the message.

use seva_store::Fault;
use sqlx::PgConnection;

use super::model::{Heard, Told};

/// Keeps what was heard of mails that tell of a message, each only over an older word (TK149).
///
/// # Errors
/// When the statement fails.
pub async fn save(connection: &mut PgConnection, heard: &[Heard]) -> Result<(), Fault> {
    let told: Vec<(&Heard, &Told)> = heard.iter().filter_map(|heard| Some((heard, heard.told.as_ref()?))).collect();
    if told.is_empty() {
        return Ok(());
    }
    let id_of = |told: &Told| if let Told::Message(id) = told { Some(*id) } else { None };
    let word_of = |told: &Told| if let Told::As(word) = told { Some(word.clone()) } else { None };
    sqlx::query!(
        "insert into message_delivery as d (message_id, notification_id, sequence, state, reason, decided_at)
         select distinct on (m.id) m.id, h.notification_id, h.sequence, h.state, h.reason, h.decided_at
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
              as h (message_id, told_as, notification_id, sequence, state, reason, decided_at)
         left join message t on t.told_as = h.told_as
         join message m on m.id = coalesce(h.message_id, t.id)
         where m.visibility = 'public' and m.author <> 'customer'
         order by m.id, h.sequence desc
         on conflict on constraint message_delivery_pkey do update
         set notification_id = excluded.notification_id, sequence = excluded.sequence, state = excluded.state, reason = excluded.reason,
             decided_at = excluded.decided_at
         where excluded.sequence > d.sequence",
        &told.iter().map(|(_, told)| id_of(told)).collect::<Vec<_>>() as _,
        &told.iter().map(|(_, told)| word_of(told)).collect::<Vec<_>>() as _,
        &told.iter().map(|(heard, _)| heard.delivery.notification).collect::<Vec<_>>(),
        &told.iter().map(|(heard, _)| heard.sequence).collect::<Vec<_>>(),
        &told.iter().map(|(heard, _)| heard.delivery.state.name()).collect::<Vec<_>>() as _,
        &told.iter().map(|(heard, _)| heard.delivery.reason.clone()).collect::<Vec<_>>(),
        &told.iter().map(|(heard, _)| jiff_sqlx::Timestamp::from(heard.delivery.at)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
