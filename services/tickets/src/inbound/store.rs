//! All SQL of messages that came in.

use std::collections::HashMap;

use jiff::Timestamp;
use seva_runtime::{Error, Write, clock::machine_now};
use seva_store::{Database, Fault, context};
use seva_values::{Email, Language, Phone, format_name};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::{
    delivery::title,
    model::{Automation, COLLECTION, Channel, From, Incoming, Kept, Progress, Proof, Reason, Sender, State},
};
use crate::{
    message::Attachment,
    stored::{malformed, unknown},
    ticket::Kind,
};

/// A list begins so: without words, which may be long.
pub const SELECT: &str =
    "select id, source, external_id, hash, pushed_by, channel, posted_publicly, sender_kind, sender_address, sender_name, sender_proof,
            language, '' as subject, '' as body, '[]'::jsonb as attachments, automation, kind, in_reply_to, thread_id, sent_at, traceparent,
            state, reason, released, customer_id, ticket_id, message_id, received_at, recorded_at
     from inbound_message";

/// A message as the database holds it.
#[derive(sqlx::FromRow)]
pub struct InboundRow {
    pub id: Uuid,
    source: String,
    external_id: String,
    #[expect(dead_code, reason = "compared where messages are taken")]
    hash: Vec<u8>,
    pushed_by: String,
    channel: String,
    posted_publicly: bool,
    sender_kind: String,
    sender_address: String,
    sender_name: String,
    sender_proof: String,
    language: Option<String>,
    subject: String,
    body: String,
    attachments: Json<Vec<Attachment>>,
    automation: Json<Automation>,
    kind: String,
    in_reply_to: Vec<String>,
    thread_id: String,
    sent_at: Option<jiff_sqlx::Timestamp>,
    traceparent: Option<String>,
    state: String,
    reason: Option<String>,
    released: bool,
    customer_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    message_id: Option<Uuid>,
    pub received_at: jiff_sqlx::Timestamp,
    #[expect(dead_code, reason = "machine time, by which it is forgotten")]
    recorded_at: jiff_sqlx::Timestamp,
}

impl TryFrom<InboundRow> for Kept {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: InboundRow) -> Result<Self, Error> {
        let from = match row.sender_kind.as_str() {
            "email" => From::Email(Email::parse(&row.sender_address).map_err(malformed)?),
            "phone" => From::Phone(Phone::parse(&row.sender_address).map_err(malformed)?),
            "handle" => From::Handle(row.sender_address),
            kind => return Err(unknown("kind of sender", kind)),
        };
        let incoming = Incoming {
            source: row.source,
            external_id: row.external_id,
            channel: Channel::from_name(&row.channel)?,
            posted_publicly: row.posted_publicly,
            sender: Sender { from, display_name: row.sender_name },
            proof: Proof::from_name(&row.sender_proof)?,
            language: row.language.map(|tag| Language::parse(&tag)).transpose().map_err(malformed)?,
            subject: row.subject,
            body: row.body,
            attachments: row.attachments.0,
            automation: row.automation.0,
            kind: Kind::from_name(&row.kind)?,
            in_reply_to: row.in_reply_to,
            thread_id: row.thread_id,
            sent_at: row.sent_at.map(jiff_sqlx::Timestamp::to_jiff),
        };
        let progress = Progress {
            state: State::from_name(&row.state)?,
            reason: row.reason.as_deref().map(Reason::from_name).transpose()?,
            customer: row.customer_id,
            ticket: row.ticket_id,
            message: row.message_id,
        };
        Ok(Self {
            id: row.id,
            incoming,
            pushed_by: row.pushed_by,
            traceparent: row.traceparent,
            received_at: row.received_at.to_jiff(),
            released: row.released,
            progress,
        })
    }
}

fn read(rows: Vec<InboundRow>) -> Result<Vec<Kept>, Fault> {
    Ok(rows.into_iter().map(Kept::try_from).collect::<Result<_, _>>()?)
}

/// One message.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Kept, Error> {
    let row = sqlx::query_as!(
        InboundRow,
        r#"select id, source, external_id, hash, pushed_by, channel, posted_publicly, sender_kind, sender_address, sender_name,
                  sender_proof, language, subject, body, attachments as "attachments: Json<Vec<Attachment>>",
                  automation as "automation: Json<Automation>", kind, in_reply_to, thread_id, sent_at, traceparent, state, reason,
                  released, customer_id, ticket_id, message_id, received_at, recorded_at
           from inbound_message where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// Those of these messages that are pending, in the order in which they came, without locking them.
///
/// # Errors
/// When the database cannot be asked.
pub async fn pending(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Kept>, Fault> {
    let rows = sqlx::query_as!(
        InboundRow,
        r#"select id, source, external_id, hash, pushed_by, channel, posted_publicly, sender_kind, sender_address, sender_name,
                  sender_proof, language, subject, body, attachments as "attachments: Json<Vec<Attachment>>",
                  automation as "automation: Json<Automation>", kind, in_reply_to, thread_id, sent_at, traceparent, state, reason,
                  released, customer_id, ticket_id, message_id, received_at, recorded_at
           from inbound_message where id = any($1) and state = 'pending' order by id"#,
        ids
    );
    read(rows.fetch_all(executor).await?)
}

/// Locks those of these messages that are still pending, and answers which.
///
/// # Errors
/// When the database cannot be asked.
pub async fn lock_pending(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let locked = sqlx::query_scalar!(
        "select id from inbound_message where id = any($1) and state = 'pending' order by id for update",
        ids
    );
    Ok(locked.fetch_all(connection).await?)
}

/// The oldest pending messages.
///
/// # Errors
/// When the database cannot be asked.
pub async fn oldest_pending(db: &Database, limit: i64) -> Result<Vec<Uuid>, Fault> {
    let ids = sqlx::query_scalar!("select id from inbound_message where state = 'pending' order by id limit $1", limit);
    Ok(ids.fetch_all(db.workers()).await?)
}

/// When the oldest pending message came.
///
/// # Errors
/// When the database cannot be asked.
pub async fn pending_since(db: &Database) -> Result<Option<Timestamp>, Fault> {
    let since =
        sqlx::query_scalar!("select received_at from inbound_message where state = 'pending' order by id limit 1");
    Ok(since.fetch_optional(db.workers()).await?.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Messages that came before, by source and external id: their ids and hashes (TK90).
///
/// # Errors
/// When the database cannot be asked.
pub async fn identities(
    connection: &mut PgConnection,
    messages: &[&Incoming],
) -> Result<HashMap<(String, String), (Uuid, Vec<u8>)>, Fault> {
    let rows = sqlx::query!(
        "select m.source, m.external_id, m.id, m.hash
         from unnest($1::text[], $2::text[]) as t (source, external_id)
         join inbound_message m on m.source = t.source and m.external_id = t.external_id",
        &messages.iter().map(|message| message.source.as_str()).collect::<Vec<_>>() as _,
        &messages.iter().map(|message| message.external_id.as_str()).collect::<Vec<_>>() as _,
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| ((row.source, row.external_id), (row.id, row.hash))).collect())
}

/// How many messages of each of these senders were let in since then, by kind and address (TK94). What was held or ignored does not count: whoever
/// writes in somebody's name would silence them.
///
/// # Errors
/// When the database cannot be asked.
pub async fn sent_since(
    connection: &mut PgConnection,
    messages: &[&Incoming],
    since: Timestamp,
) -> Result<HashMap<(String, String), i64>, Fault> {
    let rows = sqlx::query!(
        r#"select t.kind as "kind!", t.address as "address!", count(*) as "count!"
           from (select distinct * from unnest($1::text[], $2::text[]) as t (kind, address)) as t
           join inbound_message m on m.sender_kind = t.kind and m.sender_address = t.address and m.received_at > $3
                and m.state in ('pending', 'delivered')
           group by 1, 2"#,
        &messages.iter().map(|message| message.sender.from.kind()).collect::<Vec<_>>() as _,
        &messages.iter().map(|message| message.sender.from.as_str()).collect::<Vec<_>>() as _,
        jiff_sqlx::Timestamp::from(since) as _,
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| ((row.kind, row.address), row.count)).collect())
}

/// A message that is about to be kept, and the hash of what was pushed.
pub struct New<'m> {
    pub kept: Kept,
    pub hash: &'m [u8; 32],
}

/// Keeps messages.
///
/// # Errors
/// `inbound_message_once` when one of them was kept by another call meanwhile.
pub async fn insert(connection: &mut PgConnection, new: &[New<'_>]) -> Result<(), Fault> {
    if new.is_empty() {
        return Ok(());
    }
    let all = || new.iter().map(|new| &new.kept);
    let column = |value: fn(&Incoming) -> &str| all().map(|kept| value(&kept.incoming)).collect::<Vec<_>>();
    let lists = all().map(|kept| Json(&kept.incoming.in_reply_to)).collect::<Vec<_>>();
    sqlx::query!(
        "insert into inbound_message (
             id, source, external_id, hash, pushed_by, channel, posted_publicly, sender_kind, sender_address, sender_name, sender_proof,
             language, subject, body, attachments, automation, kind, in_reply_to, thread_id, sent_at, traceparent, state, reason,
             received_at, recorded_at
         )
         select t.id, t.source, t.external_id, t.hash, t.pushed_by, t.channel, t.posted_publicly, t.sender_kind, t.sender_address,
                t.sender_name, t.sender_proof, t.language, t.subject, t.body, t.attachments, t.automation, t.kind,
                array(select jsonb_array_elements_text(t.in_reply_to)), t.thread_id, t.sent_at, t.traceparent, t.state, t.reason,
                t.received_at, $25
         from unnest(
             $1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::bool[], $8::text[], $9::text[], $10::text[],
             $11::text[], $12::text[], $13::text[], $14::text[], $15::jsonb[], $16::jsonb[], $17::text[], $18::jsonb[], $19::text[],
             $20::timestamptz[], $21::text[], $22::text[], $23::text[], $24::timestamptz[]
         ) as t (
             id, source, external_id, hash, pushed_by, channel, posted_publicly, sender_kind, sender_address, sender_name, sender_proof,
             language, subject, body, attachments, automation, kind, in_reply_to, thread_id, sent_at, traceparent, state, reason,
             received_at
         )
         order by t.source, t.external_id",
        &all().map(|kept| kept.id).collect::<Vec<_>>(),
        &column(|message| &message.source) as _,
        &column(|message| &message.external_id) as _,
        &new.iter().map(|new| new.hash.as_slice()).collect::<Vec<_>>() as _,
        &all().map(|kept| kept.pushed_by.as_str()).collect::<Vec<_>>() as _,
        &column(|message| message.channel.name()) as _,
        &all().map(|kept| kept.incoming.posted_publicly).collect::<Vec<_>>(),
        &column(|message| message.sender.from.kind()) as _,
        &column(|message| message.sender.from.as_str()) as _,
        &column(|message| &message.sender.display_name) as _,
        &column(|message| message.proof.name()) as _,
        &all().map(|kept| kept.incoming.language.as_ref().map(Language::as_str)).collect::<Vec<_>>() as _,
        &column(|message| &message.subject) as _,
        &column(|message| &message.body) as _,
        &all().map(|kept| Json(&kept.incoming.attachments)).collect::<Vec<_>>() as _,
        &all().map(|kept| Json(&kept.incoming.automation)).collect::<Vec<_>>() as _,
        &column(|message| message.kind.name()) as _,
        &lists as _,
        &column(|message| &message.thread_id) as _,
        &all().map(|kept| kept.incoming.sent_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
        &all().map(|kept| kept.traceparent.as_deref()).collect::<Vec<_>>() as _,
        &all().map(|kept| kept.progress.state.name()).collect::<Vec<_>>() as _,
        &all().map(|kept| kept.progress.reason.map(Reason::name)).collect::<Vec<_>>() as _,
        &all().map(|kept| jiff_sqlx::Timestamp::from(kept.received_at)).collect::<Vec<_>>() as _,
        jiff_sqlx::Timestamp::from(machine_now()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How far these messages have come.
///
/// # Errors
/// When the database cannot be asked.
pub async fn progress(db: &Database, ids: &[Uuid]) -> Result<HashMap<Uuid, Progress>, Fault> {
    let rows = sqlx::query!(
        "select id, state, reason, customer_id, ticket_id, message_id from inbound_message where id = any($1)",
        ids
    );
    let rows = rows.fetch_all(db.calls()).await?.into_iter().map(|row| {
        let progress = Progress {
            state: State::from_name(&row.state)?,
            reason: row.reason.as_deref().map(Reason::from_name).transpose()?,
            customer: row.customer_id,
            ticket: row.ticket_id,
            message: row.message_id,
        };
        Ok((row.id, progress))
    });
    rows.collect()
}

/// Writes how far messages have come.
///
/// # Errors
/// When the statement fails.
pub async fn settle(executor: impl PgExecutor<'_>, settled: &[(Uuid, Progress)]) -> Result<(), Fault> {
    let all = || settled.iter().map(|(_, progress)| progress);
    sqlx::query!(
        "update inbound_message m
         set state = t.state, reason = t.reason, customer_id = t.customer, ticket_id = t.ticket, message_id = t.message
         from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[])
              as t (id, state, reason, customer, ticket, message)
         where m.id = t.id and m.state = 'pending'",
        &settled.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &all().map(|progress| progress.state.name()).collect::<Vec<_>>() as _,
        &all().map(|progress| progress.reason.map(Reason::name)).collect::<Vec<_>>() as _,
        &all().map(|progress| progress.customer).collect::<Vec<_>>() as _,
        &all().map(|progress| progress.ticket).collect::<Vec<_>>() as _,
        &all().map(|progress| progress.message).collect::<Vec<_>>() as _,
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Makes a message pending that is held or ignored, as somebody has looked at it; `false` when it is neither (TK98).
///
/// # Errors
/// When the statement fails.
pub async fn release(db: &Database, write: &Write, id: Uuid, customer: Option<Uuid>) -> Result<bool, Error> {
    let released = sqlx::query!(
        r#"with released as (
               update inbound_message set state = 'pending', reason = null, released = true, customer_id = coalesce($2, customer_id)
               where id = $1 and state in ('held', 'ignored')
               returning id
           )
           select seva.note($3, $4, '{state}'), seva.remember($3, $5) from released"#,
        id,
        customer,
        context::of(write),
        format_name(COLLECTION, id),
        Vec::<u8>::new(),
    );
    Ok(db.write(released.fetch_optional(db.calls())).await?.is_some())
}

/// The title that a message gives to the ticket that it opens; `None`: it did not come in, or its words were taken back.
///
/// # Errors
/// When the database cannot be asked.
pub async fn title_of(connection: &mut PgConnection, message: Uuid) -> Result<Option<String>, Fault> {
    let row = sqlx::query!("select subject, body from inbound_message where message_id = $1", message);
    let row = row.fetch_optional(connection).await?;
    Ok(row.filter(|row| !(row.subject.is_empty() && row.body.is_empty())).map(|row| title(&row.subject, &row.body)))
}

/// Removes messages that were recorded before then, a limited number; those that are on the way stay. Answers how many.
///
/// # Errors
/// When the database cannot be asked.
pub async fn forget(db: &Database, before: Timestamp, limit: i64) -> Result<u64, Fault> {
    let forgotten = sqlx::query!(
        "delete from inbound_message where id in (
             select id from inbound_message where recorded_at < $1 and state <> 'pending' limit $2
         )",
        jiff_sqlx::Timestamp::from(before) as _,
        limit,
    );
    Ok(forgotten.execute(db.workers()).await?.rows_affected())
}
