use super::*;

/// Customers by name, and orders with number and customer.
fn side(first_id: u128, customers: &[&str], orders: &[(&str, usize)]) -> Rows {
    let id = |number: usize| Uuid::from_u128(first_id + number as u128);
    let customer = |(number, name): (usize, &&str)| format!(r#"{{"id": "{}", "name": "{name}"}}"#, id(number));
    let order =
        |(number, of): &(&str, usize)| format!(r#"{{"number": "{number}", "customer": "customers/{}"}}"#, id(*of));
    let mut rows = Rows::default();
    rows.add("customer", &customers.iter().enumerate().map(customer).collect::<Vec<_>>());
    rows.add("order", &orders.iter().map(order).collect::<Vec<_>>());
    rows
}

fn differ(one: &Rows, other: &Rows) -> Vec<String> {
    one.tables().filter(|table| one.hashes(table) != other.hashes(table)).map(str::to_owned).collect()
}

#[test]
fn other_ids_and_another_order_of_rows_make_no_difference() {
    let mut one = side(1, &["Alice", "Brian"], &[("A", 0), ("B", 1)]);
    let mut other = side(1000, &["Brian", "Alice"], &[("A", 1), ("B", 0)]);
    for _ in 0..3 {
        assert_eq!(differ(&one, &other), [""; 0]);
        one.tell_apart();
        other.tell_apart();
    }
    assert_eq!((one.sorts(), other.sorts()), (2, 2));
}

#[test]
fn another_value_shows_in_the_first_round() {
    let one = side(1, &["Alice", "Brian"], &[("A", 0)]);
    assert_eq!(differ(&one, &side(1, &["Alice", "Claire"], &[("A", 0)])), ["customer"]);
    assert_eq!(differ(&one, &side(1, &["Alice", "Brian"], &[("A", 0), ("A", 0)])), ["order"]);
}

#[test]
fn an_order_of_the_wrong_customer_shows_once_customers_are_told_apart() {
    let mut one = side(1, &["Alice", "Brian"], &[("A", 0), ("B", 1)]);
    let mut other = side(1, &["Alice", "Brian"], &[("A", 1), ("B", 0)]);
    assert_eq!(differ(&one, &other), [""; 0]);
    one.tell_apart();
    other.tell_apart();
    assert_eq!(differ(&one, &other), ["customer", "order"]);
    // Nobody called Alice has the order B there.
    let alice = Uuid::from_u128(1);
    assert_eq!(one.unlike(&format!(r#"{{"id": "{alice}", "name": "Alice"}}"#), &other), [alice]);
}

#[test]
fn the_row_of_a_hash_is_found_by_its_text() {
    let mut rows = side(1, &["Alice", "Brian"], &[("A", 0)]);
    rows.tell_apart();
    let alice = format!(r#"{{"id": "{}", "name": "Alice"}}"#, Uuid::from_u128(1));
    assert!(rows.hashes("customer").contains(&rows.hash_of(&alice)));
    assert!(!rows.hashes("order").contains(&rows.hash_of(&alice)));
}
