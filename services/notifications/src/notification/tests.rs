//! The decisions: tables, and properties over events in any order.

mod plans;
mod tickets;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp, civil::Weekday, civil::time};
use proptest::prelude::*;
use seva_runtime::call::Story;
use seva_values::{AvailabilityWindows, WeeklyInterval, Zone, new_id};
use uuid::Uuid;

use super::{
    milestone::{Lead, MILESTONES, Milestone, Source, find},
    model::{Change, Fact, Known, Notification, Verdict, decide, decide_after_handover, decide_again},
    plan::{News, Plan, Surroundings, plan},
    state::{Reason, State},
    truth::{Truths, said_by},
};
use crate::{
    link::Page,
    preference::{Category, Class, DuplicatePolicy},
    provider::Fault,
    recipient::{Consent, Recipient},
    template::{Variables, catalog},
};

fn now() -> Timestamp {
    "2026-11-21T06:30:00Z".parse().unwrap()
}

fn a_category(key: &str) -> Category {
    Category {
        key: key.to_owned(),
        version: 1,
        class: Class::Transactional,
        interruptive: false,
        duplicate_policy: DuplicatePolicy::AtLeastOnce,
        time_to_live: SignedDuration::from_hours(48),
    }
}

fn a_recipient(customer: Uuid) -> Recipient {
    Recipient {
        customer,
        sequence: 1,
        languages: Vec::new(),
        availability: AvailabilityWindows::always(Zone::utc()),
        has_email: true,
        has_phone: false,
        tier: "standard".to_owned(),
        consents: Vec::new(),
    }
}

fn a_fact(milestone: &'static Milestone, customer: Uuid, sequence: i64) -> Fact {
    Fact {
        milestone,
        customer,
        subject: "orders/one".to_owned(),
        ticket: None,
        occasion: String::new(),
        sequence,
        occurred_at: now(),
        overtaken: false,
        variables: Variables::new(),
        story: Story {
            correlation_id: "story".to_owned(),
            causation_id: new_id().to_string(),
            hops: 1,
            traceparent: None,
        },
    }
}

fn news(fact: Fact) -> News {
    let said = said_by(fact.milestone, fact.customer, &fact.subject, fact.sequence).collect();
    News { said, fact: Some(fact) }
}

fn surroundings(customer: Uuid) -> Surroundings {
    let categories: HashSet<&str> = MILESTONES.iter().map(|milestone| milestone.category).collect();
    Surroundings {
        recipients: HashMap::from([(customer, a_recipient(customer))]),
        categories: categories.into_iter().map(|key| (key.to_owned(), a_category(key))).collect(),
        published: MILESTONES.iter().map(|milestone| (milestone.key.to_owned(), 1)).collect(),
        ..Surroundings::default()
    }
}

#[test]
fn every_milestone_has_its_template_and_every_template_its_milestone() {
    let milestones: HashSet<_> = MILESTONES.iter().map(|milestone| milestone.key).collect();
    let templates: HashSet<_> = catalog::all().iter().map(|template| template.key()).collect();

    assert_eq!(milestones, templates);
    let of_customers = MILESTONES.iter().filter(|milestone| milestone.source == Source::Customers);
    let types: Vec<_> = of_customers.flat_map(|milestone| milestone.event_types).collect();
    assert_eq!(types.iter().collect::<HashSet<_>>().len(), types.len(), "an event of customers reports one milestone");
}

#[test]
fn a_message_that_needs_its_page_has_a_template_that_cannot_be_written_without_it() {
    for milestone in &MILESTONES {
        let variables = catalog::find(milestone.key).unwrap().variables();
        let shown = [Page::Ticket, Page::Survey]
            .into_iter()
            .find_map(|page| variables.get(page.variable()).map(|schema| Lead { page, is_needed: schema.required }));
        assert_eq!(milestone.leads_to, shown, "{}", milestone.key);
    }
}

#[test]
fn a_source_that_is_ahead_of_the_customers_queues_for_somebody_who_is_not_known_yet() {
    let customer = new_id();
    let soon = now() + SignedDuration::from_hours(1);
    for (milestone, expected) in [
        ("order_placed", (State::Skipped, Reason::UnknownCustomer)),
        ("ticket_opened", (State::Queued, Reason::Accepted)),
        ("survey_invitation", (State::Queued, Reason::Accepted)),
    ] {
        let fact = a_fact(find(milestone).unwrap(), customer, 1);
        let category = Category { class: Class::Service, ..a_category(fact.milestone.category) };
        let known =
            Known { now: now(), recipient: None, category: &category, wish: None, has_template: true, is_stale: false };
        let verdict = decide(&fact, soon, &known);
        assert_eq!((verdict.state, verdict.reason), expected, "{milestone}");
        let refused = decide(&fact, soon, &Known { wish: Some(false), ..known });
        assert_eq!(refused.state, State::Skipped, "{milestone}: a wish is known by itself");
    }
}

#[test]
fn nobody_whose_hours_are_not_known_yet_is_interrupted() {
    let customer = new_id();
    let fact = a_fact(find("ticket_opened").unwrap(), customer, 1);
    let category = Category { interruptive: true, ..a_category("tickets") };
    let known =
        Known { now: now(), recipient: None, category: &category, wish: None, has_template: true, is_stale: false };
    let expire_at = now() + SignedDuration::from_hours(1);

    let verdict = decide(&fact, expire_at, &known);
    assert_eq!((verdict.state, verdict.reason), (State::Queued, Reason::RecipientUnavailable));
    assert!(verdict.due_at.unwrap() > now());
    let change = Notification::begin(new_id(), &fact, expire_at, verdict, now());
    let sending = Notification { state: State::Sending, ..change.after };
    assert_eq!(decide_again(&sending, &known).unwrap().reason, Reason::RecipientUnavailable);
}

#[test]
fn questions_how_it_went_can_be_refused_and_need_no_consent() {
    let survey = Category { class: Class::Survey, ..a_category("surveys") };

    assert!(survey.is_wanted(None) && !survey.is_wanted(Some(false)) && !survey.is_mandatory());
    let recipient = a_recipient(new_id());
    assert!(recipient.consents_to_mail(survey.purpose()));
    let refused = Consent { purpose: survey.purpose(), channel: 0, granted: false };
    assert!(!Recipient { consents: vec![refused], ..recipient }.consents_to_mail(survey.purpose()));
}

#[test]
fn a_final_state_never_changes_and_only_what_waits_can_be_called_off() {
    for state in State::ALL {
        assert_eq!(State::ALL.iter().any(|next| state.may_become(*next)), !state.is_final(), "{state:?}");
        assert_eq!(state.may_become(State::Canceled), state.waits(), "{state:?}");
        assert_eq!(State::from_name(state.name()).unwrap(), state);
    }
}

#[test]
fn the_questions_are_asked_in_their_order() {
    let customer = new_id();
    let fact = a_fact(find("order_placed").unwrap(), customer, 1);
    let recipient = Recipient { has_email: false, ..a_recipient(customer) };
    let category = Category { class: Class::Marketing, ..a_category("order_updates") };
    let late = now() - SignedDuration::from_secs(1);
    // Everything stands against it; one thing after the other is put right.
    let mut known =
        Known { now: now(), recipient: None, category: &category, wish: None, has_template: false, is_stale: true };
    let reason = |known: &Known, expire_at| decide(&fact, expire_at, known).reason;

    assert_eq!(decide(&Fact { overtaken: true, ..fact.clone() }, late, &known).reason, Reason::Overtaken);
    assert_eq!(reason(&known, late), Reason::UnknownCustomer);
    known.recipient = Some(&recipient);
    assert_eq!(reason(&known, late), Reason::Preference);
    known.wish = Some(true);
    assert_eq!(reason(&known, late), Reason::NoContactPoint);
    let reachable = a_recipient(customer);
    known.recipient = Some(&reachable);
    assert_eq!(reason(&known, late), Reason::NoConsent);
    let transactional = a_category("order_updates");
    known.category = &transactional;
    assert_eq!(reason(&known, late), Reason::Stale);
    known.is_stale = false;
    assert_eq!(reason(&known, late), Reason::NoTemplate);
    known.has_template = true;
    assert_eq!(reason(&known, late), Reason::TooLate);
    let soon = now() + SignedDuration::from_secs(1);
    assert_eq!(decide(&fact, soon, &known).due_at, Some(now()));
}

#[test]
fn nobody_waits_beyond_what_is_worth_sending() {
    let expire_at = now() + SignedDuration::from_mins(1);

    let verdict = Verdict::queued_again(Reason::ProviderBusy, expire_at, expire_at);

    assert_eq!((verdict.state, verdict.reason), (State::Expired, Reason::TooLate));
}

fn a_window() -> impl Strategy<Value = AvailabilityWindows> {
    let zone =
        prop_oneof![Just("Asia/Kolkata"), Just("America/New_York"), Just("Europe/London"), Just("Australia/Lord_Howe")];
    (zone, 0_i8..7, 0_i8..24, 1_i8..23).prop_map(|(zone, day, start, length)| {
        let weekday = Weekday::from_monday_zero_offset(day).unwrap();
        let end = (start + length) % 24;
        let interval = WeeklyInterval::new(weekday, time(start, 0, 0, 0), time(end, 30, 0, 0));
        AvailabilityWindows::new(Zone::parse(zone).unwrap(), vec![interval], Vec::new()).unwrap()
    })
}

/// What happens in a run: an event, or a hand-over of all that waits.
#[derive(Debug, Clone)]
enum Step {
    Event { milestone: usize, sequence: i64, occasion: u8 },
    Dispatch { outcome: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = (0..MILESTONES.len(), 1..30_i64, 0..2_u8).prop_map(|(milestone, sequence, occasion)| Step::Event {
        milestone,
        sequence,
        occasion,
    });
    let dispatch = (0..6_u8).prop_map(|outcome| Step::Dispatch { outcome });
    prop::collection::vec(prop_oneof![4 => event, 1 => dispatch], 1..40)
}

/// All notifications of a run with every state that they were in.
#[derive(Default)]
struct Run {
    notifications: Vec<Notification>,
    paths: HashMap<Uuid, Vec<State>>,
    truths: Truths,
    told_as_true: Vec<(Notification, Truths)>,
}

impl Run {
    fn keep(&mut self, change: &Change) {
        self.paths.entry(change.after.id).or_default().push(change.decision.state);
        let id = change.after.id;
        match self.notifications.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = change.after.clone(),
            None => self.notifications.push(change.after.clone()),
        }
    }

    fn step(&mut self, customer: Uuid, step: &Step) {
        match step {
            Step::Event { milestone, sequence, occasion } => {
                let mut fact = a_fact(&MILESTONES[*milestone], customer, *sequence);
                fact.occasion = occasion.to_string();
                self.hear(customer, vec![news(fact)]);
            }
            Step::Dispatch { outcome } => self.dispatch(customer, *outcome),
        }
    }

    fn hear(&mut self, customer: Uuid, news: Vec<News>) {
        let told = self.notifications.iter();
        let known = Surroundings {
            truths: self.truths.clone(),
            told: told.map(|n| (n.customer, n.milestone.clone(), n.subject.clone(), n.occasion.clone())).collect(),
            waiting: self.notifications.iter().filter(|n| n.state.waits()).cloned().collect(),
            ..surroundings(customer)
        };
        let Plan { created, superseded, truths } = plan(news, known, now(), new_id);
        created.iter().flatten().chain(&superseded).for_each(|change| self.keep(change));
        for (matter, standing) in truths.iter() {
            self.truths.learn(matter.clone(), *standing);
        }
    }

    /// Hands over all that waits.
    fn dispatch(&mut self, customer: Uuid, outcome: u8) {
        for waiting in self.notifications.clone().into_iter().filter(|n| n.state.waits()) {
            let sending = Notification { state: State::Sending, ..waiting };
            let category = a_category(&sending.category);
            let is_stale = sending.matter().is_some_and(|(matter, s)| self.truths.is_stale(&matter, s));
            let known = surroundings(customer);
            let known = known.known(now(), customer, &sending.milestone, &category, is_stale);
            let code = || "code".to_owned();
            let outcome = match outcome {
                0 => Err(Fault::Transient { code: code() }),
                1 => Err(Fault::Ambiguous { code: code() }),
                2 => Err(Fault::BadAddress { code: code() }),
                _ => Ok(()),
            };
            let verdict = decide_again(&sending, &known).unwrap_or_else(|| {
                self.told_as_true.push((sending.clone(), self.truths.clone()));
                decide_after_handover(&sending, 1, category.duplicate_policy, &outcome, now())
            });
            let change = sending.decided(verdict, now()).expect("a dispatch's verdict may follow Sending");
            self.keep(&change);
        }
    }
}

proptest! {
    #[test]
    fn in_whatever_order_events_come_each_reason_is_told_once_by_a_legal_path_and_never_when_stale(steps in steps()) {
        let customer = new_id();
        let mut run = Run::default();
        for step in &steps {
            run.step(customer, step);
        }

        // NO1
        let reasons: HashSet<_> = run.notifications.iter().map(|n| (&n.milestone, &n.subject, &n.occasion)).collect();
        prop_assert_eq!(reasons.len(), run.notifications.len());
        // NO2
        for path in run.paths.values() {
            prop_assert!(path[0].may_begin());
            for pair in path.windows(2) {
                let directly = pair[0].may_become(pair[1]);
                let through_sending = pair[0].may_become(State::Sending) && State::Sending.may_become(pair[1]);
                prop_assert!(directly || through_sending, "{:?}", path);
            }
        }
        // NO4
        for (notification, truths) in &run.told_as_true {
            if let Some((matter, standing)) = notification.matter() {
                for (known, best) in truths.iter().filter(|(known, _)| **known == matter) {
                    prop_assert!(standing.rank >= best.rank && standing.sequence >= best.sequence, "{known:?}");
                }
            }
        }
        // NO9
        for notification in &run.notifications {
            prop_assert_eq!(usize::try_from(notification.version).unwrap(), run.paths[&notification.id].len());
            prop_assert_eq!(notification.due_at.is_some(), !notification.state.is_final()); // NO3
        }
    }

    #[test]
    fn a_batch_decides_as_its_events_one_by_one_do(facts in prop::collection::vec((0..MILESTONES.len(), 1..30_i64), 1..20)) {
        let customer = new_id();
        let facts: Vec<_> = facts.into_iter().map(|(at, sequence)| a_fact(&MILESTONES[at], customer, sequence)).collect();
        let together = plan(facts.iter().cloned().map(news).collect(), surroundings(customer), now(), new_id);
        let mut alone = Run::default();
        for fact in &facts {
            let known = Surroundings {
                truths: alone.truths.clone(),
                told: alone.notifications.iter()
                    .map(|n| (n.customer, n.milestone.clone(), n.subject.clone(), n.occasion.clone())).collect(),
                waiting: alone.notifications.iter().filter(|n| n.state.waits()).cloned().collect(),
                ..surroundings(customer)
            };
            let one = plan(vec![news(fact.clone())], known, now(), new_id);
            one.created.iter().flatten().chain(&one.superseded).for_each(|change| alone.keep(change));
            one.truths.iter().for_each(|(matter, standing)| alone.truths.learn(matter.clone(), *standing));
        }

        let last = |changes: &Vec<Change>| (changes[changes.len() - 1].after.milestone.clone(), changes[changes.len() - 1].after.state);
        let together: Vec<_> = together.created.iter().map(last).collect();
        let alone: Vec<_> = alone.notifications.iter().map(|n| (n.milestone.clone(), n.state)).collect();
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn what_is_deferred_waits_for_an_open_hour_whatever_the_clocks_do(windows in a_window(), hours in 0_i64..24 * 400) {
        let customer = new_id();
        let recipient = Recipient { availability: windows.clone(), ..a_recipient(customer) };
        let category = Category { interruptive: true, ..a_category("delivery") };
        let at = now() + SignedDuration::from_hours(hours);
        let known = Known { now: at, recipient: Some(&recipient), category: &category, wish: None, has_template: true, is_stale: false };
        let fact = Fact { occurred_at: at, ..a_fact(find("order_out_for_delivery").unwrap(), customer, 1) };
        let expire_at = at + SignedDuration::from_hours(24 * 30);

        let verdict = decide(&fact, expire_at, &known);

        // NO6
        let due = verdict.due_at.expect("a weekly window opens within a month");
        prop_assert!(windows.contains(due), "{due} is outside");
        prop_assert_eq!(verdict.state == State::Queued, due == at);
        let again = Known { now: due, ..known };
        let change = Notification::begin(new_id(), &fact, expire_at, verdict, at);
        let sending = Notification { state: State::Sending, ..change.after };
        prop_assert_eq!(decide_again(&sending, &again), None);
    }
}
