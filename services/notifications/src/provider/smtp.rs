//! Mail by SMTP.
//!
//! The steps of a conversation are taken one by one, because what a lost connection means depends on where it was lost: before the end of
//! the message it was not taken, after it nobody knows.

use std::{fmt, future::Future, sync::Mutex, time::Duration};

use async_trait::async_trait;
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};

use super::{Fault, OutgoingMail, Provider, Sender, compose};

/// Until a connection stands and the server has taken sender and recipient.
const CONVERSATION_TIMEOUT: Duration = Duration::from_secs(15);
/// Until the server has answered to a message.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that wait for their next message.
const MAX_IDLE: usize = 16;

/// Where mail is handed over.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    /// From the first byte.
    Wrapped,
    /// By STARTTLS, or not at all.
    Required,
    /// By STARTTLS where the server offers it.
    Opportunistic,
}

impl Server {
    /// Reads `smtp://[user:password@]host[:port][?tls=none|opportunistic|required]` or `smtps://..`.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = url::Url::parse(url).map_err(|_| "is not a URL such as smtp://mail.example:25".to_owned())?;
        let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let encryption = match (url.scheme(), tls.as_deref()) {
            ("smtps", None) => Encryption::Wrapped,
            ("smtp", None | Some("none")) => Encryption::None,
            ("smtp", Some("required")) => Encryption::Required,
            ("smtp", Some("opportunistic")) => Encryption::Opportunistic,
            _ => return Err("has to be smtp:// with ?tls=none, opportunistic or required, or smtps://".to_owned()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("names no host")?.to_owned();
        let port = url.port().unwrap_or(if encryption == Encryption::Wrapped { 465 } else { 25 });
        let decoded = |text: &str| {
            let pair = format!("x={}", text.replace('+', "%2B"));
            url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let credentials = (!url.username().is_empty())
            .then(|| Credentials::new(decoded(url.username()), decoded(url.password().unwrap_or_default())));
        if credentials.is_some() && matches!(encryption, Encryption::None | Encryption::Opportunistic) {
            return Err("sends a password without encryption; use smtps:// or ?tls=required".to_owned());
        }
        Ok(Self { host, port, encryption, credentials })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{}, {:?})", self.host, self.port, self.encryption)
    }
}

/// Hands mail to one server and keeps connections for the next.
pub struct Smtp {
    server: Server,
    sender: Sender,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Hands over to this server; it is connected to with the first message.
    #[must_use]
    pub const fn new(server: Server, sender: Sender) -> Self {
        Self { server, sender, idle: Mutex::new(Vec::new()) }
    }

    /// A connection that answers: one that waited, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Fault> {
        loop {
            let waited = self.idle.lock().expect("no holder of this lock panics").pop();
            let Some(mut waited) = waited else { break };
            if waited.test_connected().await {
                return Ok(waited);
            }
        }
        self.connect().await.map_err(|error| refused(Step::Hello, &error))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let Server { host, port, encryption, credentials } = &self.server;
        let hello = ClientId::default();
        let wrapped = match encryption {
            Encryption::Wrapped => Some(TlsParameters::new(host.clone())?),
            _ => None,
        };
        let timeout = Some(CONVERSATION_TIMEOUT);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), timeout, &hello, wrapped, None).await?;
        let upgrades = *encryption == Encryption::Required
            || (*encryption == Encryption::Opportunistic && connection.can_starttls());
        if upgrades {
            connection.starttls(TlsParameters::new(host.clone())?, &hello).await?;
        }
        if let Some(credentials) = credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// Up to the server's readiness for the message.
    async fn announce(&self, mail: &Message) -> Result<AsyncSmtpConnection, Fault> {
        let mut connection = self.connection().await?;
        let envelope = mail.envelope();
        let is_ascii = |address: Option<&lettre::Address>| address.is_none_or(|a| a.to_string().is_ascii());
        let mut parameters = Vec::new();
        if !is_ascii(envelope.from()) || !envelope.to().iter().all(|to| is_ascii(Some(to))) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Fault::BadAddress { code: "the server takes ASCII addresses only".to_owned() });
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = connection.command(Mail::new(envelope.from().cloned(), parameters)).await;
        sender.map_err(|error| refused(Step::Sender, &error))?;
        for to in envelope.to() {
            let recipient = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
            recipient.map_err(|error| refused(Step::Recipient, &error))?;
        }
        connection.command(Data).await.map_err(|error| refused(Step::Sender, &error))?;
        Ok(connection)
    }
}

#[async_trait]
impl Provider for Smtp {
    async fn deliver(&self, message: &OutgoingMail) -> Result<(), Fault> {
        let mail = compose(&self.sender, message)?;
        let timed_out = || Fault::Transient { code: "timed out".to_owned() };
        let mut connection =
            within(CONVERSATION_TIMEOUT, self.announce(&mail)).await.unwrap_or_else(|| Err(timed_out()))?;
        let lost = || Fault::Ambiguous { code: "timed out after the end of the message".to_owned() };
        let taken = within(MESSAGE_TIMEOUT, connection.message(&mail.formatted())).await.ok_or_else(lost)?;
        taken.map_err(|error| refused(Step::Message, &error))?;
        let mut idle = self.idle.lock().expect("no holder of this lock panics");
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

/// Where in a conversation something was refused or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Connection, encryption, authentication.
    Hello,
    /// MAIL FROM, and DATA.
    Sender,
    /// RCPT TO.
    Recipient,
    /// From the first byte of the message to the answer to its last.
    Message,
}

fn refused(step: Step, error: &Error) -> Fault {
    match error.status() {
        Some(code) => {
            let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            classify(step, u16::from(code), &said)
        }
        None if step == Step::Message => Fault::Ambiguous { code: "lost after the end of the message".to_owned() },
        None => Fault::Transient { code: "the connection failed".to_owned() },
    }
}

/// What a negative answer means: by its enhanced code (RFC 3463) where there is one, otherwise by what it answers to.
pub(super) fn classify(step: Step, code: u16, said: &str) -> Fault {
    let enhanced = said.split_whitespace().next().filter(|word| is_enhanced(word)).unwrap_or_default();
    let told = format!("{code} {enhanced}").trim_end().to_owned();
    if code < 500 {
        return Fault::Transient { code: told };
    }
    let mut parts = enhanced.split('.').skip(1);
    match (parts.next(), parts.next(), step) {
        // Before there was any talk of a message: who we are, such as a wrong password (535 5.7.8).
        (.., Step::Hello) => Fault::BadAccount { code: told },
        // Of the sender's address, which is ours.
        (Some("1"), Some("7" | "8"), _) => Fault::BadAccount { code: told },
        (Some("1" | "2" | "4"), ..) => Fault::BadAddress { code: told },
        (Some("6" | "7"), ..) => Fault::BadContent { code: told },
        (Some("3" | "5"), ..) => Fault::BadAccount { code: told },
        (_, _, Step::Recipient) => Fault::BadAddress { code: told },
        (_, _, Step::Message) => Fault::BadContent { code: told },
        (_, _, Step::Sender) => Fault::BadAccount { code: told },
    }
}

fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number) && matches!(parts[0], "2" | "4" | "5")
}
