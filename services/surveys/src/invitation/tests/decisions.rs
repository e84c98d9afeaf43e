//! Who is asked, and why not.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use seva_values::{Language, format_name};

use super::*;
use crate::{
    invitation::decision::{Decided, Known, decide_all, draw},
    recipient::Recipient,
    throttle::{Entry, Ledgers, Rules},
};

fn a_recipient() -> Recipient {
    Recipient {
        customer: Uuid::from_u128(1),
        sequence: 1,
        language: Language::parse("bn").unwrap(),
        has_email: true,
        mailbox: None,
        can_be_asked: true,
    }
}

fn known(programmes: &[Programme]) -> Known {
    Known {
        programmes: programmes.iter().map(|programme| (programme.id, programme.clone())).collect(),
        published: HashMap::from([(Uuid::from_u128(900), 4)]),
        recipients: HashMap::from([(Uuid::from_u128(1), a_recipient())]),
        with_open_ticket: HashSet::new(),
        contacts: HashMap::new(),
        ledgers: Ledgers::default(),
    }
}

/// What customer 1 was asked.
fn entry(invitation: u128, programme: Uuid, asked_at: Timestamp) -> Entry {
    Entry { invitation: Uuid::from_u128(invitation), programme, customer: Uuid::from_u128(1), mailbox: None, asked_at }
}

fn asked_by(programme: u128, at: Timestamp) -> Ledgers {
    Ledgers::of(vec![entry(99, Uuid::from_u128(programme), at)])
}

/// What became of each invitation: queued, or why not, or until when it waits.
fn outcomes(held: Vec<Invitation>, mut known: Known, now: Timestamp) -> HashMap<u128, String> {
    let outcome = |decided: Decided| match decided {
        Decided::Changed(change) => {
            let reason = change.after.suppress_reason.map_or("queued", |reason| reason.name());
            (change.after.id.as_u128(), reason.to_owned())
        }
        Decided::Waits { invitation, until } => {
            (invitation.as_u128(), format!("waits {}", until.duration_since(hour(0)).as_hours()))
        }
    };
    decide_all(held, &mut known, &Rules::default(), now).into_iter().map(outcome).collect()
}

fn expect(outcomes: HashMap<u128, String>, expected: &[(u128, &str)]) {
    let expected: HashMap<u128, String> = expected.iter().map(|(id, outcome)| (*id, (*outcome).to_owned())).collect();
    assert_eq!(outcomes, expected);
}

#[test]
fn whoever_can_be_asked_is_asked_in_their_language_about_the_published_version() {
    let programme = a_programme(1);
    let decided = decide_all(vec![held(1, &programme)], &mut known(&[programme]), &Rules::default(), hour(1));

    let [Decided::Changed(change)] = decided.as_slice() else { panic!("{decided:?}") };
    let after = &change.after;
    assert_eq!((after.state, after.survey_version), (State::Queued, Some((Uuid::from_u128(900), 4))));
    assert_eq!(after.language, Language::parse("bn").ok());
    assert_eq!((after.expire_at, after.due_at), (Some(hour(1 + 24 * 14)), Some(hour(1 + 24 * 14))));
}

// SU3: each refusal has its own reason.
#[test]
fn whoever_is_not_asked_is_not_asked_for_a_reason() {
    let programme = a_programme(1);
    let usual = || known(std::slice::from_ref(&programme));
    let with_recipient = |recipient| Known { recipients: HashMap::from([(Uuid::from_u128(1), recipient)]), ..usual() };
    let inactive = Programme { active: false, ..a_programme(1) };
    let cases = [
        ("not_active", known(&[inactive])),
        ("not_active", Known { published: HashMap::new(), ..usual() }),
        ("unknown_customer", Known { recipients: HashMap::new(), ..usual() }),
        ("no_consent", with_recipient(Recipient { can_be_asked: false, ..a_recipient() })),
        ("no_contact_point", with_recipient(Recipient { has_email: false, ..a_recipient() })),
        ("open_ticket", Known { with_open_ticket: HashSet::from([Uuid::from_u128(1)]), ..usual() }),
        ("recent_contact", Known { contacts: in_contact_about(2), ..usual() }),
        ("throttled", Known { ledgers: asked_by(2, hour(0)), ..usual() }),
    ];
    for (reason, known) in cases {
        expect(outcomes(vec![held(1, &programme)], known, hour(1)), &[(1, reason)]);
    }
    let from_low_score = Invitation { from_low_score: true, ..held(1, &programme) };
    expect(outcomes(vec![from_low_score], usual(), hour(1)), &[(1, "from_low_score")]);
    let improbable = Invitation { inclusion_probability: f64::MIN_POSITIVE, ..held(1, &programme) };
    expect(outcomes(vec![improbable], usual(), hour(1)), &[(1, "sampled_out")]);
    expect(outcomes(vec![held(1, &programme)], usual(), hour(2 + 24 * 7)), &[(1, "called_off")]);
}

#[test]
fn a_throttled_customer_is_told_of_with_the_next_possible_time() {
    let programme = a_programme(1);
    let mut known = Known { ledgers: asked_by(1, hour(0)), ..known(std::slice::from_ref(&programme)) };
    let decided = decide_all(vec![held(1, &programme)], &mut known, &Rules::default(), hour(1));

    let [Decided::Changed(change)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!(change.after.next_eligible_at, Some(hour(24 * 90)));
}

/// Customer 1 and staff have lately heard of each other about a ticket.
fn in_contact_about(ticket: u128) -> HashMap<Uuid, Vec<Uuid>> {
    HashMap::from([(Uuid::from_u128(1), vec![Uuid::from_u128(ticket)])])
}

// SU33
#[test]
fn contact_about_the_matter_itself_is_no_reason_not_to_ask_about_it() {
    let programme = a_programme(1);
    let closed = Invitation { subject: format_name("tickets", Uuid::from_u128(2)), ..held(1, &programme) };
    let about = |tickets| Known { contacts: tickets, ..known(std::slice::from_ref(&programme)) };

    expect(outcomes(vec![closed.clone()], about(in_contact_about(2)), hour(1)), &[(1, "queued")]);
    let both = HashMap::from([(Uuid::from_u128(1), vec![Uuid::from_u128(2), Uuid::from_u128(3)])]);
    expect(outcomes(vec![closed], about(both), hour(1)), &[(1, "recent_contact")]);
}

// SU2
#[test]
fn whoever_shares_a_mailbox_is_asked_as_rarely_as_one_customer() {
    let programme = a_programme(1);
    let [shared, own] = [7, 8].map(Uuid::from_u128);
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    let living_at = |customer, mailbox| (customer, Recipient { customer, mailbox: Some(mailbox), ..a_recipient() });
    let recipients = HashMap::from([living_at(first, shared), living_at(second, shared), living_at(third, own)]);
    let known = |entries| Known {
        recipients: recipients.clone(),
        ledgers: Ledgers::of(entries),
        ..known(std::slice::from_ref(&programme))
    };
    let of = |number: u128| Invitation { customer: Uuid::from_u128(number), ..held(number, &programme) };

    // Both come due at once.
    let outcome = outcomes(vec![of(1), of(2), of(3)], known(vec![]), hour(1));
    expect(outcome, &[(1, "queued"), (2, "throttled"), (3, "queued")]);
    // One was asked before, and one was asked while they still had another mailbox.
    let before = Entry { customer: second, mailbox: Some(shared), ..entry(90, programme.id, hour(0)) };
    expect(outcomes(vec![of(1), of(3)], known(vec![before]), hour(1)), &[(1, "throttled"), (3, "queued")]);
    let moved = Entry { customer: second, mailbox: Some(own), ..entry(90, programme.id, hour(0)) };
    let outcome = outcomes(vec![of(1), of(2), of(3)], known(vec![moved]), hour(1));
    expect(outcome, &[(1, "queued"), (2, "throttled"), (3, "throttled")]);
    // No mailbox is none that is shared.
    let unknown = Entry { customer: second, mailbox: None, ..entry(90, programme.id, hour(0)) };
    let nowhere = HashMap::from([(first, a_recipient())]);
    let known = Known { recipients: nowhere, ..known(vec![unknown]) };
    expect(outcomes(vec![of(1)], known, hour(1)), &[(1, "queued")]);
}

// SU13
#[test]
fn of_two_programmes_that_come_due_within_the_hold_the_higher_one_asks() {
    let (low, high) = (a_programme(1), Programme { priority: 9, ..a_programme(2) });
    let known = || known(&[low.clone(), high.clone()]);
    let at_once = vec![held(1, &low), held(2, &high)];
    expect(outcomes(at_once, known(), hour(1)), &[(1, "throttled"), (2, "queued")]);

    let coming = || Invitation { due_at: Some(hour(2)), ..held(2, &high) };
    expect(outcomes(vec![held(1, &low), coming()], known(), hour(1)), &[(1, "waits 2")]);
    let waited = Invitation { due_at: Some(hour(2)), ..held(1, &low) };
    expect(outcomes(vec![waited, coming()], known(), hour(2)), &[(1, "throttled"), (2, "queued")]);

    let higher_is_due = Invitation { due_at: Some(hour(2)), ..held(1, &low) };
    expect(outcomes(vec![higher_is_due, held(2, &high)], known(), hour(1)), &[(2, "queued")]);
}

#[test]
fn a_higher_programme_that_would_not_ask_holds_nobody_up() {
    let low = a_programme(1);
    let coming = |programme: &Programme| Invitation { due_at: Some(hour(2)), ..held(2, programme) };
    for high in
        [Programme { priority: 9, active: false, ..a_programme(2) }, Programme { priority: 0, ..a_programme(2) }]
    {
        let known = known(&[low.clone(), high.clone()]);
        expect(outcomes(vec![held(1, &low), coming(&high)], known, hour(1)), &[(1, "queued")]);
    }
    let high = Programme { priority: 9, pause_between: SignedDuration::from_hours(24 * 365), ..a_programme(2) };
    let known = Known { ledgers: asked_by(2, hour(-24 * 60)), ..known(&[low.clone(), high.clone()]) };
    expect(outcomes(vec![held(1, &low), coming(&high)], known, hour(1)), &[(1, "queued")]);
}

#[test]
fn the_draw_is_the_same_at_every_look_and_another_for_each_salt() {
    assert!((draw(b"salt", "orders/1") - draw(b"salt", "orders/1")).abs() < f64::EPSILON);
    assert!((draw(b"salt", "orders/1") - draw(b"pepper", "orders/1")).abs() > f64::EPSILON);
}

#[test]
fn the_share_that_is_drawn_is_the_rate() {
    let drawn = (0..10_000).filter(|number| draw(b"salt", &format!("orders/{number}")) < 0.3).count();
    // Six standard deviations to either side.
    assert!((2_725..=3_275).contains(&drawn), "{drawn}");
}

proptest! {
    #[test]
    fn a_draw_lies_from_0_up_to_1(salt in prop::collection::vec(any::<u8>(), 0..80), subject in ".{0,80}") {
        prop_assert!((0.0..1.0).contains(&draw(&salt, &subject)));
    }

    // SU2, SU3, SU13: whatever comes due in whatever order, the pauses hold, and every decision has its reason.
    #[test]
    fn nobody_is_asked_too_often_whatever_comes_due(
        dues in prop::collection::vec((1_i64..24 * 800, 1_u128..4), 1..80), step in 1_i64..200,
        pause_days in 0_i64..40, yearly_maximum in 1_usize..6,
    ) {
        let programmes = [
            Programme { priority: 1, ..a_programme(1) },
            Programme { priority: 5, pause_between: SignedDuration::from_hours(24 * 14), ..a_programme(2) },
            Programme { priority: 5, pause_between: SignedDuration::from_hours(24 * 400), ..a_programme(3) },
        ];
        let rules = Rules {
            pause_between_any: SignedDuration::from_hours(24 * pause_days),
            yearly_maximum,
            ask_within: SignedDuration::from_hours(24 * 30),
            ..Rules::default()
        };
        let mut waiting: Vec<Invitation> = dues.iter().enumerate().map(|(at, (due, programme))| {
            let (due, id) = (hour(*due), 1000 + at as u128);
            Invitation { decide_at: due, due_at: Some(due), ..held(id, &programmes[*programme as usize - 1]) }
        }).collect();
        let mut asked: Vec<Entry> = Vec::new();
        let mut now = 0;
        while !waiting.is_empty() {
            now += step;
            prop_assert!(now < 24 * 900, "every invitation is decided");
            let seen = |invitation: &Invitation| invitation.due_at <= Some(hour(now + 1));
            let (looked_at, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(seen);
            let ledgers = Ledgers::of(asked.clone());
            let mut rest: HashMap<Uuid, Invitation> = looked_at.iter().map(|seen| (seen.id, seen.clone())).collect();
            for decided in decide_all(looked_at, &mut Known { ledgers, ..known(&programmes) }, &rules, hour(now)) {
                match decided {
                    Decided::Changed(change) => {
                        let after = rest.remove(&change.after.id).map(|_| change.after).unwrap();
                        prop_assert_eq!(after.suppress_reason.is_some(), after.state == State::Suppressed);
                        if after.state == State::Queued {
                            asked.push(entry(after.id.as_u128(), after.programme, hour(now)));
                        }
                    }
                    Decided::Waits { invitation, until } => {
                        prop_assert!(until > hour(now));
                        rest.get_mut(&invitation).unwrap().due_at = Some(until);
                    }
                }
            }
            waiting = later;
            waiting.extend(rest.into_values());
        }
        for (place, one) in asked.iter().enumerate() {
            let year = SignedDuration::from_hours(24 * 365);
            let of_the_year = asked[..place].iter().filter(|other| one.asked_at.duration_since(other.asked_at) < year);
            prop_assert!(of_the_year.count() < rules.yearly_maximum);
            for other in &asked[..place] {
                let apart = one.asked_at.duration_since(other.asked_at);
                prop_assert!(apart >= rules.pause_between_any);
                let own = programmes.iter().find(|programme| programme.id == one.programme).unwrap().pause_between;
                prop_assert!(one.programme != other.programme || apart >= own);
            }
        }
    }
}
