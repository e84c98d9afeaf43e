//! Reads of escalations.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Escalation, State},
    store::{self, EscalationRow},
};

/// Orders that a list of escalations allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "acknowledge_due_time", column: "acknowledge_due_at", descending: false },
];

/// Which escalations to list.
#[derive(Debug)]
pub struct ListEscalations {
    pub order: &'static Order,
    pub ticket: Option<Uuid>,
    pub department: Option<Uuid>,
    pub owner: Option<Uuid>,
    pub level: Option<i16>,
    pub state: Option<State>,
    pub open: bool,
    pub page: PageRequest,
}

impl Keyed for EscalationRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        // Whoever has no due time is not in a list by it.
        let due_at = self.acknowledge_due_at.filter(|_| order.column == "acknowledge_due_at");
        (SortKey::Time(due_at.unwrap_or(self.created_at).to_jiff()), self.id)
    }
}

impl ListEscalations {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        // What waits to be acknowledged is raised and open: to say so, too, would have the planner take it for much less.
        let waits = self.order.column == "acknowledge_due_at";
        let listing = Listing::new(store::SELECT, self.order, &self.page)
            .and_value("ticket_id =", self.ticket)
            .and_value("department =", self.department)
            .and_value("owner =", self.owner)
            .and_value("level =", self.level)
            .and_value("state =", self.state.filter(|state| !(waits && *state == State::Raised)).map(State::name));
        match self.open {
            _ if waits => listing.and("acknowledge_due_at is not null"),
            true => listing.and("state <> 'closed'"),
            false => listing,
        }
    }
}

/// A page of escalations.
pub async fn list(db: &Database, query: &ListEscalations) -> Result<Page<Escalation>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<EscalationRow>(db.calls()).await?;
    let items = items.into_iter().map(Escalation::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
