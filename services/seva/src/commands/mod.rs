//! The commands: each reads its flags, says all faults at once, and does one thing.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{failure::Failure, settings::OWN_MAIL_FOLDER};

pub mod check;
pub mod consumers;
pub mod feed;
pub mod keys;
pub mod migrate;
pub mod replay;
pub mod serve;
pub mod token;
pub mod tour;
pub mod up;

#[cfg(test)]
mod tests;

/// Customer service as a suite of gRPC services.
#[derive(Debug, Parser)]
#[command(name = "seva", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all services in this process, with a private PostgreSQL
    Up(Box<up::UpArgs>),
    /// Runs one service
    Serve(Box<serve::ServeArgs>),
    /// Brings a service's database, or all, to the present schema
    Migrate(migrate::MigrateArgs),
    /// Makes a token with the issuer of an installation
    Token(token::TokenArgs),
    /// Makes the keys of an installation whose services are processes of their own
    Keys(keys::KeysArgs),
    /// Plays a shop's history through an installation of its own, on a clock that is moved by hand
    Replay(Box<replay::ReplayArgs>),
    /// Plays one customer's story through all services, and tells each step with its trace id
    Tour(Box<tour::TourArgs>),
    /// Looks after the consumers of other services' events
    #[command(subcommand)]
    Consumers(consumers::ConsumersCommand),
    /// Looks after the feeds
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Shows the settings in effect, with secrets masked, and every fault in them
    #[command(subcommand)]
    Check(check::CheckCommand),
}

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    /// What clap says of it; help and version as well.
    pub fn read(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        // Where there is a data folder messages go there, so that a newcomer can read them.
        let with_folder =
            |command: clap::Command| command.mut_arg("provider", |arg| arg.default_value(OWN_MAIL_FOLDER));
        let command = Self::command()
            .mut_subcommand("up", with_folder)
            .mut_subcommand("replay", with_folder)
            .mut_subcommand("tour", with_folder)
            .mut_subcommand("check", |check| check.mut_subcommand("up", with_folder));
        Self::from_arg_matches(&command.try_get_matches_from(line)?)
    }

    /// Carries the command out.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Up(args) => Box::pin(up::run(*args)).await,
            Command::Serve(args) => Box::pin(serve::run(*args)).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Token(args) => token::run(&args),
            Command::Keys(args) => keys::run(&args),
            Command::Replay(args) => Box::pin(replay::run(*args)).await,
            Command::Tour(args) => Box::pin(tour::run(*args)).await,
            Command::Consumers(command) => consumers::run(command).await,
            Command::Feed(command) => feed::run(command).await,
            Command::Check(command) => check::run(&command),
        }
    }
}
