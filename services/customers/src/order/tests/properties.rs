//! Properties over random reports in random order.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Days about which clocks are moved, some at midnight itself, one that does not exist.
const DAYS: [(&str, &str); 8] = [
    ("2025-03-30", "Europe/Berlin"),
    ("2025-10-26", "Europe/Berlin"),
    ("2017-10-15", "America/Sao_Paulo"),
    ("2018-02-17", "America/Sao_Paulo"),
    ("2025-03-08", "America/Havana"),
    ("2025-11-02", "America/Havana"),
    ("2011-12-30", "Pacific/Apia"),
    ("2025-06-01", "Asia/Kolkata"),
];

fn a_day() -> impl Strategy<Value = PromisedDate> {
    (select(&DAYS[..]), -2..3_i32).prop_map(|((date, zone), shift)| {
        let PromisedDate { date, zone } = day(date, zone);
        PromisedDate::new(date.saturating_add(jiff::Span::new().days(shift)), zone)
    })
}

fn a_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        proptest::option::of(a_day()).prop_map(placed),
        proptest::option::of(a_day()).prop_map(|promised_date| Fact::Confirmed { promised_date }),
        Just(Fact::InManufacture),
        Just(handed_to_carrier()),
        Just(in_transit()),
        a_day().prop_map(delayed),
        Just(Fact::OutForDelivery),
        Just(Fact::Delivered),
        Just(canceled()),
        Just(Fact::Unavailable { reason: String::new() }),
    ]
}

/// Reports about the first of the days, of any sequence.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    let about = 1_300_000_000_i64..1_800_000_000;
    let report = (a_fact(), about, 0..30_i64);
    vec(
        report.prop_map(|(fact, at, sequence)| Report { fact, at: Timestamp::from_second(at).unwrap(), sequence }),
        1..25,
    )
}

fn rules() -> SourceRules {
    SourceRules::default()
}

proptest! {
    /// CU10: an older or equal sequence changes nothing.
    #[test]
    fn a_stale_report_changes_nothing(reports in reports(), stale in a_fact(), back in 0..30_i64) {
        let mut order = unknown();
        for report in reports {
            order.apply(report, &rules());
        }
        let before = order.clone();
        let report = Report { fact: stale, at: at(9999), sequence: order.source_sequence - back };
        let changes = order.apply(report, &rules());
        prop_assert!(changes.happenings.is_empty() && changes.promised_date.is_none());
        prop_assert_eq!(order, before);
    }

    /// CU11, CU12: the first word about a step stays, the state never goes back, nothing leads out of an end.
    #[test]
    fn an_order_never_goes_back(reports in reports()) {
        let mut order = unknown();
        for report in reports {
            let before = order.clone();
            order.apply(report, &rules());
            prop_assert!(order.state >= before.state || before.state.has_ended());
            prop_assert!(!before.state.has_ended() || order.state == before.state);
            for (step, at) in &before.steps {
                prop_assert_eq!(order.steps.get(step), Some(at));
            }
            prop_assert!(order.steps.is_empty() || order.steps.contains_key(&order.state));
        }
    }

    /// CU23: the events of an order count its versions without a gap, and each carries the order as it was then.
    #[test]
    fn events_have_no_gap(reports in reports(), looks_at in 1_300_000_000_i64..1_800_000_000) {
        let mut order = unknown();
        let mut version = 0;
        for report in reports {
            let mut happenings = order.apply(report, &rules()).happenings;
            happenings.extend(order.look(Timestamp::from_second(looks_at).unwrap(), &rules()).happenings);
            for happening in happenings {
                version += 1;
                prop_assert_eq!(happening.order.version, version);
            }
            prop_assert_eq!(order.version, version);
        }
    }

    /// CU13: the history is appended to and never has the same day twice in a row.
    #[test]
    fn the_history_of_promised_days_is_append_only(reports in reports()) {
        let mut order = unknown();
        let mut history = Vec::new();
        for report in reports {
            history.extend(order.apply(report, &rules()).promised_date);
            let days: Vec<_> = history.iter().map(|change| &change.promised_date).collect();
            prop_assert_eq!(order.first_promised_date.as_ref(), days.first().copied());
            prop_assert_eq!(order.current_promised_date.as_ref(), days.last().copied());
        }
        let numbers: Vec<_> = history.iter().map(|change| change.number).collect();
        prop_assert_eq!(numbers, (1..=order.promised_dates).collect::<Vec<_>>());
        prop_assert!(history.windows(2).all(|pair| pair[0].promised_date != pair[1].promised_date));
    }

    /// CU14: what became of a day agrees with the times, however the clock and the reports came, also where clocks are moved.
    #[test]
    fn the_outcome_agrees_with_the_times(
        reports in reports(), promised in a_day(), seconds in -90_000_i64..90_000, looks_at in 1_300_000_000_i64..1_800_000_000
    ) {
        let now = Timestamp::from_second(looks_at).unwrap();
        let mut order = unknown();
        report_at(&mut order, placed(Some(promised.clone())), at(0));
        order.look(now, &rules());
        let arrived = promised.ends_at() + SignedDuration::from_secs(seconds);
        let mut delivered = order.clone();
        report_at(&mut delivered, Fact::Delivered, arrived);
        let expected = if seconds < 0 { PromisedDateOutcome::Kept } else { PromisedDateOutcome::Broken };
        prop_assert_eq!(delivered.promised_date_outcome(), Some(expected));
        prop_assert_eq!(delivered.due_at, None);
        for report in reports {
            order.apply(report, &rules());
            order.look(now, &rules());
            let Some(promised) = &order.current_promised_date else { unreachable!("a day was promised at first") };
            let expected = match order.actual_delivery_at {
                _ if order.state.has_ended() => PromisedDateOutcome::Withdrawn,
                Some(at) if at >= promised.ends_at() => PromisedDateOutcome::Broken,
                Some(_) => PromisedDateOutcome::Kept,
                None if now >= promised.ends_at().max(order.promised_at.unwrap()) => PromisedDateOutcome::Broken,
                None => PromisedDateOutcome::Open,
            };
            prop_assert_eq!(order.promised_date_outcome(), Some(expected));
            prop_assert_eq!(order.due_at.is_some(), expected == PromisedDateOutcome::Open);
            prop_assert!(order.due_at.is_none_or(|due| due > now));
        }
    }

    /// CU15: how often the clock looks makes no difference to what it finds.
    #[test]
    fn findings_do_not_depend_on_how_often_the_clock_looks(promised in a_day(), mut looks in vec(-200_000_i64..200_000, 0..12)) {
        let end = promised.ends_at();
        let mut patient = unknown();
        report_at(&mut patient, placed(Some(promised)), end - SignedDuration::from_hours(1000));
        let mut eager = patient.clone();
        looks.sort_unstable();
        looks.push(300_000);
        let mut found = Vec::new();
        for seconds in looks {
            found.extend(eager.look(end + SignedDuration::from_secs(seconds), &rules()).happenings);
        }
        let at_once = patient.look(end + SignedDuration::from_secs(300_000), &rules()).happenings;
        prop_assert_eq!(at_once.len(), 2);
        prop_assert_eq!(found, at_once);
        prop_assert_eq!(eager, patient);
    }
}
