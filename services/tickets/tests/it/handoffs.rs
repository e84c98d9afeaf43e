//! What one department hands to another: the same steps and the same clocks for all.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use seva_proto::{
    common::v1::ErrorReason,
    staff::v1::{
        CreateStaffMemberRequest, Shifts, StaffMember,
        staff_member::{Presence, Role},
        staff_member_service_client::StaffMemberServiceClient,
    },
    tickets::v1::{
        AcceptHandoffRequest, CompleteHandoffRequest, ConfirmHandoffRequest, DepartmentParity,
        GetDepartmentParityRequest, GetHandoffRequest, Handoff, HandoffEvent, HandoffFilter, ListHandoffsRequest,
        ListMessagesRequest, OfferHandoffRequest, RedactMessageRequest, RefuseHandoffRequest, RefuseHandoffResponse,
        ReplyToTicketRequest, ReturnHandoffRequest, Ticket, WithdrawHandoffRequest,
        clock::{Kind, State as ClockState},
        handoff::State,
        handoff_service_client::HandoffServiceClient,
        message::{Author, Visibility},
        ticket::State as TicketState,
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use sqlx::Row;
use tonic::Status;

use crate::world::{World, a_ticket, always, id_of, invariant, is_refused};

struct Scene {
    world: World,
    support: String,
    shipping: String,
    quality: String,
    ticket: String,
}

fn id() -> String {
    new_id().to_string()
}

fn time(at: Timestamp) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 })
}

impl Scene {
    /// Dulal of support has a question; Gopal ships, Chandra checks, and Lila leads shipping.
    async fn new() -> Self {
        let world = World::new().await;
        let support = world.department("support", &["question"]).await;
        let shipping = world.department("shipping", &["delivery"]).await;
        let quality = world.department("quality", &["problem"]).await;
        world.member("dulal", &support, &["en"], 50).await;
        world.member("gopal", &shipping, &["en"], 50).await;
        world.member("chandra", &quality, &["en"], 50).await;
        let lead = StaffMember {
            given_name: "Lila".to_owned(),
            user: "lila".to_owned(),
            role: Role::Lead.into(),
            department: shipping.clone(),
            languages: vec!["en".to_owned()],
            shifts: Some(Shifts { zone: "Asia/Kolkata".to_owned(), intervals: always(), exceptions: Vec::new() }),
            presence: Presence::Away.into(),
            capacity: 1,
            ..StaffMember::default()
        };
        let request = CreateStaffMemberRequest { staff_member: Some(lead), request_id: id() };
        let mut members = StaffMemberServiceClient::new(world.staff.as_role("manager"));
        members.create_staff_member(request).await.unwrap();
        eventually("the lead is known", || async {
            let known = world.count("select count(*) from staff_member where role = 'lead'").await;
            (known == 1).then_some(())
        })
        .await;
        let customer = world.customer("en").await;
        let ticket = world.create(a_ticket(customer)).await.unwrap().name;
        world.assigned(&ticket).await;
        Self { world, support, shipping, quality, ticket }
    }

    fn of(&self, user: &str) -> HandoffServiceClient<Peer> {
        HandoffServiceClient::new(self.world.as_user(user))
    }

    async fn offer(&self, ticket: &str, department: &str) -> Result<Handoff, Status> {
        let request = OfferHandoffRequest {
            ticket: ticket.to_owned(),
            department: department.to_owned(),
            reason: "The parcel is stuck.".to_owned(),
            wanted: "Find it.".to_owned(),
            request_id: id(),
            ..OfferHandoffRequest::default()
        };
        Ok(self.of("dulal").offer_handoff(request).await?.into_inner().handoff.unwrap())
    }

    async fn offered(&self) -> Handoff {
        self.offer(&self.ticket, &self.shipping).await.unwrap()
    }

    async fn accept(&self, user: &str, handoff: &Handoff) -> Result<Handoff, Status> {
        let request =
            AcceptHandoffRequest { name: handoff.name.clone(), request_id: id(), ..AcceptHandoffRequest::default() };
        Ok(self.of(user).accept_handoff(request).await?.into_inner().handoff.unwrap())
    }

    async fn refuse(&self, user: &str, handoff: &Handoff, pass_to: &str) -> Result<RefuseHandoffResponse, Status> {
        let request = RefuseHandoffRequest {
            name: handoff.name.clone(),
            reason: "It has not left the house.".to_owned(),
            pass_to: pass_to.to_owned(),
            request_id: id(),
            ..RefuseHandoffRequest::default()
        };
        Ok(self.of(user).refuse_handoff(request).await?.into_inner())
    }

    async fn complete(&self, user: &str, handoff: &Handoff) -> Result<Handoff, Status> {
        let request = CompleteHandoffRequest {
            name: handoff.name.clone(),
            result: "It lies in Pune.".to_owned(),
            request_id: id(),
            ..CompleteHandoffRequest::default()
        };
        Ok(self.of(user).complete_handoff(request).await?.into_inner().handoff.unwrap())
    }

    async fn confirm(&self, user: &str, handoff: &Handoff) -> Result<Handoff, Status> {
        let request =
            ConfirmHandoffRequest { name: handoff.name.clone(), request_id: id(), ..ConfirmHandoffRequest::default() };
        Ok(self.of(user).confirm_handoff(request).await?.into_inner().handoff.unwrap())
    }

    async fn give_back(&self, user: &str, handoff: &Handoff) -> Result<Handoff, Status> {
        let request = ReturnHandoffRequest {
            name: handoff.name.clone(),
            reason: "That is another one.".to_owned(),
            request_id: id(),
            ..ReturnHandoffRequest::default()
        };
        Ok(self.of(user).return_handoff(request).await?.into_inner().handoff.unwrap())
    }

    async fn withdraw(&self, user: &str, handoff: &Handoff) -> Result<Handoff, Status> {
        let request = WithdrawHandoffRequest {
            name: handoff.name.clone(),
            request_id: id(),
            ..WithdrawHandoffRequest::default()
        };
        Ok(self.of(user).withdraw_handoff(request).await?.into_inner().handoff.unwrap())
    }

    async fn get(&self, handoff: &Handoff) -> Handoff {
        let request = GetHandoffRequest { name: handoff.name.clone() };
        self.of("dulal").get_handoff(request).await.unwrap().into_inner().handoff.unwrap()
    }

    async fn ticket(&self) -> Ticket {
        self.world.get(&self.ticket).await
    }

    async fn clock(&self, kind: Kind, round: i32) -> ClockState {
        let clocks = self.ticket().await.clocks;
        clocks.iter().find(|clock| (clock.kind(), clock.round) == (kind, round)).unwrap().state()
    }

    /// Types of a hand-off's events, in order and without a gap, in the ticket's story.
    async fn acts(&self, handoff: &Handoff) -> Vec<String> {
        let sql =
            "select type, sequence, payload, correlation_id from seva.outbox where subject = $1 order by sequence";
        let rows = sqlx::query(sql).bind(&handoff.name).fetch_all(&self.world.database.owner).await.unwrap();
        let story: String = sqlx::query_scalar("select correlation_id from ticket where id = $1")
            .bind(id_of(&handoff.ticket))
            .fetch_one(&self.world.database.owner)
            .await
            .unwrap();
        let told = rows.iter().enumerate().map(|(at, row)| {
            let event = HandoffEvent::decode(row.get::<Vec<u8>, _>("payload").as_slice()).unwrap();
            assert_eq!((event.handoff, event.version), (handoff.name.clone(), i64::try_from(at).unwrap() + 1));
            assert_eq!(row.get::<i64, _>("sequence"), event.version, "without a gap");
            assert_eq!(row.get::<String, _>("correlation_id"), story, "part of the ticket's story");
            let kind: String = row.get("type");
            kind.trim_start_matches("seva.tickets.handoff.").trim_end_matches(".v1").to_owned()
        });
        told.collect()
    }

    async fn parity(&self) -> Vec<DepartmentParity> {
        let request = GetDepartmentParityRequest {
            start_time: time("2026-03-02T00:00:00Z".parse().unwrap()),
            end_time: time("2026-04-02T00:00:00Z".parse().unwrap()),
        };
        self.of("dulal").get_department_parity(request).await.unwrap().into_inner().departments
    }
}

/// TK11, TK48
#[tokio::test(flavor = "multi_thread")]
async fn a_department_takes_what_is_handed_to_it_and_the_sender_confirms_the_result() {
    let scene = Scene::new().await;
    let handoff = scene.offered().await;
    assert_eq!((handoff.state(), handoff.from_department.as_str()), (State::Offered, scene.support.as_str()));
    let ticket = scene.ticket().await;
    assert_eq!((ticket.state(), ticket.open_work), (TicketState::PendingDepartment, 1));
    // A question of a usual customer: four hours to answer, sixteen to do it.
    let hours = |hours| time(scene.world.now() + SignedDuration::from_hours(hours));
    assert_eq!((handoff.ack_due_time, handoff.done_due_time), (hours(4), hours(16)));

    let filter =
        HandoffFilter { department: scene.shipping.clone(), state: State::Offered.into(), ..HandoffFilter::default() };
    let request = ListHandoffsRequest { filter: Some(filter), ..ListHandoffsRequest::default() };
    let inbox = scene.of("gopal").list_handoffs(request).await.unwrap().into_inner().handoffs;
    assert_eq!(inbox, std::slice::from_ref(&handoff));

    assert_eq!(scene.accept("gopal", &handoff).await.unwrap().state(), State::Accepted);
    assert_eq!(scene.clock(Kind::HandoffAck, 1).await, ClockState::Met);
    scene.complete("gopal", &handoff).await.unwrap();
    assert_eq!(scene.clock(Kind::HandoffDone, 1).await, ClockState::Met);
    assert_eq!(scene.ticket().await.state(), TicketState::Open);
    let refused = scene.world.resolve(&scene.ticket).await.unwrap_err();
    assert_eq!(invariant(&refused), "TK11", "the sender has not confirmed it");
    assert_eq!(scene.confirm("dulal", &handoff).await.unwrap().state(), State::Confirmed);
    scene.world.resolve(&scene.ticket).await.unwrap();
    assert_eq!(scene.acts(&handoff).await, ["offered", "accepted", "completed", "confirmed"]);
}

/// TK46
#[tokio::test(flavor = "multi_thread")]
async fn tk46_a_department_acts_in_its_own_turn_and_the_senders_side_in_the_others() {
    let scene = Scene::new().await;
    let handoff = scene.offered().await;
    for user in ["dulal", "chandra", "nobody-known"] {
        is_refused(scene.accept(user, &handoff).await, ErrorReason::ResourceForbidden);
        is_refused(scene.refuse(user, &handoff, "").await, ErrorReason::ResourceForbidden);
    }
    is_refused(scene.withdraw("gopal", &handoff).await, ErrorReason::ResourceForbidden);
    scene.accept("lila", &handoff).await.unwrap();
    is_refused(scene.complete("dulal", &handoff).await, ErrorReason::ResourceForbidden);
    scene.complete("gopal", &handoff).await.unwrap();
    is_refused(scene.confirm("gopal", &handoff).await, ErrorReason::ResourceForbidden);
    is_refused(scene.give_back("chandra", &handoff).await, ErrorReason::ResourceForbidden);
    scene.confirm("dulal", &handoff).await.unwrap();
}

/// TK47
#[tokio::test(flavor = "multi_thread")]
async fn tk47_it_bounces_once_and_then_by_a_lead_only() {
    let scene = Scene::new().await;
    let handoff = scene.offered().await;
    let passed = scene.refuse("gopal", &handoff, &scene.quality).await.unwrap();
    let following = passed.following.unwrap();
    assert_eq!(passed.handoff.unwrap().state(), State::Refused);
    assert_eq!((following.follows.as_str(), following.bounces), (handoff.name.as_str(), 1));
    assert_eq!(scene.ticket().await.state(), TicketState::PendingDepartment);
    scene.accept("chandra", &following).await.unwrap();
    scene.complete("chandra", &following).await.unwrap();
    let refused = scene.give_back("dulal", &following).await.unwrap_err();
    assert_eq!(invariant(&refused), "TK47");
    let returned = scene.give_back("lila", &following).await.unwrap();
    assert_eq!((returned.state(), returned.bounces), (State::Accepted, 2));
    scene.complete("chandra", &following).await.unwrap();
    scene.confirm("dulal", &following).await.unwrap();
    let refused = scene.offer(&scene.ticket, &scene.shipping).await.unwrap_err();
    assert_eq!(invariant(&refused), "TK47", "shipping has refused it");
    assert_eq!(scene.ticket().await.open_work, 0);
    let expected = ["offered", "accepted", "completed", "returned", "completed", "confirmed"];
    assert_eq!(scene.acts(&following).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_or_withdrawn_lets_the_ticket_go_on_and_holds_it_no_more() {
    let scene = Scene::new().await;
    let handoff = scene.offered().await;
    scene.refuse("gopal", &handoff, "").await.unwrap();
    let ticket = scene.ticket().await;
    assert_eq!((ticket.state(), ticket.open_work), (TicketState::Open, 0));
    assert_eq!(invariant(&scene.accept("gopal", &handoff).await.unwrap_err()), "TK48");

    let other = scene.offer(&scene.ticket, &scene.quality).await.unwrap();
    scene.withdraw("dulal", &other).await.unwrap();
    scene.world.resolve(&scene.ticket).await.unwrap();
    assert_eq!(scene.acts(&other).await, ["offered", "withdrawn"]);
}

/// TK48
#[tokio::test(flavor = "multi_thread")]
async fn tk48_a_ticket_that_a_customer_has_opened_again_still_waits_for_one_department_at_a_time() {
    let scene = Scene::new().await;
    let handoff = scene.offered().await;
    let says = ReplyToTicketRequest {
        name: scene.ticket.clone(),
        visibility: Visibility::Public.into(),
        author: Author::Customer.into(),
        text: "Any news?".to_owned(),
        request_id: id(),
        ..ReplyToTicketRequest::default()
    };
    scene.world.tickets().reply_to_ticket(says).await.unwrap();
    assert_eq!(scene.ticket().await.state(), TicketState::Open);
    let refused = scene.offer(&scene.ticket, &scene.quality).await.unwrap_err();
    assert_eq!(invariant(&refused), "TK48");
    scene.accept("gopal", &handoff).await.unwrap();
    scene.complete("gopal", &handoff).await.unwrap();
    let other = scene.offer(&scene.ticket, &scene.quality).await.unwrap();
    let refused = scene.give_back("dulal", &handoff).await.unwrap_err();
    assert_eq!(invariant(&refused), "TK48", "it waits for quality now");
    scene.withdraw("dulal", &other).await.unwrap();
    scene.confirm("dulal", &handoff).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_hands_over_once_and_an_older_etag_changes_nothing() {
    let scene = Scene::new().await;
    let request = OfferHandoffRequest {
        ticket: scene.ticket.clone(),
        department: scene.shipping.clone(),
        reason: "The parcel is stuck.".to_owned(),
        wanted: "Find it.".to_owned(),
        request_id: id(),
        ..OfferHandoffRequest::default()
    };
    let first = scene.of("dulal").offer_handoff(request.clone()).await.unwrap().into_inner();
    assert_eq!(scene.of("dulal").offer_handoff(request.clone()).await.unwrap().into_inner(), first);
    assert_eq!(scene.world.count("select count(*) from handoff").await, 1);
    let handoff = first.handoff.unwrap();
    scene.accept("gopal", &handoff).await.unwrap();
    let older = WithdrawHandoffRequest { name: handoff.name.clone(), etag: handoff.etag.clone(), request_id: id() };
    is_refused(scene.of("dulal").withdraw_handoff(older).await, ErrorReason::EtagMismatch);
    let unknown = OfferHandoffRequest { department: format!("departments/{}", new_id()), request_id: id(), ..request };
    is_refused(scene.of("dulal").offer_handoff(unknown).await, ErrorReason::ResourceNotFound);
}

/// TK46, TK48: of two who take it, and of one who takes it while it is taken back, one comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_take_it_one_has_it_and_of_taking_and_taking_back_one_holds() {
    let scene = Scene::new().await;
    for _ in 0..10 {
        let handoff = scene.offered().await;
        let taken = join_all((0..4).map(|_| scene.accept("gopal", &handoff))).await;
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1, "{taken:?}");
        scene.withdraw("dulal", &handoff).await.unwrap();

        let handoff = scene.offered().await;
        let (taken, withdrawn) = tokio::join!(scene.accept("gopal", &handoff), scene.withdraw("dulal", &handoff));
        withdrawn.unwrap();
        let all = scene.acts(&handoff).await;
        let expected: &[&str] =
            if taken.is_ok() { &["offered", "accepted", "withdrawn"] } else { &["offered", "withdrawn"] };
        assert_eq!(all, expected, "what is taken back is not taken any more");

        let handoff = scene.offered().await;
        let (refused, withdrawn) = tokio::join!(scene.refuse("gopal", &handoff, ""), scene.withdraw("dulal", &handoff));
        assert!(refused.is_ok() != withdrawn.is_ok(), "{refused:?} {withdrawn:?}");
        if refused.is_ok() {
            // Asked again it would take a lead.
            sqlx::query("update handoff set state = 'withdrawn' where state = 'refused'")
                .execute(&scene.world.database.owner)
                .await
                .unwrap();
        }
        let offers = join_all((0..4).map(|_| scene.offer(&scene.ticket, &scene.shipping))).await;
        let [offered] = offers.iter().flatten().collect::<Vec<_>>()[..] else { panic!("{offers:?}") };
        scene.withdraw("dulal", offered).await.unwrap();
    }
    assert_eq!(scene.ticket().await.open_work, 0);
    assert_eq!(scene.world.count("select count(*) from open_work").await, 0);
}

/// TK49
#[tokio::test(flavor = "multi_thread")]
async fn tk49_departments_are_set_side_by_side_with_the_same_columns() {
    let scene = Scene::new().await;
    // Shipping answers within half an hour, but passes the second on; quality takes that six hours later, and does it too late.
    let first = scene.offered().await;
    scene.world.pass_minutes(30);
    scene.accept("gopal", &first).await.unwrap();
    scene.complete("gopal", &first).await.unwrap();
    scene.confirm("dulal", &first).await.unwrap();
    let second = scene.offered().await;
    let following = scene.refuse("gopal", &second, &scene.quality).await.unwrap().following.unwrap();
    scene.world.pass(6);
    scene.accept("chandra", &following).await.unwrap();
    scene.world.pass(12);
    scene.complete("chandra", &following).await.unwrap();

    let rows = scene.parity().await;
    let row = |department: &str| rows.iter().find(|row| row.department == department).unwrap().clone();
    let shipping = row(&scene.shipping);
    assert_eq!((shipping.offered, shipping.accepted, shipping.refused, shipping.bounced), (2, 1, 1, 1));
    let ack = shipping.ack.unwrap();
    assert_eq!((ack.counted, ack.breached, ack.median_minutes, ack.p90_minutes), (2, 0, Some(0.0), Some(30.0)));
    let quality = row(&scene.quality);
    assert_eq!((quality.offered, quality.accepted, quality.refused, quality.bounced), (1, 1, 0, 0));
    let (ack, done) = (quality.ack.unwrap(), quality.done.unwrap());
    assert_eq!((ack.counted, ack.breached, ack.median_minutes), (1, 1, Some(360.0)));
    assert_eq!((done.counted, done.breached, done.median_minutes), (1, 1, Some(18.0 * 60.0)));
    assert_eq!(scene.get(&following).await.state(), State::Done);
}

/// TK6
#[tokio::test(flavor = "multi_thread")]
async fn tk6_a_hand_off_loses_its_words_with_the_messages_that_say_them() {
    let scene = Scene::new().await;
    let offered = scene.offered().await;
    let passed = scene.refuse("lila", &offered, &scene.quality).await.unwrap();
    let following = passed.following.unwrap();
    scene.accept("chandra", &following).await.unwrap();
    scene.complete("chandra", &following).await.unwrap();
    let request = ListMessagesRequest { parent: scene.ticket.clone(), ..ListMessagesRequest::default() };
    let said = scene.world.tickets().list_messages(request).await.unwrap().into_inner().messages;
    let mut lead = TicketServiceClient::new(scene.world.server.as_role("lead"));
    let words = |handoff: Handoff| (handoff.wanted, handoff.answer);
    for (message, left) in said.iter().zip([
        [("", "It has not left the house."), ("", "It lies in Pune.")],
        [("", ""), ("", "It lies in Pune.")],
        [("", ""), ("", "")],
    ]) {
        let (name, reason) = (message.name.clone(), "a card number".to_owned());
        lead.redact_message(RedactMessageRequest { name, reason, request_id: id() }).await.unwrap();
        let now = [words(scene.get(&offered).await), words(scene.get(&following).await)];
        assert_eq!(now, left.map(|(wanted, answer)| (wanted.to_owned(), answer.to_owned())));
    }
    assert_eq!(said.len(), 3);
}
