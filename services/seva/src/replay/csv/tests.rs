use super::*;

const HEADING: &str = "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,\
    order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n";

fn table(lines: &str) -> Result<Vec<Order>, Error> {
    read(format!("{HEADING}{lines}").as_bytes())
}

fn faults(lines: &str) -> Malformed {
    match table(lines) {
        Err(Error::Malformed(malformed)) => malformed,
        other => panic!("expected malformed lines, got {other:?}"),
    }
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_line_is_read_with_the_shops_wall_clock() {
    let orders =
        table("o1,c1,delivered,10/2/2017 9:05,10/2/2017 11:07,10/4/2017 19:55,10/10/2017 21:25,10/18/2017 0:00\n");

    assert_eq!(
        orders.unwrap(),
        [Order {
            order_id: "o1".into(),
            customer_id: "c1".into(),
            status: Status::Delivered,
            purchased_at: instant("2017-10-02T12:05:00Z"),
            approved_at: Some(instant("2017-10-02T14:07:00Z")),
            handed_to_carrier_at: Some(instant("2017-10-04T22:55:00Z")),
            delivered_at: Some(instant("2017-10-11T00:25:00Z")),
            promised_day: Some(jiff::civil::date(2017, 10, 18)),
        }]
    );
}

#[test]
fn empty_cells_are_things_that_did_not_happen() {
    let order = table("o1,c1,canceled,1/2/2018 0:00,,,,\n").unwrap().remove(0);

    assert_eq!((order.approved_at, order.handed_to_carrier_at, order.delivered_at), (None, None, None));
    assert_eq!(order.promised_day, None);
}

#[test]
fn a_time_that_the_clocks_jumped_over_lies_after_the_gap() {
    // On 2017-10-15 in Sao Paulo midnight was followed by 1:00.
    let order = table("o1,c1,created,10/15/2017 0:30,,,,\n").unwrap().remove(0);

    assert_eq!(order.purchased_at, instant("2017-10-15T03:30:00Z"));
}

#[test]
fn a_time_that_came_twice_is_the_first_of_the_two() {
    // On 2018-02-17 in Sao Paulo the hour before midnight came twice.
    let order = table("o1,c1,created,2/17/2018 23:30,,,,\n").unwrap().remove(0);

    assert_eq!(order.purchased_at, instant("2018-02-18T01:30:00Z"));
}

#[test]
fn columns_may_stand_in_any_order_beside_others() {
    let text = "note,order_estimated_delivery_date,order_delivered_customer_date,order_delivered_carrier_date,\
        order_approved_at,order_purchase_timestamp,order_status,customer_id,order_id\nx,1/9/2018 0:00,,,,1/2/2018 8:00,created,c1,o1\n";

    assert_eq!(read(text.as_bytes()).unwrap()[0].order_id, "o1");
}

#[test]
fn missing_columns_are_all_named() {
    let told = read("order_id,customer_id,order_status\n".as_bytes()).unwrap_err().to_string();

    for column in &COLUMNS[3..] {
        assert!(told.contains(column), "{told}");
    }
    assert!(!told.contains("order_status"), "{told}");
}

#[test]
fn all_faults_of_a_line_are_told_with_its_number() {
    let malformed =
        faults("o1,c1,created,1/2/2018 8:00,,,,\n,c2,lost,13/2/2018 8:00,tomorrow,,1/2/2018 24:00,1/2/18 0:00\n");

    let malformed_time = |column, text: &str| FaultKind::TimeMalformed { column, text: text.into() };
    let expected = [
        FaultKind::Missing("order_id"),
        FaultKind::StatusUnknown("lost".into()),
        malformed_time("order_purchase_timestamp", "13/2/2018 8:00"),
        malformed_time("order_approved_at", "tomorrow"),
        malformed_time("order_delivered_customer_date", "1/2/2018 24:00"),
        malformed_time("order_estimated_delivery_date", "1/2/18 0:00"),
    ];
    assert_eq!(malformed.faults, expected.map(|kind| Fault { line: 3, kind }));
}

#[test]
fn a_line_with_too_few_cells_is_told() {
    let told = faults("o1,c1,created\n").to_string();

    assert!(told.contains("line 2: 3 cells where the heading has 8"), "{told}");
}

#[test]
fn an_order_that_comes_twice_is_a_fault() {
    let line = "o1,c1,created,1/2/2018 8:00,,,,\n";

    assert_eq!(faults(&line.repeat(2)).faults, [Fault { line: 3, kind: FaultKind::Repeated("o1".into()) }]);
}

#[test]
fn an_order_without_a_time_of_purchase_is_a_fault() {
    let malformed = faults("o1,c1,created,,,,,\n");

    assert_eq!(malformed.faults, [Fault { line: 2, kind: FaultKind::Missing("order_purchase_timestamp") }]);
}

#[test]
fn faults_of_twenty_lines_are_told_and_the_rest_is_counted() {
    let lines: String = (0..25).map(|number| format!("o{number},c,lost,never,,,,\n")).collect();
    let malformed = faults(&lines);

    assert_eq!(malformed.faults.len(), 40, "two faults in each of twenty lines");
    assert_eq!(malformed.further_lines, 5);
    assert!(malformed.to_string().ends_with("and 5 further lines"));
}

#[test]
fn a_table_without_orders_or_in_another_encoding_is_refused() {
    assert!(matches!(table(""), Err(Error::Empty)));
    assert!(matches!(
        read([HEADING.as_bytes(), b"o\xff,c,created,,,,,\n"].concat().as_slice()),
        Err(Error::Unreadable(_))
    ));
}

#[test]
fn only_the_documented_form_of_a_time_is_taken() {
    for wrong in [
        "2017-10-02 10:56",
        "10/2/2017",
        "10/2/2017 9:5",
        "10/2/2017 09:05:00",
        "10/2/2017/1 9:05",
        "+1/2/2017 9:05",
        "2/29/2017 0:00",
    ] {
        assert_eq!(parse_wall(wrong), None, "{wrong}");
    }
    assert_eq!(parse_wall("02/29/2016 09:05"), Some(jiff::civil::date(2016, 2, 29).at(9, 5, 0, 0)));
}
