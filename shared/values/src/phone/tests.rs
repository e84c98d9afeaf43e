use proptest::prelude::*;

use super::*;

#[test]
fn numbers_of_many_countries_are_normalised() {
    for (text, e164) in [
        ("+91 98765 43210", "+919876543210"),
        ("+919876543210", "+919876543210"),
        ("+880 1712-345678", "+8801712345678"),
        ("+92 (301) 234-5678", "+923012345678"),
        ("+49.30.901820", "+4930901820"),
        ("+39 06 698 12345", "+390669812345"),
        ("+1 650-253-0000", "+16502530000"),
    ] {
        assert_eq!(Phone::parse(text).unwrap().as_str(), e164, "{text}");
    }
}

#[test]
fn what_cannot_be_dialled_as_it_stands_is_malformed() {
    for text in [
        "",
        "+",
        "+1",
        "9876543210",
        "919876543210",
        "00919876543210",
        "+91 12345",
        "+91 98765 43210 ext 5",
        "+91 98765 43210;ext=5",
        "tel:+919876543210",
        "+1 800 FLOWERS",
        "+91 98765 43210\n",
        " +919876543210",
        "+91\t9876543210",
        "+999 12345678",
        "+٩١٩٨٧٦٥٤٣٢١٠",
        "++919876543210",
        "+ 919876543210",
        "+91 98765 43210 98765 43210",
        "+91987654321098765432109876543210",
        ";phone-context=+91",
        "+0",
        "+--------",
        "+1(",
        "+91 98765 43210, +91 98765 43211",
    ] {
        assert_eq!(Phone::parse(text).unwrap_err().reason, "PHONE_MALFORMED", "{text:?}");
    }
}

#[test]
fn no_log_and_no_refusal_shows_the_number() {
    assert_eq!(format!("{:?}", Phone::parse("+919876543210").unwrap()), "Phone(redacted)");
    assert!(!format!("{:?}", Phone::parse("+91 11111").unwrap_err()).contains("11111"));
}

#[test]
fn a_number_is_serialised_as_text_and_checked_when_read() {
    let phone = Phone::parse("+919876543210").unwrap();

    assert_eq!(serde_json::to_string(&phone).unwrap(), r#""+919876543210""#);
    assert_eq!(serde_json::from_str::<Phone>(r#""+91 98765 43210""#).unwrap(), phone);
    assert!(serde_json::from_str::<Phone>(r#""98765""#).is_err());
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_e164_and_stays_as_it_is(text in "\\+[0-9][0-9 .()-]{5,20}") {
        if let Ok(phone) = Phone::parse(&text) {
            let digits = phone.as_str().strip_prefix('+').unwrap();
            prop_assert!(digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", phone);
            prop_assert_eq!(Phone::parse(phone.as_str()).unwrap(), phone);
        }
    }

    #[test]
    fn mobile_numbers_of_india_are_accepted(number in 9_000_000_000_u64..9_800_000_000) {
        prop_assert_eq!(Phone::parse(&format!("+91{number}")).map(|phone| phone.to_string()), Ok(format!("+91{number}")));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        let _ = Phone::parse(&text);
        let _ = Phone::parse(&format!("+{text}"));
    }
}
