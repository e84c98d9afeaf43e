//! Settings of this service.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use seva_runtime::config::{Company, Faults};
use seva_values::{Email, Language, PublicUrl};

use crate::provider::{Folder, Null, Provider, Sender, Smtp, smtp::Server};

/// How this service sends messages, and in whose name.
#[derive(Clone, Args)]
pub struct NotificationsConfig {
    /// Who takes the messages: `smtp://host:port`, `smtps://user:password@host`, `dir:<path>` (one file each), or null
    #[arg(
        long = "notifications-provider",
        env = "SEVA_NOTIFICATIONS_PROVIDER",
        value_name = "URL",
        default_value = "null",
        hide_env_values = true
    )]
    pub provider: String,
    /// Address that messages come from; its domain stands in every Message-ID
    #[arg(
        long = "notifications-from",
        env = "SEVA_NOTIFICATIONS_FROM",
        value_name = "ADDRESS",
        default_value = "care@seva-demo.example"
    )]
    pub from: String,
    /// Address that answers go to, if another
    #[arg(long = "notifications-reply-to", env = "SEVA_NOTIFICATIONS_REPLY_TO", value_name = "ADDRESS")]
    pub reply_to: Option<String>,
    /// Language for customers whose own languages have no text
    #[arg(
        long = "notifications-default-language",
        env = "SEVA_NOTIFICATIONS_DEFAULT_LANGUAGE",
        value_name = "TAG",
        default_value = "en"
    )]
    pub default_language: String,
}

impl std::fmt::Debug for NotificationsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The provider's URL may hold a password.
        f.debug_struct("NotificationsConfig").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        Self {
            provider: "null".to_owned(),
            from: "care@seva-demo.example".to_owned(),
            reply_to: None,
            default_language: "en".to_owned(),
        }
    }
}

/// A checked [`NotificationsConfig`].
#[derive(Clone)]
pub struct Settings {
    /// Who takes the messages.
    pub provider: Arc<dyn Provider>,
    /// Who signs the messages.
    pub company: Company,
    /// For customers whose own languages have no text.
    pub default_language: Language,
    /// Where customers reach the portal.
    pub public_url: PublicUrl,
}

impl NotificationsConfig {
    /// The settings for a company; notes every fault. Links lead to this machine when the company does not say where.
    pub fn check(&self, company: Option<&Company>, faults: &mut Faults) -> Option<Settings> {
        let from = faults.take("--notifications-from (SEVA_NOTIFICATIONS_FROM)", Email::parse(&self.from));
        let reply_to_name = "--notifications-reply-to (SEVA_NOTIFICATIONS_REPLY_TO)";
        let reply_to = match &self.reply_to {
            Some(reply_to) => faults.take(reply_to_name, Email::parse(reply_to)).map(Some),
            None => Some(None),
        };
        let language_name = "--notifications-default-language (SEVA_NOTIFICATIONS_DEFAULT_LANGUAGE)";
        let default_language = faults.take(language_name, Language::parse(&self.default_language));
        let provider_name = "--notifications-provider (SEVA_NOTIFICATIONS_PROVIDER)";
        let taker = faults.take(provider_name, Taker::parse(&self.provider));
        let company = company?.clone();
        let sender = Sender { from: from?, from_name: company.name.clone(), reply_to: reply_to? };
        Some(Settings {
            provider: taker?.open(sender),
            public_url: company.public_url.clone().unwrap_or_default(),
            company,
            default_language: default_language?,
        })
    }
}

/// A provider as it is written in the settings.
enum Taker {
    Smtp(Server),
    Folder(PathBuf),
    Null,
}

impl Taker {
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("dir:") {
            Some("") => Err("dir: names no folder".to_owned()),
            Some(path) => Ok(Self::Folder(path.into())),
            None if text == "null" => Ok(Self::Null),
            None => Server::parse(text).map(Self::Smtp).map_err(|fault| format!("{fault}; or dir:<path>, or null")),
        }
    }

    fn open(self, sender: Sender) -> Arc<dyn Provider> {
        match self {
            Self::Smtp(server) => Arc::new(Smtp::new(server, sender)),
            Self::Folder(path) => Arc::new(Folder::new(path, sender)),
            Self::Null => Arc::<Null>::default(),
        }
    }
}

#[cfg(test)]
mod tests;
