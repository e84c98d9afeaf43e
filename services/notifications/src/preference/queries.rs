//! Reads of wishes and categories.

use seva_proto::notifications::v1 as pb;
use seva_runtime::Error;
use seva_store::Database;
use uuid::Uuid;

use super::{convert::preference, model::Category, store};

/// A customer's wish for every category, said or not.
pub async fn preferences(db: &Database, customer: Uuid) -> Result<Vec<pb::Preference>, Error> {
    let categories = store::list_categories(db).await?;
    let wishes = store::load_wishes_of(db, customer).await?;
    Ok(categories.iter().map(|category| preference(category, wishes.get(&category.key).copied())).collect())
}

/// Every category.
pub async fn categories(db: &Database) -> Result<Vec<Category>, Error> {
    store::list_categories(db).await
}
