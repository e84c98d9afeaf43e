//! How a resolution is asked about: the decision in a table, and whatever hours, channels and calls there are.

mod undelivered;

use jiff::civil::{Time, Weekday};
use proptest::sample;
use seva_values::{AvailabilityWindows, WeeklyInterval, Zone};

use super::*;
use crate::ticket::{
    model::verification::{
        Answer, Attempt, BETWEEN_CALLS, CALL_WITHIN, Call, Channel, MOST_ATTEMPTS, Next, Outcome,
        VERIFICATION_ATTEMPTS, next,
    },
    state::Unverified,
};

const MAIL: &[Channel] = &[Channel::Email];
const MAIL_AND_SMS: &[Channel] = &[Channel::Email, Channel::Sms];

fn reach(by_itself: &[Channel], by_phone: bool) -> Reach {
    Reach { by_itself: by_itself.to_vec(), by_phone, ..Reach::by_mail() }
}

/// Half past ten to half past six in Kolkata on these days.
fn in_hours(weekdays: &[Weekday], reach: Reach) -> Reach {
    let (zone, at) = (Zone::parse("Asia/Kolkata").unwrap(), |hour| Time::constant(hour, 30, 0, 0));
    let intervals = weekdays.iter().map(|day| WeeklyInterval::new(*day, at(10), at(18))).collect();
    Reach { hours: AvailabilityWindows::new(zone, intervals, Vec::new()).unwrap(), ..reach }
}

/// There were hours once.
fn never(reach: Reach) -> Reach {
    let zone = Zone::parse("Asia/Kolkata").unwrap();
    let day = seva_values::DatedException { date: jiff::civil::date(2020, 1, 1), intervals: Vec::new() };
    Reach { hours: AvailabilityWindows::new(zone, Vec::new(), vec![day]).unwrap(), ..reach }
}

fn sent(channel: Channel, hours: i64) -> Attempt {
    let (at, outcome) = (after_hours(hours), Outcome::Sent);
    Attempt { resolution: 1, channel, at, member: None, outcome, call_again_at: None, delivery: None }
}

fn rung(hours: i64) -> Attempt {
    Attempt { outcome: Outcome::NoAnswer, ..sent(Channel::Phone, hours) }
}

fn agreed(hours: i64, again: i64) -> Attempt {
    Attempt { outcome: Outcome::CallAgain, call_again_at: Some(after_hours(again)), ..rung(hours) }
}

fn mails(hours: &[i64]) -> Vec<Attempt> {
    hours.iter().map(|hours| sent(Channel::Email, *hours)).collect()
}

fn ask(channel: Channel, hours: i64) -> Next {
    Next::Ask(channel, after_hours(hours))
}

fn call_between(from: i64, until: i64) -> Next {
    Next::Call { from: after_hours(from), until: after_hours(until) }
}

fn close(why: Unverified, hours: i64) -> Next {
    Next::Close(why, after_hours(hours))
}

/// TK140, TK141, TK142, TK143: resolved on a Monday at 14:30 in Kolkata; hours are counted from then.
#[test]
fn tk140_to_tk143_what_is_next_follows_from_attempts_channels_hours_and_the_time() {
    use Channel::{Email, Sms};
    use Unverified::{NoChannel, NoSecondChannel, NotCalled, Unanswered};
    let with = |mut attempts: Vec<Attempt>, more: &[Attempt]| {
        attempts.extend_from_slice(more);
        attempts
    };
    let tuesdays = |reach| in_hours(&[Weekday::Tuesday], reach);
    let both = || reach(MAIL, true);
    let three = || mails(&[0, 48, 96]);
    let cases: Vec<(&str, Vec<Attempt>, Reach, i64, Next)> = vec![
        ("mail alone: again after 48 hours", mails(&[0]), reach(MAIL, false), 0, ask(Email, 48)),
        ("a third time", mails(&[0, 48]), reach(MAIL, false), 48, ask(Email, 96)),
        ("late, as the look came late", mails(&[0]), reach(MAIL, false), 60, ask(Email, 60)),
        ("and no more", three(), reach(MAIL, false), 96, close(NoSecondChannel, 144)),
        ("in turn", mails(&[0]), reach(MAIL_AND_SMS, false), 0, ask(Sms, 48)),
        ("and back", with(mails(&[0]), &[sent(Sms, 48)]), reach(MAIL_AND_SMS, false), 48, ask(Email, 96)),
        (
            "on two channels",
            vec![sent(Email, 0), sent(Sms, 48), sent(Email, 96)],
            reach(MAIL_AND_SMS, false),
            96,
            close(Unanswered, 144),
        ),
        (
            "nothing was sent outside the hours: 48 hours later in them",
            vec![],
            tuesdays(reach(MAIL, false)),
            0,
            ask(Email, 8 * 24 - 4),
        ),
        ("who has a phone is called after the mails", three(), both(), 96, call_between(144, 264)),
        ("until seven days after the last", three(), both(), 263, call_between(144, 264)),
        ("and then nobody called", three(), both(), 264, close(NotCalled, 144)),
        (
            "a call that nobody answered is the second channel",
            with(three(), &[rung(150)]),
            both(),
            150,
            close(Unanswered, 198),
        ),
        ("an early call does not replace a mail", with(mails(&[0]), &[rung(12)]), both(), 12, ask(Email, 60)),
        ("a phone alone: called from the resolution on", vec![], reach(&[], true), 0, call_between(0, 168)),
        ("again after 48 hours", vec![rung(5)], reach(&[], true), 5, call_between(53, 173)),
        ("and three times", vec![rung(5), rung(60), rung(120)], reach(&[], true), 120, close(NoSecondChannel, 168)),
        ("or not at all", vec![], reach(&[], true), 168, close(NotCalled, 144)),
        ("nothing to reach them by: the same patience", vec![], reach(&[], false), 0, close(NoChannel, 144)),
        (
            "what was agreed goes before the mails",
            with(mails(&[0]), &[agreed(5, 20)]),
            both(),
            5,
            call_between(20, 188),
        ),
        ("when it was not kept the mails go on", with(mails(&[0]), &[agreed(5, 20)]), both(), 188, ask(Email, 188)),
        ("or it is for us to answer for", with(three(), &[agreed(150, 200)]), both(), 368, close(NotCalled, 198)),
        (
            "a call waits for the hours, and is possible in them",
            three(),
            tuesdays(both()),
            96,
            call_between(8 * 24 - 4, 264),
        ),
        (
            "and for two days at least",
            mails(&[0, 48, 150]),
            tuesdays(both()),
            150,
            call_between(15 * 24 - 4, 17 * 24 - 4),
        ),
        ("hours that never come: nobody is asked", mails(&[0]), never(both()), 0, close(NoSecondChannel, 144)),
    ];
    for (name, attempts, reach, now, expected) in cases {
        assert_eq!(next(&attempts, start(), &reach, after_hours(now)), expected, "{name}");
    }
}

/// TK140: resolved outside the customer's hours.
#[test]
fn tk140_the_news_of_a_resolution_is_an_attempt_within_the_customers_hours_alone() {
    let resolve = |reach: &Reach| {
        opened()
            .resolve(&Schema::default(), root(), "Done.".to_owned(), (Author::Staff, None), reach, start())
            .unwrap()
            .ticket
    };
    let ticket = resolve(&in_hours(&[Weekday::Monday], reach(MAIL, false)));
    assert_eq!((ticket.verification_attempts, ticket.attempts()), (1, &mails(&[0])[..]));
    let ticket = resolve(&in_hours(&[Weekday::Wednesday], reach(MAIL, false)));
    // Wednesday, 14:30, is within the hours.
    assert_eq!((ticket.verification_attempts, ticket.verification_due_at), (0, Some(after_hours(48))));
    let ticket = resolve(&reach(&[], true));
    assert_eq!((ticket.verification_attempts, ticket.call_from), (0, Some(start())), "there is nothing to write to");
}

fn resolved_for(reach: &Reach) -> Ticket {
    written(
        opened()
            .resolve(
                &Schema::default(),
                root(),
                "It comes today.".to_owned(),
                (Author::Staff, Some(MEMBER)),
                reach,
                start(),
            )
            .unwrap(),
    )
}

fn at(hours: i64, answer: Answer) -> Call {
    Call { at: after_hours(hours), member: Some(MEMBER), answer }
}

/// TK147
#[test]
fn tk147_what_the_customer_says_is_the_outcome_of_what_was_sent_last() {
    let outcomes = |ticket: &Ticket| ticket.verification.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>();
    let both = reach(MAIL, true);
    let mut ticket = resolved_for(&both);
    ticket.verify(&both, after_hours(48)).unwrap();
    assert_eq!(outcomes(&ticket), [Outcome::NoAnswer, Outcome::Sent]);
    let yes = ticket.confirm(true, None, after_hours(50)).unwrap().ticket;
    assert_eq!(outcomes(&yes), [Outcome::NoAnswer, Outcome::Confirmed]);
    let no = ticket.reject(true, None, after_hours(50)).unwrap().ticket;
    assert_eq!((outcomes(&no), no.verification_attempts), (vec![Outcome::NoAnswer, Outcome::Rejected], 0));
    // On the phone it is the call that was answered.
    let called = ticket.call(at(49, Answer::Confirmed(record())), &both, after_hours(50)).unwrap().ticket;
    assert_eq!(outcomes(&called), [Outcome::NoAnswer, Outcome::NoAnswer, Outcome::Confirmed]);
    assert_eq!((called.closure, called.verification_attempts, called.unverified), (Some(Closure::Verified), 3, None));
    // A mail may still be answered after a call that was not.
    let rung = ticket.call(at(49, Answer::Nobody), &both, after_hours(50)).unwrap().ticket;
    let yes = rung.confirm(true, None, after_hours(51)).unwrap().ticket;
    assert_eq!(outcomes(&yes), [Outcome::NoAnswer, Outcome::Confirmed, Outcome::NoAnswer]);
    // What was asked about an earlier resolution stays, and counts no more.
    let again =
        written(Ticket { clocks: no.clocks.clone().written(), ..no }.assign(MEMBER, false, after_hours(51)).unwrap());
    let again = again
        .resolve(&Schema::default(), root(), "Done.".to_owned(), (Author::Staff, None), &both, after_hours(52))
        .unwrap()
        .ticket;
    assert_eq!((again.verification.len(), again.attempts().len(), again.verification_attempts), (3, 1, 1));
}

/// TK4, TK144, TK145, TK146
#[test]
fn tk144_to_tk146_a_call_that_cannot_have_been_or_disturbs_is_refused() {
    let both = reach(MAIL, true);
    let mondays = in_hours(&[Weekday::Monday, Weekday::Tuesday], both.clone());
    let ticket = resolved_for(&both);
    let again = |hours| Answer::Again(after_hours(hours), record());
    for (call, reach, now, invariant) in [
        (at(2, Answer::Confirmed(record())), &both, 1, "TK144"),
        (at(-1, Answer::Rejected(record())), &both, 1, "TK144"),
        // 20:30 in Kolkata.
        (at(6, Answer::Nobody), &mondays, 7, "TK145"),
        (at(1, again(1)), &both, 1, "TK146"),
        (at(1, again(170)), &both, 1, "TK146"),
        (at(1, again(7)), &mondays, 1, "TK146"),
    ] {
        assert!(ticket.call(call, reach, after_hours(now)).unwrap_err().is_refused_by(invariant), "{invariant}");
    }
    let fits = [at(6, Answer::Confirmed(record())), at(1, Answer::Nobody), at(1, again(24)), at(0, Answer::Nobody)];
    for call in fits {
        assert!(ticket.call(call, &mondays, after_hours(6)).is_ok(), "an answer counts at any hour");
    }
    let mut rung = written(ticket.call(at(1, Answer::Nobody), &both, after_hours(1)).unwrap());
    assert!(rung.call(at(4, Answer::Nobody), &both, after_hours(4)).unwrap_err().is_refused_by("TK145"));
    for call in 1.. {
        let hours = 1 + 4 * call;
        match rung.call(at(hours, Answer::Nobody), &both, after_hours(hours)) {
            Ok(change) => rung = written(change),
            Err(refused) => {
                assert!(refused.is_refused_by("TK145"));
                break;
            }
        }
    }
    assert_eq!(rung.attempts().len(), MOST_ATTEMPTS);
    only_in(&[State::Resolved], "TK4", |ticket| ticket.call(at(4, Answer::Nobody), &Reach::by_mail(), after_hours(4)));
}

/// TK142: what is found when the time has come is another plan, which is told and is no attempt.
#[test]
fn tk142_a_phone_that_becomes_known_is_called_before_it_is_closed() {
    let (mail, both) = (reach(MAIL, false), reach(MAIL, true));
    let mut ticket = resolved_for(&mail);
    for hours in [48, 96] {
        ticket.verify(&mail, after_hours(hours)).unwrap();
    }
    assert_eq!((ticket.verification_due_at, ticket.call_from), (Some(after_hours(144)), None));
    let change = ticket.verify(&both, after_hours(144)).unwrap();
    assert_eq!((change.act, ticket.state, ticket.verification_attempts), (Act::Updated, State::Resolved, 3));
    assert_eq!((ticket.call_from, ticket.verification_due_at), (Some(after_hours(144)), Some(after_hours(264))));
    assert!(ticket.verify(&both, after_hours(263)).is_none());
    ticket.verify(&both, after_hours(264)).unwrap();
    assert_eq!((ticket.closure, ticket.unverified), (Some(Closure::Unverified), Some(Unverified::NotCalled)));
    assert_eq!((ticket.call_from, ticket.verification_due_at), (None, None));
    let again = ticket.reopen(record(), after_hours(265)).unwrap().ticket;
    assert_eq!(again.unverified, None, "TK143");
}

fn reaches() -> impl Strategy<Value = Reach> {
    const ZONES: [&str; 5] =
        ["Asia/Kolkata", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"];
    let hours = (sample::select(&ZONES[..]), proptest::collection::btree_map(0_i8..7, (0_i8..20, 1_i8..4), 0..5));
    let hours = hours.prop_map(|(zone, days)| {
        let at = |hour| Time::constant(hour, 0, 0, 0);
        let day = |day| Weekday::from_monday_zero_offset(day).unwrap();
        let intervals =
            days.into_iter().map(|(on, (from, long))| WeeklyInterval::new(day(on), at(from), at(from + long)));
        AvailabilityWindows::new(Zone::parse(zone).unwrap(), intervals.collect(), Vec::new()).unwrap()
    });
    let by_itself = sample::select(vec![vec![], vec![Channel::Email], MAIL_AND_SMS.to_vec()]);
    (hours, by_itself, any::<bool>()).prop_map(|(hours, by_itself, by_phone)| Reach { hours, by_itself, by_phone })
}

/// How late each look comes, in minutes, and whether somebody calls then first, in vain or to be told when to call again.
fn looks() -> impl Strategy<Value = Vec<(i64, u8)>> {
    proptest::collection::vec((prop_oneof![3 => Just(0_i64), 1 => 0..3_000_i64], 0..10_u8), 60)
}

/// All that happens to a ticket from its resolution to its end.
fn story(reach: &Reach, looks: &[(i64, u8)]) -> Ticket {
    let mut ticket = resolved_for(reach);
    for (late, call) in looks {
        let Some(due) = ticket.verification_due_at else { break };
        if *call < 2
            && let Some(from) = ticket.call_from
        {
            let answer = |at: Timestamp| match call {
                0 => Some(Answer::Nobody),
                _ => reach
                    .hours
                    .next_allowed(at + SignedDuration::from_hours(20))
                    .map(|again| Answer::Again(again, record())),
            };
            let at = from.max(ticket.updated_at);
            if at < due
                && let Some(answer) = answer(at)
                && let Ok(change) = ticket.call(Call { at, member: None, answer }, reach, at)
            {
                ticket = written(change);
                continue;
            }
        }
        assert!(ticket.clone().verify(reach, due - SignedDuration::from_micros(1)).is_none(), "not before its time");
        ticket.verify(reach, due.max(ticket.updated_at) + SignedDuration::from_mins(*late));
    }
    ticket
}

proptest! {
    /// TK140 to TK143, whatever hours, zones and channels a customer has, however late anybody looks, and whoever calls.
    #[test]
    fn tk140_to_tk143_hold_for_any_hours_channels_and_calls(reach in reaches(), looks in looks()) {
        let ticket = story(&reach, &looks);
        let again = story(&reach, &looks);
        prop_assert_eq!(&ticket.verification, &again.verification, "the same story leads to the same");
        prop_assert_eq!((ticket.closed_at, ticket.unverified), (again.closed_at, again.unverified));
        let attempts = ticket.attempts();
        prop_assert_eq!(usize::try_from(ticket.verification_attempts).unwrap(), attempts.len());
        let asked: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.channel != Channel::Phone).collect();
        for attempt in attempts {
            prop_assert!(reach.hours.contains(attempt.at) || attempt.outcome == Outcome::CallAgain, "TK140: {:?}", attempt);
        }
        for (one, next) in attempts.iter().zip(attempts.iter().skip(1)) {
            let between = if next.channel == Channel::Phone { BETWEEN_CALLS } else { VERIFY_EVERY };
            prop_assert!(next.at.duration_since(one.at) >= between, "TK140: {:?}", attempts);
        }
        prop_assert!(asked.len() <= VERIFICATION_ATTEMPTS);
        for (one, next) in asked.iter().zip(asked.iter().skip(1)) {
            prop_assert!(reach.by_itself.len() < 2 || one.channel != next.channel, "TK141: in turn");
        }
        // However often a call was agreed upon, it comes to its end.
        let Some(closed_at) = ticket.closed_at else {
            prop_assert!(attempts.iter().any(|attempt| attempt.call_again_at.is_some()));
            return Ok(());
        };
        let on_two = attempts.iter().any(|attempt| attempt.channel != attempts[0].channel);
        let last = attempts.iter().map(|attempt| attempt.at).fold(start(), Ord::max);
        prop_assert!(closed_at >= last + VERIFY_EVERY && closed_at >= start() + VERIFY_EVERY * 3);
        prop_assert!(reach.by_itself.is_empty() || asked.len() == VERIFICATION_ATTEMPTS, "TK141: {:?}", attempts);
        match ticket.unverified.unwrap() {
            Unverified::Unanswered => prop_assert!(on_two && attempts.len() >= VERIFICATION_ATTEMPTS, "TK142"),
            Unverified::NoSecondChannel => {
                prop_assert!(!on_two && attempts.len() >= VERIFICATION_ATTEMPTS);
                prop_assert!(reach.by_itself.len() + usize::from(reach.by_phone) == 1, "TK142: another was possible");
            }
            Unverified::NoChannel => prop_assert!(attempts.is_empty() && reach.by_itself.is_empty() && !reach.by_phone),
            Unverified::NotCalled => {
                prop_assert!(reach.by_phone && closed_at >= last + CALL_WITHIN, "TK142: there was time to call");
            }
        }
    }
}
