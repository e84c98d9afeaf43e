//! Settings from flags and environment: checked whole before anything binds, shown with secrets masked.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use jiff::Timestamp;
use seva_customers::CustomersConfig;
use seva_notifications::NotificationsConfig;
use seva_runtime::{
    clock::machine_now,
    config::{Company, CompanyConfig, Faults, LimitsConfig, Secret, TelemetryConfig, parse_url},
};
use sqlx::postgres::PgConnectOptions;

use crate::{
    assembly::{PARTS, portal},
    data_dir::Layout,
    databases::{AllUrls, Urls},
    instance,
};

#[cfg(test)]
mod tests;

/// Where an installation keeps its things.
#[derive(Debug, Clone, Args)]
pub struct DataDirArg {
    /// Folder of the installation: keys, database, mail
    #[arg(long, env = "SEVA_DATA_DIR", value_name = "FOLDER", default_value = ".seva")]
    pub data_dir: PathBuf,
}

impl DataDirArg {
    /// The parts of the folder.
    pub fn layout(&self) -> Layout {
        Layout::new(&self.data_dir)
    }
}

/// Stands for the mail folder of the data folder, which is not known before the flags are read.
pub const OWN_MAIL_FOLDER: &str = "dir:";

/// How messages are sent by services whose installation has a data folder: into files there, unless another provider is named.
///
/// Notes every fault.
pub fn check_notifications(
    config: &NotificationsConfig,
    company: Option<&Company>,
    layout: &Layout,
    faults: &mut Faults,
) -> Option<seva_notifications::Settings> {
    in_own_folder(config, layout).check(company, faults)
}

fn in_own_folder(config: &NotificationsConfig, layout: &Layout) -> NotificationsConfig {
    let mut config = config.clone();
    if config.provider == OWN_MAIL_FOLDER {
        let folder = std::path::absolute(layout.mail()).unwrap_or_else(|_| layout.mail());
        config.provider = format!("dir:{}", folder.display());
    }
    config
}

/// All services and the portal in one process.
#[derive(Debug, Clone, Args)]
pub struct InstallationArgs {
    #[command(flatten)]
    pub(crate) data_dir: DataDirArg,
    /// Port of the first service; the others have the numbers after it, and the portal that plus 979. 0: any that are free
    #[arg(long, env = "SEVA_PORT_BASE", value_name = "PORT", default_value_t = 7101)]
    pub port_base: u16,
    /// Another port for a service or the portal, such as customers=7201 or portal=80; may come several times
    #[arg(long = "port", env = "SEVA_PORTS", value_name = "SERVICE=PORT", value_delimiter = ',')]
    pub ports: Vec<String>,
    /// Business time: `system`, or `manual`, which stands until it is moved by `ClockService`
    #[arg(long, env = "SEVA_CLOCK", value_name = "CLOCK", default_value = "system")]
    pub clock: String,
    #[command(flatten)]
    pub(crate) company: CompanyConfig,
    #[command(flatten)]
    pub(crate) customers: CustomersConfig,
    #[command(flatten)]
    pub(crate) notifications: NotificationsConfig,
    #[command(flatten)]
    pub(crate) limits: LimitsConfig,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryConfig,
}

impl InstallationArgs {
    /// The settings; notes every fault.
    pub fn check(&self, faults: &mut Faults) -> Option<instance::Settings> {
        let ports = self.ports(faults);
        let databases = databases_of_environment(faults);
        let manual_clock = self.manual_clock(faults);
        let company = self.company.check(faults);
        let customers = self.customers.check(faults);
        let notifications = check_notifications(&self.notifications, company.as_ref(), &self.data_dir.layout(), faults);
        let limits = self.limits.check(faults)?;
        Some(instance::Settings {
            data_dir: self.data_dir.data_dir.clone(),
            ports,
            databases,
            manual_clock,
            // Anybody on this machine may look: only what never left it.
            shows_mail: self.notifications.provider == OWN_MAIL_FOLDER,
            customers: customers?,
            notifications: notifications?,
            limits,
        })
    }

    fn ports(&self, faults: &mut Faults) -> BTreeMap<&'static str, u16> {
        let mut ports = BTreeMap::new();
        for (name, offset) in listeners() {
            let port = if self.port_base == 0 { Some(0) } else { self.port_base.checked_add(offset) };
            match port {
                Some(port) => {
                    ports.insert(name, port);
                }
                None => faults.add("--port-base (SEVA_PORT_BASE)", format!("leaves no port for {name}")),
            }
        }
        for named in self.ports.iter().filter(|named| !named.is_empty()) {
            let parsed = named.split_once('=').and_then(|(name, port)| {
                let (known, _) = listeners().find(|(known, _)| *known == name)?;
                Some((known, port.parse().ok()?))
            });
            match parsed {
                Some((name, port)) => {
                    ports.insert(name, port);
                }
                None => faults
                    .add("--port (SEVA_PORTS)", format!("{named:?} is not SERVICE=PORT with a service of {}", roles())),
            }
        }
        let mut taken = BTreeMap::new();
        for (name, port) in ports.iter().filter(|(_, port)| **port != 0) {
            if let Some(other) = taken.insert(*port, *name) {
                faults.add("--port (SEVA_PORTS)", format!("{port} is given to {other} and to {name}"));
            }
        }
        ports
    }

    fn manual_clock(&self, faults: &mut Faults) -> Option<Timestamp> {
        match self.clock.as_str() {
            "system" => None,
            "manual" => Some(machine_now()),
            other => {
                faults.add("--clock (SEVA_CLOCK)", format!("{other:?} is not system or manual"));
                None
            }
        }
    }

    /// The settings as they are in effect, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        let mut lines = vec![
            ("data_dir".to_owned(), self.data_dir.data_dir.display().to_string()),
            ("clock".to_owned(), self.clock.clone()),
        ];
        let mut ignored = Faults::new();
        for (name, port) in self.ports(&mut ignored) {
            lines.push((format!("{name}.port"), if port == 0 { "any".to_owned() } else { port.to_string() }));
        }
        let databases = databases_of_environment(&mut ignored);
        for part in &PARTS {
            let shown =
                databases.get(part.name).map_or_else(|| "private cluster".to_owned(), |urls| masked(&urls.application));
            lines.push((format!("{}.database", part.name), shown));
        }
        lines.extend(describe_company(&self.company));
        lines.push(describe_customers(&self.customers));
        lines.extend(describe_notifications(&in_own_folder(&self.notifications, &self.data_dir.layout())));
        lines.extend(describe_limits(&self.limits));
        lines.extend(describe_telemetry(&self.telemetry));
        lines
    }
}

/// Everything that listens, with its place after the first port.
fn listeners() -> impl Iterator<Item = (&'static str, u16)> {
    let services = PARTS.iter().map(|part| (part.name, part.port_offset));
    services.chain(std::iter::once((portal::NAME, portal::PORT_OFFSET)))
}

/// Any ports: for an installation that nobody calls from outside, and that must not get into the way of another one.
pub fn free_ports() -> BTreeMap<&'static str, u16> {
    listeners().map(|(name, _)| (name, 0)).collect()
}

/// The names of all services, for people.
pub fn names() -> String {
    PARTS.map(|part| part.name).join(", ")
}

/// The names of everything that can be served, for people.
pub fn roles() -> String {
    format!("{}, {}", names(), portal::NAME)
}

/// The variable of a service, such as `SEVA_CUSTOMERS_DATABASE_URL`.
pub fn variable(service: &str, what: &str) -> String {
    format!("SEVA_{}_{what}", service.to_ascii_uppercase())
}

/// A variable of the environment that is set to something.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Databases that the environment names by `SEVA_<SERVICE>_DATABASE_URL` and `SEVA_<SERVICE>_OWNER_DATABASE_URL`.
pub fn databases_of_environment(faults: &mut Faults) -> AllUrls {
    databases_of(environment, faults)
}

fn databases_of(read: impl Fn(&str) -> Option<String>, faults: &mut Faults) -> AllUrls {
    let mut databases = AllUrls::new();
    for part in &PARTS {
        let mut url = |what| {
            let name = variable(part.name, what);
            let url = read(&name)?;
            faults.take(name, parse_database_url(&url))
        };
        let owner = url("OWNER_DATABASE_URL");
        if let Some(application) = url("DATABASE_URL") {
            databases.insert(part.name, Urls { application, owner });
        }
    }
    databases
}

/// A database's URL.
///
/// # Errors
/// It is none; its text is not quoted, as it may hold a password.
pub fn parse_database_url(text: &str) -> Result<Secret<String>, &'static str> {
    let known_scheme = text.starts_with("postgres://") || text.starts_with("postgresql://");
    match text.parse::<PgConnectOptions>() {
        Ok(options) if known_scheme && options.get_database().is_some() => Ok(Secret::new(text.to_owned())),
        _ => Err("is not the URL of a database, such as postgres://ROLE:PASSWORD@HOST/DATABASE"),
    }
}

/// A channel's URL.
///
/// # Errors
/// It is none.
pub fn parse_peer_url(text: &str) -> Result<String, String> {
    parse_url(text).map(|_| text.to_owned())
}

/// A database's URL without its password.
pub fn masked(url: &Secret<String>) -> String {
    let Ok(options) = url.reveal().parse::<PgConnectOptions>() else { return "***".to_owned() };
    let place = options.get_socket().map_or_else(
        || format!("{}:{}", options.get_host(), options.get_port()),
        |socket| socket.display().to_string(),
    );
    format!("{} at {place} as {}, password ***", options.get_database().unwrap_or_default(), options.get_username())
}

/// Who the company is, for people.
pub fn describe_company(config: &CompanyConfig) -> Vec<(String, String)> {
    let CompanyConfig { company_name, public_url } = config;
    // As for endpoints: what is no plain address is not shown.
    let url = public_url.as_deref().map_or("none", |url| if url.contains('@') { "***" } else { url });
    vec![("company_name".to_owned(), company_name.clone()), ("public_url".to_owned(), url.to_owned())]
}

/// What is held of orders, for people.
pub fn describe_customers(config: &CustomersConfig) -> (String, String) {
    let CustomersConfig { order_rules } = config;
    let shown = order_rules.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    ("customers.order_rules".to_owned(), shown)
}

/// How messages are sent, for people.
pub fn describe_notifications(config: &NotificationsConfig) -> Vec<(String, String)> {
    let NotificationsConfig { provider, from, reply_to, default_language } = config;
    // A mail server's URL may hold a password.
    let provider = if provider == "null" || provider.starts_with("dir:") { provider.as_str() } else { "***" };
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    vec![
        ("notifications.provider".to_owned(), provider.to_owned()),
        ("notifications.from".to_owned(), from.clone()),
        ("notifications.reply_to".to_owned(), or_none(reply_to)),
        ("notifications.default_language".to_owned(), default_language.clone()),
    ]
}

/// Limits for people.
pub fn describe_limits(limits: &LimitsConfig) -> Vec<(String, String)> {
    let LimitsConfig { max_calls, max_streams, max_connections, default_deadline, max_deadline } = limits;
    vec![
        ("max_calls".to_owned(), max_calls.to_string()),
        ("max_streams".to_owned(), max_streams.to_string()),
        ("max_connections".to_owned(), max_connections.to_string()),
        ("default_deadline".to_owned(), default_deadline.clone()),
        ("max_deadline".to_owned(), max_deadline.clone()),
    ]
}

/// Telemetry settings for people.
pub fn describe_telemetry(telemetry: &TelemetryConfig) -> Vec<(String, String)> {
    let TelemetryConfig { otlp_endpoint, trace_ratio, log, log_format } = telemetry;
    let or = |value: &Option<String>, otherwise: &str| value.clone().unwrap_or_else(|| otherwise.to_owned());
    // An endpoint's URL may carry a name and a password.
    let endpoint = otlp_endpoint.as_deref().map_or("none", |url| if url.contains('@') { "***" } else { url });
    vec![
        ("otlp_endpoint".to_owned(), endpoint.to_owned()),
        ("trace_ratio".to_owned(), or(trace_ratio, "1")),
        ("log".to_owned(), or(log, "info")),
        ("log_format".to_owned(), log_format.clone()),
    ]
}

/// Log lines of a command whose output people or programs read: as text, which goes beside the output, unless another form is asked for.
pub fn beside_output(telemetry: &TelemetryConfig) -> TelemetryConfig {
    let mut telemetry = telemetry.clone();
    if telemetry.log_format == "auto" {
        "text".clone_into(&mut telemetry.log_format);
    }
    telemetry
}
