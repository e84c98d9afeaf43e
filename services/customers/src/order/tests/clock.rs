//! What the clock finds with no report at all.

use super::*;

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn look(order: &mut Order, now: &str) -> Vec<(What, Timestamp)> {
    let changes = order.look(instant(now), &SourceRules::default());
    changes.happenings.iter().map(|happening| (happening.what, happening.at)).collect()
}

#[test]
fn a_promised_day_is_at_risk_a_day_before_its_end_and_missed_at_its_end() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    assert_eq!(look(&mut order, "2026-03-04T18:29:59.999999Z"), []);
    let at_risk = instant("2026-03-04T18:30:00Z");
    assert_eq!(look(&mut order, "2026-03-04T18:30:00Z"), [(What::PromisedDayAtRisk, at_risk)]);
    assert_eq!(look(&mut order, "2026-03-05T18:29:59.999999Z"), []);
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Open));
    let missed = instant("2026-03-05T18:30:00Z");
    assert_eq!(look(&mut order, "2026-03-05T18:30:00Z"), [(What::PromisedDayMissed, missed)]);
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Broken));
    assert_eq!(order.due_at, None);
}

#[test]
fn a_clock_that_looks_late_finds_both_as_of_their_own_instants() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    let found = look(&mut order, "2026-03-20T00:00:00Z");
    assert_eq!(
        found,
        [
            (What::PromisedDayAtRisk, instant("2026-03-04T18:30:00Z")),
            (What::PromisedDayMissed, instant("2026-03-05T18:30:00Z")),
        ]
    );
    assert_eq!(look(&mut order, "2026-03-20T00:00:00Z"), []);
}

#[test]
fn an_order_with_the_driver_is_not_at_risk_but_can_miss_its_day() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    report(&mut order, Fact::OutForDelivery);
    let found = look(&mut order, "2026-03-20T00:00:00Z");
    assert_eq!(found, [(What::PromisedDayMissed, instant("2026-03-05T18:30:00Z"))]);
}

#[test]
fn no_finding_comes_before_the_day_was_named() {
    let mut order = unknown();
    let named = instant("2026-03-05T10:00:00Z");
    report_at(&mut order, placed(Some(kolkata("2026-03-05"))), named);
    assert_eq!(look(&mut order, "2026-03-05T10:00:00Z"), [(What::PromisedDayAtRisk, named)]);
    let mut order = unknown();
    let named = instant("2026-03-07T10:00:00Z");
    report_at(&mut order, placed(Some(kolkata("2026-03-05"))), named);
    assert_eq!(look(&mut order, "2026-03-07T10:00:00Z"), [(What::PromisedDayMissed, named)]);
}

#[test]
fn a_new_day_after_a_miss_opens_again_and_is_looked_after_again() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    look(&mut order, "2026-03-06T00:00:00Z");
    let named = instant("2026-03-06T01:00:00Z");
    let changes = report_at(&mut order, delayed(kolkata("2026-03-09")), named);
    assert_eq!(told(&changes), [(What::Delayed, false)]);
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Open));
    assert_eq!(look(&mut order, "2026-03-20T00:00:00Z").len(), 2);
}

#[test]
fn a_delivery_in_time_that_is_reported_late_corrects_the_miss() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    look(&mut order, "2026-03-06T00:00:00Z");
    report_at(&mut order, Fact::Delivered, instant("2026-03-05T12:00:00Z"));
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Kept));
}

#[test]
fn a_canceled_order_withdraws_a_missed_day() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    look(&mut order, "2026-03-06T00:00:00Z");
    report(&mut order, canceled());
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Withdrawn));
}

#[test]
fn a_source_may_have_its_own_lead() {
    let rules = SourceRules { at_risk_lead: SignedDuration::from_hours(36), ..SourceRules::default() };
    let mut order = unknown();
    let fact = placed(Some(kolkata("2026-03-05")));
    order.apply(Report { fact, at: at(0), sequence: 1 }, &rules);
    assert_eq!(order.due_at, Some(instant("2026-03-04T06:30:00Z")));
}

#[test]
fn a_day_of_25_hours_is_at_risk_an_hour_after_it_began() {
    let mut order = unknown();
    report_at(&mut order, placed(Some(day("2025-10-26", "Europe/Berlin"))), instant("2025-10-01T00:00:00Z"));
    assert_eq!(order.due_at, Some(instant("2025-10-25T23:00:00Z")));
    let found = look(&mut order, "2025-10-27T00:00:00Z");
    assert_eq!(found[1], (What::PromisedDayMissed, instant("2025-10-26T23:00:00Z")));
}
