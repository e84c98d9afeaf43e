//! Lists of responses.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::Response,
    store::{self, ResponseRow},
};
use crate::invitation::queries::NEWEST_FIRST;

/// Which responses to list.
#[derive(Debug)]
pub struct ListResponses {
    pub programme: Option<Uuid>,
    pub customer: Option<Uuid>,
    pub page: PageRequest,
}

impl Keyed for ResponseRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl ListResponses {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(store::SELECT, &NEWEST_FIRST, &self.page)
            .and_value("programme_id =", self.programme)
            .and_value("customer_id =", self.customer)
    }
}

/// A page of responses.
pub async fn list(db: &Database, query: &ListResponses) -> Result<Page<Response>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<ResponseRow>(db.calls()).await?;
    let items = store::with_answers(db.calls(), items).await?;
    Ok(Page { items, next_page_token })
}
