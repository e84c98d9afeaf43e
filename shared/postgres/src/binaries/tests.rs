use std::os::unix::fs::PermissionsExt;

use super::*;

/// A folder with programs that say they are `version`.
fn an_installation(parent: &Path, name: &str, version: &str, programs: &[&str]) -> PathBuf {
    let dir = parent.join(name).join("bin");
    std::fs::create_dir_all(&dir).unwrap();
    for program in programs {
        let path = dir.join(program);
        std::fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

#[test]
fn versions_are_read_as_debian_source_and_beta_builds_print_them() {
    assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
    assert_eq!(major_version("postgres (PostgreSQL) 9.6.24\n"), Some(9));
    assert_eq!(major_version("postgres (PostgreSQL) 19devel\n"), Some(19));
    assert_eq!(major_version("bash: postgres: not found"), None);
}

#[test]
fn an_incomplete_or_old_installation_is_passed_over() {
    let root = tempfile::tempdir().unwrap();
    let incomplete = an_installation(root.path(), "a", "17.2", &["initdb", "postgres"]);
    let old = an_installation(root.path(), "b", "14.9", &NEEDED);
    let good = an_installation(root.path(), "c", "16.1", &NEEDED);

    let found = choose(&[incomplete, old, good.clone()], None).unwrap();

    assert_eq!(found, Binaries { dir: good, major: 16 });
}

#[test]
fn the_version_that_wrote_the_data_is_preferred() {
    let root = tempfile::tempdir().unwrap();
    let newer = an_installation(root.path(), "a", "17.2", &NEEDED);
    let older = an_installation(root.path(), "b", "15.3", &NEEDED);
    let both = [newer, older];

    assert_eq!(choose(&both, Some(15)).unwrap().major, 15);
    assert_eq!(choose(&both, None).unwrap().major, 17);
    assert_eq!(choose(&both, Some(16)).unwrap().major, 17);
}

#[test]
fn nothing_found_names_the_one_command_to_run() {
    let error = choose(&[PathBuf::from("/nonexistent")], None).unwrap_err();

    assert!(matches!(error, Error::NotFound { .. }));
    assert!(error.to_string().ends_with("apt-get install -y postgresql"), "{error}");
    assert_eq!(error.to_string().contains("sudo "), !server_user::we_are_root());
}

#[test]
fn only_an_old_version_is_said_to_be_too_old() {
    let root = tempfile::tempdir().unwrap();
    let old = an_installation(root.path(), "a", "13.1", &NEEDED);

    let error = choose(std::slice::from_ref(&old), None).unwrap_err();

    assert!(matches!(&error, Error::TooOld { dir, found: 13, .. } if *dir == old), "{error}");
}

#[test]
fn versioned_folders_come_highest_number_first() {
    let root = tempfile::tempdir().unwrap();
    for name in ["9", "15", "17", "common"] {
        std::fs::create_dir(root.path().join(name)).unwrap();
    }

    let found = versioned(root.path(), "");

    assert_eq!(found, ["17", "15", "9"].map(|number| root.path().join(number).join("bin")));
}
