//! Links. (Signatures; bodies follow.)
use crate::Invalid;
/// A link to a web page.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebLink(String);
impl WebLink {
    /// Parses; `LINK_MALFORMED`, `LINK_SCHEME`.
    pub fn parse(_text: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The link.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
