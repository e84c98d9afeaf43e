//! Rules: once for each event, held back when they go round in circles, by the rules of a person's calls (TK120, TK124, TK125, TK126).

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        Automation, AutomationFiring, AutomationRule, Clock, Condition, ConditionGroup, CreateAutomationRequest,
        DryRunAutomationRequest, ListAutomationVersionsRequest, ListFiringsRequest, ReplyToTicketRequest, TicketAction,
        UpdateAutomationRequest,
        automation_firing::Outcome,
        automation_rule::{BeforeDue, Happening, InState, OnEvent, Trigger},
        automation_service_client::AutomationServiceClient,
        clock::Kind as ClockKind,
        condition::{Condition as Is, Departments, Kinds, Languages, Priorities, States},
        dry_run_automation_request::Subject,
        message::{Author, Visibility},
        ticket::{Kind, Priority, State},
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use tonic::Status;
use tonic_types::StatusExt;

use crate::{
    macros::{ask, assign, cancel, note, priority, reply, resolve},
    world::{World, a_ticket, is_refused},
};

fn automations(world: &World) -> AutomationServiceClient<Peer> {
    AutomationServiceClient::new(world.server.as_role("manager"))
}

fn on(happenings: &[Happening]) -> Trigger {
    let happenings = happenings.iter().map(|&happening| happening.into()).collect();
    Trigger::OnEvent(OnEvent { happenings, clocks: Vec::new() })
}

fn rule(trigger: Trigger, conditions: &[&[Is]], actions: Vec<TicketAction>) -> AutomationRule {
    let condition = |is: &Is| Condition { condition: Some(is.clone()) };
    let group = |any_of: &&[Is]| ConditionGroup { any_of: any_of.iter().map(condition).collect() };
    AutomationRule { trigger: Some(trigger), conditions: conditions.iter().map(group).collect(), actions }
}

async fn create_with(world: &World, weight: i32, rule: AutomationRule) -> Result<Automation, Status> {
    let automation = Automation {
        display_name: "A rule".to_owned(),
        weight,
        enabled: true,
        rule: Some(rule),
        ..Automation::default()
    };
    let request = CreateAutomationRequest { automation: Some(automation), request_id: new_id().to_string() };
    Ok(automations(world).create_automation(request).await?.into_inner().automation.unwrap())
}

async fn create(world: &World, rule: AutomationRule) -> Automation {
    create_with(world, 0, rule).await.unwrap()
}

async fn firings(world: &World, automation: &Automation) -> Vec<AutomationFiring> {
    let request = ListFiringsRequest { automation: automation.name.clone(), ..ListFiringsRequest::default() };
    let mut firings = automations(world).list_firings(request).await.unwrap().into_inner().firings;
    firings.reverse();
    firings
}

/// As many as there are in the end.
async fn fired(world: &World, automation: &Automation, count: usize) -> Vec<AutomationFiring> {
    eventually("the rule was looked at", || async {
        let firings = firings(world, automation).await;
        (firings.len() >= count).then_some(firings)
    })
    .await
}

async fn customer_says(world: &World, ticket: &str, text: &str) {
    say(world, ticket, Author::Customer, text).await;
}

async fn say(world: &World, ticket: &str, author: Author, text: &str) {
    let reply = ReplyToTicketRequest {
        name: ticket.to_owned(),
        visibility: Visibility::Public.into(),
        author: author.into(),
        text: text.to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets().reply_to_ticket(reply).await.unwrap();
}

/// Everything that was told has been looked at by rules.
async fn at_rest(world: &World) {
    eventually("rules have looked at everything", || async {
        let behind =
            "select (select count(*) from seva.outbox_pending) + (select coalesce(max(feed_no), 0) from seva.feed)
                      - coalesce((select feed_no from seva.consumer_cursor where consumer = 'automations'), 0)";
        (world.count(behind).await == 0).then_some(())
    })
    .await;
}

async fn with_a_member(world: &World) -> (String, uuid::Uuid) {
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 50).await;
    (department, world.customer("en").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_does_its_actions_when_something_happens_and_its_conditions_hold() {
    let world = World::new().await;
    let (department, customer) = with_a_member(&world).await;
    let held: &[&[Is]] = &[
        &[Is::Kinds(Kinds { kinds: vec![Kind::Delivery.into(), Kind::Question.into()] })],
        &[
            Is::Priorities(Priorities { priorities: vec![Priority::Urgent.into()] }),
            Is::Departments(Departments { departments: vec![department.clone()] }),
        ],
    ];
    let yes = create(
        &world,
        rule(on(&[Happening::Created]), held, vec![priority(Priority::High), reply("We look at {ticket_number}.")]),
    )
    .await;
    let no = create(
        &world,
        rule(
            on(&[Happening::Created]),
            &[&[Is::Languages(Languages { languages: vec!["bn".to_owned()] })]],
            vec![cancel()],
        ),
    )
    .await;

    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    let firing = fired(&world, &yes, 1).await.remove(0);
    assert_eq!((firing.outcome(), firing.rule_version, firing.ticket.as_str()), (Outcome::Done, 1, ticket.as_str()));
    let kind = |act: &str| format!("seva.tickets.ticket.{act}.v1");
    assert_eq!(firing.event_types, [kind("updated"), kind("replied")]);
    let after = world.assigned(&ticket).await;
    assert_eq!(after.priority(), Priority::High);
    // A rule is no person: what it says is no first response.
    let first = after.clocks.iter().find(|clock| clock.kind() == ClockKind::FirstResponse).unwrap();
    assert!(first.meet_time.is_none());
    // In its own name, as part of the story that it is about.
    let of_rule = "select count(*) from seva.outbox where actor like 'automation:%' and hops = 1
                   and correlation_id = (select correlation_id from ticket)";
    assert_eq!(world.count(of_rule).await, 2);
    at_rest(&world).await;
    assert!(firings(&world, &no).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_rules_each_sees_what_those_of_less_weight_have_made_of_the_ticket() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let is_high = Is::Priorities(Priorities { priorities: vec![Priority::High.into()] });
    let second =
        create_with(&world, 2, rule(on(&[Happening::Created]), &[&[is_high]], vec![note("It is high")])).await.unwrap();
    let first =
        create_with(&world, 1, rule(on(&[Happening::Created]), &[], vec![priority(Priority::High)])).await.unwrap();
    world.create(a_ticket(customer)).await.unwrap();
    assert_eq!(fired(&world, &second, 1).await[0].outcome(), Outcome::Done);
    assert_eq!(fired(&world, &first, 1).await[0].outcome(), Outcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk120_what_a_person_may_not_do_a_rule_may_not_and_it_is_recorded_why() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    // Nobody has it yet: there is nobody who could have solved it.
    let one =
        create(&world, rule(on(&[Happening::Created]), &[&[Is::Unassigned(true)]], vec![note("Solved"), resolve()]))
            .await;
    // Without a department it waits.
    let ticket = world
        .create(seva_proto::tickets::v1::Ticket { kind: Kind::Repair.into(), ..a_ticket(customer) })
        .await
        .unwrap();
    let firing = fired(&world, &one, 1).await.remove(0);
    let refusal = firing.refusal.clone().unwrap();
    assert_eq!((firing.outcome(), refusal.invariant.as_str(), refusal.action), (Outcome::Refused, "TK3", 1));
    assert_eq!(world.get(&ticket.name).await.state(), State::New);
    assert_eq!(world.count("select count(*) from message").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk125_rules_that_cause_each_other_end_and_what_was_held_back_is_recorded() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let updated = || on(&[Happening::Created, Happening::Updated]);
    let up = create(&world, rule(updated(), &[], vec![priority(Priority::High)])).await;
    let down = create(&world, rule(updated(), &[], vec![priority(Priority::Low)])).await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&ticket).await;
    eventually("one is held back", || async {
        let firings = [firings(&world, &up).await, firings(&world, &down).await].concat();
        firings.iter().any(|firing| firing.outcome() == Outcome::Suppressed).then_some(())
    })
    .await;
    at_rest(&world).await;
    for one in [&up, &down] {
        let outcomes: Vec<Outcome> = firings(&world, one).await.iter().map(AutomationFiring::outcome).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count(), 1, "{outcomes:?}");
        // Never about what it did itself.
        assert!(outcomes.len() <= 4, "{outcomes:?}");
    }
    let refusal =
        firings(&world, &up).await.into_iter().chain(firings(&world, &down).await).find_map(|firing| firing.refusal);
    assert_eq!(refusal.unwrap().invariant, "TK125");

    // An hour later it may again.
    world.pass_minutes(61);
    let before = firings(&world, &up).await.len();
    customer_says(&world, &ticket, "Hello?").await;
    let request = seva_proto::tickets::v1::UpdateTicketRequest {
        ticket: Some(seva_proto::tickets::v1::Ticket {
            name: ticket.clone(),
            title: "Again".to_owned(),
            ..Default::default()
        }),
        request_id: new_id().to_string(),
        ..Default::default()
    };
    world.tickets().update_ticket(request).await.unwrap();
    let again = fired(&world, &up, before + 1).await;
    assert!(again[before..].iter().any(|firing| firing.outcome() == Outcome::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn tk124_an_event_that_is_read_again_is_no_new_occasion() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let one = create(&world, rule(on(&[Happening::CustomerReplied]), &[], vec![note("They wrote")])).await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&ticket).await;
    customer_says(&world, &ticket, "Hello?").await;
    fired(&world, &one, 1).await;
    at_rest(&world).await;
    // The pause is over, so that nothing else would hold it back.
    world.pass_minutes(61);
    sqlx::query(
        "update seva.consumer_cursor set feed_no = 0, generation = generation + 1 where consumer = 'automations'",
    )
    .execute(&world.database.owner)
    .await
    .unwrap();
    customer_says(&world, &ticket, "Anybody?").await;
    let firings = fired(&world, &one, 2).await;
    at_rest(&world).await;
    assert_eq!(firings.len(), 2);
    assert_eq!(world.count("select count(*) from message where visibility = 'internal'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_time_is_looked_at_once_for_a_stay_in_a_state() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let waits = || Trigger::InState(InState { state: State::New.into(), hours: 4 });
    let one = create(&world, rule(waits(), &[], vec![priority(Priority::Urgent)])).await;
    let never =
        create(&world, rule(waits(), &[&[Is::States(States { states: vec![State::Open.into()] })]], vec![cancel()]))
            .await;
    // Nobody takes repairs.
    let ticket = world
        .create(seva_proto::tickets::v1::Ticket { kind: Kind::Repair.into(), ..a_ticket(customer) })
        .await
        .unwrap()
        .name;
    let taken = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&taken).await;
    // Whoever says nothing would lose it.
    say(&world, &taken, Author::Staff, "I am looking for it.").await;
    world.pass(3);
    at_rest(&world).await;
    assert!(firings(&world, &one).await.is_empty());
    world.pass(1);
    world.until("it is urgent", &ticket, |ticket| ticket.priority() == Priority::Urgent).await;
    assert_eq!(fired(&world, &never, 1).await[0].outcome(), Outcome::Unmet);
    world.pass(10);
    at_rest(&world).await;
    assert_eq!((firings(&world, &one).await.len(), firings(&world, &never).await.len()), (1, 1));
    assert_eq!(world.get(&taken).await.priority(), Priority::Normal);

    // What was before the rule is not made up for.
    let late = create(&world, rule(waits(), &[], vec![note("Waits")])).await;
    at_rest(&world).await;
    assert!(firings(&world, &late).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_months_in_a_state_comes_after_months() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let waits = Trigger::InState(InState { state: State::New.into(), hours: 1000 });
    let one = create(&world, rule(waits, &[], vec![note("Waits for weeks")])).await;
    // Nobody takes repairs.
    world.create(seva_proto::tickets::v1::Ticket { kind: Kind::Repair.into(), ..a_ticket(customer) }).await.unwrap();
    world.pass(999);
    at_rest(&world).await;
    assert!(firings(&world, &one).await.is_empty());
    world.pass(1);
    assert_eq!(fired(&world, &one, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_what_is_due_is_looked_at_before_it_is() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let soon = Trigger::BeforeDue(BeforeDue { minutes: 60 });
    let one = create(&world, rule(soon, &[], vec![note("Due soon")])).await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    let due = ticket.next_due_time.unwrap();
    world.assigned(&ticket.name).await;
    let due = jiff::Timestamp::from_second(due.seconds).unwrap();
    world.pass_minutes((due - world.now()).total(jiff::Unit::Minute).unwrap() as i64 - 61);
    at_rest(&world).await;
    assert!(firings(&world, &one).await.is_empty());
    world.pass_minutes(1);
    let firing = fired(&world, &one, 1).await.remove(0);
    assert_eq!((firing.outcome(), firing.event.as_str()), (Outcome::Done, ""));
    assert_eq!(
        world.get(&ticket.name).await.clocks.iter().filter(|clock: &&Clock| clock.breach_time.is_some()).count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tk126_a_dry_run_tells_what_would_be_and_writes_nothing() {
    let world = World::new().await;
    let (_, customer) = with_a_member(&world).await;
    let urgent = seva_proto::tickets::v1::Ticket { priority: Priority::Urgent.into(), ..a_ticket(customer) };
    let first = world.create(urgent).await.unwrap().name;
    let second = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&first).await;
    world.assigned(&second).await;
    at_rest(&world).await;
    let rows =
        "select (select count(*) from seva.outbox) + (select count(*) from seva.audit) + (select count(*) from message)
                       + (select count(*) from automation_firing) + (select count(*) from clock_event)
                       + (select sum(version) from ticket)::bigint";
    let before = world.count(rows).await;

    let urgent = Is::Priorities(Priorities { priorities: vec![Priority::Urgent.into()] });
    let asked = rule(
        on(&[Happening::Created]),
        &[&[urgent], &[Is::Unassigned(false)]],
        vec![ask("When are you in?"), resolve()],
    );
    let request = DryRunAutomationRequest {
        subject: Some(Subject::Rule(asked.clone())),
        tickets: vec![first.clone(), second.clone()],
        newest: 0,
    };
    let previews = automations(&world).dry_run_automation(request).await.unwrap().into_inner().previews;
    assert_eq!(previews[0].conditions_hold, [true, true]);
    assert_eq!(
        previews[0].effects.iter().map(|effect| effect.state()).collect::<Vec<_>>(),
        [State::Open, State::Resolved],
        "as long as no person has answered, a rule's question stops no clock"
    );
    assert_eq!((previews[1].conditions_hold.clone(), previews[1].effects.len()), (vec![false, true], 0));

    let refused = AutomationRule { actions: vec![resolve(), ask("When are you in?")], ..asked };
    let request = DryRunAutomationRequest { subject: Some(Subject::Rule(refused)), tickets: Vec::new(), newest: 5 };
    let previews = automations(&world).dry_run_automation(request).await.unwrap().into_inner().previews;
    assert_eq!(previews.len(), 1);
    assert_eq!(previews[0].ticket, first);
    assert_eq!(previews[0].refusal.as_ref().unwrap().action, 1);
    assert_eq!(world.count(rows).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_rule_is_refused_with_every_fault_and_another_rule_is_another_version() {
    let world = World::new().await;
    let faulty = rule(
        Trigger::InState(InState { state: State::Closed.into(), hours: 0 }),
        &[
            &[Is::Departments(Departments { departments: vec![format!("departments/{}", new_id())] })],
            &[],
            &[Is::Kinds(Kinds::default())],
        ],
        vec![assign(&format!("staffMembers/{}", new_id()))],
    );
    let refused = is_refused(create_with(&world, 0, faulty).await, ErrorReason::FieldsInvalid);
    let details = refused.get_error_details();
    let fields: Vec<&str> =
        details.bad_request().unwrap().field_violations.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "automation.rule.in_state.state",
            "automation.rule.in_state.hours",
            "automation.rule.conditions[1].any_of",
            "automation.rule.conditions[2].any_of[0].kinds.kinds",
            "automation.rule.conditions[0].any_of[0].departments.departments[0]",
            "automation.rule.actions[0].assign.assignee",
        ]
    );

    let one = create(&world, rule(on(&[Happening::Created]), &[], vec![note("One")])).await;
    let changed = Automation {
        rule: Some(rule(on(&[Happening::Created]), &[], vec![note("Two")])),
        enabled: false,
        ..one.clone()
    };
    let update = UpdateAutomationRequest {
        automation: Some(changed),
        update_mask: Some(prost_types::FieldMask { paths: vec!["rule".to_owned(), "enabled".to_owned()] }),
        request_id: new_id().to_string(),
    };
    let updated = automations(&world).update_automation(update.clone()).await.unwrap().into_inner().automation.unwrap();
    assert_eq!((updated.rule_version, updated.enabled), (2, false));
    let stale = UpdateAutomationRequest { request_id: new_id().to_string(), ..update };
    is_refused(automations(&world).update_automation(stale).await, ErrorReason::EtagMismatch);
    let request = ListAutomationVersionsRequest { parent: one.name.clone() };
    let versions = automations(&world).list_automation_versions(request).await.unwrap().into_inner().versions;
    assert_eq!(versions.iter().map(|version| version.rule_version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(versions[1].rule, one.rule);

    // What is not enabled does nothing.
    let (_, customer) = with_a_member(&world).await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&ticket).await;
    at_rest(&world).await;
    assert!(firings(&world, &one).await.is_empty());
}
