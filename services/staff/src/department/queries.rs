//! Reads of departments.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::Department,
    store::{self, DepartmentRow},
};

/// The order of a list of departments; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "key", column: "key", descending: false }];

impl Keyed for DepartmentRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Text(self.key.clone()), self.id)
    }
}

/// One department.
pub async fn get(db: &Database, id: Uuid) -> Result<Department, Error> {
    store::load(db, id).await
}

/// A page of departments.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<Department>, Error> {
    let rows = Listing::new(store::SELECT, &ORDERS[0], page).fetch::<DepartmentRow>(db.calls()).await?;
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(Department::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
