//! Macros from and to the contract.

use seva_proto::tickets::v1::{self as pb, MacroEvent, r#macro};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{ApplyMacro, RetireMacro},
    model::{COLLECTION, Edit, Macro, NewMacro, State},
    queries::ListMacros,
};
use crate::{
    action::{
        Reading,
        convert::{kinds, proto_actions, read_actions, read_translations, translations},
    },
    roster::model::DEPARTMENTS,
    ticket,
};

/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 200;
/// Paths of an update mask.
const WRITABLE: &[&str] = &["titles", "department", "actions"];
const OUTPUT_ONLY: &[&str] = &["name", "etag", "state", "create_time", "update_time"];

/// A new macro as it was given, with its faults.
pub struct CreateMacro {
    pub reading: Reading,
    pub new: Option<NewMacro>,
}

/// Fields to change as they were given, with their faults.
pub struct UpdateMacro {
    pub reading: Reading,
    pub id: Option<Uuid>,
    pub etag: Option<Etag>,
    pub edit: Edit,
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

impl From<pb::CreateMacroRequest> for CreateMacro {
    fn from(request: pb::CreateMacroRequest) -> Self {
        let mut reading = Reading::default();
        let given = reading.violations.required("macro", request.r#macro);
        let new = given.and_then(|given| {
            let Edit { titles, department, actions } = edit(&given, WRITABLE, &mut reading);
            Some(NewMacro { titles: titles?, department: department?, actions: actions? })
        });
        Self { reading, new }
    }
}

impl From<pb::UpdateMacroRequest> for UpdateMacro {
    fn from(request: pb::UpdateMacroRequest) -> Self {
        let mut reading = Reading::default();
        let given = reading.violations.required("macro", request.r#macro).unwrap_or_default();
        let id = reading.violations.take("macro.name", parse_name(COLLECTION, &given.name));
        let etag = reading.violations.take("macro.etag", Etag::parse(&given.etag));
        let is_set = |path: &str| match path {
            "titles" => !given.titles.is_empty(),
            "department" => !given.department.is_empty(),
            _ => !given.actions.is_empty(),
        };
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut reading.violations);
        let edit = edit(&given, &paths, &mut reading);
        Self { reading, id, etag, edit }
    }
}

/// Reads the fields at these paths and no others. Faults are noted.
fn edit(given: &pb::Macro, paths: &[&str], reading: &mut Reading) -> Edit {
    let mut edit = Edit::default();
    for path in paths {
        match *path {
            "titles" => {
                let title = |title: &str| text::required_line(title, MAX_TITLE_CHARS);
                edit.titles = read_translations(&given.titles, "macro.titles", &mut reading.violations, title);
            }
            "department" if given.department.is_empty() => edit.department = Some(None),
            "department" => {
                edit.department = reading.department("macro.department".to_owned(), &given.department).map(Some);
            }
            _ => edit.actions = read_actions(&given.actions, "macro.actions", reading),
        }
    }
    edit
}

impl TryFrom<pb::RetireMacroRequest> for RetireMacro {
    type Error = Error;

    fn try_from(request: pb::RetireMacroRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag }))
    }
}

impl TryFrom<pb::ApplyMacroRequest> for ApplyMacro {
    type Error = Error;

    fn try_from(request: pb::ApplyMacroRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let ticket = violations.take("ticket", parse_name(ticket::model::COLLECTION, &request.ticket));
        let etag = violations.take("ticket_etag", Etag::parse(&request.ticket_etag));
        let command = || Some(Self { id: id?, ticket: ticket?, ticket_etag: etag?, dry_run: request.dry_run });
        let command = command();
        violations.finish(command)
    }
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListMacrosRequest, key: &PageKey) -> Result<ListMacros, Error> {
    let pb::ListMacrosRequest { page_size, page_token, department, show_retired } = request;
    let department = match department.as_str() {
        "" => None,
        name => Some(parse_name(DEPARTMENTS, name).map_err(|invalid| Error::invalid_field("department", invalid))?),
    };
    let query = format!("{department:?}/{show_retired}");
    let page = PageRequest::parse(key, COLLECTION, &query, *page_size, page_token)?;
    Ok(ListMacros { department, show_retired: *show_retired, page })
}

fn proto_state(state: State) -> i32 {
    match state {
        State::Active => r#macro::State::Active.into(),
        State::Retired => r#macro::State::Retired.into(),
    }
}

fn department_name(department: Option<Uuid>) -> String {
    department.map(|id| format_name(DEPARTMENTS, id)).unwrap_or_default()
}

impl From<&Macro> for pb::Macro {
    fn from(one: &Macro) -> Self {
        let Macro { id: _, version, titles, department, actions, state, created_at, updated_at } = one;
        Self {
            name: one.name(),
            etag: Etag::format(*version),
            titles: translations(titles.iter()),
            department: department_name(*department),
            actions: proto_actions(actions),
            state: proto_state(*state),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

/// What is told of a macro, without its texts.
pub fn event_of(one: &Macro) -> MacroEvent {
    MacroEvent {
        r#macro: one.name(),
        department: department_name(one.department),
        actions: kinds(&one.actions),
        state: proto_state(one.state),
    }
}
