//! From an HTTP request to CloudEvents, as the HTTP binding and the JSON format of CloudEvents 1.0 say.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};
use seva_proto::io::cloudevents::v1::{
    CloudEvent,
    cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
};

use super::{Batch, MAX_EVENTS, Unreadable, Violation};
use crate::edge::form::media_type;

/// The content type of one event in JSON.
const STRUCTURED: &str = "application/cloudevents+json";
/// The content type of several events in JSON.
pub(super) const BATCH: &str = "application/cloudevents-batch+json";
const PREFIX: &str = "ce-";

/// Reads the events of a request.
///
/// # Errors
/// What is wrong when nothing can be read at all. The parser's words are not told, as they can quote somebody's data.
pub(super) fn batch(headers: &HeaderMap, body: Bytes) -> Result<Batch, Violation> {
    let media_type = media_type(headers);
    if media_type.eq_ignore_ascii_case(BATCH) {
        let items: Vec<Value> =
            serde_json::from_slice(&body).map_err(|fault| not_json(&fault, "an array of events"))?;
        return match items.len() {
            1..=MAX_EVENTS => Ok(Batch { is_batch: true, events: items.into_iter().map(structured).collect() }),
            0 => Err(Violation::new("body", "needs one event at least")),
            _ => Err(Violation::new("body", format!("takes {MAX_EVENTS} events at most"))),
        };
    }
    let event = if media_type.eq_ignore_ascii_case(STRUCTURED) {
        structured(serde_json::from_slice(&body).map_err(|fault| not_json(&fault, "an event"))?)
    } else if media_type.to_ascii_lowercase().starts_with("application/cloudevents") {
        return Err(Violation::new("content-type", format!("has to be {STRUCTURED} or {BATCH}, or that of the data")));
    } else {
        binary(headers, body)
    };
    Ok(Batch { is_batch: false, events: vec![event] })
}

fn not_json(fault: &serde_json::Error, what: &str) -> Violation {
    let (line, column) = (fault.line(), fault.column());
    Violation::new("body", format!("is not {what} in JSON, at line {line}, column {column}"))
}

/// An event whose attributes are headers and whose data is the body.
fn binary(headers: &HeaderMap, body: Bytes) -> Result<CloudEvent, Unreadable> {
    let mut event = CloudEvent::default();
    let mut violations = Vec::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(PREFIX) else { continue };
        if headers.get_all(format!("{PREFIX}{name}")).iter().nth(1).is_some() {
            violations.push(Violation::new(name, "stands in the headers twice"));
        }
        match value.to_str().ok().and_then(percent_decoded) {
            Some(text) => set(&mut event, name, text, &mut violations),
            None => violations.push(Violation::new(name, "is not text in ASCII, with everything else as %XX")),
        }
    }
    if let Some(content_type) = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        set(&mut event, "datacontenttype", content_type.to_owned(), &mut violations);
    }
    if !body.is_empty() {
        event.data = Some(Data::BinaryData(body));
    }
    finished(event, violations)
}

/// An event in JSON.
fn structured(value: Value) -> Result<CloudEvent, Unreadable> {
    let Value::Object(mut members) = value else { return Err(Violation::new("body", "an event is an object").into()) };
    let mut event = CloudEvent::default();
    let mut violations = Vec::new();
    event.data = data(&mut members, &mut violations);
    for (name, value) in members {
        match value {
            // The format: as if it were not there.
            Value::Null => {}
            Value::String(text) => set(&mut event, &name, text, &mut violations),
            Value::Bool(flag) => set_attribute(&mut event, &name, Attr::CeBoolean(flag), &mut violations),
            Value::Number(number) => match number.as_i64() {
                Some(number) => {
                    // Beyond 32 bits an attribute is a text of digits.
                    let attr =
                        i32::try_from(number).map_or_else(|_| Attr::CeString(number.to_string()), Attr::CeInteger);
                    set_attribute(&mut event, &name, attr, &mut violations);
                }
                None => violations.push(Violation::new(name, "has to be a whole number")),
            },
            Value::Array(_) | Value::Object(_) => {
                violations.push(Violation::new(name, "cannot be an object or an array"))
            }
        }
    }
    finished(event, violations)
}

/// The data of an event in JSON, taken out of its members.
fn data(members: &mut Map<String, Value>, violations: &mut Vec<Violation>) -> Option<Data> {
    let encoded = members.remove("data_base64").filter(|encoded| !encoded.is_null());
    let plain = members.remove("data").filter(|plain| !plain.is_null());
    let is_json = members.get("datacontenttype").and_then(Value::as_str).is_none_or(|content_type| {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media_type.ends_with("/json") || media_type.ends_with("+json")
    });
    match (plain, encoded) {
        (Some(_), Some(_)) => {
            violations.push(Violation::new("data", "cannot stand beside data_base64"));
            None
        }
        (None, Some(encoded)) => {
            let decoded = encoded.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
            if decoded.is_none() {
                violations.push(Violation::new("data_base64", "is not base64"));
            }
            decoded.map(|bytes| Data::BinaryData(bytes.into()))
        }
        // A text that is said to be something else than JSON stands for itself.
        (Some(Value::String(text)), None) if !is_json => Some(Data::TextData(text)),
        (Some(plain), None) => Some(Data::TextData(plain.to_string())),
        (None, None) => None,
    }
}

/// Sets an attribute that came as text.
fn set(event: &mut CloudEvent, name: &str, text: String, violations: &mut Vec<Violation>) {
    match name {
        "id" => event.id = text,
        "source" => event.source = text,
        "specversion" => event.spec_version = text,
        "type" => event.r#type = text,
        _ => set_attribute(event, name, Attr::CeString(text), violations),
    }
}

fn set_attribute(event: &mut CloudEvent, name: &str, attr: Attr, violations: &mut Vec<Violation>) {
    if matches!(name, "id" | "source" | "specversion" | "type") {
        return violations.push(Violation::new(name, "has to be a text"));
    }
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !is_name {
        return violations.push(Violation::new(name, "the name of an attribute is lower-case letters and digits"));
    }
    event.attributes.insert(name.to_owned(), CloudEventAttributeValue { attr: Some(attr) });
}

/// The event, when it has what every event needs; the rest is for the intake to judge.
fn finished(event: CloudEvent, mut violations: Vec<Violation>) -> Result<CloudEvent, Unreadable> {
    let needed =
        [("id", &event.id), ("source", &event.source), ("specversion", &event.spec_version), ("type", &event.r#type)];
    for (name, text) in needed {
        let is_told = violations.iter().any(|violation| violation.field == name);
        if text.is_empty() && !is_told {
            violations.push(Violation::new(name, "is required"));
        }
    }
    if violations.is_empty() { Ok(event) } else { Err(Unreadable { id: event.id, violations }) }
}

/// A header's value with its `%XX` as the characters that they stand for.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
