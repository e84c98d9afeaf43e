//! Reads of the place.

use futures::try_join;
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
    progress::{self, Read},
    survey::{self, store::SurveyRow},
    ticket::{self, store::TicketRow},
    timeline::{
        self,
        store::{EntryRow, Kind},
    },
};

/// What each part shows at most.
pub const SHOWN: i32 = 20;

/// Newest first: of a timeline, and of things.
const NEWEST_ENTRIES: &SortOrder = &SortOrder { name: "time desc", column: "occurred_at", descending: true };
const NEWEST: &SortOrder = &SortOrder { name: "create_time desc", column: "created_at", descending: true };

/// The consumers whose read models a place shows.
#[derive(Clone)]
pub struct Readers {
    /// Of the feed of the notifications service.
    pub messages: Consumer,
    /// Of the feed of the tickets service.
    pub tickets: Consumer,
    /// Of the feed of the surveys service.
    pub surveys: Consumer,
}

/// Everything about one customer.
#[derive(Debug)]
pub struct Place {
    pub customer: Customer,
    pub orders: Part<Order>,
    pub invoices: Part<Invoice>,
    pub timeline: Part<EntryRow>,
    pub messages: Part<EntryRow>,
    /// How far the messages have been read.
    pub messages_read: Read,
    pub tickets: Part<TicketRow>,
    /// How far the tickets have been read.
    pub tickets_read: Read,
    pub surveys: Part<SurveyRow>,
    /// How far the surveys have been read.
    pub surveys_read: Read,
}

/// The newest of its sort.
#[derive(Debug)]
pub struct Part<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// There are more than these.
    pub more: bool,
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
    readers: &Readers,
    shown: &PageRequest,
    id: Uuid,
) -> Result<Place, Error> {
    caller.may_reach_customer(id)?;
    let (customer, orders, invoices, timeline, messages, tickets, surveys, progress) = try_join!(
        customer::store::load(db, id),
        newest_orders(db, shown, id),
        newest_invoices(db, id),
        newest_entries(db, shown, id, None),
        newest_entries(db, shown, id, Some(Kind::Message)),
        newest_tickets(db, shown, id),
        newest_surveys(db, shown, id),
        progress::load(db),
    )?;
    Ok(Place {
        customer,
        orders,
        invoices,
        timeline,
        messages,
        messages_read: progress.read_by(&readers.messages),
        tickets,
        tickets_read: progress.read_by(&readers.tickets),
        surveys,
        surveys_read: progress.read_by(&readers.surveys),
    })
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

/// The newest orders of a customer.
pub async fn newest_orders(db: &Database, shown: &PageRequest, customer: Uuid) -> Result<Part<Order>, Error> {
    let orders = of_customer(order::store::SELECT, customer, shown);
    let Part { items, more } = orders.fetch::<OrderRow>(db.calls()).await?.into();
    Ok(Part { items: items.into_iter().map(Order::try_from).collect::<Result<_, _>>()?, more })
}

/// The newest tickets of a customer.
pub async fn newest_tickets(db: &Database, shown: &PageRequest, customer: Uuid) -> Result<Part<TicketRow>, Error> {
    Ok(of_customer(ticket::store::SELECT, customer, shown).fetch(db.calls()).await?.into())
}

async fn newest_surveys(db: &Database, shown: &PageRequest, customer: Uuid) -> Result<Part<SurveyRow>, Error> {
    Ok(of_customer(survey::store::SELECT, customer, shown).fetch(db.calls()).await?.into())
}

/// The statement of a customer's newest things of a sort.
pub fn of_customer<'p>(select: &'static str, customer: Uuid, shown: &'p PageRequest) -> Listing<'p> {
    Listing::new(select, NEWEST, shown).and_value("customer_id =", Some(customer))
}

/// The newest messages of a customer that were sent.
pub async fn newest_sent(db: &Database, shown: &PageRequest, customer: Uuid) -> Result<Part<EntryRow>, Error> {
    Ok(sent(customer, shown).fetch(db.calls()).await?.into())
}

/// The statement of a customer's newest messages that were sent, in the words of the index `timeline_entry_sent`.
pub fn sent(customer: Uuid, shown: &PageRequest) -> Listing<'_> {
    Listing::new(timeline::store::SELECT, NEWEST_ENTRIES, shown)
        .and_value("customer_id =", Some(customer))
        .and("kind = 'message' and details ->> 'state' = 'sent'")
}

/// The newest invoices of a customer.
pub async fn newest_invoices(db: &Database, customer: Uuid) -> Result<Part<Invoice>, Error> {
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
