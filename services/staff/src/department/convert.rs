//! Departments from and to the contract.

use seva_proto::{
    common::v1::Translation,
    staff::v1::{self as pb, DepartmentEvent},
};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{
    BusinessCalendar, Email, Invalid, Language, LocalizedText, Phone, WebLink, format_name, parse_name, text,
};
use uuid::Uuid;

use super::{
    commands::UpdateDepartment,
    model::{Change, Department, MAX_TICKET_KINDS, NewDepartment},
};

/// Collection of departments' names.
pub const COLLECTION: &str = "departments";
/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 100;
/// Longest key or kind, in bytes.
const MAX_WORD_BYTES: usize = 40;
/// Paths of an update mask; the others are output only or never change, which a mask may name without effect.
const WRITABLE: &[&str] = &["titles", "calendar", "ticket_kinds", "email", "phone", "web_page"];
const OUTPUT_ONLY: &[&str] = &["name", "etag", "key", "calendar_version", "version", "create_time", "update_time"];

/// The resource name of a department.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListDepartmentsRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, "departments", "", request.page_size, &request.page_token)
}

impl TryFrom<pb::CreateDepartmentRequest> for NewDepartment {
    type Error = Error;

    fn try_from(request: pb::CreateDepartmentRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(department) = violations.required("department", request.department) else {
            return Err(violations.into());
        };
        let key = violations.take("department.key", text::word(&department.key, '-', MAX_WORD_BYTES));
        let Change { titles, calendar, ticket_kinds, email, phone, web_page } =
            change(&department, WRITABLE, &mut violations);
        let new = || {
            Some(Self {
                key: key?,
                titles: titles?,
                calendar: calendar?,
                ticket_kinds: ticket_kinds?,
                email: email?,
                phone: phone?,
                web_page: web_page?,
            })
        };
        let new = new();
        violations.finish(new)
    }
}

impl TryFrom<pb::UpdateDepartmentRequest> for UpdateDepartment {
    type Error = Error;

    fn try_from(request: pb::UpdateDepartmentRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(department) = violations.required("department", request.department) else {
            return Err(violations.into());
        };
        let id = violations.take("department.name", parse_name(COLLECTION, &department.name));
        let etag = violations.take("department.etag", Etag::parse(&department.etag));
        let is_set = |path: &str| is_set(&department, path);
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut violations);
        let change = change(&department, &paths, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, change }))
    }
}

/// Reads the fields at these paths and no others. Faults are noted.
fn change(department: &pb::Department, paths: &[&str], violations: &mut Violations) -> Change {
    let mut change = Change::default();
    for path in paths {
        let field = format!("department.{path}");
        match *path {
            "titles" => change.titles = titles(&department.titles, &field, violations),
            "calendar" => {
                let calendar = violations.required(field.clone(), department.calendar.clone());
                change.calendar =
                    calendar.and_then(|calendar| violations.take_message(&field, BusinessCalendar::try_from(calendar)));
            }
            "ticket_kinds" => change.ticket_kinds = ticket_kinds(&department.ticket_kinds, &field, violations),
            "email" => change.email = optional(&department.email, Email::parse, field, violations),
            "phone" => change.phone = optional(&department.phone, Phone::parse, field, violations),
            "web_page" => change.web_page = optional(&department.web_page, WebLink::parse, field, violations),
            other => unreachable!("{other} is not among the writable paths"),
        }
    }
    change
}

fn is_set(department: &pb::Department, path: &str) -> bool {
    match path {
        "titles" => !department.titles.is_empty(),
        "calendar" => department.calendar.is_some(),
        "ticket_kinds" => !department.ticket_kinds.is_empty(),
        "email" => !department.email.is_empty(),
        "phone" => !department.phone.is_empty(),
        _ => !department.web_page.is_empty(),
    }
}

/// Reads a value that may be left out.
#[expect(clippy::option_option, reason = "a fault, nothing, or a value")]
fn optional<T>(
    given: &str,
    parse: impl Fn(&str) -> Result<T, Invalid>,
    field: String,
    violations: &mut Violations,
) -> Option<Option<T>> {
    if given.is_empty() { Some(None) } else { violations.take(field, parse(given)).map(Some) }
}

fn titles(given: &[Translation], field: &str, violations: &mut Violations) -> Option<LocalizedText> {
    if given.is_empty() {
        violations.add(field, Invalid::new("FIELD_REQUIRED", "needs one language at least"));
        return None;
    }
    let mut titles = LocalizedText::new();
    for (at, title) in given.iter().enumerate() {
        let language = violations.take(format!("{field}[{at}].language"), Language::parse(&title.language));
        let text = violations.take(format!("{field}[{at}].text"), text::required_line(&title.text, MAX_TITLE_CHARS));
        if let Some((language, text)) = language.zip(text)
            && titles.insert(language, text).is_some()
        {
            violations.add(format!("{field}[{at}]"), Invalid::new("LANGUAGE_REPEATED", "stands in the list before"));
        }
    }
    (titles.len() == given.len()).then_some(titles)
}

fn ticket_kinds(given: &[String], field: &str, violations: &mut Violations) -> Option<Vec<String>> {
    if given.len() > MAX_TICKET_KINDS {
        let too_many = format!("a department has {MAX_TICKET_KINDS} at most");
        violations.add(field, Invalid::new("TICKET_KINDS_TOO_MANY", too_many));
        return None;
    }
    let mut kinds: Vec<String> = Vec::with_capacity(given.len());
    for (at, kind) in given.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(kind) = violations.take(field.clone(), text::word(kind, '_', MAX_WORD_BYTES)) else { continue };
        if kinds.contains(&kind) {
            violations.add(field, Invalid::new("TICKET_KIND_REPEATED", "stands in the list before"));
        }
        kinds.push(kind);
    }
    kinds.sort();
    (kinds.len() == given.len()).then_some(kinds)
}

impl From<&Department> for pb::Department {
    fn from(department: &Department) -> Self {
        let Department {
            id,
            version,
            key,
            titles,
            calendar,
            calendar_version,
            ticket_kinds,
            email,
            phone,
            web_page,
            created_at,
            updated_at,
        } = department;
        let title = |(language, text): (&Language, &str)| Translation {
            language: language.as_str().to_owned(),
            text: text.to_owned(),
        };
        Self {
            name: name(*id),
            etag: Etag::format(*version),
            key: key.clone(),
            titles: titles.iter().map(title).collect(),
            calendar: Some(calendar.into()),
            calendar_version: *calendar_version,
            ticket_kinds: ticket_kinds.clone(),
            email: email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default(),
            phone: phone.as_ref().map(|phone| phone.as_str().to_owned()).unwrap_or_default(),
            web_page: web_page.as_ref().map(|link| link.as_str().to_owned()).unwrap_or_default(),
            version: *version,
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

/// The state of a department after a change of these fields, as events carry it.
pub fn event_of(department: &Department, changed: &[&str]) -> DepartmentEvent {
    DepartmentEvent {
        department: Some(department.into()),
        changed_fields: changed.iter().map(|&field| field.to_owned()).collect(),
    }
}
