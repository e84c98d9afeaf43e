//! Properties over random stories of a grant.

use proptest::{collection::vec, prelude::*};

use super::*;

/// What may happen to a grant.
#[derive(Debug, Clone, Copy)]
enum Command {
    Approve(u128, i64),
    Reject(u128),
    CarryOn,
    Confirm { key: u8, amount: i64, fails: bool },
    Reverse,
}

fn a_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (7_u128..10, prop_oneof![Just(400_i64), Just(5_000)]).prop_map(|(who, at_once)| Command::Approve(who, at_once)),
        2 => (7_u128..10).prop_map(Command::Reject),
        4 => Just(Command::CarryOn),
        4 => (0_u8..3, prop_oneof![3 => Just(0_i64), 1 => Just(1)], any::<bool>())
            .prop_map(|(key, amount, fails)| Command::Confirm { key, amount, fails }),
        2 => Just(Command::Reverse),
    ]
}

fn carry_out(grant: &Grant, command: Command, now: Timestamp) -> Option<Grant> {
    match command {
        Command::Approve(who, at_once) => grant.approve(&somebody(who, Role::Lead, at_once), now).ok(),
        Command::Reject(who) => grant.reject(&somebody(who, Role::Agent, 0), "No.".to_owned(), now).ok(),
        Command::CarryOn => grant.carry_on(now),
        Command::Confirm { key, amount, fails } => {
            let said = Confirmation {
                amount: rupees(grant.amount.minor_units + amount),
                fault: fails.then(|| "other".to_owned()),
                ..said(grant, &format!("b-{key}"))
            };
            grant.confirm(&said, now).ok().flatten()
        }
        Command::Reverse => grant.reverse(new_id(), Uuid::from_u128(8), "No.".to_owned(), now).ok(),
    }
}

proptest! {
    /// TK60 to TK69, as far as one grant goes: whatever happens, it goes along the table, and says so of itself.
    #[test]
    fn a_grant_goes_along_the_table(
        amount in 1_i64..3_000,
        given in (0_i64..1_500, 0_i64..3_000),
        story in vec((a_command(), 0_i64..100), 0..20),
    ) {
        let bounds = Bounds::new(400, Some(&limit()), Given { today: given.0, to_customer: given.1 });
        let mut grant = Grant::propose(new_id(), new_credit(amount), Uuid::from_u128(7), &bounds, None, start());
        let fits = amount <= 400 && given.0 + amount <= 1_000 && given.1 + amount <= 2_000;
        prop_assert_eq!(grant.state == State::ApprovedInLimit, fits);
        prop_assert_eq!(amount <= bounds.narrowest().1, fits);
        let mut now = start();
        for (command, hours) in story {
            now += SignedDuration::from_hours(hours);
            let Some(next) = carry_out(&grant, command, now) else { continue };
            if next.reverses.is_some() && next.id != grant.id {
                // A new entry; the first stays as it is.
                prop_assert!(grant.state == State::Settled && grant.reverses.is_none());
                prop_assert_eq!((next.counted_at, next.amount), (grant.counted_at, grant.amount));
                grant = next;
                continue;
            }
            use State::*;
            let is_in_table = matches!(
                (grant.state, next.state),
                (AwaitingApproval, Approved | Rejected | Expired) | (ApprovedInLimit | Approved, Issued) | (Issued, Settled | Failed)
            );
            prop_assert!(is_in_table, "{grant:?} to {next:?}");
            prop_assert_eq!(next.version, grant.version + 1);
            prop_assert_eq!(next.amount, grant.amount);
            prop_assert!(next.state != Approved || next.decider.is_some_and(|decider| decider != next.proposer));
            prop_assert_eq!(next.external_key.is_some(), matches!(next.state, Settled | Failed));
            prop_assert_eq!(next.due_at.is_some(), next.state == Approved);
            let is_given = matches!(next.state, Approved | Issued | Settled | Failed);
            prop_assert_eq!(next.counted_at.is_some(), is_given);
            grant = next;
        }
    }
}
