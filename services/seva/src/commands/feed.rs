//! `seva feed`: for the runbook of a restore.

use anyhow::Context;
use clap::{Args, Subcommand};

use super::consumers::Where;
use crate::{assembly::Part, failure::Failure, settings::names};

/// What to do with a feed.
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Gives a restored database's feed another epoch: readers of the lost history are refused until they are rebased
    NewEpoch(NewEpochArgs),
}

/// Whose feed.
#[derive(Debug, Clone, Args)]
pub struct NewEpochArgs {
    /// The service whose database was restored
    service: String,
    #[command(flatten)]
    place: Where,
}

/// Changes the epoch.
///
/// # Errors
/// No such service; its database cannot be used.
pub async fn run(command: FeedCommand) -> Result<(), Failure> {
    let FeedCommand::NewEpoch(args) = command;
    if Part::named(&args.service).is_none() {
        return Err(Failure::Usage(format!("{:?} is not one of {}", args.service, names())));
    }
    let located = args.place.locate().await?;
    let changed = async {
        let databases = located.open().await?;
        let db = databases.iter().find(|db| db.service() == args.service).ok_or_else(|| {
            Failure::Usage(format!("the database of {} is not among those that are named", args.service))
        })?;
        let epoch = seva_store::keeper::new_epoch(db).await.context("changing the epoch")?;
        println!("{}: the feed's epoch is {epoch}; rebase its consumers with `seva consumers rebase`", args.service);
        Ok(())
    }
    .await;
    located.release().await;
    changed
}
