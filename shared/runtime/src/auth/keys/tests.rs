use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn keys_are_made_once_and_only_their_owner_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");

    let made = Keyring::open_or_create(&path).unwrap();
    let opened = Keyring::open_or_create(&path).unwrap();

    assert_eq!(made.issuer.public_key(), opened.issuer.public_key());
    assert_eq!(made.services.len(), roles::SERVICES.len());
    assert_ne!(made.services["customers"].public_key(), made.services["tickets"].public_key());
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let expected = if entry.file_name() == "jwks.json" { 0o644 } else { 0o600 };
        assert_eq!(mode, expected, "{:?}", entry.file_name());
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn processes_that_start_at_once_share_the_same_keys() {
    let folder = tempfile::tempdir().unwrap();

    let rings: Vec<Keyring> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Keyring::open_or_create(folder.path()).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });

    assert!(rings.iter().all(|ring| ring.issuer.public_key() == rings[0].issuer.public_key()));
    let drafts = fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "draft"));
    assert_eq!(drafts.count(), 0);
}

#[test]
fn a_file_that_holds_something_else_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("issuer.pem"), "no key").unwrap();

    let error = Keyring::open_or_create(folder.path()).unwrap_err().to_string();

    assert!(error.contains("issuer.pem") && error.contains("Ed25519"), "{error}");
    assert!(!error.contains("no key"));
}
