//! Reads of messages that came in.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Kept, State},
    store::{self, InboundRow},
};

/// Orders that a list allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "receive_time desc", column: "received_at", descending: true },
    Order { name: "receive_time", column: "received_at", descending: false },
];

/// Which messages to list.
#[derive(Debug)]
pub struct ListInbound {
    pub order: &'static Order,
    pub state: Option<State>,
    pub customer: Option<Uuid>,
    pub ticket: Option<Uuid>,
    pub page: PageRequest,
}

impl Keyed for InboundRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.received_at.to_jiff()), self.id)
    }
}

/// A page of messages, without their words.
pub async fn list(db: &Database, query: &ListInbound) -> Result<Page<Kept>, Error> {
    let Page { items, next_page_token } = listing(query).fetch::<InboundRow>(db.calls()).await?;
    let items = items.into_iter().map(Kept::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page.
pub fn listing(query: &ListInbound) -> Listing<'_> {
    Listing::new(store::SELECT, query.order, &query.page)
        .and_value("state =", query.state.map(State::name))
        .and_value("customer_id =", query.customer)
        .and_value("ticket_id =", query.ticket)
}
