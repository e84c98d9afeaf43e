//! What is checked before a version is published: everything at once, so that its author fixes it in one go.

use std::collections::{BTreeSet, HashMap};

use seva_values::{Language, LocalizedText};

use super::model::{Content, Question, QuestionKind};

/// The languages in which every survey asks.
pub const REQUIRED_LANGUAGES: [&str; 4] = ["en", "hi", "bn", "ur"];
/// Questions of a version at most: more are not answered with care.
pub const MOST_QUESTIONS: usize = 20;

/// Choices of a question at most.
const MOST_CHOICES: usize = 20;
/// Longest title, question and choice, in characters.
const LONGEST_TITLE: usize = 150;
const LONGEST_QUESTION: usize = 500;
const LONGEST_CHOICE: usize = 200;
/// They would turn what follows against its script; isolates and marks do what an author may need.
const DIRECTION_OVERRIDES: [char; 4] = ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}'];

/// One thing that keeps a draft from being published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The part of the version, such as `questions[2].texts`.
    pub field: String,
    /// Why, as one of the words in this module, such as `LANGUAGE_MISSING`.
    pub reason: &'static str,
    /// The same for a person.
    pub description: String,
}

/// What published versions asked: the scale's hash by question id.
pub type Asked = HashMap<String, [u8; 32]>;

/// Finds every fault of a draft; one without any can be published (SU21).
///
/// Reasons: `QUESTIONS_MISSING`, `QUESTIONS_TOO_MANY`, `QUESTION_REPEATED`, `SCALE_CHANGED` (SU22), `SECOND_OF_KIND` (SU23),
/// `CHOICES_TOO_FEW`, `CHOICES_TOO_MANY`, `CHOICES_NOT_ALLOWED`, `CHOICE_REPEATED`; of texts `LANGUAGE_MISSING`, `TEXT_EMPTY`,
/// `TEXT_TOO_LONG`, `TEXT_CONTROL_CHARACTER`, `DIRECTION_OVERRIDE`.
pub fn check(content: &Content, asked: &Asked) -> Vec<Fault> {
    let mut faults = Faults { languages: languages(content), found: Vec::new() };
    let questions = &content.questions;
    faults.check_texts("titles", &content.titles, LONGEST_TITLE);
    if questions.is_empty() {
        faults.add("questions", "QUESTIONS_MISSING", "a survey asks one question at least");
    }
    if questions.len() > MOST_QUESTIONS {
        faults.add("questions", "QUESTIONS_TOO_MANY", format!("a survey asks {MOST_QUESTIONS} questions at most"));
    }
    for (at, question) in questions.iter().enumerate() {
        let (field, before) = (format!("questions[{at}]"), &questions[..at]);
        faults.check_texts(&format!("{field}.texts"), &question.texts, LONGEST_QUESTION);
        faults.check_beside(&field, question, before, asked);
        faults.check_choices(&format!("{field}.choices"), question);
    }
    faults.found
}

/// All languages that have to be spoken everywhere: the required ones, and each that is spoken anywhere. A page in two languages is none.
fn languages(content: &Content) -> BTreeSet<Language> {
    let required = REQUIRED_LANGUAGES.iter().map(|tag| Language::parse(tag).expect("the tags stand in this file"));
    let texts = content.questions.iter().flat_map(|question| {
        std::iter::once(&question.texts).chain(question.choices.iter().map(|choice| &choice.texts))
    });
    let used = std::iter::once(&content.titles).chain(texts).flat_map(|text| text.iter().map(|(tag, _)| tag.clone()));
    required.chain(used).collect()
}

struct Faults {
    languages: BTreeSet<Language>,
    found: Vec<Fault>,
}

impl Faults {
    fn add(&mut self, field: impl Into<String>, reason: &'static str, description: impl Into<String>) {
        self.found.push(Fault { field: field.into(), reason, description: description.into() });
    }

    fn check_texts(&mut self, field: &str, texts: &LocalizedText, longest: usize) {
        for language in &self.languages {
            if texts.get(language).is_none() {
                let description = format!("{}: is not there in this language", language.as_str());
                self.found.push(Fault { field: field.to_owned(), reason: "LANGUAGE_MISSING", description });
            }
        }
        for (language, text) in texts.iter() {
            let tag = language.as_str();
            if text.trim().is_empty() {
                self.add(field, "TEXT_EMPTY", format!("{tag}: says nothing"));
            }
            if text.chars().count() > longest {
                self.add(field, "TEXT_TOO_LONG", format!("{tag}: has {longest} characters at most"));
            }
            if text.chars().any(char::is_control) {
                self.add(field, "TEXT_CONTROL_CHARACTER", format!("{tag}: cannot hold line breaks and the like"));
            }
            if text.contains(DIRECTION_OVERRIDES) {
                let what = "direction overrides and embeddings (U+202A, U+202B, U+202D, U+202E) are not allowed";
                self.add(field, "DIRECTION_OVERRIDE", format!("{tag}: {what}"));
            }
        }
    }

    /// Checks a question beside those before it in this version, and those of earlier versions.
    fn check_beside(&mut self, field: &str, question: &Question, before: &[Question], asked: &Asked) {
        let Question { question_id, kind, .. } = question;
        if before.iter().any(|other| other.question_id == *question_id) {
            self.add(format!("{field}.question_id"), "QUESTION_REPEATED", "a question before has the same id");
        }
        let is_scored = matches!(kind, QuestionKind::Csat | QuestionKind::Nps);
        if is_scored && before.iter().any(|other| other.kind == *kind) {
            // SU23: a response has one score of each kind.
            let description = format!("a survey has one question of the kind {} at most", kind.name());
            self.add(format!("{field}.kind"), "SECOND_OF_KIND", description);
        }
        if asked.get(question_id).is_some_and(|scale| *scale != question.scale_hash()) {
            let description = "was asked before with another kind or other choices; what is asked in another way needs a new id (SU22)";
            self.add(format!("{field}.question_id"), "SCALE_CHANGED", description);
        }
    }

    fn check_choices(&mut self, field: &str, question: &Question) {
        let choices = &question.choices;
        if question.kind == QuestionKind::SingleChoice {
            if choices.len() < 2 {
                self.add(field, "CHOICES_TOO_FEW", "who chooses needs two choices at least");
            }
            if choices.len() > MOST_CHOICES {
                self.add(field, "CHOICES_TOO_MANY", format!("a question has {MOST_CHOICES} choices at most"));
            }
        } else if !choices.is_empty() {
            self.add(field, "CHOICES_NOT_ALLOWED", "only single_choice has choices");
        }
        for (at, choice) in choices.iter().enumerate() {
            let field = format!("{field}[{at}]");
            if choices[..at].iter().any(|other| other.choice_id == choice.choice_id) {
                self.add(format!("{field}.choice_id"), "CHOICE_REPEATED", "a choice before has the same id");
            }
            self.check_texts(&format!("{field}.texts"), &choice.texts, LONGEST_CHOICE);
        }
    }
}
