//! Rules by themselves: what they are about, what holds, and when they are held back.

mod plans;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seva_runtime::call::Story;
use uuid::Uuid;

use super::{
    convert::rule_from_stored,
    firing::{PAUSE, held_back},
    model::{Automation, Condition, Edit, Happening, NewAutomation, Rule, Trigger},
};
use crate::{
    action::Action,
    clock,
    ticket::{Kind, Priority, State},
};
use prost::Message;
use seva_proto::tickets::v1 as pb;

fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn rule(trigger: Trigger) -> Rule {
    Rule { trigger, conditions: Vec::new(), actions: vec![Action::SetPriority(Priority::High)] }
}

fn automation() -> Automation {
    let trigger = Trigger::Event { happenings: vec![Happening::Created], clocks: Vec::new() };
    let new = NewAutomation { display_name: "A rule".to_owned(), weight: 1, enabled: true, rule: rule(trigger) };
    Automation::create(Uuid::from_u128(1), new, start())
}

fn story(hops: i16) -> Story {
    Story { correlation_id: "story".to_owned(), causation_id: "cause".to_owned(), hops, traceparent: None }
}

#[test]
fn a_rule_about_clocks_is_about_those_that_it_names() {
    let of = |clocks| Trigger::Event { happenings: vec![Happening::ClockBreached], clocks };
    let first = Some(clock::Kind::FirstResponse);
    assert!(of(Vec::new()).is_about(Happening::ClockBreached, first));
    assert!(of(vec![clock::Kind::FirstResponse]).is_about(Happening::ClockBreached, first));
    assert!(!of(vec![clock::Kind::Promise]).is_about(Happening::ClockBreached, first));
    assert!(!of(Vec::new()).is_about(Happening::ClockWarned, first));
    assert!(!Trigger::BeforeDue { minutes: 5 }.is_about(Happening::ClockBreached, first));
}

#[test]
fn another_rule_counts_and_what_was_before_it_is_not_made_up_for() {
    let later = start() + SignedDuration::from_hours(1);
    let (renamed, changed) = automation().update(Edit { display_name: Some("B".to_owned()), ..Edit::default() }, later);
    assert_eq!((renamed.rule_version, renamed.enabled_at, changed), (1, start(), vec!["display_name"]));
    let other = Edit { rule: Some(rule(Trigger::BeforeDue { minutes: 5 })), ..Edit::default() };
    let (other, changed) = automation().update(other, later);
    assert_eq!((other.rule_version, other.enabled_at, changed), (2, later, vec!["rule"]));
}

#[test]
fn a_rule_is_stored_and_read_as_it_was() {
    let conditions = vec![
        vec![Condition::Kinds(vec![Kind::Delivery]), Condition::Unassigned(true)],
        vec![Condition::ReopenCountAtLeast(2), Condition::HoursSinceUpdate(24), Condition::HoursSinceCreate(1)],
        vec![Condition::States(vec![State::Open, State::PendingCustomer])],
    ];
    let triggers = [
        Trigger::Event { happenings: vec![Happening::ClockWarned], clocks: vec![clock::Kind::Promise] },
        Trigger::InState { state: State::PendingDepartment, hours: 8 },
        Trigger::BeforeDue { minutes: 30 },
    ];
    for trigger in triggers {
        let rule = Rule { conditions: conditions.clone(), ..rule(trigger) };
        assert_eq!(rule_from_stored(&pb::AutomationRule::from(&rule).encode_to_vec()).unwrap(), rule);
    }
}

proptest! {
    /// TK125: whatever rules cause each other, a story ends: each does something to a ticket once an hour at most, and none beyond 16 links.
    #[test]
    fn tk125_rules_that_cause_each_other_always_end(minutes in proptest::collection::vec(0_i64..20, 1..60)) {
        let automation = automation();
        let (mut last_done, mut hops, mut now, mut done): (Option<Timestamp>, i16, Timestamp, Vec<Timestamp>) = (None, 1, start(), Vec::new());
        for pause in minutes {
            now += SignedDuration::from_mins(pause);
            match held_back(&automation, &story(hops), last_done, now) {
                None => {
                    done.push(now);
                    last_done = Some(now);
                    hops += 1;
                }
                Some(why) => prop_assert_eq!(why.invariant.as_deref(), Some("TK125")),
            }
        }
        prop_assert!(done.len() <= 16);
        prop_assert!(done.windows(2).all(|pair| pair[0] + PAUSE <= pair[1]));
    }
}
