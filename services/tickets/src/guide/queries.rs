//! Reads of guides and runs.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Guide, GuideVersion, Node},
    run::Run,
    store::{
        self, GuideRow,
        runs::{self, RunRow},
    },
};
use crate::ticket;

/// The order of guides; it has its index.
pub const NEWEST_FIRST: &Order = &Order { name: "create_time desc", column: "created_at", descending: true };
/// The order of a ticket's runs; it has its index.
pub const OLDEST_FIRST: &Order = &Order { name: "start_time", column: "started_at", descending: false };

/// Which guides to list.
#[derive(Debug)]
pub struct ListGuides {
    pub product: Option<String>,
    pub page: PageRequest,
}

impl Keyed for GuideRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl Keyed for RunRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.started_at.to_jiff()), self.id)
    }
}

/// A guide with the version asked for, or with the published one, if there is any.
pub async fn get(db: &Database, (id, number): (Uuid, Option<i32>)) -> Result<(Guide, Option<GuideVersion>), Error> {
    let guide = store::load(db, id).await?;
    match number.or(guide.published_number) {
        Some(number) => Ok((guide, Some(store::load_version(db, id, number).await?))),
        None => Ok((guide, None)),
    }
}

/// A page of guides, newest first.
pub async fn list(db: &Database, query: &ListGuides) -> Result<Page<Guide>, Error> {
    Ok(listing(query).fetch::<GuideRow>(db.calls()).await?.map(Guide::from))
}

/// The statement of a page of guides.
pub fn listing(query: &ListGuides) -> Listing<'_> {
    Listing::new(store::SELECT, NEWEST_FIRST, &query.page).and_value("product =", query.product.clone())
}

/// A run, and the node that it is at.
pub async fn get_run(db: &Database, id: Uuid) -> Result<(Run, Option<Node>), Error> {
    let run = runs::load(db, id).await?;
    let version = store::load_version(db, run.guide, run.number).await?;
    let node = version.content.node(&run.node_id).cloned();
    Ok((run, node))
}

/// A page of a ticket's runs, oldest first.
pub async fn list_runs(db: &Database, ticket: Uuid, page: &PageRequest) -> Result<Page<Run>, Error> {
    ticket::store::load(db, ticket).await?;
    let Page { items, next_page_token } = runs_of(ticket, page).fetch::<RunRow>(db.calls()).await?;
    let items = items.into_iter().map(Run::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page of a ticket's runs.
pub fn runs_of(ticket: Uuid, page: &PageRequest) -> Listing<'_> {
    Listing::new(runs::SELECT, OLDEST_FIRST, page).and_value("ticket_id =", Some(ticket))
}
