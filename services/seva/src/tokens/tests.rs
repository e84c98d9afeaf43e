use seva_runtime::auth::{Keyring, Verifier, keys::OWN_ISSUER};

use super::*;

#[test]
fn every_role_but_the_customers_has_a_token_that_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = Keyring::open_or_create(folder.path()).unwrap();
    let lines = ready(&keyring.issuer);
    let verifier = Verifier::open("customers", OWN_ISSUER, &keyring.jwks).unwrap();
    let mut believed = Vec::new();
    for line in lines.lines() {
        let (role, token) = line.split_once('=').unwrap();
        let principal = verifier.verify(token).unwrap();
        assert_eq!(principal.subject, format!("user:ready-{role}"));
        assert!(principal.roles.contains(role));
        believed.push(role);
    }

    assert_eq!(believed, ["agent", "lead", "manager", "hr", "integration", "ops"]);
}
