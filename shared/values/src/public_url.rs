//! Where customers reach the company's pages.

use url::{Host, Url};

use crate::WebLink;

#[cfg(test)]
mod tests;

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

    /// The link to a page, such as `ticket`, that is opened with a token; `None` for a token that can stand in no link.
    #[must_use]
    pub fn link(&self, page: &str, token: &str) -> Option<WebLink> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
        if token.is_empty() || !token.bytes().all(is_token) {
            return None;
        }
        WebLink::parse(&format!("{}/{page}/{token}", self.0)).ok()
    }
}

impl Default for PublicUrl {
    /// The portal of a usual installation on this machine.
    fn default() -> Self {
        Self("http://127.0.0.1:8080".to_owned())
    }
}
