//! Grants and policies from and to the contract.

use std::collections::BTreeSet;

use seva_proto::tickets::v1::{
    self as pb, CompensationGrantEvent, CompensationPolicyEvent, compensation_grant as message,
};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::{proto_timestamp, timestamp},
    paging::{PageKey, PageRequest},
};
use seva_values::{Currency, Invalid, Money, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{ApproveGrant, CreatePolicy, ProposeGrant, RejectGrant, ReverseGrant},
    invoices,
    limits::{Bound, Kind, Limit, Policy},
    model::{COLLECTION, Grant, State},
    policies::COLLECTION as POLICIES,
    queries::{Allowance, ListGrants},
};
use crate::{roster::model::STAFF_MEMBERS, spoken::spoken_enums};

/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 2_000;
/// Limits of one policy at most.
const MAX_LIMITS: usize = 500;
/// What no limit and no amount goes over, so that sums stay far within 64 bits.
const MAX_MINOR_UNITS: i64 = 1_000_000_000_000;

fn required() -> Invalid {
    Invalid::new("FIELD_REQUIRED", "is required")
}

/// Reads a name that may be missing.
fn optional_name(violations: &mut Violations, field: &str, collection: &str, name: &str) -> Option<Option<Uuid>> {
    let parsed = if name.is_empty() { Ok(None) } else { parse_name(collection, name).map(Some) };
    violations.take(field, parsed)
}

/// Reads the field `name` of a request about one grant.
pub fn grant_name(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads the field `name` of a request about one policy.
pub fn policy_name(name: &str) -> Result<Uuid, Error> {
    parse_name(POLICIES, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads the field `customer` of a request.
pub fn customer(name: &str) -> Result<Uuid, Error> {
    parse_name("customers", name).map_err(|invalid| Error::invalid_field("customer", invalid))
}

/// Reads a request for a list of policies.
pub fn policies_page(request: &pb::ListCompensationPoliciesRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, POLICIES, "", request.page_size, &request.page_token)
}

/// Reads a request for a list of grants.
pub fn list_query(request: pb::ListGrantsRequest, key: &PageKey) -> Result<ListGrants, Error> {
    let pb::ListGrantsRequest { page_size, page_token, filter } = request;
    let pb::GrantFilter { ticket, customer, proposer, state } = filter.unwrap_or_default();
    let query = format!("{ticket}/{customer}/{proposer}/{state}");
    let mut violations = Violations::default();
    let ticket = optional_name(&mut violations, "filter.ticket", "tickets", &ticket);
    let customer = optional_name(&mut violations, "filter.customer", "customers", &customer);
    let proposer = optional_name(&mut violations, "filter.proposer", STAFF_MEMBERS, &proposer);
    let state = violations.take("filter.state", read_state(state));
    let (ticket, customer, proposer, state) = {
        let all = || Some((ticket?, customer?, proposer?, state?));
        violations.finish(all())?
    };
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListGrants { ticket, customer, proposer, state, page })
}

fn which(name: &str, etag: &str, violations: &mut Violations) -> Option<(Uuid, Etag)> {
    let id = violations.take("name", parse_name(COLLECTION, name));
    let etag = violations.take("etag", Etag::parse(etag));
    id.zip(etag)
}

fn reason(given: &str, violations: &mut Violations) -> Option<String> {
    violations.take("reason", text::required_line(given, MAX_REASON_CHARS))
}

impl TryFrom<pb::ProposeGrantRequest> for ProposeGrant {
    type Error = Error;

    fn try_from(request: pb::ProposeGrantRequest) -> Result<Self, Error> {
        let pb::ProposeGrantRequest { ticket, ticket_etag, kind, amount, reason: why, invoice, request_id: _ } =
            request;
        let mut violations = Violations::default();
        let ticket = violations.take("ticket", parse_name("tickets", &ticket));
        let ticket_etag = violations.take("ticket_etag", Etag::parse(&ticket_etag));
        let kind = violations.take("kind", read_kind(kind).and_then(|kind| kind.ok_or_else(required)));
        let amount = violations.required("amount", amount);
        let amount = amount.and_then(|amount| violations.take_message("amount", Money::try_from(amount)));
        if let Some(Money { minor_units, .. }) = amount {
            violations.take("amount.minor_units", in_range(1, minor_units));
        }
        let reason = reason(&why, &mut violations);
        let invoice = optional_name(&mut violations, "invoice", invoices::COLLECTION, &invoice);
        if let (Some(kind), Some(invoice)) = (kind, invoice)
            && (kind == Kind::Refund) != invoice.is_some()
        {
            let fault = Invalid::new("INVOICE_OF_REFUND", "a refund names its invoice, and nothing else does (TK64)");
            violations.add("invoice", fault);
        }
        let command = || {
            Some(Self {
                ticket: ticket?,
                ticket_etag: ticket_etag?,
                kind: kind?,
                amount: amount?,
                reason: reason?,
                invoice: invoice?,
            })
        };
        let command = command();
        violations.finish(command)
    }
}

impl TryFrom<pb::ApproveGrantRequest> for ApproveGrant {
    type Error = Error;

    fn try_from(request: pb::ApproveGrantRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        violations.finish(ids.map(|(id, etag)| Self { id, etag }))
    }
}

impl TryFrom<pb::RejectGrantRequest> for RejectGrant {
    type Error = Error;

    fn try_from(request: pb::RejectGrantRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let reason = reason(&request.reason, &mut violations);
        violations.finish(ids.zip(reason).map(|((id, etag), reason)| Self { id, etag, reason }))
    }
}

impl TryFrom<pb::ReverseGrantRequest> for ReverseGrant {
    type Error = Error;

    fn try_from(request: pb::ReverseGrantRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let reason = reason(&request.reason, &mut violations);
        violations.finish(ids.zip(reason).map(|((id, etag), reason)| Self { id, etag, reason }))
    }
}

impl TryFrom<pb::CreateCompensationPolicyRequest> for CreatePolicy {
    type Error = Error;

    fn try_from(request: pb::CreateCompensationPolicyRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let policy = violations.required("compensation_policy", request.compensation_policy);
        let Some(pb::CompensationPolicy { effective_time, limits, .. }) = policy else { return Err(violations.into()) };
        let effective_at = match effective_time {
            None => Some(None),
            Some(time) => {
                let malformed = || Invalid::new("TIME_MALFORMED", "has to be a time within the years 1 to 9999");
                violations
                    .take("compensation_policy.effective_time", timestamp(Some(time)).ok_or_else(malformed))
                    .map(Some)
            }
        };
        if limits.len() > MAX_LIMITS {
            let fault = Invalid::new("TOO_MANY", format!("has {MAX_LIMITS} limits at most"));
            violations.add("compensation_policy.limits", fault);
        }
        let mut read = Vec::with_capacity(limits.len());
        let mut named = BTreeSet::new();
        for (at, limit) in limits.into_iter().take(MAX_LIMITS).enumerate() {
            let field = format!("compensation_policy.limits[{at}]");
            let Some(limit) = read_limit(&limit, &field, &mut violations) else { continue };
            if !named.insert((limit.kind, limit.currency)) {
                violations.add(field, Invalid::new("LIMIT_REPEATED", "each kind and currency has one limit at most"));
            }
            read.push(limit);
        }
        violations.finish(effective_at.map(|effective_at| Self { effective_at, limits: read }))
    }
}

fn read_limit(limit: &pb::CompensationLimit, field: &str, violations: &mut Violations) -> Option<Limit> {
    let kind =
        violations.take(format!("{field}.kind"), read_kind(limit.kind).and_then(|kind| kind.ok_or_else(required)));
    let currency = violations.take(format!("{field}.currency"), Currency::parse(&limit.currency));
    let mut units = |name: &str, given| violations.take(format!("{field}.{name}"), in_range(0, given));
    let per_grant = units("per_grant_minor_units", limit.per_grant_minor_units);
    let per_member_day = units("per_member_day_minor_units", limit.per_member_day_minor_units);
    let per_customer = units("per_customer_minor_units", limit.per_customer_minor_units);
    Some(Limit {
        kind: kind?,
        currency: currency?,
        per_grant: per_grant?,
        per_member_day: per_member_day?,
        per_customer: per_customer?,
    })
}

fn in_range(least: i64, given: i64) -> Result<i64, Invalid> {
    if (least..=MAX_MINOR_UNITS).contains(&given) {
        return Ok(given);
    }
    Err(Invalid::new("AMOUNT_OUT_OF_RANGE", format!("has to be {least} to {MAX_MINOR_UNITS}")))
}

impl From<&Grant> for pb::CompensationGrant {
    fn from(grant: &Grant) -> Self {
        let Grant {
            id,
            version,
            ticket,
            customer,
            kind,
            amount,
            reason,
            invoice,
            state,
            exceeded_limits,
            policy,
            proposer,
            giver: _,
            decider,
            decision_note,
            reverses,
            return_case,
            external_key,
            fault,
            counted_at: _,
            due_at,
            created_at,
            updated_at,
            settled_at,
        } = grant;
        Self {
            name: format_name(COLLECTION, *id),
            etag: Etag::format(*version),
            ticket: format_name("tickets", *ticket),
            customer: format_name("customers", *customer),
            kind: message::Kind::from(*kind).into(),
            amount: Some((*amount).into()),
            reason: reason.clone(),
            invoice: optional(invoices::COLLECTION, *invoice),
            state: message::State::from(*state).into(),
            exceeded_limits: exceeded_limits.iter().map(|bound| message::Limit::from(*bound).into()).collect(),
            compensation_policy: optional(POLICIES, *policy),
            proposer: format_name(STAFF_MEMBERS, *proposer),
            decider: optional(STAFF_MEMBERS, *decider),
            decision_note: decision_note.clone().unwrap_or_default(),
            reverses: optional(COLLECTION, *reverses),
            return_case: optional("returnCases", *return_case),
            external_key: external_key.clone().unwrap_or_default(),
            fault: fault.clone().unwrap_or_default(),
            expire_time: due_at.filter(|_| *state == State::AwaitingApproval).map(proto_timestamp),
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
            settle_time: settled_at.map(proto_timestamp),
        }
    }
}

fn optional(collection: &str, id: Option<Uuid>) -> String {
    id.map(|id| format_name(collection, id)).unwrap_or_default()
}

/// What is told of a grant: all but words.
pub fn event_of(grant: &Grant) -> CompensationGrantEvent {
    let pb::CompensationGrant {
        name,
        etag: _,
        ticket,
        customer,
        kind,
        amount,
        reason: _,
        invoice,
        state,
        exceeded_limits,
        compensation_policy,
        proposer,
        decider,
        decision_note: _,
        reverses,
        return_case,
        external_key,
        fault,
        expire_time,
        create_time,
        update_time: _,
        settle_time: _,
    } = grant.into();
    CompensationGrantEvent {
        compensation_grant: name,
        ticket,
        customer,
        kind,
        amount,
        invoice,
        state,
        exceeded_limits,
        compensation_policy,
        proposer,
        decider,
        reverses,
        return_case,
        external_key,
        fault,
        expire_time,
        create_time,
        version: grant.version,
    }
}

impl From<&Policy> for pb::CompensationPolicy {
    fn from(policy: &Policy) -> Self {
        let Policy { id, version, effective_at, limits, created_at } = policy;
        let limits = limits.iter().map(|limit| pb::CompensationLimit {
            kind: message::Kind::from(limit.kind).into(),
            currency: limit.currency.code().to_owned(),
            per_grant_minor_units: limit.per_grant,
            per_member_day_minor_units: limit.per_member_day,
            per_customer_minor_units: limit.per_customer,
        });
        Self {
            name: format_name(POLICIES, *id),
            version: *version,
            effective_time: Some(proto_timestamp(*effective_at)),
            limits: limits.collect(),
            create_time: Some(proto_timestamp(*created_at)),
        }
    }
}

/// What is told of a new policy.
pub fn policy_event_of(policy: &Policy) -> CompensationPolicyEvent {
    CompensationPolicyEvent { compensation_policy: Some(policy.into()) }
}

/// What may still be given, and by which policy.
pub fn allowance_response(allowances: &[Allowance], policy: Option<&Policy>) -> pb::GetAllowanceResponse {
    let allowances = allowances.iter().map(|Allowance { kind, currency, bounds }| {
        let (bound, left) = bounds.narrowest();
        let bounds = bounds.left().iter().map(|(bound, left)| pb::allowance::Bound {
            limit: message::Limit::from(*bound).into(),
            left_minor_units: *left,
        });
        pb::Allowance {
            kind: message::Kind::from(*kind).into(),
            remaining: Some(Money::new(left, *currency).into()),
            bounded_by: message::Limit::from(bound).into(),
            bounds: bounds.collect(),
        }
    });
    pb::GetAllowanceResponse {
        allowances: allowances.collect(),
        compensation_policy: optional(POLICIES, policy.map(|policy| policy.id)),
    }
}

impl From<Bound> for message::Limit {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Authority => Self::Authority,
            Bound::PerGrant => Self::PerGrant,
            Bound::PerMemberDay => Self::PerMemberDay,
            Bound::PerCustomer => Self::PerCustomer,
        }
    }
}

spoken_enums! {
    read_kind Kind = message::Kind, "KIND_UNKNOWN", Refund, Credit, Coupon, FreeShipping, Gift, Upgrade;
    read_state State = message::State, "STATE_UNKNOWN", ApprovedInLimit, AwaitingApproval, Approved, Rejected, Expired, Issued, Settled,
        Failed;
}
