//! Versions of the weights from and to the contract.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use seva_proto::tickets::v1::{self as pb, RiskPolicyEvent, risk_reason::Kind};
use seva_runtime::{Error, Violations};
use seva_store::{
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, parse_name};
use uuid::Uuid;

use super::{COLLECTION, NewPolicy, Version};
use crate::risk::{
    convert::proto_kind,
    model::{Policy, Reason, Weight},
};

/// The highest score from which a level may begin.
const MAX_SCORE: i32 = 100_000;
/// The longest time to acknowledge: a week of minutes.
const MAX_MINUTES: i32 = 7 * 24 * 60;
/// Weights of a version at most.
const MAX_WEIGHTS: usize = 100;
const MAX_WEIGHT: i32 = 1_000;
const MAX_AT_LEAST: i64 = 1_000_000;

/// Reads which version; `None`: the one in force.
pub fn wanted(name: &str) -> Result<Option<Uuid>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    parse_name(COLLECTION, name).map(Some).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListRiskPoliciesRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, COLLECTION, "", request.page_size, &request.page_token)
}

impl TryFrom<pb::CreateRiskPolicyRequest> for NewPolicy {
    type Error = Error;

    /// All faults at once (TK150).
    fn try_from(request: pb::CreateRiskPolicyRequest) -> Result<Self, Error> {
        let pb::CreateRiskPolicyRequest { risk_policy, previous_version, request_id: _ } = request;
        let mut violations = Violations::default();
        let Some(policy) = violations.required("risk_policy", risk_policy) else { return Err(violations.into()) };
        let mut number = |field: &str, given: i32, (least, most): (i32, i32), reason| {
            let in_range = (least..=most).contains(&given);
            let fault = || Invalid::new(reason, format!("has to be {least} to {most}"));
            violations.take(format!("risk_policy.{field}"), in_range.then_some(given).ok_or_else(fault))
        };
        // Each from where the one before it ends, whatever is wrong with that.
        let above = |given: i32| (given.clamp(0, MAX_SCORE - 1) + 1, MAX_SCORE);
        let elevated = number("elevated_from", policy.elevated_from, above(0), "LEVELS_NOT_ASCENDING");
        let high = number("high_from", policy.high_from, above(policy.elevated_from), "LEVELS_NOT_ASCENDING");
        let critical = number("critical_from", policy.critical_from, above(policy.high_from), "LEVELS_NOT_ASCENDING");
        let minutes = policy.acknowledge_minutes;
        let acknowledge = number("acknowledge_minutes", minutes, (1, MAX_MINUTES), "MINUTES_OUT_OF_RANGE");
        let range = (1, minutes.clamp(1, MAX_MINUTES));
        let critical_minutes = policy.acknowledge_critical_minutes;
        let at_once = number("acknowledge_critical_minutes", critical_minutes, range, "MINUTES_OUT_OF_RANGE");
        let weights = weights(&policy.weights, &mut violations);
        let read = || {
            let minutes = |minutes: i32| SignedDuration::from_mins(minutes.into());
            let levels_from = [elevated?, high?, critical?];
            Some((weights?, levels_from, [minutes(acknowledge?), minutes(at_once?)]))
        };
        let read = read();
        let (weights, levels_from, acknowledge) = violations.finish(read)?;
        Ok(Self { policy: Policy::new(0, weights, levels_from, acknowledge)?, previous_version })
    }
}

fn weights(given: &[pb::RiskWeight], violations: &mut Violations) -> Option<Vec<Weight>> {
    if given.is_empty() || given.len() > MAX_WEIGHTS {
        let fault = Invalid::new("WEIGHTS_COUNT", format!("has 1 to {MAX_WEIGHTS} weights"));
        violations.add("risk_policy.weights", fault);
        return None;
    }
    let mut read = BTreeMap::new();
    let mut is_whole = true;
    for (at, weight) in given.iter().enumerate() {
        let field = format!("risk_policy.weights[{at}]");
        let Some(weight) = read_weight(weight, &field, violations) else {
            is_whole = false;
            continue;
        };
        if read.insert((weight.reason, weight.at_least), (weight, field.clone())).is_some() {
            violations.add(field, Invalid::new("WEIGHT_REPEATED", "another one counts from the same value on"));
        }
    }
    // By reason, then by what is reached: more of something counts for no less.
    let in_order: Vec<&(Weight, String)> = read.values().collect();
    for pair in in_order.windows(2) {
        let [(less, _), (more, field)] = [pair[0], pair[1]];
        if less.reason == more.reason && less.weight > more.weight {
            let fault =
                Invalid::new("WEIGHTS_NOT_ASCENDING", format!("has to be {} or more, as for less of it", less.weight));
            violations.add(format!("{field}.weight"), fault);
        }
    }
    is_whole.then(|| read.into_values().map(|(weight, _)| weight).collect())
}

fn read_weight(given: &pb::RiskWeight, field: &str, violations: &mut Violations) -> Option<Weight> {
    let reason = violations.take(format!("{field}.kind"), read_kind(given.kind));
    let most = match reason {
        Some(Reason::Vip | Reason::LegalOrSafetyWord) => 1,
        Some(Reason::Clock) => 100,
        _ => MAX_AT_LEAST,
    };
    let in_range = (1..=most).contains(&given.at_least).then_some(given.at_least);
    let fault = || Invalid::new("VALUE_OUT_OF_RANGE", format!("has to be 1 to {most}"));
    let at_least = violations.take(format!("{field}.at_least"), in_range.ok_or_else(fault));
    let in_range = (1..=MAX_WEIGHT).contains(&given.weight).then_some(given.weight);
    let fault = || Invalid::new("WEIGHT_OUT_OF_RANGE", format!("has to be 1 to {MAX_WEIGHT}"));
    let weight = violations.take(format!("{field}.weight"), in_range.ok_or_else(fault));
    Some(Weight { reason: reason?, at_least: at_least?, weight: weight? })
}

fn read_kind(given: i32) -> Result<Reason, Invalid> {
    match Kind::try_from(given) {
        Ok(Kind::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(Kind::Clock) => Ok(Reason::Clock),
        Ok(Kind::SilentAssignee) => Ok(Reason::SilentAssignee),
        Ok(Kind::Reopened) => Ok(Reason::Reopened),
        Ok(Kind::Contacts) => Ok(Reason::Contacts),
        Ok(Kind::Reassigned) => Ok(Reason::Reassigned),
        Ok(Kind::BrokenPromise) => Ok(Reason::BrokenPromise),
        Ok(Kind::LowScore) => Ok(Reason::LowScore),
        Ok(Kind::Vip) => Ok(Reason::Vip),
        Ok(Kind::LegalOrSafetyWord) => Ok(Reason::LegalOrSafetyWord),
        Err(_) => Err(Invalid::new("KIND_UNKNOWN", "has to be a known value")),
    }
}

impl From<&Version> for pb::RiskPolicy {
    fn from(version: &Version) -> Self {
        let Policy { version: number, weights, levels_from, acknowledge, acknowledge_critical } = &version.policy;
        let minutes = |time: &SignedDuration| i32::try_from(time.as_mins()).unwrap_or(i32::MAX);
        let weight = |weight: &Weight| pb::RiskWeight {
            kind: proto_kind(weight.reason).into(),
            at_least: weight.at_least,
            weight: weight.weight,
        };
        Self {
            name: version.name(),
            version: *number,
            elevated_from: levels_from[0],
            high_from: levels_from[1],
            critical_from: levels_from[2],
            acknowledge_minutes: minutes(acknowledge),
            acknowledge_critical_minutes: minutes(acknowledge_critical),
            weights: weights.iter().map(weight).collect(),
            create_time: version.created_at.map(proto_timestamp),
        }
    }
}

/// What is told of a new version.
pub fn event_of(version: &Version) -> RiskPolicyEvent {
    RiskPolicyEvent { risk_policy: Some(version.into()) }
}
