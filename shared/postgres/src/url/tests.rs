use super::*;

#[test]
fn a_socket_folder_goes_into_the_query_fully_escaped() {
    let url = over_socket(Path::new("/run/a b/ü+%"), 5432, "seva_tickets");

    assert_eq!(
        url,
        "postgres://seva@localhost/seva_tickets?host=%2Frun%2Fa%20b%2F%C3%BC%2B%25&port=5432&sslmode=disable"
    );
}

#[test]
fn a_password_cannot_break_out_of_its_place() {
    let url = over_tcp(6000, "a:b@c/d?e#f", "db");

    assert_eq!(url, "postgres://seva:a%3Ab%40c%2Fd%3Fe%23f@127.0.0.1:6000/db?sslmode=disable");
}

#[test]
fn the_hash_is_fnv_1a_and_stays_so() {
    assert_eq!(stable_hash(Path::new("")), "cbf29ce484222325");
    assert_eq!(stable_hash(Path::new("foobar")), "85944171f73967e8");
}
