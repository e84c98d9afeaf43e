//! Who calls, once a credential has been proven.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use tonic::Code;
use uuid::Uuid;

use crate::Error;

use super::roles;

#[cfg(test)]
mod tests;

/// A caller whose credential has been verified; put into the request's extensions by the server.
#[derive(Debug, Clone)]
pub struct Principal {
    /// `user:<sub>`, `service:<name>` or `key:<id>`: what audit rows and logs carry.
    pub subject: String,
    /// Which kind of credential was proven.
    pub kind: PrincipalKind,
    /// The roles of a user's token; empty for services and keys.
    pub roles: Arc<BTreeSet<String>>,
    /// What the caller may do.
    pub scopes: Arc<BTreeSet<String>>,
    /// The event sources an API key may push for. Empty for others, who push for any source only as integration or operations.
    pub sources: Vec<String>,
    /// The one customer whom a token of the role `customer` reaches.
    pub customer: Option<Uuid>,
    /// The person, `user:<sub>`, on whose behalf a service calls.
    pub on_behalf_of: Option<String>,
    /// When the credential ends; streams end with it.
    pub expires_at: Option<Timestamp>,
}

/// Which kind of credential a caller has proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person with a token of the issuer.
    User,
    /// A service of the suite with a token it signed itself.
    Service,
    /// Another system with an API key.
    ApiKey,
}

impl Principal {
    /// Whether the caller holds `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether the caller may push events in the name of `source`.
    ///
    /// A key may push for the sources it is bound to and for no other; people only as integration or operations, for any source.
    pub fn may_push_for(&self, source: &str) -> bool {
        match self.kind {
            PrincipalKind::ApiKey => self.sources.iter().any(|allowed| allowed == source),
            PrincipalKind::User => roles::PUSHES_FOR_ANY_SOURCE.iter().any(|role| self.roles.contains(*role)),
            PrincipalKind::Service => false,
        }
    }

    /// Whether the caller may see the customer `id`.
    ///
    /// # Errors
    /// `RESOURCE_FORBIDDEN` when the caller is a customer and this is another one. It says the same whether or not the other exists.
    pub fn may_reach_customer(&self, id: Uuid) -> Result<(), Error> {
        match self.customer {
            Some(own) if own != id => Err(Error::new(
                Code::PermissionDenied,
                ErrorReason::ResourceForbidden,
                "this credential reaches one customer, and not this one",
            )),
            _ => Ok(()),
        }
    }
}
