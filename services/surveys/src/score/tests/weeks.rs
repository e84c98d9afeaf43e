//! Which weeks are asked for, what they add up to, and what stays hidden.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, civil::date};
use proptest::prelude::*;

use crate::score::{
    model::{Counts, Scores, WeeklyScore, Weeks},
    statistics::{Recommendation, Satisfaction},
};

/// A Wednesday.
fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

fn faults(first: &str, last: &str) -> Vec<(&'static str, &'static str)> {
    let faults = Weeks::parse(first, last, now()).unwrap_err();
    faults.into_iter().map(|(field, invalid)| (field, invalid.reason)).collect()
}

#[test]
fn who_does_not_say_gets_the_present_week_and_twelve_before() {
    let weeks = Weeks::parse("", "", now()).unwrap();
    assert_eq!((weeks.first, weeks.last), (date(2025, 12, 8), date(2026, 3, 2)));
    let weeks = Weeks::parse("", "2026-01-05", now()).unwrap();
    assert_eq!((weeks.first, weeks.last), (date(2025, 10, 13), date(2026, 1, 5)));
    let weeks = Weeks::parse("2026-02-23", "", now()).unwrap();
    assert_eq!((weeks.first, weeks.last), (date(2026, 2, 23), date(2026, 3, 2)));
}

#[test]
fn a_week_is_from_monday_to_monday_in_utc() {
    let (from, until) = Weeks::parse("2026-02-23", "2026-03-02", now()).unwrap().bounds();
    assert_eq!((from.to_string(), until.to_string()), ("2026-02-23T00:00:00Z".into(), "2026-03-09T00:00:00Z".into()));
    for (at, monday) in [("2026-03-01T23:59:59Z", date(2026, 2, 23)), ("2026-03-02T00:00:00Z", date(2026, 3, 2))] {
        assert_eq!(Weeks::parse("", "", at.parse().unwrap()).unwrap().last, monday, "{at}");
    }
}

#[test]
fn weeks_that_cannot_be_are_refused() {
    assert_eq!(faults("2026-03-03", ""), [("first_week", "NOT_A_MONDAY")]);
    assert_eq!(faults("", "2026-3-2"), [("last_week", "DATE_MALFORMED")]);
    assert_eq!(faults("20260302", "tomorrow"), [("first_week", "DATE_MALFORMED"), ("last_week", "DATE_MALFORMED")]);
    assert_eq!(faults("2026-03-09", "2026-03-02"), [("first_week", "WEEKS_OUT_OF_ORDER")]);
    assert!(Weeks::parse("2024-03-11", "2026-03-02", now()).is_ok(), "104 weeks");
    assert_eq!(faults("2024-03-04", "2026-03-02"), [("first_week", "WEEKS_TOO_MANY")]);
    assert!(!faults("", "-9999-01-04").is_empty());
}

fn counted(csat: i64, nps: i64) -> Counts {
    Counts {
        invited: csat + nps + 1,
        completed: csat.min(nps),
        satisfaction: Satisfaction { answers: csat, satisfied: csat / 2 },
        recommendation: Recommendation { answers: nps, promoters: nps / 2, detractors: nps / 3 },
        not_asked: BTreeMap::from([("throttled".to_owned(), csat)]),
    }
}

fn weeks_of(counts: impl IntoIterator<Item = Counts>) -> BTreeMap<jiff::civil::Date, Counts> {
    (0_i64..).map(|week| date(2026, 1, 5) + week.weeks()).zip(counts).collect()
}

#[test]
fn the_total_counts_each_answer_once_whatever_its_week_tells() {
    let scores = Scores::of(weeks_of([counted(40, 0), counted(3, 10), counted(60, 2)]));

    let total = &scores.total;
    assert_eq!((total.week, total.invited, total.completed), (None, 118, 5));
    assert_eq!((total.csat.unwrap().answers, total.nps.unwrap().answers), (103, 12));
    assert_eq!(total.csat.unwrap().value, 100.0 * 51.0 / 103.0, "not the mean of the weeks");
    assert_eq!(total.not_asked, BTreeMap::from([("throttled".to_owned(), 103)]));
    assert_eq!(total.response_rate, Some(5.0 / 118.0));
}

#[test]
fn a_week_without_invitations_is_left_out_and_still_adds_up() {
    let nobody = Counts { not_asked: BTreeMap::from([("no_consent".to_owned(), 4)]), ..Counts::default() };
    let scores = Scores::of(weeks_of([nobody, counted(9, 9)]));

    assert_eq!(scores.weeks.len(), 1);
    assert_eq!(scores.weeks[0].week, Some(date(2026, 1, 12)));
    assert_eq!(scores.total.not_asked["no_consent"], 4);
    let none = Scores::of(BTreeMap::new()).total;
    assert_eq!((none.response_rate, none.csat, none.invited), (None, None, 0));
}

/// SU6
#[test]
fn what_the_total_would_tell_of_a_hidden_week_is_hidden_too() {
    let told = |answers: &[i64]| -> Vec<bool> {
        let scores = Scores::of(weeks_of(answers.iter().map(|&answers| counted(answers, 0))));
        scores.weeks.iter().map(|week| week.csat.is_some()).collect()
    };
    assert_eq!(told(&[40, 30]), [true, true]);
    assert_eq!(told(&[40, 3, 30]), [true, false, false], "70 of 73 would tell of three");
    assert_eq!(told(&[40, 3, 2]), [true, false, false], "five are hidden together");
    assert_eq!(told(&[40, 0, 30]), [true, false, true], "nobody is hidden");
    assert_eq!(told(&[4]), [false]);
}

proptest! {
    /// SU6: neither a week nor what remains of the total tells of one to four answers.
    #[test]
    fn no_answer_tells_of_a_few(answers in prop::collection::vec(prop_oneof![0_i64..8, 0_i64..50], 0..8)) {
        let scores = Scores::of(weeks_of(answers.iter().map(|&answers| counted(answers, answers / 2))));
        for score in [|week: &WeeklyScore| week.csat, |week: &WeeklyScore| week.nps] {
            let told: Vec<_> = scores.weeks.iter().filter_map(score).map(|score| score.answers).collect();
            prop_assert!(told.iter().all(|&answers| answers >= 5));
            if let Some(total) = score(&scores.total) {
                let rest = total.answers - told.iter().sum::<i64>();
                prop_assert!(rest == 0 || rest >= 5, "{told:?} of {}", total.answers);
            }
        }
    }
}
