//! Reads of template versions.

use seva_proto::notifications::v1::PreviewTemplateVersionResponse;
use seva_runtime::{Error, Violations};
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::{Invalid, Language};
use uuid::Uuid;

use super::{
    convert::Name,
    model::Version,
    store::{self, VersionRow},
};
use crate::template::{RenderError, Variables, render};

/// The one order of lists: by key, newest first.
pub const BY_KEY: Order = Order { name: "name", column: "place", descending: false };

/// Which versions to list.
#[derive(Debug)]
pub struct ListVersions {
    /// Of one template; `None`: of all.
    pub key: Option<String>,
    pub page: PageRequest,
}

/// What to write from which version.
#[derive(Debug)]
pub struct Preview {
    pub name: Name,
    pub languages: Vec<Language>,
    pub variables: Variables,
}

impl Keyed for VersionRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Text(self.place.clone()), self.id)
    }
}

/// One version.
pub async fn get(db: &Database, name: &Name) -> Result<Version, Error> {
    Ok(store::load(db, &name.key, name.number).await?.0)
}

/// A page of versions.
pub async fn list(db: &Database, query: &ListVersions) -> Result<Page<Version>, Error> {
    let listing = Listing::new(store::SELECT, &BY_KEY, &query.page).and_value("v.key =", query.key.clone());
    Ok(listing.fetch::<VersionRow>(db.calls()).await?.map(Version::from))
}

/// The message as it would be sent.
pub async fn preview(db: &Database, preview: &Preview) -> Result<PreviewTemplateVersionResponse, Error> {
    let version = get(db, &preview.name).await?;
    let written =
        render(&version.to_template(), &preview.languages, &preview.variables).map_err(|error| refused(&error))?;
    Ok(PreviewTemplateVersionResponse {
        language: written.language.as_str().to_owned(),
        language_fell_back: written.fell_back,
        subject: written.subject,
        text: written.text,
        html: written.html,
    })
}

/// Which field of a request for a preview keeps it from being written.
fn refused(error: &RenderError) -> Error {
    let (field, reason) = match error {
        RenderError::NoVariant | RenderError::DateNamesUnknown { .. } => ("languages".to_owned(), "LANGUAGE_MISSING"),
        RenderError::MissingVariable { name } => (format!("variables.{name}"), "FIELD_REQUIRED"),
        RenderError::WrongKind { name, .. } => (format!("variables.{name}"), "VARIABLE_OF_WRONG_KIND"),
        RenderError::LineBreakInHeader => ("variables".to_owned(), "SUBJECT_LINE_BREAK"),
        RenderError::TemplateFaulty { .. } => ("name".to_owned(), "TEMPLATE_FAULTY"),
    };
    let mut violations = Violations::default();
    violations.add(field, Invalid::new(reason, error.to_string()));
    violations.into()
}
