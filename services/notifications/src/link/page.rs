//! The pages that links lead to, and where customers reach them.

use seva_values::WebLink;
use url::{Host, Url};

/// A page that a customer opens by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A ticket's conversation, and whether it is solved.
    Ticket,
    /// The questions of an invitation.
    Survey,
    /// The customer's own place.
    Place,
    /// What the customer wants to be told.
    Preferences,
    /// No more messages of one category.
    Unsubscribe,
}

impl Page {
    /// The word for it in a link's path and, for those of this service, in its token.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Survey => "survey",
            Self::Place => "place",
            Self::Preferences => "preferences",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    /// The variable by which templates show the link.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Ticket => "ticket_link",
            Self::Survey => "survey_link",
            Self::Place => "place_link",
            Self::Preferences => "preferences_link",
            Self::Unsubscribe => "unsubscribe_link",
        }
    }
}

/// Where customers reach the portal: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads such as `https://help.example.com`.
    ///
    /// # Errors
    /// What is wrong with it: no http or https, anything behind the host, or no https where others could listen.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "is no URL such as https://help.example.com";
        // The parser would repair these.
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(example.to_owned());
        }
        let url = Url::parse(text).map_err(|_| example.to_owned())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("has to begin with https:// or http://".to_owned());
        }
        let behind = text[url.scheme().len()..].strip_prefix("://").ok_or(example)?;
        if behind.is_empty() || behind.starts_with('/') {
            return Err(example.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has to hold no name and no password".to_owned());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("has to end with the host or its port: the pages have fixed paths".to_owned());
        }
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(example.to_owned()),
        };
        if url.scheme() == "http" && !is_loopback {
            return Err("has to be https: a link is a credential; http is for this machine only".to_owned());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// Without a `/` at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link to a page; `None` for a token that can stand in no link.
    #[must_use]
    pub fn link(&self, page: Page, token: &str) -> Option<WebLink> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
        if token.is_empty() || !token.bytes().all(is_token) {
            return None;
        }
        WebLink::parse(&format!("{}/{}/{token}", self.0, page.word())).ok()
    }
}
