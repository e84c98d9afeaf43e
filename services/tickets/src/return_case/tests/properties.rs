//! Properties over random stories of a return.

use proptest::{collection::vec, prelude::*};

use super::*;

/// What may happen to a return.
#[derive(Debug, Clone, Copy)]
enum Command {
    Review,
    Decide(u8, u128),
    Appeal,
    LabelSent,
    InTransit,
    Received,
    Inspected,
    Settle(bool),
    Confirm(bool),
    Close,
    Cancel,
}

fn a_command() -> impl Strategy<Value = Command> {
    use Command::*;
    prop_oneof![
        4 => Just(Review),
        6 => (0_u8..3, 7_u128..10).prop_map(|(outcome, who)| Decide(outcome, who)),
        3 => Just(Appeal),
        2 => Just(LabelSent),
        2 => Just(InTransit),
        2 => Just(Received),
        3 => Just(Inspected),
        3 => any::<bool>().prop_map(Settle),
        3 => any::<bool>().prop_map(Confirm),
        1 => Just(Close),
        1 => Just(Cancel),
    ]
}

fn carry_out(case: &ReturnCase, command: Command, now: Timestamp) -> Option<Change> {
    match command {
        Command::Review => case.review(REVIEWER, now).ok(),
        Command::Decide(outcome, who) => {
            let (outcome, accepted) = match outcome {
                0 => (Outcome::Approved, [2, 1]),
                1 => (Outcome::PartlyApproved, [0, 1]),
                _ => (Outcome::Declined, [0, 0]),
            };
            case.decide(decision(outcome, Uuid::from_u128(who)), &accepted, now).ok()
        }
        Command::Appeal => case.appeal("No.".to_owned(), now).ok(),
        Command::LabelSent => case.label_sent("1Z".to_owned(), now).ok(),
        Command::InTransit => case.in_transit(now).ok(),
        Command::Received => case.received(now).ok(),
        Command::Inspected => case.inspected(Condition::Used, None, now).ok(),
        Command::Settle(by_money) => {
            let way = if by_money { Way::Credit } else { Way::Exchange };
            let owed = by_money.then(|| owed(100));
            case.settle(way, owed.as_ref(), &somebody(DECIDER, 100), now).ok()
        }
        Command::Confirm(is_settled) => case.confirmed(case.grant?, is_settled, now),
        Command::Close => case.close(now).ok(),
        Command::Cancel => case.cancel(now).ok(),
    }
}

proptest! {
    /// TK70 to TK79, as far as one return goes: whatever happens, it goes along the table, and says so of itself.
    #[test]
    fn a_return_goes_along_the_table(story in vec(a_command(), 0..40)) {
        use State::*;
        let mut case = requested();
        let (mut appeals, mut now) = (0, start());
        for command in story {
            now += SignedDuration::from_hours(1);
            let Some(Change { case: next, act }) = carry_out(&case, command, now) else { continue };
            let is_in_table = matches!(
                (case.state, next.state),
                (Requested, UnderReview)
                    | (UnderReview, Approved | PartlyApproved | Declined)
                    | (Declined, UnderReview)
                    | (Approved | PartlyApproved, LabelSent)
                    | (LabelSent, InTransit)
                    | (Approved | PartlyApproved | LabelSent | InTransit, Received)
                    | (Received, Inspected)
                    | (Approved | PartlyApproved | Inspected, Settling | Settled)
                    | (Settling, Settled | Approved | PartlyApproved | Inspected)
                    | (Settled | Declined, Closed)
                    | (Requested | UnderReview | Approved | PartlyApproved | LabelSent | InTransit, Canceled)
            );
            prop_assert!(is_in_table, "{case:?} to {next:?} by {act:?}");
            prop_assert_eq!(next.version, case.version + 1);
            appeals += i32::from(act == Act::Appealed);
            prop_assert!(appeals <= 1);
            prop_assert!(matches!(next.state, Requested | UnderReview | Canceled) || next.decision.is_some());
            if let (Some(appeal), Some(decision)) = (&next.appeal, &next.decision) {
                let is_decided = !matches!(next.state, UnderReview | Canceled);
                prop_assert!(!is_decided || appeal.first_decider != decision.decider);
            }
            prop_assert!(next.items.iter().all(|item| (0..=item.quantity).contains(&item.accepted.unwrap_or(0))));
            prop_assert_eq!(next.grant.is_some(), next.settlement.is_some_and(|way| way.money().is_some()));
            prop_assert_eq!(next.settled_at.is_some(), next.settlement.is_some() && matches!(next.state, Settled | Closed));
            let change = Change { case: next, act };
            prop_assert!(!change.notice().text.is_empty());
            case = change.case;
        }
    }
}
