//! Reads of views, and what they stand for in a list.

use seva_runtime::{Error, auth::Principal};
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use uuid::Uuid;

use super::{
    convert::name,
    model::{View, Viewer},
    store::{self, ViewRow},
};
use crate::{roster, ticket::filter::TicketFilter};

/// The order of a list of views: ids begin with the time.
pub const ORDERS: &[Order] = &[Order { name: "create_time", column: "id", descending: false }];
/// Roles that look after what is shared.
const LEADING: [&str; 2] = ["lead", "manager"];

impl Keyed for ViewRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::None, self.id)
    }
}

/// Who calls, and what they are to views.
pub async fn viewer(db: &Database, principal: &Principal) -> Result<Viewer, Error> {
    let subject = principal.subject.clone();
    let position = match subject.strip_prefix("user:") {
        Some(user) => roster::store::position_of_user(db.calls(), user).await?,
        None => None,
    };
    let leads = LEADING.iter().any(|role| principal.roles.contains(*role));
    let (member, department) = position.map_or((None, None), |(member, department)| (Some(member), department));
    Ok(Viewer { subject, member, department, leads })
}

/// One view, when the viewer sees it.
pub async fn get(db: &Database, viewer: &Viewer, id: Uuid) -> Result<View, Error> {
    let view = store::find(db, id).await?.filter(|view| viewer.sees(view));
    view.ok_or_else(|| Error::not_found(name(id)))
}

/// A page of the views that the viewer sees.
pub async fn list(db: &Database, viewer: &Viewer, page: &PageRequest) -> Result<Page<View>, Error> {
    let rows = listing(viewer, page).fetch::<ViewRow>(db.calls()).await?;
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(View::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page of views.
pub fn listing<'a>(viewer: &Viewer, page: &'a PageRequest) -> Listing<'a> {
    let Viewer { subject, department, leads, member: _ } = viewer;
    let mut audiences = vec![subject.clone(), "everybody".to_owned()];
    audiences.extend(department.map(|department| department.to_string()));
    let listing = Listing::new(store::SELECT, &ORDERS[0], page).and("deleted_at is null");
    if *leads {
        return listing.and_around("(sharing <> 'private' or owner =", subject.clone(), ")");
    }
    let audience = "array[owner, case sharing when 'everybody' then sharing else department::text end] &&";
    listing.and_value(audience, Some(audiences))
}

/// The member who calls, where a filter asks for theirs.
pub async fn member(db: &Database, principal: &Principal, mine: bool) -> Result<Option<Uuid>, Error> {
    match principal.subject.strip_prefix("user:").filter(|_| mine) {
        Some(user) => Ok(roster::store::member_of_user(db.calls(), user).await.map_err(Error::from)?),
        None => Ok(None),
    }
}

/// Filter and order of the view that is named, when the caller sees it.
pub async fn in_place(
    db: &Database,
    principal: &Principal,
    id: Option<Uuid>,
) -> Result<Option<(TicketFilter, String)>, Error> {
    let Some(id) = id else { return Ok(None) };
    let View { filter, order_by, .. } = get(db, &viewer(db, principal).await?, id).await?;
    Ok(Some((filter, order_by)))
}

/// These views, in their order.
pub async fn several(db: &Database, viewer: &Viewer, ids: &[Uuid]) -> Result<Vec<View>, Error> {
    let found = store::find_all(db, ids).await?;
    let one = |id: &Uuid| {
        let view = found.iter().find(|view| view.id == *id && viewer.sees(view));
        view.cloned().ok_or_else(|| Error::not_found(name(*id)))
    };
    ids.iter().map(one).collect()
}
