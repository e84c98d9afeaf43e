//! Programmes from and to the contract.

use std::ops::RangeInclusive;

use jiff::SignedDuration;
use seva_proto::surveys::v1::{self as pb, ProgrammeEvent};
use seva_runtime::{Error, Violations, mask::masked_paths};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name, text};
use uuid::Uuid;

use super::{
    commands::UpdateProgramme,
    model::{Change, DELAYS, LIFETIMES, NewProgramme, PAUSES, Programme, Trigger, USUAL_LIFETIME},
};
use crate::survey;

/// Collection of programmes' names.
pub const COLLECTION: &str = "programmes";
/// Longest name that staff give, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Paths of an update mask; the others are output only or never change, which a mask may name without effect.
const WRITABLE: &[&str] =
    &["display_name", "delay", "sampling_rate", "pause_between", "lifetime", "follow_low_scores", "priority", "active"];
const OUTPUT_ONLY: &[&str] = &["name", "etag", "survey", "trigger", "create_time"];

/// The resource name of a programme.
#[must_use]
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListProgrammesRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, COLLECTION, "", request.page_size, &request.page_token)
}

impl TryFrom<pb::CreateProgrammeRequest> for NewProgramme {
    type Error = Error;

    fn try_from(request: pb::CreateProgrammeRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(programme) = violations.required("programme", request.programme) else {
            return Err(violations.into());
        };
        let survey_id = violations.take("programme.survey", parse_name(survey::COLLECTION, &programme.survey));
        let trigger = violations.take("programme.trigger", trigger(programme.trigger));
        let change = change(&programme, WRITABLE, &mut violations);
        let new = || {
            Some(Self {
                display_name: change.display_name?,
                survey_id: survey_id?,
                trigger: trigger?,
                delay: change.delay?,
                sampling_rate: change.sampling_rate?,
                pause_between: change.pause_between?,
                lifetime: change.lifetime?,
                follow_low_scores: change.follow_low_scores?,
                priority: change.priority?,
                active: change.active?,
            })
        };
        let new = new();
        violations.finish(new)
    }
}

impl TryFrom<pb::UpdateProgrammeRequest> for UpdateProgramme {
    type Error = Error;

    fn try_from(request: pb::UpdateProgrammeRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(programme) = violations.required("programme", request.programme) else {
            return Err(violations.into());
        };
        let id = violations.take("programme.name", parse_name(COLLECTION, &programme.name));
        let etag = violations.take("programme.etag", Etag::parse(&programme.etag));
        let is_set = |path: &str| is_set(&programme, path);
        let paths = masked_paths(request.update_mask, WRITABLE, OUTPUT_ONLY, is_set, &mut violations);
        let change = change(&programme, &paths, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, change }))
    }
}

/// Reads the fields at these paths and no others. Faults are noted.
fn change(programme: &pb::Programme, paths: &[&str], violations: &mut Violations) -> Change {
    let mut change = Change::default();
    for path in paths {
        let field = format!("programme.{path}");
        match *path {
            "display_name" => {
                let line = text::required_line(&programme.display_name, MAX_NAME_CHARS);
                change.display_name = violations.take(field, line);
            }
            "delay" => change.delay = violations.take(field, duration(programme.delay, None, &DELAYS)),
            "sampling_rate" => change.sampling_rate = violations.take(field, sampling_rate(programme.sampling_rate)),
            "pause_between" => {
                change.pause_between = violations.take(field, duration(programme.pause_between, None, &PAUSES));
            }
            "lifetime" => {
                let lifetime = duration(programme.lifetime, Some(USUAL_LIFETIME), &LIFETIMES);
                change.lifetime = violations.take(field, lifetime);
            }
            "follow_low_scores" => change.follow_low_scores = Some(programme.follow_low_scores),
            "priority" => change.priority = Some(programme.priority),
            "active" => change.active = Some(programme.active),
            other => unreachable!("{other} is not among the writable paths"),
        }
    }
    change
}

fn is_set(programme: &pb::Programme, path: &str) -> bool {
    match path {
        "display_name" => !programme.display_name.is_empty(),
        "delay" => programme.delay.is_some(),
        "sampling_rate" => programme.sampling_rate != 0.0,
        "pause_between" => programme.pause_between.is_some(),
        "lifetime" => programme.lifetime.is_some(),
        "follow_low_scores" => programme.follow_low_scores,
        "priority" => programme.priority != 0,
        _ => programme.active,
    }
}

/// Reads a time of whole seconds within its bounds; `usual` where it may be left out (SU30).
fn duration(
    given: Option<prost_types::Duration>,
    usual: Option<SignedDuration>,
    bounds: &RangeInclusive<SignedDuration>,
) -> Result<SignedDuration, Invalid> {
    let Some(given) = given else {
        return usual.ok_or_else(|| Invalid::new("FIELD_REQUIRED", "is required"));
    };
    if given.nanos != 0 {
        return Err(Invalid::new("DURATION_NOT_WHOLE", "has to be whole seconds"));
    }
    let duration = SignedDuration::from_secs(given.seconds);
    if bounds.contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (bounds.start().as_hours(), bounds.end().as_hours());
    Err(Invalid::new("DURATION_OUT_OF_RANGE", format!("has to be {least} to {most} hours")))
}

/// Reads a share over 0 up to 1 (SU30).
fn sampling_rate(rate: f64) -> Result<f64, Invalid> {
    if rate > 0.0 && rate <= 1.0 {
        return Ok(rate);
    }
    Err(Invalid::new("SAMPLING_RATE_OUT_OF_RANGE", "has to be over 0 up to 1"))
}

fn trigger(trigger: i32) -> Result<Trigger, Invalid> {
    match pb::programme::Trigger::try_from(trigger) {
        Ok(pb::programme::Trigger::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(pb::programme::Trigger::OrderDelivered) => Ok(Trigger::OrderDelivered),
        Ok(pb::programme::Trigger::TicketClosed) => Ok(Trigger::TicketClosed),
        Err(_) => Err(Invalid::new("TRIGGER_UNKNOWN", "has to be a known trigger")),
    }
}

impl From<Trigger> for pb::programme::Trigger {
    fn from(trigger: Trigger) -> Self {
        match trigger {
            Trigger::OrderDelivered => Self::OrderDelivered,
            Trigger::TicketClosed => Self::TicketClosed,
        }
    }
}

impl From<&Programme> for pb::Programme {
    fn from(programme: &Programme) -> Self {
        let Programme {
            id,
            version,
            display_name,
            survey_id,
            trigger,
            delay,
            sampling_rate,
            pause_between,
            lifetime,
            follow_low_scores,
            priority,
            active,
            salt: _,
            created_at,
            updated_at: _,
        } = programme;
        let duration =
            |duration: &SignedDuration| Some(prost_types::Duration { seconds: duration.as_secs(), nanos: 0 });
        Self {
            name: name(*id),
            etag: Etag::format(*version),
            display_name: display_name.clone(),
            survey: survey::name(*survey_id),
            trigger: pb::programme::Trigger::from(*trigger).into(),
            delay: duration(delay),
            sampling_rate: *sampling_rate,
            pause_between: duration(pause_between),
            lifetime: duration(lifetime),
            follow_low_scores: *follow_low_scores,
            priority: *priority,
            active: *active,
            create_time: Some(proto_timestamp(*created_at)),
        }
    }
}

/// The state of a programme after a change of these fields, as events carry it.
pub fn event_of(programme: &Programme, changed: &[&str]) -> ProgrammeEvent {
    ProgrammeEvent {
        programme: Some(programme.into()),
        changed_fields: changed.iter().map(|&field| field.to_owned()).collect(),
        update_time: Some(proto_timestamp(programme.updated_at)),
    }
}
