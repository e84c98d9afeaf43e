//! Reads of programmes.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::Programme,
    store::{self, ProgrammeRow},
};

/// The order of a list of programmes; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];

impl Keyed for ProgrammeRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// One programme.
pub async fn get(db: &Database, id: Uuid) -> Result<Programme, Error> {
    store::load(db, id).await
}

/// A page of programmes.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<Programme>, Error> {
    let rows = Listing::new(store::SELECT, &ORDERS[0], page).fetch::<ProgrammeRow>(db.calls()).await?;
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(Programme::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
