use super::*;

fn timeout(value: &str) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-timeout", value.parse().unwrap());
    requested(&headers)
}

#[test]
fn every_unit_of_a_timeout_is_understood() {
    assert_eq!(timeout("2H"), Some(Duration::from_secs(7200)));
    assert_eq!(timeout("3M"), Some(Duration::from_secs(180)));
    assert_eq!(timeout("4S"), Some(Duration::from_secs(4)));
    assert_eq!(timeout("5m"), Some(Duration::from_millis(5)));
    assert_eq!(timeout("6u"), Some(Duration::from_micros(6)));
    assert_eq!(timeout("7n"), Some(Duration::from_nanos(7)));
    assert_eq!(timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
}

#[test]
fn a_malformed_timeout_is_none() {
    for value in ["", "S", "5", "5s", "123456789S", "-1S", "+1S", "1.5S", "1 S"] {
        assert_eq!(timeout(value), None, "{value:?}");
    }
}

#[test]
fn what_is_left_survives_the_header_but_for_its_finest_digits() {
    for (left, expected) in [
        (Duration::from_nanos(1_500), Duration::from_micros(1)),
        (Duration::from_millis(398), Duration::from_millis(398)),
        (Duration::from_secs(30), Duration::from_secs(30)),
        (Duration::from_secs(660), Duration::from_secs(660)),
        (Duration::from_secs(1_000_000), Duration::from_secs(1_000_000)),
    ] {
        assert_eq!(timeout(header_value(left).to_str().unwrap()), Some(expected));
    }
}
