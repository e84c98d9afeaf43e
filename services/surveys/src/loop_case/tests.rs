use jiff::{SignedDuration, Timestamp};
use seva_runtime::call::Story;
use uuid::Uuid;

use super::model::{LoopCase, State, TicketAct, TicketWord, is_low};
use crate::survey::QuestionKind;

const STATES: [State; 8] = [
    State::Open,
    State::Acknowledged,
    State::Contacted,
    State::Resolved,
    State::Verified,
    State::Disputed,
    State::Unreachable,
    State::Canceled,
];
const ACTS: [TicketAct; 7] = [
    TicketAct::Assigned,
    TicketAct::Answered,
    TicketAct::Resolved,
    TicketAct::ClosedVerified,
    TicketAct::ClosedUnverified,
    TicketAct::Disputed,
    TicketAct::Canceled,
];

fn a_case() -> LoopCase {
    LoopCase {
        id: Uuid::from_u128(1),
        version: 1,
        response: Uuid::from_u128(2),
        customer: Uuid::from_u128(3),
        programme: Uuid::from_u128(4),
        question_id: "csat".to_owned(),
        score: 1,
        subject: "orders/1".to_owned(),
        language: "hi".to_owned(),
        state: State::Open,
        ticket: None,
        ticket_sequence: 0,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn word(ticket: u128, sequence: i64, act: Option<TicketAct>) -> TicketWord {
    TicketWord {
        response: Some(Uuid::from_u128(2)),
        ticket: Uuid::from_u128(ticket),
        carried_by: None,
        sequence,
        act,
        at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(sequence),
        story: Story::begun_by("a test"),
    }
}

// SU14: the whole table, as the README has it.
#[test]
fn a_case_follows_its_ticket_as_the_table_says() {
    use State::*;
    let stays = None;
    let table = [
        (
            Open,
            [
                Some(Acknowledged),
                Some(Contacted),
                Some(Resolved),
                Some(Verified),
                Some(Unreachable),
                stays,
                Some(Canceled),
            ],
        ),
        (
            Acknowledged,
            [stays, Some(Contacted), Some(Resolved), Some(Verified), Some(Unreachable), stays, Some(Canceled)],
        ),
        (Contacted, [stays, stays, Some(Resolved), Some(Verified), Some(Unreachable), stays, Some(Canceled)]),
        (Resolved, [stays, stays, stays, Some(Verified), Some(Unreachable), Some(Disputed), Some(Canceled)]),
        (Verified, [stays, stays, stays, stays, stays, Some(Disputed), stays]),
        (
            Disputed,
            [
                Some(Acknowledged),
                Some(Contacted),
                Some(Resolved),
                Some(Verified),
                Some(Unreachable),
                stays,
                Some(Canceled),
            ],
        ),
        (Unreachable, [stays, stays, stays, stays, stays, Some(Disputed), stays]),
        (Canceled, [stays; 7]),
    ];
    assert_eq!(table.map(|(state, _)| state).len(), STATES.len());
    for (state, expected) in table {
        assert_eq!(ACTS.map(|act| state.after(act)), expected, "{state:?}");
    }
}

#[test]
fn names_of_states_are_read_back() {
    for state in STATES {
        assert_eq!(State::from_name(state.name()).ok(), Some(state));
    }
}

#[test]
fn two_of_five_and_a_detractor_are_low() {
    for (kind, low, not_low) in [(QuestionKind::Csat, 2, 3), (QuestionKind::Nps, 6, 7)] {
        assert!(is_low(kind, low) && !is_low(kind, not_low), "{kind:?}");
    }
    assert!(!is_low(QuestionKind::Text, 0));
}

#[test]
fn a_case_keeps_its_first_ticket_and_hears_each_word_once() {
    let mut case = a_case();

    let (is_new, change) = case.follow(&word(7, 1, None));
    assert!(is_new && change.is_none(), "a ticket that was made is no change of the case");
    let (_, change) = case.follow(&word(7, 2, Some(TicketAct::Assigned)));
    assert_eq!(change.map(|change| (change.after.version, change.after.state)), Some((2, State::Acknowledged)));

    let before = case.clone();
    for again in [word(7, 2, Some(TicketAct::Assigned)), word(7, 1, Some(TicketAct::Canceled))] {
        assert!(!case.follow(&again).0, "an older word");
    }
    assert!(!case.follow(&word(8, 9, Some(TicketAct::Canceled))).0, "another ticket");
    assert_eq!(case, before);
}

#[test]
fn a_case_follows_the_ticket_into_which_its_own_was_merged_and_goes_back_when_that_is_undone() {
    let mut case = a_case();
    let carried_by = |carrier: u128, word| TicketWord { carried_by: Some(Uuid::from_u128(carrier)), ..word };
    let of_another = |word| TicketWord { response: None, ..word };
    case.follow(&word(7, 1, None));
    assert!(!case.follow(&of_another(word(8, 3, Some(TicketAct::Canceled)))).0, "it is not about the score");

    let (is_new, change) = case.follow(&carried_by(8, word(7, 2, None)));
    assert!(is_new && change.is_none());
    let (_, change) = case.follow(&of_another(word(8, 4, Some(TicketAct::Answered))));
    assert_eq!(change.map(|change| change.after.state), Some(State::Contacted));

    case.follow(&carried_by(7, word(7, 3, None)));
    assert!(!case.follow(&of_another(word(8, 5, Some(TicketAct::Canceled)))).0);
    case.follow(&carried_by(8, word(7, 4, None)));
    case.follow(&of_another(word(8, 6, Some(TicketAct::ClosedVerified))));
    assert_eq!((case.state, case.ticket), (State::Verified, Some(Uuid::from_u128(8))), "the loop is closed");
}

#[test]
fn what_a_ticket_said_before_the_case_was_opened_is_not_about_it() {
    let mut case = LoopCase { created_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(5), ..a_case() };

    assert!(!case.follow(&word(7, 4, Some(TicketAct::ClosedVerified))).0);
    assert!(case.follow(&word(7, 5, None)).0);
}
