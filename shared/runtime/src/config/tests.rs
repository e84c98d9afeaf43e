use super::*;

#[test]
fn all_faults_are_told_at_once() {
    let mut faults = Faults::new();
    faults.take("--listen", parse_address("nowhere"));
    faults.take("--url", parse_url("ftp://x"));
    faults.take("--age", parse_duration("soon"));
    faults.take_all::<(), _>("rpc", Err(vec!["one", "two"]));

    let told = faults.finish().unwrap_err().to_string();

    assert_eq!(told.lines().count(), 6, "{told}");
    assert!(told.starts_with("5 settings cannot be used:"));
    assert!(Faults::new().finish().is_ok());
}

#[test]
fn a_secret_is_not_shown() {
    let secret: Secret<String> = "hunter2".parse().unwrap();

    assert_eq!(format!("{secret:?} {secret}"), "*** ***");
    assert_eq!(secret.reveal(), "hunter2");
}

#[test]
fn a_url_is_not_quoted_when_it_is_refused() {
    let told = parse_url("postgres://user:hunter2@host/db").unwrap_err();

    assert!(!told.contains("hunter2"));
    assert!(parse_url("http://customers:7101").is_ok());
    assert!(parse_url("http:///nohost").is_err());
}

#[test]
fn durations_are_above_zero() {
    assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
    for wrong in ["", "0s", "-1s", "10"] {
        assert!(parse_duration(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_file_has_to_be_one_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    assert!(readable_file(&file).is_err());
    assert!(readable_file(folder.path()).unwrap_err().contains("not a file"));
    std::fs::write(&file, "x").unwrap();
    assert_eq!(readable_file(&file), Ok(file));
}

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    auth: AuthConfig,
    #[command(flatten)]
    limits: LimitsConfig,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

#[test]
fn every_wrong_setting_of_a_service_is_named() {
    use clap::Parser;
    let line = [
        "seva",
        "--listen",
        "here",
        "--max-calls",
        "0",
        "--default-deadline",
        "60s",
        "--jwks",
        "/does/not/exist",
        "--otlp-endpoint",
        "nothing",
        "--trace-ratio",
        "2",
        "--log-format",
        "xml",
    ];
    let line = Line::try_parse_from(line).unwrap();
    let mut faults = Faults::new();

    line.listen.check(&mut faults);
    line.auth.check("customers", true, &mut faults);
    line.limits.check(&mut faults);
    let told = faults.finish().unwrap_err().to_string();
    let telemetry = crate::telemetry::init("test", &line.telemetry).unwrap_err();

    for name in ["--listen", "--jwks", "--signing-key", "--max-calls", "--default-deadline"] {
        assert!(told.contains(name), "{name} in {told}");
    }
    assert_eq!(telemetry.len(), 3, "{telemetry:?}");
}

#[test]
fn the_defaults_are_the_limits_defaults() {
    use clap::Parser;
    let line = Line::try_parse_from(["seva"]).unwrap();
    let mut faults = Faults::new();

    let limits = line.limits.check(&mut faults).unwrap();

    assert_eq!(format!("{limits:?}"), format!("{:?}", Limits::default()));
    assert!(line.listen.check(&mut faults).is_some());
    assert!(faults.is_empty());
}
