use std::path::Path;

use super::*;

fn a_layout() -> Layout {
    let home = Path::new("/data/it's, here");
    Layout {
        data_dir: home.to_owned(),
        home: home.to_owned(),
        pgdata: home.join("pgdata"),
        socket_dir: home.join("socket"),
        log: home.join("postgres.log"),
        user: None,
    }
}

#[test]
fn paths_with_quotes_and_commas_stay_one_value() {
    let text = server_settings(&Options::new("/data"), &a_layout());

    assert!(text.contains("unix_socket_directories = '\"/data/it''s, here/socket\"'\n"), "{text}");
    assert!(text.contains("hba_file = '/data/it''s, here/pg_hba.conf'\n"), "{text}");
}

#[test]
fn an_extra_setting_comes_last_and_so_wins() {
    let mut options = Options::new("/data");
    options.extra.push(("jit".to_owned(), "on".to_owned()));

    let text = server_settings(&options, &a_layout());

    assert!(text.find("jit = 'off'").unwrap() < text.find("jit = 'on'").unwrap());
}

#[test]
fn only_a_cluster_with_a_port_lets_hosts_in_and_only_with_a_password() {
    let mut options = Options::new("/data");
    assert!(!access_rules(&options).contains("host"));
    assert!(server_settings(&options, &a_layout()).contains("listen_addresses = ''\n"));

    options.port = Some(6000);

    assert!(matches!(options.check(), Err(Error::PasswordMissing { port: 6000 })));
    assert!(access_rules(&options).contains("host all all 127.0.0.1/32 scram-sha-256"));
    assert!(server_settings(&options, &a_layout()).contains("listen_addresses = '127.0.0.1'\n"));
}

#[test]
fn a_setting_cannot_smuggle_in_another_line() {
    for (name, value) in [("jit", "on\nfsync = off"), ("jit = on\nfsync", "off"), ("", "1"), ("Jit ", "on")] {
        let mut options = Options::new("/data");
        options.extra.push((name.to_owned(), value.to_owned()));

        assert!(matches!(options.check(), Err(Error::BadSetting { .. })), "{name:?} {value:?}");
    }
}

#[test]
fn a_cluster_that_is_not_durable_waits_for_no_disk() {
    let mut options = Options::new("/data");
    options.durable = false;

    let text = server_settings(&options, &a_layout());

    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert!(text.contains(&format!("\n{name} = 'off'\n")), "{name}");
    }
}
