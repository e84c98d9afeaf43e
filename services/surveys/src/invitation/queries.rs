//! Reads of invitations.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    model::Invitation,
    state::State,
    store::{self, InvitationRow},
};
use crate::response::{self, Response};

/// The one order of lists: newest first.
pub const NEWEST_FIRST: Order = Order { name: "create_time desc", column: "created_at", descending: true };

/// Which invitations to list.
#[derive(Debug)]
pub struct ListInvitations {
    pub programme: Option<Uuid>,
    pub customer: Option<Uuid>,
    pub state: Option<State>,
    pub page: PageRequest,
}

impl Keyed for InvitationRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl ListInvitations {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(store::SELECT, &NEWEST_FIRST, &self.page)
            .and_value("programme_id =", self.programme)
            .and_value("customer_id =", self.customer)
            .and_value("state =", self.state.map(|state| state.name().to_owned()))
    }
}

/// One invitation, with its response if there is one and the caller may read it.
pub async fn get(db: &Database, id: Uuid, reads_responses: bool) -> Result<(Invitation, Option<Response>), Error> {
    let invitation = store::load(db, id).await?;
    let response = if reads_responses { response::store::of_invitation(db.calls(), id).await? } else { None };
    Ok((invitation, response))
}

/// A page of invitations.
pub async fn list(db: &Database, query: &ListInvitations) -> Result<Page<Invitation>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<InvitationRow>(db.calls()).await?;
    let items = items.into_iter().map(Invitation::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
