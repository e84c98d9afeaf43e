//! Reads of jobs and their results.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{BulkJob, Item, ItemState},
    store::{self, JobRow},
};

/// The order of a list of jobs; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];

/// Which results to list.
#[derive(Debug)]
pub struct ListResults {
    pub job: Uuid,
    pub state: Option<ItemState>,
    pub page: PageRequest,
}

impl Keyed for JobRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// One job.
pub async fn get(db: &Database, id: Uuid) -> Result<BulkJob, Error> {
    store::load(db, id).await
}

/// A page of jobs.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<BulkJob>, Error> {
    let page = Listing::new(store::SELECT, &ORDERS[0], page).fetch::<JobRow>(db.calls()).await?;
    let Page { items, next_page_token } = page;
    Ok(Page { items: items.into_iter().map(BulkJob::try_from).collect::<Result<_, _>>()?, next_page_token })
}

/// A page of the results of a job, by ticket.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn results(db: &Database, query: &ListResults) -> Result<Page<Item>, Error> {
    store::load(db, query.job).await?;
    let found = store::items(db, query.job, query.state, query.page.after_id(), query.page.limit()).await?;
    Ok(query.page.cut_by_id(found, |item| item.ticket))
}
