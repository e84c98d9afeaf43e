use super::*;

#[test]
fn a_program_name_with_brackets_and_spaces_does_not_shift_the_fields() {
    let stat = parse_stat("4242 (a) Z (b) S 17 4242 4242 0 -1").unwrap();

    assert_eq!((stat.state, stat.parent), ('S', 17));
}

#[test]
fn a_child_is_listed_while_it_lives_and_not_after_a_signal_ended_it() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let ourselves = std::process::id();
    assert!(children_of(ourselves).contains(&child.id()));

    signal("KILL", &[child.id()]).unwrap();
    child.wait().unwrap();

    assert!(!children_of(ourselves).contains(&child.id()));
}

#[test]
fn a_shell_that_stands_in_the_data_directory_is_not_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    let mut child = Command::new("sleep").arg("60").current_dir(&folder).spawn().unwrap();

    let servers = servers_of(&folder);

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(servers, []);
}
