//! Mails as text, and what must hold of them in any case.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::text::without_secrets;

#[cfg(test)]
mod tests;

/// The name of a mail's file ends so; before it stands the id of the notification.
const ENDING: &str = ".eml";
/// Headers that are not told as they stand: one holds the boundary between the parts, which is random, and the parts are told themselves; the others
/// are told as people read them, because ids have other names in them.
const NOT_AS_THEY_STAND: [&str; 3] = ["Content-Type", "Subject", "To"];

/// Each mail of a folder as JSON: the notification, all headers, both bodies.
pub fn rows(folder: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    for name in names(folder) {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let mail = MessageParser::default().parse(&bytes).unwrap_or_else(|| panic!("{name} is no mail"));
        let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let is_told = |header: &str| !NOT_AS_THEY_STAND.iter().any(|other| other.eq_ignore_ascii_case(header));
        for (header, value) in mail.headers_raw().filter(|(header, _)| is_told(header)) {
            headers.entry(header).or_default().push(value.trim());
        }
        let to = mail.to().and_then(|to| to.first());
        let body =
            |body: Option<std::borrow::Cow<'_, str>>| body.map_or(Value::Null, |body| without_secrets(&body).into());
        let row = json!({
            "file": name, "to": to.and_then(mail_parser::Addr::address), "name": to.and_then(mail_parser::Addr::name), "subject": mail.subject(),
            "headers": headers, "text": body(mail.body_text(0)), "html": body(mail.body_html(0)), "parts": mail.parts.len(),
        });
        rows.push(without_secrets(&row.to_string()));
    }
    rows
}

/// What is wrong with the mails of a folder, when these notifications were sent: each has one mail, whose Message-ID comes once, and there is
/// no other, nor a file that was begun and never finished.
pub fn faults(folder: &Path, sent: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut mailed, mut message_ids) = (BTreeSet::new(), BTreeSet::new());
    for name in names(folder) {
        let Some(id) = name.strip_suffix(ENDING).filter(|id| !id.starts_with('.')) else {
            faults.push(format!("{name} is no finished mail"));
            continue;
        };
        if !sent.contains(id) {
            faults.push(format!("{name} was mailed, and is not known to have been sent"));
        }
        mailed.insert(id.to_owned());
        let bytes = fs::read(folder.join(&name)).unwrap();
        let mail = MessageParser::default().parse(&bytes);
        match mail.as_ref().and_then(|mail| mail.message_id()) {
            None => faults.push(format!("{name} has no Message-ID")),
            Some(id) if !message_ids.insert(id.to_owned()) => {
                faults.push(format!("Message-ID {id} of {name} comes twice"))
            }
            Some(_) => {}
        }
    }
    faults.extend(sent.difference(&mailed).map(|id| format!("{id} was sent, and there is no mail of it")));
    faults
}

/// The names of all files, sorted.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
