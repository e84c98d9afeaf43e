//! Reads of scores.

use seva_runtime::Error;
use seva_store::Database;

use super::{
    model::{ScoreQuery, Scores},
    store,
};
use crate::programme;

/// The scores of a programme.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn scores(db: &Database, query: &ScoreQuery) -> Result<Scores, Error> {
    programme::store::load(db, query.programme).await?;
    Ok(Scores::of(store::count(db, query).await?))
}
