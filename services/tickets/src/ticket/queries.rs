//! Reads of tickets.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageKey, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    filter::{AT_RISK, DUE, NEVER, NOT_OVER, TicketFilter},
    model::Ticket,
    state::State,
    store::{
        self, TicketRow,
        listed::{self, Listed, Summary},
    },
};

/// Orders that a list of tickets allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "create_time", column: "created_at", descending: false },
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "update_time", column: "updated_at", descending: false },
    Order { name: "update_time desc", column: "updated_at", descending: true },
    Order { name: "next_due_time", column: DUE, descending: false },
];

/// Which ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// By its id.
    Id(Uuid),
    /// By its number.
    Number(i64),
}

/// How much of each ticket of a list is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What a queue shows.
    Basic,
    /// Everything.
    Full,
}

/// A list as it is asked for.
#[derive(Debug)]
pub struct AskedList {
    /// One of [`ORDERS`], or empty: the usual one.
    pub order_by: String,
    pub filter: TicketFilter,
    pub view: View,
    pub page_size: i32,
    pub page_token: String,
}

/// Which tickets to list.
#[derive(Debug)]
pub struct ListTickets {
    pub order: &'static Order,
    pub filter: TicketFilter,
    pub view: View,
    pub page: PageRequest,
    /// What is late is so now.
    pub now: Timestamp,
}

impl AskedList {
    /// Of what a saved view shows, in its order unless another one is asked for.
    #[must_use]
    pub fn showing(self, filter: TicketFilter, order_by: String) -> Self {
        let order_by = if self.order_by.is_empty() { order_by } else { self.order_by };
        Self { filter, order_by, ..self }
    }

    /// The list for whoever asks, who is this member, at `now`.
    ///
    /// # Errors
    /// `FIELDS_INVALID` for the page's size or an order that is not known, `PAGE_TOKEN_INVALID`.
    pub fn of(self, key: &PageKey, member: Option<Uuid>, now: Timestamp) -> Result<ListTickets, Error> {
        let Self { order_by, filter, view, page_size, page_token } = self;
        let order = Order::parse(ORDERS, &order_by).map_err(|invalid| Error::invalid_field("order_by", invalid))?;
        let filter = filter.of_caller(member);
        let page = PageRequest::parse(key, "tickets", &format!("{}/{filter:?}", order.name), page_size, &page_token)?;
        Ok(ListTickets { order, filter, view, page, now })
    }
}

impl Keyed for TicketRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        let next_due_at = self.next_due_at.map(jiff_sqlx::Timestamp::to_jiff);
        place(order, self.created_at.to_jiff(), self.updated_at.to_jiff(), next_due_at, self.id)
    }
}

impl Keyed for Summary {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        place(order, self.created_at, self.updated_at, self.next_due_at, self.id)
    }
}

fn place(
    order: &Order,
    created_at: Timestamp,
    updated_at: Timestamp,
    next_due_at: Option<Timestamp>,
    id: Uuid,
) -> (SortKey, Uuid) {
    let time = match order.column {
        "created_at" => created_at,
        "updated_at" => updated_at,
        "id" => return (SortKey::None, id),
        _ => next_due_at.unwrap_or(NEVER),
    };
    (SortKey::Time(time), id)
}

/// One ticket.
pub async fn get(db: &Database, wanted: Wanted) -> Result<Ticket, Error> {
    let id = match wanted {
        Wanted::Id(id) => id,
        Wanted::Number(number) => {
            let found = store::find_by_number(db, number).await?;
            found.ok_or_else(|| Error::not_found("the ticket of this number"))?
        }
    };
    store::load(db, id).await
}

/// A page of tickets.
pub async fn list(db: &Database, query: &ListTickets) -> Result<Listed, Error> {
    match query.view {
        View::Basic => Ok(Listed::Basic(summaries(db, query).await?)),
        View::Full => {
            let Page { items, next_page_token } =
                listing_from(listed::SELECT_FULL, query).fetch::<TicketRow>(db.calls()).await?;
            Ok(Listed::Full(Page { items: listed::full(db.calls(), items).await?, next_page_token }))
        }
    }
}

/// What queues show of a page of tickets.
pub async fn summaries(db: &Database, query: &ListTickets) -> Result<Page<Summary>, Error> {
    listing_from(listed::SELECT_BASIC, query).fetch(db.calls()).await
}

/// The statement of a page of tickets, which begins so.
///
/// What a department or a member has is read a state at a time, each in its order from one index, and merged: what is over is much more than
/// what is not, and lies between it. What is at risk is read a level at a time in the same way.
pub fn listing_from<'q>(select: &'static str, query: &'q ListTickets) -> Listing<'q> {
    let ListTickets { order, filter, page, now, .. } = query;
    let listing = Listing::new(select, order, page);
    if order.column == "created_at" && filter.is_at_risk() && filter.customer.is_none() {
        let others = TicketFilter { risks: Vec::new(), ..filter.clone() };
        let listing = listing.with(others.conditions(*now)).and(AT_RISK);
        return listing.and_one_of("risk_level =", filter.risks.iter().map(|level| level.name()));
    }
    let has_index_by_state = filter.department.is_some() || filter.assignee.is_some() || !filter.states.is_empty();
    if order.column == "created_at" && has_index_by_state && filter.customer.is_none() && !filter.reopened {
        let states = match &filter.states[..] {
            [] if filter.unassigned => &[State::New],
            [] => &State::ALL[..],
            some => some,
        };
        let listing = listing.with(filter.without_states(*now));
        return listing.and_one_of("state =", states.iter().map(|state| state.name()));
    }
    let listing = listing.with(filter.conditions(*now));
    if order.column == DUE { listing.and(NOT_OVER) } else { listing }
}
