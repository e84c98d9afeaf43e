//! Reads of fields.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::CustomField,
    store::{self, CustomFieldRow},
};

/// The one order of fields; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time", column: "created_at", descending: false }];

impl Keyed for CustomFieldRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// A page of fields, retired ones too.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<CustomField>, Error> {
    let Page { items, next_page_token } =
        Listing::new(store::SELECT, &ORDERS[0], page).fetch::<CustomFieldRow>(db.calls()).await?;
    let items = items.into_iter().map(CustomField::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
