//! What keeps a draft from being published, and what a hash stands for.

use proptest::prelude::*;
use seva_values::{Language, LocalizedText};

use super::{a_choice, a_question, of_each_kind, said, version};
use crate::survey::{
    check::{Asked, check},
    model::{Choice, Content, Question, QuestionKind, State},
};

fn found(content: &Content) -> Vec<(String, &'static str)> {
    found_beside(content, &Asked::new())
}

fn found_beside(content: &Content, asked: &Asked) -> Vec<(String, &'static str)> {
    check(content, asked).into_iter().map(|fault| (fault.field, fault.reason)).collect()
}

fn with(questions: Vec<Question>) -> Content {
    Content { titles: said("title"), questions }
}

#[test]
fn a_survey_of_every_kind_has_no_fault() {
    assert_eq!(found(&of_each_kind()), []);
}

/// SU21: each fault, by itself.
#[test]
fn every_fault_is_found_where_it_is() {
    let csat = || a_question("csat", QuestionKind::Csat);
    let choose = |choices| Question { choices, ..a_question("reason", QuestionKind::SingleChoice) };
    let many_choices = (0..21).map(|at| a_choice(&format!("c{at}"))).collect();
    let many_questions = (0..21).map(|at| a_question(&format!("q{at}"), QuestionKind::Text)).collect();
    let in_english = |text: &str| {
        let mut texts = said("text");
        texts.insert(Language::parse("en").unwrap(), text);
        Question { texts, ..csat() }
    };
    let table: Vec<(Content, &str, &str)> = vec![
        (with(Vec::new()), "questions", "QUESTIONS_MISSING"),
        (with(many_questions), "questions", "QUESTIONS_TOO_MANY"),
        (
            with(vec![a_question("a", QuestionKind::Text), a_question("a", QuestionKind::Text)]),
            "questions[1].question_id",
            "QUESTION_REPEATED",
        ),
        (with(vec![csat(), a_question("other", QuestionKind::Csat)]), "questions[1].kind", "SECOND_OF_KIND"),
        (
            with(vec![a_question("a", QuestionKind::Nps), a_question("b", QuestionKind::Nps)]),
            "questions[1].kind",
            "SECOND_OF_KIND",
        ),
        (with(vec![choose(Vec::new())]), "questions[0].choices", "CHOICES_TOO_FEW"),
        (with(vec![choose(vec![a_choice("only")])]), "questions[0].choices", "CHOICES_TOO_FEW"),
        (with(vec![choose(many_choices)]), "questions[0].choices", "CHOICES_TOO_MANY"),
        (
            with(vec![choose(vec![a_choice("a"), a_choice("a")])]),
            "questions[0].choices[1].choice_id",
            "CHOICE_REPEATED",
        ),
        (
            with(vec![Question { choices: vec![a_choice("a"), a_choice("b")], ..csat() }]),
            "questions[0].choices",
            "CHOICES_NOT_ALLOWED",
        ),
        (with(vec![in_english(" ")]), "questions[0].texts", "TEXT_EMPTY"),
        (with(vec![in_english(&"x".repeat(501))]), "questions[0].texts", "TEXT_TOO_LONG"),
        (with(vec![in_english("two\nlines")]), "questions[0].texts", "TEXT_CONTROL_CHARACTER"),
        (with(vec![in_english("turned \u{202e}round")]), "questions[0].texts", "DIRECTION_OVERRIDE"),
        (Content { titles: said(&"x".repeat(151)), questions: vec![csat()] }, "titles", "TEXT_TOO_LONG"),
        (
            with(vec![choose(vec![a_choice("a"), Choice { texts: said(&"x".repeat(201)), ..a_choice("b") }])]),
            "questions[0].choices[1].texts",
            "TEXT_TOO_LONG",
        ),
    ];
    for (content, field, reason) in table {
        let found = found(&content);
        assert!(
            !found.is_empty() && found.iter().all(|fault| *fault == (field.to_owned(), reason)),
            "{field} {reason}: {found:?}"
        );
    }
}

#[test]
fn each_missing_language_is_named_for_each_text() {
    let english = |text: &str| LocalizedText::from_iter([(Language::parse("en").unwrap(), text.to_owned())]);
    let content = Content {
        titles: english("Title"),
        questions: vec![Question { texts: LocalizedText::new(), ..a_question("csat", QuestionKind::Csat) }],
    };
    let missing = check(&content, &Asked::new());

    let said: Vec<_> = missing.iter().map(|fault| (fault.field.as_str(), &fault.description[..2])).collect();
    let expected = [("titles", "bn"), ("titles", "hi"), ("titles", "ur")];
    assert_eq!(said[..3], expected);
    assert_eq!(said[3..].iter().map(|(_, tag)| *tag).collect::<Vec<_>>(), ["bn", "en", "hi", "ur"]);
}

#[test]
fn a_language_of_one_text_is_a_language_of_all() {
    let mut content = of_each_kind();
    content.titles.insert(Language::parse("ta").unwrap(), "தலைப்பு");

    let found = found(&content);
    let expected = ["questions[0].texts", "questions[1].texts", "questions[2].texts"];
    assert_eq!(found[..3], expected.map(|field| (field.to_owned(), "LANGUAGE_MISSING")));
    assert_eq!(found.len(), 6, "four questions and two choices");
}

/// SU22
#[test]
fn an_id_that_was_asked_keeps_its_kind_and_its_choices() {
    let before = of_each_kind();
    let asked: Asked = before.questions.iter().map(|asked| (asked.question_id.clone(), asked.scale_hash())).collect();
    assert_eq!(found_beside(&before, &asked), []);

    let other_kind = with(vec![a_question("words", QuestionKind::Nps)]);
    assert_eq!(found_beside(&other_kind, &asked), [("questions[0].question_id".to_owned(), "SCALE_CHANGED")]);
    let mut more_choices = before.clone();
    more_choices.questions[2].choices.push(a_choice("perhaps"));
    assert_eq!(found_beside(&more_choices, &asked), [("questions[2].question_id".to_owned(), "SCALE_CHANGED")]);
    let mut turned_round = before.clone();
    turned_round.questions[2].choices.reverse();
    assert_eq!(found_beside(&turned_round, &asked).len(), 1);

    // A slip of the pen may be put right, a question left out, and one with a new id asked.
    let mut reworded = before;
    reworded.questions[2].texts = said("in other words");
    reworded.questions[2].choices[0].texts = said("indeed");
    reworded.questions.remove(1);
    reworded.questions.push(a_question("recommendation", QuestionKind::Nps));
    assert_eq!(found_beside(&reworded, &asked), []);
}

#[test]
fn a_version_goes_from_draft_to_published_to_retired() {
    let draft = version(of_each_kind());
    assert_eq!(draft.state(), State::Draft);
    let published = draft.publish("2026-03-02T09:00:00Z".parse().unwrap());
    assert_eq!(published.state(), State::Published);
    let retired = crate::survey::SurveyVersion { is_current: false, ..published };
    assert_eq!(retired.state(), State::Retired);
}

fn any_content() -> impl Strategy<Value = Content> {
    let kind = prop_oneof![
        Just(QuestionKind::Csat),
        Just(QuestionKind::Nps),
        Just(QuestionKind::SingleChoice),
        Just(QuestionKind::Text)
    ];
    let question = ("[a-z]{1,3}", kind, any::<bool>(), prop::collection::vec("[a-z]{1,2}", 0..4), "\\PC{0,12}");
    prop::collection::vec(question, 0..5).prop_map(|questions| {
        let question = |(id, kind, required, choices, text): (String, _, _, Vec<String>, String)| Question {
            question_id: id,
            kind,
            texts: said(&text),
            required,
            choices: choices.iter().map(|id| a_choice(id)).collect(),
        };
        with(questions.into_iter().map(question).collect())
    })
}

proptest! {
    #[test]
    fn what_is_stored_is_read_back_with_the_same_hash(content in any_content()) {
        // As jsonb keeps it: the order of fields is lost.
        let stored: serde_json::Value = serde_json::to_value(&content).unwrap();
        let read: Content = serde_json::from_value(stored).unwrap();
        prop_assert_eq!(read.hash(), content.hash());
        prop_assert_eq!(read, content);
    }

    #[test]
    fn whatever_differs_has_another_hash(one in any_content(), other in any_content()) {
        prop_assert_eq!(one == other, one.hash() == other.hash());
    }

    /// SU23, SU22: nothing that passes has two scores of a kind, two questions of an id, or an id with another scale than before.
    #[test]
    fn what_passes_can_be_counted(content in any_content(), before in any_content()) {
        let asked: Asked = before.questions.iter().map(|asked| (asked.question_id.clone(), asked.scale_hash())).collect();
        if check(&content, &asked).is_empty() {
            let count = |kind| content.questions.iter().filter(|question| question.kind == kind).count();
            prop_assert!(count(QuestionKind::Csat) <= 1 && count(QuestionKind::Nps) <= 1);
            for question in &content.questions {
                prop_assert_eq!(content.questions.iter().filter(|other| other.question_id == question.question_id).count(), 1);
                prop_assert!(asked.get(&question.question_id).is_none_or(|scale| *scale == question.scale_hash()));
            }
        }
    }
}
