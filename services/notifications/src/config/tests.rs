use super::*;

#[test]
fn the_defaults_can_be_used_and_lead_to_this_machine() {
    let settings = NotificationsConfig::default().check(Some(&Company::default()), &mut Faults::new()).unwrap();

    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080");
}
