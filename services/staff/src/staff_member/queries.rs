//! Reads of staff members.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::Language;
use uuid::Uuid;

use super::{
    model::{Presence, StaffMember, State},
    store::{self, StaffMemberRow},
};

/// Orders that a list of staff members allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "create_time", column: "created_at", descending: false },
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "update_time", column: "updated_at", descending: false },
    Order { name: "update_time desc", column: "updated_at", descending: true },
];

/// Which members to list.
#[derive(Debug)]
pub struct ListStaffMembers {
    pub order: &'static Order,
    pub department: Option<Uuid>,
    pub skill: Option<String>,
    /// Who serves in it, or in a wider one: `en` serves `en-IN`.
    pub language: Option<Language>,
    pub state: Option<State>,
    pub presence: Option<Presence>,
    pub page: PageRequest,
}

impl Keyed for StaffMemberRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        let time = if order.column == "updated_at" { self.updated_at } else { self.created_at };
        (SortKey::Time(time.to_jiff()), self.id)
    }
}

/// One member.
pub async fn get(db: &Database, id: Uuid) -> Result<StaffMember, Error> {
    store::load(db, id).await
}

/// A page of members.
pub async fn list(db: &Database, query: &ListStaffMembers) -> Result<Page<StaffMember>, Error> {
    let rows = listing(query).fetch::<StaffMemberRow>(db.calls()).await?;
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(StaffMember::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page of members.
pub fn listing(query: &ListStaffMembers) -> Listing<'_> {
    let ListStaffMembers { order, department, skill, language, state, presence, page } = query;
    let wider = language.as_ref().map(|language| {
        std::iter::once(language.clone())
            .chain(language.parents())
            .map(|tag| tag.as_str().to_owned())
            .collect::<Vec<_>>()
    });
    Listing::new(store::SELECT, order, page)
        .and_value("department_id =", *department)
        .and_value("skills @>", skill.as_ref().map(|skill| vec![skill.clone()]))
        .and_value("languages &&", wider)
        .and_value("state =", state.map(State::name))
        .and_value("presence =", presence.map(Presence::name))
}
