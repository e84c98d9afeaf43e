//! Filters from the contract, and what they ask of an event.

use prost::Message as _;
use seva_proto::tickets::v1::{self as pb, ticket as pb_ticket};
use seva_runtime::{Error, Violations};
use seva_store::event::{proto_timestamp, timestamp};
use seva_values::{Invalid, parse_name};
use uuid::Uuid;

use super::{CUSTOMERS, answers::named, parse_kind, parse_state, parse_tags, read_priority, required};
use crate::{
    risk,
    roster::model::{DEPARTMENTS, STAFF_MEMBERS},
    ticket::filter::{Range, Seen, TicketFilter},
};

/// Reads the filter at `field`. Faults are noted.
pub fn parse_filter(given: pb::TicketFilter, field: &str, violations: &mut Violations) -> Option<TicketFilter> {
    let pb::TicketFilter {
        customer,
        department,
        assignee,
        state,
        kind,
        unassigned,
        states,
        kinds,
        priorities,
        mine,
        create_time,
        update_time,
        next_due_time,
        overdue,
        reopened,
        tags,
        risk_levels,
        verification_needs_call,
    } = given;
    let mut named = |name: &str, collection: &str, given: &str| {
        let parsed = if given.is_empty() { Ok(None) } else { parse_name(collection, given).map(Some) };
        violations.take(format!("{field}.{name}"), parsed)
    };
    let customer = named("customer", CUSTOMERS, &customer);
    let department = named("department", DEPARTMENTS, &department);
    let assignee = named("assignee", STAFF_MEMBERS, &assignee);
    if mine && assignee.is_some_and(|assignee| assignee.is_some()) {
        let fault = Invalid::new("ASSIGNEE_TWICE", "is given by `assignee` or by `mine`");
        violations.add(format!("{field}.mine"), fault);
    }
    let one = |value: i32| (value != 0).then_some(value);
    let states = several(states.into_iter().chain(one(state)), parse_state, &format!("{field}.states"), violations);
    let kinds = several(
        kinds.into_iter().chain(one(kind)),
        |kind| parse_kind(kind).map(Some),
        &format!("{field}.kinds"),
        violations,
    );
    let priorities = several(priorities, read_priority, &format!("{field}.priorities"), violations);
    let created = range(create_time, &format!("{field}.create_time"), violations);
    let updated = range(update_time, &format!("{field}.update_time"), violations);
    let tags = parse_tags(&tags, &format!("{field}.tags"), violations);
    let risks = several(risk_levels, risk::read_level, &format!("{field}.risk_levels"), violations);
    let due = range(next_due_time, &format!("{field}.next_due_time"), violations);
    Some(TicketFilter {
        customer: customer?,
        department: department?,
        assignee: assignee?,
        mine,
        states: states?,
        kinds: kinds?,
        priorities: priorities?,
        unassigned,
        created: created?,
        updated: updated?,
        due: due?,
        overdue,
        reopened,
        tags: tags?,
        risks: risks?,
        needs_call: verification_needs_call,
    })
}

/// Reads a list of values, each once.
fn several<T: PartialEq>(
    given: impl IntoIterator<Item = i32>,
    parse: impl Fn(i32) -> Result<Option<T>, Invalid>,
    field: &str,
    violations: &mut Violations,
) -> Option<Vec<T>> {
    let mut values = Vec::new();
    for (at, given) in given.into_iter().enumerate() {
        let value =
            violations.take(format!("{field}[{at}]"), parse(given).and_then(|value| value.ok_or_else(required)))?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Some(values)
}

fn range(given: Option<pb::TimeRange>, field: &str, violations: &mut Violations) -> Option<Range> {
    let pb::TimeRange { start_time, end_time } = given.unwrap_or_default();
    let mut time = |name: &str, given: Option<prost_types::Timestamp>| match given {
        None => Some(None),
        Some(_) => {
            let parsed = timestamp(given).ok_or_else(|| Invalid::new("TIME_OUT_OF_RANGE", "is no time"));
            violations.take(format!("{field}.{name}"), parsed).map(Some)
        }
    };
    let start = time("start_time", start_time);
    let end = time("end_time", end_time);
    Some(Range { start: start?, end: end? })
}

/// Reads a filter that was kept, which was valid then.
///
/// # Errors
/// `INTERNAL`: it no longer is.
pub fn parse_kept_filter(kept: &[u8]) -> Result<TicketFilter, Error> {
    let given = pb::TicketFilter::decode(kept).map_err(Error::internal)?;
    let mut violations = Violations::default();
    let filter = parse_filter(given, "filter", &mut violations);
    violations.finish(filter).map_err(Error::internal)
}

impl From<&TicketFilter> for pb::TicketFilter {
    fn from(filter: &TicketFilter) -> Self {
        let TicketFilter {
            customer,
            department,
            assignee,
            mine,
            states,
            kinds,
            priorities,
            unassigned,
            created,
            updated,
            due,
            overdue,
            reopened,
            tags,
            risks,
            needs_call,
        } = filter;
        Self {
            customer: named(CUSTOMERS, *customer),
            department: named(DEPARTMENTS, *department),
            assignee: named(STAFF_MEMBERS, *assignee),
            state: 0,
            kind: 0,
            unassigned: *unassigned,
            states: states.iter().map(|state| pb_ticket::State::from(*state).into()).collect(),
            kinds: kinds.iter().map(|kind| pb_ticket::Kind::from(*kind).into()).collect(),
            priorities: priorities.iter().map(|priority| pb_ticket::Priority::from(*priority).into()).collect(),
            mine: *mine,
            create_time: proto_range(*created),
            update_time: proto_range(*updated),
            next_due_time: proto_range(*due),
            overdue: *overdue,
            reopened: *reopened,
            tags: tags.clone(),
            risk_levels: risks.iter().map(|level| risk::proto_level(*level).into()).collect(),
            verification_needs_call: *needs_call,
        }
    }
}

fn proto_range(range: Range) -> Option<pb::TimeRange> {
    let Range { start, end } = range;
    let times = pb::TimeRange { start_time: start.map(proto_timestamp), end_time: end.map(proto_timestamp) };
    (range != Range::default()).then_some(times)
}

/// What a filter asks, of the ticket that an event tells of.
///
/// # Errors
/// When it is not what we write.
pub fn seen(event: &pb::TicketEvent, updated_at: jiff::Timestamp) -> Result<Seen, Error> {
    let unreadable = |what: &str| Error::internal(format!("{what} of an event of {} cannot be read", event.ticket));
    let id = |collection: &str, name: &str| -> Result<Option<Uuid>, Error> {
        if name.is_empty() {
            Ok(None)
        } else {
            parse_name(collection, name).map(Some).map_err(|_| unreadable(collection))
        }
    };
    Ok(Seen {
        customer: id(CUSTOMERS, &event.customer)?.ok_or_else(|| unreadable("the customer"))?,
        department: id(DEPARTMENTS, &event.department)?,
        assignee: id(STAFF_MEMBERS, &event.assignee)?,
        state: parse_state(event.state).ok().flatten().ok_or_else(|| unreadable("the state"))?,
        kind: parse_kind(event.kind).map_err(|_| unreadable("the kind"))?,
        priority: read_priority(event.priority).ok().flatten().ok_or_else(|| unreadable("the priority"))?,
        created_at: timestamp(event.create_time).ok_or_else(|| unreadable("the time"))?,
        updated_at,
        next_due_at: timestamp(event.next_due_time),
        reopen_count: event.reopen_count,
        tags: event.tags.clone(),
        call_from: timestamp(event.verification_call_time),
    })
}
