//! The token in a path: the customer's credential. It is shown to nobody and written nowhere.

use axum::{
    extract::{FromRequestParts, Path},
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::fault::Fault;

/// Longer than any token of ours.
const MAX_BYTES: usize = 512;

/// A token that could be one of ours: whether it is, the service says that owns what it leads to.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token in `text`, when its characters are those of tokens.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
        let could_be = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
        could_be.then(|| Self(text.to_owned()))
    }

    /// The token itself; safe in a path as it is.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let token = path.ok().and_then(|Path(text)| Self::parse(&text));
        token.ok_or_else(|| Fault::LinkInvalid.into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_token_is_not_passed_on() {
        assert!(Token::parse("survey.0190-aa:b_c.1.99.k1.Zm9v").is_some());
        for text in ["", "a/b", "a b", "a\"b", "<script>", "ü", &"x".repeat(513)] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", Token::parse("secret").unwrap()), "Token(***)");
    }
}
