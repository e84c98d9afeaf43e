//! What browsers are told about every answer: to run nothing, to keep nothing, to pass nothing on.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::Portal;

/// No script, no image, no frame: a page is its text, our style sheet and forms to us.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// Marks an answer. What it already says itself stays: the style sheet may be kept, and shown mails have a policy of their own.
pub async fn secure(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let mut say = |name: HeaderName, value: &'static str| {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    };
    say(CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    say(CACHE_CONTROL, "no-store");
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Addresses hold tokens.
    say(REFERRER_POLICY, "no-referrer");
    say(HeaderName::from_static("x-robots-tag"), "noindex, nofollow");
    say(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    say(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    say(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    if portal.settings.public_url.scheme_str() == Some("https") {
        say(STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
    response
}
