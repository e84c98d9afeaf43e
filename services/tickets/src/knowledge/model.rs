//! What an article and its versions are, what is said about them, and what can happen to them: pure values.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{Language, LocalizedText, format_name};
use uuid::Uuid;

use super::check::check;
use crate::{
    publishing::{ENGLISH, format_version, hash, refuse},
    stored::stored_names,
};

/// Collection of articles' names.
pub const COLLECTION: &str = "articles";

/// Something the company knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes; ratings and solutions are none.
    pub version: i64,
    /// What staff call it.
    pub display_name: String,
    /// What it is about; empty: no product.
    pub product: String,
    /// For whom it is written, for good.
    pub audience: Audience,
    /// What has become of it.
    pub state: State,
    /// The version that is shown.
    pub published_number: Option<i32>,
    /// The version that is written.
    pub draft_number: Option<i32>,
    /// Of the published version.
    pub languages: Vec<Language>,
    /// When the published version's review date has passed.
    pub stale_at: Option<Timestamp>,
    /// How many found it helpful.
    pub helpful_count: i64,
    /// How many did not.
    pub not_helpful_count: i64,
    /// How many tickets were solved with it.
    pub solved_count: i64,
    /// Business time, as all that follow.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is said of a new article.
#[derive(Debug, Clone)]
pub struct NewArticle {
    pub display_name: String,
    pub product: String,
    pub audience: Audience,
}

/// For whom an article is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody, customers among them.
    Public,
    /// Staff alone.
    Staff,
}

stored_names!(Audience, "audience" { Public = "public", Staff = "staff" });

/// What has become of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing of it was published yet.
    Draft,
    /// It is shown and found.
    Published,
    /// It is found no more, for good.
    Retired,
}

stored_names!(State, "state of an article" { Draft = "draft", Published = "published", Retired = "retired" });

/// One version of an article.
#[derive(Debug, Clone, PartialEq)]
pub struct ArticleVersion {
    /// Which article's.
    pub article: Uuid,
    /// From 1.
    pub number: i32,
    /// What it says.
    pub content: Content,
    /// SHA-256 of the content.
    pub hash: [u8; 32],
    /// Business time.
    pub created_at: Timestamp,
    /// When it was frozen; `None`: it is a draft.
    pub published_at: Option<Timestamp>,
}

/// What a version says, as it is stored and hashed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// By language.
    pub texts: BTreeMap<Language, Text>,
    /// In the order in which they are shown.
    pub media: Vec<MediaLink>,
    /// The day on which somebody looks whether it still holds.
    pub review_date: Option<Date>,
}

/// An article in one language.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaLink {
    /// As its author wrote it; checked when it is published.
    pub url: String,
    pub kind: MediaKind,
    /// What it shows.
    pub alt_texts: LocalizedText,
}

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Moving pictures.
    Video,
    /// A manual.
    Manual,
    /// A picture of how something is made or connected.
    Diagram,
    /// Another page of the web.
    Page,
}

/// What happened to an article: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It was created.
    Created,
    /// A draft was written.
    Drafted,
    /// A draft was published.
    Published,
    /// It is found no more.
    Retired,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Created => "seva.tickets.article.created.v1",
            Self::Drafted => "seva.tickets.article.drafted.v1",
            Self::Published => "seva.tickets.article.published.v1",
            Self::Retired => "seva.tickets.article.retired.v1",
        }
    }
}

/// What came of a decision: the article as it is then, and the version that was written or published.
#[derive(Debug, Clone)]
pub struct Change {
    pub article: Article,
    pub version: Option<ArticleVersion>,
    pub act: Act,
}

impl Article {
    /// A new one, of which nothing is written yet.
    pub fn create(id: Uuid, new: NewArticle, now: Timestamp) -> Self {
        let NewArticle { display_name, product, audience } = new;
        Self {
            id,
            version: 1,
            display_name,
            product,
            audience,
            state: State::Draft,
            published_number: None,
            draft_number: None,
            languages: Vec::new(),
            stale_at: None,
            helpful_count: 0,
            not_helpful_count: 0,
            solved_count: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// A draft is written, faulty or not; it replaces the one before.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK81).
    pub fn draft(&self, content: Content, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_kept()?;
        let number = self.draft_number.unwrap_or_else(|| self.published_number.unwrap_or(0) + 1);
        let hash = hash(&content);
        let version = ArticleVersion { article: self.id, number, content, hash, created_at: now, published_at: None };
        let article = Self { draft_number: Some(number), ..self.next(now) };
        Ok(Change { article, version: Some(version), act: Act::Drafted })
    }

    /// A draft is frozen and shown from now on.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK80, TK81), `DRAFT_FAULTY` (TK81).
    pub fn publish(&self, version: ArticleVersion, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_kept()?;
        if version.published_at.is_some() {
            let description = "it is a draft; what was published is replaced by another version";
            return Err(Error::precondition(ErrorReason::StateForbids, "TK80", version.name(), description));
        }
        refuse(check(&version.content, now), "TK81")?;
        let article = Self {
            state: State::Published,
            published_number: Some(version.number),
            draft_number: None,
            languages: version.content.texts.keys().cloned().collect(),
            stale_at: version.content.review_date.map(end_of),
            ..self.next(now)
        };
        let version = ArticleVersion { published_at: Some(now), ..version };
        Ok(Change { article, version: Some(version), act: Act::Published })
    }

    /// It is found no more.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK81).
    pub fn retire(&self, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_kept()?;
        let article = Self { state: State::Retired, stale_at: None, ..self.next(now) };
        Ok(Change { article, version: None, act: Act::Retired })
    }

    /// Its published version's number.
    ///
    /// # Errors
    /// `STATE_FORBIDS` naming `invariant` when there is none.
    pub fn published(&self, invariant: &'static str) -> Result<i32, Error> {
        let published = self.published_number.filter(|_| self.state == State::Published);
        published.ok_or_else(|| self.refusal(invariant, "the article is published"))
    }

    /// `articles/{id}`.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    fn has_to_be_kept(&self) -> Result<(), Error> {
        match self.state {
            State::Draft | State::Published => Ok(()),
            State::Retired => {
                Err(self.refusal("TK81", "the article is not retired; what holds again is a new article"))
            }
        }
    }

    fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

impl ArticleVersion {
    /// `articles/{id}/versions/{number}`.
    #[must_use]
    pub fn name(&self) -> String {
        format_version(COLLECTION, self.article, self.number)
    }

    /// The same version with the one text that suits a reader best: in this language, a more general one, or English.
    #[must_use]
    pub fn for_reader(mut self, language: &Language) -> Self {
        let choices = choices(language);
        let best = choices.iter().find_map(|choice| self.content.texts.remove_entry(choice));
        // A draft may be in other languages alone; they are better than nothing.
        if let Some((language, text)) = best {
            self.content.texts = BTreeMap::from([(language, text)]);
        }
        self
    }
}

/// The languages that a reader of this one is given, the best first.
pub fn choices(language: &Language) -> Vec<Language> {
    let english = Language::parse(ENGLISH).expect("a tag that is well-formed");
    let mut choices = vec![language.clone()];
    choices.extend(language.parents());
    if !choices.contains(&english) {
        choices.push(english);
    }
    choices
}

/// When a day has passed everywhere that counts by UTC.
pub fn end_of(date: Date) -> Timestamp {
    let tomorrow = date.tomorrow().and_then(|tomorrow| tomorrow.to_zoned(TimeZone::UTC));
    tomorrow.map_or(Timestamp::MAX, |tomorrow| tomorrow.timestamp())
}

/// Whether an article helped.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    pub id: Uuid,
    pub article: Uuid,
    /// The version that was read.
    pub number: i32,
    /// The ticket, or the caller who names none (TK82).
    pub rater: String,
    pub ticket: Option<Uuid>,
    pub helpful: bool,
    /// Business time.
    pub created_at: Timestamp,
}

/// A ticket that was solved with an article.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    pub id: Uuid,
    pub ticket: Uuid,
    pub article: Uuid,
    /// The version that it was solved with.
    pub number: i32,
    /// The member who says so; `None`: somebody who is not known here.
    pub recorded_by: Option<Uuid>,
    /// Business time.
    pub created_at: Timestamp,
}
