//! Reads of promises.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Promise, State},
    store::{PromiseRow, SELECT},
};

/// Orders that a list of promises allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "due_time", column: "due_at", descending: false },
    Order { name: "due_time desc", column: "due_at", descending: true },
];

/// Which promises to list.
#[derive(Debug)]
pub struct ListPromises {
    pub order: &'static Order,
    pub ticket: Option<Uuid>,
    pub department: Option<Uuid>,
    pub owner: Option<Uuid>,
    pub state: Option<State>,
    pub without_owner: bool,
    pub page: PageRequest,
}

impl Keyed for PromiseRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.due_at.to_jiff()), self.id)
    }
}

impl ListPromises {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        let listing = Listing::new(SELECT, self.order, &self.page)
            .and_value("ticket_id =", self.ticket)
            .and_value("department_id =", self.department)
            .and_value("owner_id =", self.owner)
            .and_value("state =", self.state.map(State::name));
        if self.without_owner { listing.and("state = 'open' and owner_id is null") } else { listing }
    }
}

/// A page of promises.
pub async fn list(db: &Database, query: &ListPromises) -> Result<Page<Promise>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<PromiseRow>(db.calls()).await?;
    let items = items.into_iter().map(Promise::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
