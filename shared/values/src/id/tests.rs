use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

#[test]
fn new_ids_are_version_seven_and_sorted_by_creation() {
    let ids: Vec<Uuid> = (0..1_000).map(|_| new_id()).collect();

    assert!(ids.iter().all(|id| id.get_version_num() == 7));
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn an_id_at_an_instant_carries_its_millisecond() {
    let at: Timestamp = "2018-02-18T01:59:59.123456Z".parse().unwrap();

    let id = new_id_at(at);

    let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
    assert_eq!((seconds, nanoseconds / 1_000_000), (u64::try_from(at.as_second()).unwrap(), 123));
    assert_ne!(id, new_id_at(at));
}

#[test]
fn ids_of_earlier_instants_sort_first() {
    let earlier: Timestamp = "2018-02-18T01:59:59Z".parse().unwrap();
    let later: Timestamp = "2018-02-18T02:00:00Z".parse().unwrap();

    assert!(new_id_at(earlier) < new_id_at(later));
    assert!(new_id_at(later) < new_id());
}

#[test]
fn an_instant_before_1970_counts_as_1970() {
    let id = new_id_at("1969-12-31T23:59:59.5Z".parse().unwrap());

    assert_eq!(id.get_timestamp().unwrap().to_unix().0, 0);
}

#[test]
fn only_the_canonical_name_is_accepted() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(parse_name("customers", &format!("customers/{id}")).unwrap().to_string(), id);

    for refused in [
        String::new(),
        id.to_owned(),
        "customers".to_owned(),
        "customers/".to_owned(),
        format!("customers//{id}"),
        format!("customers/{id}/"),
        format!("/customers/{id}"),
        format!("tickets/{id}"),
        format!("Customers/{id}"),
        format!("customers/{}", id.to_uppercase()),
        format!("customers/{}", id.replace('-', "")),
        format!("customers/{{{id}}}"),
        format!("customers/urn:uuid:{id}"),
        format!("customers/ {id}"),
        format!("customers/{id}\n"),
        "customers/-".to_owned(),
    ] {
        assert_eq!(parse_name("customers", &refused).unwrap_err().reason, "NAME_MALFORMED", "{refused}");
    }
}

proptest! {
    #[test]
    fn a_formatted_name_parses_to_its_id(bits: u128) {
        let id = Uuid::from_u128(bits);
        prop_assert_eq!(parse_name("orders", &format_name("orders", id)), Ok(id));
    }

    #[test]
    fn whatever_parses_formats_to_the_same_text(name in "(orders/)?[0-9a-fA-F-]{30,38}") {
        if let Ok(id) = parse_name("orders", &name) {
            prop_assert_eq!(format_name("orders", id), name);
        }
    }
}
