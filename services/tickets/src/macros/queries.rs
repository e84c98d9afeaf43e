//! Reads of macros.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::Macro,
    store::{self, MacroRow},
};

/// The order of a list of macros; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];

/// Which macros to list.
#[derive(Debug)]
pub struct ListMacros {
    /// What the tickets of this department can have.
    pub department: Option<Uuid>,
    pub show_retired: bool,
    pub page: PageRequest,
}

impl Keyed for MacroRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// One macro.
pub async fn get(db: &Database, id: Uuid) -> Result<Macro, Error> {
    store::load(db, id).await
}

/// A page of macros.
pub async fn list(db: &Database, query: &ListMacros) -> Result<Page<Macro>, Error> {
    let Page { items, next_page_token } = listing(query).fetch::<MacroRow>(db.calls()).await?;
    Ok(Page { items: items.into_iter().map(Macro::try_from).collect::<Result<_, _>>()?, next_page_token })
}

/// The statement of a page of macros.
pub fn listing(query: &ListMacros) -> Listing<'_> {
    let ListMacros { department, show_retired, page } = query;
    let mut listing = Listing::new(store::SELECT, &ORDERS[0], page);
    if let Some(department) = department {
        listing = listing.and_around("(department is null or department =", *department, ")");
    }
    if *show_retired { listing } else { listing.and("state = 'active'") }
}
