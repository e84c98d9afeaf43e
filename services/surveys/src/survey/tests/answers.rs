//! Which answers fit the version that was asked (SU24).

use proptest::prelude::*;

use super::{of_each_kind, required, version};
use crate::survey::{Answer, SurveyVersion, Value};

fn answer(question: &str, value: Value) -> Answer {
    Answer { question_id: question.to_owned(), value: Some(value) }
}

fn score(question: &str, score: i32) -> Answer {
    answer(question, Value::Score(score))
}

fn choice(question: &str, choice: &str) -> Answer {
    answer(question, Value::Choice(choice.to_owned()))
}

fn words(text: &str) -> Answer {
    answer("words", Value::Text(text.to_owned()))
}

fn asked() -> SurveyVersion {
    version(of_each_kind())
}

fn faults(given: &[Answer], before: &[&str], complete: bool) -> Vec<(String, &'static str)> {
    let faults = asked().answer_faults(given, before, complete);
    faults.into_iter().map(|(field, invalid)| (field, invalid.reason)).collect()
}

#[test]
fn answers_that_fit_are_taken() {
    let all = [score("csat", 5), score("nps", 0), choice("reason", "no"), words("बहुत अच्छा\nصاف اور جلدی")];
    assert_eq!(faults(&all, &[], true), []);
    assert!(asked().check_answers(&all, &[], true).is_ok());
    assert_eq!(faults(&[], &[], false), []);
}

#[test]
fn a_score_lies_on_its_scale() {
    for (question, given, fits) in [
        ("csat", 0, false),
        ("csat", 1, true),
        ("csat", 5, true),
        ("csat", 6, false),
        ("nps", -1, false),
        ("nps", 0, true),
        ("nps", 10, true),
        ("nps", 11, false),
    ] {
        let expected = if fits { vec![] } else { vec![("answers[0].score".to_owned(), "SCORE_OUT_OF_RANGE")] };
        assert_eq!(faults(&[score(question, given)], &[], false), expected, "{question} {given}");
    }
}

#[test]
fn an_answer_is_of_its_questions_kind() {
    for wrong in [
        choice("csat", "yes"),
        answer("nps", Value::Text("10".to_owned())),
        score("reason", 1),
        score("words", 1),
        answer("words", Value::Choice("yes".to_owned())),
    ] {
        assert_eq!(faults(&[wrong], &[], false), [("answers[0]".to_owned(), "ANSWER_OF_WRONG_KIND")]);
    }
}

#[test]
fn own_words_have_their_bounds() {
    assert_eq!(faults(&[words(&"আ".repeat(4_000))], &[], false), []);
    assert_eq!(faults(&[words(&"আ".repeat(4_001))], &[], false), [("answers[0].text".to_owned(), "TEXT_TOO_LONG")]);
    assert_eq!(faults(&[words("a\0b")], &[], false), [("answers[0].text".to_owned(), "TEXT_CONTROL_CHARACTER")]);
}

#[test]
fn every_violation_is_told_at_once() {
    let given = [
        score("csat", 9),
        choice("reason", "neither"),
        score("csat", 3),
        Answer { question_id: "nps".to_owned(), value: None },
    ];
    let expected = [
        ("answers[0].score", "SCORE_OUT_OF_RANGE"),
        ("answers[1].choice_id", "CHOICE_UNKNOWN"),
        ("answers[2].question_id", "ANSWER_REPEATED"),
        ("answers[3]", "FIELD_REQUIRED"),
    ];
    assert_eq!(faults(&given, &[], false), expected.map(|(field, reason)| (field.to_owned(), reason)));

    let unknown = [score("stars", 3), words("\u{1}")];
    let expected = [
        ("answers[0].question_id", "QUESTION_UNKNOWN"),
        ("answers[1].text", "TEXT_CONTROL_CHARACTER"),
        ("answers", "ANSWER_REQUIRED"),
    ];
    assert_eq!(faults(&unknown, &[], true), expected.map(|(field, reason)| (field.to_owned(), reason)));

    let error = asked().check_answers(&unknown, &[], true).unwrap_err();
    assert_eq!(error.reason(), seva_proto::common::v1::ErrorReason::FieldsInvalid);
}

#[test]
fn what_is_required_was_answered_now_or_before() {
    let missing = [("answers".to_owned(), "ANSWER_REQUIRED")];
    assert_eq!(faults(&[score("nps", 9)], &[], true), missing);
    assert_eq!(faults(&[score("nps", 9)], &["csat"], true), []);
    assert_eq!(faults(&[], &[], false), [], "nothing is required before the end");
}

#[test]
fn words_taken_back_are_no_answer() {
    let mut content = of_each_kind();
    content.questions[3] = required(content.questions[3].clone());
    let version = version(content);
    let missing = |given: &[Answer], before: &[&str]| version.answer_faults(given, before, true).len();

    assert_eq!(missing(&[words("good")], &["csat"]), 0);
    assert_eq!(missing(&[words(" \n")], &["csat", "words"]), 1);
    assert_eq!(missing(&[], &["csat", "words"]), 0);
}

#[test]
fn more_answers_than_questions_are_not_looked_at() {
    let many: Vec<Answer> = (0..100_000).map(|_| score("csat", 9)).collect();
    assert_eq!(faults(&many, &[], false), [("answers".to_owned(), "ANSWERS_TOO_MANY")]);
}

#[test]
fn what_a_customer_wrote_is_not_in_a_debug_print() {
    assert_eq!(format!("{:?}", words("my number is 12345")), "Answer(words)");
}

proptest! {
    /// A whole set fits exactly when each of its answers does.
    #[test]
    fn an_answer_fits_or_not_whatever_stands_beside_it(csat in -2..8, nps in -2..13, yes in any::<bool>()) {
        let given = [score("csat", csat), score("nps", nps), choice("reason", if yes { "yes" } else { "maybe" })];
        let alone: usize = given.iter().map(|answer| faults(std::slice::from_ref(answer), &[], false).len()).sum();
        prop_assert_eq!(faults(&given, &[], false).len(), alone);
        let fits = (1..=5).contains(&csat) && (0..=10).contains(&nps) && yes;
        prop_assert_eq!(alone == 0, fits);
    }
}
