//! Who may call: credentials are proven here, and every RPC's rule is read from the contract.
//!
//! - [`principal`]: who calls, once proven
//! - [`roles`]: the one table from roles and services to scopes
//! - [`rules`]: which scopes an RPC asks for, read from its descriptor
//! - [`tokens`]: verifying the tokens of people and services; [`signer`] mints them
//! - [`api_keys`]: the keys of systems that push events
//! - [`actor`]: the person on whose behalf a service calls, carried along
//! - [`links`]: signed links for customers
//! - [`keys`]: the key files of an installation that issues its own tokens

pub mod actor;
pub mod api_keys;
pub mod keys;
pub mod links;
pub mod principal;
pub mod roles;
pub mod rules;
pub mod signer;
pub mod tokens;

pub use api_keys::{ApiKeySecret, ApiKeys, StoredApiKey};
pub use keys::Keyring;
pub use links::LinkSigner;
pub use principal::{Principal, PrincipalKind};
pub use rules::{Rules, UndeclaredRpc};
pub use signer::Signer;
pub use tokens::Verifier;
