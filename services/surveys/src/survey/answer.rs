//! Whether answers fit the version that was asked.

use std::collections::HashSet;

use seva_runtime::{Error, Violations};
use seva_values::Invalid;

use super::model::{Question, QuestionKind, SurveyVersion};

/// Longest answer in own words, in characters.
const LONGEST_TEXT: usize = 4_000;
/// What the scale of each scored kind holds.
const CSAT_SCALE: std::ops::RangeInclusive<i32> = 1..=5;
const NPS_SCALE: std::ops::RangeInclusive<i32> = 0..=10;

/// An answer as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which question.
    pub question_id: String,
    /// What was answered; `None` is refused.
    pub value: Option<Value>,
}

/// What was answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`QuestionKind::Csat`] and [`QuestionKind::Nps`].
    Score(i32),
    /// Of [`QuestionKind::SingleChoice`]: the choice's id.
    Choice(String),
    /// Of [`QuestionKind::Text`]: the customer's own words, personal. An empty text takes earlier words back.
    Text(String),
}

impl std::fmt::Debug for Answer {
    /// Without what was answered.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({})", self.question_id)
    }
}

impl SurveyVersion {
    /// Checks answers against this version (SU24). `before` are the questions that earlier saves answered; with `complete` every required
    /// question has to be answered now or then.
    ///
    /// # Errors
    /// `FIELDS_INVALID` with every violation.
    pub fn check_answers(&self, given: &[Answer], before: &[&str], complete: bool) -> Result<(), Error> {
        let faults = self.answer_faults(given, before, complete);
        let mut violations = Violations::default();
        for (field, invalid) in faults {
            violations.add(field, invalid);
        }
        if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
    }

    /// Every way in which answers do not fit, by field.
    pub(super) fn answer_faults(&self, given: &[Answer], before: &[&str], complete: bool) -> Vec<(String, Invalid)> {
        let mut faults = Vec::new();
        // First, because there is no end to what could be told otherwise.
        if given.len() > self.questions.len() {
            let too_many = format!("{} questions are asked", self.questions.len());
            return vec![("answers".to_owned(), Invalid::new("ANSWERS_TOO_MANY", too_many))];
        }
        let mut answered: HashSet<&str> = before.iter().copied().collect();
        let (mut seen, mut at_fault) = (HashSet::new(), HashSet::new());
        for (at, Answer { question_id, value }) in given.iter().enumerate() {
            let field = format!("answers[{at}]");
            if !seen.insert(question_id.as_str()) {
                let invalid = Invalid::new("ANSWER_REPEATED", "an answer before is to the same question");
                faults.push((format!("{field}.question_id"), invalid));
            }
            let Some((_, question)) = self.question(question_id) else {
                let invalid = Invalid::new("QUESTION_UNKNOWN", "the version that is answered has no such question");
                faults.push((format!("{field}.question_id"), invalid));
                continue;
            };
            if let Err((part, invalid)) = question.check(value.as_ref()) {
                faults.push((format!("{field}{part}"), invalid));
                at_fault.insert(question_id.as_str());
            } else if matches!(value, Some(Value::Text(text)) if text.trim().is_empty()) {
                answered.remove(question_id.as_str());
            } else {
                answered.insert(question_id);
            }
        }
        // What was given and is at fault is told as that.
        let is_settled = |id: &str| answered.contains(id) || at_fault.contains(id);
        let required = self.questions.iter().filter(|question| complete && question.required);
        for Question { question_id, .. } in required.filter(|question| !is_settled(&question.question_id)) {
            let missing = format!("{question_id} has to be answered");
            faults.push(("answers".to_owned(), Invalid::new("ANSWER_REQUIRED", missing)));
        }
        faults
    }
}

impl Question {
    /// Whether a value answers this question; else the part of the answer that is at fault.
    fn check(&self, value: Option<&Value>) -> Result<(), (&'static str, Invalid)> {
        let Some(value) = value else {
            return Err(("", Invalid::new("FIELD_REQUIRED", "needs a score, a choice or a text")));
        };
        match (self.kind, value) {
            (QuestionKind::Csat, Value::Score(score)) => in_scale(*score, &CSAT_SCALE),
            (QuestionKind::Nps, Value::Score(score)) => in_scale(*score, &NPS_SCALE),
            (QuestionKind::SingleChoice, Value::Choice(choice)) => {
                if self.choices.iter().any(|known| known.choice_id == *choice) {
                    return Ok(());
                }
                Err((".choice_id", Invalid::new("CHOICE_UNKNOWN", "has to be one of the question's choices")))
            }
            (QuestionKind::Text, Value::Text(text)) => check_words(text).map_err(|invalid| (".text", invalid)),
            (kind, Value::Score(_) | Value::Choice(_) | Value::Text(_)) => {
                let wrong = format!("does not answer a question of the kind {}", kind.name());
                Err(("", Invalid::new("ANSWER_OF_WRONG_KIND", wrong)))
            }
        }
    }
}

fn in_scale(score: i32, scale: &std::ops::RangeInclusive<i32>) -> Result<(), (&'static str, Invalid)> {
    if scale.contains(&score) {
        return Ok(());
    }
    let (low, high) = (scale.start(), scale.end());
    Err((".score", Invalid::new("SCORE_OUT_OF_RANGE", format!("has to be {low} to {high}"))))
}

fn check_words(text: &str) -> Result<(), Invalid> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {LONGEST_TEXT} characters at most")));
    }
    // Lines and tabs are how people write; NUL and the like are not.
    if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold control characters other than line breaks"));
    }
    Ok(())
}
