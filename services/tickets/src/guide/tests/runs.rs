//! A run from step to step (TK87, TK88).

use proptest::prelude::*;
use seva_proto::common::v1::ErrorReason;
use uuid::Uuid;

use super::{content, drips, now, outcome, published};
use crate::{
    guide::{
        model::{GuideVersion, Leads, Outcome},
        run::{Act, Change, Given, Run, State},
    },
    ticket::{CancelReason, Kind, Ticket, tests::opened},
};

fn given(step: i32, answer_id: &str) -> Given {
    Given { step, answer_id: answer_id.to_owned(), answered_by: None }
}

fn started() -> (Run, Ticket, GuideVersion) {
    let (_, version) = published(drips());
    let ticket = opened();
    let Change { run, act } = Run::start(Uuid::from_u128(2), &ticket, &version, now()).unwrap();
    assert_eq!((act, run.step, run.node_id.as_str()), (Act::Started, 1, "plugged_in"));
    (run, ticket, version)
}

#[test]
fn a_run_goes_from_answer_to_answer_to_an_outcome() {
    let (mut run, ticket, version) = started();
    for (step, answer, next) in [(1, "no", "plug"), (2, "", "clean"), (3, "", "drips")] {
        let change = run.answer(given(step, answer), &ticket, &version, now()).unwrap();
        assert_eq!((change.act, change.run.node_id.as_str()), (Act::Answered, next));
        run = change.run;
    }
    let Change { run, act } = run.answer(given(4, "yes"), &ticket, &version, now()).unwrap();
    assert_eq!(
        (act, run.state, run.outcome),
        (Act::Completed, State::Completed, Some(Outcome::HandOver(Kind::Repair)))
    );
    assert_eq!((run.step, run.version, run.ended_at), (4, 5, Some(now())));
    let answered: Vec<_> =
        run.steps.iter().map(|step| (step.step, step.node_id.as_str(), step.answer_id.as_str())).collect();
    assert_eq!(answered, [(1, "plugged_in", "no"), (2, "plug", ""), (3, "clean", ""), (4, "drips", "yes")]);
    // TK88
    for refusal in [run.answer(given(4, "yes"), &ticket, &version, now()), run.abandon(now())] {
        assert_eq!(refusal.unwrap_err().reason(), ErrorReason::StateForbids);
    }
}

/// TK87
#[test]
fn only_the_present_step_is_answered_and_only_with_one_of_its_answers() {
    let (run, ticket, version) = started();
    for step in [-1, 0, 2, 3] {
        let refusal = run.answer(given(step, "yes"), &ticket, &version, now()).unwrap_err();
        assert_eq!(refusal.reason(), ErrorReason::StateForbids, "{step}");
    }
    for answer in ["", "perhaps", "clean"] {
        let refusal = run.answer(given(1, answer), &ticket, &version, now()).unwrap_err();
        assert_eq!(refusal.reason(), ErrorReason::FieldsInvalid, "{answer}");
    }
    let at_instruction = run.answer(given(1, "no"), &ticket, &version, now()).unwrap().run;
    let refusal = at_instruction.answer(given(2, "yes"), &ticket, &version, now()).unwrap_err();
    assert_eq!(refusal.reason(), ErrorReason::FieldsInvalid);
}

/// TK88
#[test]
fn nothing_is_begun_or_answered_for_a_ticket_that_is_over_but_a_run_can_be_given_up() {
    let (run, ticket, version) = started();
    let over = ticket.cancel(CancelReason::ByCustomer, now()).unwrap().ticket;
    let refused =
        [Run::start(Uuid::from_u128(3), &over, &version, now()), run.answer(given(1, "yes"), &over, &version, now())];
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().reason(), ErrorReason::StateForbids);
    }
    let abandoned = run.abandon(now()).unwrap();
    assert_eq!((abandoned.act, abandoned.run.state, abandoned.run.outcome), (Act::Abandoned, State::Abandoned, None));
}

#[test]
fn a_guide_that_is_nothing_but_an_outcome_is_over_at_once() {
    let (_, version) = published(content(vec![outcome("call", Outcome::NotSolved)]));
    let Change { run, act } = Run::start(Uuid::from_u128(2), &opened(), &version, now()).unwrap();
    assert_eq!((act, run.state, run.outcome), (Act::Completed, State::Completed, Some(Outcome::NotSolved)));
}

proptest! {
    /// Whatever is answered, a run comes to an outcome within as many steps as there are nodes, and has kept each answer once.
    #[test]
    fn every_run_ends(choices in prop::collection::vec(0..2usize, 6)) {
        let (mut run, ticket, version) = started();
        for choice in choices {
            if run.state != State::Running {
                break;
            }
            let answer = match &version.content.node(&run.node_id).unwrap().leads {
                Leads::Answers(answers) => answers[choice].answer_id.clone(),
                Leads::Next(_) | Leads::Outcome(_) => String::new(),
            };
            run = run.answer(given(run.step, &answer), &ticket, &version, now()).unwrap().run;
        }
        prop_assert_eq!(run.state, State::Completed);
        let steps: Vec<i32> = run.steps.iter().map(|step| step.step).collect();
        prop_assert_eq!(steps, (1..=run.step).collect::<Vec<_>>());
    }
}
