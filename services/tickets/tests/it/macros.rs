//! Macros: several steps under one name, all or none, by the rules of a person's calls (TK120, TK121).

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        ApplyMacroRequest, ApplyMacroResponse, CreateMacroRequest, ListMacrosRequest, ListMessagesRequest, Macro,
        RetireMacroRequest, RootProblem, Ticket, TicketAction, UpdateMacroRequest,
        macro_service_client::MacroServiceClient,
        message::Author,
        root_problem::Cause,
        ticket::{CancelReason, Priority, State, WaitReason},
        ticket_action::{Action, AskCustomer, Assign, Cancel, ChangeTags, Note, Reply, Resolve, SetPriority},
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use tonic::Status;
use tonic_types::StatusExt;

use crate::world::{World, a_ticket, invariant, is_refused};

pub fn action(action: Action) -> TicketAction {
    TicketAction { action: Some(action) }
}

fn texts(texts: &[(&str, &str)]) -> Vec<Translation> {
    let translation =
        |&(language, text): &(&str, &str)| Translation { language: language.to_owned(), text: text.to_owned() };
    texts.iter().map(translation).collect()
}

pub fn reply(english: &str) -> TicketAction {
    action(Action::Reply(Reply { texts: texts(&[("en", english)]) }))
}

pub fn ask(english: &str) -> TicketAction {
    action(Action::AskCustomer(AskCustomer { texts: texts(&[("en", english)]) }))
}

pub fn note(text: &str) -> TicketAction {
    action(Action::Note(Note { text: text.to_owned() }))
}

pub fn priority(priority: Priority) -> TicketAction {
    action(Action::SetPriority(SetPriority { priority: priority.into() }))
}

pub fn assign(assignee: &str) -> TicketAction {
    action(Action::Assign(Assign { assignee: assignee.to_owned() }))
}

pub fn tags(add: &[&str], remove: &[&str]) -> TicketAction {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    action(Action::ChangeTags(ChangeTags { add: words(add), remove: words(remove) }))
}

pub fn cancel() -> TicketAction {
    action(Action::Cancel(Cancel { reason: CancelReason::Duplicate.into() }))
}

pub fn resolve() -> TicketAction {
    let root_problem = Some(RootProblem {
        cause: Cause::Carrier.into(),
        description: "The van broke down.".to_owned(),
        ..RootProblem::default()
    });
    action(Action::Resolve(Resolve { root_problem, notes: texts(&[("en", "It comes today.")]) }))
}

fn macros(world: &World) -> MacroServiceClient<Peer> {
    MacroServiceClient::new(world.server.as_role("lead"))
}

async fn create(world: &World, department: &str, actions: Vec<TicketAction>) -> Result<Macro, Status> {
    let one = Macro {
        titles: texts(&[("en", "The van broke down"), ("hi", "गाड़ी ख़राब")]),
        department: department.to_owned(),
        actions,
        ..Macro::default()
    };
    let request = CreateMacroRequest { r#macro: Some(one), request_id: new_id().to_string() };
    Ok(macros(world).create_macro(request).await?.into_inner().r#macro.unwrap())
}

fn applying(one: &Macro, ticket: &str) -> ApplyMacroRequest {
    ApplyMacroRequest {
        name: one.name.clone(),
        ticket: ticket.to_owned(),
        request_id: new_id().to_string(),
        ..ApplyMacroRequest::default()
    }
}

async fn apply(world: &World, request: ApplyMacroRequest) -> Result<ApplyMacroResponse, Status> {
    let mut client = MacroServiceClient::new(world.server.as_role("agent"));
    Ok(client.apply_macro(request).await?.into_inner())
}

async fn said(world: &World, ticket: &str) -> Vec<(Author, String)> {
    let request = ListMessagesRequest { parent: ticket.to_owned(), ..ListMessagesRequest::default() };
    let messages = world.tickets().list_messages(request).await.unwrap().into_inner().messages;
    messages.into_iter().map(|message| (message.author(), message.text)).collect()
}

/// A ticket of somebody who reads Hindi, in a department with one member.
async fn an_open_ticket(world: &World) -> (String, String, String) {
    let department = world.department("support", &["question"]).await;
    let member = world.member("radha", &department, &["en", "hi"], 5).await;
    let customer = world.customer("hi").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    (name, department, member)
}

/// A macro that read the ticket before the roster scheduled it does not take the schedule back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_macro_writes_on_a_waiting_ticket_does_not_make_routing_forget_it() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    let waits = |ticket: &Ticket| ticket.wait_reason() == WaitReason::NoDepartment;
    world.until("no department takes it", &ticket, waits).await;
    let one = create(&world, "", vec![priority(Priority::High)]).await.unwrap();

    let mut connection = world.database.owner.acquire().await.unwrap();
    let mut scheduling = sqlx::Connection::begin(&mut *connection).await.unwrap();
    let schedule = "update ticket set route_at = '2030-01-01'";
    sqlx::query(schedule).execute(&mut *scheduling).await.unwrap();
    let meanwhile = async {
        eventually("the macro waits for the ticket", || async {
            let waiting = "select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock' and query like '%ticket%'";
            (world.count(waiting).await > 0).then_some(())
        })
        .await;
        scheduling.commit().await.unwrap();
    };
    let (applied, ()) = tokio::join!(apply(&world, applying(&one, &ticket)), meanwhile);
    applied.unwrap();
    assert_eq!(world.get(&ticket).await.priority(), Priority::High);
    assert_eq!(world.count("select count(*) from ticket where route_at = '2030-01-01'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_macro_does_its_actions_in_order_in_the_customers_language_with_the_number_put_in() {
    let world = World::new().await;
    let (ticket, department, _) = an_open_ticket(&world).await;
    let greeting = texts(&[("en", "About {ticket_number}: it comes."), ("hi", "{ticket_number} के बारे में: आ रहा है।")]);
    let actions = vec![
        action(Action::Reply(Reply { texts: greeting })),
        note("Asked the carrier about {ticket_number}"),
        priority(Priority::High),
        tags(&["late", "van"], &[]),
        tags(&[], &["late"]),
        resolve(),
    ];
    let one = create(&world, &department, actions.clone()).await.unwrap();
    assert_eq!(one.actions, actions);

    let answer = apply(&world, applying(&one, &ticket)).await.unwrap();
    let after = answer.ticket.unwrap();
    assert_eq!((after.state(), after.priority()), (State::Resolved, Priority::High));
    let types: Vec<&str> = answer.effects.iter().map(|effect| effect.event_type.as_str()).collect();
    let kind = |act: &str| format!("seva.tickets.ticket.{act}.v1");
    assert_eq!(types, ["replied", "replied", "updated", "updated", "updated", "resolved"].map(kind));
    assert_eq!(world.acts(&ticket).await[2..], ["replied", "replied", "updated", "updated", "updated", "resolved"]);
    assert_eq!(after.tags, ["van"]);
    assert_eq!(world.get(&ticket).await, after);

    let said = said(&world, &ticket).await;
    assert_eq!(said[0], (Author::Staff, format!("{} के बारे में: आ रहा है।", after.number)));
    assert_eq!(said[1].1, format!("Asked the carrier about {}", after.number));
    assert_eq!(said[2].1, "It comes today.");
}

#[tokio::test(flavor = "multi_thread")]
async fn tk121_a_macro_of_which_one_action_is_refused_does_nothing_and_the_refusal_names_it() {
    let world = World::new().await;
    let (ticket, _, _) = an_open_ticket(&world).await;
    let before = world.get(&ticket).await;
    // Nobody is asked something about what is resolved.
    let one = create(&world, "", vec![priority(Priority::High), resolve(), ask("Is it so?")]).await.unwrap();

    let refused = is_refused(apply(&world, applying(&one, &ticket)).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK4");
    assert_eq!(refused.get_error_details().error_info().unwrap().metadata["action"], "2");
    assert_eq!(world.get(&ticket).await, before);
    assert!(said(&world, &ticket).await.is_empty());

    // Of somebody who has no place for it the same: the model knows, and behind it the database.
    let other = world.department("billing", &["billing"]).await;
    let full = world.member("rina", &other, &["hi"], 0).await;
    let one = create(&world, "", vec![priority(Priority::High), assign(&full)]).await.unwrap();
    let refused = is_refused(apply(&world, applying(&one, &ticket)).await, ErrorReason::StaffMemberUnavailable);
    assert_eq!(invariant(&refused), "TK2");
    assert_eq!(world.get(&ticket).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk126_a_dry_run_says_what_would_be_and_writes_nothing() {
    let world = World::new().await;
    let (ticket, _, _) = an_open_ticket(&world).await;
    let rows =
        "select (select count(*) from seva.outbox) + (select count(*) from seva.audit) + (select count(*) from message)
                       + (select count(*) from seva.idempotency) + (select count(*) from clock_event)";
    let one = create(&world, "", vec![priority(Priority::Urgent), resolve()]).await.unwrap();
    let (before, count) = (world.get(&ticket).await, world.count(rows).await);

    let dry = ApplyMacroRequest { dry_run: true, ..applying(&one, &ticket) };
    let answer = apply(&world, dry.clone()).await.unwrap();
    assert_eq!(answer.effects.last().unwrap().text, "It comes today.");
    assert_eq!(answer.ticket.unwrap().state(), State::Resolved);
    assert_eq!((world.get(&ticket).await, world.count(rows).await), (before, count));

    // The same request may then be meant.
    let meant = ApplyMacroRequest { dry_run: false, ..dry };
    let first = apply(&world, meant.clone()).await.unwrap();
    assert_eq!(apply(&world, meant).await.unwrap(), first);
    assert_eq!(world.acts(&ticket).await.iter().filter(|act| *act == "resolved").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_macro_that_names_what_is_not_there_is_refused_with_every_fault() {
    let world = World::new().await;
    let actions = vec![
        reply("Dear {customer_name}"),
        action(Action::Reply(Reply { texts: texts(&[("hi", "नमस्ते")]) })),
        assign(&format!("staffMembers/{}", new_id())),
        TicketAction::default(),
        action(Action::Resolve(Resolve::default())),
    ];
    let refused = create(&world, &format!("departments/{}", new_id()), actions).await;
    let refused = is_refused(refused, ErrorReason::FieldsInvalid);
    let details = refused.get_error_details();
    let fields: Vec<&str> =
        details.bad_request().unwrap().field_violations.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "macro.actions[0].reply.texts[0].text",
            "macro.actions[1].reply.texts",
            "macro.actions[3]",
            "macro.actions[4].resolve.root_problem",
            "macro.actions[4].resolve.notes",
            "macro.department",
            "macro.actions[2].assign.assignee",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_macro_is_for_its_departments_tickets_until_it_is_retired() {
    let world = World::new().await;
    let (ticket, department, _) = an_open_ticket(&world).await;
    let billing = world.department("billing", &["billing"]).await;
    let one = create(&world, &billing, vec![note("Looked at")]).await.unwrap();
    let refused = is_refused(apply(&world, applying(&one, &ticket)).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK121");

    let list = ListMacrosRequest { department: department.clone(), ..ListMacrosRequest::default() };
    assert!(macros(&world).list_macros(list.clone()).await.unwrap().into_inner().macros.is_empty());
    let update = UpdateMacroRequest {
        r#macro: Some(Macro { department: String::new(), ..one.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["department".to_owned()] }),
        request_id: new_id().to_string(),
    };
    let shared = macros(&world).update_macro(update.clone()).await.unwrap().into_inner().r#macro.unwrap();
    assert_eq!(shared.department, "");
    let stale = UpdateMacroRequest { request_id: new_id().to_string(), ..update };
    is_refused(macros(&world).update_macro(stale).await, ErrorReason::EtagMismatch);
    assert_eq!(
        macros(&world).list_macros(list.clone()).await.unwrap().into_inner().macros,
        std::slice::from_ref(&shared)
    );
    apply(&world, applying(&one, &ticket)).await.unwrap();

    let retire = RetireMacroRequest {
        name: one.name.clone(),
        request_id: new_id().to_string(),
        ..RetireMacroRequest::default()
    };
    macros(&world).retire_macro(retire).await.unwrap();
    let refused = is_refused(apply(&world, applying(&one, &ticket)).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK121");
    assert!(macros(&world).list_macros(list).await.unwrap().into_inner().macros.is_empty());
    let told = "select count(*) from seva.outbox where type like 'seva.tickets.macro.%'";
    assert_eq!(world.count(told).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_macro_on_a_ticket_that_somebody_else_has_changed_is_refused_with_its_etag() {
    let world = World::new().await;
    let (ticket, _, _) = an_open_ticket(&world).await;
    let before = world.get(&ticket).await;
    let one = create(&world, "", vec![cancel()]).await.unwrap();
    apply(&world, applying(&create(&world, "", vec![note("Looked at")]).await.unwrap(), &ticket)).await.unwrap();
    let stale = ApplyMacroRequest { ticket_etag: before.etag, ..applying(&one, &ticket) };
    is_refused(apply(&world, stale).await, ErrorReason::EtagMismatch);
}
