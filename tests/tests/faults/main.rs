//! Faults: processes and PostgreSQL are killed under load, and nothing that was acknowledged may be lost, torn, or done twice.
//!
//! `ROUNDS` asks for more rounds than two, `FAULT_SEED` repeats a run's choices. The judge itself is judged in [`planted`] and
//! [`planted_stories`].

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod load;
mod planted;
mod planted_stories;

use std::{
    env,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use seva_tests::{AllInOne, Installation, MailServer, Suite, SuiteOptions, drained::drained, judge};

use load::Load;

/// From the moment at which everything that was killed has been started, and PostgreSQL has replayed its log, to the first acknowledged
/// write. PostgreSQL's own part depends on the disk, which is shared: it is told beside this and not judged.
const RECOVERY: Duration = Duration::from_secs(3);

fn rounds() -> u32 {
    env::var("ROUNDS").ok().map_or(2, |rounds| rounds.parse().expect("ROUNDS is a number"))
}

/// Random choices of this run; the seed is printed.
fn choices() -> StdRng {
    let seed =
        env::var("FAULT_SEED").ok().map_or_else(rand::random, |seed| seed.parse().expect("FAULT_SEED is a number"));
    println!("FAULT_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// What is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Service(&'static str),
    PostgreSql,
    Everything,
}

const SERVICES: [&str; 5] = ["customers", "tickets", "staff", "surveys", "notifications"];
/// Services that are killed by themselves in a round: over two rounds every one was.
const SERVICES_OF_A_ROUND: usize = 3;

/// The victims of every round: everything at once, PostgreSQL, and the services by turns.
fn victims(rounds: u32, choices: &mut StdRng) -> Vec<Vec<Victim>> {
    let mut services = SERVICES;
    services.shuffle(choices);
    let mut turn = services.into_iter().cycle();
    let mut of_round = || {
        let mut victims = vec![Victim::PostgreSql, Victim::Everything];
        victims.extend(turn.by_ref().take(SERVICES_OF_A_ROUND).map(Victim::Service));
        victims.shuffle(choices);
        victims
    };
    (0..rounds).map(|_| of_round()).collect()
}

/// Kills, waits a little, and starts again; answers when all was gone, and when our own recovery began.
async fn kill_and_restart(suite: &mut Suite, victim: Victim, gap: Duration) -> (Instant, Instant) {
    let services = match &victim {
        Victim::Service(service) => std::slice::from_ref(service),
        Victim::PostgreSql => &[],
        Victim::Everything => &SERVICES,
    };
    for service in services {
        suite.process(service).kill9();
    }
    let kills_database = matches!(victim, Victim::PostgreSql | Victim::Everything);
    if kills_database {
        suite.kill_postgres().await;
    }
    let gone = Instant::now();
    tokio::time::sleep(gap).await;
    if kills_database {
        let begun = Instant::now();
        suite.restart_postgres().await;
        println!("PostgreSQL has recovered and takes connections after {:.2?}", begun.elapsed());
    }
    let restarted = Instant::now();
    for service in services {
        suite.process(service).restart();
    }
    (gone, restarted)
}

/// Stops the load, waits until nothing is left to do, and judges.
async fn judged(installation: &Installation, load: Load) {
    let journal = load.stop().await;
    let begun = Instant::now();
    drained(installation).await;
    println!("{} acknowledged; drained after {:.1?}", journal.len(), begun.elapsed());
    assert!(!journal.is_empty(), "nothing was acknowledged, so nothing was tried");
    let broken = judge::broken(installation, &journal).await.unwrap();
    assert!(broken.is_empty(), "{broken:#?}");
}

fn tell(victim: &str, recovered: Duration, recoveries: &mut Vec<Duration>) {
    println!("killed {victim}: first success {recovered:.2?} after the restart");
    recoveries.push(recovered);
}

fn longest(recoveries: &[Duration]) -> Duration {
    let longest = *recoveries.iter().max().unwrap();
    println!("{} kills, longest recovery {longest:.2?}", recoveries.len());
    longest
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: run by make faults"]
async fn nothing_acknowledged_is_lost_or_done_twice_whatever_process_is_killed() {
    let mut choices = choices();
    let mail = MailServer::start().await;
    let options = SuiteOptions { durable: true, mail: Some(mail.url.clone()), ..Default::default() };
    let mut suite = Suite::start(options).await;
    let mut recoveries = Vec::new();
    let desk = load::desk(&suite).await;
    for (round, victims) in victims(rounds(), &mut choices).into_iter().enumerate() {
        let load = Load::start(&suite, &desk, suite.folder().join(format!("journal-{round}"))).await;
        for victim in victims {
            load.some_successes().await;
            tokio::time::sleep(Duration::from_millis(choices.random_range(0..1500))).await;
            let gap = Duration::from_millis(choices.random_range(0..300));
            let (gone, restarted) = kill_and_restart(&mut suite, victim, gap).await;
            let recovered = load.first_success(gone).await.saturating_duration_since(restarted);
            tell(&format!("{victim:?}"), recovered, &mut recoveries);
            suite.ready().await;
        }
        load.some_successes().await;
        judged(&suite, load).await;
        let taken = mail.taken();
        let repeated = taken.values().filter(|count| **count > 1).count();
        println!("{} messages taken by the mail server, {repeated} of them more than once", taken.len());
        let broken = judge::misdelivered(&suite, &taken).await.unwrap();
        assert!(broken.is_empty(), "{broken:#?}");
    }
    assert!(longest(&recoveries) < RECOVERY, "{recoveries:?}");
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: run by make faults"]
async fn nothing_acknowledged_is_lost_or_done_twice_when_all_in_one_is_killed_with_its_database() {
    let mut choices = choices();
    let mut suite = AllInOne::start(&[]).await;
    let mut recoveries = Vec::new();
    let desk = load::desk(&suite).await;
    for round in 0..rounds() {
        let load = Load::start(&suite, &desk, suite.data_dir().join(format!("journal-{round}"))).await;
        for _ in 0..2 {
            load.some_successes().await;
            tokio::time::sleep(Duration::from_millis(choices.random_range(0..1500))).await;
            suite.process().kill9();
            let restarted = Instant::now();
            suite.process().restart();
            let recovered = load.first_success(restarted).await - restarted;
            tell("seva up", recovered, &mut recoveries);
            suite.ready().await;
        }
        load.some_successes().await;
        judged(&suite, load).await;
    }
    // With PostgreSQL's recovery in it: a figure.
    longest(&recoveries);
    suite.stop().await;
}
