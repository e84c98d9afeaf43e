//! The mails that customers got, read as a mail program reads them.

use std::{fs, path::Path};

use mail_parser::{Addr, MessageParser, MimeHeaders};
use url::Url;

use crate::page;

/// A mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Name of its file without the ending: the id of the notification.
    pub id: String,
    /// Whom it went to.
    pub to: String,
    /// Decoded.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// `Content-Language`.
    pub language: String,
    /// Without the angle brackets.
    pub message_id: String,
    /// `Auto-Submitted`.
    pub auto_submitted: String,
    /// Such as `multipart/alternative`.
    pub content_type: String,
    /// The address in `List-Unsubscribe`.
    pub unsubscribe: Option<String>,
}

impl Mail {
    /// The addresses that its HTML leads to, and where it can be unsubscribed from.
    pub fn links(&self) -> Vec<String> {
        let mut links = page::links("http://mail.invalid/", &self.html);
        links.extend(self.unsubscribe.clone());
        links
    }

    /// The first address whose path begins so, such as `/ticket/`.
    pub fn link(&self, path: &str) -> Option<String> {
        let is_there = |link: &&String| Url::parse(link).is_ok_and(|link| link.path().starts_with(path));
        self.links().iter().find(is_there).cloned()
    }
}

/// All mails of a folder, in the order of their ids, which is the order in which they were decided upon.
///
/// # Panics
/// When a file is no mail.
pub fn all_in(folder: &Path) -> Vec<Mail> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut mails: Vec<_> = files
        .filter_map(|file| {
            let path = file.path();
            let id = path.file_name()?.to_str()?.strip_suffix(".eml")?.to_owned();
            // What is being written has a name with a dot in front.
            if id.starts_with('.') { None } else { Some(parse(id, &fs::read(&path).ok()?)) }
        })
        .collect();
    mails.sort_by(|one, other| one.id.cmp(&other.id));
    mails
}

/// The mails to one address.
pub fn to(folder: &Path, address: &str) -> Vec<Mail> {
    all_in(folder).into_iter().filter(|mail| mail.to == address).collect()
}

fn parse(id: String, bytes: &[u8]) -> Mail {
    let mail = MessageParser::default().parse(bytes).unwrap_or_else(|| panic!("{id} is no mail"));
    let header = |name: &str| mail.header_raw(name).unwrap_or_default().trim().to_owned();
    let to = mail.to().and_then(|to| to.first()).and_then(Addr::address).unwrap_or_default().to_owned();
    let content_type = mail.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("")));
    Mail {
        to,
        subject: mail.subject().unwrap_or_default().to_owned(),
        text: mail.body_text(0).unwrap_or_default().into_owned(),
        html: mail.body_html(0).unwrap_or_default().into_owned(),
        language: header("Content-Language"),
        message_id: mail.message_id().unwrap_or_default().to_owned(),
        auto_submitted: header("Auto-Submitted"),
        content_type: content_type.unwrap_or_default(),
        unsubscribe: header("List-Unsubscribe")
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix('>'))
            .map(str::to_owned),
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_both_bodies_are_decoded() {
        let mail = "To: =?utf-8?B?2LPYp9ix24E=?= <sara@example.com>\r\nSubject: =?utf-8?B?2KLYsdqI2LE=?=\r\n\
            Content-Language: ur\r\nMessage-ID: <1@shop.example>\r\nAuto-Submitted: auto-generated\r\n\
            List-Unsubscribe: <https://shop.example/unsubscribe/a>\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nA\r\n\
            --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>A</p>\r\n--b--\r\n";
        let mail = parse("1".to_owned(), mail.as_bytes());
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("sara@example.com", "آرڈر"));
        assert_eq!((mail.language.as_str(), mail.message_id.as_str()), ("ur", "1@shop.example"));
        assert_eq!((mail.text.trim(), mail.html.trim()), ("A", "<p>A</p>"));
        assert_eq!(mail.content_type, "multipart/alternative");
        assert_eq!(mail.link("/unsubscribe/").as_deref(), Some("https://shop.example/unsubscribe/a"));
    }
}
