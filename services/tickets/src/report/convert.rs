//! Reports from and to the contract.

use jiff::{Timestamp, civil::Date};
use seva_proto::tickets::v1::{
    self as pb, OpeningChannel, avoidable_contact_row::Reason, clock as pb_clock, report_row::Row, root_problem,
    ticket as pb_ticket,
};
use seva_runtime::{Error, Violations};
use seva_store::event::proto_timestamp;
use seva_values::{HumanNumber, Invalid, Zone, format_name, proto::parse_date};
use uuid::Uuid;

use super::{
    model::{Hour, Period, Query, Report},
    store,
};
use crate::{
    clock,
    promise::convert::optional_name,
    recipient::Tier,
    roster::model::{DEPARTMENTS, STAFF_MEMBERS},
    stored,
    ticket::{
        CancelReason, Closure, Kind, Priority,
        convert::{CUSTOMERS, named, proto_closure, proto_tier},
        model::COLLECTION,
        state::{Cause, State},
    },
};

/// Microseconds of a minute.
const MINUTE: f64 = 60_000_000.0;

/// Reads which report, of which days (TK131).
pub fn query(query: Option<pb::ReportQuery>, now: Timestamp) -> Result<Query, Error> {
    let mut violations = Violations::default();
    let Some(query) = violations.required("query", query) else { return Err(violations.into()) };
    let report = violations.take("query.report", parse_report(query.report));
    let first = violations.take("query.start_date", parse_date(&query.start_date));
    let end = violations.take("query.end_date", parse_date(&query.end_date));
    let zone = violations.take("query.zone", Zone::parse(&query.zone));
    let department = optional_name(&mut violations, "query.department", DEPARTMENTS, &query.department);
    let of_days = |((first, end), zone)| violations.take("query.end_date", Period::new(zone, first, end));
    let period = first.zip(end).zip(zone.or(Some(Zone::utc()))).and_then(of_days);
    let all = report.zip(period).zip(department).map(|((report, period), department)| Query {
        report,
        period: period.begun_by(now),
        department,
        now,
    });
    violations.finish(all)
}

fn parse_report(given: i32) -> Result<Report, Invalid> {
    Ok(match pb::Report::try_from(given) {
        Ok(pb::Report::Volumes) => Report::Volumes,
        Ok(pb::Report::Clocks) => Report::Clocks,
        Ok(pb::Report::Resolutions) => Report::Resolutions,
        Ok(pb::Report::PromisesByDepartment) => Report::PromisesByDepartment,
        Ok(pb::Report::PromisesByOwner) => Report::PromisesByOwner,
        Ok(pb::Report::DepartmentParity) => Report::DepartmentParity,
        Ok(pb::Report::Causes) => Report::Causes,
        Ok(pb::Report::CauseCompensation) => Report::CauseCompensation,
        Ok(pb::Report::AvoidableContacts) => Report::AvoidableContacts,
        Ok(pb::Report::WaitingByHour) => Report::WaitingByHour,
        Ok(pb::Report::Tickets) => Report::Tickets,
        Ok(pb::Report::Unspecified) | Err(_) => {
            return Err(Invalid::new("REPORT_UNKNOWN", "has to be a known report"));
        }
    })
}

fn kind(name: &str) -> Result<i32, Error> {
    Ok(pb_ticket::Kind::from(Kind::from_name(name)?).into())
}

fn cause(name: &str) -> Result<i32, Error> {
    Ok(root_problem::Cause::from(Cause::from_name(name)?).into())
}

fn channel(name: &str) -> Result<i32, Error> {
    let channel = match name {
        "staff" => OpeningChannel::Staff,
        "event" => OpeningChannel::Event,
        "mail" => OpeningChannel::Mail,
        "web" => OpeningChannel::Web,
        "sms" => OpeningChannel::Sms,
        "messaging" => OpeningChannel::Messaging,
        "social" => OpeningChannel::Social,
        "import" => OpeningChannel::Import,
        unknown => return Err(stored::unknown("channel", unknown)),
    };
    Ok(channel.into())
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn minutes(micros: Option<i64>) -> Option<f64> {
    micros.map(|micros| micros as f64 / MINUTE)
}

fn time(at: jiff_sqlx::Timestamp) -> prost_types::Timestamp {
    proto_timestamp(at.to_jiff())
}

/// What happened on a day.
pub fn volume(date: Date, volume: &store::Volume, open_at_end: i64) -> Result<Row, Error> {
    Ok(Row::Volume(pb::VolumeRow {
        date: date.to_string(),
        kind: kind(&volume.kind)?,
        department: named(DEPARTMENTS, volume.department),
        channel: channel(&volume.channel)?,
        opened: volume.opened,
        resolved: volume.resolved,
        closed_verified: volume.closed_verified,
        closed_unverified: volume.closed_unverified,
        canceled: volume.canceled,
        merged: volume.merged,
        rejected: volume.rejected,
        reopened: volume.reopened,
        unmerged: volume.unmerged,
        open_at_end,
    }))
}

/// How clocks went.
pub fn clock(row: store::ClockCounts) -> Result<Row, Error> {
    Ok(Row::Clock(pb::ClockRow {
        department: named(DEPARTMENTS, row.department),
        kind: pb_clock::Kind::from(clock::Kind::from_name(&row.kind)?).into(),
        priority: pb_ticket::Priority::from(Priority::from_name(&row.priority)?).into(),
        counted: row.counted,
        met_in_time: row.met_in_time,
        met_late: row.met_late,
        overdue: row.overdue,
        under_way: row.under_way,
        percent_in_time: share(row.met_in_time * 100, row.met_in_time + row.met_late + row.overdue),
        measured: row.measured,
        p50_minutes: minutes(row.p50),
        p90_minutes: minutes(row.p90),
    }))
}

/// What became of resolutions.
pub fn resolution(row: store::Resolutions) -> Result<Row, Error> {
    Ok(Row::Resolution(pb::ResolutionRow {
        department: named(DEPARTMENTS, row.department),
        kind: kind(&row.kind)?,
        resolutions: row.resolutions,
        verified: row.verified,
        unverified: row.unverified,
        rejected: row.rejected,
        merged: row.merged,
        waiting: row.waiting,
        verified_rate: share(row.verified, row.verified + row.unverified + row.rejected),
        tickets: row.tickets,
        reopened_once: row.reopened_once,
        reopened_again: row.reopened_again,
    }))
}

/// Tickets of one root problem.
pub fn cause_row(row: store::CauseCounts) -> Result<Row, Error> {
    Ok(Row::Cause(pb::CauseRow {
        cause: cause(&row.cause)?,
        handbook_rule: row.handbook_rule.unwrap_or_default(),
        department: named(DEPARTMENTS, row.department),
        tickets: row.tickets,
        reopened: row.reopened,
        reopen_rate: share(row.reopened, row.tickets).unwrap_or_default(),
    }))
}

/// What was given for a root problem.
pub fn cause_compensation(row: store::CauseCompensation) -> Result<Row, Error> {
    Ok(Row::CauseCompensation(pb::CauseCompensationRow {
        cause: cause(&row.cause)?,
        handbook_rule: row.handbook_rule.unwrap_or_default(),
        currency: row.currency,
        grants: row.grants,
        given_minor_units: row.given,
        taken_back_minor_units: row.taken_back,
    }))
}

/// A contact that something of ours has caused.
pub fn contact(row: store::Contact) -> Result<Row, Error> {
    let reason = match row.reason.as_str() {
        "not_solved" => Reason::NotSolved,
        "came_back" => Reason::CameBack,
        "promise_broken" => Reason::PromiseBroken,
        "answer_overdue" => Reason::AnswerOverdue,
        "resolution_overdue" => Reason::ResolutionOverdue,
        "known_to_us" => Reason::KnownToUs,
        unknown => return Err(stored::unknown("reason of a contact", unknown)),
    };
    Ok(Row::AvoidableContact(pb::AvoidableContactRow {
        time: Some(time(row.at)),
        ticket: format_name(COLLECTION, row.ticket),
        kind: kind(&row.kind)?,
        department: named(DEPARTMENTS, row.department),
        reason: reason.into(),
        cause_time: row.since.map(time),
    }))
}

/// What waited as an hour began, and how many were on shift.
pub fn waiting(
    hour: Hour,
    department: Option<Uuid>,
    waiting: Option<&store::Waiting>,
    on_shift: usize,
) -> Result<Row, Error> {
    let on_shift = i64::try_from(on_shift).map_err(Error::internal)?;
    let tickets = waiting.map_or(0, |waiting| waiting.waiting);
    let longest = waiting.map(|waiting| waiting.longest_since.to_jiff().duration_until(hour.at).as_secs_f64() / 60.0);
    Ok(Row::Waiting(pb::WaitingRow {
        department: named(DEPARTMENTS, department),
        date: hour.date.to_string(),
        hour: hour.hour.into(),
        start_time: Some(proto_timestamp(hour.at)),
        waiting: tickets,
        longest_wait_minutes: longest,
        on_shift,
        waiting_per_member: share(tickets, on_shift),
    }))
}

/// A ticket.
pub fn ticket(row: store::Ticket) -> Result<Row, Error> {
    let closure = row.closure.as_deref().map(Closure::from_name).transpose()?;
    let canceled = row.cancel_reason.as_deref().map(CancelReason::from_name).transpose()?;
    let canceled = canceled.map_or(pb_ticket::CancelReason::Unspecified, Into::into);
    Ok(Row::Ticket(pb::TicketRow {
        ticket: format_name(COLLECTION, row.id),
        number: HumanNumber::new(row.number).map(|number| number.to_string()).unwrap_or_default(),
        customer: format_name(CUSTOMERS, row.customer_id),
        kind: kind(&row.kind)?,
        priority: pb_ticket::Priority::from(Priority::from_name(&row.priority)?).into(),
        tier: proto_tier(Tier::from_name(&row.tier)?).into(),
        state: pb_ticket::State::from(State::from_name(&row.state)?).into(),
        department: named(DEPARTMENTS, row.department),
        assignee: named(STAFF_MEMBERS, row.assignee),
        channel: channel(&row.channel)?,
        language: row.language,
        create_time: Some(time(row.created_at)),
        update_time: Some(time(row.updated_at)),
        resolve_time: row.resolved_at.map(time),
        close_time: row.closed_at.map(time),
        closure: proto_closure(closure).into(),
        cancel_reason: canceled.into(),
        reopen_count: row.reopen_count,
        resolutions: row.resolutions,
        cause: row.root_cause.as_deref().map(cause).transpose()?.unwrap_or_default(),
        handbook_rule: row.root_rule.unwrap_or_default(),
        matter_kind: row.matter_kind.unwrap_or_default(),
        follow_up_of: named(COLLECTION, row.follow_up_of),
        merged_into: named(COLLECTION, row.merged_into),
    }))
}
