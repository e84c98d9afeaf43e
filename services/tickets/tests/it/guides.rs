//! Troubleshooting guides: written, published, and gone through for tickets.

use std::sync::Arc;

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        AbandonRunRequest, AnswerStepRequest, AnswerStepResponse, CancelTicketRequest, CreateGuideRequest,
        CreateGuideVersionRequest, CreateGuideVersionResponse, GetGuideRequest, GetGuideResponse, GetRunRequest, Guide,
        GuideAnswer, GuideInstruction, GuideNode, GuideOutcome, GuideQuestion, GuideVersion, ListGuidesRequest,
        ListRunsRequest, PublishGuideVersionRequest, PublishGuideVersionResponse, StartRunRequest, StartRunResponse,
        TroubleshootingRun, guide_node::Kind, guide_outcome::Result as Outcome,
        guide_service_client::GuideServiceClient, ticket, troubleshooting_run::State,
    },
};
use seva_runtime::client::Peer;
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, a_ticket, invariant, is_refused};

fn writer(world: &World) -> GuideServiceClient<Peer> {
    GuideServiceClient::new(world.server.as_role("lead"))
}

fn agent(world: &World) -> GuideServiceClient<Peer> {
    GuideServiceClient::new(world.server.as_role("agent"))
}

fn said(english: &str, hindi: &str) -> Vec<Translation> {
    let translation =
        |(language, text): (&str, &str)| Translation { language: language.to_owned(), text: text.to_owned() };
    [("en", english), ("hi", hindi)].map(translation).to_vec()
}

fn node(id: &str, texts: Vec<Translation>, kind: Kind) -> GuideNode {
    GuideNode { node_id: id.to_owned(), texts, kind: Some(kind) }
}

fn question(answers: [(&str, Vec<Translation>, &str); 2]) -> Kind {
    let answer = |(id, texts, next): (&str, Vec<Translation>, &str)| GuideAnswer {
        answer_id: id.to_owned(),
        texts,
        next_node_id: next.to_owned(),
    };
    Kind::Question(GuideQuestion { answers: answers.map(answer).to_vec() })
}

fn instruction(next: &str) -> Kind {
    Kind::Instruction(GuideInstruction { next_node_id: next.to_owned() })
}

fn outcome(result: Outcome, kind: ticket::Kind) -> Kind {
    Kind::Outcome(GuideOutcome { result: result.into(), hand_over_kind: kind.into() })
}

/// A small guide to begin with: a washing machine that drips.
fn drips() -> GuideVersion {
    let (yes, no) = (said("Yes", "हाँ"), said("No", "नहीं"));
    GuideVersion {
        titles: said("The washing machine drips", "वॉशिंग मशीन से पानी टपकता है"),
        nodes: vec![
            node(
                "where",
                said("Does it drip at the door?", "क्या दरवाज़े से टपकता है?"),
                question([("yes", yes.clone(), "clean"), ("no", no.clone(), "hose")]),
            ),
            node("clean", said("Clean the seal.", "सील साफ़ करें।"), instruction("still")),
            node("hose", said("Tighten the hose.", "पाइप कसें।"), instruction("still")),
            node(
                "still",
                said("Does it still drip?", "क्या अब भी टपकता है?"),
                question([("yes", yes, "repair"), ("no", no, "solved")]),
            ),
            node("repair", said("Somebody comes.", "कोई आएगा।"), outcome(Outcome::HandOver, ticket::Kind::Repair)),
            node("solved", said("It is mended.", "ठीक हो गया।"), outcome(Outcome::Solved, ticket::Kind::Unspecified)),
        ],
        ..GuideVersion::default()
    }
}

async fn create(world: &World, product: &str) -> Guide {
    let guide = Guide { display_name: "Drips".to_owned(), product: product.to_owned(), ..Guide::default() };
    let request = CreateGuideRequest { guide: Some(guide), request_id: new_id().to_string() };
    writer(world).create_guide(request).await.unwrap().into_inner().guide.unwrap()
}

async fn draft(world: &World, guide: &Guide, version: GuideVersion) -> Result<CreateGuideVersionResponse, Status> {
    let request = CreateGuideVersionRequest {
        parent: guide.name.clone(),
        guide_version: Some(version),
        etag: guide.etag.clone(),
        request_id: new_id().to_string(),
    };
    Ok(writer(world).create_guide_version(request).await?.into_inner())
}

async fn publish(world: &World, name: &str) -> Result<PublishGuideVersionResponse, Status> {
    let request = PublishGuideVersionRequest {
        name: name.to_owned(),
        request_id: new_id().to_string(),
        ..PublishGuideVersionRequest::default()
    };
    Ok(writer(world).publish_guide_version(request).await?.into_inner())
}

async fn published(world: &World, version: GuideVersion) -> Guide {
    let guide = create(world, "WM-2000").await;
    let name = draft(world, &guide, version).await.unwrap().guide_version.unwrap().name;
    publish(world, &name).await.unwrap().guide.unwrap()
}

async fn get(world: &World, name: &str) -> Result<GetGuideResponse, Status> {
    Ok(agent(world).get_guide(GetGuideRequest { name: name.to_owned() }).await?.into_inner())
}

async fn start(world: &World, ticket: &str, guide: &str) -> Result<StartRunResponse, Status> {
    let request =
        StartRunRequest { parent: ticket.to_owned(), guide: guide.to_owned(), request_id: new_id().to_string() };
    Ok(agent(world).start_run(request).await?.into_inner())
}

fn an_answer(run: &str, step: i32, answer: &str) -> AnswerStepRequest {
    AnswerStepRequest { name: run.to_owned(), step, answer_id: answer.to_owned(), request_id: new_id().to_string() }
}

async fn answer(world: &World, run: &str, step: i32, answer: &str) -> Result<AnswerStepResponse, Status> {
    Ok(agent(world).answer_step(an_answer(run, step, answer)).await?.into_inner())
}

async fn abandon(world: &World, run: &str) -> Result<TroubleshootingRun, Status> {
    let request = AbandonRunRequest { name: run.to_owned(), request_id: new_id().to_string() };
    Ok(agent(world).abandon_run(request).await?.into_inner().run.unwrap())
}

async fn get_run(world: &World, name: &str) -> TroubleshootingRun {
    agent(world).get_run(GetRunRequest { name: name.to_owned() }).await.unwrap().into_inner().run.unwrap()
}

/// A ticket of which nothing changes by itself any more.
async fn a_quiet_ticket(world: &World) -> String {
    let name = world.create(a_ticket(world.customer("en").await)).await.unwrap().name;
    world.until("it waits", &name, |ticket| ticket.wait_reason != 0).await;
    name
}

async fn cancel(world: &World, ticket: &str) {
    let request = CancelTicketRequest {
        name: ticket.to_owned(),
        reason: ticket::CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(request).await.unwrap();
}

async fn told(world: &World, subject: &str) -> Vec<(i64, String)> {
    sqlx::query_as("select sequence, type from seva.outbox where subject = $1 order by sequence")
        .bind(subject)
        .fetch_all(&world.database.owner)
        .await
        .unwrap()
}

/// TK85, TK80
#[tokio::test(flavor = "multi_thread")]
async fn a_guide_is_published_when_no_way_through_it_is_wrong_and_then_frozen() {
    let world = World::new().await;
    let guide = create(&world, "WM-2000").await;
    assert_eq!(get(&world, &guide.name).await.unwrap().guide_version, None);
    let refused =
        is_refused(start(&world, &a_quiet_ticket(&world).await, &guide.name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK87");

    let mut faulty = drips();
    faulty.nodes[1].kind = Some(instruction("where"));
    faulty.nodes[2].kind = Some(instruction(""));
    faulty.nodes[4].texts.pop();
    let drafted = draft(&world, &guide, faulty).await.unwrap();
    let name = drafted.guide_version.unwrap().name;
    let refused = is_refused(publish(&world, &name).await, ErrorReason::DraftFaulty);
    let details = refused.get_error_details();
    let faults = details.bad_request().unwrap().field_violations.iter();
    let found: Vec<_> =
        faults.map(|fault| (fault.field.as_str(), fault.description.split(':').next().unwrap())).collect();
    let expected = [
        ("nodes[4].texts", "LANGUAGE_MISSING"),
        ("nodes[2]", "DEAD_END"),
        ("nodes[1].instruction.next_node_id", "CYCLE"),
        ("nodes[3]", "NODE_UNREACHABLE"),
        ("nodes[4]", "NODE_UNREACHABLE"),
        ("nodes[5]", "NODE_UNREACHABLE"),
    ];
    assert_eq!(found, expected);

    is_refused(draft(&world, &guide, drips()).await, ErrorReason::EtagMismatch);
    let drafted = draft(&world, &drafted.guide.unwrap(), drips()).await.unwrap();
    assert_eq!(drafted.guide_version.unwrap().name, name, "it replaces the draft");
    let version = publish(&world, &name).await.unwrap().guide_version.unwrap();
    assert_eq!(get(&world, &guide.name).await.unwrap().guide_version.unwrap(), version);
    assert_eq!(get(&world, &name).await.unwrap().guide_version.unwrap().nodes, drips().nodes);
    let again = is_refused(publish(&world, &name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&again), "TK80");
    for statement in ["update guide_version set hash = hash", "delete from guide_version"] {
        let fault = sqlx::query(statement).execute(&world.database.owner).await.unwrap_err();
        assert_eq!(fault.as_database_error().unwrap().constraint(), Some("guide_version_frozen"));
    }
    let acts = ["created", "drafted", "drafted", "published"];
    let types: Vec<_> = told(&world, &guide.name).await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(types, acts.map(|act| format!("seva.tickets.guide.{act}.v1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_none_is_refused_with_all_that_cannot_be_read() {
    let world = World::new().await;
    let guide = create(&world, "").await;
    let mut version = drips();
    version.titles.push(version.titles[0].clone());
    version.nodes[0].node_id = "Where".to_owned();
    version.nodes[1].kind = None;
    version.nodes[4].kind = Some(outcome(Outcome::HandOver, ticket::Kind::Unspecified));
    version.nodes[5].kind = Some(Kind::Outcome(GuideOutcome { result: 42, hand_over_kind: 0 }));
    let refused = is_refused(draft(&world, &guide, version).await, ErrorReason::FieldsInvalid);
    let details = refused.get_error_details();
    let found: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.as_str()).collect();
    let expected = [
        "guide_version.titles[2]",
        "guide_version.nodes[0].node_id",
        "guide_version.nodes[1].kind",
        "guide_version.nodes[4].outcome.hand_over_kind",
        "guide_version.nodes[5].outcome.result",
    ];
    assert_eq!(found, expected);
}

/// TK87, TK88: the whole way, with what is kept of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_answered_step_by_step_keeps_to_its_version_and_ends_with_an_outcome() {
    let world = World::new().await;
    let guide = published(&world, drips()).await;
    let department = world.department("support", &["delivery"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let ticket = a_quiet_ticket(&world).await;
    let started = start(&world, &ticket, &guide.name).await.unwrap();
    let run = started.run.unwrap();
    assert_eq!((run.state(), run.step, run.node_id.as_str()), (State::Running, 1, "where"));
    assert_eq!(started.node.unwrap(), drips().nodes[0]);

    // What is published meanwhile is for others.
    let mut shorter = drips();
    shorter.nodes = vec![node("call", said("Call.", "बुलाओ।"), outcome(Outcome::NotSolved, ticket::Kind::Unspecified))];
    let second = draft(&world, &guide, shorter).await.unwrap().guide_version.unwrap().name;
    publish(&world, &second).await.unwrap();

    let unknown = is_refused(answer(&world, &run.name, 1, "perhaps").await, ErrorReason::FieldsInvalid);
    assert!(unknown.message().contains("answer_id"), "{unknown}");
    let refused = is_refused(answer(&world, &run.name, 2, "yes").await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK87");
    let mut as_radha = GuideServiceClient::new(world.as_user("radha"));
    let first = an_answer(&run.name, 1, "yes");
    let answered = as_radha.answer_step(first.clone()).await.unwrap().into_inner();
    assert_eq!(as_radha.answer_step(first).await.unwrap().into_inner(), answered, "the same again");
    assert_eq!(answered.node.unwrap(), drips().nodes[1]);
    world.pass(1);
    answer(&world, &run.name, 2, "").await.unwrap();
    let ended = answer(&world, &run.name, 3, "yes").await.unwrap();
    assert_eq!(ended.node.unwrap().node_id, "repair");

    let run = ended.run.unwrap();
    let by_outcome = GuideOutcome { result: Outcome::HandOver.into(), hand_over_kind: ticket::Kind::Repair.into() };
    assert_eq!((run.state(), run.outcome, run.step), (State::Completed, Some(by_outcome), 3));
    assert_eq!(run.guide_version, guide.published_version);
    let kept: Vec<_> = run
        .steps
        .iter()
        .map(|step| (step.node_id.as_str(), step.answer_id.as_str(), step.staff_member.as_str()))
        .collect();
    assert_eq!(kept, [("where", "yes", radha.as_str()), ("clean", "", ""), ("still", "yes", "")]);
    assert_eq!(get_run(&world, &run.name).await, run);
    for refusal in [answer(&world, &run.name, 3, "yes").await.map(drop), abandon(&world, &run.name).await.map(drop)] {
        assert_eq!(invariant(&is_refused(refusal, ErrorReason::StateForbids)), "TK88");
    }
    let acts = ["started", "answered", "answered", "completed"];
    let expected = acts.iter().zip(1..).map(|(act, at)| (at, format!("seva.tickets.troubleshooting_run.{act}.v1")));
    assert_eq!(told(&world, &run.name).await, expected.collect::<Vec<_>>());
    for statement in ["update run_step set answer_id = 'no'", "delete from run_step"] {
        let fault = sqlx::query(statement).execute(&world.database.owner).await.unwrap_err();
        assert_eq!(fault.as_database_error().unwrap().constraint(), Some("run_step_append_only"));
    }

    // The next run begins with what is published now, which is an outcome and nothing else.
    world.pass(1);
    let next = start(&world, &ticket, &guide.name).await.unwrap().run.unwrap();
    assert_eq!((next.state(), next.guide_version), (State::Completed, second));
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListRunsRequest { parent: ticket.clone(), page_size: 1, page_token };
        let page = agent(&world).list_runs(request).await.unwrap().into_inner();
        assert!(page.runs.iter().all(|run| run.steps.is_empty()), "told one by one");
        names.extend(page.runs.into_iter().map(|run| run.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, [run.name, next.name]);
}

/// TK86
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_begin_the_same_guide_for_a_ticket_one_does() {
    let world = Arc::new(World::new().await);
    let guide = published(&world, drips()).await;
    let ticket = a_quiet_ticket(&world).await;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (world, ticket, guide) = (world.clone(), ticket.clone(), guide.name.clone());
        callers.spawn(async move { start(&world, &ticket, &guide).await });
    }
    let (began, refused): (Vec<_>, Vec<_>) = callers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((began.len(), refused.len()), (1, 7));
    let first = began.into_iter().next().unwrap().unwrap().run.unwrap().name;
    for refusal in refused {
        let status = is_refused(refusal, ErrorReason::ResourceExists);
        assert_eq!(status.get_error_details().error_info().unwrap().metadata["run"], first);
    }
    // Another guide, and another ticket, are another matter; and so is the same once it was given up.
    let other = published(&world, drips()).await;
    start(&world, &ticket, &other.name).await.unwrap();
    start(&world, &a_quiet_ticket(&world).await, &guide.name).await.unwrap();
    let abandoned = abandon(&world, &first).await.unwrap();
    assert_eq!((abandoned.state(), abandoned.outcome), (State::Abandoned, None));
    start(&world, &ticket, &guide.name).await.unwrap();
}

/// TK87: of many answers to a step one is kept.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_to_a_step_one_holds() {
    let world = Arc::new(World::new().await);
    let guide = published(&world, drips()).await;
    let run = start(&world, &a_quiet_ticket(&world).await, &guide.name).await.unwrap().run.unwrap().name;
    let mut callers = JoinSet::new();
    for at in 0..8 {
        let (world, run) = (world.clone(), run.clone());
        callers.spawn(async move { answer(&world, &run, 1, if at % 2 == 0 { "yes" } else { "no" }).await });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let allowed = [Code::FailedPrecondition, Code::Aborted];
    assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|status| allowed.contains(&status.code())));
    let run = get_run(&world, &run).await;
    assert_eq!((run.step, run.steps.len()), (2, 1));
    assert_eq!(run.node_id, if run.steps[0].answer_id == "yes" { "clean" } else { "hose" });
    assert_eq!(world.count("select count(*) from run_step").await, 1);
}

/// TK88
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_begun_or_answered_for_a_ticket_that_is_over() {
    let world = Arc::new(World::new().await);
    let guide = published(&world, drips()).await;
    let ticket = a_quiet_ticket(&world).await;
    let run = start(&world, &ticket, &guide.name).await.unwrap().run.unwrap().name;
    cancel(&world, &ticket).await;
    let other = published(&world, drips()).await.name;
    for refusal in [answer(&world, &run, 1, "yes").await.map(drop), start(&world, &ticket, &other).await.map(drop)] {
        assert_eq!(invariant(&is_refused(refusal, ErrorReason::StateForbids)), "TK88");
    }
    abandon(&world, &run).await.unwrap();

    // However an answer and a cancellation meet: what was answered was answered before.
    for _ in 0..10 {
        let ticket = a_quiet_ticket(&world).await;
        let run = start(&world, &ticket, &guide.name).await.unwrap().run.unwrap().name;
        let answering = async { answer(&world, &run, 1, "yes").await };
        let (answered, ()) = tokio::join!(answering, cancel(&world, &ticket));
        assert_eq!(get_run(&world, &run).await.steps.len(), usize::from(answered.is_ok()));
        let told: Vec<String> = sqlx::query_scalar(
            "select type from seva.outbox where subject in ($1, $2) and type like any(array['%answered%', '%canceled%']) order by position",
        )
        .bind(&ticket)
        .bind(&run)
        .fetch_all(&world.database.owner)
        .await
        .unwrap();
        assert_eq!(told.last().unwrap(), "seva.tickets.ticket.canceled.v1", "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guides_are_listed_by_what_they_are_about_newest_first() {
    let world = World::new().await;
    let mut names = Vec::new();
    for product in ["WM-1", "WM-2", "WM-1"] {
        names.insert(0, create(&world, product).await.name);
        world.pass_minutes(1);
    }
    let list = async |product: &str, page_size: i32| {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListGuidesRequest { page_size, page_token, product: product.to_owned() };
            let page = agent(&world).list_guides(request).await.unwrap().into_inner();
            found.extend(page.guides.into_iter().map(|guide| guide.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return found;
            }
        }
    };
    assert_eq!(list("", 2).await, names);
    assert_eq!(list("WM-1", 1).await, [names[0].clone(), names[2].clone()]);
    let nowhere = ListRunsRequest { parent: format!("tickets/{}", new_id()), ..ListRunsRequest::default() };
    is_refused(agent(&world).list_runs(nowhere).await, ErrorReason::ResourceNotFound);
}
