//! Intervals against figures that were worked out elsewhere, and what holds of all of them.

use proptest::prelude::*;

use crate::score::statistics::{Recommendation, Satisfaction, adjusted_wald, wilson};

/// To one decimal, as people compare them.
fn rounded((low, high): (f64, f64)) -> (f64, f64) {
    let to_one = |share: f64| (share * 1000.0).round() / 10.0;
    (to_one(low), to_one(high))
}

#[test]
fn wilsons_interval_agrees_with_the_tables() {
    for (satisfied, answers, expected) in [
        (3.0, 3.0, (43.9, 100.0)),
        (0.0, 3.0, (0.0, 56.1)),
        (9.0, 10.0, (59.6, 98.2)),
        (80.0, 100.0, (71.1, 86.7)),
        (0.0, 30.0, (0.0, 11.4)),
        (50.0, 100.0, (40.4, 59.6)),
    ] {
        assert_eq!(rounded(wilson(satisfied, answers)), expected, "{satisfied} of {answers}");
    }
}

#[test]
fn the_adjusted_interval_agrees_with_the_tables() {
    for (promoters, detractors, answers, expected) in
        [(5.0, 0.0, 5.0, (17.5, 100.0)), (0.0, 5.0, 5.0, (-100.0, -17.5)), (60.0, 20.0, 100.0, (23.4, 54.3))]
    {
        let interval = adjusted_wald(promoters, detractors, answers);
        assert_eq!(rounded(interval), expected, "{promoters} and {detractors} of {answers}");
    }
}

/// SU6
#[test]
fn fewer_than_five_answers_are_hidden_and_fewer_than_thirty_are_unsure() {
    let csat = |answers, satisfied| Satisfaction { answers, satisfied }.score();
    let nps = |answers, promoters| Recommendation { answers, promoters, detractors: 0 }.score();
    for answers in 0..5 {
        assert!(csat(answers, answers).is_none() && nps(answers, answers).is_none());
    }
    assert!(csat(5, 5).unwrap().low_confidence && nps(29, 3).unwrap().low_confidence);
    assert!(!csat(30, 5).unwrap().low_confidence && !nps(30, 3).unwrap().low_confidence);
}

#[test]
fn a_score_is_of_valid_answers() {
    let csat = Satisfaction { answers: 100, satisfied: 80 }.score().unwrap();
    assert_eq!((csat.value, csat.answers), (80.0, 100));
    let nps = Recommendation { answers: 100, promoters: 60, detractors: 20 }.score().unwrap();
    assert_eq!((nps.value, nps.answers), (40.0, 100));
    let none = Recommendation { answers: 10, promoters: 0, detractors: 0 }.score().unwrap();
    assert_eq!(none.value, 0.0, "ten who are content and no more");
}

/// Answers, and how many of them are of two sorts that exclude each other.
fn any_answers() -> impl Strategy<Value = (i64, i64, i64)> {
    (5_i64..5_000)
        .prop_flat_map(|answers| (Just(answers), 0..=answers))
        .prop_flat_map(|(answers, one)| (Just(answers), Just(one), 0..=answers - one))
}

proptest! {
    #[test]
    fn a_csat_lies_in_its_interval_and_that_in_the_scale((answers, satisfied, _) in any_answers()) {
        let csat = Satisfaction { answers, satisfied }.score().unwrap();
        prop_assert!(0.0 <= csat.low && csat.low <= csat.value + 1e-9);
        prop_assert!(csat.value <= csat.high + 1e-9 && csat.high <= 100.0);
        prop_assert!(csat.low < csat.high);
    }

    #[test]
    fn an_nps_lies_in_its_interval_and_that_in_the_scale((answers, promoters, detractors) in any_answers()) {
        let nps = Recommendation { answers, promoters, detractors }.score().unwrap();
        prop_assert!(-100.0 <= nps.low && nps.low <= nps.value + 1e-9, "{nps:?}");
        prop_assert!(nps.value <= nps.high + 1e-9 && nps.high <= 100.0, "{nps:?}");
        prop_assert!(nps.low < nps.high);
    }

    #[test]
    fn to_count_the_other_way_mirrors_the_score((answers, one, other) in any_answers()) {
        let (low, high) = wilson(one as f64, answers as f64);
        let (mirrored_low, mirrored_high) = wilson((answers - one) as f64, answers as f64);
        prop_assert!((low + mirrored_high - 1.0).abs() < 1e-9 && (high + mirrored_low - 1.0).abs() < 1e-9);
        let (low, high) = adjusted_wald(one as f64, other as f64, answers as f64);
        let (mirrored_low, mirrored_high) = adjusted_wald(other as f64, one as f64, answers as f64);
        prop_assert!((low + mirrored_high).abs() < 1e-9 && (high + mirrored_low).abs() < 1e-9);
    }

    /// The same share of more answers is surer.
    #[test]
    fn more_answers_make_the_interval_narrower((answers, one, other) in any_answers(), times in 2_i64..10) {
        let width = |(low, high): (f64, f64)| high - low;
        let more = |n: i64| (n * times) as f64;
        prop_assert!(width(wilson(more(one), more(answers))) < width(wilson(one as f64, answers as f64)));
        let wider = width(adjusted_wald(one as f64, other as f64, answers as f64));
        prop_assert!(width(adjusted_wald(more(one), more(other), more(answers))) < wider + 1e-9);
    }
}
