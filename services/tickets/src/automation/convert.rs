//! Automations from and to the contract; the stored form of a rule is the contract's. Firings stand in [`firings`].

mod firings;

use std::collections::BTreeSet;

use prost::Message;
use seva_proto::tickets::v1::{
    self as pb, AutomationEvent, automation_rule as of, condition as is, ticket as pb_ticket,
};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, Language, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    dry_run::{DryRun, Preview, Subject, Wanted},
    model::{Automation, COLLECTION, Condition, Edit, Happening, NewAutomation, Rule, Trigger},
    store::Version,
};
use crate::{
    action::{
        Reading,
        convert::{effects, kinds, proto_actions, read_actions},
    },
    clock,
    recipient::Tier,
    roster::model::DEPARTMENTS,
    ticket::{
        State,
        convert::{parse_kind, parse_state, proto_tier, read_priority, read_tier, required},
        model::COLLECTION as TICKETS,
    },
};

pub use firings::firings_query;

/// Longest name that staff give, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Groups of conditions at most, and conditions of a group.
const MAX_CONDITIONS: usize = 10;
/// Values of one condition at most.
const MAX_VALUES: usize = 50;
/// Longest stay in a state, in hours, and longest time before something is due, in minutes.
const MAX_HOURS: i32 = 90 * 24;
const MAX_MINUTES: i32 = 7 * 24 * 60;
/// Tickets of a dry run at most, and how many there are unless something else is asked for.
const MAX_PREVIEWS: i32 = 100;
const USUAL_PREVIEWS: i32 = 10;
/// Paths of an update mask.
const WRITABLE: &[&str] = &["display_name", "weight", "enabled", "rule"];
const OUTPUT_ONLY: &[&str] = &["name", "etag", "rule_version", "create_time", "update_time"];

/// A new automation as it was given, with its faults.
pub struct CreateAutomation {
    pub reading: Reading,
    pub new: Option<NewAutomation>,
}

/// Fields to change as they were given, with their faults.
pub struct UpdateAutomation {
    pub reading: Reading,
    pub id: Option<Uuid>,
    pub etag: Option<Etag>,
    pub edit: Edit,
}

/// Reads a name in this field of a request.
pub fn named(field: &'static str, name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field(field, invalid))
}

impl From<pb::CreateAutomationRequest> for CreateAutomation {
    fn from(request: pb::CreateAutomationRequest) -> Self {
        let mut reading = Reading::default();
        let given = reading.violations.required("automation", request.automation);
        let new = given.and_then(|given| {
            let Edit { display_name, weight, enabled, rule } = edit(&given, WRITABLE, &mut reading);
            Some(NewAutomation { display_name: display_name?, weight: weight?, enabled: enabled?, rule: rule? })
        });
        Self { reading, new }
    }
}

impl From<pb::UpdateAutomationRequest> for UpdateAutomation {
    fn from(request: pb::UpdateAutomationRequest) -> Self {
        let mut reading = Reading::default();
        let given = reading.violations.required("automation", request.automation).unwrap_or_default();
        let id = reading.violations.take("automation.name", parse_name(COLLECTION, &given.name));
        let etag = reading.violations.take("automation.etag", Etag::parse(&given.etag));
        let is_set = |path: &str| match path {
            "display_name" => !given.display_name.is_empty(),
            "weight" => given.weight != 0,
            "enabled" => given.enabled,
            _ => given.rule.is_some(),
        };
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut reading.violations);
        let edit = edit(&given, &paths, &mut reading);
        Self { reading, id, etag, edit }
    }
}

/// Reads the fields at these paths and no others. Faults are noted.
fn edit(given: &pb::Automation, paths: &[&str], reading: &mut Reading) -> Edit {
    let mut edit = Edit::default();
    for path in paths {
        match *path {
            "display_name" => {
                let name = text::required_line(&given.display_name, MAX_NAME_CHARS);
                edit.display_name = reading.violations.take("automation.display_name", name);
            }
            "weight" => edit.weight = Some(given.weight),
            "enabled" => edit.enabled = Some(given.enabled),
            _ => {
                let rule = reading.violations.required("automation.rule", given.rule.as_ref());
                edit.rule = rule.and_then(|rule| read_rule(rule, "automation.rule", reading));
            }
        }
    }
    edit
}

fn read_rule(given: &pb::AutomationRule, field: &str, reading: &mut Reading) -> Option<Rule> {
    let trigger = match reading.violations.required(format!("{field}.trigger"), given.trigger.as_ref()) {
        None => None,
        Some(trigger) => read_trigger(trigger, field, &mut reading.violations),
    };
    let conditions = read_conditions(&given.conditions, &format!("{field}.conditions"), reading);
    let actions = read_actions(&given.actions, &format!("{field}.actions"), reading);
    Some(Rule { trigger: trigger?, conditions: conditions?, actions: actions? })
}

fn read_trigger(given: &of::Trigger, field: &str, violations: &mut Violations) -> Option<Trigger> {
    match given {
        of::Trigger::OnEvent(of::OnEvent { happenings, clocks }) => {
            let field = format!("{field}.on_event");
            let at = format!("{field}.happenings");
            let happenings = each(happenings, &at, violations, |happening| read_happening(*happening));
            let clocks = if clocks.is_empty() {
                Some(Vec::new())
            } else {
                each(clocks, &format!("{field}.clocks"), violations, |kind| clock_kind(*kind))
            };
            Some(Trigger::Event { happenings: happenings?, clocks: clocks? })
        }
        of::Trigger::InState(of::InState { state, hours }) => {
            let field = format!("{field}.in_state");
            let state = violations.take(format!("{field}.state"), read_living_state(*state));
            let hours = violations.take(format!("{field}.hours"), bounded(*hours, MAX_HOURS));
            Some(Trigger::InState { state: state?, hours: hours? })
        }
        of::Trigger::BeforeDue(of::BeforeDue { minutes }) => {
            let field = format!("{field}.before_due.minutes");
            violations.take(field, bounded(*minutes, MAX_MINUTES)).map(|minutes| Trigger::BeforeDue { minutes })
        }
    }
}

fn read_conditions(given: &[pb::ConditionGroup], field: &str, reading: &mut Reading) -> Option<Vec<Vec<Condition>>> {
    let mut groups = Vec::with_capacity(given.len());
    if given.len() > MAX_CONDITIONS {
        let fault = Invalid::new("CONDITIONS_TOO_MANY", format!("{MAX_CONDITIONS} at most"));
        reading.violations.add(field, fault);
        return None;
    }
    for (at, group) in given.iter().enumerate() {
        let field = format!("{field}[{at}].any_of");
        if group.any_of.is_empty() || group.any_of.len() > MAX_CONDITIONS {
            let fault = Invalid::new("CONDITIONS_COUNT", format!("has to be 1 to {MAX_CONDITIONS}"));
            reading.violations.add(field, fault);
            continue;
        }
        let read = group.any_of.iter().enumerate().map(|(at, one)| {
            let field = format!("{field}[{at}]");
            let condition = reading.violations.required(field.clone(), one.condition.as_ref())?;
            read_condition(condition, &field, reading)
        });
        let read: Vec<Option<Condition>> = read.collect();
        groups.extend(read.into_iter().collect::<Option<Vec<_>>>());
    }
    (groups.len() == given.len()).then_some(groups)
}

fn read_condition(given: &is::Condition, field: &str, reading: &mut Reading) -> Option<Condition> {
    let violations = &mut reading.violations;
    match given {
        is::Condition::Kinds(pb::condition::Kinds { kinds }) => {
            each(kinds, &format!("{field}.kinds.kinds"), violations, |kind| parse_kind(*kind)).map(Condition::Kinds)
        }
        is::Condition::Priorities(pb::condition::Priorities { priorities }) => {
            let parse = |priority: &i32| read_priority(*priority)?.ok_or_else(required);
            each(priorities, &format!("{field}.priorities.priorities"), violations, parse).map(Condition::Priorities)
        }
        is::Condition::States(pb::condition::States { states }) => {
            let parse = |state: &i32| parse_state(*state)?.ok_or_else(required);
            each(states, &format!("{field}.states.states"), violations, parse).map(Condition::States)
        }
        is::Condition::Departments(pb::condition::Departments { departments }) => {
            let field = format!("{field}.departments.departments");
            has_values(departments, &field, violations)?;
            let named = departments.iter().enumerate();
            let ids = named.map(|(at, name)| reading.department(format!("{field}[{at}]"), name));
            let ids: Vec<Option<Uuid>> = ids.collect();
            ids.into_iter().collect::<Option<BTreeSet<Uuid>>>().map(Condition::Departments)
        }
        is::Condition::Tiers(pb::condition::Tiers { tiers }) => {
            each(tiers, &format!("{field}.tiers.tiers"), violations, |tier| read_tier(*tier)).map(Condition::Tiers)
        }
        is::Condition::Languages(pb::condition::Languages { languages }) => {
            let parse = |language: &String| Language::parse(language);
            each(languages, &format!("{field}.languages.languages"), violations, parse).map(Condition::Languages)
        }
        is::Condition::ReopenCountAtLeast(count) => violations
            .take(format!("{field}.reopen_count_at_least"), bounded(*count, 1000))
            .map(Condition::ReopenCountAtLeast),
        is::Condition::HoursSinceCreate(hours) => violations
            .take(format!("{field}.hours_since_create"), bounded(*hours, MAX_HOURS))
            .map(Condition::HoursSinceCreate),
        is::Condition::HoursSinceUpdate(hours) => violations
            .take(format!("{field}.hours_since_update"), bounded(*hours, MAX_HOURS))
            .map(Condition::HoursSinceUpdate),
        is::Condition::Unassigned(unassigned) => Some(Condition::Unassigned(*unassigned)),
    }
}

/// Reads one value or more.
fn each<G, T>(
    given: &[G],
    field: &str,
    violations: &mut Violations,
    parse: impl Fn(&G) -> Result<T, Invalid>,
) -> Option<Vec<T>> {
    has_values(given, field, violations)?;
    let values = given.iter().enumerate().map(|(at, one)| violations.take(format!("{field}[{at}]"), parse(one)));
    let values: Vec<Option<T>> = values.collect();
    values.into_iter().collect()
}

fn has_values<G>(given: &[G], field: &str, violations: &mut Violations) -> Option<()> {
    if given.is_empty() || given.len() > MAX_VALUES {
        violations.add(field, Invalid::new("VALUES_COUNT", format!("has to be 1 to {MAX_VALUES}")));
        return None;
    }
    Some(())
}

fn bounded(given: i32, most: i32) -> Result<i32, Invalid> {
    if (1..=most).contains(&given) {
        return Ok(given);
    }
    Err(Invalid::new("NUMBER_OUT_OF_RANGE", format!("has to be 1 to {most}")))
}

fn read_living_state(given: i32) -> Result<State, Invalid> {
    match parse_state(given)?.ok_or_else(required)? {
        State::Closed | State::Canceled | State::Merged => {
            Err(Invalid::new("STATE_OVER", "has to be one in which a ticket is not over"))
        }
        state => Ok(state),
    }
}

fn read_happening(given: i32) -> Result<Happening, Invalid> {
    match of::Happening::try_from(given) {
        Ok(of::Happening::Unspecified) => Err(required()),
        Ok(of::Happening::Created) => Ok(Happening::Created),
        Ok(of::Happening::Assigned) => Ok(Happening::Assigned),
        Ok(of::Happening::Unassigned) => Ok(Happening::Unassigned),
        Ok(of::Happening::Updated) => Ok(Happening::Updated),
        Ok(of::Happening::CustomerReplied) => Ok(Happening::CustomerReplied),
        Ok(of::Happening::StaffReplied) => Ok(Happening::StaffReplied),
        Ok(of::Happening::Resolved) => Ok(Happening::Resolved),
        Ok(of::Happening::Rejected) => Ok(Happening::Rejected),
        Ok(of::Happening::Reopened) => Ok(Happening::Reopened),
        Ok(of::Happening::Closed) => Ok(Happening::Closed),
        Ok(of::Happening::ClockWarned) => Ok(Happening::ClockWarned),
        Ok(of::Happening::ClockBreached) => Ok(Happening::ClockBreached),
        Err(_) => Err(Invalid::new("HAPPENING_UNKNOWN", "has to be a known value")),
    }
}

fn proto_happening(happening: Happening) -> i32 {
    match happening {
        Happening::Created => of::Happening::Created,
        Happening::Assigned => of::Happening::Assigned,
        Happening::Unassigned => of::Happening::Unassigned,
        Happening::Updated => of::Happening::Updated,
        Happening::CustomerReplied => of::Happening::CustomerReplied,
        Happening::StaffReplied => of::Happening::StaffReplied,
        Happening::Resolved => of::Happening::Resolved,
        Happening::Rejected => of::Happening::Rejected,
        Happening::Reopened => of::Happening::Reopened,
        Happening::Closed => of::Happening::Closed,
        Happening::ClockWarned => of::Happening::ClockWarned,
        Happening::ClockBreached => of::Happening::ClockBreached,
    }
    .into()
}

/// Reads a kind of clock that has to be given.
pub fn clock_kind(given: i32) -> Result<clock::Kind, Invalid> {
    match pb::clock::Kind::try_from(given) {
        Ok(pb::clock::Kind::Unspecified) => Err(required()),
        Ok(pb::clock::Kind::FirstResponse) => Ok(clock::Kind::FirstResponse),
        Ok(pb::clock::Kind::NextResponse) => Ok(clock::Kind::NextResponse),
        Ok(pb::clock::Kind::UpdateCadence) => Ok(clock::Kind::UpdateCadence),
        Ok(pb::clock::Kind::ResolutionFirst) => Ok(clock::Kind::ResolutionFirst),
        Ok(pb::clock::Kind::ResolutionTotal) => Ok(clock::Kind::ResolutionTotal),
        Ok(pb::clock::Kind::HandoffAck) => Ok(clock::Kind::HandoffAck),
        Ok(pb::clock::Kind::HandoffDone) => Ok(clock::Kind::HandoffDone),
        Ok(pb::clock::Kind::Promise) => Ok(clock::Kind::Promise),
        Ok(pb::clock::Kind::Verification) => Ok(clock::Kind::Verification),
        Err(_) => Err(Invalid::new("CLOCK_UNKNOWN", "has to be a known value")),
    }
}

impl From<&Rule> for pb::AutomationRule {
    fn from(rule: &Rule) -> Self {
        let Rule { trigger, conditions, actions } = rule;
        let trigger = match trigger {
            Trigger::Event { happenings, clocks } => of::Trigger::OnEvent(of::OnEvent {
                happenings: happenings.iter().copied().map(proto_happening).collect(),
                clocks: clocks.iter().map(|kind| pb::clock::Kind::from(*kind).into()).collect(),
            }),
            Trigger::InState { state, hours } => {
                of::Trigger::InState(of::InState { state: pb_ticket::State::from(*state).into(), hours: *hours })
            }
            Trigger::BeforeDue { minutes } => of::Trigger::BeforeDue(of::BeforeDue { minutes: *minutes }),
        };
        let group = |any_of: &Vec<Condition>| pb::ConditionGroup { any_of: any_of.iter().map(Into::into).collect() };
        Self {
            trigger: Some(trigger),
            conditions: conditions.iter().map(group).collect(),
            actions: proto_actions(actions),
        }
    }
}

impl From<&Condition> for pb::Condition {
    fn from(condition: &Condition) -> Self {
        let condition = match condition {
            Condition::Kinds(kinds) => is::Condition::Kinds(is::Kinds {
                kinds: kinds.iter().map(|kind| pb_ticket::Kind::from(*kind).into()).collect(),
            }),
            Condition::Priorities(priorities) => is::Condition::Priorities(is::Priorities {
                priorities: priorities.iter().map(|priority| pb_ticket::Priority::from(*priority).into()).collect(),
            }),
            Condition::States(states) => is::Condition::States(is::States {
                states: states.iter().map(|state| pb_ticket::State::from(*state).into()).collect(),
            }),
            Condition::Departments(departments) => is::Condition::Departments(is::Departments {
                departments: departments.iter().map(|id| format_name(DEPARTMENTS, *id)).collect(),
            }),
            Condition::Tiers(tiers) => is::Condition::Tiers(is::Tiers {
                tiers: tiers.iter().map(|tier: &Tier| proto_tier(*tier).into()).collect(),
            }),
            Condition::Languages(languages) => is::Condition::Languages(is::Languages {
                languages: languages.iter().map(|language| language.as_str().to_owned()).collect(),
            }),
            Condition::ReopenCountAtLeast(count) => is::Condition::ReopenCountAtLeast(*count),
            Condition::HoursSinceCreate(hours) => is::Condition::HoursSinceCreate(*hours),
            Condition::HoursSinceUpdate(hours) => is::Condition::HoursSinceUpdate(*hours),
            Condition::Unassigned(unassigned) => is::Condition::Unassigned(*unassigned),
        };
        Self { condition: Some(condition) }
    }
}

/// Reads a stored rule.
///
/// # Errors
/// `INTERNAL`: what was written was valid.
pub fn rule_from_stored(stored: &[u8]) -> Result<Rule, Error> {
    let rule = pb::AutomationRule::decode(stored).map_err(Error::internal)?;
    let read = read_rule(&rule, "rule", &mut Reading::default());
    read.ok_or_else(|| Error::internal("a stored rule cannot be read"))
}

impl From<&Automation> for pb::Automation {
    fn from(one: &Automation) -> Self {
        Self {
            name: one.name(),
            etag: Etag::format(one.version),
            display_name: one.display_name.clone(),
            weight: one.weight,
            enabled: one.enabled,
            rule: Some((&one.rule).into()),
            rule_version: one.rule_version,
            create_time: Some(proto_timestamp(one.created_at)),
            update_time: Some(proto_timestamp(one.updated_at)),
        }
    }
}

impl From<Version> for pb::AutomationVersion {
    fn from(version: Version) -> Self {
        let Version { number, rule, creator, created_at } = version;
        Self { rule_version: number, rule: Some(rule), creator, create_time: Some(proto_timestamp(created_at)) }
    }
}

/// What is told of an automation, without its texts.
pub fn event_of(one: &Automation) -> AutomationEvent {
    AutomationEvent {
        automation: one.name(),
        weight: one.weight,
        enabled: one.enabled,
        rule_version: one.rule_version,
        actions: kinds(&one.rule.actions),
    }
}

/// Reads a request for a list of automations.
pub fn list_query(request: &pb::ListAutomationsRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, COLLECTION, "", request.page_size, &request.page_token)
}

/// Reads a request for a dry run.
pub fn dry_run(request: pb::DryRunAutomationRequest) -> DryRun {
    use pb::dry_run_automation_request::Subject as Given;
    let pb::DryRunAutomationRequest { subject, tickets, newest } = request;
    let mut reading = Reading::default();
    let subject = match reading.violations.required("subject", subject) {
        None => None,
        Some(Given::Name(name)) => reading.violations.take("name", parse_name(COLLECTION, &name)).map(Subject::Named),
        Some(Given::Rule(rule)) => read_rule(&rule, "rule", &mut reading).map(Subject::Given),
    };
    let most = usize::try_from(MAX_PREVIEWS).unwrap_or_default();
    let wanted = if tickets.len() > most {
        reading.violations.add("tickets", Invalid::new("TICKETS_TOO_MANY", format!("{MAX_PREVIEWS} at most")));
        None
    } else if tickets.is_empty() {
        let newest = if newest == 0 { Ok(USUAL_PREVIEWS) } else { bounded(newest, MAX_PREVIEWS) };
        let newest = reading.violations.take("newest", newest);
        newest.and_then(|newest| usize::try_from(newest).ok()).map(Wanted::Newest)
    } else {
        let named = tickets.iter().enumerate();
        let ids = named.map(|(at, name)| reading.violations.take(format!("tickets[{at}]"), parse_name(TICKETS, name)));
        let ids: Vec<Option<Uuid>> = ids.collect();
        ids.into_iter().collect::<Option<Vec<Uuid>>>().map(Wanted::Named)
    };
    DryRun { reading, subject, wanted }
}

impl From<&Preview> for pb::AutomationPreview {
    fn from(preview: &Preview) -> Self {
        let Preview { ticket, groups_hold, decided } = preview;
        let (effects, refusal) = match decided {
            None => (Vec::new(), None),
            Some(Ok(changes)) => (effects(changes), None),
            Some(Err(refusal)) => (Vec::new(), Some(refusal.into())),
        };
        Self { ticket: format_name(TICKETS, *ticket), conditions_hold: groups_hold.clone(), effects, refusal }
    }
}
