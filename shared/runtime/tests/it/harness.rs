//! A running server whose handlers are closures.

use std::{
    collections::HashMap,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{Stream, future::BoxFuture};
use seva_proto::events::v1::{
    AdvanceToRequest, AdvanceToResponse, GetFeedHeadRequest, GetFeedHeadResponse, GetTimeRequest, GetTimeResponse,
    SubscribeRequest, SubscribeResponse,
    clock_service_client::ClockServiceClient,
    clock_service_server::{ClockService, ClockServiceServer},
    event_feed_service_client::EventFeedServiceClient,
    event_feed_service_server::{EventFeedService, EventFeedServiceServer},
};
use seva_runtime::{
    Call, Error,
    auth::{ApiKeySecret, ApiKeys, Keyring, Rules, StoredApiKey, Verifier, keys},
    call::call_of,
    client::{Identity, Peer},
    server::{Health, Limits, ServeError, Server, end_of_stream},
    tasks::Tasks,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// What a handler does with a call.
pub type Behaviour = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<(), Status>> + Send + Sync>;

/// A behaviour from an async closure.
pub fn does<F>(act: impl Fn(Call) -> F + Send + Sync + 'static) -> Behaviour
where
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    Arc::new(move |call| Box::pin(act(call)))
}

/// A behaviour that answers at once.
pub fn answers() -> Behaviour {
    does(|_| async { Ok(()) })
}

#[derive(Default)]
pub struct StoredKeys(Mutex<HashMap<Uuid, StoredApiKey>>);

#[async_trait::async_trait]
impl ApiKeys for StoredKeys {
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
        Ok(self.0.lock().unwrap().get(&id).cloned())
    }
}

struct Clock {
    reads: Behaviour,
    writes: Behaviour,
}

#[tonic::async_trait]
impl ClockService for Clock {
    async fn get_time(&self, request: Request<GetTimeRequest>) -> Result<Response<GetTimeResponse>, Status> {
        (self.reads)(call_of(request.extensions())?).await?;
        Ok(Response::new(GetTimeResponse { time: None }))
    }

    async fn advance_to(&self, request: Request<AdvanceToRequest>) -> Result<Response<AdvanceToResponse>, Status> {
        (self.writes)(call_of(request.extensions())?).await?;
        Ok(Response::new(AdvanceToResponse { time: None }))
    }
}

struct Feed {
    tasks: Tasks,
    /// Whether a stream ends itself when it has to.
    polite: bool,
}

#[tonic::async_trait]
impl EventFeedService for Feed {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let call = call_of(request.extensions())?;
        let end: BoxFuture<'static, ()> = if self.polite {
            Box::pin(end_of_stream(&self.tasks, &call.principal))
        } else {
            Box::pin(std::future::pending())
        };
        let first = futures::stream::once(async { Ok(SubscribeResponse { last_feed_no: 1, ..Default::default() }) });
        let rest = futures::stream::once(end);
        let rest = futures::StreamExt::map(rest, |()| Ok(SubscribeResponse { last_feed_no: 2, ..Default::default() }));
        Ok(Response::new(Box::pin(futures::StreamExt::chain(first, rest))))
    }

    async fn get_feed_head(&self, _: Request<GetFeedHeadRequest>) -> Result<Response<GetFeedHeadResponse>, Status> {
        panic!("a planted panic")
    }
}

/// A server on a port of its own.
pub struct Running {
    folder: Arc<TempDir>,
    pub ring: Keyring,
    pub keys: Arc<StoredKeys>,
    pub tasks: Tasks,
    pub health: Health,
    pub address: SocketAddr,
    pub serving: JoinHandle<Result<(), ServeError>>,
}

pub struct Setup {
    pub reads: Behaviour,
    pub writes: Behaviour,
    pub limits: Limits,
    pub polite: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { reads: answers(), writes: answers(), limits: Limits::default(), polite: true }
    }
}

impl Setup {
    pub async fn start(self) -> Running {
        self.start_in(Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// Starts with the keys of another server.
    pub async fn start_with(self, other: &Running) -> Running {
        self.start_in(Arc::clone(&other.folder)).await
    }

    async fn start_in(self, folder: Arc<TempDir>) -> Running {
        let ring = Keyring::open_or_create(folder.path()).unwrap();
        let verifier = Arc::new(Verifier::open("customers", keys::OWN_ISSUER, &ring.jwks).unwrap());
        let rules = Rules::for_services(&["seva.events.v1.ClockService", "seva.events.v1.EventFeedService"]).unwrap();
        let tasks = Tasks::new();
        let stored = Arc::new(StoredKeys::default());
        let server = Server::builder("customers", rules, verifier, Some(stored.clone()), tasks.clone(), self.limits)
            .add_service(ClockServiceServer::new(Clock { reads: self.reads, writes: self.writes }))
            .add_service(EventFeedServiceServer::new(Feed { tasks: tasks.clone(), polite: self.polite }));
        let health = server.health();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test that looks at how the server ends")]
        let serving = tokio::spawn(server.serve(listener));
        Running { folder, ring, keys: stored, tasks, health, address, serving }
    }
}

impl Running {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn token(&self, roles: &[&str]) -> Identity {
        Identity::Bearer(self.ring.issuer.mint_user_token("asha", roles, None, Duration::from_secs(600)))
    }

    pub fn service(&self, name: &str) -> Identity {
        let signer = Arc::clone(&self.ring.services[name]);
        Identity::Service { signer, audience: "service:customers".into() }
    }

    pub fn peer(&self, identity: Identity) -> Peer {
        Peer::connect_lazy(&self.url(), identity).unwrap()
    }

    pub fn clock(&self, identity: Identity) -> ClockServiceClient<Peer> {
        ClockServiceClient::new(self.peer(identity))
    }

    /// A clock client that may do everything.
    pub fn ops(&self) -> ClockServiceClient<Peer> {
        self.clock(self.token(&["ops"]))
    }

    pub fn feed(&self) -> EventFeedServiceClient<Peer> {
        EventFeedServiceClient::new(self.peer(self.token(&["ops"])))
    }

    pub fn add_key(&self, scopes: &[&str]) -> Identity {
        let secret = ApiKeySecret::generate();
        let key = StoredApiKey {
            id: secret.id,
            secret_sha256: secret.sha256,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            sources: Vec::new(),
            expires_at: None,
            revoked: false,
        };
        self.keys.0.lock().unwrap().insert(secret.id, key);
        Identity::ApiKey(secret.text)
    }
}

/// The reason in a status.
pub fn reason(status: &Status) -> String {
    tonic_types::StatusExt::get_details_error_info(status).map(|info| info.reason).unwrap_or_default()
}

/// Waits until something is so.
pub async fn eventually(mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not come true within four seconds");
}
