use clap::Parser;
use seva_runtime::auth::Keyring;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    serve: ServeArgs,
}

fn check(given: &[&str]) -> (Option<Checked>, Vec<String>) {
    let args = Command::try_parse_from(std::iter::once(&"seva").chain(given)).unwrap().serve;
    let mut faults = Faults::new();
    let checked = args.check(&mut faults);
    (checked, faults.finish().map_or_else(|faults| faults.0.iter().map(ToString::to_string).collect(), |()| Vec::new()))
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let (checked, told) = check(&["customers", "--listen", "nowhere", "--peer", "kitchen=http://k:1"]);

    assert!(checked.is_none());
    for name in
        ["--listen", "--page-key", "--database-url", "--jwks", "--peer:", "--peer notifications=..", "--signing-key"]
    {
        assert!(told.iter().any(|fault| fault.starts_with(name)), "{name} is missing in {told:#?}");
    }
    let (_, told) = check(&["portal"]);
    for name in ["--signing-key", "--link-keys", "--public-url", "--peer customers=..", "--peer tickets=.."] {
        assert!(told.iter().any(|fault| fault.starts_with(name)), "{name} is missing in {told:#?}");
    }
    assert!(check(&["kitchen"]).1.iter().any(|fault| fault.contains("\"kitchen\" is not one of customers")));
}

#[test]
fn whole_settings_have_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = Keyring::open_or_create(folder.path()).unwrap();
    let page_key = folder.path().join("page.key");
    crate::data_dir::secret(&page_key).unwrap();
    let file = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (checked, told) = check(&[
        "customers",
        "--database-url",
        "postgres://app:secret@db/customers",
        "--page-key",
        &file(&page_key),
        "--signing-key",
        &file(&folder.path().join("service-customers.pem")),
        "--link-keys",
        &file(&folder.path().join("links.json")),
        "--peer",
        "notifications=http://notifications:7105",
        "--peer",
        "tickets=http://tickets:7102",
        "--peer",
        "surveys=http://surveys:7104",
        "--jwks",
        &file(&keyring.jwks),
        "--listen",
        "127.0.0.1:7101",
    ]);

    assert_eq!(told, [""; 0]);
    let Some(Checked::Service(service)) = checked else { panic!("customers is a service") };
    assert_eq!(service.address.port(), 7101);
}
