//! Saved filters: who sees them, what they show, and how many tickets that is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        AssignTicketRequest, CancelTicketRequest, CountViewsRequest, CreateViewRequest, DeleteViewRequest,
        GetViewRequest, ListTicketsRequest, ListViewsRequest, ReopenTicketRequest, Ticket, TicketFilter, TicketView,
        TimeRange, UpdateTicketRequest, UpdateViewRequest, View,
        ticket::{CancelReason, Kind, Priority, State},
        view::Sharing,
        view_count::Precision,
        view_service_client::ViewServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use tokio::task::JoinSet;

use crate::{
    merge::merge,
    world::{World, a_ticket, is_refused},
};

fn views(world: &World, user: &str, role: &str) -> ViewServiceClient<Peer> {
    ViewServiceClient::new(world.person(user, role))
}

fn a_view(sharing: Sharing, department: &str, filter: TicketFilter) -> View {
    View {
        titles: vec![
            Translation { language: "en".to_owned(), text: "What waits".to_owned() },
            Translation { language: "hi".to_owned(), text: "जो बाकी है".to_owned() },
        ],
        sharing: sharing.into(),
        department: department.to_owned(),
        filter: Some(filter),
        ..View::default()
    }
}

async fn save(mut views: ViewServiceClient<Peer>, view: View) -> Result<View, tonic::Status> {
    let request = CreateViewRequest { view: Some(view), request_id: new_id().to_string() };
    Ok(views.create_view(request).await?.into_inner().view.unwrap())
}

async fn seen(mut views: ViewServiceClient<Peer>) -> Vec<String> {
    let page = views.list_views(ListViewsRequest::default()).await.unwrap().into_inner();
    page.views.into_iter().map(|view| view.name).collect()
}

async fn shown(world: &World, user: &str, view: &str) -> Vec<String> {
    let request = ListTicketsRequest { saved_view: view.to_owned(), ..ListTicketsRequest::default() };
    let page = world.tickets_of(user).list_tickets(request).await.unwrap().into_inner();
    page.tickets.into_iter().map(|ticket| ticket.name).collect()
}

async fn count(world: &World, user: &str, view: &str) -> (i64, Precision) {
    let request = CountViewsRequest { names: vec![view.to_owned()] };
    let counts = views(world, user, "agent").count_views(request).await.unwrap().into_inner().counts;
    assert_eq!(counts[0].view, view);
    (counts[0].tickets, counts[0].precision())
}

#[tokio::test(flavor = "multi_thread")]
async fn tk101_a_view_is_seen_by_those_it_is_shared_with_and_changed_by_its_owner_and_whoever_leads() {
    let world = World::new().await;
    let ours = world.department("support", &["question"]).await;
    let theirs = world.department("billing", &["billing"]).await;
    world.member("radha", &ours, &["en"], 1).await;
    world.member("bilal", &ours, &["en"], 1).await;
    world.member("joan", &theirs, &["en"], 1).await;
    let [radha, bilal, joan] = ["radha", "bilal", "joan"].map(|user| views(&world, user, "agent"));
    let mira = views(&world, "mira", "lead");

    let private = save(radha.clone(), a_view(Sharing::Unspecified, "", TicketFilter::default())).await.unwrap();
    let shared = save(radha.clone(), a_view(Sharing::Department, &ours, TicketFilter::default())).await.unwrap();
    let public = save(mira.clone(), a_view(Sharing::Everybody, "", TicketFilter::default())).await.unwrap();
    assert_eq!(private.sharing(), Sharing::Private);
    assert_eq!(private.owner, "user:radha");
    assert_eq!(seen(radha.clone()).await, [&*private.name, &*shared.name, &*public.name]);
    assert_eq!(seen(bilal.clone()).await, [&*shared.name, &*public.name]);
    assert_eq!(seen(joan.clone()).await, [&*public.name]);
    assert_eq!(seen(mira.clone()).await, [&*shared.name, &*public.name]);

    // To whom it is not shown it does not exist.
    let get = |name: &str| GetViewRequest { name: name.to_owned() };
    is_refused(bilal.clone().get_view(get(&private.name)).await, ErrorReason::ResourceNotFound);
    is_refused(joan.clone().get_view(get(&shared.name)).await, ErrorReason::ResourceNotFound);
    let unseen = ListTicketsRequest { saved_view: private.name.clone(), ..ListTicketsRequest::default() };
    is_refused(world.tickets_of("bilal").list_tickets(unseen).await, ErrorReason::ResourceNotFound);
    let uncounted = CountViewsRequest { names: vec![public.name.clone(), private.name.clone()] };
    is_refused(bilal.clone().count_views(uncounted).await, ErrorReason::ResourceNotFound);

    // An agent shares with the own department at most.
    is_refused(
        save(joan.clone(), a_view(Sharing::Department, &ours, TicketFilter::default())).await,
        ErrorReason::ResourceForbidden,
    );
    is_refused(
        save(joan, a_view(Sharing::Everybody, "", TicketFilter::default())).await,
        ErrorReason::ResourceForbidden,
    );

    let update = |view: &View, titles: &str| UpdateViewRequest {
        view: Some(View {
            titles: vec![Translation { language: "ur".to_owned(), text: titles.to_owned() }],
            order_by: "next_due_time".to_owned(),
            ..view.clone()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["titles".to_owned(), "order_by".to_owned()] }),
        request_id: new_id().to_string(),
    };
    is_refused(bilal.clone().update_view(update(&shared, "انتظار")).await, ErrorReason::ResourceForbidden);
    let changed = mira.clone().update_view(update(&shared, "انتظار")).await.unwrap().into_inner().view.unwrap();
    assert_eq!((changed.titles.len(), changed.order_by.as_str()), (1, "next_due_time"));
    is_refused(radha.clone().update_view(update(&shared, "x")).await, ErrorReason::EtagMismatch);

    let delete = |name: &str, request_id: &str| DeleteViewRequest {
        name: name.to_owned(),
        request_id: request_id.to_owned(),
        ..DeleteViewRequest::default()
    };
    let id = new_id().to_string();
    is_refused(
        bilal.clone().delete_view(delete(&public.name, &new_id().to_string())).await,
        ErrorReason::ResourceForbidden,
    );
    radha.clone().delete_view(delete(&shared.name, &id)).await.unwrap();
    radha.clone().delete_view(delete(&shared.name, &id)).await.unwrap();
    is_refused(radha.clone().get_view(get(&shared.name)).await, ErrorReason::ResourceNotFound);
    assert_eq!(seen(bilal).await, [&*public.name]);

    let told = "select count(*) from seva.outbox where type like 'seva.tickets.view.%'";
    assert_eq!(world.count(told).await, 5);
    assert_eq!(world.count("select count(*) from seva.audit where resource like 'views/%'").await, 5);
    // What it is called stays in its row.
    let words = "select count(*) from seva.outbox where position('What waits'::bytea in payload) > 0";
    assert_eq!(world.count(words).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_view_is_told_at_once_and_a_hundred_are_enough() {
    let world = World::new().await;
    let faulty = View {
        sharing: Sharing::Private.into(),
        department: "departments/x".to_owned(),
        filter: Some(TicketFilter { customer: "x".to_owned(), states: vec![99], ..TicketFilter::default() }),
        order_by: "title".to_owned(),
        ..View::default()
    };
    let refused = is_refused(save(views(&world, "radha", "agent"), faulty).await, ErrorReason::FieldsInvalid);
    let told = tonic_types::StatusExt::get_details_bad_request(&refused).unwrap().field_violations;
    let fields: Vec<&str> = told.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        fields,
        ["view.titles", "view.department", "view.filter.customer", "view.filter.states[0]", "view.order_by"]
    );

    sqlx::query(
        "insert into saved_view (id, version, owner, titles, sharing, filter, order_by, created_at, updated_at)
         select gen_random_uuid(), 1, 'user:radha', '{}', 'private', '', '', '2026-01-01', '2026-01-01' from generate_series(1, 100)",
    )
    .execute(&world.database.owner)
    .await
    .unwrap();
    let one_more = a_view(Sharing::Private, "", TicketFilter::default());
    is_refused(save(views(&world, "radha", "agent"), one_more.clone()).await, ErrorReason::QuotaExhausted);
    save(views(&world, "bilal", "agent"), one_more).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_shows_what_its_filter_matches_in_its_order_and_mine_are_those_of_whoever_looks() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 2).await;
    let customer = world.customer("en").await;
    let first = world.create(a_ticket(customer)).await.unwrap().name;
    let urgent = Ticket { priority: Priority::Urgent.into(), ..a_ticket(customer) };
    let second = world.create(urgent).await.unwrap().name;
    world.assigned(&first).await;
    world.assigned(&second).await;
    let third = world.create(a_ticket(customer)).await.unwrap().name;

    let mine = TicketFilter { mine: true, states: vec![State::Open.into()], ..TicketFilter::default() };
    let due_first = View { order_by: "next_due_time".to_owned(), ..a_view(Sharing::Everybody, "", mine) };
    let mine = save(views(&world, "mira", "manager"), due_first).await.unwrap().name;
    assert_eq!(shown(&world, "radha", &mine).await, [&*second, &*first]);
    assert_eq!(count(&world, "radha", &mine).await, (2, Precision::Exact));
    assert_eq!(shown(&world, "nobody", &mine).await, [""; 0]);
    assert_eq!(count(&world, "nobody", &mine).await, (0, Precision::Exact));

    let oldest_first = ListTicketsRequest {
        saved_view: mine.clone(),
        order_by: "create_time".to_owned(),
        page_size: 1,
        ..ListTicketsRequest::default()
    };
    let page = world.tickets_of("radha").list_tickets(oldest_first.clone()).await.unwrap().into_inner();
    assert_eq!(page.tickets[0].name, first);
    let next = ListTicketsRequest { page_token: page.next_page_token, ..oldest_first.clone() };
    let page = world.tickets_of("radha").list_tickets(next.clone()).await.unwrap().into_inner();
    assert_eq!((page.tickets[0].name.as_str(), page.next_page_token.as_str()), (&*second, ""));
    // A page token is of one question.
    is_refused(world.tickets_of("nobody").list_tickets(next).await, ErrorReason::PageTokenInvalid);
    let twice = ListTicketsRequest { filter: Some(TicketFilter::default()), ..oldest_first };
    is_refused(world.tickets_of("radha").list_tickets(twice).await, ErrorReason::FieldsInvalid);

    // What is late now; the third waits in the queue, and is late with the others.
    let overdue = TicketFilter { overdue: true, department: department.clone(), ..TicketFilter::default() };
    let overdue = save(views(&world, "radha", "agent"), a_view(Sharing::Private, "", overdue)).await.unwrap().name;
    assert_eq!(count(&world, "radha", &overdue).await, (0, Precision::Exact));
    world.pass(3 * 24);
    assert_eq!(count(&world, "radha", &overdue).await, (3, Precision::Exact));
    assert_eq!(shown(&world, "radha", &overdue).await.len(), 3);
    let early = TimeRange { end_time: Some(seva_store::event::proto_timestamp(world.now())), ..TimeRange::default() };
    let of_then = TicketFilter { create_time: Some(early), assignee: radha, ..TicketFilter::default() };
    let of_then = save(views(&world, "radha", "agent"), a_view(Sharing::Private, "", of_then)).await.unwrap().name;
    assert_eq!(count(&world, "radha", &of_then).await, (2, Precision::Exact));
    assert!(!shown(&world, "radha", &of_then).await.contains(&third));
}

/// Whatever has become of a ticket: what a queue shows of it is what the whole ticket says, and nothing is missing but what the view leaves out.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_shows_of_every_ticket_what_the_whole_ticket_says() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 50).await;
    let customer = world.customer("en").await;
    let mut names = Vec::new();
    for _ in 0..6 {
        let name = world.create(Ticket { tags: vec!["kettle".to_owned()], ..a_ticket(customer) }).await.unwrap().name;
        world.assigned(&name).await;
        names.push(name);
    }
    let [_, resolved, closed, reopened, merged, canceled] = names.as_slice() else { panic!("six") };
    for name in [resolved, closed, reopened] {
        world.resolve(name).await.unwrap();
    }
    for name in [closed, reopened] {
        world.confirm(name).await.unwrap();
    }
    let reopen = ReopenTicketRequest {
        name: reopened.clone(),
        text: "It has broken again.".to_owned(),
        request_id: new_id().to_string(),
        ..ReopenTicketRequest::default()
    };
    world.tickets().reopen_ticket(reopen).await.unwrap();
    merge(&world, merged, &names[0]).await.unwrap();
    let cancel = CancelTicketRequest {
        name: canceled.clone(),
        reason: CancelReason::Duplicate.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(cancel).await.unwrap();
    world.assigned(reopened).await;

    let list = async |view: TicketView| {
        let request = ListTicketsRequest { view: view.into(), ..ListTicketsRequest::default() };
        world.tickets().list_tickets(request).await.unwrap().into_inner().tickets
    };
    let whole = list(TicketView::Full).await;
    assert_eq!(whole.len(), 6);
    let told = whole.into_iter().map(|ticket| Ticket {
        stated_problem: String::new(),
        root_problem: None,
        matter: None,
        fields: Default::default(),
        wait_party: String::new(),
        verification: Vec::new(),
        clocks: Vec::new(),
        ..ticket
    });
    assert_eq!(list(TicketView::Basic).await, told.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_as_a_count_is_counted_up_to_a_thousand() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    insert(&world, 1_500, &customer.to_string()).await;
    let radha = || views(&world, "radha", "agent");
    let of_customer = TicketFilter { customer: format!("customers/{customer}"), ..TicketFilter::default() };
    let of_customer = save(radha(), a_view(Sharing::Private, "", of_customer)).await.unwrap().name;
    let of_kind = TicketFilter { kinds: vec![Kind::Repair.into()], ..TicketFilter::default() };
    let of_kind = save(radha(), a_view(Sharing::Private, "", of_kind)).await.unwrap().name;

    assert_eq!(count(&world, "radha", &of_customer).await, (1_000, Precision::AtLeast));
    assert_eq!(count(&world, "radha", &of_kind).await, (1_500, Precision::Exact));
    for faulty in [Vec::new(), vec![of_kind.clone(); 51], vec!["tickets/1".to_owned()]] {
        is_refused(radha().count_views(CountViewsRequest { names: faulty }).await, ErrorReason::FieldsInvalid);
    }
    let fifty = radha().count_views(CountViewsRequest { names: vec![of_kind; 50] }).await.unwrap().into_inner();
    assert!(fifty.counts.iter().all(|count| count.tickets == 1_500));
}

async fn insert(world: &World, tickets: i32, customer: &str) {
    sqlx::query(
        "insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, language,
                             correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
         select gen_random_uuid(), 1, nextval('ticket_number'), $2::uuid, 'repair', 'normal', 'new', 't', '', 'en', 'c', 'c', 0,
                '2026-03-01', '2026-03-01', 'standard', '{}'
         from generate_series(1, $1)",
    )
    .bind(tickets)
    .bind(customer)
    .execute(&world.database.owner)
    .await
    .unwrap();
}

/// TK100: while many write and routing gives out, every count that is asked for lies between what was there before and after; and in the end it
/// is that of the tickets, before and after the changes were folded.
#[tokio::test(flavor = "multi_thread")]
async fn tk100_counts_are_those_of_the_tickets_whoever_writes_at_once() {
    let world = Arc::new(World::new().await);
    let department = world.department("support", &["question", "delivery"]).await;
    for user in ["radha", "bilal", "joan"] {
        world.member(user, &department, &["en"], 5).await;
    }
    let customer = world.customer("en").await;
    let all = a_view(Sharing::Private, "", TicketFilter::default());
    let all = save(views(&world, "radha", "agent"), all).await.unwrap().name;
    let over = Arc::new(AtomicBool::new(false));
    let mut looking = JoinSet::new();
    {
        let (world, all, over) = (world.clone(), all.clone(), over.clone());
        looking.spawn(async move {
            let mut seen = 0;
            while !over.load(Ordering::Relaxed) {
                let (tickets, precision) = count(&world, "radha", &all).await;
                assert_eq!(precision, Precision::Exact);
                assert!(tickets >= seen, "{tickets} after {seen}: none goes");
                seen = tickets;
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let world = world.clone();
        writers.spawn(async move {
            for round in 0..8 {
                let kind = if (writer + round) % 2 == 0 { Kind::Question } else { Kind::Delivery };
                let ticket = world.create(Ticket { kind: kind.into(), ..a_ticket(customer) }).await.unwrap();
                let name = ticket.name.clone();
                match (writer + round) % 4 {
                    0 => {
                        let raised = Ticket { name, priority: Priority::High.into(), ..Ticket::default() };
                        let request_id = new_id().to_string();
                        let request =
                            UpdateTicketRequest { ticket: Some(raised), request_id, ..UpdateTicketRequest::default() };
                        world.tickets().update_ticket(request).await.unwrap();
                    }
                    1 => {
                        let reason = CancelReason::Spam.into();
                        let request_id = new_id().to_string();
                        let request =
                            CancelTicketRequest { name, reason, request_id, ..CancelTicketRequest::default() };
                        world.tickets().cancel_ticket(request).await.unwrap();
                    }
                    2 => drop(world.resolve(&name).await),
                    _ => {
                        let request_id = new_id().to_string();
                        let request = AssignTicketRequest { name, request_id, ..AssignTicketRequest::default() };
                        drop(world.tickets().assign_ticket(request).await);
                    }
                }
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    looking.join_next().await.unwrap().unwrap();
    assert_eq!(count(&world, "radha", &all).await, (48, Precision::Exact));
    eventually("all changes are folded", || async {
        (world.count("select count(*) from ticket_count_change").await == 0).then_some(())
    })
    .await;
    assert_eq!(count(&world, "radha", &all).await, (48, Precision::Exact));
    let wrong = "select count(*) from (
                     (select department, state, kind, priority, count(*) from ticket group by 1, 2, 3, 4
                      except select department, state, kind, priority, tickets from ticket_count)
                     union all
                     (select department, state, kind, priority, tickets from ticket_count
                      except select department, state, kind, priority, count(*) from ticket group by 1, 2, 3, 4)
                 ) as wrong";
    assert_eq!(world.count(wrong).await, 0);
    let wrong = "select count(*) from (
                     select assignee, department, state, kind, priority, count(*) from ticket where assignee is not null group by 1, 2, 3, 4, 5
                     except select assignee, department, state, kind, priority, tickets from ticket_count_assigned
                 ) as wrong";
    assert_eq!(world.count(wrong).await, 0);
    let left_behind = "select count(*) from ticket_count where tickets = 0";
    assert_eq!(world.count(left_behind).await, 0);
    let assignees = "select count(*) from ticket_count_assigned where tickets <= 0";
    assert_eq!(world.count(assignees).await, 0);
}
