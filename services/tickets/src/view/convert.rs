//! Views from and to the contract.

use seva_proto::{
    common::v1::Translation,
    tickets::v1::{self as pb, ViewEvent, view::Sharing as ProtoSharing, view_count::Precision},
};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Invalid, LocalizedText, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{DeleteView, UpdateView},
    counts::Count,
    model::{Change, NewView, Sharing, View},
};
use crate::{
    action::convert::read_translations,
    roster::model::DEPARTMENTS,
    ticket::{convert::parse_filter, queries::ORDERS},
};

/// Collection of views' names.
pub const COLLECTION: &str = "views";
/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 100;
/// Views of one question for counts at most.
const MOST_COUNTED: usize = 50;
/// Paths of an update mask.
const WRITABLE: &[&str] = &["titles", "sharing", "department", "filter", "order_by"];
const OUTPUT_ONLY: &[&str] = &["name", "etag", "owner", "create_time", "update_time"];

/// The resource name of a view.
#[must_use]
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListViewsRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, COLLECTION, "", request.page_size, &request.page_token)
}

/// Reads a request for counts.
pub fn counted(request: &pb::CountViewsRequest) -> Result<Vec<Uuid>, Error> {
    let mut violations = Violations::default();
    if request.names.is_empty() || request.names.len() > MOST_COUNTED {
        let fault = Invalid::new("NAMES_COUNT", format!("names 1 to {MOST_COUNTED} views"));
        violations.add("names", fault);
    }
    let names = request.names.iter().take(MOST_COUNTED).enumerate();
    let ids = names.map(|(at, name)| violations.take(format!("names[{at}]"), parse_name(COLLECTION, name))).collect();
    violations.finish(ids)
}

impl TryFrom<pb::CreateViewRequest> for NewView {
    type Error = Error;

    fn try_from(request: pb::CreateViewRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(view) = violations.required("view", request.view) else { return Err(violations.into()) };
        let Change { titles, sharing, filter, order_by } = change(&view, WRITABLE, &mut violations);
        let new = || Some(Self { titles: titles?, sharing: sharing?, filter: filter?, order_by: order_by? });
        let new = new();
        violations.finish(new)
    }
}

impl TryFrom<pb::UpdateViewRequest> for UpdateView {
    type Error = Error;

    fn try_from(request: pb::UpdateViewRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(view) = violations.required("view", request.view) else { return Err(violations.into()) };
        let id = violations.take("view.name", parse_name(COLLECTION, &view.name));
        let etag = violations.take("view.etag", Etag::parse(&view.etag));
        let is_set = |path: &str| match path {
            "titles" => !view.titles.is_empty(),
            "sharing" => view.sharing != 0,
            "department" => !view.department.is_empty(),
            "filter" => view.filter.is_some(),
            _ => !view.order_by.is_empty(),
        };
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut violations);
        let change = change(&view, &paths, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, change }))
    }
}

impl TryFrom<pb::DeleteViewRequest> for DeleteView {
    type Error = Error;

    fn try_from(request: pb::DeleteViewRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag }))
    }
}

/// Reads the fields at these paths and no others. Faults are noted. Sharing and department are one field in two.
fn change(view: &pb::View, paths: &[&str], violations: &mut Violations) -> Change {
    let mut change = Change::default();
    for path in paths {
        match *path {
            "titles" => change.titles = titles(&view.titles, violations),
            "department" if paths.contains(&"sharing") => {}
            "sharing" | "department" => change.sharing = sharing(view, violations),
            "filter" => {
                change.filter = parse_filter(view.filter.clone().unwrap_or_default(), "view.filter", violations);
            }
            _ => {
                let order = violations.take("view.order_by", Order::parse(ORDERS, &view.order_by));
                change.order_by = order.map(|order| order.name.to_owned());
            }
        }
    }
    change
}

fn sharing(view: &pb::View, violations: &mut Violations) -> Option<Sharing> {
    let department = || parse_name(DEPARTMENTS, &view.department).map(Sharing::Department);
    let parsed = match ProtoSharing::try_from(view.sharing) {
        Ok(ProtoSharing::Department) => return violations.take("view.department", department()),
        Ok(_) if !view.department.is_empty() => {
            let fault =
                Invalid::new("DEPARTMENT_NOT_SHARED_WITH", "is given when the view is shared with a department");
            violations.add("view.department", fault);
            return None;
        }
        Ok(ProtoSharing::Unspecified | ProtoSharing::Private) => Ok(Sharing::Private),
        Ok(ProtoSharing::Everybody) => Ok(Sharing::Everybody),
        Err(_) => Err(Invalid::new("SHARING_UNKNOWN", "has to be a known value")),
    };
    violations.take("view.sharing", parsed)
}

fn titles(given: &[Translation], violations: &mut Violations) -> Option<LocalizedText> {
    read_translations(given, "view.titles", violations, |title| text::required_line(title, MAX_TITLE_CHARS))
}

const fn proto_sharing(sharing: Sharing) -> (ProtoSharing, Option<Uuid>) {
    match sharing {
        Sharing::Private => (ProtoSharing::Private, None),
        Sharing::Department(department) => (ProtoSharing::Department, Some(department)),
        Sharing::Everybody => (ProtoSharing::Everybody, None),
    }
}

fn department_name(department: Option<Uuid>) -> String {
    department.map(|department| format_name(DEPARTMENTS, department)).unwrap_or_default()
}

impl From<&View> for pb::View {
    fn from(view: &View) -> Self {
        let View { id, version, owner, titles, sharing, filter, order_by, created_at, updated_at } = view;
        let (sharing, department) = proto_sharing(*sharing);
        let titles = titles
            .iter()
            .map(|(language, text)| Translation { language: language.as_str().to_owned(), text: text.to_owned() });
        Self {
            name: name(*id),
            etag: Etag::format(*version),
            owner: owner.clone(),
            titles: titles.collect(),
            sharing: sharing.into(),
            department: department_name(department),
            filter: Some(filter.into()),
            order_by: order_by.clone(),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

/// The public state of a view, as events carry it: without what it is called.
pub fn event_of(view: &View) -> ViewEvent {
    let View { id, version, owner, titles: _, sharing, filter, order_by, created_at, updated_at: _ } = view;
    let (sharing, department) = proto_sharing(*sharing);
    ViewEvent {
        view: name(*id),
        owner: owner.clone(),
        sharing: sharing.into(),
        department: department_name(department),
        filter: Some(filter.into()),
        order_by: order_by.clone(),
        create_time: Some(proto_timestamp(*created_at)),
        version: *version,
    }
}

/// The answer of a count.
pub fn count_to_proto(view: &View, count: Count) -> pb::ViewCount {
    let (tickets, precision) = match count {
        Count::Exact(tickets) => (tickets, Precision::Exact),
        Count::AtLeast(tickets) => (tickets, Precision::AtLeast),
    };
    pb::ViewCount { view: name(view.id), tickets, precision: precision.into() }
}
