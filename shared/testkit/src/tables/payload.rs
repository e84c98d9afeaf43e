//! Columns that hold messages of the contract: compared as what the messages say, because their bytes hold ids.

use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage, Value};
use seva_proto::descriptor_pool;

#[cfg(test)]
mod tests;

/// A column of bytes, and the column that says which message they are.
#[derive(Debug, Clone, Copy)]
pub struct Encoded {
    /// With its schema.
    pub table: &'static str,
    /// The bytes.
    pub column: &'static str,
    /// What names their message.
    pub named_by: &'static str,
    message: fn(&str) -> Option<MessageDescriptor>,
}

/// All of them.
pub const ENCODED: [Encoded; 2] = [
    Encoded { table: "seva.outbox", column: "payload", named_by: "type", message: message_of_event },
    Encoded { table: "seva.idempotency", column: "response", named_by: "method", message: message_of_answer },
];

/// Fields that are not compared, by their message, as the columns of [`super::left_out`] are; and why.
const LEFT_OUT: [(&str, &str, &str); 2] = [
    ("seva.customers.v1.ApiKey", "create_time", "machine time, as in the table"),
    ("seva.notifications.v1.Notification", "trace_id", "random"),
];

impl Encoded {
    /// What the bytes say, as JSON, without what is not compared.
    ///
    /// # Panics
    /// When the contract has no message for `name`, or when the bytes are not that message: then they could not be compared.
    pub fn read(&self, name: &str, bytes: &[u8]) -> String {
        let descriptor = (self.message)(name).unwrap_or_else(|| panic!("the contract does not say what {name} holds"));
        let mut message = DynamicMessage::decode(descriptor, bytes)
            .unwrap_or_else(|fault| panic!("{}.{} of {name}: {fault}", self.table, self.column));
        leave_out(&mut message);
        // By way of a value, whose fields are sorted: those of a map come in any order.
        serde_json::to_value(&message).unwrap().to_string()
    }
}

/// Takes out of a message, and of all within it, what is not compared.
fn leave_out(message: &mut DynamicMessage) {
    let descriptor = message.descriptor();
    for (of, field, _) in LEFT_OUT {
        if descriptor.full_name() == of {
            message.clear_field_by_name(field);
        }
    }
    for (_, value) in message.fields_mut() {
        match value {
            Value::Message(within) => leave_out(within),
            Value::List(list) => list.iter_mut().filter_map(Value::as_message_mut).for_each(leave_out),
            Value::Map(map) => map.values_mut().filter_map(Value::as_message_mut).for_each(leave_out),
            _ => {}
        }
    }
}

/// `seva.customers.order.placed.v1` holds `seva.customers.v1.OrderEvent`, and so for all aggregates.
fn message_of_event(kind: &str) -> Option<MessageDescriptor> {
    let [suite, package, aggregate, _, version] = kind.split('.').collect::<Vec<_>>().try_into().ok()?;
    let name: String = aggregate.split('_').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    descriptor_pool().get_message_by_name(&format!("{suite}.{package}.{version}.{name}Event"))
}

/// What `/seva.customers.v1.CustomerService/CreateCustomer` answers.
fn message_of_answer(method: &str) -> Option<MessageDescriptor> {
    let (service, method) = method.strip_prefix('/')?.split_once('/')?;
    let service = descriptor_pool().get_service_by_name(service)?;
    service.methods().find(|known| known.name() == method).map(|method| method.output())
}
