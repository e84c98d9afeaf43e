//! Assessments from and to the contract.

use seva_proto::tickets::v1::{self as pb, RiskAssessmentEvent, risk_reason};
use seva_runtime::{Error, Violations};
use seva_store::{
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    model::{COLLECTION, Counted, Level, Reason},
    queries::{AssessTicket, ListRiskAssessments},
    store::Assessment,
};

/// Reads the field `name` of a request about one assessment; it is the ticket's id.
pub fn assessment_name(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

impl TryFrom<pb::AssessTicketRequest> for AssessTicket {
    type Error = Error;

    fn try_from(request: pb::AssessTicketRequest) -> Result<Self, Error> {
        parse_name("tickets", &request.ticket).map(Self).map_err(|invalid| Error::invalid_field("ticket", invalid))
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListRiskAssessmentsRequest, key: &PageKey) -> Result<ListRiskAssessments, Error> {
    let pb::ListRiskAssessmentsRequest { page_size, page_token, filter } = request;
    let level = filter.unwrap_or_default().level;
    let mut violations = Violations::default();
    let read = violations.take("filter.level", read_level(level));
    let read = violations.finish(read)?;
    let page = PageRequest::parse(key, COLLECTION, &level.to_string(), page_size, &page_token)?;
    Ok(ListRiskAssessments { level: read, page })
}

/// Reads a level that may be missing.
pub fn read_level(given: i32) -> Result<Option<Level>, Invalid> {
    match pb::RiskLevel::try_from(given) {
        Ok(pb::RiskLevel::Unspecified) => Ok(None),
        Ok(pb::RiskLevel::Low) => Ok(Some(Level::Low)),
        Ok(pb::RiskLevel::Elevated) => Ok(Some(Level::Elevated)),
        Ok(pb::RiskLevel::High) => Ok(Some(Level::High)),
        Ok(pb::RiskLevel::Critical) => Ok(Some(Level::Critical)),
        Err(_) => Err(Invalid::new("RISK_LEVEL_UNKNOWN", "has to be a known value")),
    }
}

/// A level as the contract has it.
pub const fn proto_level(level: Level) -> pb::RiskLevel {
    match level {
        Level::Low => pb::RiskLevel::Low,
        Level::Elevated => pb::RiskLevel::Elevated,
        Level::High => pb::RiskLevel::High,
        Level::Critical => pb::RiskLevel::Critical,
    }
}

/// A reason as the contract has it.
pub const fn proto_kind(reason: Reason) -> risk_reason::Kind {
    match reason {
        Reason::Clock => risk_reason::Kind::Clock,
        Reason::SilentAssignee => risk_reason::Kind::SilentAssignee,
        Reason::Reopened => risk_reason::Kind::Reopened,
        Reason::Contacts => risk_reason::Kind::Contacts,
        Reason::Reassigned => risk_reason::Kind::Reassigned,
        Reason::BrokenPromise => risk_reason::Kind::BrokenPromise,
        Reason::LowScore => risk_reason::Kind::LowScore,
        Reason::Vip => risk_reason::Kind::Vip,
        Reason::LegalOrSafetyWord => risk_reason::Kind::LegalOrSafetyWord,
    }
}

impl From<&Counted> for pb::RiskReason {
    fn from(counted: &Counted) -> Self {
        let Counted { reason, value, weight } = *counted;
        Self { kind: proto_kind(reason).into(), weight, value }
    }
}

impl From<&Assessment> for pb::RiskAssessment {
    fn from(assessment: &Assessment) -> Self {
        let Assessment { id, version: _, risk, policy_version, assessed_at, look_at } = assessment;
        Self {
            name: format_name(COLLECTION, *id),
            ticket: format_name("tickets", *id),
            score: risk.score,
            level: proto_level(risk.level).into(),
            reasons: risk.reasons.iter().map(Into::into).collect(),
            policy_version: *policy_version,
            assess_time: assessed_at.map(proto_timestamp),
            look_again_time: look_at.map(proto_timestamp),
        }
    }
}

/// What is told of an assessment that changed.
pub fn event_of(assessment: &Assessment) -> RiskAssessmentEvent {
    let pb::RiskAssessment { name, ticket, score, level, reasons, policy_version, assess_time, look_again_time: _ } =
        assessment.into();
    RiskAssessmentEvent {
        risk_assessment: name,
        ticket,
        score,
        level,
        reasons,
        policy_version,
        assess_time,
        version: assessment.version,
    }
}
