//! Texts of actions, and their stored form.

use seva_values::{Language, LocalizedText};
use uuid::Uuid;

use super::{
    convert::{from_stored, to_stored},
    model::{Action, Texts, with_known_placeholders},
};
use crate::ticket::{CancelReason, Cause, Priority, model::RootProblem};

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

fn texts(of: &[(&str, &str)]) -> Texts {
    Texts::new(of.iter().map(|(tag, text)| (language(tag), (*text).to_owned())).collect::<LocalizedText>()).unwrap()
}

#[test]
fn a_text_holds_the_tickets_number_and_nothing_else_that_is_put_in() {
    assert!(with_known_placeholders("About {ticket_number}, {ticket_number}".to_owned()).is_ok());
    for wrong in ["{customer}", "{ticket_number", "{{ticket_number}}", "}"] {
        assert_eq!(with_known_placeholders(wrong.to_owned()).unwrap_err().reason, "PLACEHOLDER_UNKNOWN", "{wrong}");
    }
}

#[test]
fn texts_have_english_for_whoever_reads_none_of_the_others() {
    let hindi: LocalizedText = [(language("hi"), "नमस्ते".to_owned())].into_iter().collect();
    assert_eq!(Texts::new(hindi).err().unwrap().reason, "ENGLISH_MISSING");
}

#[test]
fn actions_are_stored_and_read_as_they_were() {
    let root_problem = RootProblem { cause: Cause::Carrier, description: "The van broke down.".to_owned(), rule: None };
    let actions = vec![
        Action::Reply { texts: texts(&[("en", "Hello"), ("hi", "नमस्ते")]), awaits_customer: false },
        Action::Reply { texts: texts(&[("en", "When?")]), awaits_customer: true },
        Action::Note("Seen".to_owned()),
        Action::SetPriority(Priority::Urgent),
        Action::Assign(Some(Uuid::from_u128(7))),
        Action::Assign(None),
        Action::Resolve { root_problem, notes: texts(&[("en", "It comes.")]) },
        Action::Cancel(CancelReason::Spam),
        Action::ChangeTags { add: vec!["van".to_owned()], remove: vec!["late".to_owned()] },
    ];
    assert_eq!(from_stored(&to_stored(&actions)).unwrap(), actions);
}
