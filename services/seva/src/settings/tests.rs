use clap::Parser;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    installation: InstallationArgs,
}

fn arguments(given: &[&str]) -> InstallationArgs {
    Command::try_parse_from(std::iter::once(&"seva").chain(given)).unwrap().installation
}

fn faults_of(given: &[&str]) -> Vec<String> {
    let mut faults = Faults::new();
    arguments(given).check(&mut faults);
    faults.finish().map_or_else(|faults| faults.0.iter().map(ToString::to_string).collect(), |()| Vec::new())
}

#[test]
fn the_usual_settings_have_no_fault_and_the_usual_ports() {
    let mut faults = Faults::new();
    let settings = arguments(&[]).check(&mut faults).unwrap();

    assert!(faults.is_empty());
    assert_eq!(settings.ports["customers"], 7101);
    assert_eq!(settings.manual_clock, None);
}

#[test]
fn a_port_can_be_another_and_a_base_of_zero_takes_any() {
    let ports = |given: &[&str]| arguments(given).check(&mut Faults::new()).unwrap().ports["customers"];

    assert_eq!(ports(&["--port", "customers=7201"]), 7201);
    assert_eq!(ports(&["--port-base", "9000"]), 9000);
    assert_eq!(ports(&["--port-base", "0"]), 0);
}

#[test]
fn every_fault_is_told_at_once() {
    let told = faults_of(&[
        "--port",
        "kitchen=1",
        "--clock",
        "sundial",
        "--notifications-provider",
        "pigeon",
        "--notifications-from",
        "me",
        "--max-calls",
        "0",
    ]);

    assert_eq!(told.len(), 5, "{told:#?}");
    for part in ["kitchen=1", "sundial", "--notifications-provider", "--notifications-from", "--max-calls"] {
        assert!(told.iter().any(|fault| fault.contains(part)), "{part} is missing in {told:#?}");
    }
}

#[test]
fn mail_goes_into_the_data_folder_unless_a_provider_is_named() {
    let provider = |given: &[&str]| {
        let arguments = arguments(given);
        in_own_folder(&arguments.notifications, &arguments.data_dir.layout()).provider
    };

    assert_eq!(provider(&["--notifications-provider", "dir:", "--data-dir", "/srv/seva"]), "dir:/srv/seva/mail");
    assert_eq!(provider(&["--notifications-provider", "smtp://mail:25"]), "smtp://mail:25");
    assert_eq!(provider(&["--notifications-provider", "null"]), "null");
}

#[test]
fn databases_are_read_from_the_environment_without_quoting_what_is_wrong() {
    let mut faults = Faults::new();
    let read = |name: &str| match name {
        "SEVA_CUSTOMERS_DATABASE_URL" => Some("postgres://app:secret@db/customers".to_owned()),
        "SEVA_CUSTOMERS_OWNER_DATABASE_URL" => Some("mysql://owner:secret@db/customers".to_owned()),
        _ => None,
    };
    let databases = databases_of(read, &mut faults);

    assert!(databases["customers"].owner.is_none());
    let told = faults.finish().unwrap_err().to_string();
    assert!(told.contains("SEVA_CUSTOMERS_OWNER_DATABASE_URL") && !told.contains("secret"), "{told}");
}

#[test]
fn shown_settings_hide_every_secret() {
    let shown = arguments(&[
        "--notifications-provider",
        "smtps://user:canary@mail.example",
        "--otlp-endpoint",
        "http://u:canary@collector:4317",
    ])
    .describe();
    assert!(!format!("{shown:?}").contains("canary"), "{shown:?}");

    let url = Secret::new("postgres://app:canary@db:5433/customers".to_owned());
    assert_eq!(masked(&url), "customers at db:5433 as app, password ***");
    assert!(!format!("{url:?}").contains("canary"));
}
