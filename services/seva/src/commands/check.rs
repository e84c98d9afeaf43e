//! `seva check`: the settings in effect, with secrets masked.

use clap::Subcommand;
use seva_runtime::config::Faults;

use super::{serve::ServeArgs, up::UpArgs};
use crate::failure::Failure;

/// Of which command.
#[derive(Debug, Subcommand)]
pub enum CheckCommand {
    /// The settings of `seva up` with the same flags and environment
    Up(Box<UpArgs>),
    /// The settings of `seva serve` with the same flags and environment
    Serve(Box<ServeArgs>),
}

/// Prints the settings, and every fault in them.
///
/// # Errors
/// All faults.
pub fn run(command: &CheckCommand) -> Result<(), Failure> {
    let mut faults = Faults::new();
    let lines = match command {
        CheckCommand::Up(args) => {
            args.check(&mut faults);
            args.describe()
        }
        CheckCommand::Serve(args) => {
            args.check(&mut faults);
            args.describe()
        }
    };
    for (name, value) in lines {
        println!("{name} = {value}");
    }
    Ok(faults.finish()?)
}
