use clap::Parser;
use seva_runtime::auth::{Verifier, keys::OWN_ISSUER};

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    token: TokenArgs,
}

fn mint_in(folder: &std::path::Path, given: &[&str]) -> Result<Secret<String>, Failure> {
    let folder = ["--data-dir", folder.to_str().unwrap()];
    mint(&Command::try_parse_from(["seva"].iter().chain(&folder).chain(given)).unwrap().token)
}

#[test]
fn a_token_says_who_and_what_and_for_whom() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = Keyring::open_or_create(&folder.path().join("keys")).unwrap();
    let verifier = Verifier::open("customers", OWN_ISSUER, &keyring.jwks).unwrap();
    let id = seva_values::new_id();

    let token = mint_in(folder.path(), &["--role", "ops", "--role", "lead", "--subject", "ada"]).unwrap();
    let principal = verifier.verify(token.reveal()).unwrap();
    assert_eq!(principal.subject, "user:ada");
    assert!(principal.has_scope("clock.write") && principal.has_scope("templates.write"));

    let customer = format!("customers/{id}");
    let token = mint_in(folder.path(), &["--role", "customer", "--subject", "c", "--customer", &customer]).unwrap();
    assert_eq!(verifier.verify(token.reveal()).unwrap().customer, Some(id));
}

#[test]
fn all_faults_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let refused = mint_in(folder.path(), &["--role", "king", "--subject", " ", "--customer", "x", "--lifetime", "48h"])
        .unwrap_err();

    assert_eq!(refused.exit_code(), 64);
    let told = refused.to_string();
    assert_eq!(told.lines().count(), 1 + 5, "{told}");
}

#[test]
fn a_folder_without_keys_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let refused = mint_in(folder.path(), &["--role", "ops", "--subject", "ada"]).unwrap_err();

    assert_eq!(refused.exit_code(), 69);
    assert!(!folder.path().join("keys").exists());
}
