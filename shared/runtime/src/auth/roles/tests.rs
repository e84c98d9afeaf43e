use super::*;
use crate::auth::Rules;

fn all_services() -> Vec<String> {
    let services = seva_proto::descriptor_pool().services();
    services.map(|service| service.full_name().to_owned()).filter(|name| name.starts_with("seva.")).collect()
}

#[test]
fn every_scope_that_the_contract_asks_for_is_held_by_somebody_and_no_other_is_given() {
    let services = all_services();
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let rules = Rules::for_services(&services).unwrap();
    let asked: BTreeSet<String> =
        rules.iter().flat_map(|rule| rule.scopes.iter().chain(&rule.besides)).cloned().collect();

    let of_roles = ROLES.iter().flat_map(|(_, scopes)| scopes.iter());
    let of_services = SERVICES.iter().flat_map(|name| scopes_of_service(name));
    let given: BTreeSet<String> = of_roles.chain(of_services).map(|scope| (*scope).to_owned()).collect();

    assert_eq!(asked, given);
}

#[test]
fn a_customer_holds_nothing_that_reaches_others() {
    assert_eq!(scopes_of_role(CUSTOMER), ["place.read", "preferences.own"]);
}

#[test]
fn addresses_in_bulk_are_for_services_only() {
    assert!(ROLES.iter().all(|(_, scopes)| !scopes.contains(&"recipients.read")));
    let holders: Vec<&str> =
        SERVICES.into_iter().filter(|name| scopes_of_service(name).contains(&"recipients.read")).collect();
    assert_eq!(holders, ["notifications"]);
}

#[test]
fn roles_and_services_that_do_not_exist_hold_nothing() {
    assert!(scopes_of_role("root").is_empty());
    assert!(scopes_of_service("root").is_empty());
}
