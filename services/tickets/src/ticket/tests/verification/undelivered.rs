//! What was to ask the customer and did not reach them (TK148).

use super::*;
use crate::{
    delivery::{self, Delivery, model::Asked},
    ticket::convert::event_of,
};

fn skipped(at: Timestamp) -> Delivery {
    let (state, reason) = (delivery::State::Skipped, "preference".to_owned());
    Delivery { notification: Uuid::from_u128(5), state, reason, at }
}

/// The same, of which it became known after so many hours that it did not come.
fn lost(attempt: Attempt, hours: i64) -> Attempt {
    Attempt { outcome: Outcome::NotDelivered, delivery: Some(skipped(after_hours(hours))), ..attempt }
}

/// TK148: resolved on a Monday at 14:30 in Kolkata; hours are counted from then.
#[test]
fn tk148_what_is_next_after_what_did_not_reach_the_customer() {
    use Channel::{Email, Sms};
    use Unverified::{NoChannel, NoSecondChannel, NotCalled, Unanswered};
    let mail = |hours| sent(Email, hours);
    let gone = |hours| lost(mail(hours), hours);
    let both = || reach(MAIL, true);
    let alone = || reach(MAIL, false);
    let cases: Vec<(&str, Vec<Attempt>, Reach, i64, Next)> = vec![
        ("who has a phone is called at once", vec![gone(0)], both(), 0, call_between(0, 168)),
        ("as soon as it is known", vec![lost(mail(0), 20)], both(), 20, call_between(20, 188)),
        ("in their hours", vec![gone(0)], in_hours(&[Weekday::Tuesday], both()), 0, call_between(20, 168)),
        ("also of a later one", vec![mail(0), gone(48)], both(), 48, call_between(48, 216)),
        ("and then nobody called", vec![gone(0)], both(), 168, close(NotCalled, 144)),
        ("a call that nobody answered: the mails go on", vec![gone(0), rung(5)], both(), 5, ask(Email, 53)),
        (
            "and that was the second channel",
            vec![gone(0), rung(5), mail(53), mail(101), mail(149)],
            both(),
            149,
            close(Unanswered, 197),
        ),
        ("what was agreed goes before it", vec![gone(0), agreed(5, 20)], both(), 5, call_between(20, 188)),
        ("what was sent since has asked", vec![gone(0), mail(48)], both(), 48, ask(Email, 96)),
        ("nobody can call: again in time", vec![gone(0)], alone(), 0, ask(Email, 48)),
        ("it is none of three", vec![mail(0), gone(48), mail(96)], alone(), 96, ask(Email, 144)),
        ("three in vain are enough", vec![gone(0), gone(48), gone(96)], alone(), 96, close(NoChannel, 144)),
        (
            "whatever came between",
            vec![gone(0), mail(48), gone(96), gone(144)],
            alone(),
            144,
            close(NoSecondChannel, 192),
        ),
        ("another channel has its turn first", vec![gone(0)], reach(MAIL_AND_SMS, false), 0, ask(Sms, 48)),
        ("hours that never come: nobody calls", vec![gone(0)], never(both()), 0, close(NoChannel, 144)),
    ];
    for (name, attempts, reach, now, expected) in cases {
        assert_eq!(next(&attempts, start(), &reach, after_hours(now)), expected, "{name}");
    }
}

/// TK148
#[test]
fn tk148_an_attempt_that_did_not_reach_the_customer_counts_no_more_and_a_person_calls() {
    let both = reach(MAIL, true);
    let mut ticket = resolved_for(&both);
    let first = Asked { ticket: ticket.id, resolution: 1, number: None };

    let change = ticket.lose_attempt(first, &skipped(after_hours(1)), &both, after_hours(1)).unwrap();

    assert_eq!(
        (change.act, ticket.state, ticket.verification_attempts),
        (Act::VerificationUndelivered, State::Resolved, 0)
    );
    assert_eq!(ticket.attempts(), [lost(sent(Channel::Email, 0), 1)]);
    assert_eq!((ticket.call_from, ticket.verification_due_at), (Some(after_hours(1)), Some(after_hours(169))));
    let told = event_of(&change);
    assert_eq!((told.verification_attempts, told.verification_number, told.verification_channels.len()), (0, 0, 0));
    assert!(told.verification_call_time.is_some(), "whoever calls is told from when on");

    let before = ticket.clone();
    assert!(ticket.lose_attempt(first, &skipped(after_hours(2)), &both, after_hours(2)).is_none(), "it is known");
    assert_eq!(ticket, before);

    // Nobody answers the call: the customer is asked by mail again, under a number that was never used.
    let mut ticket = written(ticket.call(at(2, Answer::Nobody), &both, after_hours(2)).unwrap());
    let asked = ticket.verify(&both, after_hours(50)).unwrap();
    let told = event_of(&asked);
    assert_eq!((asked.act, told.verification_number, told.verification_attempts), (Act::VerificationRequested, 3, 2));
    let third = Asked { number: Some(3), ..first };
    ticket.lose_attempt(third, &skipped(after_hours(51)), &both, after_hours(51)).unwrap();
    assert_eq!((ticket.verification_attempts, ticket.call_from), (1, Some(after_hours(51))));
}

/// TK148
#[test]
fn tk148_what_is_no_attempt_or_is_settled_changes_nothing() {
    let both = reach(MAIL, true);
    let resolved = resolved_for(&both);
    let first = Asked { ticket: resolved.id, resolution: 1, number: None };
    let changes = |ticket: &Ticket, asked: Asked, reach: &Reach| {
        ticket.clone().lose_attempt(asked, &skipped(after_hours(60)), reach, after_hours(60)).is_some()
    };
    assert!(changes(&resolved, first, &both));
    for (why, asked) in [
        ("another resolution", Asked { resolution: 2, ..first }),
        ("an attempt that was not made", Asked { number: Some(2), ..first }),
        ("no number", Asked { number: Some(0), ..first }),
    ] {
        assert!(!changes(&resolved, asked, &both), "{why}");
    }
    let called = written(resolved.call(at(2, Answer::Nobody), &both, after_hours(2)).unwrap());
    assert!(!changes(&called, Asked { number: Some(2), ..first }, &both), "a call");
    assert!(changes(&called, first, &both), "the mail before it");
    let confirmed = resolved.confirm(true, None, after_hours(2)).unwrap().ticket;
    assert!(!changes(&confirmed, first, &both), "the customer has answered");
    // Told outside the hours, which is no attempt; the first one comes on Tuesday.
    let tuesdays = in_hours(&[Weekday::Tuesday], reach(MAIL, false));
    let mut later = resolved_for(&tuesdays);
    let due = later.verification_due_at.unwrap();
    later.verify(&tuesdays, due).unwrap();
    assert!(!changes(&later, first, &tuesdays), "the news of the resolution");
    assert!(changes(&later, Asked { number: Some(1), ..first }, &tuesdays));
}

proptest! {
    /// TK148: whatever does not reach a customer, they are called where they can be, and it comes to its end.
    #[test]
    fn tk148_it_comes_to_its_end_whatever_is_lost(
        reach in reaches(),
        losses in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let mut ticket = resolved_for(&reach);
        let mut now = start();
        for is_lost in losses {
            let made = ticket.attempts().len();
            let asked = Asked { ticket: ticket.id, resolution: 1, number: Some(made) };
            if is_lost && ticket.lose_attempt(asked, &skipped(now), &reach, now).is_some() && reach.by_phone {
                prop_assert_eq!(ticket.call_from, reach.hours.next_allowed(now), "TK148: a person calls");
            }
            let counted = ticket.attempts().iter().filter(|attempt| attempt.counts()).count();
            prop_assert_eq!(usize::try_from(ticket.verification_attempts).unwrap(), counted);
            let Some(due) = ticket.verification_due_at else { break };
            now = now.max(due);
            ticket.verify(&reach, now);
        }
        prop_assert_eq!(ticket.state, State::Closed);
        let (counted, lost): (Vec<&Attempt>, Vec<&Attempt>) = ticket.attempts().iter().partition(|attempt| attempt.counts());
        prop_assert!(counted.len() <= VERIFICATION_ATTEMPTS && lost.len() <= VERIFICATION_ATTEMPTS);
    }
}
