//! Reads of automations and of what came of them.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    firing::{Firing, Outcome},
    model::Automation,
    store::{self, AutomationRow, FiringRow, Version},
};

/// The order of a list of automations, and of firings; each has its index.
pub const ORDERS: &[Order] = &[Order { name: "create_time desc", column: "created_at", descending: true }];
pub const FIRING_ORDERS: &[Order] = &[Order { name: "time desc", column: "at", descending: true }];

/// Which firings to list.
#[derive(Debug)]
pub struct ListFirings {
    pub automation: Option<Uuid>,
    pub ticket: Option<Uuid>,
    pub outcome: Option<Outcome>,
    pub page: PageRequest,
}

impl Keyed for AutomationRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl Keyed for FiringRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.at.to_jiff()), self.id)
    }
}

/// One automation.
pub async fn get(db: &Database, id: Uuid) -> Result<Automation, Error> {
    store::load(db, id).await
}

/// Every rule that one has had, newest first.
pub async fn versions(db: &Database, id: Uuid) -> Result<Vec<Version>, Error> {
    store::load(db, id).await?;
    store::versions(db, id).await
}

/// A page of automations.
pub async fn list(db: &Database, page: &PageRequest) -> Result<Page<Automation>, Error> {
    let page = Listing::new(store::SELECT, &ORDERS[0], page).fetch::<AutomationRow>(db.calls()).await?;
    let Page { items, next_page_token } = page;
    Ok(Page { items: items.into_iter().map(Automation::try_from).collect::<Result<_, _>>()?, next_page_token })
}

/// A page of firings.
pub async fn firings(db: &Database, query: &ListFirings) -> Result<Page<Firing>, Error> {
    let Page { items, next_page_token } = firing_list(query).fetch::<FiringRow>(db.calls()).await?;
    Ok(Page { items: items.into_iter().map(Firing::try_from).collect::<Result<_, _>>()?, next_page_token })
}

/// The statement of a page of firings.
pub fn firing_list(query: &ListFirings) -> Listing<'_> {
    Listing::new(store::SELECT_FIRINGS, &FIRING_ORDERS[0], &query.page)
        .and_value("automation_id =", query.automation)
        .and_value("ticket_id =", query.ticket)
        .and_value("outcome =", query.outcome.map(Outcome::name))
}
