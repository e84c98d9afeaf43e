//! What keeps a draft of a guide from being published: everything at once, so that its author fixes it in one go.

use std::collections::{BTreeSet, HashMap};

use seva_values::{LocalizedText, proto::Faults};

use super::model::{Content, Leads, Node};
use crate::publishing::Check;

/// Nodes of a version, and answers of a question, at most.
pub const MOST_NODES: usize = 200;
pub const MOST_ANSWERS: usize = 20;

/// Longest title, text of a node and answer, in characters.
const LONGEST_TITLE: usize = 200;
const LONGEST_TEXT: usize = 1_000;
const LONGEST_ANSWER: usize = 200;

/// Finds every fault of a draft; one without any can be published (TK85): from its first node every way comes to an outcome.
///
/// Reasons: `NODES_MISSING`, `NODES_TOO_MANY`, `NODE_REPEATED`, `ANSWERS_TOO_MANY`, `ANSWER_REPEATED`, `TARGET_UNKNOWN`, `DEAD_END`, `CYCLE`,
/// `NODE_UNREACHABLE`, `OUTCOME_MISSING`; of texts `LANGUAGE_MISSING`, `TEXT_EMPTY`, `TEXT_TOO_LONG`, `TEXT_CONTROL_CHARACTER`,
/// `DIRECTION_OVERRIDE`.
pub fn check(content: &Content) -> Faults {
    let Content { titles, nodes } = content;
    let mut check = Check::new(texts(content).flat_map(|text| text.iter().map(|(language, _)| language)));
    check.texts("titles", titles, LONGEST_TITLE);
    if nodes.is_empty() {
        check.add("nodes", "NODES_MISSING", "a guide has one node at least, at which it begins");
        return check.finish();
    }
    if nodes.len() > MOST_NODES {
        check.add("nodes", "NODES_TOO_MANY", format!("a guide has {MOST_NODES} nodes at most"));
    }
    if !nodes.iter().any(|node| matches!(node.leads, Leads::Outcome(_))) {
        check.add("nodes", "OUTCOME_MISSING", "a guide has one outcome at least");
    }
    let mut ids = BTreeSet::new();
    for (at, node) in nodes.iter().enumerate() {
        if !ids.insert(&node.node_id) {
            check.add(format!("nodes[{at}].node_id"), "NODE_REPEATED", "a node before has the same id");
        }
        check_words(&mut check, &format!("nodes[{at}]"), node);
    }
    check_ways(&mut check, nodes);
    check.finish()
}

/// Every text of a version.
fn texts(content: &Content) -> impl Iterator<Item = &LocalizedText> {
    let of_nodes = content.nodes.iter().flat_map(|node| {
        let answers = if let Leads::Answers(answers) = &node.leads { answers.as_slice() } else { &[] };
        std::iter::once(&node.texts).chain(answers.iter().map(|answer| &answer.texts))
    });
    std::iter::once(&content.titles).chain(of_nodes)
}

fn check_words(check: &mut Check, field: &str, node: &Node) {
    check.texts(&format!("{field}.texts"), &node.texts, LONGEST_TEXT);
    let Leads::Answers(answers) = &node.leads else { return };
    let field = format!("{field}.question.answers");
    if answers.len() > MOST_ANSWERS {
        check.add(&field, "ANSWERS_TOO_MANY", format!("a question has {MOST_ANSWERS} answers at most"));
    }
    for (at, answer) in answers.iter().enumerate() {
        let field = format!("{field}[{at}]");
        if answers[..at].iter().any(|other| other.answer_id == answer.answer_id) {
            check.add(format!("{field}.answer_id"), "ANSWER_REPEATED", "an answer before has the same id");
        }
        check.texts(&format!("{field}.texts"), &answer.texts, LONGEST_ANSWER);
    }
}

/// How far a walk from node to node has seen a node.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Never,
    /// The walk is behind it, and may come back.
    OnTheWay,
    /// With everything that follows.
    Done,
}

/// Checks where nodes lead; of nodes of one id the first is meant.
fn check_ways(check: &mut Check, nodes: &[Node]) {
    let mut places = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        places.entry(node.node_id.as_str()).or_insert(at);
    }
    let mut ways = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let on = node.ways();
        if on.is_empty() && !matches!(node.leads, Leads::Outcome(_)) {
            check.add(format!("nodes[{at}]"), "DEAD_END", "is no outcome, and nothing follows");
        }
        let mut known = Vec::new();
        for (field, target) in on {
            let field = format!("nodes[{at}].{field}");
            match places.get(target) {
                Some(place) => known.push((field, *place)),
                None => check.add(field, "TARGET_UNKNOWN", format!("there is no node {target:?}")),
            }
        }
        ways.push(known);
    }
    let mut seen = vec![Seen::Never; nodes.len()];
    walk(check, &ways, &mut seen, 0);
    let unreached: Vec<usize> = (0..nodes.len()).filter(|at| seen[*at] == Seen::Never).collect();
    for at in &unreached {
        check.add(format!("nodes[{at}]"), "NODE_UNREACHABLE", "no way leads here from the first node");
    }
    for at in unreached {
        if seen[at] == Seen::Never {
            walk(check, &ways, &mut seen, at);
        }
    }
}

/// Goes every way on from a node: one that comes back to where the walk has come from is a cycle.
fn walk(check: &mut Check, ways: &[Vec<(String, usize)>], seen: &mut [Seen], at: usize) {
    seen[at] = Seen::OnTheWay;
    for (field, target) in &ways[at] {
        match seen[*target] {
            Seen::Never => walk(check, ways, seen, *target),
            Seen::OnTheWay => check.add(field, "CYCLE", "leads back to where it comes from"),
            Seen::Done => {}
        }
    }
    seen[at] = Seen::Done;
}
