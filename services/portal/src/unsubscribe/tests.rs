use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use proptest::prelude::*;

use super::one_click::is_asked;

fn headers(content_type: &str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())])
}

fn in_parts(boundary: &str, head: &str, text: &str) -> String {
    format!("--{boundary}\r\n{head}\r\n\r\n{text}\r\n--{boundary}--\r\n")
}

const HEAD: &str = "Content-Disposition: form-data; name=\"List-Unsubscribe\"";

#[test]
fn both_types_of_a_form_are_read_as_their_senders_write_them() {
    let form = headers("application/x-www-form-urlencoded");
    for body in ["List-Unsubscribe=One-Click", "List%2DUnsubscribe=One%2DClick"] {
        assert!(is_asked(&form, body.as_bytes()), "{body}");
    }
    for head in [
        HEAD,
        "content-disposition:form-data;name=List-Unsubscribe",
        "Content-Type: text/plain; charset=us-ascii\r\nContent-Disposition: Form-Data; Name=\"List-Unsubscribe\"\r\nContent-Length: 9",
    ] {
        assert!(is_asked(
            &headers("multipart/form-data; boundary=\"a b\""),
            in_parts("a b", head, "One-Click").as_bytes()
        ));
        let without_last_line = in_parts("x", head, "One-Click");
        assert!(
            is_asked(&headers("Multipart/Form-Data; Boundary=x"), without_last_line.trim_end().as_bytes()),
            "{head}"
        );
    }
}

#[test]
fn a_form_in_parts_has_one_part_and_nothing_around_it() {
    let good = in_parts("x", HEAD, "One-Click");
    let several = good.replace("--x--", &format!("--x\r\n{HEAD}\r\n\r\nOne-Click\r\n--x--"));
    let changed = [
        format!("before\r\n{good}"),
        format!("{good}after"),
        good.replace('\r', ""),
        good.replace("--x--", "--x"),
        good.replace("form-data;", "attachment;"),
        good.replace("Content-Disposition", "Content-Description"),
        good.replace("name=", "filename="),
        good.replace("One-Click", "One-Click "),
        several,
        String::new(),
        "--x\r\n".to_owned(),
    ];
    for body in changed {
        assert!(!is_asked(&headers("multipart/form-data; boundary=x"), body.as_bytes()), "{body:?}");
    }
    assert!(is_asked(&headers("multipart/form-data; boundary=x"), good.as_bytes()));
    for content_type in ["multipart/form-data; boundary=", "multipart/form-data; boundary=y", "multipart/form-data"] {
        assert!(!is_asked(&headers(content_type), good.as_bytes()), "{content_type}");
    }
    let long = "x".repeat(71);
    let too_long = in_parts(&long, HEAD, "One-Click");
    assert!(!is_asked(&headers(&format!("multipart/form-data; boundary={long}")), too_long.as_bytes()));
}

proptest! {
    #[test]
    fn no_other_body_of_a_form_is_taken_for_it(body in "[ -~]{0,80}", bytes: Vec<u8>) {
        for content_type in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"] {
            prop_assert!(!is_asked(&headers(content_type), body.as_bytes()));
            prop_assert!(!is_asked(&headers(content_type), &bytes));
        }
    }

    #[test]
    fn any_letter_of_it_counts(place in 0..26_usize, letter in "[!-~]") {
        let mut body = "List-Unsubscribe=One-Click".to_owned();
        prop_assume!(body.get(place..=place) != Some(letter.as_str()));
        body.replace_range(place..=place, &letter);
        prop_assert!(!is_asked(&headers("application/x-www-form-urlencoded"), body.as_bytes()));
    }
}
