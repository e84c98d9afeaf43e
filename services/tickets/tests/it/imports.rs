//! Tickets of other systems: once each, with honest clocks, and nobody hears of it (TK127, TK128, TK129).

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        ImportResult, ImportTicketsRequest, ImportedStep, ImportedTicket, ListClockEventsRequest, ListMessagesRequest,
        RootProblem,
        clock::Kind as ClockKind,
        clock_event,
        import_result::Outcome,
        import_service_client::ImportServiceClient,
        imported_step::{Assigned, Confirmed, Resolved, Said, Step},
        message::{Author, Visibility},
        root_problem::Cause,
        ticket::{Closure, Kind, State, UnverifiedReason},
    },
};
use seva_store::event::proto_timestamp;
use seva_values::{format_name, new_id};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};
use uuid::Uuid;

use crate::world::{World, id_of, is_refused};

pub async fn import(world: &World, tickets: Vec<ImportedTicket>) -> Result<Vec<ImportResult>, Status> {
    let request = ImportTicketsRequest { tickets, policy_version: 0, request_id: new_id().to_string() };
    let mut client = ImportServiceClient::new(world.server.as_role("integration"));
    Ok(client.import_tickets(request).await?.into_inner().results)
}

fn step(at: Timestamp, step: Step) -> ImportedStep {
    ImportedStep { time: Some(proto_timestamp(at)), step: Some(step) }
}

fn says(author: Author) -> Step {
    Step::Said(Said {
        visibility: Visibility::Public.into(),
        author: author.into(),
        text: "Where is it?".to_owned(),
        ..Said::default()
    })
}

fn resolved() -> Step {
    let root_problem =
        RootProblem { cause: Cause::Other.into(), description: "Nobody knows.".to_owned(), ..RootProblem::default() };
    Step::Resolved(Resolved { root_problem: Some(root_problem), note: "It came.".to_owned() })
}

/// Of forty days ago: answered two days late, solved, and confirmed.
pub fn old(world: &World, customer: Uuid, member: &str, id: &str) -> ImportedTicket {
    let start = world.now() - SignedDuration::from_hours(40 * 24);
    let after = |hours: i64| start + SignedDuration::from_hours(hours);
    ImportedTicket {
        source: "old_desk".to_owned(),
        external_id: id.to_owned(),
        customer: format_name("customers", customer),
        kind: Kind::Question.into(),
        title: "Does it come in red?".to_owned(),
        create_time: Some(proto_timestamp(start)),
        history: vec![
            step(after(1), Step::Assigned(Assigned { assignee: member.to_owned() })),
            step(after(48), says(Author::Staff)),
            step(after(49), says(Author::Customer)),
            step(after(50), resolved()),
            step(after(51), Step::Confirmed(Confirmed {})),
        ],
        state: State::Closed.into(),
        closure: Closure::Verified.into(),
        ..ImportedTicket::default()
    }
}

pub async fn staffed(world: &World) -> (Uuid, String) {
    let department = world.department("support", &["question"]).await;
    let member = world.member("radha", &department, &["en"], 1).await;
    (world.customer("en").await, member)
}

fn reason(result: &ImportResult) -> (Outcome, String) {
    let error = result.error.clone().unwrap();
    let status = Status::with_details(Code::from(error.code), error.message.clone(), encoded(&error).into());
    (result.outcome(), status.get_error_details().error_info().unwrap().reason.clone())
}

fn encoded(error: &pb::Status) -> Vec<u8> {
    prost::Message::encode_to_vec(error)
}

#[tokio::test(flavor = "multi_thread")]
async fn tk128_an_old_ticket_stands_where_its_history_led_with_the_clocks_that_it_would_have_had() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    let start = world.now() - SignedDuration::from_hours(40 * 24);
    let results = import(&world, vec![old(&world, customer, &member, "1")]).await.unwrap();
    assert_eq!(results[0].outcome(), Outcome::Imported, "{results:?}");
    let ticket = world.get(&results[0].ticket).await;
    assert_eq!(
        (ticket.state(), ticket.closure(), ticket.assignee.as_str()),
        (State::Closed, Closure::Verified, member.as_str())
    );
    assert_eq!(ticket.create_time, Some(proto_timestamp(start)));
    assert_eq!(ticket.close_time, Some(proto_timestamp(start + SignedDuration::from_hours(51))));
    let first = ticket.clocks.iter().find(|clock| clock.kind() == ClockKind::FirstResponse).unwrap();
    assert_eq!(first.meet_time, Some(proto_timestamp(start + SignedDuration::from_hours(48))));
    assert!(first.breach_time.is_some(), "it was late");

    // What is shown is the fold of what is stored.
    let request = ListClockEventsRequest { parent: ticket.name.clone() };
    let events = world.tickets().list_clock_events(request).await.unwrap().into_inner().clock_events;
    let breaches = events.iter().filter(|event| event.kind() == clock_event::Kind::Breached).count();
    let kept = world.count("select count(*) from clock where breached_at is not null").await;
    assert_eq!(i64::try_from(breaches).unwrap(), kept, "those of earlier rounds among them");
    let request = ListMessagesRequest { parent: ticket.name.clone(), ..ListMessagesRequest::default() };
    let messages = world.tickets().list_messages(request).await.unwrap().into_inner().messages;
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[0].create_time, Some(proto_timestamp(start + SignedDuration::from_hours(48))));

    // TK129
    assert_eq!(world.acts(&ticket.name).await, ["imported"]);
    assert_eq!(world.told(&ticket.name).await[0].1.state(), State::Closed);
    world.pass(24 * 10);
    assert_eq!(world.acts(&ticket.name).await, ["imported"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk127_a_ticket_that_comes_again_is_the_same_one_and_another_under_its_identity_is_refused() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    let one = old(&world, customer, &member, "1");
    let other = ImportedTicket { title: "Another one".to_owned(), ..one.clone() };
    let results = import(&world, vec![one.clone(), one.clone(), other.clone()]).await.unwrap();
    assert_eq!(results[0].outcome(), Outcome::Imported);
    assert_eq!((results[1].outcome(), &results[1].ticket), (Outcome::Duplicate, &results[0].ticket));
    assert_eq!(reason(&results[2]), (Outcome::Refused, "IMPORT_ID_REUSED".to_owned()));

    let mut at_once = JoinSet::new();
    let world = std::sync::Arc::new(world);
    for _ in 0..8 {
        let (world, two) = (world.clone(), old(&world, customer, &member, "2"));
        at_once.spawn(async move { import(&world, vec![two]).await.unwrap().remove(0) });
    }
    let results = at_once.join_all().await;
    assert_eq!(results.iter().filter(|result| result.outcome() == Outcome::Imported).count(), 1);
    assert!(results.iter().all(|result| result.ticket == results[0].ticket));
    assert_eq!(world.count("select count(*) from ticket").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_of_one_stops_no_other_and_every_fault_is_told() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    let good = old(&world, customer, &member, "1");
    let faulty = ImportedTicket {
        source: "Old Desk".to_owned(),
        title: String::new(),
        history: vec![
            step(world.now() + SignedDuration::from_hours(1), Step::Confirmed(Confirmed {})),
            step(world.now(), Step::Resolved(Resolved::default())),
        ],
        ..old(&world, customer, &member, "2")
    };
    // Who solved it has to be known, and what it was: TK3.
    let nobody = ImportedTicket { history: vec![good.history[3].clone()], ..old(&world, customer, &member, "3") };
    let stranger = old(&world, new_id(), &member, "4");
    let left = old(&world, customer, &format_name("staffMembers", new_id()), "5");
    let elsewhere = ImportedTicket { closure: Closure::Unverified.into(), ..old(&world, customer, &member, "6") };
    let results = import(&world, vec![faulty, nobody, stranger, left, elsewhere, good]).await.unwrap();
    let reasons: Vec<String> = results[..5].iter().map(|result| reason(result).1).collect();
    assert_eq!(reasons, ["FIELDS_INVALID", "STATE_FORBIDS", "RESOURCE_NOT_FOUND", "FIELDS_INVALID", "STATE_FORBIDS"]);
    assert_eq!(results[5].outcome(), Outcome::Imported);
    let error = results[0].error.clone().unwrap();
    let status = Status::with_details(Code::from(error.code), error.message.clone(), encoded(&error).into());
    let details = status.get_error_details();
    let fields: Vec<&str> =
        details.bad_request().unwrap().field_violations.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        ["source", "title", "history[0].time", "history[1].resolved.root_problem", "history[1].resolved.note"]
    );
    assert_eq!(world.count("select count(*) from ticket").await, 1);
    is_refused(import(&world, Vec::new()).await, ErrorReason::FieldsInvalid);
}

/// TK128, TK129
#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_to_have_it_confirmed_is_made_up_and_who_is_still_to_answer_is_asked_from_the_import_on() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    let assigned = || Step::Assigned(Assigned { assignee: member.clone() });
    let days_ago = |days: i64| world.now() - SignedDuration::from_hours(24 * days);
    // Resolved a day after they were opened, and nobody has answered.
    let unanswered = |id: &str, days: i64, state: State, closure: Closure| ImportedTicket {
        create_time: Some(proto_timestamp(days_ago(days))),
        history: vec![step(days_ago(days), assigned()), step(days_ago(days - 1), resolved())],
        state: state.into(),
        closure: closure.into(),
        ..old(&world, customer, &member, id)
    };
    let tickets = vec![
        old(&world, customer, &member, "1"),
        unanswered("2", 40, State::Closed, Closure::Unverified),
        unanswered("3", 4, State::Resolved, Closure::Unspecified),
    ];
    let results = import(&world, tickets).await.unwrap();
    assert!(results.iter().all(|result| result.outcome() == Outcome::Imported), "{results:?}");

    for (result, closure) in results.iter().zip([Closure::Verified, Closure::Unverified]) {
        let over = world.get(&result.ticket).await;
        assert_eq!((over.state(), over.closure()), (State::Closed, closure));
        assert_eq!((over.verification.len(), over.verification_attempts), (0, 0), "{over:?}");
        assert_eq!(over.unverified_reason(), UnverifiedReason::Unspecified);
    }
    let waits = &results[2].ticket;
    let asked = world.until("it is asked about", waits, |ticket| ticket.verification_attempts > 0).await;
    assert_eq!((asked.state(), asked.verification.len()), (State::Resolved, 1));
    assert_eq!(asked.verification[0].time, Some(proto_timestamp(world.now())));
    assert_eq!(asked.resolve_time, Some(proto_timestamp(days_ago(3))));
    world.pass(47);
    assert_eq!(world.acts(waits).await, ["imported", "verification_requested"]);
    world.pass(1);
    world.until("it is asked about again", waits, |ticket| ticket.verification_attempts == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_one_goes_on_here_from_where_it_stood() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    let open = |id: &str, history: Vec<ImportedStep>, state: State| ImportedTicket {
        history,
        state: state.into(),
        closure: 0,
        ..old(&world, customer, &member, id)
    };
    let template = old(&world, customer, &member, "0");
    // Two that somebody has, who has one place: they had them.
    let had = template.history[..1].to_vec();
    let tickets =
        vec![open("1", had.clone(), State::Open), open("2", had, State::Open), open("3", Vec::new(), State::New)];
    let results = import(&world, tickets).await.unwrap();
    assert!(results.iter().all(|result| result.outcome() == Outcome::Imported), "{results:?}");
    assert_eq!(world.count("select count(*) from ticket where state = 'open' and over_limits").await, 2);
    let ticket = world.get(&results[0].ticket).await;
    assert_eq!((ticket.state(), ticket.assignee.as_str()), (State::Open, member.as_str()));
    assert!(ticket.clocks.iter().any(|clock| clock.breach_time.is_some()));
    // What was breached then is not told as if it were now.
    world.pass(1);
    assert_eq!(world.acts(&results[0].ticket).await, ["imported"]);
    world.resolve(&results[0].ticket).await.unwrap();
    assert_eq!(world.acts(&results[0].ticket).await, ["imported", "resolved"]);
    let stored = "select count(*) from clock c where events <> (
                      select count(*) from clock_event e where e.ticket_id = c.ticket_id and e.clock = c.kind and e.round = c.round)";
    assert_eq!(world.count(stored).await, 0);
    assert_ne!(id_of(&results[0].ticket), id_of(&results[2].ticket));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure"]
async fn figure_tickets_imported_per_second() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    let began = Instant::now();
    for batch in 0..20 {
        let tickets = (0..100).map(|at| old(&world, customer, &member, &format!("{batch}-{at}"))).collect();
        import(&world, tickets).await.unwrap();
    }
    eprintln!("{:.0} tickets imported per second, each with five steps", 2000.0 / began.elapsed().as_secs_f64());
}
