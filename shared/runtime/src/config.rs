//! Settings: one struct per concern, whose doc comments are the help texts, and a collector that tells every fault before anything binds.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use seva_values::PublicUrl;

use crate::server::Limits;

#[cfg(test)]
mod tests;

/// Exit code of a process whose settings are wrong (`EX_USAGE`).
pub const EXIT_USAGE: i32 = 64;
/// Exit code of a process that needs something which is not there, such as its database (`EX_UNAVAILABLE`).
pub const EXIT_UNAVAILABLE: i32 = 69;

/// The company of an installation that has not been given a name.
const DEMO_COMPANY: &str = "Seva Demo Shop";

/// Collects the faults of all settings, so that they are told together.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

/// A setting that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {fault}")]
pub struct Fault {
    /// The flag or variable as the reader knows it.
    pub name: String,
    /// What is wrong with it; never quotes a secret.
    pub fault: String,
}

/// All faults of a start; printed one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultySettings(pub Vec<Fault>);

impl fmt::Display for FaultySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} {} cannot be used:", if count == 1 { "setting" } else { "settings" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for FaultySettings {}

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a fault of the setting `name`.
    pub fn add(&mut self, name: impl Into<String>, fault: impl fmt::Display) {
        self.0.push(Fault { name: name.into(), fault: fault.to_string() });
    }

    /// The value, or the fault noted.
    pub fn take<T, E: fmt::Display>(&mut self, name: impl Into<String>, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|fault| self.add(name, fault)).ok()
    }

    /// Notes every one of several faults.
    pub fn take_all<T, E: fmt::Display>(&mut self, name: &str, parsed: Result<T, Vec<E>>) -> Option<T> {
        parsed.map_err(|faults| faults.into_iter().for_each(|fault| self.add(name, fault))).ok()
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the collecting.
    ///
    /// # Errors
    /// All faults, when there is any.
    pub fn finish(self) -> Result<(), FaultySettings> {
        if self.0.is_empty() { Ok(()) } else { Err(FaultySettings(self.0)) }
    }

    /// Ends the process with [`EXIT_USAGE`] after printing every fault, when there is any.
    pub fn finish_or_exit(self) {
        if let Err(faults) = self.finish() {
            eprintln!("{faults}");
            std::process::exit(EXIT_USAGE);
        }
    }
}

/// A value that is printed as `***`: wherever settings are shown, logged or end in an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a secret.
    pub fn new(secret: T) -> Self {
        Self(secret)
    }

    /// The secret itself; the word is searched for in reviews.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: std::str::FromStr> std::str::FromStr for Secret<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Where a service listens.
#[derive(Debug, Clone, Args)]
pub struct Listen {
    /// Address and port of the gRPC server, such as 0.0.0.0:7101
    #[arg(long = "listen", env = "SEVA_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub address: String,
}

impl Listen {
    /// The address; notes a fault when it is none.
    pub fn check(&self, faults: &mut Faults) -> Option<SocketAddr> {
        faults.take("--listen (SEVA_LISTEN)", parse_address(&self.address))
    }
}

/// Whose tokens a service believes, and which key it signs its own with.
#[derive(Debug, Clone, Args)]
pub struct AuthConfig {
    /// File of the public keys (JWKS) of the issuer and of the services
    #[arg(long, env = "SEVA_JWKS", value_name = "FILE")]
    pub jwks: Option<PathBuf>,
    /// Issuer of people's tokens: the claim `iss`
    #[arg(long, env = "SEVA_ISSUER", value_name = "NAME", default_value = crate::auth::keys::OWN_ISSUER)]
    pub issuer: String,
    /// File of this service's own private key: Ed25519 in PKCS#8 PEM
    #[arg(long, env = "SEVA_SIGNING_KEY", value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
}

/// A checked [`AuthConfig`].
#[derive(Debug)]
pub struct Auth {
    /// Verifies the tokens that come in.
    pub verifier: crate::auth::Verifier,
    /// Signs the tokens that go out, when there is a key.
    pub signer: Option<crate::auth::Signer>,
}

impl AuthConfig {
    /// Opens the keys for `service`; notes every fault. The signing key is only needed by services that call others.
    pub fn check(&self, service: &str, needs_signer: bool, faults: &mut Faults) -> Option<Auth> {
        if self.issuer.trim().is_empty() {
            faults.add("--issuer (SEVA_ISSUER)", "is empty");
        }
        let jwks_name = "--jwks (SEVA_JWKS)";
        let verifier = faults
            .take(jwks_name, self.jwks.as_deref().ok_or("is required"))
            .and_then(|jwks| faults.take(jwks_name, crate::auth::Verifier::open(service, &self.issuer, jwks)));
        let key_name = "--signing-key (SEVA_SIGNING_KEY)";
        let signer = match &self.signing_key {
            Some(file) => Some(faults.take(key_name, crate::auth::Signer::for_service(service, file))?),
            None if needs_signer => {
                faults.add(key_name, "is required: this service calls others");
                return None;
            }
            None => None,
        };
        Some(Auth { verifier: verifier?, signer })
    }
}

/// Who the company is to its customers: the same in messages and on pages.
#[derive(Debug, Clone, Args)]
pub struct CompanyConfig {
    /// Name of the company, as it signs
    #[arg(long, env = "SEVA_COMPANY_NAME", value_name = "NAME", default_value = DEMO_COMPANY)]
    pub company_name: String,
    /// Where customers reach the portal, such as `https://help.example.com`; links in messages lead there
    #[arg(long, env = "SEVA_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
}

/// A checked [`CompanyConfig`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// As it signs: one line, not empty.
    pub name: String,
    /// Where customers reach the portal, without a path; `None`: nobody has said yet.
    pub public_url: Option<PublicUrl>,
}

impl Default for Company {
    fn default() -> Self {
        Self { name: DEMO_COMPANY.to_owned(), public_url: None }
    }
}

impl CompanyConfig {
    /// The company; notes every fault.
    pub fn check(&self, faults: &mut Faults) -> Option<Company> {
        let name = self.company_name.trim().to_owned();
        if name.is_empty() || name.chars().any(char::is_control) {
            faults.add("--company-name (SEVA_COMPANY_NAME)", "has to be a name on one line");
        }
        let public_url = match &self.public_url {
            Some(url) => Some(faults.take("--public-url (SEVA_PUBLIC_URL)", PublicUrl::parse(url))?),
            None => None,
        };
        Some(Company { name, public_url })
    }
}

/// How much a server takes on at once.
#[derive(Debug, Clone, Args)]
pub struct LimitsConfig {
    /// Unary calls in progress; more are refused with UNAVAILABLE
    #[arg(long, env = "SEVA_MAX_CALLS", value_name = "COUNT", default_value_t = Limits::default().max_calls)]
    pub max_calls: usize,
    /// Streams open; more are refused with UNAVAILABLE
    #[arg(long, env = "SEVA_MAX_STREAMS", value_name = "COUNT", default_value_t = Limits::default().max_streams)]
    pub max_streams: usize,
    /// Connections open; more are closed at once
    #[arg(long, env = "SEVA_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = Limits::default().max_connections)]
    pub max_connections: usize,
    /// Deadline of a call whose caller names none, such as 10s
    #[arg(long, env = "SEVA_DEFAULT_DEADLINE", value_name = "DURATION", default_value = "10s")]
    pub default_deadline: String,
    /// Longest deadline a caller of a unary method gets, such as 30s
    #[arg(long, env = "SEVA_MAX_DEADLINE", value_name = "DURATION", default_value = "30s")]
    pub max_deadline: String,
}

impl LimitsConfig {
    /// The limits; notes every fault.
    pub fn check(&self, faults: &mut Faults) -> Option<Limits> {
        for (name, value) in [
            ("--max-calls (SEVA_MAX_CALLS)", self.max_calls),
            ("--max-streams (SEVA_MAX_STREAMS)", self.max_streams),
            ("--max-connections (SEVA_MAX_CONNECTIONS)", self.max_connections),
        ] {
            if !(1..=1_000_000).contains(&value) {
                faults.add(name, format!("{value} is not between 1 and 1000000"));
            }
        }
        let default = faults.take("--default-deadline (SEVA_DEFAULT_DEADLINE)", parse_duration(&self.default_deadline));
        let longest = faults.take("--max-deadline (SEVA_MAX_DEADLINE)", parse_duration(&self.max_deadline));
        let (default_deadline, max_deadline) = default.zip(longest)?;
        if default_deadline > max_deadline {
            faults.add("--default-deadline (SEVA_DEFAULT_DEADLINE)", "is longer than --max-deadline");
        }
        Some(Limits {
            max_calls: self.max_calls,
            max_streams: self.max_streams,
            max_connections: self.max_connections,
            default_deadline,
            max_deadline,
            ..Limits::default()
        })
    }
}

/// What a process tells about itself, and where to.
#[derive(Debug, Clone, Args)]
pub struct TelemetryConfig {
    /// OTLP endpoint (gRPC) for traces, metrics and logs, such as `http://collector:4317`; nothing is exported without one
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Share of traces that are kept, from 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "RATIO")]
    pub trace_ratio: Option<String>,
    /// Which log lines are written, such as `info,seva_store=debug`; `RUST_LOG` is read when this is not set
    #[arg(long, env = "SEVA_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines are written: `text`, `json`, or `auto` (text on a terminal)
    #[arg(long, env = "SEVA_LOG_FORMAT", value_name = "FORMAT", default_value = "auto")]
    pub log_format: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp_endpoint: None, trace_ratio: None, log: None, log_format: "auto".to_owned() }
    }
}

/// A socket address, or what is wrong with the text.
///
/// # Errors
/// The text is not an IP address with a port.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address with a port, such as 127.0.0.1:7101"))
}

/// An http or https URL with a host.
///
/// # Errors
/// The text is none. It is not quoted, as URLs may hold passwords.
pub fn parse_url(text: &str) -> Result<http::Uri, String> {
    let uri: http::Uri = text.parse().map_err(|_| "is not a URL".to_owned())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err("is not a URL that begins with http:// or https:// and names a host".to_owned()),
    }
}

/// A duration such as `250ms`, `10s` or `5m`; more than zero.
///
/// # Errors
/// The text is none.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    parsed
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("{text:?} is not a duration above zero, such as 250ms, 10s or 5m"))
}

/// A file that can be read.
///
/// # Errors
/// It cannot.
pub fn readable_file(path: &Path) -> Result<PathBuf, String> {
    let is_file = std::fs::File::open(path).and_then(|file| file.metadata()).map(|metadata| metadata.is_file());
    match is_file {
        Ok(true) => Ok(path.to_owned()),
        Ok(false) => Err(format!("{} is not a file", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}
