//! Bulk jobs: each ticket is served once, by the rules of a person's call, whatever becomes of the others (TK120, TK122, TK123).

use std::collections::BTreeMap;

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AssignTicketRequest, BulkJob, BulkJobResult, CancelBulkJobRequest, CancelTicketRequest, CreateBulkJobRequest,
        GetBulkJobRequest, ListBulkJobResultsRequest, ReplyToTicketRequest, Ticket, TicketAction, TicketFilter,
        UpdateTicketRequest,
        bulk_job::State as JobState,
        bulk_job_result::State as ResultState,
        bulk_job_service_client::BulkJobServiceClient,
        message::Visibility,
        ticket::{CancelReason, Priority, State},
        ticket_link::Kind,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use tonic::Status;
use uuid::Uuid;

use crate::{
    links::link,
    macros::{ask, assign, cancel, note, priority, reply, resolve},
    world::{World, a_ticket, id_of, invariant, is_refused},
};

fn jobs(world: &World) -> BulkJobServiceClient<Peer> {
    BulkJobServiceClient::new(world.server.as_role("lead"))
}

fn on(tickets: &[String], actions: Vec<TicketAction>) -> CreateBulkJobRequest {
    CreateBulkJobRequest {
        tickets: tickets.to_vec(),
        actions,
        request_id: new_id().to_string(),
        ..CreateBulkJobRequest::default()
    }
}

async fn create(world: &World, request: CreateBulkJobRequest) -> Result<BulkJob, Status> {
    Ok(jobs(world).create_bulk_job(request).await?.into_inner().bulk_job.unwrap())
}

async fn get(world: &World, name: &str) -> BulkJob {
    let request = GetBulkJobRequest { name: name.to_owned() };
    jobs(world).get_bulk_job(request).await.unwrap().into_inner().bulk_job.unwrap()
}

async fn done(world: &World, name: &str) -> BulkJob {
    eventually("the job is done", || async {
        let job = get(world, name).await;
        (job.state() == JobState::Done).then_some(job)
    })
    .await
}

async fn results(world: &World, job: &str) -> BTreeMap<String, BulkJobResult> {
    let mut found = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListBulkJobResultsRequest { parent: job.to_owned(), page_size: 3, page_token, ..Default::default() };
        let page = jobs(world).list_bulk_job_results(request).await.unwrap().into_inner();
        found.extend(page.results.into_iter().map(|result| (result.ticket.clone(), result)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// Tickets that one member has.
async fn open_tickets(world: &World, count: usize) -> (Uuid, Vec<String>) {
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 1000).await;
    let customer = world.customer("en").await;
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        names.push(world.create(a_ticket(customer)).await.unwrap().name);
    }
    for name in &names {
        world.assigned(name).await;
    }
    (customer, names)
}

#[tokio::test(flavor = "multi_thread")]
async fn tk123_a_child_is_served_before_the_parent_that_it_holds() {
    let world = World::new().await;
    let (_, tickets) = open_tickets(&world, 3).await;
    // The youngest first: the order of their ids is not the order of their turns.
    for pair in tickets.windows(2) {
        link(&world, &pair[1], Kind::ChildOf, &pair[0]).await.unwrap();
    }
    let job = create(&world, on(&tickets, vec![reply("About {ticket_number}"), resolve()])).await.unwrap();
    let job = done(&world, &job.name).await;
    assert_eq!((job.done, job.refused), (3, 0), "{:?}", results(&world, &job.name).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk123_every_ticket_has_its_own_result_and_what_is_refused_for_one_stops_no_other() {
    let world = World::new().await;
    let (_, mut tickets) = open_tickets(&world, 4).await;
    world.resolve(&tickets[1]).await.unwrap();
    tickets.push(format_name("tickets", new_id()));
    tickets.push(tickets[0].clone());

    let job = create(&world, on(&tickets, vec![reply("About {ticket_number}"), resolve()])).await.unwrap();
    assert_eq!((job.total, job.state()), (5, JobState::Queued));
    let job = done(&world, &job.name).await;
    assert_eq!((job.done, job.refused), (3, 2));
    assert!(job.creator.starts_with("user:") && job.finish_time.is_some());

    let results = results(&world, &job.name).await;
    assert_eq!(results.len(), 5);
    let refusal = results[&tickets[1]].refusal.clone().unwrap();
    assert_eq!((refusal.reason.as_str(), refusal.invariant.as_str(), refusal.action), ("STATE_FORBIDS", "TK3", 1));
    let missing = results[&tickets[4]].refusal.clone().unwrap();
    assert_eq!(missing.reason, "RESOURCE_NOT_FOUND");
    for done in [&tickets[0], &tickets[2], &tickets[3]] {
        assert_eq!(results[done].state(), ResultState::Done);
        assert_eq!(world.get(done).await.state(), State::Resolved);
        assert_eq!(world.acts(done).await[2..], ["replied", "resolved"]);
    }
    // In the name of whoever asked, and in the audit.
    let audit = "select count(*) from seva.audit where method like '%/CreateBulkJob' and resource like 'tickets/%'";
    assert_eq!(world.count(audit).await, 6);
    let told = "select count(*) from seva.outbox where type like 'seva.tickets.bulk_job.%'";
    assert_eq!(world.count(told).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_free_place_goes_to_one_of_a_job_and_the_others_are_refused_it() {
    let world = World::new().await;
    let (_, tickets) = open_tickets(&world, 5).await;
    let department = world.department("second", &["billing"]).await;
    let rina = world.member("rina", &department, &["en"], 2).await;
    let job = create(&world, on(&tickets, vec![note("To Rina"), assign(&rina)])).await.unwrap();
    let job = done(&world, &job.name).await;
    assert_eq!((job.done, job.refused), (2, 3));
    let refused = results(&world, &job.name).await.into_values().find_map(|result| result.refusal).unwrap();
    assert_eq!((refused.reason.as_str(), refused.invariant.as_str()), ("STAFF_MEMBER_UNAVAILABLE", "TK2"));
    // Nothing is left of what was refused.
    assert_eq!(world.count("select count(*) from message").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk122_a_job_whose_worker_is_cut_off_serves_every_ticket_once() {
    let world = World::new().await;
    let (_, tickets) = open_tickets(&world, 30).await;
    // Somebody holds the last ticket, so that the worker waits in the middle of its work, and is cut off there, twice.
    let last = tickets.iter().map(|name| id_of(name)).max().unwrap();
    for _ in 0..2 {
        let mut held = world.database.db.begin().await.unwrap();
        sqlx::query("select from ticket where id = $1 for update").bind(last).execute(&mut *held).await.unwrap();
        create(&world, on(&tickets, vec![note("Seen"), priority(Priority::High)])).await.unwrap();
        let cut_off = eventually("the worker waits", || async {
            let cut: Option<bool> = sqlx::query_scalar(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock' and query like '%from ticket where id = any%'",
            )
            .fetch_optional(&world.database.owner)
            .await
            .unwrap();
            cut
        })
        .await;
        assert!(cut_off);
        held.rollback().await.unwrap();
    }
    eventually("both jobs are done", || async {
        (world.count("select count(*) from bulk_job where state = 'done' and done = 30").await == 2).then_some(())
    })
    .await;
    assert_eq!(world.count("select count(*) from message").await, 60);
    let twice = "select count(*) from (select from message group by ticket_id having count(*) <> 2) as t";
    assert_eq!(world.count(twice).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tickets_of_a_filter_are_those_that_match_when_the_job_is_asked_for() {
    let world = World::new().await;
    let (customer, tickets) = open_tickets(&world, 3).await;
    world.resolve(&tickets[0]).await.unwrap();
    let filter = |state: State| {
        Some(TicketFilter {
            customer: format_name("customers", customer),
            state: state.into(),
            ..TicketFilter::default()
        })
    };
    let request = CreateBulkJobRequest { filter: filter(State::Open), ..on(&[], vec![priority(Priority::Urgent)]) };
    let job = create(&world, request.clone()).await.unwrap();
    assert_eq!(job.total, 2);
    let job = done(&world, &job.name).await;
    assert_eq!((job.done, job.refused), (2, 0));
    assert_eq!(world.get(&tickets[0]).await.priority(), Priority::Normal);
    assert_eq!(world.get(&tickets[1]).await.priority(), Priority::Urgent);

    // The same request again is the same job, whatever matches by now.
    assert_eq!(create(&world, request.clone()).await.unwrap().name, job.name);
    let other = CreateBulkJobRequest { filter: filter(State::New), ..request };
    is_refused(create(&world, other.clone()).await, ErrorReason::RequestIdReused);
    // Nothing matches: there is nothing to do.
    let nothing = create(&world, CreateBulkJobRequest { request_id: new_id().to_string(), ..other }).await.unwrap();
    assert_eq!((nothing.total, nothing.state()), (0, JobState::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_tickets_or_actions_or_with_too_many_is_refused_with_every_fault() {
    let world = World::new().await;
    let refused = create(&world, on(&[], Vec::new())).await;
    is_refused(refused, ErrorReason::FieldsInvalid);
    let empty = CreateBulkJobRequest { filter: Some(TicketFilter::default()), ..on(&[], vec![note("Seen")]) };
    is_refused(create(&world, empty).await, ErrorReason::FieldsInvalid);
    let names: Vec<String> = (0..=10_000).map(|_| format_name("tickets", new_id())).collect();
    is_refused(create(&world, on(&names, vec![note("Seen")])).await, ErrorReason::FieldsInvalid);
    let most = create(&world, on(&names[1..], vec![note("Seen")])).await.unwrap();
    assert_eq!(done(&world, &most.name).await.refused, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk123_a_job_that_is_called_off_does_nothing_more_and_one_that_is_done_cannot_be() {
    let world = World::new().await;
    let (_, tickets) = open_tickets(&world, 250).await;
    let job = create(&world, on(&tickets, vec![note("Seen")])).await.unwrap();
    let cancel = || CancelBulkJobRequest { name: job.name.clone(), request_id: new_id().to_string() };
    let canceled = jobs(&world).cancel_bulk_job(cancel()).await;
    match canceled {
        Ok(canceled) => {
            let canceled = canceled.into_inner().bulk_job.unwrap();
            assert_eq!(canceled.state(), JobState::Canceled);
            let done =
                results(&world, &job.name).await.values().filter(|result| result.state() == ResultState::Done).count();
            assert_eq!(i32::try_from(done).unwrap(), canceled.done);
            assert_eq!(world.count("select count(*) from message").await, i64::from(canceled.done));
            let again = jobs(&world).cancel_bulk_job(cancel()).await.unwrap().into_inner().bulk_job.unwrap();
            assert_eq!(again, canceled);
        }
        // It was faster.
        Err(status) => assert_eq!(invariant(&status), "TK123"),
    }
    let job = create(&world, on(&tickets[..1], vec![note("Seen")])).await.unwrap();
    done(&world, &job.name).await;
    let late = CancelBulkJobRequest { name: job.name, request_id: new_id().to_string() };
    let refused = is_refused(jobs(&world).cancel_bulk_job(late).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK123");
}

/// TK120: a job of random actions comes to the same as the calls of a person, one after the other, up to the one that is refused.
#[tokio::test(flavor = "multi_thread")]
async fn tk120_a_job_comes_to_the_same_as_the_calls_of_a_person() {
    let world = World::new().await;
    let (_, tickets) = open_tickets(&world, 48).await;
    let mut random = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let member = world.get(&tickets[0]).await.assignee;
    for pair in tickets.chunks(2) {
        let actions: Vec<Random> = (0..3).map(|_| Random::of(&mut random)).collect();
        let job = on(&pair[..1], actions.iter().map(|action| action.action(&member)).collect());
        let job = create(&world, job).await.unwrap();
        let mut refused = None;
        for (at, action) in actions.iter().enumerate() {
            if let Err(status) = action.call(&world, &pair[1], &member).await {
                refused = Some((at, status));
                break;
            }
        }
        done(&world, &job.name).await;
        let result = results(&world, &job.name).await.into_values().next().unwrap();
        match refused {
            Some((at, status)) => {
                let refusal = result.refusal.unwrap();
                assert_eq!(
                    (refusal.action, refusal.invariant),
                    (i32::try_from(at).unwrap(), invariant(&status)),
                    "{actions:?}"
                );
            }
            None => {
                let (by_job, by_calls) = (world.get(&pair[0]).await, world.get(&pair[1]).await);
                assert_eq!(
                    (by_job.state(), by_job.priority(), &by_job.assignee),
                    (by_calls.state(), by_calls.priority(), &by_calls.assignee),
                    "{actions:?}"
                );
                assert_eq!(world.acts(&pair[0]).await, world.acts(&pair[1]).await, "{actions:?}");
                let clocks = |ticket: &seva_proto::tickets::v1::Ticket| {
                    let mut clocks: Vec<_> =
                        ticket.clocks.iter().map(|clock| (clock.kind, clock.round, clock.state)).collect();
                    clocks.sort_unstable();
                    clocks
                };
                assert_eq!(clocks(&by_job), clocks(&by_calls), "{actions:?}");
            }
        }
    }
}

/// An action, as part of a job and as a call.
#[derive(Debug, Clone, Copy)]
enum Random {
    Reply,
    Ask,
    Note,
    Priority(Priority),
    Assign,
    Resolve,
    Cancel,
}

impl Random {
    fn of(random: &mut proptest::test_runner::TestRng) -> Self {
        use proptest::prelude::Rng;
        match random.next_u32() % 8 {
            0 => Self::Reply,
            1 => Self::Ask,
            2 => Self::Note,
            3 => Self::Priority(Priority::High),
            4 => Self::Priority(Priority::Low),
            5 => Self::Assign,
            6 => Self::Resolve,
            _ => Self::Cancel,
        }
    }

    fn action(&self, member: &str) -> TicketAction {
        match self {
            Self::Reply => reply("Hello"),
            Self::Ask => ask("Hello?"),
            Self::Note => note("Hello"),
            Self::Priority(other) => priority(*other),
            Self::Assign => assign(member),
            Self::Resolve => resolve(),
            Self::Cancel => cancel(),
        }
    }

    async fn call(&self, world: &World, ticket: &str, member: &str) -> Result<(), Status> {
        let (name, request_id) = (ticket.to_owned(), new_id().to_string());
        let mut tickets = world.tickets();
        let says = |visibility: Visibility, awaits_customer: bool| ReplyToTicketRequest {
            name: ticket.to_owned(),
            visibility: visibility.into(),
            text: "Hello".to_owned(),
            awaits_customer,
            request_id: new_id().to_string(),
            ..ReplyToTicketRequest::default()
        };
        match self {
            Self::Reply => tickets.reply_to_ticket(says(Visibility::Public, false)).await.map(drop),
            Self::Ask => tickets.reply_to_ticket(says(Visibility::Public, true)).await.map(drop),
            Self::Note => tickets.reply_to_ticket(says(Visibility::Internal, false)).await.map(drop),
            Self::Priority(priority) => {
                let ticket = Some(Ticket { name, priority: (*priority).into(), ..Ticket::default() });
                tickets.update_ticket(UpdateTicketRequest { ticket, update_mask: None, request_id }).await.map(drop)
            }
            Self::Assign => {
                let assignee = member.to_owned();
                let request = AssignTicketRequest { name, assignee, request_id, ..AssignTicketRequest::default() };
                tickets.assign_ticket(request).await.map(drop)
            }
            Self::Resolve => world.resolve(ticket).await.map(drop),
            Self::Cancel => {
                let reason = CancelReason::Duplicate.into();
                let request = CancelTicketRequest { name, reason, request_id, ..CancelTicketRequest::default() };
                tickets.cancel_ticket(request).await.map(drop)
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure"]
async fn figure_items_of_a_job_per_second() {
    let world = World::new().await;
    let (_, tickets) = open_tickets(&world, 900).await;
    let began = std::time::Instant::now();
    let job = create(&world, on(&tickets, vec![note("Seen"), priority(Priority::High)])).await.unwrap();
    done(&world, &job.name).await;
    eprintln!("{:.0} items per second, each with two actions", 900.0 / began.elapsed().as_secs_f64());
}
