//! What Seva brings along is complete and can be asked as it is.

use std::collections::BTreeSet;

use super::{SOURCES, SurveyFile, TextFile, all, read};
use crate::survey::{
    check::{Asked, check},
    model::QuestionKind,
};

#[test]
fn every_shipped_survey_can_be_published() {
    assert_eq!(all().len(), 2);
    for shipped in all() {
        let faults = check(&shipped.content, &Asked::new());
        assert!(faults.is_empty(), "{}: {faults:?}", shipped.key);
    }
}

#[test]
fn each_asks_what_it_is_for() {
    let kinds = |key: &str| {
        let shipped = all().iter().find(|shipped| shipped.key == key).unwrap();
        shipped.content.questions.iter().map(|question| question.kind).collect::<Vec<_>>()
    };
    use QuestionKind::{Csat, Nps, SingleChoice, Text};
    assert_eq!(kinds("order_delivered"), [Csat, Text]);
    assert_eq!(kinds("ticket_closed"), [Csat, Nps, SingleChoice, Text]);
}

#[test]
fn translators_files_hold_a_text_for_each_question_and_choice_and_no_other() {
    for source in &SOURCES {
        let SurveyFile { questions, .. } = read(source.key, source.survey);
        let ids: BTreeSet<&str> = questions.iter().map(|question| question.id.as_str()).collect();
        for (tag, text) in source.texts {
            let file: TextFile = read(source.key, text);
            assert_eq!(file.questions.keys().map(String::as_str).collect::<BTreeSet<_>>(), ids, "{} {tag}", source.key);
            let choices: Vec<(&String, BTreeSet<&String>)> =
                file.choices.iter().map(|(id, choices)| (id, choices.keys().collect())).collect();
            let expected: Vec<(&String, BTreeSet<&String>)> = questions
                .iter()
                .filter(|question| !question.choices.is_empty())
                .map(|question| (&question.id, question.choices.iter().collect()))
                .collect();
            assert_eq!(choices, expected, "{} {tag}", source.key);
        }
    }
}

#[test]
fn each_language_is_written_in_its_own_script() {
    let is_of = |tag: &str, char: char| match tag {
        "hi" => ('\u{900}'..='\u{97f}').contains(&char),
        "bn" => ('\u{980}'..='\u{9ff}').contains(&char) || char == '।',
        "ur" => ('\u{600}'..='\u{6ff}').contains(&char),
        _ => char.is_ascii_alphabetic(),
    };
    for shipped in all() {
        let choices =
            shipped.content.questions.iter().flat_map(|question| &question.choices).map(|choice| &choice.texts);
        let questions = shipped.content.questions.iter().map(|question| &question.texts);
        for texts in questions.chain(choices).chain([&shipped.content.titles]) {
            for (language, text) in texts.iter() {
                let letters = text.chars().filter(|char| char.is_alphabetic());
                let foreign: String = letters.filter(|&char| !is_of(language.as_str(), char)).collect();
                assert!(foreign.is_empty(), "{}: {} in {text:?}", shipped.key, foreign);
            }
        }
    }
}
