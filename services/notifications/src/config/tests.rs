use super::*;

fn faults(config: &NotificationsConfig) -> String {
    let mut faults = Faults::new();
    assert_eq!(config.check(&mut faults).is_some(), faults.is_empty());
    faults.finish().map_or_else(|faulty| faulty.to_string(), |()| String::new())
}

#[test]
fn the_defaults_can_be_used_and_lead_to_this_machine() {
    let settings = NotificationsConfig::default().check(&mut Faults::new()).unwrap();

    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080");
}

#[test]
fn a_public_url_that_cannot_be_used_is_told_by_its_name() {
    let config = NotificationsConfig {
        public_url: "http://help.example.com/shop".to_owned(),
        from: "nobody".to_owned(),
        ..NotificationsConfig::default()
    };

    let told = faults(&config);

    assert!(told.contains("--public-url (SEVA_PUBLIC_URL)"), "{told}");
    assert!(told.contains("--notifications-from"), "every fault is told: {told}");
}
