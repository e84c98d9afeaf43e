//! Reads of notifications.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::{Decision, Notification},
    state::State,
    store::{self, NotificationRow},
};

/// The one order of lists: newest first.
pub const NEWEST_FIRST: Order = Order { name: "create_time desc", column: "created_at", descending: true };

/// Which notifications to list.
#[derive(Debug)]
pub struct ListNotifications {
    pub customer: Option<Uuid>,
    pub subject: Option<String>,
    pub state: Option<State>,
    pub page: PageRequest,
}

/// Which notification to explain.
#[derive(Debug)]
pub enum Explained {
    ById(Uuid),
    /// The newest, when there were several occasions.
    ByReason {
        customer: Uuid,
        subject: String,
        milestone: &'static str,
    },
}

impl Keyed for NotificationRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// One notification.
pub async fn get(db: &Database, id: Uuid) -> Result<Notification, Error> {
    store::load(db, id).await
}

impl ListNotifications {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(store::SELECT, &NEWEST_FIRST, &self.page)
            .and_value("customer_id =", self.customer)
            .and_value("subject =", self.subject.clone())
            .and_value("state =", self.state.map(|state| state.name().to_owned()))
    }
}

/// A page of notifications.
pub async fn list(db: &Database, query: &ListNotifications) -> Result<Page<Notification>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<NotificationRow>(db.calls()).await?;
    let items = items.into_iter().map(Notification::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// A notification with every decision about it, also when it was never sent (NO9).
pub async fn explain(db: &Database, explained: Explained) -> Result<(Notification, Vec<Decision>), Error> {
    let notification =
        match explained {
            Explained::ById(id) => store::load(db, id).await?,
            Explained::ByReason { customer, subject, milestone } => store::find(db, customer, &subject, milestone)
                .await?
                .ok_or_else(|| Error::not_found(format!("{subject}, {milestone}")))?,
        };
    let decisions = store::load_decisions(db, notification.id).await?;
    Ok((notification, decisions))
}
