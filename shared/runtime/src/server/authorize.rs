//! Auth: who calls, and whether they may. Nothing of a handler runs before.

use std::{convert::Infallible, sync::Arc};

use http::{HeaderMap, Request, header::AUTHORIZATION};
use seva_proto::common::v1::ErrorReason;
use tonic::{Code, body::Body};

use crate::{
    Error,
    auth::{
        Principal, PrincipalKind, Verifier,
        actor::{self, ActorToken},
        api_keys::{self, ApiKeyVerifier, ApiKeys},
        rules::MethodRule,
        tokens::Refusal,
    },
    call::Method,
};

use super::around::{Answering, Around, Inner, called, refuse};

/// Proves callers and checks their scopes.
pub(super) struct Authorize {
    credentials: Arc<Credentials>,
}

struct Credentials {
    verifier: Arc<Verifier>,
    api_keys: Option<ApiKeyVerifier>,
}

impl Authorize {
    pub(super) fn new(verifier: Arc<Verifier>, api_keys: Option<Arc<dyn ApiKeys>>) -> Self {
        Self { credentials: Arc::new(Credentials { verifier, api_keys: api_keys.map(ApiKeyVerifier::new) }) }
    }
}

impl Around for Authorize {
    fn around<S: Inner>(&self, mut request: Request<Body>, mut inner: S) -> Answering {
        let Some(rule) = called(&request) else {
            // Not passed on: what has no rule is not reached, even if it were routed.
            let error = Error::new(Code::Unimplemented, ErrorReason::ResourceNotFound, "there is no such method");
            return Box::pin(async move { Ok::<_, Infallible>(refuse(&error)) });
        };
        if rule.public {
            return Box::pin(async move { inner.call(request).await });
        }
        let credentials = Arc::clone(&self.credentials);
        Box::pin(async move {
            let (principal, person) = match credentials.prove(request.headers()).await {
                Ok(proven) => proven,
                Err(refusal) => return Ok(refuse(&logged(&rule, "unproven", refusal.into()))),
            };
            if let Err(error) = permit(&rule, &principal) {
                return Ok(refuse(&logged(&rule, &principal.subject, error)));
            }
            let method = Method(request.uri().path().to_owned());
            request.extensions_mut().insert(method);
            request.extensions_mut().insert(principal);
            // Handlers see who calls, not with what.
            for secret in [AUTHORIZATION.as_str(), api_keys::HEADER, actor::HEADER] {
                request.headers_mut().remove(secret);
            }
            actor::within(person, async move { inner.call(request).await }).await
        })
    }
}

/// Notes a refused call; the credential itself is never part of it.
fn logged(rule: &MethodRule, subject: &str, error: Error) -> Error {
    tracing::warn!(method = &*rule.name, subject, reason = error.reason_name(), why = %error, "call refused");
    error
}

fn permit(rule: &MethodRule, principal: &Principal) -> Result<(), Error> {
    if rule.scopes.iter().any(|scope| principal.has_scope(scope)) {
        return Ok(());
    }
    Err(Error::new(
        Code::PermissionDenied,
        ErrorReason::ScopeMissing,
        "the credential lacks a scope that this method requires",
    )
    .with_metadata("required_scope", rule.scopes.join(",")))
}

impl Credentials {
    /// Whom the headers prove, and the person on whose behalf further calls are made.
    async fn prove(&self, headers: &HeaderMap) -> Result<(Principal, Option<ActorToken>), Refusal> {
        let token = one(headers, AUTHORIZATION.as_str())?;
        let key = one(headers, api_keys::HEADER)?;
        let forwarded = one(headers, actor::HEADER)?;
        let (principal, token) = match (token, key) {
            (None, None) => return Err(Refusal::Missing),
            (Some(_), Some(_)) => return Err(Refusal::Invalid("a call shows one credential, not two")),
            (Some(token), None) => {
                let token = bearer(token).ok_or(Refusal::Invalid("`authorization` holds no bearer token"))?;
                (self.verifier.check(token)?, Some(token))
            }
            (None, Some(key)) => {
                let keys = self.api_keys.as_ref().ok_or(Refusal::Invalid("this service takes no API keys"))?;
                (keys.verify(key).await?, None)
            }
        };
        match (forwarded, principal.kind) {
            (None, PrincipalKind::User) => {
                let person = token.map(ActorToken::verified);
                Ok((principal, person))
            }
            (None, _) => Ok((principal, None)),
            (Some(forwarded), PrincipalKind::Service) => {
                let person = self.verifier.check_person(forwarded)?;
                Ok((on_behalf_of(principal, person), Some(ActorToken::verified(forwarded))))
            }
            (Some(_), _) => Err(Refusal::Invalid("only services forward a person's token")),
        }
    }
}

/// A service that calls for a person: it may do what either may, reaches the customer whom that person reaches, and ends with both.
///
/// The service's own scopes count too, as the call may be one that the service makes for its own work.
fn on_behalf_of(service: Principal, person: Principal) -> Principal {
    let scopes = service.scopes.union(&person.scopes).cloned().collect();
    let expires_at = match (service.expires_at, person.expires_at) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    Principal {
        scopes: Arc::new(scopes),
        customer: person.customer,
        on_behalf_of: Some(person.subject),
        expires_at,
        ..service
    }
}

/// The one value of a header; several would let two readers see two callers.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::Invalid("a credential stands in the metadata twice"));
    }
    value.to_str().map(Some).map_err(|_| Refusal::Invalid("a credential is not ASCII text"))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
