//! Reads of returns.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    kinds::State,
    model::ReturnCase,
    store::{self, ReturnRow},
};
use crate::compensation::queries::NEWEST_FIRST;

/// Which returns to list.
#[derive(Debug)]
pub struct ListReturns {
    pub ticket: Option<Uuid>,
    pub customer: Option<Uuid>,
    pub order: Option<Uuid>,
    pub state: Option<State>,
    pub is_exception: bool,
    pub page: PageRequest,
}

impl Keyed for ReturnRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl ListReturns {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        let listing = Listing::new(store::SELECT, &NEWEST_FIRST, &self.page)
            .and_value("ticket_id =", self.ticket)
            .and_value("customer_id =", self.customer)
            .and_value("order_id =", self.order)
            .and_value("state =", self.state.map(State::name));
        if self.is_exception { listing.and("is_exception") } else { listing }
    }
}

/// A page of returns.
pub async fn list(db: &Database, query: &ListReturns) -> Result<Page<ReturnCase>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<ReturnRow>(db.calls()).await?;
    let items = items.into_iter().map(ReturnCase::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
