//! The services of the suite in this process, each with its own database: for tests over every RPC, which need no processes.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use seva::{
    assembly::{PARTS, Surroundings},
    clock::{ClockRpc, StoredClock},
};
use seva_notifications::NotificationsConfig;
use seva_proto::events::v1::clock_service_server::ClockServiceServer;
use seva_runtime::{
    BusinessClock,
    client::{Identity, Peer},
    clock::machine_now,
    config::{Company, Faults},
};
use seva_store::service::Service;
use seva_testkit::{TestDatabase, TestServer, foundation, server};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A running service.
pub struct Served {
    /// Its name, such as `customers`.
    pub name: &'static str,
    /// The full names of its gRPC services.
    pub rpcs: Vec<&'static str>,
    /// Where it runs.
    pub server: TestServer,
    /// Whether it knows API keys.
    pub takes_api_keys: bool,
    /// Its database.
    pub database: TestDatabase,
    _folder: TempDir,
}

/// Starts every service, wired as in an installation.
pub async fn all() -> Vec<Served> {
    let keyring = server::keyring();
    let mut listeners = BTreeMap::new();
    for part in &PARTS {
        listeners.insert(part.name, TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let urls: BTreeMap<_, _> = listeners
        .iter()
        .map(|(name, listener)| (*name, format!("http://{}", listener.local_addr().unwrap())))
        .collect();
    let mut served = Vec::new();
    for part in &PARTS {
        let database = TestDatabase::new(part.name, part.migrator).await;
        let peers = part.calls.iter().map(|called| {
            let signer = Arc::clone(&keyring.services[part.name]);
            let identity = Identity::Service { signer, audience: format!("service:{called}") };
            (*called, Peer::connect_lazy(&urls[called], identity).unwrap())
        });
        let notifications =
            NotificationsConfig::default().check(Some(&Company::default()), &mut Faults::new()).unwrap();
        let links = part.signs_links.then(|| keyring.links.clone());
        let surroundings = Surroundings { peers: peers.collect(), links, customers: Default::default(), notifications };
        let foundation = foundation(database.db.clone(), BusinessClock::system());
        let mut service = part.assemble(foundation, surroundings).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        if service.name == "customers" {
            serve_clock(&mut service, folder.path());
        }
        let (name, rpcs, takes_api_keys) = (service.name, service.rpcs.clone(), service.api_keys.is_some());
        let listener = listeners.remove(name).unwrap();
        let server = TestServer::start_on(listener, service, Arc::clone(&keyring)).await;
        served.push(Served { name, rpcs, server, takes_api_keys, database, _folder: folder });
    }
    served
}

/// Adds the clock that is moved by hand, which customers serves in that mode only.
fn serve_clock(service: &mut Service, folder: &Path) {
    let clock = StoredClock::open(&folder.join("clock"), machine_now()).unwrap();
    let register = std::mem::replace(&mut service.register, Box::new(|server| server));
    service.rpcs.push(seva::clock::RPC);
    service.register =
        Box::new(|server| register(server).add_service(ClockServiceServer::new(ClockRpc::new(Arc::new(clock)))));
}

/// Starts every service and answers the one of this name.
pub async fn one(name: &str) -> Served {
    all().await.into_iter().find(|served| served.name == name).unwrap()
}
