//! What the contract as a whole has to keep to: personal data is marked and stays out of events, and every RPC says who may call it.

use std::collections::BTreeSet;

use prost_reflect::{ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use seva_proto::descriptor_pool;

fn option(name: &str) -> ExtensionDescriptor {
    descriptor_pool().get_extension_by_name(name).unwrap_or_else(|| panic!("{name} is an option"))
}

/// Fields of our own packages.
fn fields() -> impl Iterator<Item = FieldDescriptor> {
    let ours = descriptor_pool().all_messages().filter(|message| message.package_name().starts_with("seva."));
    ours.flat_map(|message| message.fields().collect::<Vec<_>>())
}

fn is_personal(field: &FieldDescriptor) -> bool {
    field.options().get_extension(&option("seva.options.v1.personal")).as_bool() == Some(true)
}

/// All messages inside a message, itself included.
fn reachable(root: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(message) = open.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        open.extend(message.fields().filter_map(|field| match field.kind() {
            Kind::Message(inner) => Some(inner),
            _ => None,
        }));
        found.push(message);
    }
    found
}

/// The payloads of events.
fn payloads() -> Vec<MessageDescriptor> {
    let files = descriptor_pool().files().filter(|file| file.name().ends_with("_events.proto"));
    files.flat_map(|file| file.messages().collect::<Vec<_>>()).collect()
}

#[test]
fn no_payload_of_an_event_holds_personal_data() {
    let payloads = payloads();
    assert!(payloads.len() >= 8, "{}", payloads.len());

    for payload in &payloads {
        for message in reachable(payload) {
            for field in message.fields() {
                assert!(!is_personal(&field), "{} is in events of {}", field.full_name(), payload.name());
            }
        }
    }
}

/// How a department is reached: of the company, and shown on every page.
const OF_THE_COMPANY: [&str; 2] = ["seva.staff.v1.Department.email", "seva.staff.v1.Department.phone"];

#[test]
fn what_names_or_reaches_a_person_is_marked_personal() {
    let identity = ["email", "phone", "given_name", "family_name", "address"];
    let mut marked = BTreeSet::new();
    let of_persons = |field: &FieldDescriptor| !OF_THE_COMPANY.contains(&field.full_name());
    for field in fields().filter(of_persons).filter(|field| matches!(field.kind(), Kind::String)) {
        if identity.contains(&field.name()) || field.full_name() == "seva.customers.v1.ContactPoint.value" {
            assert!(is_personal(&field), "{} is personal data and not marked", field.full_name());
            marked.insert(field.full_name().to_owned());
        }
    }

    // The search has found something.
    for known in ["Customer.given_name", "ContactPoint.value", "Recipient.address", "ReportedCustomer.phone"] {
        assert!(marked.contains(&format!("seva.customers.v1.{known}")), "{known}");
    }
}

#[test]
fn every_rpc_says_who_may_call_it() {
    let auth = option("seva.options.v1.auth");
    let mut count = 0;
    for service in descriptor_pool().services().filter(|service| service.package_name().starts_with("seva.")) {
        for method in service.methods() {
            let options = method.options();
            assert!(options.has_extension(&auth), "{} has no rule", method.full_name());
            let rule = options.get_extension(&auth);
            let rule = rule.as_message().expect("a rule is a message");
            let scopes = rule.get_field_by_name("scopes").expect("a rule has scopes");
            let public = rule.get_field_by_name("public").expect("a rule says whether it is public");
            let has_scopes = scopes.as_list().is_some_and(|scopes| !scopes.is_empty());
            assert!(has_scopes != (public.as_bool() == Some(true)), "{}: scopes or public", method.full_name());
            count += 1;
        }
    }
    assert!(count >= 30, "{count}");
}
