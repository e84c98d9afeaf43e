//! `seva consumers`: how far the readers of other services' events are, and setting them back.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use seva_runtime::config::{Faults, Secret};
use seva_store::{
    Database,
    consumer::{feed_no_before, rebase, standings},
    feed::Feed,
};

use crate::{
    databases::Located,
    failure::Failure,
    settings::{DataDirArg, databases_of_environment},
};

/// What to do with consumers.
#[derive(Debug, Subcommand)]
pub enum ConsumersCommand {
    /// Shows every consumer, its cursor and how many events lie before it
    List(Where),
    /// Sets a cursor back, so that events are applied again; effects are keyed, so that none happens twice
    Rebase(RebaseArgs),
}

/// Where the databases are.
#[derive(Debug, Clone, Args)]
pub struct Where {
    #[command(flatten)]
    data_dir: DataDirArg,
}

/// Which cursor, and where to.
#[derive(Debug, Clone, Args)]
pub struct RebaseArgs {
    /// The consumer, as `list` names it
    consumer: String,
    /// The source, such as //customers
    source: String,
    /// Events recorded at or after this time are applied again, such as 2026-11-21T00:00:00Z; from the oldest that is kept on without it
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Lists or rebases.
///
/// # Errors
/// Faults of the flags; no databases; no such consumer.
pub async fn run(command: ConsumersCommand) -> Result<(), Failure> {
    match command {
        ConsumersCommand::List(place) => {
            let located = place.locate().await?;
            let listed = list(&located).await;
            located.release().await;
            listed
        }
        ConsumersCommand::Rebase(args) => {
            let mut faults = Faults::new();
            let since = args.since.as_deref().and_then(|text| {
                faults.take(
                    "--since",
                    text.parse::<Timestamp>()
                        .map_err(|_| format!("{text:?} is not a time such as 2026-11-21T00:00:00Z")),
                )
            });
            faults.finish()?;
            let located = args.place.locate().await?;
            let set_back = set_back(&located, &args, since).await;
            located.release().await;
            set_back
        }
    }
}

impl Where {
    /// Finds the databases: named by the environment, of the running instance, or of the data folder's own cluster.
    pub(super) async fn locate(&self) -> Result<Located, Failure> {
        let mut faults = Faults::new();
        let named: BTreeMap<_, Secret<String>> =
            databases_of_environment(&mut faults).into_iter().map(|(name, urls)| (name, urls.application)).collect();
        faults.finish()?;
        Located::find(named, &self.data_dir.layout()).await
    }
}

async fn list(located: &Located) -> Result<(), Failure> {
    let databases = located.open().await?;
    let mut heads = BTreeMap::new();
    for db in &databases {
        heads.insert(db.source(), head(db).await?);
    }
    println!("{:<16}{:<24}{:<20}{:>12}{:>12}", "SERVICE", "CONSUMER", "SOURCE", "CURSOR", "BEHIND");
    for db in &databases {
        for standing in standings(db).await.context("asking for the consumers")? {
            let behind = heads
                .get(&standing.source)
                .map_or_else(|| "?".to_owned(), |head| (head - standing.feed_no).to_string());
            println!(
                "{:<16}{:<24}{:<20}{:>12}{:>12}",
                db.service(),
                standing.consumer,
                standing.source,
                standing.feed_no,
                behind
            );
        }
    }
    Ok(())
}

async fn head(db: &Database) -> Result<i64, Failure> {
    Ok(Feed::new(db.clone()).bounds().await.context("asking for the head of a feed")?.head)
}

async fn set_back(located: &Located, args: &RebaseArgs, since: Option<Timestamp>) -> Result<(), Failure> {
    let databases = located.open().await?;
    let feed = databases.iter().find(|db| db.source() == args.source);
    let to = match (feed, since) {
        (Some(feed), Some(since)) => feed_no_before(feed, since).await.context("looking for the time in the feed")?,
        (Some(feed), None) => Feed::new(feed.clone()).bounds().await.context("asking for the floor of a feed")?.floor,
        (None, _) => {
            return Err(Failure::Usage(format!(
                "the feed of {} is not here: its database has to be among those that are named",
                args.source
            )));
        }
    };
    let mut found = false;
    for db in &databases {
        if rebase(db, &args.consumer, &args.source, to).await.context("setting the cursor")? {
            println!("{}: {} reads {} from {} on again", db.service(), args.consumer, args.source, to + 1);
            found = true;
        }
    }
    if found { Ok(()) } else { Err(Failure::Usage(format!("no consumer {} reads {}", args.consumer, args.source))) }
}
