//! `seva tour`: one customer's story through all services, step by step, with its trace ids.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use seva_customers::CustomersConfig;
use seva_notifications::NotificationsConfig;
use seva_runtime::{
    clock::machine_now,
    config::{CompanyConfig, Faults, FaultySettings, LimitsConfig, TelemetryConfig},
    shutdown, telemetry,
};

use crate::{
    data_dir::Layout,
    failure::Failure,
    instance::{self, Instance},
    settings::{beside_output, check_notifications, databases_of_environment, free_ports},
    tour,
};

/// Where to.
#[derive(Debug, Clone, Args)]
pub struct TourArgs {
    /// Folder of the tour's own installation; a second tour in it plays a new story some days later
    #[arg(long, env = "SEVA_TOUR_DIR", value_name = "FOLDER", default_value = ".seva/tour")]
    data_dir: PathBuf,
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

impl TourArgs {
    fn check(&self, faults: &mut Faults) -> Option<instance::Settings> {
        let layout = Layout::new(&self.data_dir);
        let databases = databases_of_environment(faults);
        let company = self.company.check(faults);
        let customers = self.customers.check(faults);
        let notifications = check_notifications(&self.notifications, company.as_ref(), &layout, faults);
        Some(instance::Settings {
            data_dir: self.data_dir.clone(),
            ports: free_ports(),
            databases,
            manual_clock: Some(tour::begins_at(machine_now())),
            shows_mail: false,
            customers: customers?,
            notifications: notifications?,
            limits: self.limits.check(faults)?,
        })
    }
}

/// Plays it.
///
/// # Errors
/// Faults of the settings; something needed is missing; the story did not come out as it should.
pub async fn run(args: TourArgs) -> Result<(), Failure> {
    let mut faults = Faults::new();
    let settings = args.check(&mut faults);
    faults.finish()?;
    let settings = settings.context("settings without a fault are settings")?;
    let mut quiet = args.telemetry.clone();
    quiet.log = quiet.log.or_else(|| std::env::var("RUST_LOG").ok()).or_else(|| Some("warn".to_owned()));
    let telemetry = telemetry::init("seva", &beside_output(&quiet)).map_err(FaultySettings)?;
    let mut signal = std::pin::pin!(shutdown::signal().context("listening for signals")?);
    let instance = tokio::select! {
        started = Box::pin(Instance::start(settings)) => started?,
        () = &mut signal => return Ok(()),
    };
    let failed = instance.tasks.failed();
    let ended = tokio::select! {
        ended = Box::pin(tour::play(&instance)) => ended,
        () = signal => Err(anyhow!("broken off").into()),
        () = failed.cancelled() => Err(anyhow!("a task failed without which the suite cannot go on").into()),
    };
    Box::pin(instance.stop(Some(telemetry))).await;
    ended
}
