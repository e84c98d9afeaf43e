//! Reads of API keys.

use seva_runtime::{
    Error,
    auth::{ApiKeys, api_keys::StoredApiKey},
};
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::ApiKey,
    store::{self, KeyRow},
};

/// Oldest first: ids grow with time.
const OLDEST_FIRST: &Order = &Order { name: "create_time", column: "id", descending: false };

impl Keyed for KeyRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::None, self.id)
    }
}

/// A page of keys.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<ApiKey>, Error> {
    let rows = Listing::new(store::SELECT, OLDEST_FIRST, page).fetch::<KeyRow>(db.calls()).await?;
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(ApiKey::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The keys as those who verify callers see them.
#[derive(Debug, Clone)]
pub struct Keys(Database);

impl Keys {
    /// The keys of this database.
    pub fn new(db: Database) -> Self {
        Self(db)
    }
}

#[async_trait::async_trait]
impl ApiKeys for Keys {
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
        store::find_stored(&self.0, id).await
    }
}
