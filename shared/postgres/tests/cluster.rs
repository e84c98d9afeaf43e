//! A private cluster with a real PostgreSQL: its life, its deaths and where it stands.
#![expect(clippy::unwrap_used, reason = "a failing step fails its test, in helpers as in tests")]

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use seva_postgres::{Cluster, Error, Options};
use tempfile::TempDir;

/// Makes the re-executed test binary hold a cluster in the folder it names.
const HOLD: &str = "SEVA_POSTGRES_TEST_HOLD";

/// A folder that the server's user can enter.
fn an_open_folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn quick(data_dir: &Path) -> Options {
    Options { durable: false, ..Options::new(data_dir) }
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn eventually(what: &str, within: Duration, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < within, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn we_are_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Not a test of its own: the other process of the tests below. Run in the ordinary way it has nothing to do.
#[test]
fn the_other_process_holds_a_cluster_when_asked_to() {
    let Some(data_dir) = std::env::var_os(HOLD) else { return };
    let cluster = Cluster::start(quick(Path::new(&data_dir))).unwrap();
    cluster.execute("postgres", "create table kept (word text); insert into kept values ('kept');").unwrap();
    std::fs::write(Path::new(&data_dir).join("held"), cluster.postmaster_pid().to_string()).unwrap();
    std::thread::sleep(Duration::from_secs(120));
}

/// Another process that holds a cluster in `data_dir`; returns it and its postmaster.
fn a_holder(data_dir: &Path) -> (Child, u32) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_other_process_holds_a_cluster_when_asked_to"])
        .env(HOLD, data_dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let held = data_dir.join("held");
    eventually("the other process starts a cluster", Duration::from_secs(60), || {
        std::fs::read_to_string(&held).is_ok_and(|text| !text.is_empty())
    });
    let postmaster = std::fs::read_to_string(&held).unwrap().parse().unwrap();
    (child, postmaster)
}

#[test]
fn a_stopped_cluster_keeps_its_data_and_starts_again_quickly() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("deep/er/data");
    let begun = Instant::now();
    let cluster = Cluster::start(Options::new(&data_dir)).unwrap();
    let first = begun.elapsed();
    cluster.execute("postgres", "create database seva_tickets").unwrap();
    cluster.execute("seva_tickets", "create table t (n int); insert into t values (1), (2);").unwrap();
    let postmaster = cluster.postmaster_pid();
    let begun = Instant::now();
    cluster.stop().unwrap();
    let stop = begun.elapsed();
    assert!(!is_alive(postmaster));

    let begun = Instant::now();
    let cluster = Cluster::start(Options::new(&data_dir)).unwrap();
    let second = begun.elapsed();

    println!("first start {first:?}, stop {stop:?}, second start {second:?}");
    assert_eq!(cluster.execute("seva_tickets", "select n, n * 2 from t order by n").unwrap(), "1|2\n2|4");
    assert_eq!(cluster.home(), data_dir.canonicalize().unwrap());
    assert!(second < Duration::from_secs(5), "{second:?}");
}

#[test]
fn text_of_any_language_survives_and_is_compared_the_same_everywhere() {
    let dir = an_open_folder();
    let cluster = Cluster::start(quick(&dir.path().join("data"))).unwrap();

    cluster
        .execute("postgres", "create table words (word text); insert into words values ('नमस्ते, आपका ऑर्डर');")
        .unwrap();

    assert_eq!(cluster.execute("postgres", "select word, length(word) from words").unwrap(), "नमस्ते, आपका ऑर्डर|18");
    assert_eq!(cluster.execute("postgres", "select lower('ÀÉÖ ΣΩ ЖЯ')").unwrap(), "àéö σω жя");
    let locale =
        "select datcollate, datctype, pg_encoding_to_char(encoding) from pg_database where datname = 'template1'";
    assert_eq!(cluster.execute("postgres", locale).unwrap(), "C.UTF-8|C.UTF-8|UTF8");
    assert_eq!(cluster.execute("postgres", "show timezone").unwrap(), "UTC");
    assert_eq!(cluster.execute("postgres", "show lc_messages").unwrap(), "C");
}

#[test]
fn a_statement_that_fails_says_so_in_the_servers_words() {
    let dir = an_open_folder();
    let cluster = Cluster::start(quick(&dir.path().join("data"))).unwrap();

    let error =
        cluster.execute("postgres", "create table a (); select * from nowhere; create table b ();").unwrap_err();

    assert!(matches!(error, Error::Sql { .. }));
    assert!(error.to_string().contains("relation \"nowhere\" does not exist"), "{error}");
    assert_eq!(cluster.execute("postgres", "select to_regclass('a') is not null, to_regclass('b')").unwrap(), "t|");
}

#[test]
fn the_socket_is_private_and_its_url_is_understood() {
    let dir = an_open_folder();
    let cluster = Cluster::start(quick(&dir.path().join("da ta+%ü"))).unwrap();

    let output = Command::new("psql")
        .args(["-X", "-t", "-A", "-c", "select current_user"])
        .arg(cluster.url("postgres"))
        .output();

    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "seva\n", "{}", String::from_utf8_lossy(&output.stderr));
    let socket_dir = std::fs::metadata(cluster.socket_dir()).unwrap();
    assert_eq!(socket_dir.mode() & 0o777, 0o700);
    assert_eq!(cluster.execute("postgres", "show listen_addresses").unwrap(), "");
    assert_eq!(cluster.tcp_url("postgres"), None);
}

#[test]
fn a_tcp_port_lets_in_only_who_knows_the_password() {
    let dir = an_open_folder();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut options = quick(&dir.path().join("data"));
    options.port = Some(free);
    options.password = Some("it's a \\ secret: @/?".to_owned());
    assert!(!format!("{options:?}").contains("secret"));
    let cluster = Cluster::start(options).unwrap();
    let ask = |url: &str| {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-w", "-t", "-A", "-c", "select inet_server_port()"])
            .arg(url)
            .env_remove("PGPASSWORD")
            .output()
            .unwrap()
    };

    let url = cluster.tcp_url("postgres").unwrap();
    let right = ask(&url);
    let wrong = ask(&format!("postgres://seva:guess@127.0.0.1:{free}/postgres"));

    assert_eq!(
        String::from_utf8_lossy(&right.stdout),
        format!("{free}\n"),
        "{}",
        String::from_utf8_lossy(&right.stderr)
    );
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("password authentication failed"));
    let rules = std::fs::read_to_string(cluster.home().join("pg_hba.conf")).unwrap();
    assert!(!rules.lines().any(|line| line.starts_with("host") && line.ends_with("trust")), "{rules}");
}

#[test]
fn a_port_that_is_taken_is_reported_with_the_servers_log() {
    let dir = an_open_folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = quick(&dir.path().join("data"));
    options.port = Some(taken.local_addr().unwrap().port());
    options.password = Some("x".to_owned());

    let error = Cluster::start(options).unwrap_err();

    assert!(matches!(error, Error::Start { .. }), "{error}");
    assert!(error.to_string().contains("Address already in use"), "{error}");
}

#[test]
fn a_setting_the_server_does_not_know_is_reported_with_the_servers_log() {
    let dir = an_open_folder();
    let mut options = quick(&dir.path().join("data"));
    options.extra.push(("no_such_setting".to_owned(), "1".to_owned()));

    let error = Cluster::start(options).unwrap_err();

    assert!(error.to_string().contains("unrecognized configuration parameter \"no_such_setting\""), "{error}");
}

#[test]
fn an_owner_killed_without_warning_leaves_no_server_behind_and_the_next_start_works() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    let (mut owner, postmaster) = a_holder(&data_dir);
    assert!(is_alive(postmaster));

    owner.kill().unwrap();
    owner.wait().unwrap();

    // At once, so that the start meets the old server while it stops.
    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    assert!(!is_alive(postmaster));
    assert_ne!(cluster.postmaster_pid(), postmaster);
    assert_eq!(cluster.execute("postgres", "select word from kept").unwrap(), "kept");
}

#[test]
fn without_an_owner_the_server_ends_by_itself() {
    let dir = an_open_folder();
    let (mut owner, postmaster) = a_holder(&dir.path().join("data"));

    owner.kill().unwrap();
    owner.wait().unwrap();

    eventually("the server ends", Duration::from_secs(15), || !is_alive(postmaster));
}

#[test]
fn a_folder_in_use_by_another_process_is_refused_with_its_number() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    let (mut owner, postmaster) = a_holder(&data_dir);

    let begun = Instant::now();
    let error = Cluster::start(quick(&data_dir)).unwrap_err();

    assert!(matches!(error, Error::AlreadyRunning { pid, .. } if pid == owner.id()), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(is_alive(postmaster), "the refused start must not disturb the server");
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the server ends", Duration::from_secs(15), || !is_alive(postmaster));
}

#[test]
fn committed_rows_survive_kill_9_of_every_server_process() {
    let dir = an_open_folder();
    let mut cluster = Cluster::start(Options::new(dir.path().join("data"))).unwrap();
    cluster.execute("postgres", "create table t (n int); insert into t select generate_series(1, 1000);").unwrap();
    let postmaster = cluster.postmaster_pid();

    cluster.kill9().unwrap();
    assert!(!is_alive(postmaster));
    assert!(!cluster.is_running());
    assert!(cluster.execute("postgres", "select 1").is_err());
    let begun = Instant::now();
    cluster.restart_after_kill().unwrap();

    println!("restart after kill -9: {:?}", begun.elapsed());
    assert!(cluster.is_running());
    assert_eq!(cluster.execute("postgres", "select count(*), sum(n) from t").unwrap(), "1000|500500");
    assert!(std::fs::read_to_string(cluster.log_file()).unwrap().contains("was not properly shut down"));
}

#[test]
fn a_server_killed_from_outside_is_noticed_and_can_be_restarted() {
    let dir = an_open_folder();
    let mut cluster = Cluster::start(quick(&dir.path().join("data"))).unwrap();
    let first = cluster.postmaster_pid();
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -9 {first}")]).status().unwrap().success());
    eventually("the server dies", Duration::from_secs(10), || !is_alive(first));

    cluster.restart_after_kill().unwrap();
    assert_ne!(cluster.postmaster_pid(), first);
    let second = cluster.postmaster_pid();
    cluster.restart().unwrap();

    assert_ne!(cluster.postmaster_pid(), second);
    assert_eq!(cluster.execute("postgres", "select 1").unwrap(), "1");
}

#[test]
fn a_process_file_that_names_a_living_stranger_does_not_refuse_the_start() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    let pid_file = cluster.home().join("pgdata/postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let owner = std::fs::metadata(&pid_file).unwrap().uid();
    let postmaster = cluster.postmaster_pid();
    drop(cluster);
    assert!(!is_alive(postmaster));
    // As after a restart of a container: another process of the same user has the number by now.
    let mut command = Command::new("sleep");
    command.arg("60").current_dir("/");
    if we_are_root() {
        command.uid(owner);
    }
    let mut stranger = command.spawn().unwrap();
    std::fs::write(&pid_file, text.replacen(&postmaster.to_string(), &stranger.id().to_string(), 1)).unwrap();

    let started = Cluster::start(quick(&data_dir));

    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(started.unwrap().execute("postgres", "select 1").unwrap(), "1");
}

#[test]
fn a_half_made_cluster_is_made_anew() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    std::fs::create_dir_all(data_dir.join("pgdata.new/base")).unwrap();
    std::fs::write(data_dir.join("pgdata.new/PG_VERSION"), "15\n").unwrap();

    let cluster = Cluster::start(quick(&data_dir)).unwrap();

    assert_eq!(cluster.execute("postgres", "select 1").unwrap(), "1");
    assert!(!data_dir.join("pgdata.new").exists());
}

#[test]
fn data_of_another_version_is_refused_before_anything_is_touched() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    std::fs::create_dir_all(data_dir.join("pgdata")).unwrap();
    std::fs::write(data_dir.join("pgdata/PG_VERSION"), "12\n").unwrap();

    let error = Cluster::start(quick(&data_dir)).unwrap_err();

    assert!(matches!(error, Error::VersionMismatch { data: 12, .. }), "{error}");
}

#[test]
fn a_long_path_gets_a_short_socket_folder_that_is_found_again_and_deleted() {
    let dir = an_open_folder();
    let data_dir = dir.path().join("long".repeat(25));
    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    let socket_dir = cluster.socket_dir().to_owned();
    assert!(!socket_dir.starts_with(&data_dir), "{}", socket_dir.display());
    assert!(socket_dir.as_os_str().len() < 80);
    assert_eq!(std::fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    cluster.stop().unwrap();

    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    assert_eq!(cluster.socket_dir(), socket_dir);
    assert_eq!(cluster.execute("postgres", "select 1").unwrap(), "1");
    cluster.stop_and_delete().unwrap();

    assert!(!socket_dir.exists());
    assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 0);
}

#[test]
fn dropping_a_cluster_stops_its_server() {
    let dir = an_open_folder();
    let cluster = Cluster::start(quick(&dir.path().join("data"))).unwrap();
    let postmaster = cluster.postmaster_pid();

    drop(cluster);

    assert!(!is_alive(postmaster));
}

#[test]
fn the_server_leaves_our_process_group_so_that_ctrl_c_does_not_reach_it() {
    let dir = an_open_folder();
    let cluster = Cluster::start(quick(&dir.path().join("data"))).unwrap();

    let group = |pid: u32| -> String {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(2).unwrap().to_owned()
    };

    assert_ne!(group(cluster.postmaster_pid()), group(std::process::id()));
}

#[test]
fn as_root_a_folder_the_servers_user_cannot_reach_is_replaced_by_a_remembered_place() {
    if !we_are_root() {
        println!("skipped: only root runs the server as somebody else");
        return;
    }
    // Root's alone, as a home folder is.
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let data_dir = dir.path().join("data");
    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    let home = cluster.home().to_owned();
    assert!(home.starts_with("/var/lib/seva"), "{}", home.display());
    assert_eq!(PathBuf::from(std::fs::read_to_string(data_dir.join("postgres.location")).unwrap().trim()), home);
    assert_eq!(std::fs::metadata(dir.path()).unwrap().mode() & 0o777, 0o700, "the parent keeps its mode");
    assert_ne!(std::fs::metadata(home.join("pgdata")).unwrap().uid(), 0);
    assert_eq!(std::fs::metadata(&home).unwrap().uid(), 0);
    cluster.execute("postgres", "create table t (); ").unwrap();
    cluster.stop().unwrap();

    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    assert_eq!(cluster.home(), home);
    assert_eq!(cluster.execute("postgres", "select count(*) from t").unwrap(), "0");
    cluster.stop().unwrap();
    std::fs::remove_dir_all(&data_dir).unwrap();

    // The folder was thrown away: a new one of that name begins empty, and the old data is not lost either.
    let cluster = Cluster::start(quick(&data_dir)).unwrap();
    assert!(cluster.execute("postgres", "select count(*) from t").is_err());
    cluster.stop_and_delete().unwrap();
    assert!(!home.exists());
    let aside = home.with_extension("abandoned-1");
    assert!(aside.join("pgdata/PG_VERSION").exists());
    std::fs::remove_dir_all(aside).unwrap();
}

#[test]
fn as_root_a_private_data_folder_lets_only_the_servers_user_pass() {
    if !we_are_root() {
        println!("skipped: only root runs the server as somebody else");
        return;
    }
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    std::fs::set_permissions(&data_dir, std::fs::Permissions::from_mode(0o700)).unwrap();

    let cluster = Cluster::start(quick(&data_dir)).unwrap();

    let folder = std::fs::metadata(&data_dir).unwrap();
    assert_eq!((folder.uid(), folder.mode() & 0o777), (0, 0o710));
    assert_eq!(cluster.home(), data_dir.canonicalize().unwrap());
    assert_eq!(cluster.execute("postgres", "select 1").unwrap(), "1");
}

#[test]
fn as_root_data_in_a_folder_out_of_reach_is_not_forgotten_for_an_empty_cluster_elsewhere() {
    if !we_are_root() {
        println!("skipped: only root runs the server as somebody else");
        return;
    }
    let dir = an_open_folder();
    let data_dir = dir.path().join("data");
    Cluster::start(quick(&data_dir)).unwrap().stop().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();

    let error = Cluster::start(quick(&data_dir)).unwrap_err();

    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(!data_dir.join("postgres.location").exists());
}
