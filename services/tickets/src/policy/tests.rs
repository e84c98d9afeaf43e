//! Which row holds.

use jiff::SignedDuration;
use proptest::{prelude::*, sample::select};

use super::*;
use crate::{
    recipient::Tier,
    ticket::{Kind, Priority},
};

const KINDS: [Kind; 3] = [Kind::Delivery, Kind::Billing, Kind::ComplaintStaff];
const TIERS: [Tier; 3] = [Tier::Standard, Tier::Loyal, Tier::Vip];
const PRIORITIES: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];

/// Targets that are told apart by their first response.
fn targets(minutes: i64) -> Targets {
    let minutes = SignedDuration::from_mins(minutes);
    Targets { first_response: minutes, ..Targets::default() }
}

fn row(kind: Option<Kind>, tier: Option<Tier>, priority: Option<Priority>, minutes: i64) -> Row {
    Row { kind, department: None, tier, priority, targets: targets(minutes) }
}

fn ticket(kind: Kind, tier: Tier, priority: Priority) -> Matched {
    Matched { kind, department: None, tier, priority }
}

#[test]
fn the_most_specific_row_wins() {
    let (delivery, vip, urgent) = (Some(Kind::Delivery), Some(Tier::Vip), Some(Priority::Urgent));
    let rows = vec![
        row(None, None, None, 1),
        row(None, None, urgent, 2),
        row(None, vip, None, 3),
        row(delivery, None, None, 4),
        row(None, vip, urgent, 5),
        row(delivery, None, urgent, 6),
        row(delivery, vip, None, 7),
        row(delivery, vip, urgent, 8),
    ];
    let chosen = |rows: &[Row], kind, tier, priority| {
        Policy::new(1, rows.to_vec()).unwrap().targets(&ticket(kind, tier, priority)).first_response.as_mins()
    };
    let of = |count: usize| chosen(&rows[..count], Kind::Delivery, Tier::Vip, Priority::Urgent);
    assert_eq!((1..=8).map(of).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(chosen(&rows, Kind::Billing, Tier::Standard, Priority::Low), 1);
    assert_eq!(chosen(&rows, Kind::Billing, Tier::Vip, Priority::Low), 3);
    assert_eq!(chosen(&rows, Kind::Delivery, Tier::Loyal, Priority::Urgent), 6);
}

#[test]
fn a_departments_own_row_goes_before_the_tier_and_behind_the_kind() {
    let department = Some(uuid::Uuid::from_u128(7));
    let of_department = Row { department, ..row(None, None, None, 2) };
    let rows = vec![
        row(None, None, None, 1),
        of_department,
        row(None, Some(Tier::Vip), None, 3),
        row(Some(Kind::Billing), None, None, 4),
    ];
    let policy = Policy::new(1, rows).unwrap();
    let of = |matched: Matched| policy.targets(&matched).first_response.as_mins();
    let vip = ticket(Kind::Delivery, Tier::Vip, Priority::Low);
    assert_eq!(of(vip), 3, "another department's row does not match");
    assert_eq!(of(Matched { department, ..vip }), 2);
    assert_eq!(of(Matched { department, kind: Kind::Billing, ..vip }), 4);
}

#[test]
fn a_policy_without_a_row_for_all_tickets_is_refused() {
    assert!(Policy::new(1, vec![row(None, None, Some(Priority::Low), 1)]).is_err());
    assert!(Policy::new(1, Vec::new()).is_err());
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (
        proptest::option::of(select(&KINDS[..])),
        proptest::option::of(select(&TIERS[..])),
        proptest::option::of(select(&PRIORITIES[..])),
    );
    proptest::collection::btree_set(one, 0..30).prop_map(|dimensions| {
        let numbered =
            (2_i64..).zip(dimensions).map(|(number, (kind, tier, priority))| row(kind, tier, priority, number));
        let mut rows: Vec<Row> =
            numbered.filter(|row| (row.kind, row.tier, row.priority) != (None, None, None)).collect();
        rows.push(row(None, None, None, 1));
        rows
    })
}

proptest! {
    /// TK24: every ticket has targets, and which does not depend on the order of the rows.
    #[test]
    fn the_choice_does_not_depend_on_the_order_of_rows(
        rows in rows(), kind in select(&KINDS[..]), tier in select(&TIERS[..]), priority in select(&PRIORITIES[..])
    ) {
        let mut reversed = rows.clone();
        reversed.reverse();
        let one = Policy::new(1, rows.clone()).unwrap().targets(&ticket(kind, tier, priority));
        prop_assert_eq!(one, Policy::new(1, reversed).unwrap().targets(&ticket(kind, tier, priority)));
        let chosen = rows.iter().find(|row| row.targets == one).unwrap();
        prop_assert!(chosen.kind.is_none_or(|own| own == kind));
        prop_assert!(chosen.tier.is_none_or(|own| own == tier));
        prop_assert!(chosen.priority.is_none_or(|own| own == priority));
    }
}
