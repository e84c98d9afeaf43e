//! What is kept of who serves, and for whom the queue is looked through because of it.

use jiff::Timestamp;
use seva_proto::staff::v1::{DepartmentEvent, StaffMemberEvent, staff_member::Presence};
use seva_tickets::{
    clock::{self, Kind as Clock},
    roster::store,
    ticket::{Kind, Priority},
};
use seva_values::new_id;

use crate::floor::{Floor, NOON, a_department, at, event, id_of, shifts, somebody};

const MEMBER_UPDATED: &str = "seva.staff.staff_member.updated.v1";

/// Members for whom the queue is looked through at once.
async fn offered(floor: &Floor) -> Vec<uuid::Uuid> {
    let sql = "select id from staff_member where offer_at = 'epoch' order by id";
    sqlx::query_scalar(sql).fetch_all(&floor.database.owner).await.unwrap()
}

fn ids(members: &[&StaffMemberEvent]) -> Vec<uuid::Uuid> {
    let mut ids: Vec<_> = members.iter().map(|member| id_of(member)).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn an_older_state_does_not_overwrite_a_newer_one_and_places_are_kept() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let asha = floor.joins(StaffMemberEvent { capacity: 5, ..somebody(department) }).await;
    floor.delivery().await;
    floor.route().await;
    let told = |sequence, capacity| {
        let state = StaffMemberEvent { capacity, ..asha.clone() };
        event("//staff", MEMBER_UPDATED, &asha.staff_member, sequence, &state)
    };
    // Newest first, and the cursor set back.
    floor.hear(&floor.roster, &[told(9, 9), told(8, 8)]).await.unwrap();
    floor.hear(&floor.roster, &[told(7, 7), told(8, 8)]).await.unwrap();

    let known = store::find(&floor.database.owner, &[id_of(&asha)]).await.unwrap().pop().unwrap();
    assert_eq!((known.sequence, known.capacity, known.open_weight), (9, 9, 1));
    assert_eq!(known.last_assignment, 1);
    let of_user = store::member_of_user(&floor.database.owner, &asha.user).await.unwrap();
    assert_eq!(of_user, Some(id_of(&asha)));
    assert_eq!(store::member_of_user(&floor.database.owner, "user:nobody").await.unwrap(), None);
}

#[tokio::test]
async fn every_version_of_a_calendar_is_kept_and_a_clock_keeps_to_the_one_it_started_with() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let before = floor.delivery().await;
    let mut changed = a_department(department, 2, &["delivery"]);
    changed.calendar.as_mut().unwrap().intervals = crate::floor::daily("09:00", "13:00");
    floor.department_says(changed).await;
    let after = floor.delivery().await;

    let clocks = clock::store::load(&floor.database.owner, &[before, after]).await.unwrap();
    let due = |ticket| {
        let clock = clocks[&ticket].get(Clock::ResolutionFirst).unwrap();
        (clock.calendar.department(), clock.calendar.version(), clock.due_at)
    };
    assert_eq!(due(before), (Some(department), 1, at("2026-03-02T10:30:00Z")));
    // One hour of the day is left, three are worked the day after.
    assert_eq!(due(after), (Some(department), 2, at("2026-03-03T06:30:00Z")));
    assert_eq!(floor.count("select count(*) from department_calendar").await, 2);
}

#[tokio::test]
async fn a_ticket_without_a_department_is_looked_at_when_one_takes_its_kind() {
    let floor = Floor::new().await;
    let ticket = floor.ticket(Kind::Billing, Priority::Normal, "en").await;
    floor.route().await;
    assert_eq!(floor.waits(ticket).await, ("no_department".to_owned(), None));

    let department = floor.department(&["billing"]).await;
    let asha = floor.joins(StaffMemberEvent { skills: vec!["billing".to_owned()], ..somebody(department) }).await;
    floor.route().await;
    assert_eq!(floor.assignee(ticket).await, Some(id_of(&asha)));
    let found = store::department_of_kind(&floor.database.owner, Kind::Billing).await.unwrap().unwrap();
    assert_eq!((found.0, found.1.version()), (department, 1));
    assert!(store::department_of_kind(&floor.database.owner, Kind::Repair).await.unwrap().is_none());
}

#[tokio::test]
async fn the_queue_is_looked_through_for_all_of_a_department_when_a_member_changes_and_for_one_when_they_come() {
    let floor = Floor::new().await;
    let (shipping, billing) = (floor.department(&["delivery"]).await, floor.department(&["billing"]).await);
    let asha = floor.joins(somebody(shipping)).await;
    let bina = floor.joins(somebody(shipping)).await;
    let chand = floor.joins(somebody(billing)).await;
    floor.route().await;
    assert!(offered(&floor).await.is_empty());

    floor.presence_says(&StaffMemberEvent { presence: Presence::Away.into(), ..asha.clone() }).await;
    assert_eq!(offered(&floor).await, ids(&[&asha]));
    floor.route().await;

    floor.member_says(&StaffMemberEvent { languages: vec!["bn".to_owned()], ..asha.clone() }).await;
    assert_eq!(offered(&floor).await, ids(&[&asha, &bina]));
    floor.route().await;

    // Who moves leaves a department behind and comes to another.
    floor.member_says(&StaffMemberEvent { department: format!("departments/{billing}"), ..asha.clone() }).await;
    assert_eq!(offered(&floor).await, ids(&[&asha, &bina, &chand]));
    floor.route().await;
    let next: Option<jiff_sqlx::Timestamp> =
        sqlx::query_scalar("select max(offer_at) from staff_member").fetch_one(&floor.database.owner).await.unwrap();
    assert_eq!(next.map(jiff_sqlx::Timestamp::to_jiff), None::<Timestamp>);
}

#[tokio::test]
async fn who_is_not_on_shift_is_offered_the_queue_at_the_start_of_the_next() {
    let floor = Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    floor.joins(StaffMemberEvent { shifts: shifts("20:00", "22:00"), ..somebody(department) }).await;
    floor.route().await;
    let next: jiff_sqlx::Timestamp =
        sqlx::query_scalar("select offer_at from staff_member").fetch_one(&floor.database.owner).await.unwrap();
    assert_eq!(next.to_jiff(), at("2026-03-02T14:30:00Z"));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_permanent_fault_and_other_types_say_nothing() {
    let floor = Floor::new().await;
    let broken = StaffMemberEvent { languages: vec!["?".to_owned()], ..somebody(new_id()) };
    let unreadable = [
        event("//staff", MEMBER_UPDATED, &broken.staff_member, 1, &broken),
        event("//staff", "seva.staff.department.created.v1", "departments/1", 1, &DepartmentEvent::default()),
    ];
    for event in unreadable {
        assert!(floor.hear(&floor.roster, &[event]).await.unwrap_err().is_permanent());
    }
    let other = event("//staff", "seva.staff.idea.submitted.v1", "ideas/1", 1, &broken);
    floor.hear(&floor.roster, &[other]).await.unwrap();
    assert_eq!(floor.count("select count(*) from staff_member").await, 0);
    assert_eq!(floor.now(), at(NOON));
}
