//! What a call knows and a write records: handed to the SQL functions `seva.emit`, `seva.note` and `seva.remember` as one JSON value.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use seva_runtime::Write;

/// The `p_context` of the SQL functions for this write.
pub fn of(write: &Write) -> Value {
    let mut context = Map::new();
    context.insert("actor".to_owned(), json!(write.actor));
    context.insert("method".to_owned(), json!(write.method));
    context.insert("correlation_id".to_owned(), json!(write.story.correlation_id));
    context.insert("causation_id".to_owned(), json!(write.story.causation_id));
    context.insert("hops".to_owned(), json!(write.story.hops));
    if let Some(on_behalf_of) = &write.on_behalf_of {
        context.insert("on_behalf_of".to_owned(), json!(on_behalf_of));
    }
    if let Some(traceparent) = &write.story.traceparent {
        context.insert("traceparent".to_owned(), json!(traceparent));
    }
    if let Some(request) = &write.request {
        context.insert("request_id".to_owned(), json!(request.id));
        context.insert("request_hash".to_owned(), json!(hex(&request.hash)));
    }
    Value::Object(context)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}
