//! Staff members from and to the contract.

use jiff::Timestamp;
use seva_proto::{
    common::v1 as values,
    staff::v1::{
        self as pb, StaffMemberEvent,
        authority_limit::Kind as ProtoKind,
        staff_member::{Presence as ProtoPresence, Role as ProtoRole, State as ProtoState},
    },
};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{AvailabilityWindows, Invalid, Language, Money, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{EndService, SetPresence, UpdateStaffMember},
    model::{
        AuthorityKind, AuthorityLimit, Change, MAX_AUTHORITY_LIMITS, MAX_CAPACITY, MAX_LANGUAGES, MAX_SKILLS,
        NewStaffMember, Presence, Role, Shifts, StaffMember, State,
    },
    queries::{ListStaffMembers, ORDERS},
};
use crate::department::convert as departments;

/// Collection of staff members' names.
pub const COLLECTION: &str = "staffMembers";
/// Longest part of a name, and longest user, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Longest skill, in bytes.
const MAX_SKILL_BYTES: usize = 40;
/// Paths of an update mask; the others are output only or change by custom methods, and a mask may name them without effect.
const WRITABLE: &[&str] = &[
    "given_name",
    "family_name",
    "role",
    "department",
    "languages",
    "skills",
    "shifts",
    "capacity",
    "authority_limits",
];
const OUTPUT_ONLY: &[&str] = &[
    "name",
    "etag",
    "user",
    "presence",
    "state",
    "on_shift",
    "handbook_current",
    "version",
    "create_time",
    "update_time",
];

/// The resource name of a staff member.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

impl TryFrom<pb::CreateStaffMemberRequest> for NewStaffMember {
    type Error = Error;

    fn try_from(request: pb::CreateStaffMemberRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(member) = violations.required("staff_member", request.staff_member) else {
            return Err(violations.into());
        };
        let user = violations.take("staff_member.user", text::required_line(&member.user, MAX_NAME_CHARS));
        let presence = match member.presence {
            0 => Some(Presence::Away),
            presence => violations.take("staff_member.presence", parse_presence(presence)),
        };
        let Change { given_name, family_name, role, department, languages, skills, shifts, capacity, authority_limits } =
            change(&member, WRITABLE, &mut violations);
        let new = || {
            Some(Self {
                given_name: given_name?,
                family_name: family_name?,
                user: user?,
                role: role?,
                department: department?,
                languages: languages?,
                skills: skills?,
                shifts: shifts?,
                presence: presence?,
                capacity: capacity?,
                authority_limits: authority_limits?,
            })
        };
        let new = new();
        violations.finish(new)
    }
}

impl TryFrom<pb::UpdateStaffMemberRequest> for UpdateStaffMember {
    type Error = Error;

    fn try_from(request: pb::UpdateStaffMemberRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(member) = violations.required("staff_member", request.staff_member) else {
            return Err(violations.into());
        };
        let id = violations.take("staff_member.name", parse_name(COLLECTION, &member.name));
        let etag = violations.take("staff_member.etag", Etag::parse(&member.etag));
        let is_set = |path: &str| is_set(&member, path);
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut violations);
        let change = change(&member, &paths, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, change }))
    }
}

impl TryFrom<pb::SetPresenceRequest> for SetPresence {
    type Error = Error;

    fn try_from(request: pb::SetPresenceRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let presence = violations.take("presence", parse_presence(request.presence));
        violations.finish(id.zip(presence).map(|(id, presence)| Self { id, presence }))
    }
}

impl TryFrom<pb::EndServiceRequest> for EndService {
    type Error = Error;

    fn try_from(request: pb::EndServiceRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = violations.take("name", parse_name(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag }))
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListStaffMembersRequest, key: &PageKey) -> Result<ListStaffMembers, Error> {
    let pb::ListStaffMembersRequest { page_size, page_token, order_by, filter } = request;
    let pb::StaffMemberFilter { department, skill, language, state, presence } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let department = given(&department, |name| parse_name(departments::COLLECTION, name));
    let department = violations.take("filter.department", department);
    let skill = violations.take("filter.skill", given(&skill, |skill| text::word(skill, '-', MAX_SKILL_BYTES)));
    let language = violations.take("filter.language", given(&language, Language::parse));
    let state = violations.take("filter.state", parse_state(state));
    let presence = match presence {
        0 => Some(None),
        presence => violations.take("filter.presence", parse_presence(presence)).map(Some),
    };
    let filters = || Some((order?, department?, skill?, language?, state?, presence?));
    let filters = filters();
    let (order, department, skill, language, state, presence) = violations.finish(filters)?;
    let query = format!("{}/{department:?}/{skill:?}/{language:?}/{state:?}/{presence:?}", order.name);
    let page = PageRequest::parse(key, "staff_members", &query, page_size, &page_token)?;
    Ok(ListStaffMembers { order, department, skill, language, state, presence, page })
}

/// Reads a condition that may be left out.
fn given<T>(text: &str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<Option<T>, Invalid> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// Reads the fields at these paths and no others. Faults are noted.
fn change(member: &pb::StaffMember, paths: &[&str], violations: &mut Violations) -> Change {
    let mut change = Change::default();
    for path in paths {
        let field = format!("staff_member.{path}");
        match *path {
            "given_name" => change.given_name = violations.take(field, text::line(&member.given_name, MAX_NAME_CHARS)),
            "family_name" => {
                change.family_name = violations.take(field, text::line(&member.family_name, MAX_NAME_CHARS));
            }
            "role" => change.role = violations.take(field, parse_role(member.role)),
            "department" => {
                change.department = violations.take(field, parse_name(departments::COLLECTION, &member.department));
            }
            "languages" => change.languages = languages(&member.languages, &field, violations),
            "skills" => change.skills = skills(&member.skills, &field, violations),
            "shifts" => change.shifts = shifts(member.shifts.as_ref(), &field, violations),
            "capacity" => change.capacity = violations.take(field, parse_capacity(member.capacity)),
            "authority_limits" => change.authority_limits = limits(&member.authority_limits, &field, violations),
            other => unreachable!("{other} is not among the writable paths"),
        }
    }
    change
}

fn is_set(member: &pb::StaffMember, path: &str) -> bool {
    match path {
        "given_name" => !member.given_name.is_empty(),
        "family_name" => !member.family_name.is_empty(),
        "role" => member.role != 0,
        "department" => !member.department.is_empty(),
        "languages" => !member.languages.is_empty(),
        "skills" => !member.skills.is_empty(),
        "shifts" => member.shifts.is_some(),
        "capacity" => member.capacity != 0,
        _ => !member.authority_limits.is_empty(),
    }
}

fn languages(tags: &[String], field: &str, violations: &mut Violations) -> Option<Vec<Language>> {
    if tags.is_empty() || tags.len() > MAX_LANGUAGES {
        let description = format!("a staff member has 1 to {MAX_LANGUAGES}");
        violations.add(field, Invalid::new("LANGUAGES_COUNT", description));
        return None;
    }
    let parse = |tag: &String| Language::parse(tag);
    each(tags, field, "LANGUAGE_REPEATED", violations, parse)
}

fn skills(words: &[String], field: &str, violations: &mut Violations) -> Option<Vec<String>> {
    if words.len() > MAX_SKILLS {
        violations.add(field, Invalid::new("SKILLS_TOO_MANY", format!("a staff member has {MAX_SKILLS} at most")));
        return None;
    }
    each(words, field, "SKILL_REPEATED", violations, |word| text::word(word, '-', MAX_SKILL_BYTES))
}

fn shifts(shifts: Option<&pb::Shifts>, field: &str, violations: &mut Violations) -> Option<Shifts> {
    let pb::Shifts { zone, intervals, exceptions } = violations.required(field, shifts)?.clone();
    let hours = AvailabilityWindows::try_from(values::AvailabilityWindows { zone, intervals, exceptions });
    violations.take_message(field, hours).map(Shifts::new)
}

fn limits(limits: &[pb::AuthorityLimit], field: &str, violations: &mut Violations) -> Option<Vec<AuthorityLimit>> {
    if limits.len() > MAX_AUTHORITY_LIMITS {
        let too_many = format!("a staff member has {MAX_AUTHORITY_LIMITS} at most");
        violations.add(field, Invalid::new("AUTHORITY_LIMITS_TOO_MANY", too_many));
        return None;
    }
    let mut parsed: Vec<AuthorityLimit> = Vec::with_capacity(limits.len());
    for (at, limit) in limits.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let kind = violations.take(format!("{field}.kind"), parse_authority(limit.kind));
        let per_grant = violations.required(format!("{field}.per_grant"), limit.per_grant.clone());
        let per_grant =
            per_grant.and_then(|money| violations.take_message(&format!("{field}.per_grant"), Money::try_from(money)));
        let Some((kind, per_grant)) = kind.zip(per_grant) else { continue };
        let is_same = |other: &AuthorityLimit| other.kind == kind && other.per_grant.currency == per_grant.currency;
        if parsed.iter().any(is_same) {
            let repeated = Invalid::new("AUTHORITY_LIMIT_REPEATED", "one of its kind and currency stands before (ST7)");
            violations.add(&field, repeated);
        }
        parsed.push(AuthorityLimit { kind, per_grant });
    }
    (parsed.len() == limits.len()).then_some(parsed)
}

/// Reads every item of a list in which none stands twice.
fn each<T: PartialEq>(
    items: &[String],
    field: &str,
    repeated: &'static str,
    violations: &mut Violations,
    parse: impl Fn(&String) -> Result<T, Invalid>,
) -> Option<Vec<T>> {
    let mut parsed = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(item) = violations.take(field.clone(), parse(item)) else { continue };
        if parsed.contains(&item) {
            violations.add(field, Invalid::new(repeated, "stands in the list before"));
        }
        parsed.push(item);
    }
    (parsed.len() == items.len()).then_some(parsed)
}

fn parse_capacity(capacity: i32) -> Result<i32, Invalid> {
    if (0..=MAX_CAPACITY).contains(&capacity) {
        return Ok(capacity);
    }
    Err(Invalid::new("CAPACITY_OUT_OF_RANGE", format!("is from 0 to {MAX_CAPACITY}")))
}

fn required() -> Invalid {
    Invalid::new("FIELD_REQUIRED", "is required")
}

fn parse_role(role: i32) -> Result<Role, Invalid> {
    match ProtoRole::try_from(role) {
        Ok(ProtoRole::Unspecified) => Err(required()),
        Ok(ProtoRole::Agent) => Ok(Role::Agent),
        Ok(ProtoRole::Lead) => Ok(Role::Lead),
        Ok(ProtoRole::Manager) => Ok(Role::Manager),
        Ok(ProtoRole::Hr) => Ok(Role::Hr),
        Err(_) => Err(Invalid::new("ROLE_UNKNOWN", "has to be a known role")),
    }
}

fn parse_presence(presence: i32) -> Result<Presence, Invalid> {
    match ProtoPresence::try_from(presence) {
        Ok(ProtoPresence::Unspecified) => Err(required()),
        Ok(ProtoPresence::Present) => Ok(Presence::Present),
        Ok(ProtoPresence::Away) => Ok(Presence::Away),
        Err(_) => Err(Invalid::new("PRESENCE_UNKNOWN", "has to be a known presence")),
    }
}

fn parse_state(state: i32) -> Result<Option<State>, Invalid> {
    match ProtoState::try_from(state) {
        Ok(ProtoState::Unspecified) => Ok(None),
        Ok(ProtoState::Active) => Ok(Some(State::Active)),
        Ok(ProtoState::Left) => Ok(Some(State::Left)),
        // Leave and suspension are spoken of in events, and nobody is put into them here yet.
        Ok(ProtoState::OnLeave | ProtoState::Suspended) | Err(_) => {
            Err(Invalid::new("STATE_UNKNOWN", "has to be a state that members can have"))
        }
    }
}

fn parse_authority(kind: i32) -> Result<AuthorityKind, Invalid> {
    match ProtoKind::try_from(kind) {
        Ok(ProtoKind::Unspecified) => Err(required()),
        Ok(ProtoKind::Refund) => Ok(AuthorityKind::Refund),
        Ok(ProtoKind::Credit) => Ok(AuthorityKind::Credit),
        Ok(ProtoKind::Coupon) => Ok(AuthorityKind::Coupon),
        Ok(ProtoKind::FreeShipping) => Ok(AuthorityKind::FreeShipping),
        Ok(ProtoKind::Gift) => Ok(AuthorityKind::Gift),
        Ok(ProtoKind::Upgrade) => Ok(AuthorityKind::Upgrade),
        Err(_) => Err(Invalid::new("AUTHORITY_UNKNOWN", "has to be a known kind")),
    }
}

/// A staff member as answered at `now`: on shift or not is of that instant.
pub fn to_proto(member: &StaffMember, now: Timestamp) -> pb::StaffMember {
    let on_shift = member.on_shift(now);
    let StaffMember {
        id,
        version,
        given_name,
        family_name,
        user,
        role,
        department,
        languages,
        skills,
        shifts,
        presence,
        capacity,
        authority_limits,
        state,
        handbook_current,
        created_at,
        updated_at,
    } = member;
    pb::StaffMember {
        name: name(*id),
        etag: Etag::format(*version),
        given_name: given_name.clone(),
        family_name: family_name.clone(),
        user: user.clone(),
        role: ProtoRole::from(*role).into(),
        department: departments::name(*department),
        languages: languages.iter().map(|language| language.as_str().to_owned()).collect(),
        skills: skills.clone(),
        shifts: Some(shifts.into()),
        presence: ProtoPresence::from(*presence).into(),
        capacity: *capacity,
        authority_limits: authority_limits.iter().map(Into::into).collect(),
        state: ProtoState::from(*state).into(),
        on_shift,
        handbook_current: *handbook_current,
        version: *version,
        create_time: Some(proto_timestamp(*created_at)),
        update_time: Some(proto_timestamp(*updated_at)),
    }
}

/// The public state of a member after a change of these fields, as events carry it: without the name (ST8).
pub fn event_of(member: &StaffMember, changed: &[&str]) -> StaffMemberEvent {
    let pb::StaffMember {
        name,
        user,
        role,
        department,
        languages,
        skills,
        shifts,
        presence,
        capacity,
        authority_limits,
        state,
        handbook_current,
        version,
        ..
    } = to_proto(member, member.updated_at);
    StaffMemberEvent {
        staff_member: name,
        user,
        role,
        department,
        languages,
        skills,
        shifts,
        presence,
        capacity,
        authority_limits,
        state,
        handbook_current,
        version,
        changed_fields: changed.iter().map(|&field| field.to_owned()).collect(),
    }
}

impl From<&Shifts> for pb::Shifts {
    fn from(shifts: &Shifts) -> Self {
        let values::AvailabilityWindows { zone, intervals, exceptions } = shifts.hours().into();
        Self { zone, intervals, exceptions }
    }
}

impl From<&AuthorityLimit> for pb::AuthorityLimit {
    fn from(limit: &AuthorityLimit) -> Self {
        let AuthorityLimit { kind, per_grant } = *limit;
        Self { kind: ProtoKind::from(kind).into(), per_grant: Some(per_grant.into()) }
    }
}

impl From<AuthorityKind> for ProtoKind {
    fn from(kind: AuthorityKind) -> Self {
        match kind {
            AuthorityKind::Refund => Self::Refund,
            AuthorityKind::Credit => Self::Credit,
            AuthorityKind::Coupon => Self::Coupon,
            AuthorityKind::FreeShipping => Self::FreeShipping,
            AuthorityKind::Gift => Self::Gift,
            AuthorityKind::Upgrade => Self::Upgrade,
        }
    }
}

impl From<Role> for ProtoRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Agent => Self::Agent,
            Role::Lead => Self::Lead,
            Role::Manager => Self::Manager,
            Role::Hr => Self::Hr,
        }
    }
}

impl From<Presence> for ProtoPresence {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Present => Self::Present,
            Presence::Away => Self::Away,
        }
    }
}

impl From<State> for ProtoState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Left => Self::Left,
        }
    }
}
