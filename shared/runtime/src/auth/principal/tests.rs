use super::*;

fn principal(kind: PrincipalKind, roles: &[&str]) -> Principal {
    Principal {
        subject: "user:asha".into(),
        kind,
        roles: Arc::new(roles.iter().map(|role| (*role).to_owned()).collect()),
        scopes: Arc::new(roles::scopes_of_roles(roles.iter().copied())),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    }
}

#[test]
fn a_key_pushes_for_its_own_sources_only() {
    let mut key = principal(PrincipalKind::ApiKey, &[]);
    key.sources = vec!["//shipping".into()];

    assert!(key.may_push_for("//shipping"));
    assert!(!key.may_push_for("//billing"));
    assert!(!key.may_push_for("//shipping/"));
    key.sources.clear();
    assert!(!key.may_push_for("//shipping"), "a key without sources pushes for none");
}

#[test]
fn people_push_for_any_source_as_integration_or_operations_only() {
    assert!(principal(PrincipalKind::User, &["integration"]).may_push_for("//shipping"));
    assert!(principal(PrincipalKind::User, &["agent", "ops"]).may_push_for("//shipping"));
    assert!(!principal(PrincipalKind::User, &["manager"]).may_push_for("//shipping"));
    assert!(!principal(PrincipalKind::Service, &[]).may_push_for("//shipping"));
}

#[test]
fn a_customer_reaches_one_customer_and_staff_reach_all() {
    let (own, other) = (seva_values::new_id(), seva_values::new_id());
    let mut customer = principal(PrincipalKind::User, &["customer"]);
    customer.customer = Some(own);

    assert!(customer.may_reach_customer(own).is_ok());
    let refused = customer.may_reach_customer(other).unwrap_err();
    assert_eq!((refused.code(), refused.reason_name()), (Code::PermissionDenied, "RESOURCE_FORBIDDEN"));
    assert!(principal(PrincipalKind::User, &["agent"]).may_reach_customer(other).is_ok());
}
