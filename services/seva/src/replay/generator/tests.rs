//! Read naively, with nothing of the reader or the mapping: cells are compared as wall clocks.

use std::collections::HashSet;

use super::*;

/// A line's cells, and its times as numbers that grow with the wall clock.
struct Naive {
    status: String,
    purchased: i64,
    approved: Option<i64>,
    carrier: Option<i64>,
    delivered: Option<i64>,
    promised: i64,
}

fn naive() -> Vec<Naive> {
    let number = |text: &str| text.parse::<i64>().unwrap();
    let time = |cell: &str| {
        let (date, clock) = cell.split_once(' ')?;
        let date: Vec<i64> = date.split('/').map(number).collect();
        let (hour, minute) = clock.split_once(':').unwrap();
        Some((((date[2] * 12 + date[0]) * 31 + date[1]) * 24 + number(hour)) * 60 + number(minute))
    };
    let table = sample();
    let lines = table.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    lines
        .map(|cells| Naive {
            status: cells[2].to_owned(),
            purchased: time(cells[3]).unwrap(),
            approved: time(cells[4]),
            carrier: time(cells[5]),
            delivered: time(cells[6]),
            promised: time(cells[7]).unwrap(),
        })
        .collect()
}

fn count(holds: impl Fn(&Naive) -> bool) -> usize {
    naive().iter().filter(|line| holds(line)).count()
}

#[test]
fn the_sample_is_always_the_same_and_has_300_orders_of_as_many_customers() {
    let table = sample();
    let customers: HashSet<_> = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();

    assert_eq!(table, sample());
    assert_eq!(table.lines().count(), 301);
    assert_eq!(customers.len(), 300);
}

#[test]
fn it_has_every_status_of_real_tables() {
    let with = |status: &'static str| count(|line| line.status == status);

    let counted = ["delivered", "shipped", "canceled", "unavailable", "processing", "invoiced"].map(with);
    assert_eq!(counted, [288, 4, 3, 2, 2, 1]);
}

#[test]
fn it_has_the_defects_of_real_tables() {
    assert_eq!(count(|line| line.carrier.zip(line.approved).is_some_and(|(carrier, approved)| carrier < approved)), 5);
    assert_eq!(count(|line| line.carrier.is_some_and(|carrier| carrier < line.purchased)), 1);
    assert_eq!(count(|line| line.carrier.is_some_and(|carrier| line.promised < carrier - carrier % 1440)), 2);
    assert_eq!(count(|line| line.approved == Some(line.purchased)), 5);
    assert_eq!(count(|line| line.status == "delivered" && line.delivered.is_none()), 1);
    assert_eq!(count(|line| line.status == "canceled" && line.delivered.is_some()), 1);
    assert_eq!(count(|line| line.approved.is_none()), 1);
    assert_eq!(count(|line| line.delivered.is_none()), 12);
}

#[test]
fn about_one_in_fifteen_arrives_after_the_promised_day_and_some_on_it() {
    let after_start = count(|line| line.delivered.is_some_and(|delivered| delivered > line.promised));
    let after_day = count(|line| line.delivered.is_some_and(|delivered| delivered >= line.promised + 1440));

    assert_eq!((after_day, after_start), (21, 24));
}

#[test]
fn every_course_is_dealt() {
    assert_eq!(COURSES.iter().map(|(_, count)| count).sum::<usize>(), 300);
}
