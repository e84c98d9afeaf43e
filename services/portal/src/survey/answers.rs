//! What stands in the questions of a page: what was saved, preselected or sent, and what is wrong with it.

use std::collections::BTreeMap;

use seva_proto::surveys::v1::{Answer, Question, Questionnaire, answer::Value, question::Kind};

use crate::{edge::form::Fields, fault::Violation};

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It has to be given.
    Missing,
    /// Its text is too long.
    TooLong,
    /// It is none of what can be answered.
    Invalid,
}

/// What stands in the questions, as text by question, and what is wrong.
#[derive(Debug, Default, PartialEq)]
pub struct Given {
    values: BTreeMap<String, String>,
    /// In the order in which they were sent, as violations count them.
    sent: Vec<Answer>,
    wrong: BTreeMap<String, Wrong>,
}

impl Given {
    /// What was saved.
    fn saved(questionnaire: &Questionnaire) -> Self {
        let text = |answer: &Answer| match answer.value.as_ref()? {
            Value::Score(score) => Some(score.to_string()),
            Value::ChoiceId(choice) => Some(choice.clone()),
            Value::Text(text) => Some(text.clone()),
        };
        let answers = questionnaire.answers.iter();
        let values = answers.filter_map(|answer| Some((answer.question_id.clone(), text(answer)?))).collect();
        Self { values, ..Self::default() }
    }

    /// What was saved, and over it what the link says: `score` for the first question with a scale, `q_<question>` for one by its id. Words
    /// are never taken from a link, as somebody else may have put them there.
    pub fn preselected(questionnaire: &Questionnaire, query: &Fields) -> Self {
        let mut given = Self::saved(questionnaire);
        let questions = questions(questionnaire);
        let is_scale = |question: &&Question| matches!(question.kind(), Kind::Csat | Kind::Nps);
        if let (Some(first), Some(score)) = (questions.iter().find(is_scale), query.get("score")) {
            given.preselect(first, score);
        }
        for question in questions {
            if let Some(value) = query.get(&field(question)) {
                given.preselect(question, value);
            }
        }
        given
    }

    fn preselect(&mut self, question: &Question, value: &str) {
        let can_be_chosen = match question.kind() {
            Kind::Csat => value.parse().is_ok_and(|score: i32| (1..=5).contains(&score)),
            Kind::Nps => value.parse().is_ok_and(|score: i32| (0..=10).contains(&score)),
            Kind::SingleChoice => question.choices.iter().any(|choice| choice.choice_id == value),
            Kind::Text | Kind::Unspecified => false,
        };
        if can_be_chosen {
            self.values.insert(question.question_id.clone(), value.to_owned());
        }
    }

    /// What a form sent. What is left blank is not sent on, unless it takes back words that were saved.
    pub fn sent(questionnaire: &Questionnaire, fields: &Fields) -> Self {
        let saved = Self::saved(questionnaire);
        let mut given = Self::default();
        for question in questions(questionnaire) {
            let id = &question.question_id;
            let Some(value) = fields.get(&field(question)) else { continue };
            // Forms send line ends as in mails.
            let value = value.replace("\r\n", "\n");
            if value.trim().is_empty() && saved.values.get(id).is_none_or(String::is_empty) {
                continue;
            }
            let answer = match question.kind() {
                Kind::Csat | Kind::Nps => value.parse().ok().map(Value::Score),
                Kind::SingleChoice => Some(Value::ChoiceId(value.clone())),
                Kind::Text => Some(Value::Text(value.trim().to_owned())),
                Kind::Unspecified => None,
            };
            match answer {
                Some(answer) => given.sent.push(Answer { question_id: id.clone(), value: Some(answer) }),
                None => drop(given.wrong.insert(id.clone(), Wrong::Invalid)),
            }
            given.values.insert(id.clone(), value);
        }
        given
    }

    /// What was sent, with what the service says is wrong beside each question.
    pub fn refused(mut self, questionnaire: &Questionnaire, violations: &[Violation]) -> Self {
        for violation in violations {
            // Told of all answers together: whatever is required and not there.
            if violation.field == "answers" && violation.reason == "ANSWER_REQUIRED" {
                for question in questions(questionnaire).iter().filter(|question| question.required) {
                    if self.value(question).is_none_or(|value| value.trim().is_empty()) {
                        self.wrong.insert(question.question_id.clone(), Wrong::Missing);
                    }
                }
                continue;
            }
            let Some(id) = self.question_of(questionnaire, &violation.field) else { continue };
            let wrong = match violation.reason.as_str() {
                "FIELD_REQUIRED" | "ANSWER_REQUIRED" => Wrong::Missing,
                reason if reason.contains("TOO_LONG") => Wrong::TooLong,
                _ => Wrong::Invalid,
            };
            self.wrong.entry(id).or_insert(wrong);
        }
        self
    }

    /// The question that a violation is about: `answers[2].score` by its place, `answers[how].score` or `answers.how` by its id.
    fn question_of(&self, questionnaire: &Questionnaire, field: &str) -> Option<String> {
        let rest = field.strip_prefix("answers")?.trim_start_matches(['[', '.']);
        let key = rest.split([']', '.']).next()?;
        if questions(questionnaire).iter().any(|question| question.question_id == key) {
            return Some(key.to_owned());
        }
        self.sent.get(key.parse::<usize>().ok()?).map(|answer| answer.question_id.clone())
    }

    /// Whether something is wrong already.
    pub fn is_faulty(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// What stands in a question.
    pub fn value(&self, question: &Question) -> Option<&str> {
        self.values.get(&question.question_id).map(String::as_str)
    }

    /// What is wrong with it.
    pub fn wrong(&self, question: &Question) -> Option<Wrong> {
        self.wrong.get(&question.question_id).copied()
    }

    /// The answers that nothing is wrong with.
    pub fn faultless(&self) -> Vec<Answer> {
        self.sent.iter().filter(|answer| !self.wrong.contains_key(&answer.question_id)).cloned().collect()
    }

    /// The answers as they are saved.
    pub fn answers(&self) -> Vec<Answer> {
        self.sent.clone()
    }
}

/// The name of a question's field in forms and links.
pub fn field(question: &Question) -> String {
    format!("q_{}", question.question_id)
}

fn questions(questionnaire: &Questionnaire) -> &[Question] {
    questionnaire.survey_version.as_ref().map_or(&[], |version| &version.questions)
}
