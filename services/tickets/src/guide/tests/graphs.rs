//! What keeps a draft from being published (TK85).

use proptest::prelude::*;
use seva_proto::common::v1::ErrorReason;
use seva_values::{Language, LocalizedText};

use super::{content, drips, found, instruction, node, now, outcome, published, question, said};
use crate::guide::model::{Content, Leads, Node, Outcome};

#[test]
fn a_guide_without_fault_is_published_and_then_frozen() {
    assert_eq!(found(&drips()), []);
    let (guide, version) = published(drips());
    assert_eq!((guide.published_number, guide.draft_number, guide.version), (Some(1), None, 3));
    let again = guide.publish(version, now()).unwrap_err();
    assert_eq!(again.reason(), ErrorReason::StateForbids, "TK80");
    assert_eq!(guide.draft(drips(), now()).guide.draft_number, Some(2));
}

/// TK85: each fault, by itself.
#[test]
fn every_fault_of_a_draft_is_found_where_it_is() {
    let solved = || outcome("solved", Outcome::Solved);
    let texts_of = |texts: LocalizedText| Node { texts, ..solved() };
    let english = LocalizedText::from_iter([(Language::parse("en").unwrap(), "Solved".to_owned())]);
    let many: Vec<(String, &str)> = (0..21).map(|at| (format!("a{at}"), "solved")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(id, next)| (id.as_str(), *next)).collect();
    let row: Vec<Node> = (0..200)
        .map(|at| instruction(&format!("n{at}"), &format!("n{}", at + 1)))
        .chain([outcome("n200", Outcome::Solved)])
        .collect();
    let table: Vec<(Content, &str, &str)> = vec![
        (content(Vec::new()), "nodes", "NODES_MISSING"),
        (content(row), "nodes", "NODES_TOO_MANY"),
        (content(vec![question("a", &[])]), "nodes[0]", "DEAD_END"),
        (
            content(vec![question("a", &[("yes", "solved"), ("no", "b")]), instruction("b", ""), solved()]),
            "nodes[1]",
            "DEAD_END",
        ),
        (
            content(vec![question("a", &[("yes", "solved"), ("no", "gone")]), solved()]),
            "nodes[0].question.answers[1].next_node_id",
            "TARGET_UNKNOWN",
        ),
        (
            content(vec![question("a", &[("yes", "solved"), ("no", "")]), solved()]),
            "nodes[0].question.answers[1].next_node_id",
            "TARGET_UNKNOWN",
        ),
        (content(vec![solved(), outcome("other", Outcome::NotSolved)]), "nodes[1]", "NODE_UNREACHABLE"),
        (
            content(vec![question("a", &[("yes", "solved"), ("no", "a")]), solved()]),
            "nodes[0].question.answers[1].next_node_id",
            "CYCLE",
        ),
        (
            content(vec![question("a", &[("yes", "solved"), ("no", "b")]), instruction("b", "a"), solved()]),
            "nodes[1].instruction.next_node_id",
            "CYCLE",
        ),
        (
            content(vec![question("a", &[("yes", "solved"), ("yes", "solved")]), solved()]),
            "nodes[0].question.answers[1].answer_id",
            "ANSWER_REPEATED",
        ),
        (content(vec![question("a", &many), solved()]), "nodes[0].question.answers", "ANSWERS_TOO_MANY"),
        (content(vec![texts_of(english.clone())]), "nodes[0].texts", "LANGUAGE_MISSING"),
        (Content { titles: english, ..content(vec![solved()]) }, "titles", "LANGUAGE_MISSING"),
        (content(vec![texts_of(said(&"x".repeat(1_001)))]), "nodes[0].texts", "TEXT_TOO_LONG"),
        (content(vec![texts_of(said(" "))]), "nodes[0].texts", "TEXT_EMPTY"),
    ];
    for (content, field, reason) in table {
        let found: Vec<_> = found(&content).into_iter().filter(|(_, reason)| *reason != "OUTCOME_MISSING").collect();
        assert!(
            !found.is_empty() && found.iter().all(|fault| *fault == (field.to_owned(), reason)),
            "{field} {reason}: {found:?}"
        );
    }
    let endless = content(vec![instruction("a", "b"), instruction("b", "a")]);
    assert_eq!(found(&endless)[0], ("nodes".to_owned(), "OUTCOME_MISSING"));
    let twice = found(&content(vec![solved(), solved()]));
    assert_eq!(twice, [("nodes[1].node_id".to_owned(), "NODE_REPEATED"), ("nodes[1]".to_owned(), "NODE_UNREACHABLE")]);
}

#[test]
fn all_faults_are_told_at_once_even_in_what_cannot_be_reached() {
    let content = content(vec![
        question("a", &[("yes", "gone"), ("no", "b")]),
        instruction("b", ""),
        instruction("c", "d"),
        instruction("d", "c"),
    ]);
    let expected = [
        ("nodes", "OUTCOME_MISSING"),
        ("nodes[0].question.answers[0].next_node_id", "TARGET_UNKNOWN"),
        ("nodes[1]", "DEAD_END"),
        ("nodes[2]", "NODE_UNREACHABLE"),
        ("nodes[3]", "NODE_UNREACHABLE"),
        ("nodes[3].instruction.next_node_id", "CYCLE"),
    ];
    assert_eq!(found(&content), expected.map(|(field, reason)| (field.to_owned(), reason)));
}

#[test]
fn a_language_of_one_text_is_a_language_of_all() {
    let mut content = drips();
    content.titles.insert(Language::parse("ta").unwrap(), "சொட்டுகிறது");
    let found = found(&content);
    assert!(found.iter().all(|(_, reason)| *reason == "LANGUAGE_MISSING"), "{found:?}");
    assert_eq!(found.len(), 6 + 4, "six nodes and four answers");
}

/// Up to eight nodes that lead anywhere: beyond the last is nowhere.
fn any_graph() -> impl Strategy<Value = Vec<Node>> {
    let leads = prop_oneof![
        prop::collection::vec(0..9usize, 0..4).prop_map(|next| {
            let answers: Vec<_> =
                next.iter().enumerate().map(|(at, next)| (format!("a{at}"), format!("n{next}"))).collect();
            let answers: Vec<_> = answers.iter().map(|(id, next)| (id.as_str(), next.as_str())).collect();
            question("", &answers).leads
        }),
        (0..9usize).prop_map(|next| Leads::Next(format!("n{next}"))),
        Just(Leads::Outcome(Outcome::Solved)),
        Just(Leads::Outcome(Outcome::NotSolved)),
    ];
    // Most ways go on to later nodes, so that a good part of the graphs has no fault.
    let ahead = prop::collection::vec(prop::collection::vec(1..3usize, 0..3), 1..8).prop_map(|steps| {
        let last = steps.len();
        let lead = |(at, steps): (usize, &Vec<usize>)| {
            let to = |step: &usize| format!("n{}", (at + step).min(last));
            match steps.as_slice() {
                [] => Leads::Next(to(&1)),
                [step] => Leads::Next(to(step)),
                steps => {
                    let answers: Vec<_> =
                        steps.iter().enumerate().map(|(at, step)| (format!("a{at}"), to(step))).collect();
                    let answers: Vec<_> = answers.iter().map(|(id, next)| (id.as_str(), next.as_str())).collect();
                    question("", &answers).leads
                }
            }
        };
        let mut all: Vec<Leads> = steps.iter().enumerate().map(lead).collect();
        all.push(Leads::Outcome(Outcome::Solved));
        all
    });
    prop_oneof![prop::collection::vec(leads, 1..8), ahead]
        .prop_map(|all| all.into_iter().enumerate().map(|(at, leads)| node(&format!("n{at}"), leads)).collect())
}

/// By the closure of the ways, and not by a walk: whether every node leads on to nodes that are there and is reached, and none comes back.
fn is_sound(nodes: &[Node]) -> bool {
    let place = |id: &str| nodes.iter().position(|node| node.node_id == id);
    let mut reaches = vec![vec![false; nodes.len()]; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        let is_outcome = matches!(node.leads, Leads::Outcome(_));
        if !is_outcome && node.ways().is_empty() {
            return false;
        }
        for (_, target) in node.ways() {
            let Some(target) = place(target) else { return false };
            reaches[at][target] = true;
        }
    }
    for by in 0..nodes.len() {
        for from in 0..nodes.len() {
            for to in 0..nodes.len() {
                reaches[from][to] |= reaches[from][by] && reaches[by][to];
            }
        }
    }
    (0..nodes.len()).all(|at| !reaches[at][at] && (at == 0 || reaches[0][at]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// TK85: what is published is sound, and what is sound can be published.
    #[test]
    fn a_graph_is_accepted_exactly_when_it_is_sound(nodes in any_graph()) {
        let sound = is_sound(&nodes);
        prop_assert_eq!(found(&content(nodes)).is_empty(), sound);
    }
}
