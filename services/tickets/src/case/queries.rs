//! Reads of cases.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Case, State},
    store::{self, CaseRow},
};

/// The order of a list of cases; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];

/// Which cases to list.
#[derive(Debug)]
pub struct ListCases {
    pub customer: Option<Uuid>,
    pub state: Option<State>,
    pub page: PageRequest,
}

impl Keyed for CaseRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// A page of cases, without their tickets.
pub async fn list(db: &Database, query: &ListCases) -> Result<Page<Case>, Error> {
    let Page { items, next_page_token } = listing(query).fetch::<CaseRow>(db.calls()).await?;
    let items = items.into_iter().map(Case::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page of cases.
pub fn listing(query: &ListCases) -> Listing<'_> {
    Listing::new(store::SELECT, &ORDERS[0], &query.page)
        .and_value("customer_id =", query.customer)
        .and_value("state =", query.state.map(State::name))
}
