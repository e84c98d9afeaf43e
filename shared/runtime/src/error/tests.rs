use super::*;

#[test]
fn every_violation_is_told_with_its_field_and_reason() {
    let mut violations = Violations::default();
    violations.add("a", Invalid::new("FIRST", "is wrong"));
    violations.add("b", Invalid::new("SECOND", "is wrong too"));

    let status = Status::from(Error::from(violations));

    let details = status.get_error_details();
    let told: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|told| told.field.as_str()).collect();
    assert_eq!(told, ["a", "b"]);
    assert_eq!(details.error_info().unwrap().reason, "FIELDS_INVALID");
}

#[test]
fn the_cause_of_a_fault_of_ours_is_not_told() {
    let status = Status::from(Error::internal("relation \"secret\" does not exist"));

    assert_eq!(status.code(), Code::Internal);
    assert!(!format!("{status:?}").contains("secret"));
}

#[test]
fn a_status_with_very_many_violations_stays_within_header_limits() {
    let mut violations = Violations::default();
    for number in 0..1000 {
        violations.add(format!("field[{number}]{}", "x".repeat(500)), Invalid::new("WRONG", "ह".repeat(500)));
    }

    let status = Status::from(Error::from(violations));

    assert!(status.details().len() + status.message().len() < 12 * 1024, "{}", status.details().len());
}
