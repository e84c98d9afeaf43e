//! Programmes by themselves.

use jiff::{SignedDuration, Timestamp};
use seva_proto::surveys::v1::{self as pb, CreateProgrammeRequest};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    model::{Change, NewProgramme, NothingToAsk, Programme, Trigger},
    name,
};
use crate::survey;

pub fn new_programme() -> NewProgramme {
    NewProgramme {
        display_name: "After an order".to_owned(),
        survey_id: Uuid::from_u128(7),
        trigger: Trigger::OrderDelivered,
        delay: SignedDuration::from_hours(48),
        sampling_rate: 0.5,
        pause_between: SignedDuration::from_hours(24 * 14),
        lifetime: SignedDuration::from_hours(24 * 14),
        follow_low_scores: true,
        priority: 1,
        active: false,
    }
}

fn created(new: NewProgramme, is_published: bool) -> Result<Programme, NothingToAsk> {
    Programme::create(Uuid::from_u128(8), new, [3; 32], is_published, Timestamp::UNIX_EPOCH)
}

/// SU31
#[test]
fn what_asks_has_something_to_ask() {
    let active = || NewProgramme { active: true, ..new_programme() };
    assert_eq!(created(active(), false), Err(NothingToAsk));
    assert!(created(active(), true).unwrap().active);

    let idle = created(new_programme(), false).unwrap();
    let on = Change { active: Some(true), ..Change::default() };
    assert_eq!(idle.update(on.clone(), false, Timestamp::UNIX_EPOCH), Err(NothingToAsk));
    let (asking, changed) = idle.update(on.clone(), true, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((asking.active, asking.version, changed.as_slice()), (true, 2, ["active"].as_slice()));
    // What asks already goes on, whatever else changes.
    let (same, changed) = asking.update(on, false, Timestamp::UNIX_EPOCH).unwrap();
    assert!(same.active && changed.is_empty());
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let programme = created(new_programme(), false).unwrap();
    let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    let change = Change { sampling_rate: Some(0.25), priority: Some(1), ..Change::default() };
    let (next, changed) = programme.update(change, false, now).unwrap();

    assert_eq!(changed, ["sampling_rate"], "the priority is the same");
    assert_eq!(next, Programme { version: 2, sampling_rate: 0.25, updated_at: now, ..programme });
}

#[test]
fn nobody_reads_the_salt() {
    let programme = Programme { salt: vec![200; 32], ..created(new_programme(), false).unwrap() };
    assert!(!format!("{programme:?}").contains("200"));
    let told = pb::Programme::from(&programme);
    assert_eq!(told.name, name(programme.id));
}

fn request() -> pb::Programme {
    let hours = |hours: i64| Some(prost_types::Duration { seconds: hours * 3600, nanos: 0 });
    pb::Programme {
        display_name: "After an order".to_owned(),
        survey: survey::name(new_id()),
        trigger: pb::programme::Trigger::TicketClosed.into(),
        delay: hours(1),
        sampling_rate: 1.0,
        pause_between: hours(24),
        ..pb::Programme::default()
    }
}

fn parsed(programme: pb::Programme) -> Result<NewProgramme, seva_runtime::Error> {
    CreateProgrammeRequest { programme: Some(programme), request_id: String::new() }.try_into()
}

/// SU30: the bounds themselves are allowed, what lies beyond is not.
#[test]
fn settings_have_their_bounds() {
    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;
    let seconds = |seconds: i64| Some(prost_types::Duration { seconds, nanos: 0 });
    for (given, fits) in [(HOUR - 1, false), (HOUR, true), (90 * DAY, true), (90 * DAY + 1, false), (-HOUR, false)] {
        assert_eq!(parsed(pb::Programme { delay: seconds(given), ..request() }).is_ok(), fits, "a delay of {given} s");
    }
    for (given, fits) in [(DAY - 1, false), (DAY, true), (731 * DAY, true), (731 * DAY + 1, false), (i64::MAX, false)] {
        let programme = pb::Programme { pause_between: seconds(given), ..request() };
        assert_eq!(parsed(programme).is_ok(), fits, "a pause of {given} s");
    }
    for (given, fits) in [(0, false), (DAY, true), (90 * DAY, true), (90 * DAY + 1, false)] {
        assert_eq!(
            parsed(pb::Programme { lifetime: seconds(given), ..request() }).is_ok(),
            fits,
            "a life of {given} s"
        );
    }
    for (given, fits) in [(0.0, false), (-0.5, false), (1e-9, true), (1.0, true), (1.01, false), (f64::NAN, false)] {
        assert_eq!(parsed(pb::Programme { sampling_rate: given, ..request() }).is_ok(), fits, "a rate of {given}");
    }
    let split = Some(prost_types::Duration { seconds: 2 * DAY, nanos: 1 });
    assert!(parsed(pb::Programme { delay: split, ..request() }).is_err());
}

#[test]
fn who_does_not_say_has_fourteen_days_to_answer() {
    assert_eq!(parsed(request()).unwrap().lifetime, SignedDuration::from_hours(24 * 14));
}
