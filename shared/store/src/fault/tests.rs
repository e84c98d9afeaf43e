use std::io;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::*;

#[test]
fn what_cuts_the_way_to_the_database_is_passing_and_told_as_unavailable() {
    let lost = || io::Error::new(io::ErrorKind::ConnectionReset, "gone");
    for error in [
        sqlx::Error::Io(lost()),
        sqlx::Error::Tls(Box::new(lost())),
        sqlx::Error::PoolTimedOut,
        sqlx::Error::PoolClosed,
        sqlx::Error::WorkerCrashed,
        sqlx::Error::BeginFailed,
        sqlx::Error::Protocol("nonsense".to_owned()),
    ] {
        let fault = Fault::from(error);
        assert!(matches!(fault, Fault::Unavailable(_)), "{fault:?}");
        assert!(!fault.is_permanent());
        let told = Error::from(fault);
        assert_eq!((told.code(), told.reason()), (Code::Unavailable, ErrorReason::DatabaseUnavailable));
        assert!(told.is_transient());
        assert!(Status::from(told).get_error_details().retry_info().is_some());
    }
}

#[test]
fn a_fault_of_ours_is_internal_and_says_nothing_of_the_driver() {
    for error in [sqlx::Error::RowNotFound, sqlx::Error::ColumnNotFound("secret".to_owned())] {
        let told = Error::from(Fault::from(error));
        assert_eq!((told.code(), told.to_string().as_str()), (Code::Internal, "internal error"));
        assert!(!Status::from(told).message().contains("secret"));
    }
}

#[test]
fn a_row_that_cannot_be_read_stays_unreadable() {
    for error in [
        sqlx::Error::ColumnNotFound("x".to_owned()),
        sqlx::Error::Decode("not a time".into()),
        sqlx::Error::ColumnDecode { index: "x".to_owned(), source: "not a time".into() },
        sqlx::Error::Encode("too long".into()),
    ] {
        assert!(Fault::from(error).is_permanent());
    }
}

#[test]
fn a_decision_keeps_its_own_words_and_whether_it_passes() {
    let refusal = || Error::precondition(ErrorReason::StateForbids, "X1", "x/1", "not so");
    let passing = || Error::aborted(ErrorReason::WriteConflict, "again");

    assert!(Fault::from(refusal()).is_permanent());
    assert!(!Fault::from(passing()).is_permanent());
    assert_eq!(Error::from(Fault::from(refusal())).reason(), ErrorReason::StateForbids);
    assert!(!Fault::from(refusal()).violates("account_pkey"));
}

#[test]
fn lost_races_are_conflicts_with_a_time_to_come_back() {
    for fault in [Fault::LockTimeout, Fault::Serialization] {
        assert!(!fault.is_permanent());
        let told = Error::from(fault);
        assert_eq!((told.code(), told.reason()), (Code::Aborted, ErrorReason::WriteConflict));
        assert!(Status::from(told).get_error_details().retry_info().is_some());
    }
}

#[test]
fn the_twin_of_a_request_is_a_conflict_and_any_other_constraint_a_fault_of_ours() {
    let violated =
        |constraint: &str| Fault::Constraint { constraint: constraint.to_owned(), source: sqlx::Error::RowNotFound };

    assert!(violated("a").is_permanent() && violated("a").violates("a"));
    assert_eq!(Error::from(violated(crate::idempotency::CONSTRAINT)).reason(), ErrorReason::WriteConflict);
    assert_eq!(Error::from(violated("account_pkey")).code(), Code::Internal);
}
