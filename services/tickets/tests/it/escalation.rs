//! Whoever is about to be lost is noticed, somebody who leads is called, and somebody has it until it is over.

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AcknowledgeEscalationRequest, ApologizeForPromiseRequest, AssessTicketRequest, BreakPromiseRequest,
        ConfirmTicketRequest, EscalationFilter, GetRiskAssessmentRequest, ListEscalationsRequest, MakePromiseRequest,
        RaiseEscalationRequest, RejectTicketRequest, ReplyToTicketRequest, RiskLevel, escalation::State, message,
        promise_service_client::PromiseServiceClient, risk_reason::Kind,
    },
};
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use tonic_types::StatusExt;

use crate::{
    desk::{Desk, reasons},
    merge::merge,
    promises::leaves,
    world::{id_of, invariant, is_refused},
};

/// TK110, TK118
#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_of_a_lawyer_is_noticed_and_somebody_who_leads_has_it_until_it_is_over() {
    let desk = Desk::new().await;
    let (ticket, escalation) = desk.alarmed().await;
    let risk = desk.risk(&ticket).await;
    assert_eq!((risk.score, reasons(&risk), risk.policy_version), (60, vec![(Kind::LegalOrSafetyWord, 1)], 1));
    assert_eq!(desk.world.get(&ticket).await.risk_level(), RiskLevel::High);
    assert_eq!((escalation.level, escalation.state(), escalation.critical), (1, State::Raised, false));
    assert_eq!((escalation.department.as_str(), escalation.reason.as_str()), (desk.department.as_str(), ""));

    let name = &escalation.name;
    let refused = is_refused(desk.acknowledge("radha", name).await, ErrorReason::LevelUnsuitable);
    assert_eq!(invariant(&refused), "TK113");
    let taken = desk.acknowledge("lata", name).await.unwrap();
    assert_eq!((taken.state(), &taken.owner, taken.acknowledge_due_time), (State::Acknowledged, &desk.lata, None));
    let refused = is_refused(desk.acknowledge("indira", name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK115");
    desk.start_acting("lata", name).await.unwrap();
    let calm = desk.de_escalate("lata", name).await.unwrap();
    assert_eq!((calm.state(), calm.note.as_str()), (State::DeEscalated, "I called him."));
    let refused = is_refused(desk.close("lata", name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK116");
    desk.holds().await;

    desk.world.resolve(&ticket).await.unwrap();
    let closed = desk.close("lata", name).await.unwrap();
    assert_eq!(closed.state(), State::Closed);
    assert_eq!(desk.world.get(&ticket).await.risk_level(), RiskLevel::Low);
    assert_eq!(desk.acts(name).await, ["raised", "acknowledged", "acting", "de_escalated", "closed"]);
    let sql = "select count(*) from seva.outbox where payload::text ilike '%' || encode('lawyer', 'hex') || '%'
               or payload::text ilike '%' || encode('called him', 'hex') || '%'";
    assert_eq!(desk.world.count(sql).await, 0, "nobody's words are told");
    desk.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tk110_a_rejected_resolution_brings_the_risk_back_and_calls_for_help_again() {
    let desk = Desk::new().await;
    let (ticket, first) = desk.alarmed().await;
    desk.world.resolve(&ticket).await.unwrap();
    // Nobody had acknowledged it.
    desk.until("it is closed with the resolution", &first.name, |one| one.state() == State::Closed).await;
    let reject = RejectTicketRequest {
        name: ticket.clone(),
        caller: "Mr Rao".to_owned(),
        text: "It is still broken.".to_owned(),
        request_id: new_id().to_string(),
        ..RejectTicketRequest::default()
    };
    desk.world.tickets().reject_ticket(reject).await.unwrap();
    desk.comes_to(&ticket, RiskLevel::High).await;
    let second = desk.escalation(&ticket).await.unwrap();
    assert_ne!(second.name, first.name);
    assert_eq!(second.state(), State::Raised);
    desk.acknowledge("lata", &second.name).await.unwrap();

    // What somebody has taken on stays theirs when it is resolved, and ends with the ticket.
    desk.world.assigned(&ticket).await;
    desk.world.resolve(&ticket).await.unwrap();
    desk.comes_to(&ticket, RiskLevel::Low).await;
    assert_eq!(desk.get(&second.name).await.state(), State::Acknowledged);
    let confirm = ConfirmTicketRequest {
        name: ticket.clone(),
        caller: "Mr Rao".to_owned(),
        request_id: new_id().to_string(),
        ..ConfirmTicketRequest::default()
    };
    desk.world.tickets().confirm_ticket(confirm).await.unwrap();
    desk.until("it is closed with the ticket", &second.name, |one| one.state() == State::Closed).await;
    let refused = is_refused(desk.raise("radha", &ticket).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK112");
    desk.holds().await;
}

/// TK110
#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_has_said_to_a_merged_ticket_counts_where_it_is_carried_on() {
    let desk = Desk::new().await;
    let customer = desk.world.customer("en").await;
    let (ticket, other) = (desk.ticket_of(customer).await, desk.ticket_of(customer).await);
    desk.customer_says(&ticket, "My lawyer will call you.").await;
    desk.comes_to(&ticket, RiskLevel::High).await;
    let first = desk.escalation(&ticket).await.unwrap();
    desk.acknowledge("lata", &first.name).await.unwrap();
    assert_eq!(desk.risk(&other).await.level(), RiskLevel::Low);

    merge(&desk.world, &ticket, &other).await.unwrap();
    let risk = desk.comes_to(&other, RiskLevel::High).await;
    assert_eq!(reasons(&risk), [(Kind::LegalOrSafetyWord, 1)]);
    assert_eq!(desk.escalation(&other).await.unwrap().state(), State::Raised, "somebody is called there");
    desk.until("it is closed with its ticket", &first.name, |one| one.state() == State::Closed).await;
    desk.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tk119_what_somebody_had_acknowledged_who_leaves_is_called_for_again() {
    let desk = Desk::new().await;
    let (_, escalation) = desk.alarmed().await;
    let name = &escalation.name;
    desk.acknowledge("lata", name).await.unwrap();
    leaves(&desk.world, &desk.lata).await;
    let raised = desk.until("somebody else is called", name, |one| one.state() == State::Raised).await;
    assert_eq!((raised.owner.as_str(), raised.level), ("", 1));
    assert!(raised.acknowledge_due_time.is_some());
    desk.acknowledge("indira", name).await.unwrap();
    assert_eq!(desk.acts(name).await, ["raised", "acknowledged", "returned", "acknowledged"]);
    desk.holds().await;
}

/// A promise that is broken before its time calls for help as one whose time has passed, and an apology takes nothing of that away.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_a_promise_early_has_called_for_help() {
    let desk = Desk::new().await;
    let ticket = desk.ticket().await;
    let mut promises = PromiseServiceClient::new(desk.world.server.as_role("lead"));
    let due = desk.world.now() + jiff::SignedDuration::from_hours(72);
    let make = MakePromiseRequest {
        ticket: ticket.clone(),
        text: "You hear from us.".to_owned(),
        due_time: Some(prost_types::Timestamp { seconds: due.as_second(), nanos: 0 }),
        request_id: new_id().to_string(),
        ..MakePromiseRequest::default()
    };
    let promise = promises.make_promise(make).await.unwrap().into_inner().promise.unwrap().name;
    let broken = BreakPromiseRequest {
        name: promise.clone(),
        reason: "The part is not to be had.".to_owned(),
        request_id: new_id().to_string(),
        ..BreakPromiseRequest::default()
    };
    promises.break_promise(broken).await.unwrap();
    let apology = ApologizeForPromiseRequest {
        name: promise,
        text: "We are sorry.".to_owned(),
        request_id: new_id().to_string(),
        ..ApologizeForPromiseRequest::default()
    };
    promises.apologize_for_promise(apology).await.unwrap();
    let risk = desk.comes_to(&ticket, RiskLevel::High).await;
    assert_eq!(reasons(&risk), [(Kind::BrokenPromise, 1)]);
    assert!(desk.escalation(&ticket).await.is_some());
    desk.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tk114_what_nobody_acknowledges_goes_from_level_to_level_and_is_overdue_once() {
    let desk = Desk::new().await;
    let (_, escalation) = desk.alarmed().await;
    let name = &escalation.name;
    desk.world.pass_minutes(59);
    desk.world.pass_minutes(1);
    desk.until("the next level is called", name, |one| one.level == 2).await;
    let refused = is_refused(desk.acknowledge("lata", name).await, ErrorReason::LevelUnsuitable);
    assert_eq!(refused.get_error_details().error_info().unwrap().metadata["level"], "2");
    desk.world.pass(1);
    desk.until("every manager is called", name, |one| one.level == 3).await;
    is_refused(desk.acknowledge("lata", name).await, ErrorReason::LevelUnsuitable);
    desk.world.pass(1);
    desk.until("it is overdue", name, |one| one.overdue_time.is_some()).await;
    desk.world.pass_minutes(30);
    let waiting = ListEscalationsRequest {
        order_by: "acknowledge_due_time".to_owned(),
        filter: Some(EscalationFilter { level: 3, open: true, ..EscalationFilter::default() }),
        ..ListEscalationsRequest::default()
    };
    let listed = desk.as_user("tara").list_escalations(waiting).await.unwrap().into_inner().escalations;
    assert_eq!(listed.iter().map(|one| &one.name).collect::<Vec<_>>(), [name]);
    desk.acknowledge("tara", name).await.unwrap();
    assert_eq!(desk.acts(name).await, ["raised", "level_raised", "level_raised", "overdue", "acknowledged"]);
    desk.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tk111_of_many_who_raise_one_at_once_one_does_and_the_others_are_told_which() {
    let desk = Desk::new().await;
    for _ in 0..10 {
        let ticket = desk.ticket().await;
        let (one, other, third) = tokio::join!(
            desk.raise("radha", &ticket),
            desk.raise("lata", &ticket),
            desk.customer_says(&ticket, "There was smoke, I was in hospital."),
        );
        let () = third;
        let (raised, refused): (Vec<_>, Vec<_>) = [one, other].into_iter().partition(Result::is_ok);
        assert!(raised.len() <= 1, "{raised:?}");
        let open = eventually("there is one", || desk.escalation(&ticket)).await;
        for refused in refused {
            let refused = is_refused(refused, ErrorReason::EscalationOpen);
            assert_eq!(refused.get_error_details().error_info().unwrap().metadata["escalation"], open.name);
        }
        desk.comes_to(&ticket, RiskLevel::High).await;
        desk.holds().await;
    }
}

/// TK114: whoever acknowledges in the moment in which its time is over comes before or after.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_and_the_next_level_at_once_come_one_after_the_other() {
    let desk = Desk::new().await;
    for _ in 0..10 {
        let (ticket, escalation) = desk.alarmed().await;
        desk.world.pass_minutes(60);
        let answer = desk.acknowledge("lata", &escalation.name).await;
        let acts = match answer {
            Ok(taken) => {
                assert_eq!((taken.level, &taken.owner), (1, &desk.lata));
                vec!["raised", "acknowledged"]
            }
            Err(refused) => {
                assert_eq!(invariant(&refused), "TK113");
                vec!["raised", "level_raised"]
            }
        };
        let told = desk.until("it has come to rest", &escalation.name, |one| one.level == 2 || !one.owner.is_empty());
        assert_eq!(told.await.ticket, ticket);
        assert_eq!(desk.acts(&escalation.name).await, acts);
        desk.holds().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tk110_the_database_itself_refuses_a_high_risk_without_an_escalation() {
    let desk = Desk::new().await;
    let ticket = desk.ticket().await;
    let is_refused = |answer: Result<_, sqlx::Error>| {
        let error = answer.expect_err("it is refused").into_database_error().unwrap();
        assert_eq!(error.constraint(), Some("ticket_at_risk_has_escalation"));
    };
    let high = "update ticket set risk_level = 'high' where id = $1";
    is_refused(sqlx::query(high).bind(id_of(&ticket)).execute(&desk.world.database.owner).await);
    let (_, escalation) = desk.alarmed().await;
    let closed =
        "update escalation set state = 'closed', acknowledge_due_at = null, closed_at = created_at where id = $1";
    is_refused(sqlx::query(closed).bind(id_of(&escalation.name)).execute(&desk.world.database.owner).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_risk_sharpens_what_was_raised_and_a_crisis_is_every_managers_affair() {
    let desk = Desk::new().await;
    let (ticket, escalation) = desk.alarmed().await;
    // The fourth and fifth contact, and clocks that nobody meets.
    desk.customer_says(&ticket, "Do you hear?").await;
    desk.customer_says(&ticket, "Hello?").await;
    desk.risk_is(&ticket, "the contacts count", |risk| reasons(risk).contains(&(Kind::Contacts, 4))).await;
    desk.acknowledge("lata", &escalation.name).await.unwrap();
    desk.world.pass(7);
    let risk = desk.comes_to(&ticket, RiskLevel::Critical).await;
    assert!(reasons(&risk).contains(&(Kind::Clock, 100)), "{risk:?}");
    assert!(desk.until("every hour counts", &escalation.name, |one| one.critical).await.owner == desk.lata);
    let crisis = desk.declare_crisis("lata", &escalation.name).await.unwrap();
    assert_eq!((crisis.level, crisis.state()), (3, State::Crisis));
    let calm = desk.de_escalate("tara", &escalation.name).await.unwrap();
    assert_eq!(calm.state(), State::DeEscalated);
    assert_eq!(desk.acts(&escalation.name).await, ["raised", "acknowledged", "sharpened", "crisis", "de_escalated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_once_and_an_old_etag_is_refused() {
    let desk = Desk::new().await;
    let ticket = desk.ticket().await;
    let request = RaiseEscalationRequest {
        ticket: ticket.clone(),
        reason: "He is very upset.".to_owned(),
        request_id: new_id().to_string(),
    };
    let mut radha = desk.as_user("radha");
    let first = radha.raise_escalation(request.clone()).await.unwrap().into_inner();
    assert_eq!(radha.raise_escalation(request).await.unwrap().into_inner(), first);
    let escalation = first.escalation.unwrap();
    assert_eq!(escalation.raised_by, desk.radha);
    // A person may see what facts do not tell; whatever the risk is.
    assert_eq!(desk.risk(&ticket).await.level(), RiskLevel::Low);
    let request = AcknowledgeEscalationRequest {
        name: escalation.name.clone(),
        etag: "\"v7\"".to_owned(),
        request_id: new_id().to_string(),
    };
    is_refused(desk.as_user("lata").acknowledge_escalation(request).await, ErrorReason::EtagMismatch);
    desk.acknowledge("lata", &escalation.name).await.unwrap();
    desk.start_acting("lata", &escalation.name).await.unwrap();
    desk.de_escalate("lata", &escalation.name).await.unwrap();
    desk.close("lata", &escalation.name).await.unwrap();
    let unknown = GetRiskAssessmentRequest { name: format_name("riskAssessments", new_id()) };
    is_refused(desk.risks().get_risk_assessment(unknown).await, ErrorReason::ResourceNotFound);
    let unknown = AssessTicketRequest { ticket: format_name("tickets", new_id()), request_id: new_id().to_string() };
    is_refused(desk.risks().assess_ticket(unknown).await, ErrorReason::ResourceNotFound);
    is_refused(desk.acknowledge("lata", &format_name("escalations", new_id())).await, ErrorReason::ResourceNotFound);
}

/// TK110, TK111: whatever is done in whatever order, by several at once.
#[tokio::test(flavor = "multi_thread")]
async fn no_story_leaves_a_high_risk_without_somebody_who_is_called() {
    let desk = Desk::new().await;
    let tickets = [desk.ticket().await, desk.ticket().await, desk.ticket().await];
    let story = prop::collection::vec((0..3_usize, 0..10_u8), 60);
    let story = story.new_tree(&mut TestRunner::default()).unwrap().current();
    for (which, what) in story {
        let ticket = &tickets[which];
        let open = desk.escalation(ticket).await.map(|one| one.name).unwrap_or_default();
        let step = async {
            match what {
                0 => drop(desk.raise("radha", ticket).await),
                1 => drop(desk.acknowledge("indira", &open).await),
                2 => drop(desk.start_acting("indira", &open).await),
                3 => drop(desk.de_escalate("indira", &open).await),
                4 => drop(desk.close("indira", &open).await),
                5 => drop(desk.declare_crisis("tara", &open).await),
                6 => drop(desk.world.resolve(ticket).await),
                7 => {
                    let reject = RejectTicketRequest {
                        name: ticket.clone(),
                        caller: "Mr Rao".to_owned(),
                        text: "It is not.".to_owned(),
                        request_id: new_id().to_string(),
                        ..RejectTicketRequest::default()
                    };
                    drop(desk.world.tickets().reject_ticket(reject).await);
                }
                8 => desk.world.pass_minutes(45),
                _ => {
                    let request = ReplyToTicketRequest {
                        name: ticket.clone(),
                        visibility: message::Visibility::Public.into(),
                        author: message::Author::Customer.into(),
                        text: "My lawyer will call you.".to_owned(),
                        request_id: new_id().to_string(),
                        ..ReplyToTicketRequest::default()
                    };
                    drop(desk.world.tickets().reply_to_ticket(request).await);
                }
            }
        };
        let assess = async {
            let request = AssessTicketRequest { ticket: ticket.clone(), request_id: new_id().to_string() };
            desk.risks().assess_ticket(request).await.unwrap();
        };
        tokio::join!(step, assess);
        desk.holds().await;
    }
}
