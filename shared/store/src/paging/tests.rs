use seva_values::id::new_id;

use seva_proto::common::v1::ErrorReason;

use super::*;

fn key() -> PageKey {
    PageKey::new(b"a secret of the tests")
}

fn first_page_token(query: &str) -> String {
    let page = PageRequest::parse(&key(), "things", query, 2, "").unwrap();
    page.cut_by_id(vec![new_id(), new_id(), new_id()], |id| *id).next_page_token
}

#[test]
fn a_token_leads_to_the_next_page_of_its_own_query() {
    let token = first_page_token("tier=vip");

    let page = PageRequest::parse(&key(), "things", "tier=vip", 2, &token).unwrap();

    assert!(page.after_id().is_some());
}

#[test]
fn a_token_of_another_query_another_list_or_another_key_is_refused() {
    let token = first_page_token("tier=vip");

    let other_query = PageRequest::parse(&key(), "things", "tier=loyal", 2, &token).unwrap_err();
    let other_list = PageRequest::parse(&key(), "others", "tier=vip", 2, &token).unwrap_err();
    let other_key = PageRequest::parse(&PageKey::new(b"other"), "things", "tier=vip", 2, &token).unwrap_err();

    for refusal in [other_query, other_list, other_key] {
        assert_eq!(refusal.reason(), ErrorReason::PageTokenInvalid);
    }
}

#[test]
fn a_token_with_any_changed_character_is_refused() {
    let token = first_page_token("");

    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(PageRequest::parse(&key(), "things", "", 2, &changed).is_err(), "changed at {at}");
    }
}

#[test]
fn a_last_page_has_no_token_and_sizes_keep_to_their_bounds() {
    let page = PageRequest::parse(&key(), "things", "", 0, "").unwrap();

    assert_eq!(page.limit(), 51);
    assert!(page.cut_by_id(vec![new_id(); 50], |id| *id).next_page_token.is_empty());
    assert_eq!(PageRequest::parse(&key(), "things", "", 5000, "").unwrap().limit(), 1001);
    assert!(PageRequest::parse(&key(), "things", "", -1, "").is_err());
}

#[test]
fn an_order_outside_the_allow_list_is_refused_with_what_is_allowed() {
    static ALLOWED: &[Order] = &[
        Order { name: "create_time", column: "created_at", descending: false },
        Order { name: "create_time desc", column: "created_at", descending: true },
    ];

    assert_eq!(Order::parse(ALLOWED, "").unwrap().name, "create_time");
    assert_eq!(Order::parse(ALLOWED, " create_time   desc ").unwrap().name, "create_time desc");
    assert_eq!(Order::parse(ALLOWED, "create_time asc").unwrap().name, "create_time");
    assert!(Order::parse(ALLOWED, "id; drop table x").unwrap_err().description.contains("create_time desc"));
}
