//! Departments: writes, reads and what they leave behind.

use prost_types::FieldMask;
use seva_proto::{
    common::v1::{BusinessCalendar, ErrorReason, Translation},
    staff::v1::{
        Department, DepartmentEvent, GetDepartmentRequest, ListDepartmentsRequest, UpdateDepartmentRequest,
        department_service_server::DepartmentService,
    },
};
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::world::{World, a_department, call, is_refused, violations};

async fn update(world: &World, department: Department, paths: &[&str]) -> Result<Department, Status> {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let request = UpdateDepartmentRequest {
        department: Some(department),
        update_mask: Some(FieldMask { paths }),
        request_id: new_id().to_string(),
    };
    let answer = world.departments.update_department(call("UpdateDepartment", request)).await?;
    Ok(answer.into_inner().department.unwrap())
}

async fn get(world: &World, name: &str) -> Result<Department, Status> {
    let request = GetDepartmentRequest { name: name.to_owned() };
    Ok(world.departments.get_department(call("GetDepartment", request)).await?.into_inner().department.unwrap())
}

#[tokio::test]
async fn what_was_recorded_is_read_back_told_and_audited() {
    let world = World::new().await;
    let made = world.open(a_department("shipping", &["return", "delivery"])).await.unwrap();

    assert_eq!(get(&world, &made.name).await.unwrap(), made);
    assert_eq!((made.version, made.calendar_version), (1, 1));
    assert_eq!(made.ticket_kinds, ["delivery", "return"]);
    let [created] = &world.emitted().await[..] else { panic!("one event") };
    assert_eq!(
        (created.kind.as_str(), created.subject.as_str(), created.sequence),
        ("seva.staff.department.created.v1", made.name.as_str(), 1)
    );
    let expected = DepartmentEvent { department: Some(made), changed_fields: vec!["*".to_owned()] };
    assert_eq!(created.read::<DepartmentEvent>(), expected);
    assert_eq!(world.count("select count(*) from seva.audit where changed = '{*}'").await, 1);
}

#[tokio::test]
async fn every_fault_is_told_at_once_and_nothing_is_written() {
    let world = World::new().await;
    let title = |language: &str, text: &str| Translation { language: language.to_owned(), text: text.to_owned() };
    let wrong = Department {
        key: "Shipping!".to_owned(),
        titles: vec![title("en", ""), title("not a language", "Shipping")],
        calendar: Some(BusinessCalendar { zone: "Asia/Kolkata".to_owned(), ..BusinessCalendar::default() }),
        ticket_kinds: vec!["delivery".to_owned(), "Return".to_owned(), "delivery".to_owned()],
        email: "nowhere".to_owned(),
        phone: "12".to_owned(),
        web_page: "javascript:alert(1)".to_owned(),
        ..Department::default()
    };
    let refused = is_refused(world.open(wrong).await, ErrorReason::FieldsInvalid);

    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "department.calendar.intervals",
            "department.email",
            "department.key",
            "department.phone",
            "department.ticket_kinds[1]",
            "department.ticket_kinds[2]",
            "department.titles[0].text",
            "department.titles[1].language",
            "department.web_page",
        ]
    );
    assert_eq!(world.count("select count(*) from department").await, 0);
    assert_eq!(world.count("select count(*) from seva.outbox").await, 0);
}

#[tokio::test]
async fn a_key_and_a_kind_of_tickets_have_one_department() {
    let world = World::new().await;
    let shipping = world.open(a_department("shipping", &["delivery"])).await.unwrap();

    let same_key = is_refused(world.open(a_department("shipping", &["repair"])).await, ErrorReason::ResourceExists);
    assert!(same_key.message().contains("ST1") && same_key.code() == Code::AlreadyExists);
    let same_kind = is_refused(world.open(a_department("support", &["delivery"])).await, ErrorReason::ResourceExists);
    assert!(same_kind.message().contains("ST2"));

    let support = world.open(a_department("support", &["question"])).await.unwrap();
    let both = Department { ticket_kinds: vec!["question".to_owned(), "delivery".to_owned()], ..support.clone() };
    is_refused(update(&world, both.clone(), &["ticket_kinds"]).await, ErrorReason::ResourceExists);
    // Once the other has given it up it may be taken.
    update(&world, Department { ticket_kinds: Vec::new(), ..shipping }, &["ticket_kinds"]).await.unwrap();
    assert_eq!(update(&world, both, &["ticket_kinds"]).await.unwrap().ticket_kinds, ["delivery", "question"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_found_a_department_at_once_one_does() {
    let world = std::sync::Arc::new(World::new().await);
    let mut founders = JoinSet::new();
    for _ in 0..8 {
        let world = world.clone();
        founders.spawn(async move { world.open(a_department("shipping", &["delivery"])).await });
    }
    let answers = founders.join_all().await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    for refused in answers.into_iter().filter(Result::is_err) {
        is_refused(refused, ErrorReason::ResourceExists);
    }
    assert_eq!(world.count("select count(*) from department").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_from_eight_callers_has_one_effect_and_one_answer() {
    let world = std::sync::Arc::new(World::new().await);
    let request_id = new_id();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let world = world.clone();
        callers.spawn(async move {
            loop {
                match world.open_as(a_department("shipping", &["delivery"]), request_id).await {
                    // A twin is in flight; the caller tries again, as it is told.
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer.unwrap(),
                }
            }
        });
    }
    let answers = callers.join_all().await;

    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let other = world.open_as(a_department("repair", &["repair"]), request_id).await;
    is_refused(other, ErrorReason::RequestIdReused);
    assert_eq!(world.emitted().await.len(), 1);
}

#[tokio::test]
async fn a_new_calendar_counts_on_and_an_old_etag_is_refused() {
    let world = World::new().await;
    let made = world.open(a_department("shipping", &["delivery"])).await.unwrap();
    let mut calendar = made.calendar.clone().unwrap();
    calendar.intervals.pop();

    let changed = Department { calendar: Some(calendar), ..made.clone() };
    let updated = update(&world, changed.clone(), &["calendar", "key"]).await.unwrap();

    assert_eq!((updated.version, updated.calendar_version, updated.key.as_str()), (2, 2, "shipping"));
    is_refused(update(&world, changed, &["calendar"]).await, ErrorReason::EtagMismatch);
    let event: DepartmentEvent = world.emitted().await[1].read();
    assert_eq!((event.department.unwrap(), event.changed_fields), (updated, vec!["calendar".to_owned()]));
    let refused = update(&world, Department { etag: String::new(), ..made }, &["colour"]).await;
    assert_eq!(
        violations(&is_refused(refused, ErrorReason::FieldsInvalid)),
        [("update_mask.paths[0]".to_owned(), "MASK_PATH_UNKNOWN".to_owned())]
    );
}

#[tokio::test]
async fn the_list_pages_by_key_through_every_department_once() {
    let world = World::new().await;
    for key in ["support", "billing", "shipping", "repair", "quality"] {
        world.open(a_department(key, &[])).await.unwrap();
    }
    let (mut keys, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListDepartmentsRequest { page_size: 2, page_token };
        let page = world.departments.list_departments(call("ListDepartments", request)).await.unwrap().into_inner();
        keys.extend(page.departments.into_iter().map(|department| department.key));
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    assert_eq!(keys, ["billing", "quality", "repair", "shipping", "support"]);
    let other = ListDepartmentsRequest { page_size: 2, page_token: "made up".to_owned() };
    let refused = world.departments.list_departments(call("ListDepartments", other)).await;
    is_refused(refused, ErrorReason::PageTokenInvalid);
}

#[tokio::test]
async fn a_department_that_is_not_there_is_not_found() {
    let world = World::new().await;
    let name = format!("departments/{}", new_id());
    is_refused(get(&world, &name).await, ErrorReason::ResourceNotFound);
    is_refused(get(&world, "departments/shipping").await, ErrorReason::FieldsInvalid);
    let unknown = Department { name, ..a_department("shipping", &[]) };
    is_refused(update(&world, unknown, &["email"]).await, ErrorReason::ResourceNotFound);
}
