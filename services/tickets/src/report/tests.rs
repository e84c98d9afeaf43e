//! Days, hours and cells.

use ::csv::ReaderBuilder;
use jiff::{Timestamp, civil::date};
use proptest::prelude::*;
use seva_proto::tickets::v1::{
    self as pb, AvoidableContactRow, ClockRow, DepartmentParity, TicketRow, WorkingTimes, report_row::Row,
};
use seva_values::Zone;

use super::{
    csv::{Csv, harmless},
    model::{Hour, MOST_DAYS, Period, Report},
    stream::Parcel,
};

mod plans;

fn period(zone: &str, first: jiff::civil::Date, end: jiff::civil::Date) -> Period {
    Period::new(Zone::parse(zone).unwrap(), first, end).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// TK131
#[test]
fn a_period_has_a_day_at_least_and_four_hundred_at_most() {
    let of = |end| Period::new(Zone::utc(), date(2026, 1, 1), end);
    assert!(of(date(2026, 1, 2)).is_ok() && of(date(2027, 2, 5)).is_ok());
    for end in [date(2026, 1, 1), date(2025, 12, 31), date(2027, 2, 6), date(9999, 12, 31)] {
        assert_eq!(of(end).unwrap_err().reason, "PERIOD_OUT_OF_BOUNDS", "{end}");
    }
}

#[test]
fn days_begin_at_midnight_of_the_zone_and_are_longer_or_shorter_when_clocks_change() {
    let spring = period("Europe/Berlin", date(2026, 3, 28), date(2026, 3, 31));
    let expected = ["2026-03-27T23:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z", "2026-03-30T22:00Z"];
    assert_eq!(spring.borders(), expected.map(at));
    let hours = |period: &Period| period.hours().map(|hour| hour.hour).collect::<Vec<_>>();
    let spring = period("Europe/Berlin", date(2026, 3, 29), date(2026, 3, 30));
    assert_eq!(hours(&spring), (0..24).filter(|hour| *hour != 2).collect::<Vec<i8>>());
    let autumn = period("Europe/Berlin", date(2026, 10, 25), date(2026, 10, 26));
    let twice: Vec<i8> = (0..3).chain(2..24).collect();
    assert_eq!(hours(&autumn), twice);
    let first = Hour { date: date(2026, 10, 25), hour: 0, at: at("2026-10-24T22:00Z") };
    assert_eq!(autumn.hours().next(), Some(first));
    // Where midnight does not come, the day begins after the gap.
    let cairo = period("Africa/Cairo", date(2026, 4, 24), date(2026, 4, 25));
    assert_eq!((cairo.from(), hours(&cairo)[0]), (at("2026-04-23T22:00Z"), 1));
}

#[test]
fn days_that_have_not_begun_are_left_out() {
    let asked = || period("Asia/Kolkata", date(2026, 3, 1), date(2026, 3, 10));
    let days = |now: &str| asked().begun_by(at(now)).days().count();
    // On the 2nd of March, half an hour after it has begun there.
    assert_eq!(days("2026-03-01T19:00Z"), 2);
    assert_eq!(days("2026-02-01T19:00Z"), 0);
    assert_eq!(days("2027-02-01T19:00Z"), 9);
    assert_eq!(asked().begun_by(at("2026-02-01T19:00Z")).parts(31).count(), 0);
}

proptest! {
    #[test]
    fn parts_of_a_period_are_its_days_once_and_in_order(length in 1..=MOST_DAYS, size in 1..=40_i32, start in 0..3000_i32) {
        let first = date(2020, 1, 1).checked_add(jiff::Span::new().days(start)).unwrap();
        let end = first.checked_add(jiff::Span::new().days(length)).unwrap();
        let whole = period("America/New_York", first, end);
        let parts: Vec<Period> = whole.parts(size).collect();
        let days: Vec<_> = parts.iter().flat_map(Period::days).collect();
        prop_assert_eq!(days, whole.days().collect::<Vec<_>>());
        for (one, next) in parts.iter().zip(parts.iter().skip(1)) {
            prop_assert_eq!(one.until(), next.from());
        }
        let borders = whole.borders();
        prop_assert!(borders.is_sorted() && borders.len() == usize::try_from(length).unwrap() + 1);
    }

    /// TK132: whatever stands in a row is read back from its line, and no cell of it begins as a formula does.
    #[test]
    fn tk132_texts_are_read_back_and_none_is_a_formula(texts in prop::collection::vec((".{0,20}", "[=+\\-@\t\r\n\",'; a-z]{0,12}"), 1..50)) {
        let mut file = Csv::new(Report::Tickets).unwrap();
        for (language, handbook_rule) in &texts {
            let row = TicketRow {
                language: language.clone(),
                handbook_rule: handbook_rule.clone(),
                ..TicketRow::default()
            };
            file.add(Row::Ticket(row)).unwrap();
        }
        let written = file.take().unwrap().unwrap().csv;
        let mut reader = ReaderBuilder::new().from_reader(written.as_slice());
        let header = reader.headers().unwrap().clone();
        let place = |name: &str| header.iter().position(|column| column == name).unwrap();
        let (language, rule) = (place("language"), place("handbook_rule"));
        let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(lines.len(), texts.len());
        for (line, text) in lines.iter().zip(&texts) {
            prop_assert_eq!((&line[language], &line[rule]), (&*harmless(&text.0), &*harmless(&text.1)));
            prop_assert!(line.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])));
        }
        for (text, _) in &texts {
            let cell = harmless(text);
            prop_assert!(cell == *text || cell.strip_prefix('\'') == Some(text.as_str()), "nothing of it is lost");
        }
    }
}

#[test]
fn cells_are_written_by_what_the_contract_says_about_them() {
    let mut file = Csv::new(Report::AvoidableContacts).unwrap();
    let row = AvoidableContactRow {
        time: Some(prost_types::Timestamp { seconds: 1_772_442_000, nanos: 500_000_000 }),
        ticket: "tickets/1".to_owned(),
        kind: pb::ticket::Kind::ComplaintService.into(),
        reason: pb::avoidable_contact_row::Reason::AnswerOverdue.into(),
        ..AvoidableContactRow::default()
    };
    file.add(Row::AvoidableContact(row)).unwrap();
    let written = String::from_utf8(file.take().unwrap().unwrap().csv).unwrap();
    let expected = "time,ticket,kind,department,reason,cause_time\r\n\
                    2026-03-02T09:00:00.5Z,tickets/1,complaint_service,,answer_overdue,\r\n";
    assert_eq!(written, expected);

    let mut file = Csv::new(Report::Clocks).unwrap();
    let row = ClockRow { percent_in_time: Some(12.5), p50_minutes: None, counted: 8, ..ClockRow::default() };
    file.add(Row::Clock(row)).unwrap();
    let written = String::from_utf8(file.take().unwrap().unwrap().csv).unwrap();
    assert!(written.ends_with("\r\n,,,8,0,0,0,0,12.5,0,,\r\n"), "{written}");

    // What lies within a row has columns of its own, also when it is missing.
    let mut file = Csv::new(Report::DepartmentParity).unwrap();
    let ack = Some(WorkingTimes { counted: 3, median_minutes: Some(7.0), ..WorkingTimes::default() });
    file.add(Row::DepartmentParity(DepartmentParity { ack, ..DepartmentParity::default() })).unwrap();
    let written = String::from_utf8(file.take().unwrap().unwrap().csv).unwrap();
    let header = "department,offered,accepted,refused,bounced,withdrawn,under_way,ack_counted,ack_breached,ack_median_minutes,\
                  ack_p90_minutes,done_counted,done_breached,done_median_minutes,done_p90_minutes\r\n";
    assert_eq!(written, format!("{header},0,0,0,0,0,0,3,0,7,,0,0,,\r\n"));
}

#[test]
fn every_report_has_a_header_of_its_own_fields_and_a_file_comes_in_bounded_parts() {
    let all = [
        Report::Volumes,
        Report::Clocks,
        Report::Resolutions,
        Report::PromisesByDepartment,
        Report::PromisesByOwner,
        Report::DepartmentParity,
        Report::Causes,
        Report::CauseCompensation,
        Report::AvoidableContacts,
        Report::WaitingByHour,
        Report::Tickets,
    ];
    for report in all {
        let header = Csv::new(report).unwrap().take().unwrap().unwrap().csv;
        assert!(header.ends_with(b"\r\n") && header.len() > 20, "{report:?}");
    }
    let mut file = Csv::new(Report::Tickets).unwrap();
    let row = TicketRow { handbook_rule: "\"".repeat(2_000), ..TicketRow::default() };
    let mut parts = 0;
    for _ in 0..100 {
        file.add(Row::Ticket(row.clone())).unwrap();
        if file.is_full() {
            assert!(file.take().unwrap().unwrap().csv.len() <= 64 * 1024);
            parts += 1;
        }
    }
    assert!(parts > 5, "{parts}");
    assert!(file.take().unwrap().is_some());
    assert!(file.take().unwrap().is_none(), "nothing is left");
}
