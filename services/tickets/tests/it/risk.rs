//! What counts for a ticket's risk, and when.

use std::time::{Duration, Instant};

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    staff::v1::StaffMemberEvent,
    surveys::v1::{LoopCase, LoopCaseEvent},
    tickets::v1::{
        AssignTicketRequest, CountViewsRequest, CreateRiskPolicyRequest, CreateViewRequest, GetRiskPolicyRequest,
        ListRiskAssessmentsRequest, ListRiskPoliciesRequest, ListTicketsRequest, RiskAssessment, RiskAssessmentFilter,
        RiskLevel, RiskPolicy, RiskWeight, TicketFilter, View, WatchTicketsRequest, message, risk_reason::Kind,
        risk_service_client::RiskServiceClient, view_service_client::ViewServiceClient,
        watch_service_client::WatchServiceClient,
    },
};
use seva_store::due::{BATCH, Bell, DueWork};
use seva_tickets::ticket::{Kind as TicketKind, Priority};
use seva_values::{format_name, new_id};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    desk::{Desk, reasons},
    world::{a_ticket, is_refused},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_said_of_us_counts_for_their_other_tickets_too_and_leaves_with_time() {
    let desk = Desk::new().await;
    let customer = desk.world.customer("en").await;
    let ticket = desk.ticket_of(customer).await;
    let case = LoopCase {
        customer: format_name("customers", customer),
        response: format_name("responses", new_id()),
        question_id: "overall".to_owned(),
        score: 1,
        ..LoopCase::default()
    };
    let event = LoopCaseEvent { loop_case: Some(case), ..LoopCaseEvent::default() };
    let subject = format_name("loopCases", new_id());
    desk.world.surveys.tells("seva.surveys.loop_case.opened.v1", &subject, desk.world.now(), &event).await;
    let counts = |risk: &RiskAssessment| reasons(risk).contains(&(Kind::LowScore, 1));
    let risk = desk.risk_is(&ticket, "the low score counts", counts).await;
    assert!(risk.look_again_time.is_some());
    let listed = ListRiskAssessmentsRequest {
        filter: Some(RiskAssessmentFilter { level: risk.level }),
        ..ListRiskAssessmentsRequest::default()
    };
    let listed = desk.risks().list_risk_assessments(listed).await.unwrap().into_inner().risk_assessments;
    assert!(listed.iter().any(|one| one.ticket == ticket));
    assert!(listed.is_sorted_by(|one, next| one.score >= next.score));
    desk.world.pass(31 * 24);
    desk.risk_is(&ticket, "it is long ago", |risk| !counts(risk)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_and_says_nothing_until_it_goes_back_counts() {
    let desk = Desk::new().await;
    let customer = desk.world.customer("en").await;
    let ticket = desk.world.create(a_ticket(customer)).await.unwrap().name;
    desk.world.assigned(&ticket).await;
    assert_eq!(reasons(&desk.assessed(&ticket).await), []);
    desk.world.pass(2);
    desk.risk_is(&ticket, "the silence counts", |risk| reasons(risk).contains(&(Kind::SilentAssignee, 1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_goes_from_hand_to_hand_counts() {
    let desk = Desk::new().await;
    let ticket = desk.ticket().await;
    let mina = desk.world.member("mina", &desk.department, &["en"], 5).await;
    for assignee in [&mina, &mina, &desk.radha, &mina] {
        let request = AssignTicketRequest {
            name: ticket.clone(),
            assignee: assignee.clone(),
            request_id: new_id().to_string(),
            ..AssignTicketRequest::default()
        };
        desk.world.tickets().assign_ticket(request).await.unwrap();
    }
    let risk = desk.assessed(&ticket).await;
    assert!(reasons(&risk).contains(&(Kind::Reassigned, 3)), "{risk:?}");
}

/// TK118: whole words, in the languages that are spoken here, and only the customer's.
#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_whole_and_only_in_what_the_customer_said() {
    let desk = Desk::new().await;
    let cases = [
        ("I will call my LAWYER!", true),
        ("the lawyer's letter", true),
        ("«fire»\nand water", true),
        ("there was (fire), and", true),
        ("It was a courteous answer about a courtyard.", false),
        ("मैं अपने वकील से बात करूँगा।", true),
        ("ज\u{93c}हर", true),
        ("मैं खुश हूँ।", false),
        ("আমি আদালতে যাব।", true),
        ("ধন\u{9cd}যবাদ", false),
        ("میں وکیل سے بات کروں گا۔", true),
        ("شکریہ", false),
        ("", false),
    ];
    for (text, expected) in cases {
        let found: bool = sqlx::query_scalar("select is_alarming($1)")
            .bind(text)
            .fetch_one(&desk.world.database.owner)
            .await
            .unwrap();
        assert_eq!(found, expected, "{text}");
    }
    let ticket = desk.ticket().await;
    desk.says(&ticket, message::Author::Staff, "Our lawyer has looked at it.").await;
    assert_eq!(reasons(&desk.assessed(&ticket).await), []);
    let stated = seva_proto::tickets::v1::Ticket {
        stated_problem: "The charger caught fire.".to_owned(),
        ..a_ticket(desk.world.customer("en").await)
    };
    let stated = desk.world.create(stated).await.unwrap().name;
    desk.comes_to(&stated, RiskLevel::High).await;
}

/// What the words cost the calls: `cargo test -p seva-tickets --test it -- --ignored risk:: --nocapture`, as the next one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure"]
async fn figure_of_the_words() {
    let desk = Desk::new().await;
    let pool = &desk.world.database.owner;
    let customer = desk.world.customer("en").await;
    let mut spent = [Duration::ZERO; 2];
    for round in 0..20 {
        let with = round % 2;
        let able = [
            "alter table ticket disable trigger ticket_risk_words",
            "alter table ticket enable trigger ticket_risk_words",
        ];
        sqlx::raw_sql(able[with]).execute(pool).await.unwrap();
        let started = Instant::now();
        for _ in 0..100 {
            desk.world.create(a_ticket(customer)).await.unwrap();
        }
        // The first two warm up.
        spent[with] += if round < 2 { Duration::ZERO } else { started.elapsed() };
    }
    println!("CreateTicket: {:?} without the words, {:?} with them", spent[0] / 900, spent[1] / 900);
}

/// How fast tickets are assessed: each with three messages, three clocks, and an assignee.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure"]
async fn figure_of_assessments() {
    let floor = crate::floor::Floor::new().await;
    let department = floor.department(&["delivery"]).await;
    let member = crate::floor::somebody(department);
    floor.joins(StaffMemberEvent { capacity: 20_000, ..member }).await;
    floor.tickets(10_000, TicketKind::Delivery, Priority::Normal, "en").await;
    floor.route().await;
    for statement in [
        "insert into message (ticket_id, id, visibility, author, medium, text, created_at)
         select id, gen_random_uuid(), 'public', case n when 2 then 'staff' else 'customer' end, 'text', 'Where is it?', created_at
         from ticket, generate_series(1, 3) as n",
        "insert into risk_assessment (id, version, score, level, reasons, policy_version, assessed_at, look_at)
         select id, 0, 0, 'low', '[]', 1, created_at, created_at from ticket",
        "vacuum analyze",
    ] {
        sqlx::raw_sql(statement).execute(&floor.database.owner).await.unwrap();
    }
    let looks = seva_tickets::risk::Looks::new(floor.database.db.clone(), Bell::default());
    for round in ["nothing has changed", "a clock is half over, and it is told"] {
        let (started, mut count) = (Instant::now(), 0);
        loop {
            match looks.run_batch(floor.now(), BATCH).await.unwrap() {
                0 => break,
                some => count += some,
            }
        }
        let rate = f64::from(u32::try_from(count).unwrap()) / started.elapsed().as_secs_f64();
        println!("{count} tickets assessed, {round}: {rate:.0} in a second");
        sqlx::raw_sql("update clock set warned = 50; update risk_assessment set look_at = assessed_at")
            .execute(&floor.database.owner)
            .await
            .unwrap();
    }
}

/// Whoever has an eye on what may go wrong lists it, and keeps the list as a view.
#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_listed_by_their_risk_and_a_view_keeps_that_filter() {
    let desk = Desk::new().await;
    let (calm, harmed) = (desk.ticket().await, desk.ticket().await);
    desk.says(&harmed, message::Author::Customer, "I will call my lawyer.").await;
    let risk = desk.assessed(&harmed).await;
    assert_eq!(risk.level(), RiskLevel::High);
    let filter = |levels: &[RiskLevel]| TicketFilter {
        risk_levels: levels.iter().map(|level| (*level).into()).collect(),
        ..TicketFilter::default()
    };
    let listed = async |filter: TicketFilter, order_by: &str| {
        let request =
            ListTicketsRequest { filter: Some(filter), order_by: order_by.to_owned(), ..ListTicketsRequest::default() };
        let tickets = desk.world.tickets().list_tickets(request).await.unwrap().into_inner().tickets;
        tickets.into_iter().map(|ticket| ticket.name).collect::<Vec<_>>()
    };
    for order in ["create_time", "update_time desc", "next_due_time"] {
        assert_eq!(listed(filter(&[RiskLevel::High, RiskLevel::Critical]), order).await, [harmed.as_str()], "{order}");
        assert_eq!(listed(filter(&[RiskLevel::Low]), order).await, [calm.as_str()], "{order}");
        assert_eq!(listed(filter(&[RiskLevel::Low, RiskLevel::High]), order).await.len(), 2, "{order}");
    }
    let of_department = TicketFilter { department: desk.department.clone(), ..filter(&[RiskLevel::High]) };
    assert_eq!(listed(of_department, "").await, [harmed.as_str()]);
    assert_eq!(listed(filter(&[RiskLevel::Critical]), "").await, Vec::<String>::new());

    let mut views = ViewServiceClient::new(desk.world.server.as_role("lead"));
    let view = View {
        titles: vec![Translation { language: "en".to_owned(), text: "May go wrong".to_owned() }],
        filter: Some(filter(&[RiskLevel::High, RiskLevel::Critical])),
        ..View::default()
    };
    let request = CreateViewRequest { view: Some(view), request_id: new_id().to_string() };
    let view = views.create_view(request).await.unwrap().into_inner().view.unwrap();
    assert_eq!(view.filter.clone().unwrap().risk_levels, [3, 4]);
    let counted = views.count_views(CountViewsRequest { names: vec![view.name.clone()] }).await.unwrap().into_inner();
    assert_eq!(counted.counts[0].tickets, 1);

    // Its events do not tell a ticket's risk, so a watch that asked for it would be told too little.
    let mut watches = WatchServiceClient::new(desk.world.server.as_role("lead"));
    for request in [
        WatchTicketsRequest { filter: Some(filter(&[RiskLevel::High])), ..WatchTicketsRequest::default() },
        WatchTicketsRequest { saved_view: view.name, ..WatchTicketsRequest::default() },
    ] {
        let refused = watches.watch_tickets(request).await.map(drop);
        assert_eq!(is_refused(refused, ErrorReason::FieldsInvalid).code(), Code::InvalidArgument);
    }
}

fn weight(kind: Kind, at_least: i64, weight: i32) -> RiskWeight {
    RiskWeight { kind: kind.into(), at_least, weight }
}

fn a_policy(weights: Vec<RiskWeight>) -> RiskPolicy {
    RiskPolicy {
        elevated_from: 10,
        high_from: 20,
        critical_from: 30,
        acknowledge_minutes: 45,
        acknowledge_critical_minutes: 15,
        weights,
        ..RiskPolicy::default()
    }
}

fn create(policy: RiskPolicy, previous_version: i32) -> CreateRiskPolicyRequest {
    CreateRiskPolicyRequest { risk_policy: Some(policy), previous_version, request_id: new_id().to_string() }
}

/// TK150
#[tokio::test(flavor = "multi_thread")]
async fn tk150_a_manager_puts_weights_into_force_and_tickets_are_assessed_by_them_at_their_next_look() {
    let desk = Desk::new().await;
    let ticket = desk.ticket().await;
    for text in ["Hello?", "Anybody?", "Still nothing."] {
        desk.says(&ticket, message::Author::Customer, text).await;
    }
    let before = desk.assessed(&ticket).await;
    assert_eq!((before.score, before.policy_version), (20, 1), "{before:?}");

    let mut managers = RiskServiceClient::new(desk.world.server.as_role("manager"));
    let request = create(a_policy(vec![weight(Kind::Contacts, 2, 25), weight(Kind::Contacts, 1, 5)]), 1);
    let made = managers.create_risk_policy(request.clone()).await.unwrap().into_inner().risk_policy.unwrap();
    assert_eq!((made.version, made.create_time.is_some()), (2, true));
    assert_eq!(made.weights, [weight(Kind::Contacts, 1, 5), weight(Kind::Contacts, 2, 25)], "in order");
    let again = managers.create_risk_policy(request).await.unwrap().into_inner().risk_policy.unwrap();
    assert_eq!(again, made, "the same request again");
    let stale = managers.create_risk_policy(create(a_policy(made.weights.clone()), 1)).await;
    let details = is_refused(stale, ErrorReason::EtagMismatch).get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["current_version"], "2");
    assert!(details.retry_info().is_none(), "the same again is refused again");

    assert_eq!(desk.risk(&ticket).await, before, "until something happens to it, or it is looked at");
    let after = desk.assessed(&ticket).await;
    assert_eq!((after.score, after.level(), after.policy_version), (25, RiskLevel::High, 2), "{after:?}");
    assert!(desk.escalation(&ticket).await.is_some(), "TK110 holds by the new version");

    let get = |name: &str| GetRiskPolicyRequest { name: name.to_owned() };
    let newest = desk.risks().get_risk_policy(get("")).await.unwrap().into_inner().risk_policy.unwrap();
    assert_eq!(newest, made);
    let by_name = desk.risks().get_risk_policy(get(&made.name)).await.unwrap().into_inner().risk_policy.unwrap();
    assert_eq!(by_name, made);
    is_refused(
        desk.risks().get_risk_policy(get(&format_name("riskPolicies", new_id()))).await,
        ErrorReason::ResourceNotFound,
    );
    let page = |page_token| ListRiskPoliciesRequest { page_size: 1, page_token };
    let first = desk.risks().list_risk_policies(page(String::new())).await.unwrap().into_inner();
    let second = desk.risks().list_risk_policies(page(first.next_page_token.clone())).await.unwrap().into_inner();
    let versions = [&first, &second].map(|page| (page.risk_policies[0].version, page.risk_policies[0].weights.len()));
    assert_eq!((versions, second.next_page_token.as_str()), ([(2, 2), (1, 11)], ""));
    assert_eq!(second.risk_policies[0].create_time, None, "it came with the service");
    let told =
        desk.world.count("select count(*) from seva.outbox where type = 'seva.tickets.risk_policy.created.v1'").await;
    assert_eq!(told, 1);
}

/// TK150
#[tokio::test(flavor = "multi_thread")]
async fn tk150_all_faults_of_a_version_are_told_at_once_and_only_managers_make_one() {
    let desk = Desk::new().await;
    let mut managers = RiskServiceClient::new(desk.world.server.as_role("manager"));
    let faulty = RiskPolicy {
        elevated_from: 0,
        high_from: 60,
        critical_from: 60,
        acknowledge_minutes: 30,
        acknowledge_critical_minutes: 31,
        ..a_policy(vec![
            weight(Kind::Clock, 50, 10),
            weight(Kind::Clock, 80, 5),
            weight(Kind::Clock, 101, 5),
            weight(Kind::Vip, 2, 5),
            weight(Kind::Reopened, 1, 0),
            weight(Kind::Unspecified, 1, 1),
            weight(Kind::Clock, 50, 10),
        ])
    };
    let refused = managers.create_risk_policy(create(faulty, 0)).await;
    let refused = is_refused(refused, ErrorReason::FieldsInvalid);
    let details = refused.get_error_details();
    let violated: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect();
    let expected = [
        "risk_policy.elevated_from",
        "risk_policy.critical_from",
        "risk_policy.acknowledge_critical_minutes",
        "risk_policy.weights[2].at_least",
        "risk_policy.weights[3].at_least",
        "risk_policy.weights[4].weight",
        "risk_policy.weights[5].kind",
        "risk_policy.weights[6]",
        "risk_policy.weights[1].weight",
    ];
    assert_eq!(violated, expected);
    is_refused(managers.create_risk_policy(create(a_policy(Vec::new()), 0)).await, ErrorReason::FieldsInvalid);
    let mut leads = RiskServiceClient::new(desk.world.server.as_role("lead"));
    let by_lead = leads.create_risk_policy(create(a_policy(vec![weight(Kind::Vip, 1, 1)]), 0)).await;
    assert_eq!(by_lead.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(desk.world.count("select count(*) from risk_policy").await, 1);
}

/// Of managers who put versions into force at once each has a number of its own, or is told that another one was faster.
#[tokio::test(flavor = "multi_thread")]
async fn tk150_of_versions_at_once_each_has_a_number_of_its_own() {
    let desk = Desk::new().await;
    let made = (0..8).map(|_| {
        let mut managers = RiskServiceClient::new(desk.world.server.as_role("manager"));
        async move { managers.create_risk_policy(create(a_policy(vec![weight(Kind::Vip, 1, 1)]), 0)).await }
    });
    let made = futures::future::join_all(made).await;
    let mut versions: Vec<i32> =
        made.into_iter().flatten().map(|made| made.into_inner().risk_policy.unwrap().version).collect();
    versions.sort_unstable();
    assert!(!versions.is_empty());
    assert_eq!(versions, (2..).take(versions.len()).collect::<Vec<_>>());
}
