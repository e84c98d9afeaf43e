//! What a caller may choose, and the configuration files made of it.

use std::fmt::{self, Write};
use std::path::PathBuf;

use crate::Error;
use crate::layout::{Layout, write_atomically};
use crate::url::SUPERUSER;

/// How to run one private cluster.
#[derive(Clone)]
pub struct Options {
    /// The folder of the cluster; made if it does not exist. Give the cluster a folder of its own.
    pub data_dir: PathBuf,
    /// Whether a committed transaction survives a crash of the machine. `false` is for tests: no write
    /// waits for the disk.
    pub durable: bool,
    /// The most connections the server accepts at once.
    pub max_connections: u32,
    /// A TCP port on 127.0.0.1; `None`: unix socket only.
    pub port: Option<u16>,
    /// The superuser's password over TCP. Needed with `port`; the private unix socket asks for none.
    pub password: Option<String>,
    /// The server's shared page cache, in MiB.
    pub shared_buffers_mib: u32,
    /// Further settings, which win over ours.
    pub extra: Vec<(String, String)>,
}

impl Options {
    /// A durable cluster in `data_dir`: unix socket only, 150 connections, 128 MiB of shared buffers.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            data_dir: data_dir.into(),
            durable: true,
            max_connections: 150,
            port: None,
            password: None,
            shared_buffers_mib: 128,
            extra: Vec::new(),
        }
    }

    /// The number that names the socket file.
    pub(crate) fn socket_port(&self) -> u16 {
        self.port.unwrap_or(5432)
    }

    /// Refuses what could not work, before anything is touched.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let (Some(port), None) = (self.port, &self.password) {
            return Err(Error::PasswordMissing { port });
        }
        for (name, value) in &self.extra {
            let good_name = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.chars().all(|char| matches!(char, 'a'..='z' | '0'..='9' | '_' | '.'));
            if !good_name || value.chars().any(char::is_control) {
                return Err(Error::BadSetting { name: name.clone(), value: value.clone() });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Options {
    /// Leaves out the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .field("durable", &self.durable)
            .field("max_connections", &self.max_connections)
            .field("port", &self.port)
            .field("shared_buffers_mib", &self.shared_buffers_mib)
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}

/// Writes `postgresql.conf` and `pg_hba.conf` into the cluster's home.
pub(crate) fn write(options: &Options, layout: &Layout) -> Result<(), Error> {
    write_atomically(&layout.home.join("postgresql.conf"), &server_settings(options, layout))?;
    write_atomically(&layout.home.join("pg_hba.conf"), &access_rules(options))
}

/// Trust is safe on the socket: only the server's user and root can enter its folder.
fn access_rules(options: &Options) -> String {
    let mut text = String::from("# Written anew at every start.\nlocal all all trust\n");
    if options.port.is_some() {
        text.push_str("host all all 127.0.0.1/32 scram-sha-256\n");
    }
    text
}

fn server_settings(options: &Options, layout: &Layout) -> String {
    let on = |value: bool| if value { "on" } else { "off" }.to_owned();
    let max_connections = options.max_connections.to_string();
    let port = options.socket_port().to_string();
    let shared_buffers = format!("{}MB", options.shared_buffers_mib);
    let durable = on(options.durable);
    let hba_file = layout.home.join("pg_hba.conf").display().to_string();
    let socket_dir = quote_list_item(&layout.socket_dir.display().to_string());
    let ours = [
        ("listen_addresses", if options.port.is_some() { "127.0.0.1" } else { "" }),
        ("port", &port),
        ("unix_socket_directories", &socket_dir),
        ("unix_socket_permissions", "0700"),
        ("hba_file", &hba_file),
        ("password_encryption", "scram-sha-256"),
        ("max_connections", &max_connections),
        ("shared_buffers", &shared_buffers),
        ("fsync", &durable),
        ("synchronous_commit", &durable),
        ("full_page_writes", &durable),
        // After a kill PostgreSQL syncs all its thousand files first: one call does it in a tenth of the time.
        ("recovery_init_sync_method", "syncfs"),
        // Nobody replicates from a private cluster.
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("max_wal_size", "1GB"),
        ("checkpoint_timeout", "15min"),
        // Queues are emptied as fast as they are filled, and what was taken lies in the way until it is vacuumed.
        ("autovacuum_naptime", "5s"),
        // Our statements are short: compiling them costs more than it gains.
        ("jit", "off"),
        ("timezone", "UTC"),
        ("lc_messages", "C"),
        ("lc_monetary", "C.UTF-8"),
        ("lc_numeric", "C.UTF-8"),
        ("lc_time", "C.UTF-8"),
        ("default_text_search_config", "pg_catalog.simple"),
        ("log_timezone", "UTC"),
        ("log_min_messages", "warning"),
        ("log_checkpoints", "off"),
        ("log_lock_waits", "on"),
        ("log_line_prefix", "%m [%p] %d %a "),
        // Parameters hold people's words and addresses: they do not belong into a log.
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
    ];
    let mut text = String::from("# Written anew at every start.\n");
    for (name, value) in ours {
        push_setting(&mut text, name, value);
    }
    for (name, value) in &options.extra {
        push_setting(&mut text, name, value);
    }
    text
}

fn push_setting(text: &mut String, name: &str, value: &str) {
    let value = value.replace('\\', "\\\\").replace('\'', "''");
    writeln!(text, "{name} = '{value}'").expect("writing to a string does not fail");
}

/// A list setting splits at commas unless the item is quoted.
fn quote_list_item(item: &str) -> String {
    format!("\"{}\"", item.replace('"', "\"\""))
}

/// The statements that set the superuser's password; the first keeps them out of the log if they fail.
pub(crate) fn password_statements(password: &str) -> String {
    let password = password.replace('\'', "''");
    format!(
        "set log_min_error_statement = panic; set standard_conforming_strings = on; \
         alter role {SUPERUSER} password '{password}';"
    )
}

#[cfg(test)]
mod tests;
