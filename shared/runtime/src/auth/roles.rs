//! The one table from roles and services to scopes.
//!
//! A role gives what its work needs and no more. Scopes that reach personal data of every customer (`customers.*`) and scopes that let data
//! out in bulk (`events.read`, `recipients.read`) are given sparingly, and never to a customer's own token. `links.use` reaches what a customer's
//! signed link reaches, and nothing without one.

use std::collections::BTreeSet;

#[cfg(test)]
mod tests;

/// The services of the suite; each has its own signing key.
pub const SERVICES: [&str; 6] = ["customers", "tickets", "staff", "surveys", "notifications", "portal"];

/// The role whose token reaches one customer only, and therefore has to name one.
pub const CUSTOMER: &str = "customer";

/// Roles that push events in the name of any source: they operate the connections to other systems.
pub const PUSHES_FOR_ANY_SOURCE: [&str; 2] = ["integration", "ops"];

/// Every role with its scopes.
pub const ROLES: [(&str, &[&str]); 7] = [
    // Serves customers: sees and keeps their data, tells why a message was or was not sent, records what a customer asks for. Writes no
    // texts and changes no rules, as these reach every customer at once.
    (
        "agent",
        &[
            "compensation.write",
            "customers.read",
            "customers.write",
            "notifications.read",
            "preferences.read",
            "preferences.write",
            "presence.own",
            "responses.read",
            "staff.read",
            "surveys.read",
            "templates.read",
            "tickets.read",
            "tickets.write",
        ],
    ),
    // An agent who also takes back a message that should not go out, or words that should not have been written, writes the texts of the team and
    // what it knows, does the same to many tickets at once, says that tickets of two customers are one matter, tells everybody who suffered from
    // a problem that it is fixed, decides what goes over limits, and reads reports, also about people and in bulk.
    (
        "lead",
        &[
            "compensation.approve",
            "compensation.write",
            "customers.read",
            "customers.write",
            "knowledge.write",
            "macros.write",
            "notifications.read",
            "notifications.write",
            "preferences.read",
            "preferences.write",
            "presence.own",
            "presence.write",
            "problems.fix",
            "reports.read",
            "responses.read",
            "staff.read",
            "surveys.read",
            "templates.read",
            "templates.write",
            "tickets.bulk",
            "tickets.merge_customers",
            "tickets.read",
            "tickets.redact",
            "tickets.write",
        ],
    ),
    // A lead who also decides which kinds of messages exist, which systems may push, how tickets are counted and what they ask
    // for, and what may be given without asking.
    (
        "manager",
        &[
            "apikeys.write",
            "automations.write",
            "categories.write",
            "compensation.approve",
            "compensation.write",
            "customers.read",
            "customers.write",
            "departments.write",
            "knowledge.write",
            "limits.write",
            "macros.write",
            "notifications.read",
            "notifications.write",
            "preferences.read",
            "preferences.write",
            "presence.own",
            "presence.write",
            "problems.fix",
            "programmes.write",
            "reports.read",
            "responses.read",
            "staff.read",
            "staff.write",
            "surveys.read",
            "surveys.write",
            "templates.read",
            "templates.write",
            "tickets.bulk",
            "tickets.configure",
            "tickets.import",
            "tickets.merge_customers",
            "tickets.read",
            "tickets.redact",
            "tickets.write",
        ],
    ),
    // Looks after staff and the handbook. Customers' data is none of their business; the texts that staff send are.
    ("hr", &["presence.own", "staff.read", "staff.write", "templates.read"]),
    // Another system: reports what happened and what was written, looks up the customer it belongs to, and hands its old tickets over.
    ("integration", &["customers.read", "events.publish", "messages.publish", "tickets.import"]),
    // Keeps the installation running: repairs what is stuck and sees whatever helps to find out why. Writes no customer's data.
    (
        "ops",
        &[
            "apikeys.write",
            "categories.write",
            "clock.write",
            "customers.read",
            "deadletters.read",
            "deadletters.write",
            "events.publish",
            "events.read",
            "messages.publish",
            "notifications.read",
            "notifications.write",
            "preferences.read",
            "staff.read",
            "surveys.read",
            "templates.read",
            "tickets.read",
        ],
    ),
    // One customer: sees the own place, sets the own preferences.
    (CUSTOMER, &["place.read", "preferences.own"]),
];

/// The scopes of a role; none for a role that does not exist, as tokens may carry roles of other applications.
pub fn scopes_of_role(role: &str) -> &'static [&'static str] {
    ROLES.iter().find(|(name, _)| *name == role).map_or(&[], |(_, scopes)| scopes)
}

/// The scopes of a service; none for a name that is not a service of the suite.
pub fn scopes_of_service(name: &str) -> &'static [&'static str] {
    match name {
        // Follows what happens, and asks for addresses at the moment of sending: it stores none.
        "notifications" => &["events.read", "links.mint", "recipients.read"],
        // Forwards customers' links, which are their credentials, and the pushing systems' keys; may do nothing by itself.
        "portal" => &["links.use"],
        // Asks whose a message is at the moment it comes, which makes a customer of somebody new, and proves the keys of adapters.
        "tickets" => &["apikeys.verify", "events.read", "senders.resolve"],
        // Everything else that a service needs of another it has from its feed.
        name if SERVICES.contains(&name) => &["events.read"],
        _ => &[],
    }
}

/// The scopes of several roles together.
pub fn scopes_of_roles<'r>(roles: impl IntoIterator<Item = &'r str>) -> BTreeSet<String> {
    roles.into_iter().flat_map(scopes_of_role).map(|scope| (*scope).to_owned()).collect()
}
