//! Reads of the place.

use futures::try_join;
use jiff::Timestamp;
use seva_runtime::{Error, auth::Principal};
use seva_store::{
    Database,
    consumer::Consumer,
    paging::{Keyed, Listing, Order as SortOrder, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use crate::{
    customer::{self, model::Customer},
    invoice::{self, model::Invoice},
    order::{self, model::Order, store::OrderRow},
    timeline::{
        self,
        store::{EntryRow, Kind},
    },
};

/// What each part shows at most.
pub const SHOWN: i32 = 20;

/// Newest first: of a timeline, and of orders.
const NEWEST_ENTRIES: &SortOrder = &SortOrder { name: "time desc", column: "occurred_at", descending: true };
const NEWEST_ORDERS: &SortOrder = &SortOrder { name: "create_time desc", column: "created_at", descending: true };

/// Everything about one customer.
#[derive(Debug)]
pub struct Place {
    pub customer: Customer,
    pub orders: Part<Order>,
    pub invoices: Part<Invoice>,
    pub timeline: Part<EntryRow>,
    pub messages: Part<EntryRow>,
    /// How far the messages have been read.
    pub messages_read: MessagesRead,
}

/// The newest of its sort.
#[derive(Debug)]
pub struct Part<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// There are more than these.
    pub more: bool,
}

/// How far the read model of messages has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagesRead {
    /// Business time of the newest event applied; `None` before the first.
    pub newest: Option<Timestamp>,
    /// The other service has told of events that are not applied yet.
    pub behind: bool,
}

/// Whose timeline to list.
#[derive(Debug)]
pub struct ListTimeline {
    pub customer: Uuid,
    pub kind: Option<Kind>,
    pub page: PageRequest,
}

impl Keyed for EntryRow {
    fn place(&self, _: &SortOrder) -> (SortKey, Uuid) {
        (SortKey::Time(self.occurred_at.to_jiff()), self.id)
    }
}

/// Everything about a customer, as far as the caller may see it (CU7): one query a part, all at once. `shown` is a first page of [`SHOWN`].
pub async fn get(
    db: &Database,
    caller: &Principal,
    messages: &Consumer,
    shown: &PageRequest,
    id: Uuid,
) -> Result<Place, Error> {
    caller.may_reach_customer(id)?;
    let (customer, orders, invoices, timeline, messages_shown, newest) = try_join!(
        customer::store::load(db, id),
        newest_orders(db, shown, id),
        newest_invoices(db, id),
        newest_entries(db, shown, id, None),
        newest_entries(db, shown, id, Some(Kind::Message)),
        timeline::store::progress(db, timeline::MESSAGES_SOURCE),
    )?;
    let standing = messages.standing();
    let messages_read = MessagesRead { newest, behind: standing.feed_no < standing.head };
    Ok(Place { customer, orders, invoices, timeline, messages: messages_shown, messages_read })
}

/// A page of a customer's timeline.
pub async fn list_timeline(db: &Database, caller: &Principal, query: &ListTimeline) -> Result<Page<EntryRow>, Error> {
    caller.may_reach_customer(query.customer)?;
    let page = page(db, query).await?;
    if page.items.is_empty() {
        // Whether there is such a customer at all.
        customer::store::load(db, query.customer).await?;
    }
    Ok(page)
}

/// A page of the timeline of a customer, who may not exist.
pub async fn page(db: &Database, query: &ListTimeline) -> Result<Page<EntryRow>, Error> {
    listing(query.customer, query.kind, &query.page).fetch(db.calls()).await
}

/// The statement of a page of a timeline.
pub fn listing(customer: Uuid, kind: Option<Kind>, page: &PageRequest) -> Listing<'_> {
    Listing::new(timeline::store::SELECT, NEWEST_ENTRIES, page)
        .and_value("customer_id =", Some(customer))
        .and_value("kind =", kind.map(Kind::name))
}

async fn newest_orders(db: &Database, shown: &PageRequest, customer: Uuid) -> Result<Part<Order>, Error> {
    let listing = Listing::new(order::store::SELECT, NEWEST_ORDERS, shown).and_value("customer_id =", Some(customer));
    let Part { items, more } = listing.fetch::<OrderRow>(db.calls()).await?.into();
    Ok(Part { items: items.into_iter().map(Order::try_from).collect::<Result<_, _>>()?, more })
}

async fn newest_invoices(db: &Database, customer: Uuid) -> Result<Part<Invoice>, Error> {
    let shown = i64::from(SHOWN);
    let mut items = invoice::store::newest_of(db.calls(), customer, shown + 1).await?;
    let shown = usize::try_from(shown).expect("a small number");
    let more = items.len() > shown;
    items.truncate(shown);
    Ok(Part { items, more })
}

async fn newest_entries(
    db: &Database,
    shown: &PageRequest,
    customer: Uuid,
    kind: Option<Kind>,
) -> Result<Part<EntryRow>, Error> {
    Ok(listing(customer, kind, shown).fetch(db.calls()).await?.into())
}

impl<T> From<Page<T>> for Part<T> {
    fn from(page: Page<T>) -> Self {
        Self { items: page.items, more: !page.next_page_token.is_empty() }
    }
}
