//! Bad settings: all of them are told before anything binds, with a code that scripts can tell apart.

use std::{collections::BTreeMap, net::TcpStream};

use seva_runtime::config::{EXIT_UNAVAILABLE, EXIT_USAGE};
use seva_tests::{
    AllInOne,
    process::{Folder, free_port, run},
};

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_fault_of_the_settings_is_told_at_once_and_nothing_binds() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let given = environment(&[
        ("SEVA_LISTEN", &listen),
        ("SEVA_DATABASE_URL", "mysql://someone:hunter2@nowhere/customers"),
        ("SEVA_JWKS", "/nowhere/jwks.json"),
        ("SEVA_MAX_CALLS", "0"),
        ("SEVA_DEFAULT_DEADLINE", "soon"),
        ("SEVA_NOTIFICATIONS_URL", "ftp://notifications"),
    ]);
    let (status, said, faults) = run(&["serve", "customers"], &given);
    assert_eq!(status.code(), Some(EXIT_USAGE), "{said}{faults}");
    let expected = [
        "SEVA_DATABASE_URL",
        "SEVA_JWKS",
        "SEVA_MAX_CALLS",
        "SEVA_DEFAULT_DEADLINE",
        "SEVA_PAGE_KEY",
        "SEVA_NOTIFICATIONS_URL",
    ];
    for name in expected {
        assert!(faults.lines().any(|line| line.contains(name)), "{name} is not told in:\n{faults}");
    }
    assert!(!faults.contains("hunter2"), "a password is told:\n{faults}");
    assert!(TcpStream::connect(&listen).is_err(), "something listens");
}

#[test]
fn an_unknown_service_and_an_unknown_flag_are_faults_of_usage() {
    for arguments in [&["serve", "nobody"][..], &["serve", "customers", "--no-such-flag"], &["no-such-command"]] {
        let (status, _, faults) = run(arguments, &BTreeMap::new());
        assert_eq!(status.code(), Some(EXIT_USAGE), "{arguments:?}: {faults}");
    }
}

#[test]
fn without_the_programs_of_postgresql_it_says_what_is_missing() {
    let folder = Folder::new();
    let data_dir = folder.path().join("data").display().to_string();
    let nowhere = folder.path().display().to_string();
    let given = environment(&[("SEVA_POSTGRES_BIN", &nowhere), ("PATH", &nowhere)]);
    let (status, _, faults) = run(&["up", "--data-dir", &data_dir, "--port-base", "0"], &given);
    assert_eq!(status.code(), Some(EXIT_UNAVAILABLE), "{faults}");
    assert!(faults.contains("SEVA_POSTGRES_BIN") && faults.contains("initdb"), "{faults}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_is_in_use_is_left_alone() {
    let mut first = AllInOne::start(&[]).await;
    let used = first.data_dir().display().to_string();
    let (status, _, faults) = run(&["up", "--data-dir", &used, "--port-base", "0"], &BTreeMap::new());
    assert_eq!(status.code(), Some(EXIT_UNAVAILABLE), "{faults}");
    assert!(faults.contains(&first.process().pid().to_string()), "the one who uses it is not named: {faults}");
    first.stop().await;
}
