//! Policies from and to the contract.

use std::collections::HashSet;

use jiff::SignedDuration;
use seva_proto::tickets::v1::{self as pb, ticket};
use seva_runtime::{Error, Violations};
use seva_store::event::proto_timestamp;
use seva_values::{Invalid, format_name, parse_name};

use super::{
    model::{Row, Targets},
    store::Version,
};
use crate::{
    recipient::Tier,
    roster::model::DEPARTMENTS,
    ticket::convert::{proto_kind, proto_priority, read_kind, read_priority},
};

/// Rows of a version at most.
const MAX_ROWS: usize = 500;
/// Longest target: ten working years of minutes.
const MAX_MINUTES: i32 = 10 * 365 * 24 * 60;
/// A closed ticket can be opened again for ten years at most.
const MAX_REOPEN_DAYS: i32 = 3_650;
/// The heaviest ticket.
const MAX_WEIGHT: i32 = 100;

/// A version that is to come into force.
#[derive(Debug)]
pub struct NewPolicy {
    /// Its rows.
    pub rows: Vec<Row>,
    /// The version that it follows; 0: whichever is in force.
    pub previous_version: i32,
}

impl TryFrom<pb::CreatePolicyRequest> for NewPolicy {
    type Error = Error;

    fn try_from(request: pb::CreatePolicyRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(policy) = violations.required("policy", request.policy) else { return Err(violations.into()) };
        if policy.rows.len() > MAX_ROWS {
            violations.add("policy.rows", Invalid::new("ROWS_TOO_MANY", format!("{MAX_ROWS} at most")));
            return Err(violations.into());
        }
        let count = policy.rows.len();
        let rows: Vec<Row> = policy
            .rows
            .into_iter()
            .enumerate()
            .filter_map(|(at, row)| parse_row(row, &format!("policy.rows[{at}]"), &mut violations))
            .collect();
        let mut seen = HashSet::new();
        for (at, row) in rows.iter().enumerate().filter(|_| rows.len() == count) {
            if !seen.insert((row.kind, row.department, row.tier, row.priority)) {
                let fault = Invalid::new("ROW_REPEATED", "another row has the same conditions (TK24)");
                violations.add(format!("policy.rows[{at}]"), fault);
            }
        }
        if rows.len() == count && !seen.contains(&(None, None, None, None)) {
            let fault = Invalid::new("ROW_FOR_ALL_MISSING", "one row has no condition, for all other tickets (TK24)");
            violations.add("policy.rows", fault);
        }
        let previous_version = request.previous_version;
        violations.finish((rows.len() == count).then_some(Self { rows, previous_version }))
    }
}

fn parse_row(row: pb::PolicyRow, field: &str, violations: &mut Violations) -> Option<Row> {
    let pb::PolicyRow {
        kind,
        department,
        tier,
        priority,
        first_response_minutes,
        next_response_minutes,
        update_cadence_minutes,
        resolution_first_minutes,
        resolution_total_minutes,
        handoff_ack_minutes,
        handoff_done_minutes,
        pauses_while_external,
        pauses_while_scheduled,
        reopen_days,
        return_minutes,
        weight,
    } = row;
    let kind = violations.take(format!("{field}.kind"), read_kind(kind));
    let named = if department.is_empty() { Ok(None) } else { parse_name(DEPARTMENTS, &department).map(Some) };
    let department = violations.take(format!("{field}.department"), named);
    let tier = violations.take(format!("{field}.tier"), parse_tier(tier));
    let priority = violations.take(format!("{field}.priority"), read_priority(priority));
    let mut minutes = |name: &str, given: i32, least: i32| {
        let fits = (least.max(1)..=MAX_MINUTES).contains(&given);
        let fault = || Invalid::new("TARGET_OUT_OF_RANGE", format!("has to be from {} to {MAX_MINUTES}", least.max(1)));
        let parsed = if fits { Ok(SignedDuration::from_mins(given.into())) } else { Err(fault()) };
        violations.take(format!("{field}.{name}"), parsed)
    };
    let first_response = minutes("first_response_minutes", first_response_minutes, 1);
    let next_response = minutes("next_response_minutes", next_response_minutes, 1);
    let update_cadence = minutes("update_cadence_minutes", update_cadence_minutes, 1);
    let resolution_first = minutes("resolution_first_minutes", resolution_first_minutes, first_response_minutes);
    let resolution_total = minutes("resolution_total_minutes", resolution_total_minutes, resolution_first_minutes);
    let handoff_ack = minutes("handoff_ack_minutes", handoff_ack_minutes, 1);
    let handoff_done = minutes("handoff_done_minutes", handoff_done_minutes, handoff_ack_minutes);
    let days = if (0..=MAX_REOPEN_DAYS).contains(&reopen_days) {
        Ok(reopen_days)
    } else {
        Err(Invalid::new("REOPEN_DAYS_OUT_OF_RANGE", format!("has to be from 0 to {MAX_REOPEN_DAYS}")))
    };
    let reopen_days = violations.take(format!("{field}.reopen_days"), days);
    let minutes = if (0..=MAX_MINUTES).contains(&return_minutes) {
        Ok(SignedDuration::from_mins(return_minutes.into()))
    } else {
        Err(Invalid::new("TARGET_OUT_OF_RANGE", format!("has to be from 0 (never) to {MAX_MINUTES}")))
    };
    let return_after = violations.take(format!("{field}.return_minutes"), minutes);
    let weight = match weight {
        // The usual one.
        0 => Ok(1),
        1..=MAX_WEIGHT => Ok(weight),
        _ => Err(Invalid::new("WEIGHT_OUT_OF_RANGE", format!("has to be from 1 to {MAX_WEIGHT}"))),
    };
    let weight = violations.take(format!("{field}.weight"), weight);
    Some(Row {
        kind: kind?,
        department: department?,
        tier: tier?,
        priority: priority?,
        targets: Targets {
            first_response: first_response?,
            next_response: next_response?,
            update_cadence: update_cadence?,
            resolution_first: resolution_first?,
            resolution_total: resolution_total?,
            handoff_ack: handoff_ack?,
            handoff_done: handoff_done?,
            pauses_while_external,
            pauses_while_scheduled,
            reopen_days: reopen_days?,
            return_after: return_after?,
            weight: weight?,
        },
    })
}

fn parse_tier(given: i32) -> Result<Option<Tier>, Invalid> {
    match ticket::Tier::try_from(given) {
        Ok(ticket::Tier::Unspecified) => Ok(None),
        Ok(ticket::Tier::Standard) => Ok(Some(Tier::Standard)),
        Ok(ticket::Tier::Loyal) => Ok(Some(Tier::Loyal)),
        Ok(ticket::Tier::Vip) => Ok(Some(Tier::Vip)),
        Err(_) => Err(Invalid::new("TIER_UNKNOWN", "has to be a known value")),
    }
}

impl From<&Version> for pb::Policy {
    fn from(version: &Version) -> Self {
        let Version { policy, created_at, created_by } = version;
        Self {
            version: policy.version(),
            rows: policy.rows().iter().map(Into::into).collect(),
            create_time: created_at.map(proto_timestamp),
            creator: created_by.clone().unwrap_or_default(),
        }
    }
}

impl From<&Row> for pb::PolicyRow {
    fn from(row: &Row) -> Self {
        let Row { kind, department, tier, priority, targets } = *row;
        let Targets {
            first_response,
            next_response,
            update_cadence,
            resolution_first,
            resolution_total,
            handoff_ack,
            handoff_done,
            pauses_while_external,
            pauses_while_scheduled,
            reopen_days,
            return_after,
            weight,
        } = targets;
        let minutes = |target: SignedDuration| i32::try_from(target.as_mins()).unwrap_or(i32::MAX);
        let tier = match tier {
            None => ticket::Tier::Unspecified,
            Some(Tier::Standard) => ticket::Tier::Standard,
            Some(Tier::Loyal) => ticket::Tier::Loyal,
            Some(Tier::Vip) => ticket::Tier::Vip,
        };
        Self {
            kind: kind.map_or(0, proto_kind),
            department: department.map(|id| format_name(DEPARTMENTS, id)).unwrap_or_default(),
            tier: tier.into(),
            priority: priority.map_or(0, proto_priority),
            first_response_minutes: minutes(first_response),
            next_response_minutes: minutes(next_response),
            update_cadence_minutes: minutes(update_cadence),
            resolution_first_minutes: minutes(resolution_first),
            resolution_total_minutes: minutes(resolution_total),
            handoff_ack_minutes: minutes(handoff_ack),
            handoff_done_minutes: minutes(handoff_done),
            pauses_while_external,
            pauses_while_scheduled,
            reopen_days,
            return_minutes: minutes(return_after),
            weight,
        }
    }
}
