use super::*;
use crate::template::catalog;
use crate::template::variable::{VariableKind, VariableSchema};

fn draft() -> TemplateDraft {
    let version = catalog::find("order_delayed").unwrap();
    TemplateDraft {
        key: version.key().to_owned(),
        variables: version.variables().clone(),
        variants: version.variants().to_vec(),
    }
}

fn hash(draft: TemplateDraft) -> VersionHash {
    TemplateVersion::new(draft, 1).hash()
}

#[test]
fn the_hash_depends_on_the_content_and_not_on_the_number_or_the_order_of_variants() {
    let mut reversed = draft();
    reversed.variants.reverse();

    assert_eq!(hash(reversed), hash(draft()));
    assert_eq!(TemplateVersion::new(draft(), 7).hash(), hash(draft()));
}

#[test]
fn the_hash_changes_with_every_part_of_the_content() {
    let mut changed = Vec::new();
    let mut change = |act: &dyn Fn(&mut TemplateDraft)| {
        let mut draft = draft();
        act(&mut draft);
        changed.push(hash(draft));
    };
    change(&|_| {});
    change(&|draft| draft.key.push('x'));
    change(&|draft| draft.variants[0].subject.push('.'));
    change(&|draft| draft.variants[0].blocks.swap(0, 1));
    change(&|draft| draft.variants[0].letter.footer.clear());
    change(&|draft| draft.variants[0].language = Language::parse("fr").unwrap());
    change(&|draft| draft.variants.truncate(1));
    change(&|draft| {
        let optional = VariableSchema { kind: VariableKind::Date, required: false };
        draft.variables.insert("promised_date".into(), optional);
    });
    change(&|draft| {
        let code = VariableSchema { kind: VariableKind::Code, required: false };
        draft.variables.insert("carrier".into(), code);
    });
    change(&|draft| {
        let Block::Paragraph { when, .. } = &mut draft.variants[0].blocks[0] else { panic!("a paragraph") };
        *when = Some("carrier".into());
    });
    change(&|draft| {
        let Block::Paragraph { unless, .. } = &mut draft.variants[0].blocks[0] else { panic!("a paragraph") };
        *unless = Some("carrier".into());
    });

    let different: std::collections::HashSet<_> = changed.iter().collect();
    assert_eq!(different.len(), changed.len());
}

/// The hash stands in databases. This one may change with the html layout and for no other reason.
#[test]
fn the_hash_of_known_content_stays_what_it_was() {
    let blocks = vec![
        Block::Paragraph { text: "Hello {{ name }}".into(), when: Some("name".into()), unless: None },
        Block::Link { label: "Track".into(), variable: "link".into() },
    ];
    let language = Language::parse("en").unwrap();
    let variant = Variant { language, subject: "Hello".into(), blocks, letter: Letter::default() };
    let known = TemplateDraft { key: "known".into(), variables: Schema::new(), variants: vec![variant] };
    assert_eq!(hash(known).to_string(), "239759175e2aa49aceefcd49448f233285598497c218b8cae5cafa0808a149c3");
}

#[test]
fn a_hash_is_written_as_hexadecimal() {
    let written = hash(draft()).to_string();
    assert_eq!(written.len(), 64);
    assert!(written.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn a_stored_draft_comes_back_as_it_was() {
    let stored = serde_json::to_string(&draft()).unwrap();
    let restored: TemplateDraft = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, draft());
    assert_eq!(hash(restored), hash(draft()));
}
