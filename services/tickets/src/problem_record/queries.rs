//! Reads of problem records.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Problem, State},
    store::{self, ProblemRow},
};

/// The order of a list of problem records; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];

/// Which records to list.
#[derive(Debug)]
pub struct ListProblems {
    pub state: Option<State>,
    pub page: PageRequest,
}

impl Keyed for ProblemRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// A page of records.
pub async fn list(db: &Database, query: &ListProblems) -> Result<Page<Problem>, Error> {
    let Page { items, next_page_token } = listing(query).fetch::<ProblemRow>(db.calls()).await?;
    let items = items.into_iter().map(Problem::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page of records.
pub fn listing(query: &ListProblems) -> Listing<'_> {
    Listing::new(store::SELECT, &ORDERS[0], &query.page).and_value("state =", query.state.map(State::name))
}
