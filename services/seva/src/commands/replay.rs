//! `seva replay`: a table of orders, or our own sample, played through an installation of its own on manual time.

use std::{fs::File, io::BufReader, path::PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use seva_customers::CustomersConfig;
use seva_notifications::NotificationsConfig;
use seva_runtime::{
    config::{CompanyConfig, Faults, FaultySettings, LimitsConfig, TelemetryConfig},
    shutdown, telemetry,
};

use crate::{
    data_dir::Layout,
    failure::Failure,
    instance::{self, Instance},
    replay::{
        SEED, csv, generator,
        run::{self, Played},
        summary,
        timeline::Timeline,
    },
    settings::{beside_output, check_notifications, databases_of_environment, free_ports},
};

/// Which table, and where to.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// Table of orders in CSV, with the columns that the README names
    #[arg(value_name = "CSV", required_unless_present = "sample", conflicts_with = "sample")]
    table: Option<PathBuf>,
    /// Plays the sample of 300 orders that the program makes itself
    #[arg(long)]
    sample: bool,
    /// Folder of the replay's own installation; a replay that was broken off goes on where it was
    #[arg(long, env = "SEVA_REPLAY_DIR", value_name = "FOLDER", default_value = ".seva/replay")]
    data_dir: PathBuf,
    /// Prints the summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    company: CompanyConfig,
    #[command(flatten)]
    customers: CustomersConfig,
    #[command(flatten)]
    notifications: NotificationsConfig,
    #[command(flatten)]
    limits: LimitsConfig,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

impl ReplayArgs {
    fn layout(&self) -> Layout {
        Layout::new(&self.data_dir)
    }

    fn read(&self) -> Result<Timeline, Failure> {
        let orders = match &self.table {
            Some(file) => {
                let opened =
                    File::open(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
                csv::read(BufReader::new(opened))
                    .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?
            }
            None => csv::read(generator::sample().as_bytes()).context("reading our own sample")?,
        };
        Timeline::of(orders).map_err(|error| Failure::Unavailable(error.to_string()))
    }

    fn check(&self, timeline: &Timeline, faults: &mut Faults) -> Option<instance::Settings> {
        let databases = databases_of_environment(faults);
        let company = self.company.check(faults);
        let customers = self.customers.check(faults);
        let notifications = check_notifications(&self.notifications, company.as_ref(), &self.layout(), faults);
        Some(instance::Settings {
            data_dir: self.data_dir.clone(),
            ports: free_ports(),
            databases,
            manual_clock: timeline.begins_at(),
            shows_mail: false,
            customers: customers?,
            notifications: notifications?,
            limits: self.limits.check(faults)?,
        })
    }
}

/// Plays, and prints what came of it.
///
/// # Errors
/// Faults of the settings and of the table; something needed is missing; what came of it is not what the table lets expect.
pub async fn run(args: ReplayArgs) -> Result<(), Failure> {
    let timeline = args.read()?;
    let mut faults = Faults::new();
    let settings = args.check(&timeline, &mut faults);
    faults.finish()?;
    let settings = settings.context("settings without a fault are settings")?;
    run::claim(&args.layout(), &timeline)?;
    // Lines about each start and stop would tear the bar apart.
    let mut quiet = args.telemetry.clone();
    quiet.log = quiet.log.or_else(|| std::env::var("RUST_LOG").ok()).or_else(|| Some("warn".to_owned()));
    let telemetry = telemetry::init("seva", &beside_output(&quiet)).map_err(FaultySettings)?;
    let mut signal = std::pin::pin!(shutdown::signal().context("listening for signals")?);
    eprintln!(
        "{} orders, {} events; {} customers with names and addresses that are invented (seed {SEED})",
        timeline.orders().len(),
        timeline.events().len(),
        timeline.people().count()
    );

    let instance = tokio::select! {
        started = Box::pin(Instance::start(settings)) => started?,
        () = &mut signal => return Ok(()),
    };
    let failed = instance.tasks.failed();
    let ended = tokio::select! {
        ended = Box::pin(play_and_tell(&args, &instance, &timeline)) => ended,
        () = signal => Err(anyhow!("broken off at business time {}; the same command goes on there", instance.clock.now()).into()),
        () = failed.cancelled() => Err(anyhow!("a task failed without which the suite cannot go on").into()),
    };
    Box::pin(instance.stop(Some(telemetry))).await;
    ended
}

async fn play_and_tell(args: &ReplayArgs, instance: &Instance, timeline: &Timeline) -> Result<(), Failure> {
    let begun = tokio::time::Instant::now();
    let played = run::play(instance, timeline).await?;
    eprintln!("{}", tell(&played, begun.elapsed()));
    let summary = summary::collect(instance).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&summary).context("writing the summary")?);
    } else {
        print!("{summary}");
    }
    let mut wrong = summary.differences(&timeline.expectation());
    wrong.extend(summary.left_over());
    if wrong.is_empty() {
        eprintln!("All of it agrees with the table, and nothing is left to do.");
        return Ok(());
    }
    Err(anyhow!("it did not come out as it should:\n  {}", wrong.join("\n  ")).into())
}

fn tell(played: &Played, took: std::time::Duration) -> String {
    let Played { pushed, instants, resumed_at, ended_at, was_over } = played;
    if *was_over {
        return format!("This table was played to its end before (business time {ended_at}): nothing has changed.");
    }
    let resumed = resumed_at.map(|at| format!(" on from {at}")).unwrap_or_default();
    format!(
        "Played{resumed} to {ended_at} in {:.1} s: {instants} instants, {} events accepted, {} known before, {} older than what was known",
        took.as_secs_f64(),
        pushed.accepted,
        pushed.duplicate,
        pushed.stale
    )
}
