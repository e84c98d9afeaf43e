//! What customers are promised: kept, renewed with word to them, or broken with an apology.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use seva_proto::{
    common::v1::{AvailabilityWindows, ErrorReason, Weekday, WeeklyInterval},
    customers::v1::CustomerEvent,
    staff::v1::{EndServiceRequest, staff_member_service_client::StaffMemberServiceClient},
    tickets::v1::{
        ApologizeForPromiseRequest, AssignPromiseRequest, AssignTicketRequest, AwaitExternalRequest,
        BreakPromiseRequest, GetPromiseRateRequest, GetPromiseRequest, KeepPromiseRequest, ListMessagesRequest,
        ListPromisesRequest, MakePromiseRequest, Promise, PromiseEvent, PromiseFilter, RedactMessageRequest,
        RenewPromiseRequest, ScheduleTicketRequest, Ticket, WithdrawPromiseRequest,
        get_promise_rate_request::GroupBy,
        promise::State,
        promise_service_client::PromiseServiceClient,
        ticket::{Priority, State as TicketState},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use sqlx::Row;
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{World, a_ticket, id_of, invariant, is_refused};

struct Scene {
    world: World,
    department: String,
    radha: String,
    ticket: String,
    customer: Uuid,
}

fn id() -> String {
    new_id().to_string()
}

fn time(at: Timestamp) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 })
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let department = world.department("support", &["question"]).await;
        let radha = world.member("radha", &department, &["en"], 50).await;
        let customer = world.customer("en").await;
        let ticket = world.create(a_ticket(customer)).await.unwrap().name;
        world.assigned(&ticket).await;
        Self { world, department, radha, ticket, customer }
    }

    fn promises(&self) -> PromiseServiceClient<Peer> {
        PromiseServiceClient::new(self.world.server.as_role("lead"))
    }

    fn hours(&self, hours: i64) -> Timestamp {
        self.world.now() + SignedDuration::from_hours(hours)
    }

    async fn promise(&self, hours: i64) -> Result<Promise, Status> {
        let request = MakePromiseRequest {
            ticket: self.ticket.clone(),
            text: "You hear from us.".to_owned(),
            due_time: time(self.hours(hours)),
            request_id: id(),
            ..MakePromiseRequest::default()
        };
        Ok(self.promises().make_promise(request).await?.into_inner().promise.unwrap())
    }

    async fn get(&self, promise: &Promise) -> Promise {
        let request = GetPromiseRequest { name: promise.name.clone() };
        self.promises().get_promise(request).await.unwrap().into_inner().promise.unwrap()
    }

    async fn until(&self, what: &str, promise: &Promise, is: impl Fn(&Promise) -> bool) -> Promise {
        eventually(what, || async {
            let promise = self.get(promise).await;
            is(&promise).then_some(promise)
        })
        .await
    }

    async fn keep(&self, promise: &Promise) -> Result<Promise, Status> {
        let request =
            KeepPromiseRequest { name: promise.name.clone(), request_id: id(), ..KeepPromiseRequest::default() };
        Ok(self.promises().keep_promise(request).await?.into_inner().promise.unwrap())
    }

    async fn renew(&self, promise: &Promise, hours: i64) -> Result<Promise, Status> {
        let request = RenewPromiseRequest {
            name: promise.name.clone(),
            due_time: time(self.hours(hours)),
            text: "It takes a day longer.".to_owned(),
            request_id: id(),
            ..RenewPromiseRequest::default()
        };
        Ok(self.promises().renew_promise(request).await?.into_inner().promise.unwrap())
    }

    async fn apologize(&self, promise: &Promise) -> Result<Promise, Status> {
        let request = ApologizeForPromiseRequest {
            name: promise.name.clone(),
            text: "We are sorry.".to_owned(),
            request_id: id(),
            ..ApologizeForPromiseRequest::default()
        };
        Ok(self.promises().apologize_for_promise(request).await?.into_inner().promise.unwrap())
    }

    async fn ticket(&self) -> Ticket {
        self.world.get(&self.ticket).await
    }

    /// The texts of the ticket's conversation, with who said them.
    async fn said(&self) -> Vec<String> {
        let request = ListMessagesRequest { parent: self.ticket.clone(), ..ListMessagesRequest::default() };
        let messages = self.world.tickets().list_messages(request).await.unwrap().into_inner().messages;
        messages.into_iter().map(|message| message.text).collect()
    }

    /// Types and payloads of a promise's events, in order and without a gap.
    async fn told(&self, promise: &Promise) -> Vec<(String, PromiseEvent)> {
        let sql =
            "select type, sequence, payload, correlation_id from seva.outbox where subject = $1 order by sequence";
        let rows = sqlx::query(sql).bind(&promise.name).fetch_all(&self.world.database.owner).await.unwrap();
        let story: String = sqlx::query_scalar("select correlation_id from ticket where id = $1")
            .bind(id_of(&self.ticket))
            .fetch_one(&self.world.database.owner)
            .await
            .unwrap();
        let told = rows.iter().enumerate().map(|(at, row)| {
            assert_eq!(row.get::<i64, _>("sequence"), i64::try_from(at).unwrap() + 1, "without a gap");
            assert_eq!(row.get::<String, _>("correlation_id"), story, "part of the ticket's story");
            let kind: String = row.get("type");
            let act = kind.trim_start_matches("seva.tickets.promise.").trim_end_matches(".v1").to_owned();
            (act, PromiseEvent::decode(row.get::<Vec<u8>, _>("payload").as_slice()).unwrap())
        });
        told.collect()
    }

    async fn acts(&self, promise: &Promise) -> Vec<String> {
        self.told(promise).await.into_iter().map(|(act, _)| act).collect()
    }
}

/// TK11, TK42
#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_told_held_and_kept() {
    let scene = Scene::new().await;
    let promise = scene.promise(4).await.unwrap();
    assert_eq!((promise.state(), promise.owner.as_str()), (State::Open, scene.radha.as_str()));
    assert_eq!(promise.department, scene.department);
    assert_eq!(scene.said().await, ["You hear from us."]);

    let refused = is_refused(scene.world.resolve(&scene.ticket).await, ErrorReason::StateForbids);
    let violations = refused.get_error_details().precondition_failure().unwrap().violations.clone();
    assert_eq!((invariant(&refused).as_str(), violations[1].subject.as_str()), ("TK11", promise.name.as_str()));

    scene.world.pass(3);
    let kept = scene.keep(&promise).await.unwrap();
    assert_eq!((kept.state(), kept.keep_time), (State::Kept, time(scene.world.now())));
    scene.world.resolve(&scene.ticket).await.unwrap();
    let told = scene.told(&promise).await;
    assert_eq!(told.iter().map(|(act, _)| act.as_str()).collect::<Vec<_>>(), ["made", "kept"]);
    assert_eq!(told[1].1.state(), State::Kept);
}

/// TK42, TK44
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_is_broken_when_it_is_due_and_the_customer_gets_an_apology() {
    let scene = Scene::new().await;
    let promise = scene.promise(4).await.unwrap();
    scene.world.pass(4);
    let broken = scene.until("it is broken", &promise, |promise| promise.state() == State::Broken).await;
    assert_eq!(broken.break_time, promise.due_time);
    let ticket = scene.ticket().await;
    assert_eq!((ticket.priority(), ticket.open_work), (Priority::High, 1));
    assert_eq!(invariant(&scene.world.resolve(&scene.ticket).await.unwrap_err()), "TK11");

    let renewed = scene.renew(&promise, 4).await.unwrap_err();
    assert_eq!(invariant(&renewed), "TK43");
    let withdraw = WithdrawPromiseRequest {
        name: promise.name.clone(),
        text: "Never mind.".to_owned(),
        request_id: id(),
        ..WithdrawPromiseRequest::default()
    };
    assert_eq!(invariant(&scene.promises().withdraw_promise(withdraw).await.unwrap_err()), "TK45");

    assert!(scene.keep(&promise).await.unwrap().state() == State::KeptLate);
    scene.apologize(&promise).await.unwrap();
    assert_eq!(invariant(&scene.apologize(&promise).await.unwrap_err()), "TK44");
    scene.world.resolve(&scene.ticket).await.unwrap();
    assert_eq!(scene.acts(&promise).await, ["made", "broken", "kept", "apologized"]);
    assert!(scene.said().await.contains(&"We are sorry.".to_owned()));
}

/// TK43
#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_renewed_before_it_is_due_with_word_to_the_customer() {
    let scene = Scene::new().await;
    let promise = scene.promise(4).await.unwrap();
    scene.world.pass(3);
    let renewed = scene.renew(&promise, 24).await.unwrap();
    assert_eq!((renewed.renewals, renewed.first_due_time), (1, promise.due_time));
    assert_eq!(scene.said().await, ["You hear from us.", "It takes a day longer."]);
    let replies: Vec<_> =
        scene.world.told(&scene.ticket).await.into_iter().filter(|(act, _)| act == "replied").collect();
    let renewing: Vec<_> = replies.iter().map(|(_, event)| event.renewed_promise.as_str()).collect();
    assert_eq!(
        renewing.last(),
        Some(&&*promise.name),
        "whoever tells customers of promises tells of these words with the new day"
    );
    assert!(renewing.iter().rev().skip(1).all(|name| name.is_empty()), "{renewing:?}");
    scene.world.pass(10);
    assert_eq!(scene.get(&promise).await.state(), State::Open, "the old time has come and gone");
    assert_eq!(invariant(&scene.renew(&promise, 2).await.unwrap_err()), "TK43");
    scene.world.pass(14);
    scene.until("it is broken", &promise, |promise| promise.state() == State::Broken).await;
    assert_eq!(scene.acts(&promise).await, ["made", "renewed", "broken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_promises_once_and_an_older_etag_changes_nothing() {
    let scene = Scene::new().await;
    let request = MakePromiseRequest {
        ticket: scene.ticket.clone(),
        text: "You hear from us.".to_owned(),
        due_time: time(scene.hours(4)),
        request_id: id(),
        ..MakePromiseRequest::default()
    };
    let first = scene.promises().make_promise(request.clone()).await.unwrap().into_inner();
    assert_eq!(scene.promises().make_promise(request).await.unwrap().into_inner(), first);
    assert_eq!(scene.world.count("select count(*) from promise").await, 1);

    let promise = first.promise.unwrap();
    scene.renew(&promise, 24).await.unwrap();
    let keep = KeepPromiseRequest { name: promise.name.clone(), etag: promise.etag.clone(), request_id: id() };
    is_refused(scene.promises().keep_promise(keep).await, ErrorReason::EtagMismatch);
}

/// TK12, TK40
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_waits_for_somebody_outside_with_a_promise_and_goes_on_when_the_day_comes() {
    let scene = Scene::new().await;
    let request = AwaitExternalRequest {
        ticket: scene.ticket.clone(),
        party: "the carrier".to_owned(),
        until_time: time(scene.hours(24)),
        text: "The carrier looks for it until tomorrow.".to_owned(),
        request_id: id(),
        ..AwaitExternalRequest::default()
    };
    let answer = scene.promises().await_external(request.clone()).await.unwrap().into_inner();
    let (ticket, promise) = (answer.ticket.unwrap(), answer.promise.unwrap());
    assert_eq!((ticket.state(), ticket.open_work), (TicketState::PendingExternal, 1));
    assert_eq!(ticket.wait_until_time, time(scene.hours(24)));
    // As soon after it as after a word of the customer's.
    assert_eq!(promise.due_time, time(scene.hours(28)));
    let again = AwaitExternalRequest { request_id: id(), ..request };
    assert_eq!(invariant(&scene.promises().await_external(again).await.unwrap_err()), "TK4");

    scene.world.pass(24);
    scene.world.until("it goes on", &scene.ticket, |ticket| ticket.state() == TicketState::Open).await;
    assert_eq!(scene.keep(&promise).await.unwrap().state(), State::Kept);
}

/// TK40
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_lies_within_the_hours_that_the_customer_has_named() {
    let scene = Scene::new().await;
    let name = format!("customers/{}", scene.customer);
    let afternoons =
        WeeklyInterval { weekday: Weekday::Tuesday.into(), start: "14:00".to_owned(), end: "18:00".to_owned() };
    let state = CustomerEvent {
        customer: name.clone(),
        languages: vec!["en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        availability: Some(AvailabilityWindows {
            zone: "Asia/Kolkata".to_owned(),
            intervals: vec![afternoons],
            exceptions: Vec::new(),
        }),
        ..CustomerEvent::default()
    };
    scene.world.customers.tells("seva.customers.customer.updated.v1", &name, scene.world.now(), &state).await;
    eventually("the hours are known", || async {
        let known = scene.world.count("select count(*) from recipient where availability is not null").await;
        (known == 1).then_some(())
    })
    .await;
    let slot = |start: &str, end: &str| ScheduleTicketRequest {
        ticket: scene.ticket.clone(),
        start_time: time(start.parse().unwrap()),
        end_time: time(end.parse().unwrap()),
        text: "We call you.".to_owned(),
        request_id: id(),
        ..ScheduleTicketRequest::default()
    };
    // Tuesday morning, and Tuesday afternoon.
    let refused = scene.promises().schedule_ticket(slot("2026-03-03T05:00:00Z", "2026-03-03T06:00:00Z")).await;
    assert_eq!(invariant(&refused.unwrap_err()), "TK40");
    let answer = scene.promises().schedule_ticket(slot("2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z")).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.ticket.unwrap().state(), TicketState::Scheduled);
    assert_eq!(answer.promise.clone().unwrap().due_time, time("2026-03-03T10:00:00Z".parse().unwrap()));
    scene.world.pass(24);
    scene.world.until("it goes on", &scene.ticket, |ticket| ticket.state() == TicketState::Open).await;
    assert_eq!(scene.keep(&answer.promise.unwrap()).await.unwrap().state(), State::Kept);
}

pub async fn leaves(world: &World, member: &str) {
    let request = EndServiceRequest { name: member.to_owned(), request_id: id(), ..EndServiceRequest::default() };
    StaffMemberServiceClient::new(world.staff.as_role("manager")).end_service(request).await.unwrap();
}

/// TK41
#[tokio::test(flavor = "multi_thread")]
async fn tk41_what_somebody_has_promised_who_leaves_passes_to_the_tickets_next_assignee() {
    let scene = Scene::new().await;
    let promise = scene.promise(48).await.unwrap();
    leaves(&scene.world, &scene.radha).await;
    let waiting = scene.until("nobody answers for it", &promise, |promise| promise.owner.is_empty()).await;
    assert_eq!(waiting.state(), State::Open);
    let filter = Some(PromiseFilter { without_owner: true, ..PromiseFilter::default() });
    let request = ListPromisesRequest { filter, ..ListPromisesRequest::default() };
    let listed = scene.promises().list_promises(request).await.unwrap().into_inner().promises;
    assert_eq!(listed, [waiting], "the lead sees it");

    let rama = scene.world.member("rama", &scene.department, &["en"], 5).await;
    scene.world.assigned(&scene.ticket).await;
    scene.until("the next one answers for it", &promise, |promise| promise.owner == rama).await;
    assert_eq!(scene.acts(&promise).await, ["made", "assigned", "assigned"]);
}

/// TK41
#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_given_to_somebody_who_serves() {
    let scene = Scene::new().await;
    let promise = scene.promise(48).await.unwrap();
    let rama = scene.world.member("rama", &scene.department, &["en"], 5).await;
    let sita = scene.world.member("sita", &scene.department, &["en"], 5).await;
    leaves(&scene.world, &sita).await;
    eventually("she has left", || async {
        let left = scene.world.count("select count(*) from staff_member where state = 'left'").await;
        (left == 1).then_some(())
    })
    .await;
    let to = |owner: &str| AssignPromiseRequest {
        name: promise.name.clone(),
        owner: owner.to_owned(),
        request_id: id(),
        ..AssignPromiseRequest::default()
    };
    let refused = scene.promises().assign_promise(to(&sita)).await.unwrap_err();
    assert_eq!(invariant(&refused), "TK41");
    is_refused(
        scene.promises().assign_promise(to(&format!("staffMembers/{}", new_id()))).await,
        ErrorReason::ResourceNotFound,
    );
    let request = to(&rama);
    let given = scene.promises().assign_promise(request.clone()).await.unwrap().into_inner().promise.unwrap();
    assert_eq!(given.owner, rama);
    let told = scene.told(&promise).await;
    assert_eq!(told.iter().map(|(act, _)| act.as_str()).collect::<Vec<_>>(), ["made", "assigned"]);
    assert_eq!(told[1].1.owner, rama);
    let noted = "select count(*) from seva.audit where resource like 'promises/%' and changed = '{owner}'";
    assert_eq!(scene.world.count(noted).await, 1);
    // Whoever has it keeps it, also when the ticket goes to somebody else.
    let assign = AssignTicketRequest {
        name: scene.ticket.clone(),
        assignee: rama.clone(),
        request_id: id(),
        ..AssignTicketRequest::default()
    };
    scene.world.tickets().assign_ticket(assign).await.unwrap();
    assert_eq!(scene.get(&promise).await.owner, rama);
    // The same request is answered as before, whoever serves by now.
    let away = "update staff_member set state = 'suspended' where user_subject = 'rama'";
    sqlx::query(away).execute(&scene.world.database.owner).await.unwrap();
    let again = scene.promises().assign_promise(request).await.unwrap().into_inner().promise.unwrap();
    assert_eq!(again, given);
}

/// TK6
#[tokio::test(flavor = "multi_thread")]
async fn tk6_a_promise_loses_its_words_with_the_message_that_told_it() {
    let scene = Scene::new().await;
    let (promise, other) = (scene.promise(48).await.unwrap(), scene.promise(72).await.unwrap());
    let request = ListMessagesRequest { parent: scene.ticket.clone(), ..ListMessagesRequest::default() };
    let said = scene.world.tickets().list_messages(request).await.unwrap().into_inner().messages;
    let request =
        RedactMessageRequest { name: said[0].name.clone(), reason: "a card number".to_owned(), request_id: id() };
    let mut lead = TicketServiceClient::new(scene.world.server.as_role("lead"));
    lead.redact_message(request).await.unwrap();
    assert_eq!((scene.get(&promise).await.text.as_str(), scene.get(&other).await), ("", other));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_said_before_its_time() {
    let scene = Scene::new().await;
    let promise = scene.promise(48).await.unwrap();
    let request = BreakPromiseRequest {
        name: promise.name.clone(),
        reason: "The part is not to be had.".to_owned(),
        request_id: id(),
        ..BreakPromiseRequest::default()
    };
    let broken = scene.promises().break_promise(request).await.unwrap().into_inner().promise.unwrap();
    assert_eq!((broken.state(), broken.break_time), (State::Broken, time(scene.world.now())));
    assert_eq!(scene.ticket().await.priority(), Priority::High);
}

/// TK11, TK42: of keeping, renewing and the due time at once each comes before or after the others, and none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_keep_a_promise_one_does_and_a_resolution_comes_after_it() {
    let scene = Scene::new().await;
    for _ in 0..10 {
        let promise = scene.promise(48).await.unwrap();
        let kept = join_all((0..4).map(|_| scene.keep(&promise))).await;
        assert_eq!(kept.iter().filter(|kept| kept.is_ok()).count(), 1, "{kept:?}");
        assert_eq!(scene.acts(&promise).await, ["made", "kept"]);
    }
    let (made, resolved) = tokio::join!(scene.promise(48), scene.world.resolve(&scene.ticket));
    assert!(made.is_ok() != resolved.is_ok(), "{made:?} {resolved:?}");
    let broken =
        "select count(*) from ticket where open_work <> (select count(*) from open_work where ticket_id = ticket.id)";
    assert_eq!(scene.world.count(broken).await, 0);
}

/// TK45
#[tokio::test(flavor = "multi_thread")]
async fn tk45_nobody_deletes_a_promise() {
    let scene = Scene::new().await;
    scene.promise(48).await.unwrap();
    let refused = sqlx::query("delete from promise").execute(&scene.world.database.owner).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("promise_not_deleted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_of_kept_promises_says_of_how_many() {
    let scene = Scene::new().await;
    let start = scene.world.now();
    for _ in 0..3 {
        let kept = scene.promise(4).await.unwrap();
        scene.keep(&kept).await.unwrap();
    }
    let renewed = scene.promise(4).await.unwrap();
    scene.renew(&renewed, 8).await.unwrap();
    let broken = scene.promise(5).await.unwrap();
    let later = scene.promise(30).await.unwrap();
    let gone = scene.promise(6).await.unwrap();
    let withdraw = WithdrawPromiseRequest {
        name: gone.name.clone(),
        text: "Never mind.".to_owned(),
        request_id: id(),
        ..WithdrawPromiseRequest::default()
    };
    scene.promises().withdraw_promise(withdraw).await.unwrap();
    scene.world.pass(8);
    for promise in [&renewed, &broken] {
        scene.until("it is broken", promise, |promise| promise.state() == State::Broken).await;
    }
    scene.keep(&renewed).await.unwrap();
    scene.apologize(&renewed).await.unwrap();

    let request = GetPromiseRateRequest {
        start_time: time(start),
        end_time: time(start + SignedDuration::from_hours(24)),
        group_by: GroupBy::Owner.into(),
        ..GetPromiseRateRequest::default()
    };
    let answer = scene.promises().get_promise_rate(request.clone()).await.unwrap().into_inner();
    let [rate] = answer.rates.as_slice() else { panic!("{answer:?}") };
    assert_eq!(rate.of, scene.radha);
    assert_eq!((rate.due, rate.kept, rate.kept_late, rate.broken, rate.open, rate.withdrawn), (6, 3, 1, 1, 0, 1));
    assert_eq!((rate.renewed, rate.unapologized, rate.decided, rate.kept_rate), (1, 1, 5, Some(0.6)));
    let total = answer.total.unwrap();
    assert_eq!((total.due, total.kept_rate), (6, Some(0.6)));
    assert_eq!(later.state(), State::Open, "it is due after the period");

    let longer = GetPromiseRateRequest { end_time: time(start + SignedDuration::from_hours(400 * 24)), ..request };
    is_refused(scene.promises().get_promise_rate(longer).await, ErrorReason::FieldsInvalid);
}
