//! Guides and runs from and to the contract.

use seva_proto::tickets::v1::{
    self as pb, GuideEvent, guide_node, guide_outcome, ticket as pb_ticket, troubleshooting_run,
};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    context::hex,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    check::{MOST_ANSWERS, MOST_NODES},
    commands::{AnswerStep, CreateGuide, CreateGuideVersion, PublishGuideVersion, StartRun},
    model::{Answer, COLLECTION, Content, Guide, GuideVersion, Leads, Node, Outcome},
    queries::ListGuides,
    run::{RUNS, Run, State, Step},
};
use crate::{
    publishing::{format_version, parse_latest_or_version, parse_version, parts, texts, translations},
    roster::model::STAFF_MEMBERS,
    ticket::{convert::parse_kind, model::COLLECTION as TICKETS},
};

/// Longest name that staff give and product, in characters.
const LONGEST_LINE: usize = 200;
/// Longest id of a node or answer, in bytes.
const LONGEST_WORD: usize = 40;
/// Nodes and answers that a draft may hold, faulty or not.
const MOST_DRAFTED_NODES: usize = 2 * MOST_NODES;
const MOST_DRAFTED_ANSWERS: usize = 2 * MOST_ANSWERS;

/// Reads the one field `name` of a request about a run.
pub fn run_name(name: &str) -> Result<Uuid, Error> {
    parse_name(RUNS, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads the one field `name` of a request about a guide or one of its versions.
pub fn guide_or_version(name: &str) -> Result<(Uuid, Option<i32>), Error> {
    parse_latest_or_version(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListGuidesRequest, key: &PageKey) -> Result<ListGuides, Error> {
    let product = text::line(&request.product, LONGEST_LINE);
    let product = product.map_err(|invalid| Error::invalid_field("product", invalid))?;
    let product = (!product.is_empty()).then_some(product);
    let page = PageRequest::parse(key, COLLECTION, &format!("{product:?}"), request.page_size, &request.page_token)?;
    Ok(ListGuides { product, page })
}

/// Reads a request for a ticket's runs.
pub fn runs_query(request: &pb::ListRunsRequest, key: &PageKey) -> Result<(Uuid, PageRequest), Error> {
    let ticket = parse_name(TICKETS, &request.parent).map_err(|invalid| Error::invalid_field("parent", invalid))?;
    let page = PageRequest::parse(key, RUNS, &ticket.to_string(), request.page_size, &request.page_token)?;
    Ok((ticket, page))
}

impl TryFrom<pb::CreateGuideRequest> for CreateGuide {
    type Error = Error;

    fn try_from(request: pb::CreateGuideRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(guide) = violations.required("guide", request.guide) else { return Err(violations.into()) };
        let display_name =
            violations.take("guide.display_name", text::required_line(&guide.display_name, LONGEST_LINE));
        let product = violations.take("guide.product", text::line(&guide.product, LONGEST_LINE));
        violations.finish(display_name.zip(product).map(|(display_name, product)| Self { display_name, product }))
    }
}

impl TryFrom<pb::CreateGuideVersionRequest> for CreateGuideVersion {
    type Error = Error;

    /// Refuses what is no draft at all. What an author has still to do is no fault here.
    fn try_from(request: pb::CreateGuideVersionRequest) -> Result<Self, Error> {
        let pb::CreateGuideVersionRequest { parent, guide_version, etag, request_id: _ } = request;
        let mut violations = Violations::default();
        let guide = violations.take("parent", parse_name(COLLECTION, &parent));
        let etag = violations.take("etag", Etag::parse(&etag));
        let draft = violations.required("guide_version", guide_version);
        let content = draft.and_then(|draft| content(draft, &mut violations));
        let command = || Some(Self { guide: guide?, etag: etag?, content: content? });
        let command = command();
        violations.finish(command)
    }
}

fn content(draft: pb::GuideVersion, violations: &mut Violations) -> Option<Content> {
    let titles = texts(&draft.titles, "guide_version.titles", violations);
    let nodes = parts(&draft.nodes, MOST_DRAFTED_NODES, "guide_version.nodes", violations, node);
    Some(Content { titles: titles?, nodes: nodes? })
}

fn node(given: &pb::GuideNode, field: &str, violations: &mut Violations) -> Option<Node> {
    let node_id = violations.take(format!("{field}.node_id"), text::word(&given.node_id, '_', LONGEST_WORD));
    let texts = texts(&given.texts, &format!("{field}.texts"), violations);
    let leads = match violations.required(format!("{field}.kind"), given.kind.as_ref())? {
        guide_node::Kind::Question(question) => {
            let field = format!("{field}.question.answers");
            parts(&question.answers, MOST_DRAFTED_ANSWERS, &field, violations, answer).map(Leads::Answers)
        }
        guide_node::Kind::Instruction(instruction) => {
            let next = target(&instruction.next_node_id);
            violations.take(format!("{field}.instruction.next_node_id"), next).map(Leads::Next)
        }
        guide_node::Kind::Outcome(outcome) => {
            outcome_of(*outcome, &format!("{field}.outcome"), violations).map(Leads::Outcome)
        }
    };
    Some(Node { node_id: node_id?, texts: texts?, leads: leads? })
}

fn answer(given: &pb::GuideAnswer, field: &str, violations: &mut Violations) -> Option<Answer> {
    let answer_id = violations.take(format!("{field}.answer_id"), text::word(&given.answer_id, '_', LONGEST_WORD));
    let texts = texts(&given.texts, &format!("{field}.texts"), violations);
    let next_node_id = violations.take(format!("{field}.next_node_id"), target(&given.next_node_id));
    Some(Answer { answer_id: answer_id?, texts: texts?, next_node_id: next_node_id? })
}

/// Where a node of an unfinished draft leads may be open.
fn target(given: &str) -> Result<String, Invalid> {
    if given.is_empty() { Ok(String::new()) } else { text::word(given, '_', LONGEST_WORD) }
}

fn outcome_of(given: pb::GuideOutcome, field: &str, violations: &mut Violations) -> Option<Outcome> {
    let read = match guide_outcome::Result::try_from(given.result) {
        Ok(guide_outcome::Result::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(guide_outcome::Result::Solved) => Ok(Outcome::Solved),
        Ok(guide_outcome::Result::NotSolved) => Ok(Outcome::NotSolved),
        Ok(guide_outcome::Result::HandOver) => {
            let kind = violations.take(format!("{field}.hand_over_kind"), parse_kind(given.hand_over_kind));
            return kind.map(Outcome::HandOver);
        }
        Err(_) => Err(Invalid::new("RESULT_UNKNOWN", "has to be a known value")),
    };
    violations.take(format!("{field}.result"), read)
}

impl TryFrom<pb::PublishGuideVersionRequest> for PublishGuideVersion {
    type Error = Error;

    fn try_from(request: pb::PublishGuideVersionRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let name = violations.take("name", parse_version(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(name.zip(etag).map(|((guide, number), etag)| Self { guide, number, etag }))
    }
}

impl TryFrom<pb::StartRunRequest> for StartRun {
    type Error = Error;

    fn try_from(request: pb::StartRunRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ticket = violations.take("parent", parse_name(TICKETS, &request.parent));
        let guide = violations.take("guide", parse_name(COLLECTION, &request.guide));
        violations.finish(ticket.zip(guide).map(|(ticket, guide)| Self { ticket, guide }))
    }
}

impl TryFrom<pb::AnswerStepRequest> for AnswerStep {
    type Error = Error;

    fn try_from(request: pb::AnswerStepRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let run = violations.take("name", parse_name(RUNS, &request.name));
        let step = if request.step > 0 {
            Ok(request.step)
        } else {
            Err(Invalid::new("FIELD_REQUIRED", "is required; steps count from 1"))
        };
        let step = violations.take("step", step);
        let answer_id = violations.take("answer_id", target(&request.answer_id));
        let command = || Some(Self { run: run?, step: step?, answer_id: answer_id? });
        let command = command();
        violations.finish(command)
    }
}

fn version_of(guide: &Guide, number: Option<i32>) -> String {
    number.map(|number| format_version(COLLECTION, guide.id, number)).unwrap_or_default()
}

impl From<&Guide> for pb::Guide {
    fn from(guide: &Guide) -> Self {
        let Guide { id: _, version, display_name, product, published_number, draft_number, created_at, updated_at } =
            guide;
        Self {
            name: guide.name(),
            etag: Etag::format(*version),
            display_name: display_name.clone(),
            product: product.clone(),
            published_version: version_of(guide, *published_number),
            draft_version: version_of(guide, *draft_number),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

impl From<&GuideVersion> for pb::GuideVersion {
    fn from(version: &GuideVersion) -> Self {
        let GuideVersion { guide: _, number: _, content, hash, created_at, published_at } = version;
        let Content { titles, nodes } = content;
        Self {
            name: version.name(),
            titles: translations(titles),
            nodes: nodes.iter().map(Into::into).collect(),
            hash: hex(hash),
            create_time: Some(proto_timestamp(*created_at)),
            publish_time: published_at.map(proto_timestamp),
        }
    }
}

impl From<&Node> for pb::GuideNode {
    fn from(node: &Node) -> Self {
        let Node { node_id, texts, leads } = node;
        let kind = match leads {
            Leads::Answers(answers) => {
                let answers = answers.iter().map(Into::into).collect();
                guide_node::Kind::Question(pb::GuideQuestion { answers })
            }
            Leads::Next(next) => guide_node::Kind::Instruction(pb::GuideInstruction { next_node_id: next.clone() }),
            Leads::Outcome(outcome) => guide_node::Kind::Outcome((*outcome).into()),
        };
        Self { node_id: node_id.clone(), texts: translations(texts), kind: Some(kind) }
    }
}

impl From<&Answer> for pb::GuideAnswer {
    fn from(answer: &Answer) -> Self {
        let Answer { answer_id, texts, next_node_id } = answer;
        Self { answer_id: answer_id.clone(), texts: translations(texts), next_node_id: next_node_id.clone() }
    }
}

impl From<Outcome> for pb::GuideOutcome {
    fn from(outcome: Outcome) -> Self {
        let result = match outcome {
            Outcome::Solved => guide_outcome::Result::Solved,
            Outcome::NotSolved => guide_outcome::Result::NotSolved,
            Outcome::HandOver(_) => guide_outcome::Result::HandOver,
        };
        let kind = outcome.hand_over_kind().map_or(pb_ticket::Kind::Unspecified, Into::into);
        Self { result: result.into(), hand_over_kind: kind.into() }
    }
}

impl From<&Run> for pb::TroubleshootingRun {
    fn from(run: &Run) -> Self {
        let Run {
            id: _,
            version: _,
            ticket,
            guide,
            number,
            state,
            step,
            node_id,
            outcome,
            steps,
            started_at,
            updated_at,
            ended_at,
        } = run;
        let state = match state {
            State::Running => troubleshooting_run::State::Running,
            State::Completed => troubleshooting_run::State::Completed,
            State::Abandoned => troubleshooting_run::State::Abandoned,
        };
        Self {
            name: run.name(),
            ticket: format_name(TICKETS, *ticket),
            guide_version: format_version(COLLECTION, *guide, *number),
            state: state.into(),
            step: *step,
            node_id: node_id.clone(),
            outcome: outcome.map(Into::into),
            steps: steps.iter().map(Into::into).collect(),
            start_time: Some(proto_timestamp(*started_at)),
            update_time: Some(proto_timestamp(*updated_at)),
            end_time: ended_at.map(proto_timestamp),
        }
    }
}

impl From<&Step> for pb::RunStep {
    fn from(step: &Step) -> Self {
        let Step { step, node_id, answer_id, answered_by, answered_at } = step;
        Self {
            step: *step,
            node_id: node_id.clone(),
            answer_id: answer_id.clone(),
            staff_member: answered_by.map(|member| format_name(STAFF_MEMBERS, member)).unwrap_or_default(),
            answer_time: Some(proto_timestamp(*answered_at)),
        }
    }
}

/// A guide as its event tells it.
pub fn event_of(guide: &Guide) -> GuideEvent {
    let pb::Guide { name, product, published_version, draft_version, .. } = guide.into();
    GuideEvent { guide: name, product, published_version, draft_version }
}
