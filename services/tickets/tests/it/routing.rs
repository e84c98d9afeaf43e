//! Who is given what, when something changes: tickets, places, shifts, people.

use std::{collections::BTreeSet, time::Instant};

use futures::future::join_all;
use seva_proto::{
    staff::v1::{
        StaffMemberEvent,
        staff_member::{Presence, State},
    },
    tickets::v1 as pb,
};
use seva_store::due::DueWork;
use seva_testkit::database::begin;
use seva_tickets::{
    routing::{Question, Unavailable, check_assignment},
    ticket::{Kind, Priority},
};
use seva_values::Language;

use crate::floor::{Floor, at, id_of, shifts, somebody};

/// TK2
#[tokio::test]
async fn a_ticket_goes_to_somebody_with_the_skill_and_the_language() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    floor.joins(StaffMemberEvent { skills: vec!["billing".to_owned()], ..somebody(department) }).await;
    floor.joins(StaffMemberEvent { languages: vec!["hi".to_owned()], ..somebody(department) }).await;
    let asha = floor.joins(StaffMemberEvent { languages: vec!["bn".to_owned()], ..somebody(department) }).await;
    let ticket = floor.ticket(Kind::Delivery, Priority::Normal, "bn-BD").await;
    assert_eq!(floor.routing.next_due().await.unwrap(), Some(floor.now()));

    floor.route().await;
    let seen = floor.seen(ticket).await;
    assert_eq!((seen.state.as_str(), seen.assignee), ("open", Some(id_of(&asha))));
    assert_eq!((seen.wait_reason, seen.route_at), (None, None));
    assert_eq!(floor.told(ticket).await, ["assigned"]);
    assert_eq!(floor.routing.next_due().await.unwrap(), None);
    floor.places_are_right().await;
}

/// TK31
#[tokio::test]
async fn when_nobody_is_free_it_waits_and_is_given_the_place_that_frees_once() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(somebody(department)).await;
    let (first, second, third) = (floor.delivery().await, floor.delivery().await, floor.delivery().await);
    floor.route().await;
    assert_eq!(floor.assignee(first).await, Some(id_of(&asha)));
    for waiting in [second, third] {
        assert_eq!(floor.waits(waiting).await, ("no_free_place".to_owned(), None));
        assert_eq!(floor.told(waiting).await, ["updated"]);
    }
    // Nothing has happened, so nothing is done.
    assert_eq!(floor.route().await, 0);

    floor.resolves(first).await;
    floor.route().await;
    assert_eq!(floor.assignee(second).await, Some(id_of(&asha)));
    assert_eq!(floor.waits(third).await.0, "no_free_place");
    assert_eq!(floor.told(third).await, ["updated"]);
    floor.places_are_right().await;
}

#[tokio::test]
async fn what_waits_over_night_is_given_out_when_the_shift_starts_with_no_event_needed() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { shifts: shifts("20:00", "22:00"), ..somebody(department) }).await;
    let ticket = floor.delivery().await;
    floor.route().await;
    let start = at("2026-03-02T14:30:00Z");
    assert_eq!(floor.waits(ticket).await, ("nobody_on_shift".to_owned(), Some(start)));
    assert_eq!(floor.routing.next_due().await.unwrap(), Some(start));

    assert!(floor.foundation.clock.advance_to(start - jiff::SignedDuration::from_micros(1)));
    assert_eq!(floor.route().await, 0);
    assert!(floor.foundation.clock.advance_to(start));
    floor.route().await;
    assert_eq!(floor.assignee(ticket).await, Some(id_of(&asha)));
}

/// The shift that a ticket waits for may be another by then: the member is offered the queue at the start of theirs.
#[tokio::test]
async fn a_shift_that_is_named_later_is_not_missed() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { shifts: None, ..somebody(department) }).await;
    let ticket = floor.delivery().await;
    floor.route().await;
    assert_eq!(floor.waits(ticket).await, ("nobody_on_shift".to_owned(), None));

    floor.member_says(&StaffMemberEvent { shifts: shifts("20:00", "22:00"), ..asha.clone() }).await;
    floor.route().await;
    assert_eq!(floor.routing.next_due().await.unwrap(), Some(at("2026-03-02T14:30:00Z")));
    assert!(floor.foundation.clock.advance_to(at("2026-03-02T14:30:00Z")));
    floor.route().await;
    assert_eq!(floor.assignee(ticket).await, Some(id_of(&asha)));
}

#[tokio::test]
async fn it_is_given_out_when_somebody_comes_signs_learns_or_may_do_more() {
    for change in [
        StaffMemberEvent { presence: Presence::Away.into(), ..StaffMemberEvent::default() },
        StaffMemberEvent { handbook_current: false, ..StaffMemberEvent::default() },
        StaffMemberEvent { skills: vec!["repair".to_owned()], ..StaffMemberEvent::default() },
        StaffMemberEvent { capacity: 0, ..StaffMemberEvent::default() },
    ] {
        let floor = Floor::new().await;
        let department = floor.department(&["delivery"]).await;
        let able = somebody(department);
        let unable = if change.presence == i32::from(Presence::Away) {
            StaffMemberEvent { presence: change.presence, ..able.clone() }
        } else if !change.skills.is_empty() {
            StaffMemberEvent { skills: change.skills, ..able.clone() }
        } else {
            StaffMemberEvent { handbook_current: false, capacity: 0, ..able.clone() }
        };
        floor.joins(unable).await;
        let ticket = floor.delivery().await;
        floor.route().await;
        assert!(!floor.waits(ticket).await.0.is_empty());
        floor.member_says(&able).await;
        floor.route().await;
        assert_eq!(floor.assignee(ticket).await, Some(id_of(&able)));
    }
}

/// TK33
#[tokio::test]
async fn a_language_that_nobody_speaks_is_served_in_english_and_one_that_somebody_speaks_waits_until_they_leave() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 9, ..somebody(department) }).await;
    let bengali = StaffMemberEvent { languages: vec!["bn".to_owned()], capacity: 0, ..somebody(department) };
    let bina = floor.joins(bengali).await;
    let urdu = floor.ticket(Kind::Delivery, Priority::Normal, "ur").await;
    let bangla = floor.ticket(Kind::Delivery, Priority::Normal, "bn").await;
    floor.route().await;
    assert_eq!(floor.assignee(urdu).await, Some(id_of(&asha)));
    assert_eq!(floor.waits(bangla).await.0, "no_free_place");

    floor.member_says(&StaffMemberEvent { state: State::Left.into(), ..bina }).await;
    floor.route().await;
    assert_eq!(floor.assignee(bangla).await, Some(id_of(&asha)));
}

/// TK34
#[tokio::test]
async fn the_most_urgent_goes_first_and_then_the_oldest_that_somebody_can_take() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { shifts: shifts("20:00", "22:00"), ..somebody(department) }).await;
    let oldest_in_hindi = floor.ticket(Kind::Delivery, Priority::Urgent, "hi").await;
    floor.joins(StaffMemberEvent { languages: vec!["hi".to_owned()], capacity: 0, ..somebody(department) }).await;
    let mut expected = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::Urgent, Priority::Normal, Priority::High] {
        floor.pass(1);
        expected.push((priority, floor.ticket(Kind::Delivery, priority, "en").await));
    }
    expected.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    floor.route().await;
    assert!(floor.foundation.clock.advance_to(at("2026-03-02T14:30:00Z")));
    for (priority, ticket) in expected {
        floor.route().await;
        assert_eq!(floor.assignee(ticket).await, Some(id_of(&asha)), "{priority:?}");
        floor.resolves(ticket).await;
    }
    assert_eq!(floor.assignee(oldest_in_hindi).await, None);
}

/// TK32
#[tokio::test]
async fn the_tickets_of_who_leaves_go_back_to_the_queue_at_once_and_to_somebody_else() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 3, ..somebody(department) }).await;
    let tickets = floor.tickets(3, Kind::Delivery, Priority::Normal, "en").await;
    floor.route().await;
    floor.change(tickets[1], "pending_customer", Some(id_of(&asha)), false).await.unwrap();
    floor.resolves(tickets[2]).await;
    let bina = floor.joins(somebody(department)).await;

    floor.members_say(&[StaffMemberEvent { state: State::Left.into(), ..asha.clone() }], "left").await;
    assert_eq!(floor.routing.next_due().await.unwrap(), Some(floor.now()));
    floor.route().await;
    assert_eq!(floor.open_weight(&asha).await, 0);
    assert_eq!(floor.assignee(tickets[0]).await, Some(id_of(&bina)));
    assert_eq!(floor.told(tickets[0]).await, ["assigned", "unassigned", "assigned"]);
    assert_eq!(floor.waits(tickets[1]).await.0, "no_free_place");
    // What is resolved is not taken from who resolved it.
    assert_eq!(floor.seen(tickets[2]).await.state, "resolved");
    assert_eq!(floor.routing.next_due().await.unwrap(), None);
    floor.places_are_right().await;
}

/// TK30, TK31: whoever routes, and whatever is resolved meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tickets_and_many_routers_never_exceed_a_capacity_and_give_nothing_twice() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let members: Vec<_> =
        (0..10).map(|number| StaffMemberEvent { capacity: number % 4, ..somebody(department) }).collect();
    floor.members_say(&members, "created").await;
    let places: i64 = members.iter().map(|member| i64::from(member.capacity)).sum();
    let tickets = floor.tickets(150, Kind::Delivery, Priority::Normal, "en").await;
    let routers = join_all((0..4).map(|_| async {
        for _ in 0..40 {
            floor.routing.run_batch(floor.now(), 20).await.unwrap();
        }
    }));
    let resolving = async {
        let mut resolved = BTreeSet::new();
        while resolved.len() < 60 {
            for ticket in &tickets {
                if !resolved.contains(ticket) && floor.assignee(*ticket).await.is_some() && resolved.len() < 60 {
                    floor.resolves(*ticket).await;
                    resolved.insert(*ticket);
                }
            }
        }
    };
    let routing_on = async {
        while floor.count("select count(*) from ticket where state = 'resolved'").await < 60 {
            floor.route().await;
        }
    };
    tokio::join!(routers, resolving, routing_on);
    floor.route().await;

    floor.places_are_right().await;
    floor.events_have_no_gap().await;
    assert_eq!(floor.held().await.values().sum::<i64>(), places);
    // Each place was given once: as many assignments as tickets that have or had one.
    let assignments = "select count(*) from seva.outbox where type = 'seva.tickets.ticket.assigned.v1'";
    assert_eq!(floor.count(assignments).await, places + 60);
    let twice = "select count(*) from (
            select subject from seva.outbox where type = 'seva.tickets.ticket.assigned.v1' group by subject having count(*) > 1
        ) as t";
    assert_eq!(floor.count(twice).await, 0);
    assert_eq!(floor.count("select count(*) from ticket where state = 'new'").await, 150 - places - 60);
}

/// TK31: between the look without locks and the one behind them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_frees_while_routing_looks_is_given_too() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 2, ..somebody(department) }).await;
    let tickets = floor.tickets(4, Kind::Delivery, Priority::Normal, "en").await;
    floor.route().await;
    floor.resolves(tickets[0]).await;

    // Somebody writes the ticket that routing has chosen for the place.
    let mut writing = begin(&floor.database.owner).await;
    sqlx::query("select from ticket where id = $1 for update").bind(tickets[2]).execute(&mut *writing).await.unwrap();
    let meanwhile = async {
        floor.somebody_waits_for_a_ticket().await;
        floor.resolves(tickets[1]).await;
        writing.commit().await.unwrap();
    };
    tokio::join!(floor.route(), meanwhile);

    assert_eq!(floor.assignee(tickets[2]).await, Some(id_of(&asha)));
    assert_eq!(floor.assignee(tickets[3]).await, Some(id_of(&asha)));
    floor.places_are_right().await;
}

/// TK34: of another kind it is another department's, who may have room for it.
#[tokio::test]
async fn a_waiting_ticket_of_another_kind_is_given_to_whoever_takes_that_kind() {
    let floor = Floor::new().await;
    let deliveries = floor.department(&["delivery"]).await;
    floor.joins(StaffMemberEvent { capacity: 0, ..somebody(deliveries) }).await;
    let invoices = floor.department(&["billing"]).await;
    let bina = floor.joins(StaffMemberEvent { skills: vec!["billing".to_owned()], ..somebody(invoices) }).await;
    let ticket = floor.delivery().await;
    floor.route().await;
    assert_eq!(floor.waits(ticket).await, ("no_free_place".to_owned(), None));
    let billing = pb::Ticket { kind: pb::ticket::Kind::Billing.into(), ..pb::Ticket::default() };
    floor.update(ticket, "kind", billing).await.unwrap();
    floor.route().await;
    assert_eq!(floor.assignee(ticket).await, Some(id_of(&bina)));
}

/// TK34, TK35: urgent tickets for which nobody has room keep no others from being given, and no router from coming to an end.
#[tokio::test]
async fn heavy_tickets_for_which_nobody_has_room_hinder_no_light_ones() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let mut members: Vec<_> = (0..40).map(|_| StaffMemberEvent { capacity: 0, ..somebody(department) }).collect();
    floor.members_say(&members, "created").await;
    for tier in ["standard", "loyal", "vip"] {
        for priority in [Priority::Urgent, Priority::High] {
            let heavy = floor.tickets(60, Kind::Delivery, priority, "en").await;
            sqlx::query("update ticket set weight = 2, tier = $2, targets = jsonb_set(targets, '{weight}', '2') where id = any($1)")
                .bind(&heavy)
                .bind(tier)
                .execute(&floor.database.owner)
                .await
                .unwrap();
        }
    }
    let light = floor.tickets(5, Kind::Delivery, Priority::Low, "en").await;
    floor.route().await;
    for member in &mut members {
        member.capacity = 1;
    }
    floor.members_say(&members, "updated").await;
    for _ in 0..20 {
        floor.routing.run_batch(floor.now(), 200).await.unwrap();
    }
    for ticket in light {
        assert!(floor.assignee(ticket).await.is_some());
    }
    assert_eq!(floor.routing.run_batch(floor.now(), 200).await.unwrap(), 0, "nothing is left to be looked at");
}

/// A call that read the ticket before the roster, or routing, scheduled it does not take the schedule back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_writes_on_a_waiting_ticket_does_not_make_routing_forget_it() {
    let floor = Floor::new().await;
    let ticket = floor.ticket(Kind::Billing, Priority::Normal, "en").await;
    floor.route().await;
    assert_eq!(floor.waits(ticket).await, ("no_department".to_owned(), None));

    let mut scheduling = begin(&floor.database.owner).await;
    sqlx::query("update ticket set route_at = $2 where id = $1")
        .bind(ticket)
        .bind(jiff_sqlx::Timestamp::from(floor.now()))
        .execute(&mut *scheduling)
        .await
        .unwrap();
    let meanwhile = async {
        floor.somebody_waits_for_a_ticket().await;
        scheduling.commit().await.unwrap();
    };
    let (renamed, ()) = tokio::join!(floor.rename(ticket, "An invoice"), meanwhile);
    renamed.unwrap();
    assert_eq!(floor.seen(ticket).await.route_at, Some(floor.now()));
}

/// TK30: people give tickets by hand while routing gives them too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn routing_and_people_do_not_give_the_same_place() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 10, ..somebody(department) }).await;
    let tickets = floor.tickets(40, Kind::Delivery, Priority::Normal, "en").await;
    let by_hand = join_all(tickets.iter().rev().map(|ticket| async {
        let sql = "update ticket set version = version + 1, state = 'open', assignee = $2, route_at = null where id = $1 and version = 1";
        let done = sqlx::query(sql).bind(*ticket).bind(id_of(&asha)).execute(floor.database.db.calls()).await;
        done.map(|done| done.rows_affected())
    }));
    let (_, by_hand) = tokio::join!(floor.route(), by_hand);
    for refused in by_hand.into_iter().filter_map(Result::err) {
        assert!(seva_store::Fault::from(refused).violates("staff_member_place_free"));
    }
    floor.route().await;
    floor.places_are_right().await;
    assert_eq!(floor.held().await.get(&id_of(&asha)), Some(&10));
}

/// TK2
#[tokio::test]
async fn a_person_is_told_what_an_assignee_lacks() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor
        .joins(StaffMemberEvent { languages: vec!["hi".to_owned(), "en".to_owned()], ..somebody(department) })
        .await;
    let check = async |member, tag: &str, kind| {
        let language = Language::parse(tag).unwrap();
        let question = Question { kind, language: &language, preferred: None, senior: false, avoided: None, weight: 1 };
        check_assignment(&floor.database.db, member, Some(department), &question, floor.now()).await.unwrap()
    };
    assert_eq!(check(id_of(&asha), "hi", Kind::Delivery).await, Ok(false));
    assert_eq!(check(id_of(&asha), "bn", Kind::Delivery).await, Ok(true));
    assert_eq!(check(id_of(&asha), "hi", Kind::Repair).await, Err(Unavailable::NoSkill));
    assert_eq!(check(seva_values::new_id(), "hi", Kind::Delivery).await, Err(Unavailable::DoesNotServe));
    floor.joins(StaffMemberEvent { languages: vec!["bn".to_owned()], ..somebody(department) }).await;
    assert_eq!(check(id_of(&asha), "bn", Kind::Delivery).await, Err(Unavailable::NoLanguage));
    floor.delivery().await;
    floor.route().await;
    assert_eq!(check(id_of(&asha), "hi", Kind::Delivery).await, Err(Unavailable::NoFreePlace));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_waiting_tickets_are_given_to_two_hundred_people() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let at_night = |languages: &[&str]| StaffMemberEvent {
        shifts: shifts("20:00", "23:00"),
        capacity: 5,
        languages: languages.iter().map(|&tag| tag.to_owned()).collect(),
        ..somebody(department)
    };
    let members: Vec<_> =
        (0..200).map(|number| at_night(if number % 2 == 0 { &["en"] } else { &["hi", "bn"] })).collect();
    floor.members_say(&members, "created").await;
    for language in ["en", "hi", "bn-BD", "ur"] {
        floor.tickets(2_500, Kind::Delivery, Priority::Normal, language).await;
    }
    let began = Instant::now();
    floor.route().await;
    println!("routing: 10000 new tickets put to wait in {:.2?}", began.elapsed());
    assert_eq!(floor.count("select count(*) from ticket where wait_reason = 'nobody_on_shift'").await, 10_000);
    assert!(floor.foundation.clock.advance_to(at("2026-03-02T14:30:00Z")));
    let began = Instant::now();
    floor.route().await;
    println!("routing: 10000 waiting tickets, 1000 places, in {:.2?}", began.elapsed());
    assert_eq!(floor.held().await.values().sum::<i64>(), 1_000);
    floor.places_are_right().await;

    let began = Instant::now();
    let held: Vec<uuid::Uuid> = sqlx::query_scalar("select id from ticket where state = 'open' order by id limit 100")
        .fetch_all(&floor.database.owner)
        .await
        .unwrap();
    for ticket in held {
        floor.resolves(ticket).await;
        floor.route().await;
    }
    println!("routing: 100 places freed one by one and given again in {:.2?}", began.elapsed());
    assert_eq!(floor.held().await.values().sum::<i64>(), 1_000);
    floor.places_are_right().await;
}

/// A figure: all of ten thousand waiting tickets have somebody. Run it with `--ignored`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure, taken when somebody asks for it"]
async fn figure_of_ten_thousand_assignments_to_two_hundred_people() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let at_night = |number: i32| StaffMemberEvent {
        shifts: shifts("20:00", "23:00"),
        capacity: 50,
        languages: if number % 2 == 0 { &["en"][..] } else { &["hi", "bn"] }
            .iter()
            .map(|&tag| tag.to_owned())
            .collect(),
        ..somebody(department)
    };
    floor.members_say(&(0..200).map(at_night).collect::<Vec<_>>(), "created").await;
    for language in ["en", "hi", "bn-BD", "ur"] {
        floor.tickets(2_500, Kind::Delivery, Priority::Normal, language).await;
    }
    floor.route().await;
    assert!(floor.foundation.clock.advance_to(at("2026-03-02T14:30:00Z")));
    let began = Instant::now();
    floor.route().await;
    let took = began.elapsed();
    println!("routing: 10000 tickets given to 200 people in {took:.2?}, {:.0} a second", 10_000.0 / took.as_secs_f64());
    assert_eq!(floor.held().await.values().sum::<i64>(), 10_000);
    floor.places_are_right().await;
}

/// TK32: leave and suspension as leaving; who comes back takes tickets again.
#[tokio::test]
async fn tk32_who_is_on_leave_or_suspended_hands_back_everything_and_comes_back() {
    for state in [State::OnLeave, State::Suspended] {
        let floor = Floor::new().await;
        let department = floor.department(&["delivery"]).await;
        let asha = floor.joins(StaffMemberEvent { capacity: 9, ..somebody(department) }).await;
        let ticket = floor.delivery().await;
        floor.route().await;
        assert_eq!(floor.assignee(ticket).await, Some(id_of(&asha)));
        floor.member_says(&StaffMemberEvent { state: state.into(), ..asha.clone() }).await;
        floor.route().await;
        assert_eq!((floor.assignee(ticket).await, floor.open_weight(&asha).await), (None, 0));
        floor.member_says(&asha).await;
        floor.route().await;
        assert_eq!(floor.assignee(ticket).await, Some(id_of(&asha)));
    }
}
