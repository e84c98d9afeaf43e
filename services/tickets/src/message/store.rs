//! Reads of messages; they are written with their ticket.

use std::collections::HashMap;

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{
    Database, Fault,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Attachment, Author, Medium, Message, Visibility};
use crate::delivery::{self, Delivery};

/// The order of a conversation; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time", column: "created_at", descending: false }];
/// Of a conversation a customer sees the newest ones.
const MOST_PUBLIC: i64 = 200;

/// A message as the database holds it.
#[derive(sqlx::FromRow)]
pub struct MessageRow {
    ticket_id: Uuid,
    id: Uuid,
    visibility: String,
    author: String,
    author_id: Option<Uuid>,
    medium: String,
    text: String,
    created_at: jiff_sqlx::Timestamp,
    redacted_at: Option<jiff_sqlx::Timestamp>,
    source_id: Option<Uuid>,
    notification_id: Option<Uuid>,
    delivery_state: Option<String>,
    delivery_reason: Option<String>,
    decided_at: Option<jiff_sqlx::Timestamp>,
}

/// A message of a conversation.
#[derive(Debug)]
pub struct Spoken {
    /// Where it was said.
    pub ticket: Uuid,
    /// The ticket that it was said to, when this one carries that on (TK53).
    pub through: Option<Uuid>,
    /// What was said.
    pub message: Message,
    /// What became of the mail that tells of it, if anything was heard of one (TK149).
    pub delivery: Option<Delivery>,
}

impl Keyed for MessageRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// A page of what was said about a ticket, oldest first; the whole conversation has in it what was said in tickets that it carries on, and what it
/// took when it was split off.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(db: &Database, ticket: Uuid, whole: bool, page: &PageRequest) -> Result<Page<Spoken>, Error> {
    let select =
        "select ticket_id, id, visibility, author, author_id, medium, text, created_at, redacted_at, r.source_id,
                         d.notification_id, d.state as delivery_state, d.reason as delivery_reason, d.decided_at
                  from message
                  left join message_redirect r on r.message_id = id
                  left join message_delivery d on d.message_id = id";
    let listing = Listing::new(select, &ORDERS[0], page);
    let listing = if whole {
        listing.and_around("id in (select spoken_in(", ticket, "))")
    } else {
        listing.and_value("ticket_id =", Some(ticket))
    };
    let Page { items, next_page_token } = listing.fetch::<MessageRow>(db.calls()).await?;
    Ok(Page { items: with_attachments(db, items).await?, next_page_token })
}

/// What a customer may read of the whole conversation, the newest ones, oldest first: nothing of tickets and words of other customers, nor of
/// our mails.
///
/// # Errors
/// When the database cannot be asked.
pub async fn public(db: &Database, ticket: Uuid, customer: Uuid) -> Result<Vec<Spoken>, Error> {
    let rows = sqlx::query_as!(
        MessageRow,
        r#"select m.ticket_id, m.id, m.visibility, m.author, m.author_id, m.medium, m.text, m.created_at, m.redacted_at,
                  r.source_id as "source_id?", null::uuid as notification_id, null::text as delivery_state,
                  null::text as delivery_reason, null::timestamptz as decided_at
           from message m
           join ticket t on t.id = m.ticket_id and t.customer_id = $2
           left join message_redirect r on r.message_id = m.id
           where m.id in (select spoken_in($1)) and m.visibility = 'public'
             and (m.author <> 'customer' or m.author_id is null or m.author_id = $2)
           order by m.created_at desc, m.id desc limit $3"#,
        ticket,
        customer,
        MOST_PUBLIC,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    with_attachments(db, rows.into_iter().rev().collect()).await
}

/// One message of a ticket.
///
/// # Errors
/// When the database cannot be asked.
pub async fn find(db: &Database, ticket: Uuid, id: Uuid) -> Result<Option<Message>, Error> {
    Ok(of_ticket(db, ticket, &[id]).await?.pop())
}

/// Which of these messages of a ticket there are, the oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_ticket(db: &Database, ticket: Uuid, ids: &[Uuid]) -> Result<Vec<Message>, Error> {
    let rows = sqlx::query_as!(
        MessageRow,
        r#"select ticket_id, id, visibility, author, author_id, medium, text, created_at, redacted_at, null::uuid as source_id,
                  null::uuid as notification_id, null::text as delivery_state, null::text as delivery_reason,
                  null::timestamptz as decided_at
           from message where ticket_id = $1 and id = any($2) order by created_at, id"#,
        ticket,
        ids,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(with_attachments(db, rows).await?.into_iter().map(|spoken| spoken.message).collect())
}

/// Takes the words and attachments of a message back, from what came in as well, and from the promise or hand-off that it told; `false` when that
/// was done before (TK6).
///
/// # Errors
/// When the statement fails.
pub async fn redact(connection: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<bool, Fault> {
    let redacted = sqlx::query_scalar!(
        r#"with redacted as (
               update message set text = '', redacted_at = $2 where id = $1 and redacted_at is null returning id
           ), detached as (
               delete from attachment a using redacted r where a.message_id = r.id
           ), came_in as (
               update inbound_message i set subject = '', body = '', attachments = '[]' from redacted r where i.message_id = r.id
           ), promised as (
               update promise p set words = '' from redacted r where p.message_id = r.id
           ), wanted as (
               update handoff h set wanted = '' from redacted r where h.wanted_by = r.id
           ), answered as (
               update handoff h set answer = '' from redacted r where h.answered_by = r.id
           )
           select id from redacted"#,
        id,
        jiff_sqlx::Timestamp::from(now) as _,
    );
    Ok(redacted.fetch_optional(connection).await?.is_some())
}

/// Records what is attached to a message that was written.
///
/// # Errors
/// When the statement fails.
pub async fn attach(connection: &mut PgConnection, ticket: Uuid, message: &Message) -> Result<(), Fault> {
    if message.attachments.is_empty() {
        return Ok(());
    }
    let each = &message.attachments;
    sqlx::query!(
        "insert into attachment (ticket_id, message_id, number, file_name, media_type, size_bytes, sha256, url)
         select $1, $2, a.number, a.file_name, a.media_type, a.size_bytes, a.sha256, a.url
         from unnest($3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::text[]) with ordinality
              as a (file_name, media_type, size_bytes, sha256, url, number)",
        ticket,
        message.id,
        &each.iter().map(|attachment| attachment.file_name.clone()).collect::<Vec<_>>(),
        &each.iter().map(|attachment| attachment.media_type.clone()).collect::<Vec<_>>(),
        &each.iter().map(|attachment| attachment.size_bytes).collect::<Vec<_>>(),
        &each.iter().map(|attachment| attachment.sha256.to_vec()).collect::<Vec<_>>(),
        &each.iter().map(|attachment| attachment.url.clone()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Rows with what was attached to them, in the same order.
async fn with_attachments(db: &Database, rows: Vec<MessageRow>) -> Result<Vec<Spoken>, Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let attached = sqlx::query!(
        "select message_id, file_name, media_type, size_bytes, sha256, url from attachment
         where message_id = any($1) order by message_id, number",
        &ids
    );
    let mut of_message: HashMap<Uuid, Vec<Attachment>> = HashMap::new();
    for row in attached.fetch_all(db.calls()).await.map_err(Fault::from)? {
        let sha256 = row.sha256.try_into().map_err(|_| Error::internal("a stored hash cannot be read"))?;
        of_message.entry(row.message_id).or_default().push(Attachment {
            file_name: row.file_name,
            media_type: row.media_type,
            size_bytes: row.size_bytes,
            sha256,
            url: row.url,
        });
    }
    rows.into_iter()
        .map(|row| {
            let attachments = of_message.remove(&row.id).unwrap_or_default();
            let (ticket, through, delivery) = (row.ticket_id, row.source_id, row.delivery()?);
            Ok(Spoken { ticket, through, message: Message { attachments, ..row.try_into()? }, delivery })
        })
        .collect()
}

impl MessageRow {
    fn delivery(&self) -> Result<Option<Delivery>, Error> {
        let Self { notification_id, delivery_state, delivery_reason, decided_at, .. } = self;
        let (Some(notification), Some(state), Some(reason), Some(at)) =
            (notification_id, delivery_state, delivery_reason, decided_at)
        else {
            return Ok(None);
        };
        let state = delivery::State::from_name(state)?;
        Ok(Some(Delivery { notification: *notification, state, reason: reason.clone(), at: at.to_jiff() }))
    }
}

impl TryFrom<MessageRow> for Message {
    type Error = Error;

    fn try_from(row: MessageRow) -> Result<Self, Error> {
        let MessageRow { id, visibility, author, author_id, medium, text, created_at, redacted_at, .. } = row;
        Ok(Self {
            id,
            visibility: Visibility::from_name(&visibility)?,
            author: Author::from_name(&author)?,
            author_id,
            medium: Medium::from_name(&medium)?,
            text,
            created_at: created_at.to_jiff(),
            attachments: Vec::new(),
            redacted_at: redacted_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
