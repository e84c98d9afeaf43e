//! Staff members: writes, reads and what they leave behind.

use prost_types::FieldMask;
use seva_proto::{
    common::v1::ErrorReason,
    staff::v1::{
        EndServiceRequest, GetStaffMemberRequest, ListStaffMembersRequest, SetPresenceRequest, Shifts, StaffMember,
        StaffMemberEvent, StaffMemberFilter, UpdateStaffMemberRequest,
        authority_limit::Kind,
        staff_member::{Presence, Role, State},
        staff_member_service_server::StaffMemberService,
    },
};
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::Status;
use tonic_types::StatusExt;

use crate::world::{World, a_department, call, call_by, is_refused, limit, somebody, violations};

async fn get(world: &World, name: &str) -> Result<StaffMember, Status> {
    let request = GetStaffMemberRequest { name: name.to_owned() };
    Ok(world.members.get_staff_member(call("GetStaffMember", request)).await?.into_inner().staff_member.unwrap())
}

async fn update(world: &World, member: StaffMember, paths: &[&str]) -> Result<StaffMember, Status> {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let request = UpdateStaffMemberRequest {
        staff_member: Some(member),
        update_mask: Some(FieldMask { paths }),
        request_id: new_id().to_string(),
    };
    let answer = world.members.update_staff_member(call("UpdateStaffMember", request)).await?;
    Ok(answer.into_inner().staff_member.unwrap())
}

async fn set_presence(
    world: &World,
    (subject, scopes): (&str, &[&str]),
    name: &str,
    presence: Presence,
) -> Result<StaffMember, Status> {
    let request =
        SetPresenceRequest { name: name.to_owned(), presence: presence.into(), request_id: new_id().to_string() };
    let answer = world.members.set_presence(call_by(subject, scopes, "SetPresence", request)).await?;
    Ok(answer.into_inner().staff_member.unwrap())
}

async fn leave(world: &World, name: &str) -> Result<StaffMember, Status> {
    let request = EndServiceRequest { name: name.to_owned(), etag: String::new(), request_id: new_id().to_string() };
    Ok(world.members.end_service(call("EndService", request)).await?.into_inner().staff_member.unwrap())
}

/// A department, and one member of it.
async fn one() -> (World, StaffMember) {
    let world = World::new().await;
    let department = world.open(a_department("shipping", &["delivery"])).await.unwrap();
    let member = world.hire(somebody("radha", &department.name)).await.unwrap();
    (world, member)
}

#[tokio::test]
async fn what_was_recorded_is_read_back_and_told_without_the_name() {
    let (world, member) = one().await;

    assert_eq!(get(&world, &member.name).await.unwrap(), member);
    assert!(member.on_shift && member.handbook_current, "Monday, 14:30 in Kolkata");
    assert_eq!((member.presence(), member.state()), (Presence::Away, State::Active));
    let emitted = world.emitted().await;
    let created = &emitted[1];
    assert_eq!((created.kind.as_str(), created.sequence), ("seva.staff.staff_member.created.v1", 1));
    let event: StaffMemberEvent = created.read();
    assert_eq!((event.staff_member.as_str(), event.user.as_str()), (member.name.as_str(), "radha"));
    let expected = StaffMemberEvent {
        staff_member: member.name.clone(),
        user: "radha".to_owned(),
        role: Role::Agent.into(),
        department: member.department.clone(),
        languages: member.languages.clone(),
        skills: member.skills.clone(),
        shifts: member.shifts.clone(),
        presence: Presence::Away.into(),
        capacity: 5,
        authority_limits: vec![limit(Kind::Refund, 50_000, "INR"), limit(Kind::Coupon, 500, "INR")],
        state: State::Active.into(),
        handbook_current: true,
        version: 1,
        changed_fields: vec!["*".to_owned()],
    };
    assert_eq!(event, expected);
    // ST8
    for table in ["seva.outbox", "seva.audit"] {
        let sql =
            format!("select count(*) from {table} t where t::text like '%राधा%' or t::text like '%' || $1 || '%'");
        let in_hex: String = "राधा".bytes().map(|byte| format!("{byte:02x}")).collect();
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(in_hex).fetch_one(&world.database.owner).await.unwrap();
        assert_eq!(found, 0, "a name is in {table}");
    }
}

#[tokio::test]
async fn on_shift_is_of_the_moment_of_the_answer() {
    let (world, member) = one().await;
    assert!(get(&world, &member.name).await.unwrap().on_shift);
    // 17:00 in Kolkata is 11:30 in UTC.
    world.pass(2 * 3600 + 1800 - 1);
    assert!(get(&world, &member.name).await.unwrap().on_shift);
    world.pass(1);
    assert!(!get(&world, &member.name).await.unwrap().on_shift);
    // On Wednesday she is on leave; on Thursday at the same time she works.
    world.pass(2 * 86_400 - 3 * 3600);
    assert!(!get(&world, &member.name).await.unwrap().on_shift, "on leave");
    world.pass(86_400);
    assert!(get(&world, &member.name).await.unwrap().on_shift);
}

/// Every change is a state event that names what it touched.
#[tokio::test]
async fn each_field_can_be_changed_and_is_told_with_the_whole_state() {
    let (world, member) = one().await;
    let other = world.open(a_department("support", &["question"])).await.unwrap();
    let mut shifts = member.shifts.clone().unwrap();
    shifts.exceptions.clear();
    let wanted = StaffMember {
        given_name: "मीरा".to_owned(),
        family_name: "राव".to_owned(),
        role: Role::Lead.into(),
        department: other.name.clone(),
        languages: vec!["ur".to_owned()],
        skills: vec!["question".to_owned(), "repair".to_owned()],
        shifts: Some(shifts),
        capacity: 9,
        authority_limits: vec![limit(Kind::Gift, 100, "EUR")],
        ..member.clone()
    };
    for field in [
        "given_name",
        "family_name",
        "role",
        "department",
        "languages",
        "skills",
        "shifts",
        "capacity",
        "authority_limits",
    ] {
        let wanted = StaffMember { etag: String::new(), ..wanted.clone() };
        update(&world, wanted, &[field]).await.unwrap();
        let emitted = world.emitted().await;
        let last = emitted.last().unwrap();
        let event: StaffMemberEvent = last.read();
        assert_eq!((last.kind.as_str(), event.version), ("seva.staff.staff_member.updated.v1", last.sequence));
        assert_eq!(event.changed_fields, [field]);
    }
    let now = get(&world, &member.name).await.unwrap();
    let expected = StaffMember {
        version: 10,
        etag: "\"v10\"".to_owned(),
        update_time: now.update_time,
        // Without the leave, and at an hour at which the others work.
        on_shift: now.on_shift,
        ..wanted
    };
    assert_eq!(now, expected);
    let event: StaffMemberEvent = world.emitted().await.last().unwrap().read();
    assert_eq!((event.role(), event.capacity, event.department), (Role::Lead, 9, other.name));
    assert_eq!((event.authority_limits, event.languages), (now.authority_limits, vec!["ur".to_owned()]));
}

/// ST7
#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = World::new().await;
    let wrong = StaffMember {
        given_name: "a\nb".to_owned(),
        user: " ".to_owned(),
        role: 42,
        department: "departments/shipping".to_owned(),
        languages: vec!["hi".to_owned(), "hi".to_owned()],
        skills: vec!["Delivery".to_owned()],
        shifts: Some(Shifts { zone: "Asia/Nowhere".to_owned(), ..Shifts::default() }),
        capacity: -1,
        presence: 42,
        authority_limits: vec![
            limit(Kind::Coupon, 500, "INR"),
            limit(Kind::Coupon, 900, "INR"),
            limit(Kind::Refund, -1, "INR"),
            limit(Kind::Unspecified, 1, "XXX"),
        ],
        ..StaffMember::default()
    };
    let refused = is_refused(world.hire(wrong).await, ErrorReason::FieldsInvalid);
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "staff_member.authority_limits[1]",
            "staff_member.authority_limits[2].per_grant.minor_units",
            "staff_member.authority_limits[3].kind",
            "staff_member.authority_limits[3].per_grant.currency",
            "staff_member.capacity",
            "staff_member.department",
            "staff_member.given_name",
            "staff_member.languages[1]",
            "staff_member.presence",
            "staff_member.role",
            "staff_member.shifts.zone",
            "staff_member.skills[0]",
            "staff_member.user",
        ]
    );
}

#[tokio::test]
async fn a_department_that_is_not_there_takes_nobody() {
    let world = World::new().await;
    let name = format!("departments/{}", new_id());
    let refused = is_refused(world.hire(somebody("radha", &name)).await, ErrorReason::ResourceNotFound);
    assert!(refused.message().contains(&name) || refused.get_error_details().error_info().is_some());
    assert_eq!(world.count("select count(*) from seva.outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_one_member_however_many_record_them_at_once() {
    let world = std::sync::Arc::new(World::new().await);
    let department = world.open(a_department("shipping", &[])).await.unwrap().name;
    let mut hires = JoinSet::new();
    for _ in 0..8 {
        let (world, department) = (world.clone(), department.clone());
        hires.spawn(async move { world.hire(somebody("radha", &department)).await });
    }
    let answers = hires.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "ST3: {answers:?}");
    for refused in answers.into_iter().filter(Result::is_err) {
        is_refused(refused, ErrorReason::ResourceExists);
    }
}

#[tokio::test]
async fn a_change_touches_what_the_mask_names() {
    let (world, member) = one().await;
    let other = world.open(a_department("support", &["question"])).await.unwrap();
    let wanted = StaffMember {
        department: other.name.clone(),
        capacity: 9,
        role: Role::Lead.into(),
        given_name: String::new(),
        ..member.clone()
    };
    let updated = update(&world, wanted, &["department", "capacity"]).await.unwrap();

    let expected = StaffMember {
        department: other.name,
        capacity: 9,
        version: 2,
        etag: "\"v2\"".to_owned(),
        update_time: updated.update_time,
        ..member.clone()
    };
    assert_eq!(updated, expected);
    is_refused(update(&world, StaffMember { capacity: 1, ..member }, &["capacity"]).await, ErrorReason::EtagMismatch);
}

#[tokio::test]
async fn a_person_speaks_for_themselves_and_who_leads_for_all() {
    let (world, member) = one().await;
    let own = ("user:radha", &["presence.own"][..]);

    let there = set_presence(&world, own, &member.name, Presence::Present).await.unwrap();
    assert_eq!(there.presence(), Presence::Present);
    let other = set_presence(&world, ("user:mira", &["presence.own"]), &member.name, Presence::Away).await;
    assert!(is_refused(other, ErrorReason::ResourceForbidden).message().contains("ST6"));
    let by_lead = ("user:mira", &["presence.own", "presence.write"][..]);
    let away = set_presence(&world, by_lead, &member.name, Presence::Away).await.unwrap();
    assert_eq!((away.presence(), away.version), (Presence::Away, 3));

    let kinds: Vec<String> = world.emitted().await.into_iter().skip(1).map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            "seva.staff.staff_member.created.v1",
            "seva.staff.staff_member.presence_changed.v1",
            "seva.staff.staff_member.presence_changed.v1",
        ]
    );
    let nowhere = set_presence(&world, own, &member.name, Presence::Unspecified).await;
    is_refused(nowhere, ErrorReason::FieldsInvalid);
}

#[tokio::test]
async fn whoever_has_left_is_away_for_good_and_may_come_back_as_somebody_new() {
    let (world, member) = one().await;
    set_presence(&world, ("user:radha", &["presence.own"]), &member.name, Presence::Present).await.unwrap();

    let gone = leave(&world, &member.name).await.unwrap();

    assert_eq!((gone.state(), gone.presence(), gone.on_shift), (State::Left, Presence::Away, false));
    let last: StaffMemberEvent = world.emitted().await.pop().unwrap().read();
    assert_eq!((last.state(), last.version), (State::Left, 3));
    let refused = is_refused(leave(&world, &member.name).await, ErrorReason::StateForbids);
    let failure = refused.get_error_details().precondition_failure().cloned().unwrap();
    assert_eq!(failure.violations[0].r#type, "ST4");
    let back = set_presence(&world, ("user:radha", &["presence.own"]), &member.name, Presence::Present).await;
    is_refused(back, ErrorReason::StateForbids);

    let new = world.hire(somebody("radha", &member.department)).await.unwrap();
    assert_ne!(new.name, member.name);
}

#[tokio::test]
async fn lists_answer_who_fits_every_condition_once() {
    let world = World::new().await;
    let shipping = world.open(a_department("shipping", &["delivery"])).await.unwrap().name;
    let support = world.open(a_department("support", &["question"])).await.unwrap().name;
    for (user, department, language, skill) in [
        ("a", &shipping, "hi", "delivery"),
        ("b", &shipping, "en", "delivery"),
        ("c", &support, "hi", "question"),
        ("d", &shipping, "ur", "customs"),
        ("e", &shipping, "hi", "delivery"),
    ] {
        let member = StaffMember {
            languages: vec![language.to_owned()],
            skills: vec![skill.to_owned()],
            ..somebody(user, department)
        };
        world.hire(member).await.unwrap();
        world.pass(1);
    }
    let all = StaffMemberFilter::default();
    for (filter, expected) in [
        (all.clone(), "abcde"),
        (StaffMemberFilter { department: shipping.clone(), ..all.clone() }, "abde"),
        (StaffMemberFilter { skill: "delivery".to_owned(), ..all.clone() }, "abe"),
        // Whoever serves in a wider language serves in this one.
        (StaffMemberFilter { language: "hi-IN".to_owned(), ..all.clone() }, "ace"),
        (
            StaffMemberFilter {
                department: shipping,
                language: "hi".to_owned(),
                state: State::Active.into(),
                presence: Presence::Away.into(),
                skill: "delivery".to_owned(),
            },
            "ae",
        ),
        (StaffMemberFilter { presence: Presence::Present.into(), ..all.clone() }, ""),
    ] {
        for (order_by, reversed) in [("", false), ("create_time desc", true)] {
            let (mut users, mut page_token) = (String::new(), String::new());
            loop {
                let request = ListStaffMembersRequest {
                    page_size: 2,
                    page_token,
                    order_by: order_by.to_owned(),
                    filter: Some(filter.clone()),
                };
                let page = world.members.list_staff_members(call("ListStaffMembers", request)).await.unwrap();
                let page = page.into_inner();
                users.extend(page.staff_members.iter().map(|member| member.user.as_str()));
                if page.next_page_token.is_empty() {
                    break;
                }
                page_token = page.next_page_token;
            }
            let expected: String = if reversed { expected.chars().rev().collect() } else { expected.to_owned() };
            assert_eq!(users, expected, "{filter:?} {order_by}");
        }
    }
    let wrong = ListStaffMembersRequest { order_by: "family_name".to_owned(), ..ListStaffMembersRequest::default() };
    let refused = world.members.list_staff_members(call("ListStaffMembers", wrong)).await;
    is_refused(refused, ErrorReason::FieldsInvalid);
}
