use proptest::prelude::*;
use seva_proto::{
    common::v1::Translation,
    surveys::v1::{Answer, Choice, Question, Questionnaire, SurveyVersion, answer::Value, question::Kind},
};

use super::answers::{Given, Wrong};
use crate::{edge::form::Fields, fault::Violation};

fn question(id: &str, kind: Kind) -> Question {
    let text = Translation { language: "en".to_owned(), text: id.to_owned() };
    Question { question_id: id.to_owned(), kind: kind.into(), texts: vec![text], ..Question::default() }
}

fn questionnaire() -> Questionnaire {
    let choice = |id: &str| Choice { choice_id: id.to_owned(), texts: Vec::new() };
    let which = Question { choices: vec![choice("price"), choice("speed")], ..question("which", Kind::SingleChoice) };
    let questions =
        vec![question("words", Kind::Text), question("how", Kind::Csat), question("again", Kind::Nps), which];
    let version = SurveyVersion { questions, ..SurveyVersion::default() };
    Questionnaire { survey_version: Some(version), ..Questionnaire::default() }
}

fn in_question(given: &Given, id: &str) -> Option<String> {
    let questionnaire = questionnaire();
    let questions = questionnaire.survey_version.unwrap().questions;
    let question = questions.iter().find(|question| question.question_id == id).unwrap();
    given.value(question).map(str::to_owned)
}

fn preselected(query: &str) -> Given {
    Given::preselected(&questionnaire(), &Fields::parse(query.as_bytes()))
}

#[test]
fn a_link_preselects_scores_and_choices_and_never_words() {
    let given = preselected("score=4&q_again=10&q_which=speed&q_words=I+say");
    assert_eq!(in_question(&given, "how").as_deref(), Some("4"), "the first question with a scale");
    assert_eq!(in_question(&given, "again").as_deref(), Some("10"));
    assert_eq!(in_question(&given, "which").as_deref(), Some("speed"));
    assert_eq!(in_question(&given, "words"), None);
    assert!(given.answers().is_empty(), "nothing is to be saved");
}

#[test]
fn a_link_preselects_nothing_that_cannot_be_chosen() {
    for query in ["score=6", "score=0", "q_how=x", "q_again=11", "q_which=color", "score=", "q_nothing=1"] {
        assert_eq!(preselected(query), Given::default(), "{query}");
    }
}

#[test]
fn what_is_left_blank_is_not_sent_unless_it_takes_back_words() {
    let blank = Fields::parse(b"q_words=++&q_how=5");
    let sent = Given::sent(&questionnaire(), &blank).answers();
    assert_eq!(sent, [Answer { question_id: "how".to_owned(), value: Some(Value::Score(5)) }]);

    let words = Answer { question_id: "words".to_owned(), value: Some(Value::Text("before".to_owned())) };
    let saved = Questionnaire { answers: vec![words], ..questionnaire() };
    let sent = Given::sent(&saved, &blank).answers();
    assert_eq!(sent[0], Answer { question_id: "words".to_owned(), value: Some(Value::Text(String::new())) });
}

#[test]
fn a_violation_finds_its_question_by_place_or_by_name() {
    let sent = || Given::sent(&questionnaire(), &Fields::parse(b"q_words=a&q_how=9&q_which=color"));
    for (field, reason, id, wrong) in [
        ("answers[0].text", "TEXT_TOO_LONG", "words", Wrong::TooLong),
        ("answers[1].score", "SCORE_OUT_OF_RANGE", "how", Wrong::Invalid),
        ("answers[2]", "CHOICE_UNKNOWN", "which", Wrong::Invalid),
        ("answers[again]", "FIELD_REQUIRED", "again", Wrong::Missing),
        ("answers.again", "FIELD_REQUIRED", "again", Wrong::Missing),
    ] {
        let violation = Violation { field: field.to_owned(), reason: reason.to_owned() };
        let given = sent().refused(&questionnaire(), &[violation]);
        let version = questionnaire().survey_version.unwrap();
        for question in &version.questions {
            let expected = (question.question_id == id).then_some(wrong);
            assert_eq!(given.wrong(question), expected, "{field} at {}", question.question_id);
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_form_sends_no_answer_is_made_up(body in "[a-z0-9_=&%+]{0,200}") {
        let fields = Fields::parse(body.as_bytes());
        let given = Given::sent(&questionnaire(), &fields);
        for answer in given.answers() {
            let field = format!("q_{}", answer.question_id);
            prop_assert!(fields.get(&field).is_some());
        }
    }
}
