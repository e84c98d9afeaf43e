//! Reads of loop cases.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{LoopCase, State},
    store::{self, LoopCaseRow},
};
use crate::invitation::queries::NEWEST_FIRST;

/// Which cases to list.
#[derive(Debug)]
pub struct ListLoopCases {
    pub customer: Option<Uuid>,
    pub state: Option<State>,
    pub page: PageRequest,
}

impl Keyed for LoopCaseRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl ListLoopCases {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(store::SELECT, &NEWEST_FIRST, &self.page)
            .and_value("customer_id =", self.customer)
            .and_value("state =", self.state.map(|state| state.name().to_owned()))
    }
}

/// A page of cases.
pub async fn list(db: &Database, query: &ListLoopCases) -> Result<Page<LoopCase>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<LoopCaseRow>(db.calls()).await?;
    let items = items.into_iter().map(LoopCase::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
