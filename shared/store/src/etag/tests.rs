use proptest::prelude::*;
use tonic::Code;

use super::*;

#[test]
fn an_empty_etag_goes_with_every_version() {
    assert_eq!(Etag::parse("").unwrap(), Etag::default());
    assert!(Etag::default().check(7).is_ok());
}

#[test]
fn another_version_than_the_one_seen_is_a_mismatch_that_tells_the_present_etag() {
    let seen = Etag::parse("\"v3\"").unwrap();

    assert!(seen.check(3).is_ok());
    let mismatch = seen.check(4).unwrap_err();
    assert_eq!((mismatch.code(), mismatch.reason()), (Code::Aborted, ErrorReason::EtagMismatch));
    let status = tonic::Status::from(&mismatch);
    let details = tonic_types::StatusExt::get_error_details(&status);
    assert_eq!(details.error_info().unwrap().metadata["current_etag"], "\"v4\"");
}

#[test]
fn only_etags_as_they_were_answered_are_read() {
    for text in [
        "v3",
        "\"v3",
        "v3\"",
        "\"3\"",
        "W/\"v3\"",
        "\"v\"",
        "\"v3 \"",
        " \"v3\"",
        "*",
        "\"v+3\"",
        "\"v03\"",
        "\"v99999999999999999999\"",
    ] {
        let refused = Etag::parse(text).expect_err(text);
        assert_eq!(refused.reason, "ETAG_MALFORMED");
    }
}

proptest! {
    #[test]
    fn an_etag_that_was_answered_is_read_again(version in 0..i64::MAX) {
        prop_assert!(Etag::parse(&Etag::format(version)).unwrap().check(version).is_ok());
        prop_assert!(Etag::parse(&Etag::format(version)).unwrap().check(version + 1).is_err());
    }

    #[test]
    fn no_text_makes_the_reader_panic_and_what_it_reads_it_would_have_written(text in "\\PC{0,12}") {
        if let Ok(Etag(Some(version))) = Etag::parse(&text) {
            prop_assert_eq!(Etag::format(version), text);
        }
    }
}
