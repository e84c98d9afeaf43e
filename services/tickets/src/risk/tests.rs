//! Facts and what they come to.

pub(crate) mod plans;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::model::{CONTACT_WINDOW, Counted, Facts, LOW_SCORE_WINDOW, Level, Policy, Reason, Risk, Times, Weight};

const MINUTE: [SignedDuration; 2] = [SignedDuration::from_mins(60), SignedDuration::from_mins(30)];

fn weight(reason: Reason, at_least: i64, weight: i32) -> Weight {
    Weight { reason, at_least, weight }
}

/// As the first version has it.
fn policy() -> Policy {
    let weights = vec![
        weight(Reason::Clock, 100, 40),
        weight(Reason::Clock, 50, 5),
        weight(Reason::Clock, 80, 15),
        weight(Reason::SilentAssignee, 1, 20),
        weight(Reason::Reopened, 2, 30),
        weight(Reason::Contacts, 3, 20),
        weight(Reason::Reassigned, 3, 25),
        weight(Reason::BrokenPromise, 1, 60),
        weight(Reason::LowScore, 1, 25),
        weight(Reason::Vip, 1, 15),
        weight(Reason::LegalOrSafetyWord, 1, 60),
    ];
    Policy::new(1, weights, [30, 60, 100], MINUTE).unwrap()
}

fn assess(facts: Facts) -> Risk {
    policy().assess(&facts)
}

#[test]
fn tk117_each_reason_is_listed_with_its_weight_and_its_fact_the_heaviest_first() {
    let facts = Facts { clock_percent: 100, reopened: 3, contacts: 2, is_vip: true, ..Facts::default() };
    let risk = assess(facts);
    let counted = |reason, value, weight| Counted { reason, value, weight };
    let reasons = vec![counted(Reason::Clock, 100, 40), counted(Reason::Reopened, 3, 30), counted(Reason::Vip, 1, 15)];
    assert_eq!(risk, Risk { score: 85, level: Level::High, reasons });
}

#[test]
fn of_a_clock_the_most_that_is_over_counts_once() {
    for (percent, score) in [(0, 0), (50, 5), (80, 15), (100, 40)] {
        assert_eq!(assess(Facts { clock_percent: percent, ..Facts::default() }).score, score);
    }
}

#[test]
fn every_trigger_counts_from_its_threshold_on() {
    let none = Facts::default();
    let cases = [
        (Facts { reopened: 1, ..none }, Facts { reopened: 2, ..none }, Reason::Reopened),
        (Facts { contacts: 2, ..none }, Facts { contacts: 3, ..none }, Reason::Contacts),
        (Facts { reassigned: 2, ..none }, Facts { reassigned: 3, ..none }, Reason::Reassigned),
        (none, Facts { broken_promises: 1, ..none }, Reason::BrokenPromise),
        (none, Facts { low_scores: 1, ..none }, Reason::LowScore),
        (none, Facts { silences: 1, ..none }, Reason::SilentAssignee),
        (none, Facts { is_vip: true, ..none }, Reason::Vip),
        (none, Facts { is_alarming: true, ..none }, Reason::LegalOrSafetyWord),
    ];
    for (below, reached, reason) in cases {
        assert_eq!(assess(below), Risk::none(), "{reason:?}");
        assert!(assess(reached).counts(reason), "{reason:?}");
    }
}

#[test]
fn a_broken_promise_and_a_word_of_that_sort_call_for_help_by_themselves() {
    assert!(assess(Facts { broken_promises: 1, ..Facts::default() }).level.calls_for_help());
    assert!(assess(Facts { is_alarming: true, ..Facts::default() }).level.calls_for_help());
    let both = Facts { broken_promises: 1, is_alarming: true, ..Facts::default() };
    assert_eq!(assess(both).level, Level::Critical);
}

#[test]
fn weights_by_which_more_would_count_less_are_refused() {
    let falling = vec![weight(Reason::Reopened, 2, 30), weight(Reason::Reopened, 4, 20)];
    Policy::new(2, falling, [30, 60, 100], MINUTE).unwrap_err();
    Policy::new(2, vec![weight(Reason::Vip, 1, 0)], [30, 60, 100], MINUTE).unwrap_err();
}

#[test]
fn it_is_looked_at_again_when_time_alone_changes_it() {
    let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    let hours = SignedDuration::from_hours;
    let times = Times { oldest_contact: Some(now - hours(24)), oldest_low_score: Some(now - hours(48)) };
    // What does not count need not leave.
    assert_eq!(times.look_at(&Risk::none()), None);
    let risk = assess(Facts { contacts: 3, low_scores: 1, ..Facts::default() });
    assert_eq!(times.look_at(&risk), Some(now - hours(24) + CONTACT_WINDOW));
    let risk = assess(Facts { low_scores: 1, ..Facts::default() });
    assert_eq!(times.look_at(&risk), Some(now - hours(48) + LOW_SCORE_WINDOW));
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let counts = (0_i64..6, 0_i64..6, 0_i64..6, 0_i64..3, 0_i64..3, 0_i64..3);
    let flags = (any::<bool>(), any::<bool>());
    (prop::sample::select(vec![0_i64, 50, 80, 100]), counts, flags).prop_map(|(clock_percent, counts, flags)| {
        let (reopened, contacts, reassigned, broken_promises, low_scores, silences) = counts;
        let (is_vip, is_alarming) = flags;
        Facts {
            is_at_rest: false,
            clock_percent,
            silences,
            reopened,
            contacts,
            reassigned,
            broken_promises,
            low_scores,
            is_vip,
            is_alarming,
        }
    })
}

/// The same facts with more of one thing.
fn more(facts: Facts, of: usize) -> Facts {
    match of {
        0 => Facts { clock_percent: (facts.clock_percent + 30).clamp(50, 100), ..facts },
        1 => Facts { silences: facts.silences + 1, ..facts },
        2 => Facts { reopened: facts.reopened + 1, ..facts },
        3 => Facts { contacts: facts.contacts + 1, ..facts },
        4 => Facts { reassigned: facts.reassigned + 1, ..facts },
        5 => Facts { broken_promises: facts.broken_promises + 1, ..facts },
        6 => Facts { low_scores: facts.low_scores + 1, ..facts },
        7 => Facts { is_vip: true, ..facts },
        _ => Facts { is_alarming: true, ..facts },
    }
}

proptest! {
    /// TK117
    #[test]
    fn the_score_is_the_sum_of_its_reasons_and_the_same_whatever_the_order_of_the_weights(
        facts in some_facts(), order in Just(policy().weights).prop_shuffle()
    ) {
        let risk = assess(facts);
        prop_assert_eq!(risk.score, risk.reasons.iter().map(|counted| counted.weight).sum::<i32>());
        let other = Policy::new(1, order, [30, 60, 100], MINUTE).unwrap();
        prop_assert!(other.assess(&facts) == risk);
        for counted in &risk.reasons {
            prop_assert_eq!(facts.value(counted.reason), counted.value);
        }
        prop_assert_eq!(policy().assess(&Facts { is_at_rest: true, ..facts }), Risk::none());
    }

    /// TK117
    #[test]
    fn another_trigger_never_lowers_the_score(facts in some_facts(), of in prop::collection::vec(0_usize..9, 1..6)) {
        let mut now = facts;
        for of in of {
            let next = more(now, of);
            let (before, after) = (assess(now), assess(next));
            prop_assert!(after.score >= before.score && after.level >= before.level, "{:?} {:?}", now, next);
            now = next;
        }
    }
}
