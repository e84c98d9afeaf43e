use super::*;

fn state(sequence: i64, event: u128, r#type: &str) -> NewEntry {
    NewEntry {
        customer_id: Uuid::from_u128(1),
        occurred_at: "2026-11-21T06:30:00Z".parse().unwrap(),
        event_id: Uuid::from_u128(event),
        subject: "notifications/1".to_owned(),
        r#type: r#type.to_owned(),
        label: String::new(),
        details: BTreeMap::new(),
        sequence,
    }
}

#[test]
fn a_message_is_entered_in_its_newest_state_under_the_id_of_its_first_event() {
    let (decided, sent) = (state(1, 7, "decided"), state(2, 3, "sent"));
    let at_once = one_for_each(vec![sent.clone(), decided.clone()]);
    assert_eq!(at_once, [NewEntry { event_id: decided.event_id, ..sent.clone() }]);
    // One after the other, the first enters it and the second finds it there.
    assert_eq!(one_for_each(vec![decided.clone()]), [decided]);
    assert_eq!(one_for_each(vec![sent.clone()]), [sent]);
}
