//! Reads of tickets.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    kind::Kind,
    model::Ticket,
    state::State,
    store::{
        self, TicketRow,
        listed::{self, BasicRow, Listed},
    },
};

/// Orders that a list of tickets allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "create_time", column: "created_at", descending: false },
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "update_time", column: "updated_at", descending: false },
    Order { name: "update_time desc", column: "updated_at", descending: true },
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

/// Which tickets to list.
#[derive(Debug)]
pub struct ListTickets {
    pub order: &'static Order,
    pub customer: Option<Uuid>,
    pub department: Option<Uuid>,
    pub assignee: Option<Uuid>,
    pub state: Option<State>,
    pub kind: Option<Kind>,
    pub unassigned: bool,
    pub view: View,
    pub page: PageRequest,
}

impl Keyed for TicketRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        place(order, self.created_at, self.updated_at, self.id)
    }
}

impl Keyed for BasicRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        place(order, self.created_at, self.updated_at, self.id)
    }
}

fn place(
    order: &Order,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    id: Uuid,
) -> (SortKey, Uuid) {
    let time = if order.column == "updated_at" { updated_at } else { created_at };
    (SortKey::Time(time.to_jiff()), id)
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
pub async fn list(db: &Database, query: &ListTickets) -> Result<Page<Listed>, Error> {
    match query.view {
        View::Basic => {
            let Page { items, next_page_token } = listing(query).fetch::<BasicRow>(db.calls()).await?;
            Ok(Page { items: listed::basic(items)?, next_page_token })
        }
        View::Full => {
            let Page { items, next_page_token } = listing(query).fetch::<TicketRow>(db.calls()).await?;
            Ok(Page { items: listed::full(db.calls(), items).await?, next_page_token })
        }
    }
}

/// The statement of a page of tickets.
pub fn listing(query: &ListTickets) -> Listing<'_> {
    let select = match query.view {
        View::Basic => listed::SELECT_BASIC,
        View::Full => listed::SELECT_FULL,
    };
    let listing = Listing::new(select, query.order, &query.page)
        .and_value("customer_id =", query.customer)
        .and_value("department =", query.department)
        .and_value("assignee =", query.assignee)
        .and_value("state =", query.state.map(State::name))
        .and_value("kind =", query.kind.map(Kind::name));
    if query.unassigned { listing.and("state = 'new'") } else { listing }
}
