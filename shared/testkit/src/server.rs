//! A whole service on a port of this machine, with keys of its own.

use std::{sync::Arc, time::Duration};

use seva_runtime::{
    BusinessClock,
    auth::{Keyring, Rules, Verifier, keys::OWN_ISSUER},
    client::{Identity, Peer},
    config::Secret,
    server::{Limits, Server},
    tasks::{OnFailure, Tasks},
};
use seva_store::{
    Database,
    paging::PageKey,
    service::{Foundation, Service},
};
use tokio::net::TcpListener;
use uuid::Uuid;

/// How long the tokens of a test live.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What a service of a test is built on.
pub fn foundation(db: Database, clock: BusinessClock) -> Foundation {
    Foundation { db, clock, page_key: PageKey::new(b"a secret of the tests"), tasks: Tasks::new() }
}

/// A running service.
#[derive(Debug)]
pub struct TestServer {
    /// `http://127.0.0.1:{port}`.
    pub url: String,
    /// Its keys, and those of all services.
    pub keyring: Arc<Keyring>,
    /// Its tasks.
    pub tasks: Tasks,
    name: &'static str,
}

/// Keys of an installation that lasts as long as the test; the folder is needed only while they are read.
pub fn keyring() -> Arc<Keyring> {
    let folder = tempfile::tempdir().unwrap().keep();
    Arc::new(Keyring::open_or_create(&folder.join("keys")).unwrap())
}

impl TestServer {
    /// Starts a service with its workers.
    pub async fn start(service: Service) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), service, keyring()).await
    }

    /// Starts a service that other services of the test call: they share keys, and know its port before it starts.
    pub async fn start_on(listener: TcpListener, service: Service, keyring: Arc<Keyring>) -> Self {
        let Service { name, ref foundation, .. } = service;
        let tasks = foundation.tasks.clone();
        service.start_workers();
        let rules = Rules::for_services(&service.rpcs).unwrap();
        let verifier = Arc::new(Verifier::open(name, OWN_ISSUER, &keyring.jwks).unwrap());
        let server = Server::builder(name, rules, verifier, service.api_keys.clone(), tasks.clone(), Limits::default());
        let server = (service.register)(server);
        let health = server.health();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tasks.spawn("server", OnFailure::StopProcess, server.serve(listener));
        health.set_ready(true).await;
        Self { url, keyring, tasks, name }
    }

    /// A channel with the token of a person who has this role.
    pub fn as_role(&self, role: &str) -> Peer {
        let customer = (role == "customer").then(Uuid::nil);
        self.with_token(self.keyring.issuer.mint_user_token(role, &[role], customer, LIFETIME))
    }

    /// A channel with the token of one customer.
    pub fn as_customer(&self, customer: Uuid) -> Peer {
        self.with_token(self.keyring.issuer.mint_user_token("customer", &["customer"], Some(customer), LIFETIME))
    }

    /// A channel of another service.
    pub fn as_service(&self, caller: &str) -> Peer {
        let signer = self.keyring.services[caller].clone();
        self.with_identity(Identity::Service { signer, audience: format!("service:{}", self.name) })
    }

    /// A channel with a bearer token.
    pub fn with_token(&self, token: Secret<String>) -> Peer {
        self.with_identity(Identity::Bearer(token))
    }

    /// A channel with any identity.
    pub fn with_identity(&self, identity: Identity) -> Peer {
        Peer::connect_lazy(&self.url, identity).unwrap()
    }
}
