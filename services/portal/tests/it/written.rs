//! Somebody's words in every text of an answer, whichever fields the contract has.

use prost::Message;
use prost_reflect::{DynamicMessage, MapKey, ReflectMessage, Value};
use seva_proto::descriptor_pool;

/// `message` (of this type in the contract) with `text` in every text that it holds, `kept` being texts that stay as they are.
pub fn everywhere<M: Message + Default>(name: &str, message: &M, text: &str, kept: &[&str]) -> M {
    let descriptor = descriptor_pool().get_message_by_name(name).unwrap();
    let mut dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap();
    let written = write(&mut dynamic, text, kept);
    assert!(written > 0, "{name} holds no text");
    M::decode(dynamic.encode_to_vec().as_slice()).unwrap()
}

/// How many texts were written.
fn write(message: &mut DynamicMessage, text: &str, kept: &[&str]) -> usize {
    let fields: Vec<_> = message.descriptor().fields().collect();
    let is_kept = |value: &Value| value.as_str().is_some_and(|value| kept.contains(&value));
    let mut written = 0;
    for field in fields.iter().filter(|field| !field.is_group()) {
        // A message that is missing stays missing, or the answer would be another one.
        if field.kind().as_message().is_some() && !message.has_field(field) {
            continue;
        }
        written += in_value(message.get_field_mut(field), text, &is_kept, kept);
    }
    written
}

fn in_value(value: &mut Value, text: &str, is_kept: &dyn Fn(&Value) -> bool, kept: &[&str]) -> usize {
    if is_kept(value) {
        return 0;
    }
    match value {
        Value::String(said) => {
            text.clone_into(said);
            1
        }
        Value::Message(message) => write(message, text, kept),
        Value::List(values) => values.iter_mut().map(|value| in_value(value, text, is_kept, kept)).sum(),
        Value::Map(values) => {
            // Keys are read by name and never shown; one more is passed over.
            let written = values.values_mut().map(|value| in_value(value, text, is_kept, kept)).sum();
            values.insert(MapKey::String(text.to_owned()), Value::String(text.to_owned()));
            written
        }
        _ => 0,
    }
}
