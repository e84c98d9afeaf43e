//! What a survey and its versions are: pure values.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_values::LocalizedText;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::stored::stored_names;

/// Questions that are asked in the same way for as long as they are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What staff call it.
    pub display_name: String,
    /// The version that is asked; `None`: none yet.
    pub published_number: Option<i32>,
    /// Business time.
    pub created_at: Timestamp,
}

impl Survey {
    /// A new one, of which nothing is asked yet.
    pub fn create(id: Uuid, display_name: String, now: Timestamp) -> Self {
        Self { id, version: 1, display_name, published_number: None, created_at: now }
    }
}

/// One version of a survey.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyVersion {
    /// Which survey's.
    pub survey: Uuid,
    /// From 1.
    pub number: i32,
    /// The page's title.
    pub titles: LocalizedText,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
    /// SHA-256 of titles and questions.
    pub hash: [u8; 32],
    /// Business time.
    pub created_at: Timestamp,
    /// When it was frozen; `None`: it is a draft.
    pub published_at: Option<Timestamp>,
    /// It is the one that is asked now.
    pub is_current: bool,
}

/// What a version says, as it is stored and hashed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub titles: LocalizedText,
    pub questions: Vec<Question>,
}

/// A question. What it means, its scale and its choices never change under one id (SU22).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The same in all versions in which it means the same.
    pub question_id: String,
    /// What is answered.
    pub kind: QuestionKind,
    /// The question.
    pub texts: LocalizedText,
    /// It has to be answered before the response is complete.
    pub required: bool,
    /// Of [`QuestionKind::SingleChoice`], in the order in which they are shown.
    pub choices: Vec<Choice>,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Satisfaction, 1 to 5.
    Csat,
    /// Would recommend, 0 to 10.
    Nps,
    /// One of the choices.
    SingleChoice,
    /// Own words.
    Text,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Never changes its meaning.
    pub choice_id: String,
    /// What it says.
    pub texts: LocalizedText,
}

/// What has become of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not asked yet.
    Draft,
    /// Asked.
    Published,
    /// Was asked.
    Retired,
}

impl Content {
    /// SHA-256 of the canonical form: fields in the order of their declaration, languages by tag, no white space.
    pub fn hash(&self) -> [u8; 32] {
        let canonical = serde_json::to_vec(self).expect("titles and questions are plain data");
        Sha256::digest(canonical).into()
    }
}

impl SurveyVersion {
    /// A draft, faulty or not.
    pub fn draft(survey: Uuid, number: i32, content: Content, now: Timestamp) -> Self {
        let hash = content.hash();
        let Content { titles, questions } = content;
        Self { survey, number, titles, questions, hash, created_at: now, published_at: None, is_current: false }
    }

    /// The same version, frozen and asked from now on.
    pub fn publish(self, now: Timestamp) -> Self {
        Self { published_at: Some(now), is_current: true, ..self }
    }

    /// What has become of it.
    #[must_use]
    pub const fn state(&self) -> State {
        match (self.published_at, self.is_current) {
            (None, _) => State::Draft,
            (Some(_), true) => State::Published,
            (Some(_), false) => State::Retired,
        }
    }

    /// What it says.
    pub fn content(&self) -> Content {
        Content { titles: self.titles.clone(), questions: self.questions.clone() }
    }

    /// The question of this id, with its place among all.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<(usize, &Question)> {
        self.questions.iter().enumerate().find(|(_, question)| question.question_id == id)
    }
}

impl Question {
    /// SHA-256 of what makes answers comparable: the kind, and which choices there are in which order. Wording is no part of it, so that a
    /// slip of the pen can be put right.
    #[must_use]
    pub fn scale_hash(&self) -> [u8; 32] {
        let choices: Vec<&str> = self.choices.iter().map(|choice| choice.choice_id.as_str()).collect();
        let scale = serde_json::to_vec(&(self.kind.name(), choices)).expect("words are plain data");
        Sha256::digest(scale).into()
    }
}

stored_names!(QuestionKind, "kind of question" {
    Csat = "csat",
    Nps = "nps",
    SingleChoice = "single_choice",
    Text = "text",
});
