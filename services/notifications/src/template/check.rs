//! What is checked before a template is published: everything at once, so that its author fixes it in one go.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use seva_values::{Currency, Money, WebLink};

use super::model::{Block, TemplateDraft, TemplateVersion, Variant, parts};
use super::placeholder::{Placeholder, Problem, placeholders};
use super::render::render;
use super::variable::{Schema, Variable, VariableKind, Variables};
use super::wording::{FORMS, Wording, form};

/// The languages in which every template speaks.
pub const REQUIRED_LANGUAGES: [&str; 4] = ["en", "hi", "bn", "ur"];

/// The most characters of a subject, with sample values in its placeholders; mail programs show fewer still.
const LONGEST_SUBJECT: usize = 150;

/// How a subject names the ticket that a message is about: in the form in which answers are recognised by it.
const TICKET_IN_SUBJECT: &str = "[#{{ ticket_number }}]";

/// One thing that keeps a draft from being published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The language of the variant; empty when the fault is the draft's own.
    pub language: String,
    /// The part of the variant, such as `subject` or `blocks[2]`; of the draft, `variants` or `variables`.
    pub field: String,
    /// Why, as one of the words in this module, such as `PLURAL_ZERO_MISSING`.
    pub reason: &'static str,
    /// The same for a person, with the line where there is one.
    pub description: String,
}

/// Finds every fault of a draft; a draft without any can be published.
///
/// Reasons: `LANGUAGE_MISSING`, `LANGUAGE_REPEATED`, `DATE_NAMES_UNKNOWN`, `VARIABLE_NAME_INVALID`; in a text
/// `SYNTAX_ERROR`, `UNSAFE_CONSTRUCT`, `EXPRESSION_NOT_ALLOWED`, `UNKNOWN_FILTER`, `UNKNOWN_FUNCTION`,
/// `PLACEHOLDER_UNKNOWN`, `PLACEHOLDER_MISSING`, `OPTIONAL_NOT_GUARDED`, `LINK_NOT_IN_LINK_BLOCK`,
/// `LINK_VARIABLE_EXPECTED`, `NOT_A_COUNT`, `PLURAL_ZERO_MISSING`, `PLURAL_FORM_MISSING`, `PLURAL_FORM_UNKNOWN`,
/// `DIRECTION_OVERRIDE`, `TEXT_EMPTY`; of the subject `SUBJECT_LINE_BREAK`, `SUBJECT_TOO_LONG`,
/// `SUBJECT_WITHOUT_TICKET`.
#[must_use]
pub fn check(draft: &TemplateDraft) -> Vec<Fault> {
    let mut faults = Vec::new();
    check_languages(draft, &mut faults);
    for name in draft.variables.keys() {
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_name {
            let description = format!("`{name}`: a variable is named in small letters, digits and underscores");
            faults.push(Fault {
                language: String::new(),
                field: "variables".into(),
                reason: "VARIABLE_NAME_INVALID",
                description,
            });
        }
    }

    let used: Vec<BTreeSet<String>> =
        draft.variants.iter().map(|variant| check_variant(variant, &draft.variables, &mut faults)).collect();
    let everywhere: BTreeSet<&String> = used.iter().flatten().collect();
    for (variant, used) in draft.variants.iter().zip(&used) {
        for name in everywhere.iter().filter(|name| !used.contains(name.as_str())) {
            let description = format!("`{name}` is said in another language and not in this one");
            faults.push(fault(variant, "blocks", "PLACEHOLDER_MISSING", description));
        }
    }
    check_subject_lengths(draft, &mut faults);
    faults
}

fn fault(variant: &Variant, field: &str, reason: &'static str, description: impl Into<String>) -> Fault {
    let language = variant.language.as_str().to_owned();
    Fault { language, field: field.to_owned(), reason, description: description.into() }
}

fn check_languages(draft: &TemplateDraft, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for variant in &draft.variants {
        if !seen.insert(variant.language.as_str()) {
            faults.push(fault(variant, "variants", "LANGUAGE_REPEATED", "a language has one variant"));
        }
    }
    for language in REQUIRED_LANGUAGES.iter().filter(|language| !seen.contains(**language)) {
        let description = format!("every template speaks {}", REQUIRED_LANGUAGES.join(", "));
        let (language, field) = ((*language).to_owned(), "variants".to_owned());
        faults.push(Fault { language, field, reason: "LANGUAGE_MISSING", description });
    }
}

/// Checks one variant and returns the variables it shows.
fn check_variant(variant: &Variant, schema: &Schema, faults: &mut Vec<Fault>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let wording = Wording::of(&variant.language);
    let mut texts = TextCheck { variant, schema, wording: &wording, used: &mut used, faults: &mut *faults };

    texts.check("subject", &variant.subject, None);
    if variant.subject.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        texts.report("subject", "SUBJECT_LINE_BREAK", "a subject is one line without control characters");
    }
    if schema.contains_key("ticket_number") && !variant.subject.contains(TICKET_IN_SUBJECT) {
        let description = format!("the subject names the ticket as `{TICKET_IN_SUBJECT}`, by which answers find it");
        texts.report("subject", "SUBJECT_WITHOUT_TICKET", description);
    }
    for (part, blocks) in parts(variant) {
        if part == "blocks" && blocks.is_empty() {
            texts.report("blocks", "TEXT_EMPTY", "a message says something");
        }
        for (index, block) in blocks.iter().enumerate() {
            let field = format!("{part}[{index}]");
            match block {
                Block::Paragraph { text, when, unless } => {
                    for condition in [when, unless].into_iter().flatten() {
                        texts.check_known(&field, condition);
                    }
                    texts.check(&field, text, when.as_deref());
                }
                Block::Detail { label, variable } => texts.check_labelled(&field, label, variable, false),
                Block::Link { label, variable } => texts.check_labelled(&field, label, variable, true),
            }
        }
    }
    let shows_a_date = |name: &String| schema.get(name).is_some_and(|schema| schema.kind == VariableKind::Date);
    if !wording.knows_dates() && used.iter().any(shows_a_date) {
        let description = "the names of days and months are not known in this language";
        faults.push(fault(variant, "blocks", "DATE_NAMES_UNKNOWN", description));
    }
    used
}

/// The checking of one variant's texts.
struct TextCheck<'a> {
    variant: &'a Variant,
    schema: &'a Schema,
    wording: &'a Wording,
    used: &'a mut BTreeSet<String>,
    faults: &'a mut Vec<Fault>,
}

impl TextCheck<'_> {
    fn report(&mut self, field: &str, reason: &'static str, description: impl Into<String>) {
        self.faults.push(fault(self.variant, field, reason, description));
    }

    /// Whether a variable is in the schema, and its kind.
    fn check_known(&mut self, field: &str, name: &str) -> Option<VariableKind> {
        let known = self.schema.get(name).map(|schema| schema.kind);
        if known.is_none() {
            self.report(field, "PLACEHOLDER_UNKNOWN", format!("`{name}` is no variable of this template"));
        }
        known
    }

    fn check_labelled(&mut self, field: &str, label: &str, variable: &str, is_link: bool) {
        self.check_words(field, label);
        if label.contains("{{") || label.contains("{%") {
            self.report(field, "EXPRESSION_NOT_ALLOWED", "a label is plain words");
        }
        let Some(kind) = self.check_known(field, variable) else { return };
        self.used.insert(variable.to_owned());
        if is_link && kind != VariableKind::Link {
            let description = format!("`{variable}` is a {}, and a link block shows a link", kind.word());
            self.report(field, "LINK_VARIABLE_EXPECTED", description);
        }
        if !is_link && kind == VariableKind::Link {
            self.report(field, "LINK_NOT_IN_LINK_BLOCK", format!("`{variable}` is a link: show it in a link block"));
        }
    }

    fn check_words(&mut self, field: &str, words: &str) {
        if words.trim().is_empty() {
            self.report(field, "TEXT_EMPTY", "the text is empty");
        }
        // They would turn what follows against its script; isolates and marks do what an author may need.
        if words.contains(['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}']) {
            let what = "direction overrides and embeddings (U+202A, U+202B, U+202D, U+202E) are not allowed";
            self.report(field, "DIRECTION_OVERRIDE", what);
        }
    }

    fn check(&mut self, field: &str, text: &str, guard: Option<&str>) {
        self.check_words(field, text);
        let (found, problems) = placeholders(text);
        for Problem { reason, description } in problems {
            self.report(field, reason, description);
        }
        for placeholder in found {
            self.check_placeholder(field, &placeholder, guard);
        }
    }

    fn check_placeholder(&mut self, field: &str, placeholder: &Placeholder<'_>, guard: Option<&str>) {
        let name = placeholder.variable;
        let Some(kind) = self.check_known(field, name) else { return };
        self.used.insert(name.to_owned());
        if self.schema.get(name).is_some_and(|schema| !schema.required) && guard != Some(name) {
            let description = format!("`{name}` is not always known: give the block `when = \"{name}\"`");
            self.report(field, "OPTIONAL_NOT_GUARDED", description);
        }
        if kind == VariableKind::Link {
            self.report(field, "LINK_NOT_IN_LINK_BLOCK", format!("`{name}` is a link: show it in a link block"));
        }
        if (placeholder.is_number || placeholder.forms.is_some()) && kind != VariableKind::Count {
            let description = format!("`{name}` is a {}, and only a count has a number and plurals", kind.word());
            self.report(field, "NOT_A_COUNT", description);
        }
        if let Some(forms) = &placeholder.forms {
            self.check_forms(field, forms);
        }
    }

    fn check_forms(&mut self, field: &str, forms: &BTreeMap<&str, String>) {
        for (name, text) in forms {
            if !FORMS.contains(name) {
                let description = format!("`{name}` is no plural form: they are {}", FORMS.join(", "));
                self.report(field, "PLURAL_FORM_UNKNOWN", description);
            }
            self.check_words(field, text);
        }
        let rules = self.wording.plural_rules();
        let missing: Vec<&str> = rules.categories().map(form).filter(|form| !forms.contains_key(form)).collect();
        for form in missing {
            self.report(field, "PLURAL_FORM_MISSING", format!("this language needs the form `{form}`"));
        }
        // In Hindi and Bengali nothing is counted like one, so the text for one would speak of one thing where there is none.
        if rules.category_for(0_u64) == rules.category_for(1_u64) && !forms.contains_key("zero") {
            let description = "in this language nothing is counted like one: give the text for exactly `zero` too";
            self.report(field, "PLURAL_ZERO_MISSING", description);
        }
    }
}

/// Renders each subject with sample values. A draft with other faults may not render; those are reported already.
fn check_subject_lengths(draft: &TemplateDraft, faults: &mut Vec<Fault>) {
    let version = TemplateVersion::new(draft.clone(), 1);
    let sample = sample(&draft.variables);
    for variant in &draft.variants {
        let Ok(rendered) = render(&version, std::slice::from_ref(&variant.language), &sample) else { continue };
        let length = rendered.subject.chars().count();
        if length > LONGEST_SUBJECT {
            let description = format!("with sample values it has {length} characters, {LONGEST_SUBJECT} at most");
            faults.push(fault(variant, "subject", "SUBJECT_TOO_LONG", description));
        }
    }
}

/// A value of ordinary length for each variable.
fn sample(schema: &Schema) -> Variables {
    let mut variables = Variables::new();
    for (name, schema) in schema {
        let variable = match schema.kind {
            VariableKind::Text => Some(Variable::Text("Asha Chatterjee".into())),
            VariableKind::Count => Some(Variable::Count(1234)),
            VariableKind::Money => Currency::parse("INR").ok().map(|inr| Variable::Money(Money::new(1_234_500, inr))),
            VariableKind::Date => Some(Variable::Date(date(2026, 9, 23))),
            VariableKind::Link => WebLink::parse("https://example.com/track/AB123456789").ok().map(Variable::Link),
            VariableKind::Code => Some(Variable::Code("AB-1234-5678".into())),
        };
        variables = variables.with_known(name, variable);
    }
    variables
}

#[cfg(test)]
mod tests;
