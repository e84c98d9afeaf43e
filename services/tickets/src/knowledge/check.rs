//! What keeps a draft of an article from being published.

use jiff::Timestamp;
use seva_values::{WebLink, proto::Faults};

use super::model::{Content, MediaLink, end_of};
use crate::publishing::{Check, ENGLISH};

/// Links of a version at most.
pub const MOST_MEDIA: usize = 20;

/// Longest title and alternative text, in characters.
const LONGEST_TITLE: usize = 200;
const LONGEST_ALT_TEXT: usize = 300;

/// Finds every fault of a draft; one without any can be published (TK81).
///
/// Reasons: `LANGUAGE_MISSING`, `REVIEW_DATE_MISSING`, `REVIEW_DATE_PASSED`, `MEDIA_TOO_MANY`, `LINK_MALFORMED`, `LINK_SCHEME`; of texts
/// `TEXT_EMPTY`, `TEXT_TOO_LONG`, `TEXT_CONTROL_CHARACTER`, `DIRECTION_OVERRIDE`.
pub fn check(content: &Content, now: Timestamp) -> Faults {
    let Content { texts, media, review_date } = content;
    let mut check = Check::new(texts.keys());
    if !texts.keys().any(|language| language.as_str() == ENGLISH) {
        check.add("texts", "LANGUAGE_MISSING", format!("{ENGLISH}: is not there in this language"));
    }
    for (at, (language, text)) in texts.iter().enumerate() {
        check.line(&format!("texts[{at}].title"), language, &text.title, LONGEST_TITLE);
        check.words(&format!("texts[{at}].body"), language, &text.body);
    }
    match review_date {
        None => {
            check.add("review_date", "REVIEW_DATE_MISSING", "is required: what nobody looks at again is wrong some day")
        }
        Some(date) if end_of(*date) <= now => check.add("review_date", "REVIEW_DATE_PASSED", "has to be to come"),
        Some(_) => {}
    }
    if media.len() > MOST_MEDIA {
        check.add("media", "MEDIA_TOO_MANY", format!("an article has {MOST_MEDIA} links at most"));
    }
    for (at, MediaLink { url, kind: _, alt_texts }) in media.iter().enumerate() {
        match WebLink::parse(url) {
            Err(invalid) => check.add(format!("media[{at}].url"), invalid.reason, invalid.description),
            Ok(link) if !link.as_str().starts_with("https://") => {
                check.add(format!("media[{at}].url"), "LINK_SCHEME", "a link begins with https://");
            }
            Ok(_) => {}
        }
        check.texts(&format!("media[{at}].alt_texts"), alt_texts, LONGEST_ALT_TEXT);
    }
    check.finish()
}
