//! The frame of all pages, and their way out. Templates escape everything that is put in.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    Portal,
    fault::Fault,
    texts::{Notice, Texts, Tongue},
};

/// What every page has around it.
#[derive(Debug)]
pub struct Frame<'p> {
    /// The words.
    pub texts: &'p Texts,
    /// The company's name.
    pub company: &'p str,
    /// The page's title and heading.
    pub title: String,
}

impl<'p> Frame<'p> {
    /// The frame of a page in `texts`.
    pub fn new(portal: &'p Portal, texts: &'p Texts, title: impl Into<String>) -> Self {
        Self { texts, company: &portal.settings.company, title: title.into() }
    }
}

/// A page on its way out.
pub fn page(tongue: Tongue, status: StatusCode, template: &impl Template) -> Response {
    let rendered = match template.render() {
        Ok(rendered) => rendered,
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            return Fault::Broken.into_response();
        }
    };
    let mut response = (status, Html(rendered)).into_response();
    if let Ok(language) = HeaderValue::from_str(&tongue.language) {
        response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
    }
    response
}

/// A page with some words only.
pub fn notice(portal: &Portal, tongue: Tongue, notice: &Notice, status: StatusCode) -> Response {
    let frame = Frame::new(portal, tongue, notice.title.as_str());
    page(tongue, status, &NoticePage { frame, text: &notice.text, detail: None })
}

/// Words instead of a page.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub struct NoticePage<'p> {
    /// Around it.
    pub frame: Frame<'p>,
    /// What can be done.
    pub text: &'p str,
    /// What it is about.
    pub detail: Option<&'p str>,
}

/// To another page of ours, to be read there: what was sent is not sent again when that page is loaded again.
pub fn see(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => Fault::Broken.into_response(),
    }
}
