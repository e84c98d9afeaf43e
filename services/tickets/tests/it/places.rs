//! Places: counted with the tickets that hold them, whichever statement changes a ticket.

use futures::future::join_all;
use seva_proto::staff::v1::{StaffMemberEvent, staff_member::State};
use uuid::Uuid;

use crate::floor::{Floor, id_of, somebody};

/// The name of the refusal when there is no free place.
const NO_PLACE: &str = "staff_member_place_free";

/// TK30
#[tokio::test]
async fn a_place_is_taken_by_an_assignment_and_freed_by_whatever_ends_it() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 5, ..somebody(department) }).await;
    let bina = floor.joins(somebody(department)).await;
    let ticket = floor.delivery().await;
    for (state, assignee, of_asha, of_bina) in [
        ("open", Some(&asha), 1, 0),
        ("pending_customer", Some(&asha), 1, 0),
        ("open", Some(&asha), 1, 0),
        ("open", Some(&bina), 0, 1),
        ("resolved", Some(&bina), 0, 0),
        ("open", Some(&bina), 0, 1),
        ("new", None, 0, 0),
        ("open", Some(&asha), 1, 0),
        ("canceled", Some(&asha), 0, 0),
    ] {
        floor.change(ticket, state, assignee.map(id_of), false).await.unwrap();
        assert_eq!((floor.open_weight(&asha).await, floor.open_weight(&bina).await), (of_asha, of_bina), "{state}");
    }
    floor.places_are_right().await;
}

/// TK30
#[tokio::test]
async fn a_place_that_is_not_free_is_refused_and_nothing_changes() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(somebody(department)).await;
    let tickets = [floor.delivery().await, floor.delivery().await];
    floor.change(tickets[0], "open", Some(id_of(&asha)), false).await.unwrap();
    let before = floor.seen(tickets[1]).await;

    let refused = floor.change(tickets[1], "open", Some(id_of(&asha)), false).await.unwrap_err();
    assert!(refused.violates(NO_PLACE));
    assert_eq!(floor.seen(tickets[1]).await, before);
    let unknown = floor.change(tickets[1], "open", Some(seva_values::new_id()), false).await.unwrap_err();
    assert!(unknown.violates(NO_PLACE));
    floor.places_are_right().await;
}

/// TK2: an override goes over the places, and never to somebody who has left.
#[tokio::test]
async fn an_override_goes_over_places_and_not_to_who_has_left() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 0, ..somebody(department) }).await;
    let tickets = [floor.delivery().await, floor.delivery().await];
    floor.change(tickets[0], "open", Some(id_of(&asha)), true).await.unwrap();
    assert_eq!(floor.open_weight(&asha).await, 1);

    floor.member_says(&StaffMemberEvent { state: State::Left.into(), ..asha.clone() }).await;
    let refused = floor.change(tickets[1], "open", Some(id_of(&asha)), true).await.unwrap_err();
    assert!(refused.violates(NO_PLACE));
}

/// TK31: of many who want the last places as many have one as there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_places_go_to_as_many_as_there_are() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 3, ..somebody(department) }).await;
    let mut tickets = Vec::new();
    for _ in 0..40 {
        tickets.push(floor.delivery().await);
    }
    let taken = join_all(tickets.iter().map(|ticket| floor.change(*ticket, "open", Some(id_of(&asha)), false))).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 3);
    assert!(taken.iter().all(|taken| taken.as_ref().err().is_none_or(|fault| fault.violates(NO_PLACE))));
    floor.places_are_right().await;
}

/// TK31: places that are freed while others want them are given as often as they are freed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tickets_that_change_hands_crosswise_do_not_stand_in_each_others_way() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 100, ..somebody(department) }).await;
    let bina = floor.joins(StaffMemberEvent { capacity: 100, ..somebody(department) }).await;
    let mut tickets = Vec::new();
    for number in 0..20 {
        let ticket = floor.delivery().await;
        let first = if number % 2 == 0 { &asha } else { &bina };
        floor.change(ticket, "open", Some(id_of(first)), false).await.unwrap();
        tickets.push(ticket);
    }
    let swaps = tickets.iter().enumerate().map(|(number, ticket)| {
        let (floor, asha, bina) = (&floor, &asha, &bina);
        async move {
            for turn in 0..10 {
                let to = if (number + turn) % 2 == 0 { bina } else { asha };
                floor.change(*ticket, "open", Some(id_of(to)), false).await.unwrap();
            }
        }
    });
    join_all(swaps).await;
    floor.places_are_right().await;
    assert_eq!(floor.held().await.values().sum::<i64>(), 20);
}

/// TK35: a heavier ticket takes more of whoever has it, and what they have may become heavier.
#[tokio::test]
async fn tk35_places_are_counted_by_weight() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 4, ..somebody(department) }).await;
    let tickets = [floor.delivery().await, floor.delivery().await];
    let weigh = async |ticket: Uuid, weight: i32| {
        let statement = sqlx::query("update ticket set weight = $2 where id = $1").bind(ticket).bind(weight);
        statement.execute(&floor.database.owner).await.unwrap();
    };
    weigh(tickets[0], 3).await;
    floor.change(tickets[0], "open", Some(id_of(&asha)), false).await.unwrap();
    weigh(tickets[1], 2).await;
    let refused = floor.change(tickets[1], "open", Some(id_of(&asha)), false).await.unwrap_err();
    assert!(refused.violates(NO_PLACE));
    weigh(tickets[0], 2).await;
    floor.change(tickets[1], "open", Some(id_of(&asha)), false).await.unwrap();
    assert_eq!(floor.open_weight(&asha).await, 4);
    weigh(tickets[1], 5).await;
    assert_eq!(floor.open_weight(&asha).await, 7, "who has it keeps it");
    floor.change(tickets[1], "resolved", Some(id_of(&asha)), false).await.unwrap();
    assert_eq!(floor.open_weight(&asha).await, 2);
}
