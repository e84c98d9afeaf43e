//! The attributes of a `CloudEvent`, its canonical bytes and their hash.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use prost::Message;
use seva_proto::io::cloudevents::v1::{
    CloudEvent,
    cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
};
use seva_runtime::Violations;
use seva_store::event::timestamp;
use seva_values::Invalid;
use sha2::{Digest, Sha256};

/// Largest event that is taken, encoded.
pub const MAX_BYTES: usize = 64 * 1024;
/// How far ahead of the business clock an event's time may lie: clocks of other systems differ.
pub const FUTURE_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// Longest source and id of an event, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The attributes of an event that are needed, each valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes {
    pub at: Timestamp,
    pub sequence: i64,
    /// W3C trace context, when there is a well-formed one.
    pub traceparent: Option<String>,
}

/// An event in one form for all: its attributes are a map, which has no order of its own.
#[derive(Debug, Clone)]
pub struct Canonical {
    pub bytes: Vec<u8>,
    pub hash: [u8; 32],
}

impl Canonical {
    /// The encoding of the event with its attributes in the order of their names.
    pub fn of(event: &CloudEvent) -> Self {
        let bare = CloudEvent { attributes: Default::default(), ..event.clone() };
        let mut attributes: Vec<_> = event.attributes.iter().collect();
        attributes.sort_unstable_by_key(|(name, _)| *name);
        let mut bytes = bare.encode_to_vec();
        // Encodings one behind the other are the encoding of the messages merged.
        for (name, value) in attributes {
            let one = CloudEvent { attributes: [(name.clone(), value.clone())].into(), ..CloudEvent::default() };
            one.encode(&mut bytes).expect("a vector grows");
        }
        let hash = Sha256::digest(&bytes).into();
        Self { bytes, hash }
    }

    /// Whether the event is larger than is taken.
    pub fn is_too_large(&self) -> bool {
        self.bytes.len() > MAX_BYTES
    }
}

/// Reads the attributes of an event, `None` when something that is needed was noted; and whether its time lies too far ahead of `now`,
/// which is a reason of its own and is not noted.
pub fn attributes(event: &CloudEvent, now: Timestamp, violations: &mut Violations) -> (Option<Attributes>, bool) {
    violations.take("id", name(&event.id));
    violations.take("source", name(&event.source));
    if event.spec_version != "1.0" {
        violations.add("spec_version", Invalid::new("SPEC_VERSION_UNKNOWN", "has to be 1.0"));
    }
    let at = violations.required("time", attribute(event, "time"));
    let at = at.and_then(|at| violations.take("time", time(at)));
    let is_in_future = at.is_some_and(|at| at.duration_since(now) > FUTURE_TOLERANCE);
    let sequence = violations.required("sequence", attribute(event, "sequence"));
    let sequence = sequence.and_then(|sequence| violations.take("sequence", number(sequence)));
    let traceparent = attribute(event, "traceparent").and_then(text).filter(|text| is_traceparent(text));
    let traceparent = traceparent.map(str::to_owned);
    let attributes = at.zip(sequence).map(|(at, sequence)| Attributes { at, sequence, traceparent });
    (attributes, is_in_future)
}

/// What the data is in: `application/json` unless the event says otherwise.
pub fn is_json(event: &CloudEvent) -> bool {
    match attribute(event, "datacontenttype") {
        None => !matches!(event.data, Some(Data::ProtoData(_))),
        Some(kind) => text(kind).is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default();
            kind.trim().eq_ignore_ascii_case("application/json")
        }),
    }
}

fn attribute<'e>(event: &'e CloudEvent, name: &str) -> Option<&'e Attr> {
    let CloudEventAttributeValue { attr } = event.attributes.get(name)?;
    attr.as_ref()
}

fn text(attribute: &Attr) -> Option<&str> {
    match attribute {
        Attr::CeString(text) | Attr::CeUri(text) | Attr::CeUriRef(text) => Some(text),
        _ => None,
    }
}

/// A name as it can be stored and shown.
fn name(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("FIELD_REQUIRED", "is required"));
    }
    if text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
        return Err(Invalid::new("NAME_MALFORMED", "has 255 bytes at most and no control characters"));
    }
    Ok(())
}

/// A time in whole microseconds, as it will be read again.
fn time(attribute: &Attr) -> Result<Timestamp, Invalid> {
    let malformed = || Invalid::new("TIME_MALFORMED", "has to be a timestamp, or a text such as 2026-11-21T09:30:00Z");
    let time = match attribute {
        Attr::CeTimestamp(time) => timestamp(Some(*time)),
        attribute => text(attribute).and_then(|text| text.parse().ok()),
    };
    let time = time.filter(|time: &Timestamp| (1..=9998).contains(&time.to_zoned(jiff::tz::TimeZone::UTC).year()));
    let whole = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
    time.and_then(|time| time.round(whole).ok()).ok_or_else(malformed)
}

fn number(attribute: &Attr) -> Result<i64, Invalid> {
    let number = match attribute {
        Attr::CeInteger(number) => Some(i64::from(*number)),
        attribute => text(attribute)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok()),
    };
    number.filter(|number| *number >= 0).ok_or_else(|| {
        Invalid::new("SEQUENCE_MALFORMED", "has to be a whole number, as an integer or a text of digits")
    })
}

/// Whether it is a W3C trace context of the known version.
fn is_traceparent(text: &str) -> bool {
    let hexadecimal =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<_> = text.split('-').collect();
    matches!(parts[..], ["00", trace, span, flags] if hexadecimal(trace, 32) && hexadecimal(span, 16) && hexadecimal(flags, 2))
}
