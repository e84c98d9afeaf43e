//! Template versions from and to the contract.

use seva_proto::notifications::v1::{
    self as pb,
    template_block::{self, Block as BlockMessage},
    template_value, template_version,
};
use seva_runtime::{Error, Violations};
use seva_store::{context::hex, event::proto_timestamp, paging::PageKey, paging::PageRequest};
use seva_values::{Invalid, Language, Money, WebLink};

use super::{
    model::{State, Version},
    queries::{ListVersions, Preview},
};
use crate::template::{Block, TemplateDraft, Variable, Variables, Variant, catalog};

/// Languages of one draft at most.
const MAX_VARIANTS: usize = 50;
/// Blocks of one variant at most, and characters of one text.
const MAX_BLOCKS: usize = 100;
const MAX_TEXT_CHARS: usize = 4_000;

/// A version by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub key: String,
    /// `None`: the published one.
    pub number: Option<i32>,
}

/// `templates/{key}/versions/{number}`; without a number: `published`.
pub fn version_name(key: &str, number: Option<i32>) -> String {
    number.map_or_else(|| format!("templates/{key}/versions/published"), |n| format!("templates/{key}/versions/{n}"))
}

/// Reads a version's name from the field `name`.
pub fn parse_name(name: &str) -> Result<Name, Error> {
    let malformed = || {
        let invalid = Invalid::new("NAME_MALFORMED", "has to be templates/{key}/versions/{number or published}");
        Error::invalid_field("name", invalid)
    };
    let (key, number) =
        name.strip_prefix("templates/").and_then(|rest| rest.split_once("/versions/")).ok_or_else(malformed)?;
    let number = match number {
        "published" => None,
        number => Some(number.parse().ok().filter(|parsed: &i32| parsed.to_string() == number).ok_or_else(malformed)?),
    };
    if !is_key(key) {
        return Err(malformed());
    }
    Ok(Name { key: key.to_owned(), number })
}

fn is_key(key: &str) -> bool {
    (1..=100).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Reads a draft; its schema and what stands around every message come from the catalog.
pub fn parse_draft(request: pb::CreateTemplateVersionRequest) -> Result<TemplateDraft, Error> {
    let pb::CreateTemplateVersionRequest { parent, variants, request_id: _ } = request;
    let mut violations = Violations::default();
    let key = parent.strip_prefix("templates/").filter(|key| is_key(key)).map(str::to_owned);
    let key = key.ok_or_else(|| Invalid::new("NAME_MALFORMED", "has to be templates/{key}"));
    let key = violations.take("parent", key);
    if variants.is_empty() || variants.len() > MAX_VARIANTS {
        violations.add("variants", Invalid::new("VARIANTS_OUT_OF_RANGE", "has to hold 1 to 50 languages"));
    }
    let parsed: Vec<_> = variants
        .into_iter()
        .enumerate()
        .map(|(at, variant)| parse_variant(&format!("variants[{at}]"), variant, &mut violations))
        .collect();
    let (key, variants) = violations.finish(key.zip(parsed.into_iter().collect::<Option<Vec<_>>>()))?;
    let known = catalog::find(&key).ok_or_else(|| Error::not_found(parent))?;
    Ok(TemplateDraft { variables: known.variables().clone(), key, variants })
}

fn parse_variant(field: &str, variant: pb::TemplateVariant, violations: &mut Violations) -> Option<Variant> {
    let pb::TemplateVariant { language, subject, paragraphs, blocks } = variant;
    let language = violations.take(format!("{field}.language"), Language::parse(&language));
    if blocks.len().max(paragraphs.len()) > MAX_BLOCKS {
        violations.add(field, Invalid::new("BLOCKS_TOO_MANY", "has 100 blocks at most"));
    }
    let subject = violations.take(format!("{field}.subject"), bounded(subject));
    let parsed: Vec<_> = if blocks.is_empty() {
        let paragraph = |text| Block::Paragraph { text, when: None, unless: None };
        let paragraphs = paragraphs.into_iter().enumerate();
        paragraphs
            .map(|(at, text)| violations.take(format!("{field}.paragraphs[{at}]"), bounded(text)).map(paragraph))
            .collect()
    } else {
        let blocks = blocks.into_iter().enumerate();
        blocks.map(|(at, block)| violations.take(format!("{field}.blocks[{at}]"), parse_block(block))).collect()
    };
    let language = language?;
    let letter = catalog::letter(&language).unwrap_or_default();
    Some(Variant { language, subject: subject?, blocks: parsed.into_iter().collect::<Option<_>>()?, letter })
}

fn bounded(text: String) -> Result<String, Invalid> {
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {MAX_TEXT_CHARS} characters at most")));
    }
    Ok(text)
}

fn parse_block(block: pb::TemplateBlock) -> Result<Block, Invalid> {
    let given = |name: String| (!name.is_empty()).then_some(name);
    match block.block {
        Some(BlockMessage::Paragraph(template_block::Paragraph { text, when, unless })) => {
            Ok(Block::Paragraph { text: bounded(text)?, when: given(when), unless: given(unless) })
        }
        Some(BlockMessage::Detail(template_block::Detail { label, variable })) => {
            Ok(Block::Detail { label: bounded(label)?, variable })
        }
        Some(BlockMessage::Link(template_block::Link { label, variable })) => {
            Ok(Block::Link { label: bounded(label)?, variable })
        }
        None => Err(Invalid::new("FIELD_REQUIRED", "is required")),
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListTemplateVersionsRequest, key: &PageKey) -> Result<ListVersions, Error> {
    let pb::ListTemplateVersionsRequest { parent, page_size, page_token } = request;
    let template = match parent.strip_prefix("templates/") {
        Some("-") => None,
        Some(template) if is_key(template) => Some(template.to_owned()),
        _ => {
            let invalid = Invalid::new("NAME_MALFORMED", "has to be templates/{key}, or templates/- for all");
            return Err(Error::invalid_field("parent", invalid));
        }
    };
    let page = PageRequest::parse(key, "template_versions", &parent, page_size, &page_token)?;
    Ok(ListVersions { key: template, page })
}

/// Reads a request for a preview.
pub fn preview_query(request: pb::PreviewTemplateVersionRequest) -> Result<Preview, Error> {
    let pb::PreviewTemplateVersionRequest { name, languages, variables } = request;
    let name = parse_name(&name)?;
    let mut violations = Violations::default();
    let languages = languages.iter().enumerate();
    let languages: Vec<_> =
        languages.filter_map(|(at, tag)| violations.take(format!("languages[{at}]"), Language::parse(tag))).collect();
    let mut known = Variables::new();
    for (name, value) in variables {
        let field = format!("variables.{name}");
        if let Some(value) = violations.take(field, parse_value(value)) {
            known.insert(name, value);
        }
    }
    violations.finish(Some(Preview { name, languages, variables: known }))
}

fn parse_value(value: pb::TemplateValue) -> Result<Variable, Invalid> {
    use template_value::Value;
    let Some(value) = value.value else { return Err(Invalid::new("FIELD_REQUIRED", "is required")) };
    Ok(match value {
        Value::Text(text) => Variable::Text(bounded(text)?),
        Value::Count(count) => {
            Variable::Count(u64::try_from(count).map_err(|_| Invalid::new("COUNT_NEGATIVE", "cannot be negative"))?)
        }
        Value::Money(money) => {
            let first = |faults: seva_values::proto::Faults| faults.into_iter().next().map(|(_, invalid)| invalid);
            let unknown = || Invalid::new("AMOUNT_MALFORMED", "is no amount of money");
            Variable::Money(Money::try_from(money).map_err(|faults| first(faults).unwrap_or_else(unknown))?)
        }
        Value::Date(date) => {
            let malformed = || Invalid::new("DATE_MALFORMED", "has to be a calendar date such as 2026-11-21");
            Variable::Date(date.parse().map_err(|_| malformed())?)
        }
        Value::Link(link) => Variable::Link(WebLink::parse(&link)?),
        Value::Code(code) => Variable::Code(bounded(code)?),
    })
}

impl From<&Version> for pb::TemplateVersion {
    fn from(version: &Version) -> Self {
        let Version { id: _, number, draft, hash, created_at, published_at, is_current: _ } = version;
        let state = match version.state() {
            State::Draft => template_version::State::Draft,
            State::Published => template_version::State::Published,
            State::Retired => template_version::State::Retired,
        };
        Self {
            name: version_name(&draft.key, Some(*number)),
            state: state.into(),
            variants: draft.variants.iter().map(Into::into).collect(),
            hash: hex(hash),
            create_time: Some(proto_timestamp(*created_at)),
            publish_time: published_at.map(proto_timestamp),
        }
    }
}

impl From<&Variant> for pb::TemplateVariant {
    fn from(variant: &Variant) -> Self {
        let Variant { language, subject, blocks, letter: _ } = variant;
        let paragraph = |block: &Block| match block {
            Block::Paragraph { text, .. } => Some(text.clone()),
            Block::Detail { .. } | Block::Link { .. } => None,
        };
        Self {
            language: language.as_str().to_owned(),
            subject: subject.clone(),
            paragraphs: blocks.iter().filter_map(paragraph).collect(),
            blocks: blocks.iter().map(|block| pb::TemplateBlock { block: Some(block.into()) }).collect(),
        }
    }
}

impl From<&Block> for BlockMessage {
    fn from(block: &Block) -> Self {
        match block.clone() {
            Block::Paragraph { text, when, unless } => Self::Paragraph(template_block::Paragraph {
                text,
                when: when.unwrap_or_default(),
                unless: unless.unwrap_or_default(),
            }),
            Block::Detail { label, variable } => Self::Detail(template_block::Detail { label, variable }),
            Block::Link { label, variable } => Self::Link(template_block::Link { label, variable }),
        }
    }
}
