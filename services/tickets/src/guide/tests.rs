//! Guides by themselves: what keeps a draft from being published, and a run from step to step.

mod graphs;
mod runs;

use jiff::Timestamp;
use seva_values::{Language, LocalizedText};
use uuid::Uuid;

use super::{
    check::check,
    model::{Answer, Content, Guide, GuideVersion, Leads, Node, Outcome},
};
use crate::ticket::Kind;

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn said(text: &str) -> LocalizedText {
    ["en", "hi"].iter().map(|tag| (Language::parse(tag).unwrap(), text.to_owned())).collect()
}

fn question(id: &str, answers: &[(&str, &str)]) -> Node {
    let answer = |(answer_id, next): &(&str, &str)| Answer {
        answer_id: (*answer_id).to_owned(),
        texts: said(answer_id),
        next_node_id: (*next).to_owned(),
    };
    node(id, Leads::Answers(answers.iter().map(answer).collect()))
}

fn instruction(id: &str, next: &str) -> Node {
    node(id, Leads::Next(next.to_owned()))
}

fn outcome(id: &str, outcome: Outcome) -> Node {
    node(id, Leads::Outcome(outcome))
}

fn node(id: &str, leads: Leads) -> Node {
    Node { node_id: id.to_owned(), texts: said(id), leads }
}

fn content(nodes: Vec<Node>) -> Content {
    Content { titles: said("It drips"), nodes }
}

/// Plugged in? Then clean the seal; does it still drip?
fn drips() -> Content {
    content(vec![
        question("plugged_in", &[("yes", "clean"), ("no", "plug")]),
        instruction("plug", "clean"),
        instruction("clean", "drips"),
        question("drips", &[("yes", "repair"), ("no", "solved")]),
        outcome("solved", Outcome::Solved),
        outcome("repair", Outcome::HandOver(Kind::Repair)),
    ])
}

fn found(content: &Content) -> Vec<(String, &'static str)> {
    check(content).into_iter().map(|(field, invalid)| (field, invalid.reason)).collect()
}

/// A guide of which this is published.
fn published(content: Content) -> (Guide, GuideVersion) {
    let guide = Guide::create(Uuid::from_u128(1), "Drips".to_owned(), "WM-2000".to_owned(), now());
    let draft = guide.draft(content, now());
    let change = draft.guide.publish(draft.version, now()).unwrap();
    (change.guide, change.version)
}
