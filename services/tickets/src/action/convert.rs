//! Actions from and to the contract, and the stored form, which is the contract's.

use prost::Message;
use seva_proto::{
    common::v1::Translation,
    tickets::v1::{self as pb, root_problem, ticket, ticket_action as of},
};
use seva_runtime::{Error, Violations};
use seva_store::Database;
use seva_values::{Invalid, Language, LocalizedText, format_name, parse_name};
use uuid::Uuid;

use super::{
    decide::Refusal,
    model::{Action, MAX_ACTIONS, Texts, with_known_placeholders},
};
use crate::{
    roster::{
        self,
        model::{DEPARTMENTS, STAFF_MEMBERS, State},
    },
    ticket::{
        Change,
        convert::{parse_cancel_reason, parse_tags, read_priority, read_root_problem, required, words},
        model::RootProblem,
    },
};

/// Reads what somebody writes down to be carried out later: every fault of it, that it names what is not known among them.
#[derive(Debug, Default)]
pub struct Reading {
    /// What was found so far.
    pub violations: Violations,
    departments: Vec<(String, Uuid)>,
    members: Vec<(String, Uuid)>,
}

impl Reading {
    /// A department that has to be known.
    pub fn department(&mut self, field: String, name: &str) -> Option<Uuid> {
        let id = self.violations.take(field.clone(), parse_name(DEPARTMENTS, name))?;
        self.departments.push((field, id));
        Some(id)
    }

    /// A member who has to serve.
    pub fn member(&mut self, field: String, name: &str) -> Option<Uuid> {
        let id = self.violations.take(field.clone(), parse_name(STAFF_MEMBERS, name))?;
        self.members.push((field, id));
        Some(id)
    }

    /// The value, once everything that it names was looked up.
    ///
    /// # Errors
    /// `FIELDS_INVALID` with every fault.
    pub async fn finish<T>(mut self, db: &Database, value: Option<T>) -> Result<T, Error> {
        let ids = |named: &[(String, Uuid)]| named.iter().map(|(_, id)| *id).collect::<Vec<_>>();
        if !self.departments.is_empty() {
            let known = roster::store::known_departments(db.calls(), &ids(&self.departments)).await?;
            for (field, _) in self.departments.into_iter().filter(|(_, id)| !known.contains(id)) {
                self.violations.add(field, Invalid::new("DEPARTMENT_UNKNOWN", "there is no such department"));
            }
        }
        if !self.members.is_empty() {
            let known = roster::store::find(db.calls(), &ids(&self.members)).await?;
            let serves = |id: &Uuid| known.iter().any(|member| member.id == *id && member.state == State::Active);
            for (field, _) in self.members.into_iter().filter(|(_, id)| !serves(id)) {
                self.violations.add(field, Invalid::new("STAFF_MEMBER_UNKNOWN", "nobody of that name serves"));
            }
        }
        self.violations.finish(value)
    }
}

/// Reads 1 to 10 actions.
pub fn read_actions(given: &[pb::TicketAction], field: &str, reading: &mut Reading) -> Option<Vec<Action>> {
    if given.is_empty() || given.len() > MAX_ACTIONS {
        reading.violations.add(field, Invalid::new("ACTIONS_COUNT", format!("has to be 1 to {MAX_ACTIONS}")));
        return None;
    }
    let actions = given.iter().enumerate().map(|(at, action)| read_action(action, &format!("{field}[{at}]"), reading));
    let actions: Vec<Option<Action>> = actions.collect();
    actions.into_iter().collect()
}

fn read_action(given: &pb::TicketAction, field: &str, reading: &mut Reading) -> Option<Action> {
    let violations = &mut reading.violations;
    match violations.required(field, given.action.as_ref())? {
        of::Action::Reply(of::Reply { texts }) => {
            let texts = read_texts(texts, &format!("{field}.reply.texts"), violations)?;
            Some(Action::Reply { texts, awaits_customer: false })
        }
        of::Action::AskCustomer(of::AskCustomer { texts }) => {
            let texts = read_texts(texts, &format!("{field}.ask_customer.texts"), violations)?;
            Some(Action::Reply { texts, awaits_customer: true })
        }
        of::Action::Note(of::Note { text }) => {
            let text = words(text).and_then(with_known_placeholders);
            violations.take(format!("{field}.note.text"), text).map(Action::Note)
        }
        of::Action::SetPriority(of::SetPriority { priority }) => {
            let priority = read_priority(*priority).and_then(|priority| priority.ok_or_else(required));
            violations.take(format!("{field}.set_priority.priority"), priority).map(Action::SetPriority)
        }
        of::Action::Assign(of::Assign { assignee }) if assignee.is_empty() => Some(Action::Assign(None)),
        of::Action::Assign(of::Assign { assignee }) => {
            let member = reading.member(format!("{field}.assign.assignee"), assignee)?;
            Some(Action::Assign(Some(member)))
        }
        of::Action::Resolve(of::Resolve { root_problem, notes }) => {
            let at = format!("{field}.resolve.root_problem");
            let root = read_root_problem(root_problem.as_ref(), &at, violations);
            let notes = read_texts(notes, &format!("{field}.resolve.notes"), violations);
            Some(Action::Resolve { root_problem: root?, notes: notes? })
        }
        of::Action::ChangeTags(of::ChangeTags { add, remove }) => {
            let field = format!("{field}.change_tags");
            if add.is_empty() && remove.is_empty() {
                violations.add(field, Invalid::new("FIELD_REQUIRED", "adds a tag or removes one"));
                return None;
            }
            let add = parse_tags(add, &format!("{field}.add"), violations);
            let remove = parse_tags(remove, &format!("{field}.remove"), violations);
            Some(Action::ChangeTags { add: add?, remove: remove? })
        }
        of::Action::Cancel(of::Cancel { reason }) => {
            violations.take(format!("{field}.cancel.reason"), parse_cancel_reason(*reason)).map(Action::Cancel)
        }
    }
}

fn read_texts(given: &[Translation], field: &str, violations: &mut Violations) -> Option<Texts> {
    let texts = read_translations(given, field, violations, |text| words(text).and_then(with_known_placeholders))?;
    violations.take(field, Texts::new(texts))
}

/// Reads a text in one language at least.
pub fn read_translations(
    given: &[Translation],
    field: &str,
    violations: &mut Violations,
    parse: impl Fn(&str) -> Result<String, Invalid>,
) -> Option<LocalizedText> {
    if given.is_empty() {
        violations.add(field, Invalid::new("FIELD_REQUIRED", "needs one language at least"));
    }
    let mut texts = LocalizedText::new();
    for (at, Translation { language, text }) in given.iter().enumerate() {
        let language = violations.take(format!("{field}[{at}].language"), Language::parse(language));
        let text = violations.take(format!("{field}[{at}].text"), parse(text));
        if let Some((language, text)) = language.zip(text)
            && texts.insert(language, text).is_some()
        {
            violations.add(format!("{field}[{at}]"), Invalid::new("LANGUAGE_REPEATED", "stands in the list before"));
        }
    }
    (!given.is_empty() && texts.len() == given.len()).then_some(texts)
}

/// A text by language.
pub fn translations<'t>(texts: impl Iterator<Item = (&'t Language, &'t str)>) -> Vec<Translation> {
    texts
        .map(|(language, text)| Translation { language: language.as_str().to_owned(), text: text.to_owned() })
        .collect()
}

impl From<&Action> for pb::TicketAction {
    fn from(action: &Action) -> Self {
        let action = match action {
            Action::Reply { texts, awaits_customer: false } => {
                of::Action::Reply(of::Reply { texts: translations(texts.iter()) })
            }
            Action::Reply { texts, awaits_customer: true } => {
                of::Action::AskCustomer(of::AskCustomer { texts: translations(texts.iter()) })
            }
            Action::Note(text) => of::Action::Note(of::Note { text: text.clone() }),
            Action::SetPriority(priority) => {
                of::Action::SetPriority(of::SetPriority { priority: ticket::Priority::from(*priority).into() })
            }
            Action::Assign(assignee) => of::Action::Assign(of::Assign {
                assignee: assignee.map(|member| format_name(STAFF_MEMBERS, member)).unwrap_or_default(),
            }),
            Action::Resolve { root_problem: RootProblem { cause, description, rule }, notes } => {
                of::Action::Resolve(of::Resolve {
                    root_problem: Some(pb::RootProblem {
                        cause: root_problem::Cause::from(*cause).into(),
                        description: description.clone(),
                        handbook_rule: rule.clone().unwrap_or_default(),
                    }),
                    notes: translations(notes.iter()),
                })
            }
            Action::ChangeTags { add, remove } => {
                of::Action::ChangeTags(of::ChangeTags { add: add.clone(), remove: remove.clone() })
            }
            Action::Cancel(reason) => {
                of::Action::Cancel(of::Cancel { reason: ticket::CancelReason::from(*reason).into() })
            }
        };
        Self { action: Some(action) }
    }
}

/// Actions in the contract's form.
pub fn proto_actions(actions: &[Action]) -> Vec<pb::TicketAction> {
    actions.iter().map(Into::into).collect()
}

/// What sorts of actions they are, for events.
pub fn kinds(actions: &[Action]) -> Vec<String> {
    actions.iter().map(|action| action.kind().to_owned()).collect()
}

/// Actions as they are stored.
pub fn to_stored(actions: &[Action]) -> Vec<Vec<u8>> {
    proto_actions(actions).iter().map(Message::encode_to_vec).collect()
}

/// Reads stored actions.
///
/// # Errors
/// `INTERNAL`: what was written was valid.
pub fn from_stored(stored: &[Vec<u8>]) -> Result<Vec<Action>, Error> {
    let decoded = stored.iter().map(|action| pb::TicketAction::decode(action.as_slice()));
    let decoded: Vec<_> = decoded.collect::<Result<_, _>>().map_err(Error::internal)?;
    let actions = read_actions(&decoded, "actions", &mut Reading::default());
    actions.ok_or_else(|| Error::internal("stored actions cannot be read"))
}

/// What actions have done, or would do; what time has brought about between them is of none of them.
pub fn effects(changes: &[Change]) -> Vec<pb::ActionEffect> {
    let effect = |(at, change): (usize, &Change)| pb::ActionEffect {
        action: i32::try_from(at).unwrap_or(i32::MAX),
        event_type: change.act.event_kind().to_owned(),
        changed_fields: change.changed.iter().map(|&field| field.to_owned()).collect(),
        text: change.message.as_ref().map(|message| message.text.clone()).unwrap_or_default(),
        state: ticket::State::from(change.ticket.state).into(),
        priority: ticket::Priority::from(change.ticket.priority).into(),
        assignee: change.ticket.assignee.map(|member| format_name(STAFF_MEMBERS, member)).unwrap_or_default(),
    };
    changes.iter().filter(|change| change.passed.is_none()).enumerate().map(effect).collect()
}

impl From<&Refusal> for pb::ActionRefusal {
    fn from(refusal: &Refusal) -> Self {
        let Refusal { reason, invariant, description, action } = refusal.clone();
        Self { reason, invariant: invariant.unwrap_or_default(), description, action: action.into() }
    }
}
