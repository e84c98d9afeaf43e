use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn messages_go_to_a_folder_where_there_is_one() {
    let provider = |line: &[&str]| match Cli::read(line).unwrap().command {
        Command::Check(check::CheckCommand::Up(args)) => args.describe(),
        Command::Check(check::CheckCommand::Serve(args)) => args.describe(),
        other => panic!("{other:?}"),
    };
    let shown =
        |line: &[&str]| provider(line).into_iter().find(|(name, _)| name == "notifications.provider").unwrap().1;

    assert_eq!(shown(&["seva", "check", "up", "--data-dir", "/srv/seva"]), "dir:/srv/seva/mail");
    assert_eq!(shown(&["seva", "check", "serve", "notifications"]), "null");
}

#[test]
fn a_replay_needs_a_table_or_the_sample_and_not_both() {
    assert!(Cli::read(["seva", "replay"]).is_err());
    assert!(Cli::read(["seva", "replay", "--sample", "orders.csv"]).is_err());
    assert!(Cli::read(["seva", "replay", "--sample"]).is_ok());
    assert!(Cli::read(["seva", "up", "--once"]).is_err(), "one story of what?");
}
