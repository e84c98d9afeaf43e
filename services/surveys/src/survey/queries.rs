//! Reads of surveys.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Survey, SurveyVersion},
    store::{self, SurveyRow},
};

/// The order of a list of surveys; it has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];

impl Keyed for SurveyRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// One survey.
pub async fn get(db: &Database, id: Uuid) -> Result<Survey, Error> {
    store::load(db, id).await
}

/// One version.
pub async fn get_version(db: &Database, (survey, number): (Uuid, i32)) -> Result<SurveyVersion, Error> {
    Ok(store::load_version(db, survey, number).await?.0)
}

/// A page of surveys.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<Survey>, Error> {
    let page = Listing::new(store::SELECT, &ORDERS[0], page).fetch::<SurveyRow>(db.calls()).await?;
    Ok(page.map(Survey::from))
}
