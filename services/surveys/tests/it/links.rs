//! Answers by link: what a link reaches, and what it does not.

use std::sync::Arc;

use jiff::SignedDuration;
use seva_proto::{
    common::v1::{
        ErrorReason, LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item,
    },
    surveys::v1::{
        GetQuestionnaireRequest, Invitation, SaveAnswersRequest, invitation::State, question::Kind,
        response::State as ResponseState, response_service_client::ResponseServiceClient,
    },
};
use seva_runtime::auth::{
    LinkSigner,
    links::{Link, LinkKeys},
};
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    office::{id_of, is_refused, question, version, violations},
    world::{World, chosen, saving, scored, worded},
};

/// Everything that could have changed, as text, with the versions of its rows.
async fn everything(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for table in [
        "invitation",
        "response",
        "answer",
        "loop_case",
        "throttle_entry",
        "seva.outbox",
        "seva.audit",
        "seva.idempotency",
    ] {
        let sql = format!("select '{table} ' || xmin || t::text from {table} t order by 1");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&world.office.database.owner).await.unwrap();
        all.extend(rows);
    }
    all
}

/// A link to an invitation that ends in a year.
fn signed(links: &LinkSigner, purpose: &str, world: &World, invitation: &Invitation, generation: u32) -> String {
    let expires_at = world.now() + SignedDuration::from_hours(365 * 24);
    links.sign(purpose, &Link { subject: id_of(&invitation.name).to_string(), generation, expires_at })
}

// SU15: scanners open every link, many times.
#[tokio::test(flavor = "multi_thread")]
async fn looking_at_questions_changes_nothing_however_often() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    for _ in 0..2 {
        let before = everything(&world).await;
        let first = world.questionnaire(&token).await.unwrap();
        for _ in 0..5 {
            assert_eq!(world.questionnaire(&token).await.unwrap(), first);
            assert_eq!(world.link(&invitation).await, token);
        }
        world.rest().await;
        assert_eq!(everything(&world).await, before);
        world.save(saving(&token, first.revision, vec![scored("csat", 5)], false)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_over_an_older_revision_is_refused_and_says_which_is_the_present_one() {
    let world = World::new().await;
    let token = world.link(&world.asked().await).await;
    world.save(saving(&token, 0, vec![scored("csat", 5)], false)).await.unwrap();
    let before = everything(&world).await;
    for revision in [-1, 0, 2, i32::MAX] {
        let refused = world.save(saving(&token, revision, vec![scored("csat", 1)], true)).await;
        let status = is_refused(refused, ErrorReason::EtagMismatch);
        assert_eq!(status.code(), Code::Aborted);
        let details = tonic_types::StatusExt::get_error_details(&status);
        assert_eq!(details.error_info().unwrap().metadata["current_revision"], "1");
    }
    assert_eq!(everything(&world).await, before);
}

// SU1
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_used_once_can_be_put_right_for_a_day_and_is_closed_after_that() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    world.save(saving(&token, 0, vec![scored("csat", 5)], true)).await.unwrap();
    assert!(world.link(&invitation).await.is_empty(), "nobody is sent there again");

    world.pass(23).await;
    let corrected = world.save(saving(&token, 1, vec![scored("csat", 4)], false)).await.unwrap();
    assert_eq!((corrected.revision, corrected.state(), corrected.closed), (2, ResponseState::Completed, false));

    // A day after the completion, not after the correction.
    world.pass(1).await;
    let before = everything(&world).await;
    let shown = world.questionnaire(&token).await.unwrap();
    assert_eq!((shown.closed, shown.answers), (true, vec![scored("csat", 4)]));
    let refused = world.save(saving(&token, 2, vec![scored("csat", 1)], true)).await;
    let status = is_refused(refused, ErrorReason::ResponseClosed);
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(everything(&world).await, before);
    assert_eq!(world.office.count("select count(*) from response").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_end_a_link_leads_nowhere_and_nothing_can_be_answered() {
    let world = World::new().await;
    let (silent, begun) = (world.asked().await, world.asked().await);
    let (token, longer) = (world.link(&silent).await, signed(&world.links, "survey", &world, &begun, 1));
    world.save(saving(&longer, 0, vec![scored("csat", 5)], false)).await.unwrap();
    world.pass(14 * 24).await;
    let before = everything(&world).await;
    let ended = [world.questionnaire(&token).await, world.save(saving(&token, 0, vec![scored("csat", 5)], true)).await];
    for answer in ended {
        assert_eq!(is_refused(answer, ErrorReason::CredentialExpired).code(), Code::Unauthenticated);
    }
    // The end lies in the row, whatever a link says.
    let shown = world.questionnaire(&longer).await.unwrap();
    assert_eq!((shown.closed, shown.state()), (true, ResponseState::Partial));
    let late = world.save(saving(&longer, 1, vec![scored("csat", 5)], true)).await;
    is_refused(late, ErrorReason::ResponseClosed);
    assert_eq!(everything(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_not_made_for_this_is_refused_without_saying_why() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let good = world.link(&invitation).await;
    let held = world.delivered(world.customer("hi").await).await;
    world.rest().await;
    let held = world.about(&held).await;
    let nobody = Invitation { name: format!("invitations/{}", new_id()), ..Invitation::default() };
    let foreign = LinkSigner::new(LinkKeys::generate());
    let expires_at = world.now() + SignedDuration::from_hours(1);
    let no_uuid = Link { subject: "asha".to_owned(), generation: 1, expires_at };
    let tokens = [
        String::new(),
        "survey".to_owned(),
        "x".repeat(100_000),
        good.replacen("survey", "ticket", 1),
        good.replacen(".1.", ".2.", 1),
        good.replacen(&id_of(&invitation.name).to_string(), &id_of(&held.name).to_string(), 1),
        format!("{good}A"),
        signed(&world.links, "ticket", &world, &invitation, 1),
        signed(&world.links, "survey", &world, &invitation, 2),
        signed(&world.links, "survey", &world, &held, 1),
        signed(&world.links, "survey", &world, &nobody, 1),
        signed(&foreign, "survey", &world, &invitation, 1),
        world.links.sign("survey", &no_uuid),
    ];
    let before = everything(&world).await;
    let mut told = Vec::new();
    for token in tokens {
        let answers = vec![scored("csat", 1)];
        for answer in [world.questionnaire(&token).await, world.save(saving(&token, 0, answers, true)).await] {
            let status = is_refused(answer, ErrorReason::CredentialInvalid);
            assert_eq!(status.code(), Code::Unauthenticated);
            told.push(status.message().to_owned());
        }
    }
    told.dedup();
    assert_eq!(told.len(), 1, "all are told the same: {told:?}");
    assert_eq!(everything(&world).await, before);
    world.questionnaire(&good).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_reaches_its_own_invitation_only() {
    let world = World::new().await;
    let (one, other) = (world.asked().await, world.asked().await);
    let before = world.again(&other).await;
    let token = world.link(&one).await;
    world.save(saving(&token, 0, vec![scored("csat", 5)], true)).await.unwrap();
    assert_eq!(world.again(&other).await, before);
    assert_eq!(world.questionnaire(&world.link(&other).await).await.unwrap().answers, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_made_for_who_writes_to_customers_and_lead_to_what_can_be_answered() {
    let world = World::new().await;
    let asked = world.asked().await;
    let held = world.delivered(world.customer("hi").await).await;
    world.rest().await;
    assert!(world.link(&world.about(&held).await).await.is_empty());
    let nobody = Invitation { name: format!("invitations/{}", new_id()), ..Invitation::default() };
    assert!(world.link(&nobody).await.is_empty());

    let item = |purpose: LinkPurpose, subject: &str| Item { purpose: purpose.into(), subject: subject.to_owned() };
    let mut links = LinkServiceClient::new(world.server.as_service("notifications"));
    let items = vec![item(LinkPurpose::Survey, "tickets/7"), item(LinkPurpose::Ticket, &asked.name)];
    let status = is_refused(links.mint_links(MintLinksRequest { items }).await, ErrorReason::FieldsInvalid);
    let fields: Vec<_> = violations(&status).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["items[0].subject", "items[1].purpose"]);
    let items = vec![item(LinkPurpose::Survey, &asked.name); 201];
    is_refused(links.mint_links(MintLinksRequest { items }).await, ErrorReason::FieldsInvalid);

    let request = || MintLinksRequest { items: vec![item(LinkPurpose::Survey, &asked.name)] };
    for role in ["agent", "lead", "manager", "hr", "integration", "ops", "customer"] {
        let refused = LinkServiceClient::new(world.server.as_role(role)).mint_links(request()).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{role}");
        let token = world.link(&asked).await;
        let mut responses = ResponseServiceClient::new(world.server.as_role(role));
        let refused = responses.get_questionnaire(GetQuestionnaireRequest { token: token.clone() }).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{role}");
        let refused = responses.save_answers(saving(&token, 0, vec![], true)).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
}

// SU24
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_hostile_answers_is_told_at_once_and_nothing_is_saved() {
    let world = World::new().await;
    let ticket = world.closed(world.customer("hi").await).await;
    world.rest().await;
    world.pass(1).await;
    let token = world.link(&world.about(&ticket).await).await;
    let before = everything(&world).await;

    let expected = [
        ("answers", "ANSWER_REQUIRED"),
        ("answers[0].score", "SCORE_OUT_OF_RANGE"),
        ("answers[1].choice_id", "CHOICE_UNKNOWN"),
        ("answers[2].text", "TEXT_CONTROL_CHARACTER"),
        ("answers[3].question_id", "QUESTION_UNKNOWN"),
    ];
    let request = saving(
        &token,
        0,
        vec![
            scored("nps", 11),
            chosen("reason", "'; drop table answer; --"),
            worded("words", "bell\u{7}"),
            scored("csat\u{0}", 5),
        ],
        true,
    );
    let status = is_refused(world.save(request).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));

    for answers in [
        vec![scored("csat", 5), scored("csat", 4)],
        vec![worded("csat", "five")],
        vec![scored("words", 5)],
        vec![seva_proto::surveys::v1::Answer { question_id: "csat".to_owned(), value: None }],
        vec![worded("words", &"x".repeat(4001))],
        vec![scored("csat", i32::MIN)],
        vec![scored("csat", 5); 1000],
    ] {
        let shown = format!("{:.60}", format!("{answers:?}"));
        let refused = world.save(saving(&token, 0, answers, false)).await;
        is_refused(refused, ErrorReason::FieldsInvalid);
        assert_eq!(everything(&world).await, before, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_saves_nothing_and_is_answered_the_same() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let request = saving(&token, 0, vec![scored("csat", 2), worded("words", "It leaks.")], true);
    let first = world.save(request.clone()).await.unwrap();
    let before = everything(&world).await;
    assert_eq!(world.save(request.clone()).await.unwrap(), first);
    let other = SaveAnswersRequest { answers: vec![scored("csat", 3)], ..request.clone() };
    is_refused(world.save(other).await, ErrorReason::RequestIdReused);
    let malformed = SaveAnswersRequest { request_id: "again".to_owned(), ..request };
    is_refused(world.save(malformed).await, ErrorReason::FieldsInvalid);
    assert_eq!(everything(&world).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_from_eight_callers_at_once_is_one_save() {
    let world = Arc::new(World::new().await);
    let invitation = world.asked().await;
    let request = saving(&world.link(&invitation).await, 0, vec![scored("csat", 5)], true);
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (world, request) = (world.clone(), request.clone());
        callers.spawn(async move { world.save(request).await.unwrap() });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.revision == 1), "{answers:?}");
    let response = world.again(&invitation).await.response;
    assert_eq!(world.acts(&response).await, ["completed"]);
}

// SU1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_who_save_over_the_same_revision_at_once_one_does() {
    let world = Arc::new(World::new().await);
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    for revision in 0..3 {
        let mut savers = JoinSet::new();
        for number in 0..8 {
            let (world, request) =
                (world.clone(), saving(&token, revision, vec![scored("csat", 3 + number % 3)], number % 2 == 0));
            savers.spawn(async move { (number, world.save(request).await) });
        }
        let answers: Vec<(i32, Result<_, Status>)> = savers.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
        assert_eq!(won.len(), 1, "revision {revision}");
        for (_, refused) in lost {
            is_refused(refused, ErrorReason::EtagMismatch);
        }
        let shown = world.questionnaire(&token).await.unwrap();
        assert_eq!((shown.revision, &shown.answers), (revision + 1, &vec![scored("csat", 3 + won[0].0 % 3)]));
    }
    let response = world.again(&invitation).await.response;
    assert_eq!(world.acts(&response).await.len(), 3);
}

// SU4
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_stays_as_it_was_when_it_was_decided() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let before = world.questionnaire(&token).await.unwrap();
    let survey = invitation.survey_version.split("/versions/").next().unwrap().to_owned();
    let draft = world.office.draft(&survey, version(vec![question("nps", Kind::Nps)])).await.unwrap();
    let published = world.office.publish(&draft.name).await.unwrap();

    let shown = world.questionnaire(&token).await.unwrap();
    assert_eq!(shown.survey_version.unwrap().questions, before.survey_version.unwrap().questions);
    is_refused(world.save(saving(&token, 0, vec![scored("nps", 9)], true)).await, ErrorReason::FieldsInvalid);
    world.save(saving(&token, 0, vec![scored("csat", 5)], true)).await.unwrap();
    let after = world.again(&invitation).await;
    assert_eq!((after.state(), &after.survey_version), (State::Completed, &invitation.survey_version));

    let next = world.asked().await;
    assert_eq!(next.survey_version, published.name, "who is asked from now on is asked the new one");
}
