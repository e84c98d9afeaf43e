use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_folder_in_use_is_refused_with_the_number_of_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let taken = DataDir::take(folder.path()).unwrap();

    let refused = DataDir::take(folder.path()).unwrap_err();
    assert_eq!(refused.exit_code(), 69);
    assert!(refused.to_string().contains(&format!("in use by process {}", std::process::id())), "{refused}");

    drop(taken);
    assert!(DataDir::take(folder.path()).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();

    let told = DataDir::take(&file.join("below")).unwrap_err().to_string();
    assert!(told.contains("below cannot be used"), "{told}");
}

#[test]
fn what_a_running_instance_says_is_believed_only_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running { pid: 7, services: Vec::new(), portal_url: "http://127.0.0.1:8080".to_owned() };
    let taken = DataDir::take(folder.path()).unwrap();
    taken.layout.announce(&running).unwrap();
    let layout = taken.layout.clone();

    assert_eq!(layout.running(), Some(running.clone()));
    drop(taken);
    assert_eq!(layout.running(), None);
    // As after a kill: the file is left, the lock is not.
    layout.announce(&running).unwrap();
    assert_eq!(layout.running(), None);
}

#[test]
fn private_files_are_their_owners_and_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    fs::write(file.with_extension("draft"), "left over, readable by all").unwrap();

    write_private(&file, b"one").unwrap();
    write_private(&file, b"two").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"two");
    assert_eq!(mode(&file), 0o600);
    assert!(!file.with_extension("draft").exists());
}

#[test]
fn a_secret_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let made = secret(&file).unwrap();

    assert_eq!(made.len(), 32);
    assert_eq!(secret(&file).unwrap(), made);
    assert_eq!(mode(&file), 0o600);
    fs::write(&file, "short").unwrap();
    assert!(secret(&file).is_err());
}
