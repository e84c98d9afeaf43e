//! What a guide and its versions are, and what can happen to them: pure values.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{LocalizedText, format_name};
use uuid::Uuid;

use super::check::check;
use crate::{
    publishing::{format_version, hash, refuse},
    stored::unknown,
    ticket::Kind,
};

/// Collection of guides' names.
pub const COLLECTION: &str = "guides";

/// How to find out what is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What staff call it.
    pub display_name: String,
    /// What it is about; empty: no product.
    pub product: String,
    /// The version that runs begin with.
    pub published_number: Option<i32>,
    /// The version that is written.
    pub draft_number: Option<i32>,
    /// Business time.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One version of a guide.
#[derive(Debug, Clone, PartialEq)]
pub struct GuideVersion {
    /// Which guide's.
    pub guide: Uuid,
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
    /// What it finds out.
    pub titles: LocalizedText,
    /// A run begins at the first.
    pub nodes: Vec<Node>,
}

/// A place in a guide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique in the version.
    pub node_id: String,
    /// What is asked, done, or said in the end.
    pub texts: LocalizedText,
    /// Where it leads.
    pub leads: Leads,
}

/// Where a node leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Leads {
    /// A question: to where its answers say.
    Answers(Vec<Answer>),
    /// An instruction: to this node, once it is done. Empty in an unfinished draft.
    Next(String),
    /// Nowhere: it is an end.
    Outcome(Outcome),
}

/// An answer and where it leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Unique in its question.
    pub answer_id: String,
    /// What it says.
    pub texts: LocalizedText,
    /// The node that follows.
    pub next_node_id: String,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The problem is gone.
    Solved,
    /// It is not, and nothing else is known to try.
    NotSolved,
    /// The department that takes this kind of ticket has to see to it.
    HandOver(#[serde(with = "kind_by_name")] Kind),
}

impl Outcome {
    /// The name under which it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::NotSolved => "not_solved",
            Self::HandOver(_) => "hand_over",
        }
    }

    /// The kind of ticket whose department takes over.
    #[must_use]
    pub const fn hand_over_kind(self) -> Option<Kind> {
        match self {
            Self::HandOver(kind) => Some(kind),
            Self::Solved | Self::NotSolved => None,
        }
    }

    /// Reads stored names.
    ///
    /// # Errors
    /// `INTERNAL`: what was written was known.
    pub fn from_names(name: &str, hand_over_kind: Option<&str>) -> Result<Self, Error> {
        match (name, hand_over_kind) {
            ("solved", None) => Ok(Self::Solved),
            ("not_solved", None) => Ok(Self::NotSolved),
            ("hand_over", Some(kind)) => Ok(Self::HandOver(Kind::from_name(kind)?)),
            _ => Err(unknown("outcome of a run", name)),
        }
    }
}

/// Kinds of tickets under the names under which they are stored everywhere.
mod kind_by_name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::ticket::Kind;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    pub fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        kind.name().serialize(serializer)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(deserializer)?;
        Kind::from_name(&name).map_err(|_| D::Error::custom("no kind of ticket"))
    }
}

/// What happened to a guide: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It was created.
    Created,
    /// A draft was written.
    Drafted,
    /// A draft was published.
    Published,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Created => "seva.tickets.guide.created.v1",
            Self::Drafted => "seva.tickets.guide.drafted.v1",
            Self::Published => "seva.tickets.guide.published.v1",
        }
    }
}

/// What came of a decision: the guide as it is then, and the version that was written or published.
#[derive(Debug, Clone)]
pub struct Change {
    pub guide: Guide,
    pub version: GuideVersion,
    pub act: Act,
}

impl Guide {
    /// A new one, of which nothing is written yet.
    pub const fn create(id: Uuid, display_name: String, product: String, now: Timestamp) -> Self {
        Self {
            id,
            version: 1,
            display_name,
            product,
            published_number: None,
            draft_number: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A draft is written, faulty or not; it replaces the one before.
    #[must_use]
    pub fn draft(&self, content: Content, now: Timestamp) -> Change {
        let number = self.draft_number.unwrap_or_else(|| self.published_number.unwrap_or(0) + 1);
        let hash = hash(&content);
        let version = GuideVersion { guide: self.id, number, content, hash, created_at: now, published_at: None };
        Change { guide: Self { draft_number: Some(number), ..self.next(now) }, version, act: Act::Drafted }
    }

    /// A draft is frozen, and runs begin with it from now on.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK80), `DRAFT_FAULTY` (TK85).
    pub fn publish(&self, version: GuideVersion, now: Timestamp) -> Result<Change, Error> {
        if version.published_at.is_some() {
            let description = "it is a draft; what was published is replaced by another version";
            return Err(Error::precondition(ErrorReason::StateForbids, "TK80", version.name(), description));
        }
        refuse(check(&version.content), "TK85")?;
        let guide = Self { published_number: Some(version.number), draft_number: None, ..self.next(now) };
        Ok(Change { guide, version: GuideVersion { published_at: Some(now), ..version }, act: Act::Published })
    }

    /// `guides/{id}`.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

impl GuideVersion {
    /// `guides/{id}/versions/{number}`.
    #[must_use]
    pub fn name(&self) -> String {
        format_version(COLLECTION, self.guide, self.number)
    }
}

impl Content {
    /// The node of this id.
    #[must_use]
    pub fn node(&self, node_id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.node_id == node_id)
    }
}

impl Node {
    /// Every way on, with the path of its field below the node.
    pub fn ways(&self) -> Vec<(String, &str)> {
        match &self.leads {
            Leads::Answers(answers) => {
                let way =
                    |at: usize| (format!("question.answers[{at}].next_node_id"), answers[at].next_node_id.as_str());
                (0..answers.len()).map(way).collect()
            }
            Leads::Next(next) if next.is_empty() => Vec::new(),
            Leads::Next(next) => vec![("instruction.next_node_id".to_owned(), next.as_str())],
            Leads::Outcome(_) => Vec::new(),
        }
    }
}
