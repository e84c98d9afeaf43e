//! One cause that many customers suffer from (TK58, TK59).

use std::time::Instant;

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        AttachTicketsRequest, AttachTicketsResponse, CloseProblemRecordRequest, ConfirmCauseRequest,
        CreateProblemRecordRequest, DetachTicketRequest, GetProblemRecordRequest, ListMessagesRequest,
        ListProblemRecordsRequest, ListProblemTicketsRequest, MarkFixedRequest, ProblemRecord, ProblemTicket,
        RootProblem, Ticket, problem_record, problem_record_service_client::ProblemRecordServiceClient, problem_ticket,
        root_problem::Cause, ticket::State, ticket_link::Kind,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use sqlx::AssertSqlSafe;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    links::link,
    world::{World, a_ticket, id_of, invariant, is_refused},
};

fn problems(world: &World, role: &str) -> ProblemRecordServiceClient<Peer> {
    ProblemRecordServiceClient::new(world.server.as_role(role))
}

async fn create(world: &World) -> String {
    let record = ProblemRecord {
        title: "The lid does not close".to_owned(),
        product: "KETTLE-2".to_owned(),
        batch: "2026-02".to_owned(),
        ..ProblemRecord::default()
    };
    let request = CreateProblemRecordRequest { problem_record: Some(record), request_id: new_id().to_string() };
    problems(world, "agent").create_problem_record(request).await.unwrap().into_inner().problem_record.unwrap().name
}

async fn attach(world: &World, problem: &str, tickets: &[&str]) -> Result<AttachTicketsResponse, Status> {
    let request = AttachTicketsRequest {
        name: problem.to_owned(),
        tickets: tickets.iter().map(|&name| name.to_owned()).collect(),
        request_id: new_id().to_string(),
    };
    Ok(problems(world, "agent").attach_tickets(request).await?.into_inner())
}

async fn know(world: &World, problem: &str) -> Result<ProblemRecord, Status> {
    let root = RootProblem {
        cause: Cause::Product.into(),
        description: "The hinge is too long.".to_owned(),
        ..RootProblem::default()
    };
    let request = ConfirmCauseRequest {
        name: problem.to_owned(),
        root_problem: Some(root),
        request_id: new_id().to_string(),
        ..ConfirmCauseRequest::default()
    };
    Ok(problems(world, "agent").confirm_cause(request).await?.into_inner().problem_record.unwrap())
}

async fn fix(world: &World, role: &str, problem: &str) -> Result<ProblemRecord, Status> {
    let note = |language: &str, text: &str| Translation { language: language.to_owned(), text: text.to_owned() };
    let request = MarkFixedRequest {
        name: problem.to_owned(),
        notes: vec![note("en", "A new lid is on its way."), note("de", "Ein neuer Deckel ist unterwegs.")],
        request_id: new_id().to_string(),
        ..MarkFixedRequest::default()
    };
    Ok(problems(world, role).mark_fixed(request).await?.into_inner().problem_record.unwrap())
}

async fn close(world: &World, problem: &str) -> Result<ProblemRecord, Status> {
    let request = CloseProblemRecordRequest {
        name: problem.to_owned(),
        request_id: new_id().to_string(),
        ..CloseProblemRecordRequest::default()
    };
    Ok(problems(world, "agent").close_problem_record(request).await?.into_inner().problem_record.unwrap())
}

async fn get(world: &World, problem: &str) -> ProblemRecord {
    let request = GetProblemRecordRequest { name: problem.to_owned() };
    problems(world, "agent").get_problem_record(request).await.unwrap().into_inner().problem_record.unwrap()
}

async fn carried_out(world: &World, problem: &str) -> ProblemRecord {
    eventually("every ticket had its turn", || async {
        let record = get(world, problem).await;
        (record.resolved + record.refused == record.total).then_some(record)
    })
    .await
}

async fn outcomes(world: &World, problem: &str) -> Vec<ProblemTicket> {
    let request = ListProblemTicketsRequest { parent: problem.to_owned(), ..ListProblemTicketsRequest::default() };
    problems(world, "agent").list_problem_tickets(request).await.unwrap().into_inner().problem_tickets
}

async fn last_said(world: &World, ticket: &str) -> String {
    let request = ListMessagesRequest { parent: ticket.to_owned(), ..ListMessagesRequest::default() };
    world.tickets().list_messages(request).await.unwrap().into_inner().messages.last().unwrap().text.clone()
}

async fn opened(world: &World, customer: Uuid) -> String {
    world.create(a_ticket(customer)).await.unwrap().name
}

#[tokio::test(flavor = "multi_thread")]
async fn tk59_when_a_cause_is_removed_each_customer_is_told_in_the_own_language_and_asked() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 1).await;
    let (english, german, french) =
        (world.customer("en").await, world.customer("de").await, world.customer("fr").await);
    let worked_on = opened(&world, english).await;
    world.assigned(&worked_on).await;
    let (waiting, held, other) =
        (opened(&world, german).await, opened(&world, english).await, opened(&world, french).await);
    sqlx::query("select hold_ticket($1, 'promise', $2, true)")
        .bind(id_of(&held))
        .bind(new_id())
        .execute(&world.database.owner)
        .await
        .unwrap();

    let problem = create(&world).await;
    let all = [worked_on.as_str(), &waiting, &held, &other];
    let attached = attach(&world, &problem, &all).await.unwrap();
    assert_eq!((attached.problem_record.unwrap().total, attached.not_attached), (4, Vec::<String>::new()));
    know(&world, &problem).await.unwrap();
    assert_eq!(
        is_refused(fix(&world, "agent", &problem).await, ErrorReason::ScopeMissing).code(),
        Code::PermissionDenied
    );
    let fixed = fix(&world, "lead", &problem).await.unwrap();
    assert_eq!((fixed.state(), fixed.total), (problem_record::State::Fixed, 4));

    let record = carried_out(&world, &problem).await;
    assert_eq!((record.resolved, record.refused), (3, 1));
    for (ticket, note) in [
        (&worked_on, "A new lid is on its way."),
        (&waiting, "Ein neuer Deckel ist unterwegs."),
        (&other, "A new lid is on its way."),
    ] {
        let resolved = world.get(ticket).await;
        assert_eq!((resolved.state(), resolved.verification_attempts), (State::Resolved, 1), "asked, not closed");
        assert_eq!(resolved.root_problem.unwrap().description, "The hinge is too long.");
        assert_eq!(last_said(&world, ticket).await, note);
        assert_eq!(world.acts(ticket).await.iter().filter(|act| *act == "resolved").count(), 1);
    }
    let refused: Vec<ProblemTicket> = outcomes(&world, &problem)
        .await
        .into_iter()
        .filter(|one| one.result() == problem_ticket::Result::Refused)
        .collect();
    assert_eq!((refused[0].ticket.as_str(), refused[0].refused_by.as_str()), (held.as_str(), "TK11"));
    assert_ne!(world.get(&held).await.state(), State::Resolved);

    // What comes late is resolved at once.
    let late = opened(&world, german).await;
    attach(&world, &problem, &[&late]).await.unwrap();
    world.until("it is resolved as well", &late, |ticket| ticket.state() == State::Resolved).await;
    carried_out(&world, &problem).await;
    assert_eq!(close(&world, &problem).await.unwrap().state(), problem_record::State::Closed);
    let told = "select count(*) from seva.outbox where type = 'seva.tickets.problem_record.carried_out.v1'";
    assert_eq!(world.count(told).await, 2);
    let words = "select count(*) from seva.outbox where type like 'seva.tickets.problem_record.%' and position(convert_to('lid', 'utf8') in payload) > 0";
    assert_eq!(world.count(words).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk58_a_record_goes_its_way_step_by_step_and_says_what_would_have_to_be_true() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let problem = create(&world).await;
    let refused = |answer| invariant(&is_refused::<ProblemRecord>(answer, ErrorReason::StateForbids));
    assert_eq!(refused(fix(&world, "lead", &problem).await), "TK58");
    assert_eq!(refused(close(&world, &problem).await), "TK58");
    let ticket = opened(&world, customer).await;
    let nobody = format!("tickets/{}", new_id());
    let attached = attach(&world, &problem, &[&ticket, &nobody]).await.unwrap();
    assert_eq!(attached.not_attached, [nobody]);
    let other = create(&world).await;
    assert_eq!(
        attach(&world, &other, &[&ticket]).await.unwrap().not_attached,
        std::slice::from_ref(&ticket),
        "it has one cause"
    );
    assert_eq!(get(&world, &other).await.total, 0);
    is_refused(attach(&world, &other, &[]).await, ErrorReason::FieldsInvalid);

    let detach =
        |id: Uuid| DetachTicketRequest { name: problem.clone(), ticket: ticket.clone(), request_id: id.to_string() };
    let once = new_id();
    for _ in 0..2 {
        let detached = problems(&world, "agent").detach_ticket(detach(once)).await.unwrap().into_inner();
        assert_eq!(detached.problem_record.unwrap().total, 0);
    }
    is_refused(problems(&world, "agent").detach_ticket(detach(new_id())).await, ErrorReason::ResourceNotFound);
    attach(&world, &problem, &[&ticket]).await.unwrap();
    know(&world, &problem).await.unwrap();
    know(&world, &problem).await.unwrap();
    fix(&world, "lead", &problem).await.unwrap();
    carried_out(&world, &problem).await;
    assert_eq!(refused(know(&world, &problem).await), "TK58");
    assert_eq!(refused(fix(&world, "lead", &problem).await), "TK58");
    is_refused(problems(&world, "agent").detach_ticket(detach(new_id())).await, ErrorReason::StateForbids);
    close(&world, &problem).await.unwrap();
    is_refused(attach(&world, &problem, &[&ticket]).await, ErrorReason::StateForbids);

    let open =
        ListProblemRecordsRequest { state: problem_record::State::Open.into(), ..ListProblemRecordsRequest::default() };
    let listed = problems(&world, "agent").list_problem_records(open).await.unwrap().into_inner().problem_records;
    assert_eq!(listed.iter().map(|record| record.name.clone()).collect::<Vec<_>>(), [other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk59_whoever_waits_for_it_hears_that_nothing_is_left_to_do_whichever_way_the_last_ticket_goes() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let told = async |problem: &str| {
        let kinds = "select array_agg(substring(type from 'record\\.(.*)\\.v1') order by sequence) from seva.outbox where subject = $1";
        let kinds: Vec<String> =
            sqlx::query_scalar(kinds).bind(problem).fetch_one(&world.database.owner).await.unwrap();
        kinds
    };
    let of_nobody = create(&world).await;
    know(&world, &of_nobody).await.unwrap();
    fix(&world, "lead", &of_nobody).await.unwrap();
    assert_eq!(told(&of_nobody).await[2..], ["fixed", "carried_out"]);

    // The only one goes before its turn has come: it comes tomorrow.
    let ticket = opened(&world, customer).await;
    let waits = format!(
        "insert into problem_ticket (ticket_id, problem_id, due_at) values ('{}', '{problem}', now() + interval '1 day');
         update problem_record set total = 1 where id = '{problem}'",
        id_of(&ticket),
        problem = id_of(&of_nobody),
    );
    sqlx::raw_sql(AssertSqlSafe(waits)).execute(&world.database.owner).await.unwrap();
    let detach = DetachTicketRequest { name: of_nobody.clone(), ticket, request_id: new_id().to_string() };
    let detached = problems(&world, "agent").detach_ticket(detach).await.unwrap().into_inner();
    assert_eq!(told(&of_nobody).await[4..], ["ticket_detached", "carried_out"]);
    assert_eq!(detached.problem_record.unwrap(), get(&world, &of_nobody).await, "answered as it stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn tk59_a_child_has_its_turn_before_the_parent_that_it_holds() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 100).await;
    let customer = world.customer("en").await;
    let mut family = Vec::new();
    for _ in 0..3 {
        let ticket = opened(&world, customer).await;
        world.assigned(&ticket).await;
        family.push(ticket);
    }
    // The youngest first: the order of their ids is not the order of their turns.
    for pair in family.windows(2) {
        link(&world, &pair[1], Kind::ChildOf, &pair[0]).await.unwrap();
    }
    let problem = create(&world).await;
    attach(&world, &problem, &family.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    know(&world, &problem).await.unwrap();
    fix(&world, "lead", &problem).await.unwrap();
    let record = carried_out(&world, &problem).await;
    assert_eq!((record.resolved, record.refused), (3, 0));
}

/// TK58
#[tokio::test(flavor = "multi_thread")]
async fn of_two_records_that_want_a_ticket_at_once_one_has_it_and_a_resolution_at_the_same_time_is_counted_once() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 100).await;
    let customer = world.customer("en").await;
    let (one, two) = (create(&world).await, create(&world).await);
    for _ in 0..6 {
        let ticket = opened(&world, customer).await;
        let wanted = [ticket.as_str()];
        let (first, second) = tokio::join!(attach(&world, &one, &wanted), attach(&world, &two, &wanted));
        assert_eq!(first.unwrap().not_attached.len() + second.unwrap().not_attached.len(), 1);
        world.assigned(&ticket).await;
    }
    for problem in [&one, &two] {
        know(&world, problem).await.unwrap();
        let attached = outcomes(&world, problem).await;
        let by_hand = async {
            for one in &attached {
                // One of both comes first; the other is told so.
                let _ = world.resolve(&one.ticket).await;
            }
        };
        let (fixed, ()) = tokio::join!(fix(&world, "lead", problem), by_hand);
        fixed.unwrap();
        let record = carried_out(&world, problem).await;
        assert_eq!(record.resolved + record.refused, i32::try_from(attached.len()).unwrap());
        for one in attached {
            let acts = world.acts(&one.ticket).await;
            assert_eq!(acts.iter().filter(|act| *act == "resolved").count(), 1, "asked once: {acts:?}");
        }
    }
}

/// TK59
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_write_fails_for_good_stops_no_other() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(opened(&world, customer).await);
    }
    // Whose turn comes first: the others are behind it.
    let (poisoned, others) = tickets.split_first().unwrap();
    let never = format!(
        "alter table ticket add constraint never_resolved check (id <> '{}' or state <> 'resolved') not valid",
        id_of(poisoned)
    );
    sqlx::query(AssertSqlSafe(never)).execute(&world.database.owner).await.unwrap();
    let problem = create(&world).await;
    attach(&world, &problem, &tickets.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    know(&world, &problem).await.unwrap();
    fix(&world, "lead", &problem).await.unwrap();
    for ticket in others {
        world.until("it is resolved", ticket, |ticket| ticket.state() == State::Resolved).await;
    }
    let record = get(&world, &problem).await;
    assert_eq!((record.resolved, record.refused, record.total), (2, 0, 3), "its turn is still to come");
    assert_ne!(world.get(poisoned).await.state(), State::Resolved);
    is_refused(close(&world, &problem).await, ErrorReason::StateForbids);

    let healed = "alter table ticket drop constraint never_resolved";
    sqlx::query(healed).execute(&world.database.owner).await.unwrap();
    world.until("it is resolved as well", poisoned, |ticket| ticket.state() == State::Resolved).await;
    let record = carried_out(&world, &problem).await;
    assert_eq!((record.resolved, record.refused), (3, 0));
    let told = "select count(*) from seva.outbox where type = 'seva.tickets.problem_record.carried_out.v1'";
    assert_eq!(world.count(told).await, 1);
}

/// TK59, TK11
#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_has_another_turn_when_it_is_over_as_long_as_its_record_is_not_closed() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let (released, late) = (opened(&world, customer).await, opened(&world, customer).await);
    let (what, other) = (new_id(), new_id());
    let hold = async |ticket: &str, what: Uuid, is_open: bool| {
        let held = "select hold_ticket($1, 'promise', $2, $3)";
        let held = sqlx::query(held).bind(id_of(ticket)).bind(what).bind(is_open);
        held.execute(&world.database.owner).await.unwrap();
    };
    hold(&released, what, true).await;
    hold(&late, other, true).await;
    let problem = create(&world).await;
    attach(&world, &problem, &[&released, &late]).await.unwrap();
    know(&world, &problem).await.unwrap();
    fix(&world, "lead", &problem).await.unwrap();
    let record = carried_out(&world, &problem).await;
    assert_eq!((record.resolved, record.refused), (0, 2));

    hold(&released, what, false).await;
    let resolved = world.until("it is resolved", &released, |ticket| ticket.state() == State::Resolved).await;
    assert_eq!(resolved.verification_attempts, 1, "its customer is asked");
    assert_eq!(last_said(&world, &released).await, "A new lid is on its way.");
    let record = get(&world, &problem).await;
    assert_eq!((record.resolved, record.refused, record.total), (1, 1, 2), "each is counted once");
    let of = async |ticket: &str| {
        let outcome = outcomes(&world, &problem).await.into_iter().find(|one| one.ticket == ticket).unwrap();
        (outcome.result(), outcome.refused_by)
    };
    assert_eq!(of(&released).await, (problem_ticket::Result::Resolved, String::new()));
    assert_eq!(of(&late).await, (problem_ticket::Result::Refused, "TK11".to_owned()));

    // Whoever closes the record has said that nobody waits for it any more.
    close(&world, &problem).await.unwrap();
    hold(&late, other, false).await;
    let another = create(&world).await;
    know(&world, &another).await.unwrap();
    fix(&world, "lead", &another).await.unwrap();
    let after = opened(&world, customer).await;
    attach(&world, &another, &[&after]).await.unwrap();
    world.until("the work has gone on", &after, |ticket| ticket.state() == State::Resolved).await;
    assert_ne!(world.get(&late).await.state(), State::Resolved);
}

/// A figure: how fast the customers of a problem are told. Run it with `--ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, taken when somebody asks for it"]
async fn ten_thousand_customers_are_told_and_asked() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let template = id_of(&opened(&world, customer).await);
    let problem = create(&world).await;
    know(&world, &problem).await.unwrap();
    let script = format!(
        "create temporary table made as select gen_random_uuid() as id, n from generate_series(1, 10000) as n;
         create temporary table t as select * from ticket where id = '{template}';
         create temporary table c as select * from clock where ticket_id = '{template}';
         create temporary table e as select * from clock_event where ticket_id = '{template}';
         insert into ticket select (jsonb_populate_record(t, jsonb_build_object('id', made.id, 'number', 100000 + made.n, 'route_at', null))).* from t, made;
         insert into clock select (jsonb_populate_record(c, jsonb_build_object('ticket_id', made.id))).* from c, made;
         insert into clock_event select (jsonb_populate_record(e, jsonb_build_object('ticket_id', made.id))).* from e, made;
         insert into problem_ticket (ticket_id, problem_id) select id, '{}' from made;
         update problem_record set total = 10000 where id = '{}';
         analyze ticket; analyze clock; analyze clock_event; analyze problem_ticket",
        id_of(&problem),
        id_of(&problem),
    );
    let mut connection = world.database.owner.acquire().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *connection).await.unwrap();
    let begun = Instant::now();
    fix(&world, "lead", &problem).await.unwrap();
    let marked = begun.elapsed();
    loop {
        let record = get(&world, &problem).await;
        if record.resolved + record.refused == 10_000 {
            assert_eq!(record.refused, 0);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let took = begun.elapsed();
    let second = 10_000.0 / took.as_secs_f64();
    println!("marked in {marked:?}; 10,000 customers told and asked in {took:?}: {second:.0} a second");
    let _: Ticket = world.get(&format!("tickets/{template}")).await;
}
