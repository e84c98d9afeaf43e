//! Reads of hand-offs.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Handoff, State},
    store::{HandoffRow, SELECT},
};

/// Orders that a list of hand-offs allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "ack_due_time", column: "ack_due_at", descending: false },
    Order { name: "ack_due_time desc", column: "ack_due_at", descending: true },
    Order { name: "done_due_time", column: "done_due_at", descending: false },
    Order { name: "done_due_time desc", column: "done_due_at", descending: true },
];

/// Which hand-offs to list.
#[derive(Debug)]
pub struct ListHandoffs {
    pub order: &'static Order,
    pub ticket: Option<Uuid>,
    pub department: Option<Uuid>,
    pub from: Option<Uuid>,
    pub state: Option<State>,
    pub page: PageRequest,
}

impl Keyed for HandoffRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        let due_at = if order.column == "done_due_at" { self.done_due_at } else { self.ack_due_at };
        (SortKey::Time(due_at.to_jiff()), self.id)
    }
}

impl ListHandoffs {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(SELECT, self.order, &self.page)
            .and_value("ticket_id =", self.ticket)
            .and_value("department_id =", self.department)
            .and_value("from_department_id =", self.from)
            .and_value("state =", self.state.map(State::name))
    }
}

/// A page of hand-offs.
pub async fn list(db: &Database, query: &ListHandoffs) -> Result<Page<Handoff>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<HandoffRow>(db.calls()).await?;
    let items = items.into_iter().map(Handoff::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
