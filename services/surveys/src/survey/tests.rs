//! Surveys by themselves: what keeps a draft from being asked, and which answers fit.

mod answers;
mod drafts;

use jiff::Timestamp;
use seva_values::{Language, LocalizedText};
use uuid::Uuid;

use super::{
    check::REQUIRED_LANGUAGES,
    model::{Choice, Content, Question, QuestionKind, SurveyVersion},
};

/// A text in all languages that are needed.
pub fn said(text: &str) -> LocalizedText {
    let language = |tag: &&str| (Language::parse(tag).unwrap(), format!("{text} ({tag})"));
    REQUIRED_LANGUAGES.iter().map(language).collect()
}

pub fn a_question(id: &str, kind: QuestionKind) -> Question {
    let choices = if kind == QuestionKind::SingleChoice { vec![a_choice("yes"), a_choice("no")] } else { Vec::new() };
    Question { question_id: id.to_owned(), kind, texts: said(id), required: false, choices }
}

pub fn a_choice(id: &str) -> Choice {
    Choice { choice_id: id.to_owned(), texts: said(id) }
}

pub fn required(question: Question) -> Question {
    Question { required: true, ..question }
}

/// One question of each kind, of which the first has to be answered.
pub fn of_each_kind() -> Content {
    let questions = vec![
        required(a_question("csat", QuestionKind::Csat)),
        a_question("nps", QuestionKind::Nps),
        a_question("reason", QuestionKind::SingleChoice),
        a_question("words", QuestionKind::Text),
    ];
    Content { titles: said("title"), questions }
}

pub fn version(content: Content) -> SurveyVersion {
    SurveyVersion::draft(Uuid::from_u128(7), 1, content, Timestamp::UNIX_EPOCH)
}
