//! The words of all pages: one file for each language, read once. A key that is missing, or that nobody reads, is a fault of the file.

use std::{collections::BTreeMap, sync::LazyLock};

use http::{HeaderMap, header::ACCEPT_LANGUAGE};
use serde::Deserialize;
use seva_proto::common::v1::Translation;
use seva_values::Language;

pub mod wording;

#[cfg(test)]
mod tests;

/// The languages of our pages; the first is for readers of all others.
static ALL: LazyLock<[Texts; 4]> = LazyLock::new(|| {
    let read = |name: &str, text: &str| -> Texts {
        toml::from_str(text).unwrap_or_else(|fault| panic!("texts/{name}.toml is part of the program: {fault}"))
    };
    [
        read("en", include_str!("../../texts/en.toml")),
        read("hi", include_str!("../../texts/hi.toml")),
        read("bn", include_str!("../../texts/bn.toml")),
        read("ur", include_str!("../../texts/ur.toml")),
    ]
});

/// The words of one language.
pub type Tongue = &'static Texts;

/// Words by a key, such as a state's.
pub type Words = BTreeMap<String, String>;

/// The words of one language, by page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Texts {
    pub language: String,
    pub direction: String,
    pub months: [String; 12],
    pub zero: char,
    pub comma: String,
    pub private: String,
    pub ago: Ago,
    pub notices: Notices,
    pub survey: Survey,
    pub ticket: Ticket,
    pub place: Place,
    pub preferences: Preferences,
    pub unsubscribe: Unsubscribe,
}

/// How long ago something was.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Ago {
    pub just_now: String,
    pub minutes: Counted,
    pub hours: Counted,
    pub days: Counted,
}

/// Words for a number of things, from one on: none of our languages tells more than one from others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Of one.
    pub one: String,
    /// Of more.
    pub other: String,
}

/// What is said instead of a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What is so.
    pub title: String,
    /// What can be done.
    pub text: String,
}

/// Every notice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see the faults that they are told for")]
pub struct Notices {
    pub not_found: Notice,
    pub link_invalid: Notice,
    pub link_ended: Notice,
    pub link_used: Notice,
    pub answers_closed: Notice,
    pub form_refused: Notice,
    pub unreadable: Notice,
    pub too_large: Notice,
    pub mandatory: Notice,
    pub busy: Notice,
    pub broken: Notice,
}

/// Of the survey's page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Survey {
    pub title: String,
    pub until: String,
    pub required: String,
    pub csat: [String; 5],
    pub nps_low: String,
    pub nps_high: String,
    pub text_hint: String,
    pub save: String,
    pub complete: String,
    pub saved: String,
    pub faulty: String,
    pub faulty_rest_saved: String,
    pub conflict: String,
    pub answer_missing: String,
    pub answer_too_long: String,
    pub answer_invalid: String,
    pub thanks_title: String,
    pub thanks_text: String,
    pub correction: String,
    pub correct: String,
}

/// Of the ticket's page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Ticket {
    pub title: String,
    pub opened: String,
    pub state: String,
    pub messages: String,
    pub no_messages: String,
    pub staff: String,
    pub customer: String,
    pub system: String,
    pub phone_call: String,
    pub question: String,
    pub question_text: String,
    pub yes: String,
    pub no_label: String,
    pub no: String,
    pub thanks_yes: String,
    pub thanks_no: String,
    pub faulty: String,
    pub text_missing: String,
    pub text_too_long: String,
    pub text_invalid: String,
    pub closed_verified: String,
    pub closed_unverified: String,
    pub carried_on: String,
    pub came_back_label: String,
    pub came_back: String,
    pub message_label: String,
    pub answer_label: String,
    pub send: String,
    pub thanks_sent: String,
    pub not_sent: String,
    pub message_missing: String,
    pub moved_on: String,
    pub states: Words,
    pub kinds: Words,
}

/// Of the customer's own place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Place {
    pub title: String,
    pub greeting: String,
    pub intro: String,
    pub contents: String,
    pub as_of: String,
    pub stale: String,
    pub age_unknown: String,
    pub never: String,
    pub empty: String,
    pub more: String,
    pub orders: String,
    pub order: String,
    pub first_day: String,
    pub current_day: String,
    pub promised_day: String,
    pub delivered: String,
    pub not_kept: String,
    pub delay_reason: String,
    pub total: String,
    pub carrier: String,
    pub tracking_number: String,
    pub track: String,
    pub invoices: String,
    pub invoice: String,
    pub for_order: String,
    pub amount: String,
    pub paid: String,
    pub refunded: String,
    pub due: String,
    pub tickets: String,
    pub ticket: String,
    pub opened: String,
    pub changed: String,
    pub messages: String,
    pub sent: String,
    pub channel: String,
    pub about: String,
    pub state: String,
    pub order_states: Words,
    pub invoice_states: Words,
    pub channels: Words,
    pub milestones: Words,
}

/// Of the page of wishes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Preferences {
    pub title: String,
    pub intro: String,
    pub yours: String,
    pub always: String,
    pub save: String,
    pub saved: String,
    pub unchanged: String,
    pub faulty: String,
    pub other: String,
    pub categories: Words,
    pub hints: Words,
}

/// Of the page that ends messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each says itself what it is, in the file")]
pub struct Unsubscribe {
    pub title: String,
    pub text: String,
    pub kept: String,
    pub button: String,
    pub done_title: String,
    pub done_text: String,
    pub undo: String,
}

/// The words for a reader of `language` (BCP 47): of the language itself, of a more general one, or English.
pub fn of(language: &str) -> Tongue {
    Language::parse(language).ok().and_then(|language| nearest(&language)).unwrap_or(&ALL[0])
}

/// The words for a reader of whom only the browser's wishes are known.
pub fn accepted(headers: &HeaderMap) -> Tongue {
    let wishes = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut wished: Vec<(Language, f32)> = wishes.split(',').take(20).filter_map(wish).collect();
    // Stable, so that of equal wishes the first counts.
    wished.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    wished.iter().find_map(|(language, _)| nearest(language)).unwrap_or(&ALL[0])
}

/// A language and how much it is wished, of `hi;q=0.8`; `None` when it is not wished or malformed.
fn wish(text: &str) -> Option<(Language, f32)> {
    let (tag, weight) = text.split_once(';').unwrap_or((text, "q=1"));
    let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
    let language = Language::parse(tag.trim()).ok()?;
    (0.0 < weight && weight <= 1.0).then_some((language, weight))
}

/// The words of a language or the nearest more general one.
fn nearest(language: &Language) -> Option<Tongue> {
    let tags = std::iter::once(language.clone()).chain(language.parents());
    tags.into_iter().find_map(|tag| ALL.iter().find(|texts| texts.language == tag.as_str()))
}

/// The text for a reader of `language` (BCP 47) out of its translations, with the language it is in: the reader's own, a more general one,
/// English, or else the first.
pub fn translated<'t>(translations: &'t [Translation], language: &str) -> (&'t str, &'t str) {
    let own = Language::parse(language).ok();
    let tags = own.iter().flat_map(|own| std::iter::once(own.clone()).chain(own.parents()));
    let tags: Vec<String> = tags.map(String::from).chain(["en".to_owned()]).collect();
    let chosen = tags.iter().find_map(|tag| translations.iter().find(|one| one.language.eq_ignore_ascii_case(tag)));
    chosen.or_else(|| translations.first()).map_or(("", ""), |one| (one.text.as_str(), one.language.as_str()))
}

impl Texts {
    /// `words` with what is put in for `{name}`. It is escaped later, with the words, where it is shown.
    ///
    /// Among words that run from the right it is set apart with isolates (U+2068, U+2069): a number such as `1029-A` would be torn apart
    /// otherwise.
    pub fn filled(&self, words: &str, name: &str, value: &str) -> String {
        let placeholder = format!("{{{name}}}");
        if self.direction == "rtl" {
            words.replace(&placeholder, &format!("\u{2068}{value}\u{2069}"))
        } else {
            words.replace(&placeholder, value)
        }
    }
}

/// The word for a key, or that for `other`, or nothing.
pub fn word<'w>(words: &'w Words, key: &str) -> &'w str {
    words.get(key).or_else(|| words.get("other")).map_or("", String::as_str)
}

/// `in_transit` of `STATE_IN_TRANSIT`: the key under which words for the values of an enum stand.
pub fn key(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or_default().to_ascii_lowercase()
}
