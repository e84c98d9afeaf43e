//! Links that other systems give us and that we show to customers, such as a carrier's tracking page.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::Invalid;

/// The longest link that every browser and mail client opens.
const LONGEST: usize = 2_048;

/// A link to a page of the web that is safe to show: `http` or `https`, a host, no name or password inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebLink(String);

impl WebLink {
    /// The link, in the spelling in which browsers send it (host in small letters and ASCII, the path escaped).
    ///
    /// # Errors
    ///
    /// `LINK_SCHEME` for another scheme than `http` or `https` (`javascript:` and the like), `LINK_MALFORMED` for a
    /// relative link, over 2048 bytes, spaces, control characters and backslashes, or a name before the host.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("LINK_MALFORMED", "a link looks like https://example.com/path");
        // The parser would repair these, and a reader would see another link than the browser opens.
        let needs_repair = text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
        if text.len() > LONGEST || needs_repair {
            return Err(malformed());
        }
        let url = Url::parse(text).map_err(|_| malformed())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Invalid::new("LINK_SCHEME", "a link begins with https:// or http://"));
        }
        // `https:example.com` and `https:///example.com` are repaired as well.
        let authority = text[url.scheme().len()..].strip_prefix("://").ok_or_else(malformed)?;
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') || !url.has_host() {
            return Err(malformed());
        }
        let written = String::from(url);
        if written.len() > LONGEST { Err(malformed()) } else { Ok(Self(written)) }
    }

    /// The link.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WebLink {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<WebLink> for String {
    fn from(link: WebLink) -> Self {
        link.0
    }
}

impl fmt::Display for WebLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
