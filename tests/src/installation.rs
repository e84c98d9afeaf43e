//! What an installation is to its callers, however it runs: URLs, keys, channels, databases.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use seva::data_dir::Layout;
use seva_proto::customers::v1::{ApiKey, CreateApiKeyRequest, api_key_service_client::ApiKeyServiceClient};
use seva_runtime::{
    auth::Keyring,
    client::{Identity, Peer},
    config::Secret,
};
use seva_values::id::new_id;
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

/// How long the tokens of a test live.
const LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// A running installation, as its callers and its judges see it.
#[derive(Debug)]
pub struct Installation {
    /// All keys.
    pub keyring: Keyring,
    /// The folder with what was mailed.
    pub mail: PathBuf,
    urls: BTreeMap<String, String>,
    portal_url: String,
    databases: BTreeMap<String, PgPool>,
}

impl Installation {
    /// From the services' URLs, and from their databases' URLs with the rights to see everything.
    pub(crate) fn new(
        keys: &Path,
        mail: PathBuf,
        urls: BTreeMap<String, String>,
        portal_url: String,
        databases: &BTreeMap<String, String>,
    ) -> Self {
        let keyring = Keyring::open_or_create(keys).expect("keys can be made in a folder of our own");
        let open = |url: &String| {
            PgPoolOptions::new()
                .max_connections(4)
                .acquire_timeout(Duration::from_secs(20))
                .connect_lazy(url)
                .expect("the URL of a database is one")
        };
        let databases = databases.iter().map(|(service, url)| (service.clone(), open(url))).collect();
        Self { keyring, mail, urls, portal_url, databases }
    }

    /// One that does not run but for its PostgreSQL, for judges alone; with the databases' URLs by service.
    pub fn at_rest(layout: &Layout, databases: &BTreeMap<String, String>) -> Self {
        let nowhere = databases.keys().map(|service| (service.clone(), String::new())).collect();
        Self::new(&layout.keys(), layout.mail(), nowhere, String::new(), databases)
    }

    /// The names of the services.
    pub fn services(&self) -> Vec<&str> {
        self.urls.keys().map(String::as_str).collect()
    }

    /// Where a service listens, such as `http://127.0.0.1:20001`.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn url(&self, service: &str) -> &str {
        self.urls.get(service).unwrap_or_else(|| panic!("the suite has no service {service}"))
    }

    /// Where the portal listens.
    pub fn portal_url(&self) -> &str {
        &self.portal_url
    }

    /// A service's database, with the rights to see everything.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn database(&self, service: &str) -> &PgPool {
        self.databases.get(service).unwrap_or_else(|| panic!("the suite has no service {service}"))
    }

    /// A channel to `service` for a person of this role; a customer's is [`Installation::as_customer`].
    pub fn as_role(&self, service: &str, role: &str) -> Peer {
        self.with(service, Identity::Bearer(self.token(role)))
    }

    /// A channel to `service` for a person of this role whose tokens name them so.
    pub fn as_user(&self, service: &str, user: &str, role: &str) -> Peer {
        self.with(service, Identity::Bearer(self.keyring.issuer.mint_user_token(user, &[role], None, LIFETIME)))
    }

    /// A token of a person of this role.
    ///
    /// # Panics
    /// For the role customer, whose tokens name one.
    pub fn token(&self, role: &str) -> Secret<String> {
        assert_ne!(role, "customer", "a customer's token names the customer");
        self.keyring.issuer.mint_user_token(role, &[role], None, LIFETIME)
    }

    /// A channel to `service` for one customer.
    pub fn as_customer(&self, service: &str, customer: Uuid) -> Peer {
        let token = self.keyring.issuer.mint_user_token("customer", &["customer"], Some(customer), LIFETIME);
        self.with(service, Identity::Bearer(token))
    }

    /// A channel to `service` for another service.
    pub fn as_service(&self, service: &str, caller: &str) -> Peer {
        let signer = self.keyring.services[caller].clone();
        self.with(service, Identity::Service { signer, audience: format!("service:{service}") })
    }

    /// A channel to `service` with any identity.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn with(&self, service: &str, identity: Identity) -> Peer {
        Peer::connect_lazy(self.url(service), identity).expect("a service's URL is one")
    }

    /// Makes an API key that may push for these sources.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn api_key(&self, sources: &[&str]) -> Secret<String> {
        let mut keys = ApiKeyServiceClient::new(self.as_role("customers", "ops"));
        let api_key = ApiKey {
            display_name: "a pushing system of a test".to_owned(),
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            ..ApiKey::default()
        };
        let request = CreateApiKeyRequest { api_key: Some(api_key), request_id: new_id().to_string() };
        let made = keys.create_api_key(request).await.expect("operators may make keys").into_inner();
        Secret::new(made.secret)
    }

    /// A channel to the customers service for a system that pushes events.
    pub async fn as_pusher(&self, sources: &[&str]) -> Peer {
        self.with("customers", Identity::ApiKey(self.api_key(sources).await))
    }
}

/// Real time, as the processes under test see it.
pub fn now() -> Timestamp {
    seva_runtime::clock::machine_now()
}
