//! The mails of an embedded run, newest first. Anybody may look, so these routes are there only when a folder is named; the service
//! `serve`d for customers names none.

use std::{
    path::Path as FilePath,
    time::{Duration, SystemTime},
};

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};
use http::{StatusCode, header};
use mail_parser::{Message, MessageParser};
use seva_values::{Uuid, WebLink};

use crate::{
    Portal,
    fault::Fault,
    page::{Frame, page},
    texts,
};

/// Mails that are listed at most.
const MAX_LISTED: usize = 200;
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What frames may show: nothing runs, nothing is fetched, and styles stand in the mail itself.
const FRAMED_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; form-action 'none'; base-uri 'none'";
/// As of all pages, with a frame of ours.
const FRAMING_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug, Template)]
#[template(path = "dev_mails.html")]
struct MailsPage<'p> {
    frame: Frame<'p>,
    mails: Vec<MailView>,
}

#[derive(Debug, Template)]
#[template(path = "dev_mail.html")]
struct MailPage<'p> {
    frame: Frame<'p>,
    mail: MailView,
    text: String,
    links: Vec<String>,
    unsubscribe: Option<String>,
    has_html: bool,
}

#[derive(Debug)]
struct MailView {
    id: String,
    subject: String,
    to: String,
    date: String,
    language: String,
}

/// Lists the mails, newest first.
pub async fn list(State(portal): State<Portal>) -> Result<Response, Fault> {
    let folder = portal.settings.mail_folder.clone().ok_or(Fault::NotFound)?;
    let mails = blocking(move || newest(&folder)).await?;
    let tongue = texts::of("en");
    let frame = Frame::new(&portal, tongue, "Mails of this run");
    Ok(page(tongue, StatusCode::OK, &MailsPage { frame, mails }))
}

/// Shows a mail: its text with its links, and its HTML in a frame in which nothing runs.
pub async fn show(State(portal): State<Portal>, Path(id): Path<String>) -> Result<Response, Fault> {
    let bytes = read(&portal, &id).await?;
    let message = MessageParser::default().parse(&bytes).ok_or(Fault::NotFound)?;
    let text = message.body_text(0).unwrap_or_default().into_owned();
    let tongue = texts::of("en");
    let mail = mail_view(&id, &message);
    let template = MailPage {
        frame: Frame::new(&portal, tongue, mail.subject.clone()),
        mail,
        links: links(&text),
        unsubscribe: message.header_raw("List-Unsubscribe").and_then(|raw| links(raw).into_iter().next()),
        has_html: message.html_body_count() > 0,
        text,
    };
    let mut response = page(tongue, StatusCode::OK, &template);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, http::HeaderValue::from_static(FRAMING_POLICY));
    Ok(response)
}

/// The HTML of a mail as it is, for the frame.
pub async fn html(State(portal): State<Portal>, Path(id): Path<String>) -> Result<Response, Fault> {
    let bytes = read(&portal, &id).await?;
    let message = MessageParser::default().parse(&bytes).ok_or(Fault::NotFound)?;
    let html = message.body_html(0).ok_or(Fault::NotFound)?.into_owned();
    Ok(([(header::CONTENT_SECURITY_POLICY, FRAMED_POLICY)], Html(html)).into_response())
}

/// The bytes of a mail. Its name is an id, so no other file can be asked for.
async fn read(portal: &Portal, id: &str) -> Result<Vec<u8>, Fault> {
    let folder = portal.settings.mail_folder.clone().ok_or(Fault::NotFound)?;
    let id = Uuid::try_parse(id).map_err(|_| Fault::NotFound)?;
    let file = folder.join(format!("{id}.eml"));
    blocking(move || bytes_of(&file).ok_or(Fault::NotFound)).await?
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Broken)
}

fn bytes_of(file: &FilePath) -> Option<Vec<u8>> {
    let metadata = std::fs::metadata(file).ok()?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return None;
    }
    std::fs::read(file).ok()
}

/// The newest mails. A folder that is not there yet holds none.
fn newest(folder: &FilePath) -> Vec<MailView> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<(Duration, Uuid)> = entries
        .flatten()
        .filter_map(|entry| {
            let id = Uuid::try_parse(entry.file_name().to_str()?.strip_suffix(".eml")?).ok()?;
            let modified = entry.metadata().ok()?.modified().ok()?;
            Some((modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(), id))
        })
        .collect();
    files.sort_unstable_by(|one, other| other.cmp(one));
    files.truncate(MAX_LISTED);
    let mails = files.into_iter().filter_map(|(_, id)| {
        let bytes = bytes_of(&folder.join(format!("{id}.eml")))?;
        Some(mail_view(&id.to_string(), &MessageParser::default().parse_headers(&bytes)?))
    });
    mails.collect()
}

fn mail_view(id: &str, message: &Message<'_>) -> MailView {
    let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default();
    MailView {
        id: id.to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        to: to.to_owned(),
        date: message.date().map(mail_parser::DateTime::to_rfc822).unwrap_or_default(),
        language: message.header_raw("Content-Language").unwrap_or_default().trim().to_owned(),
    }
}

/// The web addresses in a text, each once.
fn links(text: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for word in text.split(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"' | '(' | ')')) {
        let Some(begin) = word.find("http://").or_else(|| word.find("https://")) else { continue };
        let address = word[begin..].trim_end_matches(['.', ',', ';', '।', '۔']);
        if let Ok(link) = WebLink::parse(address)
            && !links.contains(&link.as_str().to_owned())
        {
            links.push(link.into());
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_a_text_are_found_without_what_stands_around_them() {
        let text = "Answer here: http://127.0.0.1:8080/survey/a.b:c.1.2.k1.Zm9v.\n<https://example.com/x?y=1> javascript:alert(1)";
        assert_eq!(links(text), ["http://127.0.0.1:8080/survey/a.b:c.1.2.k1.Zm9v", "https://example.com/x?y=1"]);
    }
}
