use std::collections::HashSet;

use super::*;
use crate::replay::{generator, mapping};

fn sample() -> Timeline {
    Timeline::of(csv::read(generator::sample().as_bytes()).unwrap()).unwrap()
}

#[test]
fn events_come_in_order_of_time_and_each_orders_in_order_of_its_sequence() {
    let timeline = sample();
    let mut last = vec![0; timeline.orders().len()];

    assert!(timeline.events().is_sorted_by_key(|planned| planned.fact.at));
    for Planned { order, fact } in timeline.events() {
        assert_eq!(fact.sequence, last[*order] + 1);
        last[*order] = fact.sequence;
    }
}

#[test]
fn every_event_has_an_identity_of_its_own() {
    let timeline = sample();
    let ids: HashSet<_> = timeline.events().iter().map(|planned| timeline.cloud_event(planned).id).collect();

    assert_eq!(ids.len(), timeline.events().len());
}

#[test]
fn walking_from_instant_to_instant_meets_every_event_once() {
    let timeline = sample();
    let (mut met, mut next) = (0, timeline.begins_at());
    while let Some(now) = next {
        met += timeline.at(now).len();
        assert_eq!(timeline.passed(now), met);
        next = timeline.next_after(now);
    }

    assert_eq!(met, timeline.events().len());
    assert!(timeline.at(timeline.ends_at().unwrap() + jiff::SignedDuration::from_mins(1)).is_empty());
}

#[test]
fn the_fingerprint_tells_tables_apart() {
    let mut orders = csv::read(generator::sample().as_bytes()).unwrap();
    let fingerprint = Timeline::of(orders.clone()).unwrap().fingerprint();
    assert_eq!(fingerprint, sample().fingerprint());

    orders[7].promised_day = None;
    assert_ne!(fingerprint, Timeline::of(orders).unwrap().fingerprint());
}

/// The same numbers from the cells alone: statuses are counted, and times compared as the wall clock shows them.
#[test]
fn what_is_expected_agrees_with_a_naive_reading_of_the_table() {
    let table = generator::sample();
    let lines: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let with = |status: &str| lines.iter().filter(|cells| cells[2] == status).count() as u64;
    let filled = |column: usize| lines.iter().filter(|cells| !cells[column].is_empty()).count() as u64;
    let wall = |cell: &str| jiff::civil::DateTime::strptime("%m/%d/%Y %H:%M", cell).ok();
    let arrived = lines.iter().filter_map(|cells| Some((wall(cells[6])?, wall(cells[7])?))).collect::<Vec<_>>();
    let expected = sample().expectation();

    for (state, status) in [
        ("delivered", "delivered"),
        ("handed_to_carrier", "shipped"),
        ("canceled", "canceled"),
        ("unavailable", "unavailable"),
        ("in_manufacture", "processing"),
        ("confirmed", "invoiced"),
    ] {
        assert_eq!(expected.orders[state], with(status), "{state}");
    }
    assert_eq!(expected.orders.values().sum::<u64>(), 300);
    for (kind, events) in [
        ("order.placed.v1", filled(3)),
        ("order.confirmed.v1", filled(4)),
        ("order.handed_to_carrier.v1", filled(5)),
        // One is said to be delivered without a time.
        ("order.delivered.v1", filled(6) + 1),
        ("order.canceled.v1", with("canceled")),
        ("order.unavailable.v1", with("unavailable")),
        ("order.in_manufacture.v1", with("processing")),
    ] {
        assert_eq!(expected.events[kind], events, "{kind}");
    }
    let late = arrived.iter().filter(|(arrived, promised)| arrived.date() > promised.date()).count() as u64;
    assert_eq!(expected.arrived_after_promised_day, late);
    let after_start = arrived.iter().filter(|(arrived, promised)| arrived > promised).count() as u64;
    assert_eq!(expected.arrived_after_its_start, after_start);
}

/// The table at `SEVA_REPLAY_TABLE` against counts made by other means: run by hand, as no such table belongs to the project.
#[test]
#[ignore = "needs a table of orders at SEVA_REPLAY_TABLE, and its counts in SEVA_REPLAY_COUNTS"]
fn a_table_from_elsewhere_gives_the_counts_that_are_known_of_it() {
    let table = std::fs::File::open(std::env::var("SEVA_REPLAY_TABLE").unwrap()).unwrap();
    let expected = Timeline::of(csv::read(table).unwrap()).unwrap().expectation();
    let orders: Vec<_> = expected.orders.iter().map(|(state, count)| format!("{state}={count}")).collect();
    let told = format!(
        "{} late={} after_start={}",
        orders.join(" "),
        expected.arrived_after_promised_day,
        expected.arrived_after_its_start
    );

    assert_eq!(told, std::env::var("SEVA_REPLAY_COUNTS").unwrap());
}

#[test]
fn the_sample_has_facts_that_come_late() {
    let zone = Zone::parse(SHOP_ZONE).unwrap();
    let sample = sample();
    let late = sample.orders().iter().filter(|order| {
        let states: Vec<i32> =
            mapping::facts(order, &zone).iter().filter_map(|fact| fact.report.state()).map(Into::into).collect();
        !states.is_sorted()
    });

    assert_eq!(late.count(), 5);
}
