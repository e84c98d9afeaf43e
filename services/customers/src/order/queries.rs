//! Reads of orders.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order as SortOrder, Page, PageRequest, SortKey},
};
use seva_values::format_name;
use uuid::Uuid;

use super::{
    convert::COLLECTION,
    model::{Order, PromisedDateChange, PromisedDateOutcome, State},
    store::{self, OrderRow},
};

/// Orders that `ListOrders` allows; each has its index, also for each filter.
pub const ORDERS: &[SortOrder] = &[
    SortOrder { name: "create_time", column: "created_at", descending: false },
    SortOrder { name: "create_time desc", column: "created_at", descending: true },
];

/// Which one.
#[derive(Debug)]
pub enum GetOrder {
    /// The one of this id.
    ById(Uuid),
    /// The one of a source's number.
    ByNumber { source: String, order_number: String },
}

/// Which orders to list.
#[derive(Debug)]
pub struct ListOrders {
    pub order: &'static SortOrder,
    pub customer_id: Option<Uuid>,
    pub state: Option<State>,
    pub promised_date_outcome: Option<PromisedDateOutcome>,
    pub page: PageRequest,
}

impl Keyed for OrderRow {
    fn place(&self, _: &SortOrder) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// One order with the history of its promised day.
pub async fn get(db: &Database, which: GetOrder) -> Result<(Order, Vec<PromisedDateChange>), Error> {
    let (found, asked) = match which {
        GetOrder::ById(id) => (store::find(db.calls(), &[id], &[], &[]).await?, format_name(COLLECTION, id)),
        GetOrder::ByNumber { source, order_number } => {
            let found = store::find(db.calls(), &[], &[&source], &[&order_number]).await?;
            (found, format!("{source}/{order_number}"))
        }
    };
    let order = found.into_iter().next().ok_or_else(|| Error::not_found(asked))?;
    let promised_dates = store::promised_dates(db, order.id).await?;
    Ok((order, promised_dates))
}

/// A page of orders.
pub async fn list(db: &Database, query: &ListOrders) -> Result<Page<Order>, Error> {
    let rows = listing(query).fetch::<OrderRow>(db.calls()).await?;
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(Order::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page.
pub(crate) fn listing(query: &ListOrders) -> Listing<'_> {
    Listing::new(store::SELECT, query.order, &query.page)
        .and_value("customer_id =", query.customer_id)
        .and_value("state =", query.state.map(|state| state.name().to_owned()))
        .and_value("promised_date_outcome =", query.promised_date_outcome.map(|outcome| outcome.name().to_owned()))
}
