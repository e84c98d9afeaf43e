use std::process::{Command, Output};

use crate::world::folder;

fn seva(line: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seva"));
    command.args(line).env_remove("RUST_LOG").output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn faulty_settings_are_all_told_before_anything_is_touched() {
    let folder = folder();
    let data_dir = folder.path().join("not-made");
    let output = seva(&[
        "up",
        "--data-dir",
        data_dir.to_str().unwrap(),
        "--clock",
        "sundial",
        "--max-calls",
        "0",
        "--port",
        "x",
    ]);

    assert_eq!(output.status.code(), Some(64));
    for fault in ["--clock", "--max-calls", "--port"] {
        assert!(told(&output).contains(fault), "{}", told(&output));
    }
    assert!(!data_dir.exists());
}

#[test]
fn a_line_that_makes_no_sense_ends_with_the_code_of_usage() {
    assert_eq!(seva(&["dance"]).status.code(), Some(64));
    assert_eq!(seva(&["replay"]).status.code(), Some(64));
    assert_eq!(seva(&["--help"]).status.code(), Some(0));
}

#[test]
fn a_malformed_table_is_told_line_by_line() {
    let folder = folder();
    let file = folder.path().join("orders.csv");
    let heading = seva::replay::csv::COLUMNS.join(",");
    std::fs::write(&file, format!("{heading}\no1,c1,lost,1/2/2018 8:00,,,,\n,c2,created,never,,,,\n")).unwrap();
    let output = seva(&["replay", file.to_str().unwrap(), "--data-dir", folder.path().join("r").to_str().unwrap()]);

    assert_eq!(output.status.code(), Some(64));
    let told = told(&output);
    assert!(told.contains("line 2: order_status is \"lost\""), "{told}");
    assert!(told.contains("line 3: order_id is empty"), "{told}");
    assert!(told.contains("line 3: order_purchase_timestamp is \"never\""), "{told}");
}

#[test]
fn a_missing_postgresql_is_told_with_its_own_code() {
    let folder = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_seva"))
        .args(["up", "--port-base", "0", "--data-dir"])
        .arg(folder.path())
        .env("SEVA_POSTGRES_BIN", folder.path())
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(69));
    assert!(told(&output).contains("SEVA_POSTGRES_BIN"), "{}", told(&output));
}

#[test]
fn shown_settings_hide_passwords_and_faults_have_their_code() {
    let line = ["check", "up", "--notifications-provider", "smtps://someone:canary@mail.example"];
    let output = Command::new(env!("CARGO_BIN_EXE_seva"))
        .args(line)
        .env("SEVA_CUSTOMERS_DATABASE_URL", "postgres://app:canary@db.example/customers")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout.clone()).unwrap();

    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(shown.contains("customers.database = customers at db.example:5432 as app, password ***"), "{shown}");
    assert!(!shown.contains("canary") && !told(&output).contains("canary"));
    assert_eq!(seva(&["check", "serve", "customers"]).status.code(), Some(64));
}

#[test]
fn a_database_that_is_not_there_is_told_without_its_password() {
    let folder = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_seva"))
        .args(["up", "--port-base", "0", "--data-dir"])
        .arg(folder.path())
        .env("SEVA_CUSTOMERS_DATABASE_URL", "postgres://app:canary@127.0.0.1:1/customers")
        .env("SEVA_NOTIFICATIONS_DATABASE_URL", "postgres://app:canary@127.0.0.1:1/notifications")
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(69));
    assert!(told(&output).contains("the database of customers cannot be used"), "{}", told(&output));
    assert!(!told(&output).contains("canary"));
}
