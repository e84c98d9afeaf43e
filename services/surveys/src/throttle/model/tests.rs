use proptest::prelude::*;

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn day(number: i32) -> Timestamp {
    Timestamp::UNIX_EPOCH + DAY * number
}

fn programme(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// What the only customer was asked.
fn entry(programme: Uuid, asked_at: Timestamp) -> Entry {
    Entry { invitation: Uuid::nil(), programme, customer: Uuid::nil(), mailbox: None, asked_at }
}

fn asked(programme_number: u128, days: &[i32]) -> Vec<Entry> {
    days.iter().map(|number| entry(programme(programme_number), day(*number))).collect()
}

#[test]
fn each_clock_holds_for_itself() {
    let rules = Rules::default();
    let monthly: Vec<i32> = (0..12).map(|month| month * 30).collect();
    for (what, entries, expected) in [
        ("never asked", vec![], 400),
        ("asked long ago", asked(1, &[300]), 400),
        ("asked by another programme 30 days ago, to the instant", asked(2, &[370]), 400),
        ("asked by another programme lately", asked(2, &[371]), 401),
        ("asked by this programme within its own pause of 90 days", asked(1, &[360]), 450),
        ("of two clocks the later one holds", [asked(1, &[320]), asked(2, &[399])].concat(), 429),
        (
            "asked twelve times in the last 365 days",
            asked(2, &monthly.iter().map(|day| day + 40).collect::<Vec<_>>()),
            405,
        ),
        (
            "the first of twelve has left the year",
            asked(2, &monthly.iter().map(|day| day + 35).collect::<Vec<_>>()),
            400,
        ),
    ] {
        let next =
            Ledgers::of(entries).ledger(Uuid::nil(), None).next_eligible(&rules, programme(1), DAY * 90, day(400));
        assert_eq!(next, day(expected), "{what}");
    }
}

#[test]
fn a_maximum_of_none_asks_nobody() {
    let rules = Rules { yearly_maximum: 0, ..Rules::default() };
    assert_eq!(
        Ledgers::default().ledger(Uuid::nil(), None).next_eligible(&rules, programme(1), DAY, day(1)),
        Timestamp::MAX
    );
}

proptest! {
    // SU2
    #[test]
    fn whoever_asks_when_the_ledger_allows_never_asks_too_often(
        wishes in prop::collection::vec((0_i64..4 * 365 * 24, 0_u128..4), 0..400),
        any_hours in 0_i64..60 * 24, own_hours in 24_i64..200 * 24, yearly_maximum in 0_usize..15,
    ) {
        let pause_between_any = SignedDuration::from_hours(any_hours);
        let own = SignedDuration::from_hours(own_hours);
        let rules = Rules { pause_between_any, yearly_maximum, ..Rules::default() };
        let mut wishes = wishes;
        wishes.sort_unstable();
        let mut ledgers = Ledgers::default();
        for (hour, number) in wishes {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
            if ledgers.ledger(Uuid::nil(), None).next_eligible(&rules, programme(number), own, at) <= at {
                ledgers.add(entry(programme(number), at));
            }
        }
        for (place, one) in ledgers.entries.iter().enumerate() {
            let earlier = &ledgers.entries[..place];
            for other in earlier {
                let apart = one.asked_at.duration_since(other.asked_at);
                prop_assert!(apart >= pause_between_any);
                prop_assert!(one.programme != other.programme || apart >= own);
            }
            let within_year = earlier.iter().filter(|other| one.asked_at.duration_since(other.asked_at) < YEAR).count();
            prop_assert!(within_year < yearly_maximum);
        }
    }

    #[test]
    fn what_is_next_eligible_is_allowed_then_and_not_a_second_before(
        days in prop::collection::vec((0_i32..800, 0_u128..3), 0..30), at in 0_i32..900,
    ) {
        let entries = days.iter().map(|(number, of)| entry(programme(*of), day(*number))).collect();
        let (ledgers, rules) = (Ledgers::of(entries), Rules::default());
        let ledger = ledgers.ledger(Uuid::nil(), None);
        let next_from = |from| ledger.next_eligible(&rules, programme(0), DAY * 90, from);
        let next = next_from(day(at));
        prop_assert_eq!(next_from(next), next);
        if next > day(at) {
            let before = next - SignedDuration::from_secs(1);
            prop_assert!(next_from(before) > before);
        }
    }
}
