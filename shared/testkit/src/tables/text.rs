//! Ids and links in texts: what is random in them is taken out.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

#[cfg(test)]
mod tests;

/// What stands where an id was.
pub const ID: char = '\u{25c6}';
/// What stands for this machine and a port that was free.
const HERE: &str = "http://here";
/// Characters of an id, as they are written everywhere here: lower case, with hyphens.
pub const ID_LENGTH: usize = 36;
/// Characters of a link's signature: 32 bytes in base64url.
const SIGNATURE_LENGTH: usize = 43;
/// Parts of a link's token: purpose, subject, generation, end, name of the key, signature.
const TOKEN_PARTS: usize = 6;

/// A text, and the ids that stood in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nameless {
    /// With the same sign for every id.
    pub text: String,
    /// In their order.
    pub ids: Vec<Uuid>,
}

/// Other names of ids, such as the numbers of tickets that people say.
#[derive(Debug, Default)]
pub struct OtherNames {
    ids: HashMap<String, String>,
    lengths: BTreeSet<usize>,
}

impl OtherNames {
    /// Makes `name` another name of an id.
    pub fn add(&mut self, name: String, id: String) {
        self.lengths.insert(name.len());
        self.ids.insert(name, id);
    }

    /// Writes the ids where the other names stand.
    pub fn replaced(&self, text: &str) -> String {
        if self.ids.is_empty() {
            return text.to_owned();
        }
        let (mut told, mut rest, mut before) = (String::with_capacity(text.len()), text, None);
        while let Some(next) = rest.chars().next() {
            let found = if before.is_some_and(is_of_word) { None } else { self.leading(rest) };
            let (length, kept) = found.unwrap_or_else(|| (next.len_utf8(), &rest[..next.len_utf8()]));
            told.push_str(kept);
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
        }
        told
    }

    fn leading(&self, text: &str) -> Option<(usize, &str)> {
        self.lengths.iter().find_map(|length| {
            let ends = !text.get(*length..)?.starts_with(is_of_word);
            self.ids.get(&text[..*length]).filter(|_| ends).map(|id| (*length, id.as_str()))
        })
    }
}

/// Takes the ids out of a text, wherever they stand in it.
pub fn nameless(text: &str) -> Nameless {
    let (mut kept, mut ids, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        // Part of a longer word it is something else.
        let id = if before.is_some_and(is_of_word) { None } else { leading_id(rest) };
        if let Some(id) = id {
            ids.push(id);
            kept.push(ID);
            rest = &rest[ID_LENGTH..];
            before = Some('0');
        } else {
            kept.push(next);
            rest = &rest[next.len_utf8()..];
            before = Some(next);
        }
    }
    Nameless { text: kept, ids }
}

fn leading_id(text: &str) -> Option<Uuid> {
    let id = text.get(..ID_LENGTH)?;
    let is_id = id.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    });
    let ends = !text[ID_LENGTH..].starts_with(is_of_word);
    if is_id && ends { id.parse().ok() } else { None }
}

const fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric()
}

/// Takes out of all links of this installation the port that happened to be free, and the signature, which is made with a random key. What a link
/// says, its purpose, subject, generation and end, stays.
pub fn without_secrets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("http") {
        let (before, from) = rest.split_at(begin);
        let end = from.find(|next: char| !is_of_link(next)).unwrap_or(from.len());
        let (link, after) = from.split_at(end);
        kept.push_str(before);
        kept.push_str(&link_without_secrets(link));
        rest = after;
    }
    kept.push_str(rest);
    kept
}

const fn is_of_link(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, ':' | '/' | '.' | '-' | '_' | '~' | '?' | '=' | '&' | '%' | ';' | '+' | '#')
}

fn link_without_secrets(link: &str) -> String {
    let after_host =
        link.strip_prefix("http://127.0.0.1:").map(|port| port.trim_start_matches(|c: char| c.is_ascii_digit()));
    let (origin, rest) = after_host.map_or(("", link), |rest| (HERE, rest));
    let mut told = origin.to_owned();
    for part in rest.split_inclusive(['/', '?', '=', '&', ';', '#']) {
        let token = part.trim_end_matches(['/', '?', '=', '&', ';', '#']);
        // A full stop after a link belongs to the sentence.
        match token.trim_end_matches('.').rsplit_once('.') {
            Some((said, signature))
                if said.split('.').count() == TOKEN_PARTS - 1 && signature.len() == SIGNATURE_LENGTH =>
            {
                told.push_str(said);
                told.push_str(&part[said.len() + 1 + SIGNATURE_LENGTH..]);
            }
            _ => told.push_str(part),
        }
    }
    told
}
