//! The survey page as its template shows it.

use askama::Template;
use seva_proto::surveys::v1::{Question, question::Kind};

use super::answers::{Given, Wrong, field};
use crate::{
    edge::form::Proof,
    page::Frame,
    texts::{Texts, translated},
};

/// The questions.
#[derive(Debug, Template)]
#[template(path = "survey.html")]
pub struct SurveyPage<'p> {
    pub frame: Frame<'p>,
    pub action: String,
    pub proof: Proof,
    pub revision: i32,
    pub until: Option<String>,
    pub note: Option<&'p String>,
    pub alert: Option<&'p String>,
    pub questions: Vec<QuestionView<'p>>,
}

/// Thanks.
#[derive(Debug, Template)]
#[template(path = "survey_thanks.html")]
pub struct ThanksPage<'p> {
    pub frame: Frame<'p>,
    pub correct: String,
}

/// One question.
#[derive(Debug)]
pub struct QuestionView<'p> {
    pub field: String,
    pub text: &'p str,
    pub language: &'p str,
    pub required: bool,
    pub wrong: Option<&'p str>,
    pub options: Vec<OptionView<'p>>,
    /// The options stand in one row, between these ends.
    pub ends: Option<(&'p str, &'p str)>,
    /// Own words: what stands there.
    pub words: Option<String>,
}

/// One thing that can be chosen.
#[derive(Debug)]
pub struct OptionView<'p> {
    pub value: String,
    pub label: &'p str,
    pub chosen: bool,
}

impl<'p> QuestionView<'p> {
    /// The question with what stands in it.
    pub fn new(question: &'p Question, given: &Given, texts: &'p Texts, reader: &str) -> Self {
        let (text, language) = translated(&question.texts, reader);
        let value = given.value(question);
        let option = |value_of: String, label: &'p str| {
            let chosen = value == Some(value_of.as_str());
            OptionView { value: value_of, label, chosen }
        };
        let options = match question.kind() {
            Kind::Csat => {
                (1..=5).zip(&texts.survey.csat).map(|(score, label)| option(score.to_string(), label)).collect()
            }
            Kind::Nps => (0..=10).map(|score: i32| option(score.to_string(), "")).collect(),
            Kind::SingleChoice => {
                let choices = question.choices.iter();
                choices.map(|choice| option(choice.choice_id.clone(), translated(&choice.texts, reader).0)).collect()
            }
            Kind::Text | Kind::Unspecified => Vec::new(),
        };
        let is_nps = question.kind() == Kind::Nps;
        let is_text = question.kind() == Kind::Text;
        let survey = &texts.survey;
        Self {
            field: field(question),
            text,
            language,
            required: question.required,
            wrong: given.wrong(question).map(|wrong| match wrong {
                Wrong::Missing => survey.answer_missing.as_str(),
                Wrong::TooLong => survey.answer_too_long.as_str(),
                Wrong::Invalid => survey.answer_invalid.as_str(),
            }),
            options,
            ends: is_nps.then_some((survey.nps_low.as_str(), survey.nps_high.as_str())),
            words: is_text.then(|| value.unwrap_or_default().to_owned()),
        }
    }
}
