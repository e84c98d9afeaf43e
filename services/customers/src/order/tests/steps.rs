//! Steps and promised days as they are reported.

use super::*;

#[test]
fn an_order_goes_forward_step_by_step_and_tells_each_once() {
    let mut order = unknown();
    let steps = [
        (placed(None), State::Placed),
        (Fact::Confirmed { promised_date: None }, State::Confirmed),
        (Fact::InManufacture, State::InManufacture),
        (handed_to_carrier(), State::HandedToCarrier),
        (in_transit(), State::InTransit),
        (Fact::OutForDelivery, State::OutForDelivery),
        (Fact::Delivered, State::Delivered),
    ];
    for (number, (fact, state)) in (1..).zip(steps) {
        let changes = report(&mut order, fact);
        assert_eq!(told(&changes), [(What::Step(state), false)]);
        assert_eq!((order.state, order.version), (state, number));
    }
    assert_eq!(order.steps.len(), 7);
    assert_eq!(order.actual_delivery_at, Some(at(6)));
    assert_eq!(order.fresh_until, at(6 + 48));
    assert_eq!((order.carrier.as_str(), order.tracking_number.as_str()), ("Blue", "B1"));
}

#[test]
fn a_step_reported_after_a_later_one_is_recorded_and_tells_nobody() {
    let mut order = unknown();
    report(&mut order, placed(None));
    report(&mut order, handed_to_carrier());
    let changes = report(&mut order, Fact::Confirmed { promised_date: None });
    assert_eq!(told(&changes), [(What::Step(State::Confirmed), true)]);
    assert_eq!(order.state, State::HandedToCarrier);
    assert_eq!(order.steps[&State::Confirmed], at(2));
}

#[test]
fn the_first_word_about_a_step_stays() {
    let mut order = unknown();
    report(&mut order, Fact::Delivered);
    let changes = report(&mut order, Fact::Delivered);
    assert_eq!(told(&changes), [(What::Step(State::Delivered), true)]);
    assert_eq!((order.steps[&State::Delivered], order.actual_delivery_at), (at(0), Some(at(0))));
}

#[test]
fn sightings_after_the_first_are_scans() {
    let mut order = unknown();
    assert_eq!(told(&report(&mut order, in_transit())), [(What::Step(State::InTransit), false)]);
    let scanned = report(&mut order, in_transit());
    assert_eq!(told(&scanned), [(What::Scanned, false)]);
    assert_eq!(scanned.happenings[0].location, "Nagpur");
    report(&mut order, Fact::OutForDelivery);
    assert_eq!(told(&report(&mut order, in_transit())), [(What::Scanned, true)]);
}

#[test]
fn no_step_leads_out_of_a_canceled_order_and_a_delivered_one_can_still_be_canceled() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    report(&mut order, Fact::Delivered);
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Kept));
    assert_eq!(told(&report(&mut order, canceled())), [(What::Step(State::Canceled), false)]);
    for fact in [placed(None), in_transit(), Fact::Delivered, Fact::Unavailable { reason: String::new() }] {
        let changes = report(&mut order, fact);
        assert!(changes.happenings.iter().all(|happening| happening.overtaken));
        assert_eq!(order.state, State::Canceled);
        assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Withdrawn));
        assert_eq!(order.due_at, None);
    }
}

#[test]
fn a_later_day_is_a_delay_and_the_history_keeps_every_day() {
    let mut order = unknown();
    let first = report(&mut order, placed(Some(kolkata("2026-03-05"))));
    assert_eq!(told(&first), [(What::Step(State::Placed), false)]);
    let moved = report(&mut order, delayed(kolkata("2026-03-07")));
    assert_eq!(told(&moved), [(What::Delayed, false)]);
    assert_eq!(moved.happenings[0].previous_promised_date, Some(kolkata("2026-03-05")));
    let change = moved.promised_date.unwrap();
    assert_eq!((change.number, change.promised_date, change.reason.as_str()), (2, kolkata("2026-03-07"), "snow"));
    assert_eq!(order.first_promised_date, Some(kolkata("2026-03-05")));
    assert_eq!(order.current_promised_date, Some(kolkata("2026-03-07")));
    assert!(order.is_delayed());
    assert_eq!(order.delay_reason, "snow");
}

#[test]
fn the_same_day_in_a_zone_further_west_ends_later_and_is_a_delay() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    assert_eq!(told(&report(&mut order, delayed(day("2026-03-05", "Europe/Berlin")))), [(What::Delayed, false)]);
    assert!(order.is_delayed());
}

#[test]
fn a_delay_without_a_day_known_before_is_a_delay() {
    let mut order = unknown();
    let changes = report(&mut order, delayed(kolkata("2026-03-07")));
    assert_eq!(told(&changes), [(What::Delayed, false)]);
    assert_eq!(changes.happenings[0].previous_promised_date, None);
    assert_eq!(order.state, State::Placed);
    assert!(order.steps.is_empty());
    assert_eq!(told(&report(&mut order, placed(None))), [(What::Step(State::Placed), false)]);
}

#[test]
fn a_delay_to_an_earlier_or_equal_day_only_reschedules() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    let earlier = report(&mut order, delayed(kolkata("2026-03-04")));
    assert_eq!(told(&earlier), [(What::Rescheduled, false)]);
    let equal = report(&mut order, delayed(kolkata("2026-03-04")));
    assert_eq!(told(&equal), [(What::Rescheduled, false)]);
    assert!(equal.promised_date.is_none(), "nothing new was promised");
    assert!(!order.is_delayed());
}

#[test]
fn a_confirmation_that_moves_the_day_also_reschedules() {
    let mut order = unknown();
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    let changes = report(&mut order, Fact::Confirmed { promised_date: Some(kolkata("2026-03-08")) });
    assert_eq!(told(&changes), [(What::Step(State::Confirmed), false), (What::Rescheduled, false)]);
    let versions: Vec<_> = changes.happenings.iter().map(|happening| happening.order.version).collect();
    assert_eq!(versions, [2, 3]);
    assert_eq!(changes.happenings[1].previous_promised_date, Some(kolkata("2026-03-05")));
}

#[test]
fn a_day_named_after_delivery_is_taken_only_when_none_was_known() {
    let mut order = unknown();
    report_at(&mut order, Fact::Delivered, "2026-03-05T12:00:00Z".parse().unwrap());
    assert_eq!(order.promised_date_outcome(), None);
    report(&mut order, placed(Some(kolkata("2026-03-05"))));
    assert_eq!(order.promised_date_outcome(), Some(PromisedDateOutcome::Kept));
    let changes = report(&mut order, delayed(kolkata("2026-03-01")));
    assert_eq!(told(&changes), [(What::Delayed, true)]);
    assert!(changes.promised_date.is_none());
    assert_eq!(order.current_promised_date, Some(kolkata("2026-03-05")));
}

#[test]
fn the_first_delivery_that_is_reported_before_the_end_of_the_day_keeps_it() {
    // The day ends at 18:30 UTC.
    for (delivered_at, outcome) in [
        ("2026-03-05T18:29:59.999999Z", PromisedDateOutcome::Kept),
        ("2026-03-05T18:30:00Z", PromisedDateOutcome::Broken),
    ] {
        let mut order = unknown();
        report(&mut order, placed(Some(kolkata("2026-03-05"))));
        report_at(&mut order, Fact::Delivered, delivered_at.parse().unwrap());
        assert_eq!(order.promised_date_outcome(), Some(outcome), "{delivered_at}");
    }
}
