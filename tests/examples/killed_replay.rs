//! Plays a table of orders twice, once to its end and once with kills on the way, and compares what came of it, table by table.
//!
//! `killed_replay [TABLE.csv]`, without a table the product's own sample; or `killed_replay --compare FOLDER FOLDER` for two folders of replays that
//! were played before. The program `seva` has to be built with the same profile.
//!
//! | variable | means |
//! |---|---|
//! | `KILLS` | how often it is killed (3); the last time with its PostgreSQL |
//! | `SEED` | the moments of an earlier run; without it others each time |
//! | `KILLED_DIR` | where the two installations stand (`.seva/killed`); the one that was not killed is used again |

use std::{
    fs,
    io::{BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};
use seva::{
    data_dir::Layout,
    replay::{csv, generator, run, timeline::Timeline},
};
use seva_postgres::{Cluster, Options};
use seva_testkit::{
    kill::{kill9, postgres_of},
    tables::{AtRest, compare},
};
use seva_tests::{Installation, binary, judge};

/// How often one looks how far a replay is.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Once business time is there, so long at most until the kill: longer than the work of an instant takes.
const UNTIL_THE_KILL: Duration = Duration::from_millis(400);
/// So much of the time after the last event as there are events is as likely a moment as one of them: one in so many.
const AFTER_THE_LAST: usize = 20;

/// What is played, and where.
struct Plan {
    table: Option<PathBuf>,
    timeline: Timeline,
    kills: usize,
    seed: u64,
    whole: PathBuf,
    killed: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let equal = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--compare", one, other] => compared(Path::new(one), Path::new(other)).await?,
        [] => carry_out(&plan(None)?).await?,
        [table] if !table.starts_with('-') => carry_out(&plan(Some(table.into()))?).await?,
        _ => bail!("killed_replay [TABLE.csv] or killed_replay --compare FOLDER FOLDER"),
    };
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan(table: Option<PathBuf>) -> Result<Plan> {
    let number = |name: &str| std::env::var(name).ok().filter(|set| !set.is_empty()).map(|set| set.parse::<u64>());
    let orders = match &table {
        Some(file) => {
            let opened = fs::File::open(file).with_context(|| file.display().to_string())?;
            csv::read(BufReader::new(opened))?
        }
        None => csv::read(generator::sample().as_bytes())?,
    };
    let folder: PathBuf = std::env::var_os("KILLED_DIR").map_or_else(|| ".seva/killed".into(), Into::into);
    Ok(Plan {
        table,
        timeline: Timeline::of(orders)?,
        kills: usize::try_from(number("KILLS").transpose().context("KILLS")?.unwrap_or(3))?,
        seed: number("SEED").transpose().context("SEED")?.unwrap_or_else(rand::random),
        whole: folder.join("whole"),
        killed: folder.join("killed"),
    })
}

/// Plays both and compares; answers whether all of it is equal.
async fn carry_out(plan: &Plan) -> Result<bool> {
    println!("{} events; {} kills by SEED={}", plan.timeline.events().len(), plan.kills, plan.seed);
    println!("without a kill, in {}:", plan.whole.display());
    let whole = ended(start(plan, &plan.whole)?)?;
    println!("with kills, in {}:", plan.killed.display());
    delete(&plan.killed)?;
    for (number, moment) in (1..).zip(moments(plan)) {
        kill_at(plan, moment, number == plan.kills)?;
    }
    let killed = ended(start(plan, &plan.killed)?)?;
    let same_summary = whole.summary == killed.summary;
    println!("summaries: {}", if same_summary { "equal" } else { "DIFFERENT" });
    for (one, other) in whole.summary.lines().zip(killed.summary.lines()).filter(|(one, other)| one != other) {
        println!("  not killed: {}, killed: {}", one.trim(), other.trim());
    }
    if !whole.well || !killed.well {
        println!("a replay did not come out as its table lets expect; see above");
    }
    Ok(compared(&plan.whole, &plan.killed).await? && same_summary && whole.well && killed.well)
}

/// The moments of the kills in business time, and how long after that each comes: by the seed, over all of the run's progress.
fn moments(plan: &Plan) -> Vec<(Timestamp, Duration)> {
    let mut dice = StdRng::seed_from_u64(plan.seed);
    let events = plan.timeline.events();
    let (last, end) = (events.len() - 1, run::end_of(&plan.timeline).expect("a table has events"));
    let mut moments: Vec<_> = (0..plan.kills)
        .map(|_| {
            let place = dice.random_range(1..events.len() + events.len() / AFTER_THE_LAST);
            let at = match events.get(place) {
                Some(event) => event.fact.at,
                None => events[last].fact.at + end.duration_since(events[last].fact.at) * dice.random_range(1..10) / 10,
            };
            (at, dice.random_range(Duration::ZERO..UNTIL_THE_KILL))
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// A replay on its way.
fn start(plan: &Plan, folder: &Path) -> Result<Child> {
    let mut command = Command::new(binary::seva());
    command.arg("replay").arg("--json").arg("--data-dir").arg(folder);
    match &plan.table {
        Some(table) => command.arg(table),
        None => command.arg("--sample"),
    };
    // How far it is, it tells itself.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.spawn().context("starting the replay")
}

/// How a replay ended.
struct Ended {
    summary: String,
    /// It says that all of it agrees with the table and nothing is left to do.
    well: bool,
}

fn ended(mut replay: Child) -> Result<Ended> {
    let mut summary = String::new();
    replay.stdout.take().context("its output is ours")?.read_to_string(&mut summary)?;
    let status = replay.wait()?;
    ensure!(!summary.is_empty(), "the replay ended without a summary: {status}");
    Ok(Ended { summary, well: status.success() })
}

/// Starts the replay and kills it at a moment of business time, with its PostgreSQL if need be.
fn kill_at(plan: &Plan, (moment, later): (Timestamp, Duration), with_postgres: bool) -> Result<()> {
    let mut replay = start(plan, &plan.killed)?;
    let mut reached = None;
    while reached.is_none_or(|reached: Instant| reached.elapsed() < later) {
        if let Some(status) = replay.try_wait()? {
            bail!("the replay ended before it could be killed at {moment}: {status}");
        }
        if reached.is_none() && business_time(&plan.killed).is_some_and(|now| now >= moment) {
            reached = Some(Instant::now());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let mut pids = vec![replay.id()];
    if with_postgres {
        pids.extend(postgres_of(&plan.killed));
    }
    kill9(&pids);
    replay.wait()?;
    let now = business_time(&plan.killed).context("the business time is stored")?;
    let (passed, events) = (plan.timeline.passed(now), plan.timeline.events().len());
    let postgres =
        if with_postgres { format!(", with PostgreSQL ({} processes)", pids.len() - 1) } else { String::new() };
    println!("killed at business time {now}, {passed} of {events} events{postgres}");
    Ok(())
}

fn business_time(folder: &Path) -> Option<Timestamp> {
    fs::read_to_string(Layout::new(folder).clock()).ok()?.trim().parse().ok()
}

/// Deletes the installation of a replay, wherever its PostgreSQL stands.
fn delete(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let layout = Layout::new(folder);
    ensure!(layout.replay().exists(), "{} is not the folder of a replay; it is left alone", folder.display());
    if layout.postgres().exists() {
        Cluster::start(Options::new(layout.postgres()))?.stop_and_delete()?;
    }
    fs::remove_dir_all(folder).with_context(|| folder.display().to_string())
}

/// Compares two folders, and judges each; answers whether all is as it has to be.
async fn compared(one: &Path, other: &Path) -> Result<bool> {
    let (mut first, mut second) = (AtRest::open(one).await, AtRest::open(other).await);
    let comparison = compare(&mut first, &mut second).await;
    print!("{comparison}");
    let mut wrong = Vec::new();
    for (folder, at_rest) in [(one, &mut first), (other, &mut second)] {
        wrong.extend(at_rest.faults().await);
        let installation = Installation::at_rest(&Layout::new(folder), &at_rest.urls());
        wrong.extend(judge::broken(&installation, &[]).await?);
    }
    first.close().await;
    second.close().await;
    for fault in &wrong {
        println!("WRONG: {fault}");
    }
    let (all, differing) = (comparison.tables.len(), comparison.differing().count());
    println!("{} of {all} tables are equal, {differing} differ; {} faults", all - differing, wrong.len());
    Ok(differing == 0 && wrong.is_empty())
}
