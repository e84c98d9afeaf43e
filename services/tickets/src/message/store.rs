//! Reads of messages; they are written with their ticket.

use seva_runtime::Error;
use seva_store::{
    Database, Fault,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::model::{Author, Medium, Message, Visibility};

/// The order of a conversation; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time", column: "created_at", descending: false }];
/// Of a conversation a customer sees the newest ones.
const MOST_PUBLIC: i64 = 200;

/// A message as the database holds it.
#[derive(sqlx::FromRow)]
pub struct MessageRow {
    id: Uuid,
    visibility: String,
    author: String,
    author_id: Option<Uuid>,
    medium: String,
    text: String,
    created_at: jiff_sqlx::Timestamp,
}

impl Keyed for MessageRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// A page of what was said about a ticket, oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(db: &Database, ticket: Uuid, page: &PageRequest) -> Result<Page<Message>, Error> {
    let select = "select id, visibility, author, author_id, medium, text, created_at from message";
    let listing = Listing::new(select, &ORDERS[0], page).and_value("ticket_id =", Some(ticket));
    let Page { items, next_page_token } = listing.fetch::<MessageRow>(db.calls()).await?;
    let items = items.into_iter().map(Message::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// What a customer may read, the newest ones, oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn public(db: &Database, ticket: Uuid) -> Result<Vec<Message>, Error> {
    let rows = sqlx::query_as!(
        MessageRow,
        "select id, visibility, author, author_id, medium, text, created_at from message
         where ticket_id = $1 and visibility = 'public'
         order by created_at desc, id desc limit $2",
        ticket,
        MOST_PUBLIC,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    rows.into_iter().rev().map(Message::try_from).collect()
}

impl TryFrom<MessageRow> for Message {
    type Error = Error;

    fn try_from(row: MessageRow) -> Result<Self, Error> {
        let MessageRow { id, visibility, author, author_id, medium, text, created_at } = row;
        Ok(Self {
            id,
            visibility: Visibility::from_name(&visibility)?,
            author: Author::from_name(&author)?,
            author_id,
            medium: Medium::from_name(&medium)?,
            text,
            created_at: created_at.to_jiff(),
        })
    }
}
