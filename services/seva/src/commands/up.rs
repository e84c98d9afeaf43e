//! `seva up`: all services in this process, with a private PostgreSQL; with `--demo` a small shop played into it.

use std::{
    fmt::Write,
    io::{IsTerminal, stdout},
};

use anyhow::{Context, anyhow};
use clap::Args;
use seva_runtime::{
    config::{Faults, FaultySettings},
    shutdown, telemetry,
};

use crate::{
    assembly::portal,
    data_dir::write_private,
    demo,
    failure::Failure,
    instance::{self, Instance},
    settings::{InstallationArgs, beside_output, environment},
    tokens,
};

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    #[command(flatten)]
    installation: InstallationArgs,
    /// Plays a small shop into it, a story after the other, and prints what customers are told
    #[arg(long)]
    demo: bool,
    /// With --demo: two stories, then the end; DEMO=once in the environment means the same
    #[arg(long, requires = "demo")]
    once: bool,
}

impl UpArgs {
    /// The settings; notes every fault.
    pub fn check(&self, faults: &mut Faults) -> Option<instance::Settings> {
        self.installation.check(faults)
    }

    /// The settings as they are in effect, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        self.installation.describe()
    }

    fn once(&self) -> bool {
        self.once || environment("DEMO").is_some_and(|demo| demo == "once")
    }
}

/// Runs until a signal comes, a task fails whose failure stops the process, or the stories are told.
///
/// # Errors
/// Faults of the settings; something needed is missing; a story did not come out as it should.
pub async fn run(args: UpArgs) -> Result<(), Failure> {
    let mut faults = Faults::new();
    let settings = args.check(&mut faults);
    faults.finish()?;
    let settings = settings.context("settings without a fault are settings")?;
    let config = &args.installation.telemetry;
    let config = if args.demo { &beside_output(config) } else { config };
    let telemetry = telemetry::init("seva", config).map_err(FaultySettings)?;
    let mut signal = std::pin::pin!(shutdown::signal().context("listening for signals")?);

    let instance = tokio::select! {
        started = Box::pin(Instance::start(settings)) => started?,
        () = &mut signal => return Ok(()),
    };
    let ended = async {
        let tokens = tokens::ready(&instance.keyring.issuer);
        write_private(&instance.layout().tokens(), tokens.as_bytes()).context("writing the ready tokens")?;
        println!("{}", welcome(&instance, stdout().is_terminal().then_some(tokens.as_str())));
        let failed = instance.tasks.failed();
        let demo =
            async { if args.demo { demo::play(&instance, args.once()).await } else { std::future::pending().await } };
        tokio::select! {
            () = signal => Ok(()),
            () = failed.cancelled() => Err(anyhow!("a task failed without which the suite cannot go on").into()),
            told = demo => told,
        }
    }
    .await;
    let in_time = Box::pin(instance.stop(Some(telemetry))).await;
    match ended {
        Ok(()) if !in_time => Err(anyhow!("not everything ended within its bound").into()),
        ended => ended,
    }
}

/// Where to look.
fn welcome(instance: &Instance, tokens: Option<&str>) -> String {
    let layout = instance.layout();
    let mut text = format!("seva runs in {} as process {}\n", layout.root().display(), std::process::id());
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<15}{value}").expect("writing to a string does not fail");
    };
    for (service, address) in &instance.addresses {
        let what = if *service == portal::NAME { "pages of customers, and /dev/mail" } else { "gRPC with reflection" };
        line(service, &format!("http://{address} ({what})"));
    }
    line("mail", &format!("{}, one file a message", layout.mail().display()));
    line("tokens", &format!("{}, one a role, good for 12 hours; others by `seva token`", layout.tokens().display()));
    if instance.clock.is_manual() {
        line("business time", &format!("{}, moved by seva.events.v1.ClockService/AdvanceTo", instance.clock.now()));
    }
    line("end", "Ctrl-C drains and stops everything");
    if let Some(tokens) = tokens {
        text.push('\n');
        text.push_str(tokens);
    }
    text
}
