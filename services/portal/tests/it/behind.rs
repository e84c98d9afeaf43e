//! The services behind the portal: what each test writes into them, and what they were asked.

use std::{collections::HashMap, pin::Pin, sync::Arc};

use futures::Stream;
use seva_proto::{
    customers::v1::{
        GetOwnPlaceRequest, GetOwnPlaceResponse, PublishEventsRequest, PublishEventsResponse, StreamEventsRequest,
        StreamEventsResponse,
        intake_service_server::{IntakeService, IntakeServiceServer},
        own_place_service_server::{OwnPlaceService, OwnPlaceServiceServer},
    },
    notifications::v1::{
        GetOwnPreferencesRequest, GetOwnPreferencesResponse, GetSubscriptionRequest, GetSubscriptionResponse,
        SetOwnPreferencesRequest, SetOwnPreferencesResponse, UnsubscribeRequest, UnsubscribeResponse,
        own_preference_service_server::{OwnPreferenceService, OwnPreferenceServiceServer},
    },
    surveys::v1::{
        GetQuestionnaireRequest, GetQuestionnaireResponse, ListResponsesRequest, ListResponsesResponse,
        SaveAnswersRequest, SaveAnswersResponse,
        response_service_server::{ResponseService, ResponseServiceServer},
    },
    tickets::v1::{
        AnswerResolutionRequest, AnswerResolutionResponse, GetConversationRequest, GetConversationResponse,
        SendMessageRequest, SendMessageResponse,
        conversation_service_server::{ConversationService, ConversationServiceServer},
    },
};
use seva_runtime::{
    Error,
    auth::{ApiKeySecret, ApiKeys, Keyring, Rules, StoredApiKey, Verifier, keys::OWN_ISSUER},
    server::{Limits, Server},
    tasks::{OnFailure, Tasks},
};
use seva_values::Uuid;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, Streaming};

use crate::scripted::Scripted;

/// Every method that the portal may call.
#[derive(Default)]
pub struct Script {
    pub get_questionnaire: Scripted<GetQuestionnaireRequest, GetQuestionnaireResponse>,
    pub save_answers: Scripted<SaveAnswersRequest, SaveAnswersResponse>,
    pub get_conversation: Scripted<GetConversationRequest, GetConversationResponse>,
    pub answer_resolution: Scripted<AnswerResolutionRequest, AnswerResolutionResponse>,
    pub send_message: Scripted<SendMessageRequest, SendMessageResponse>,
    pub get_own_place: Scripted<GetOwnPlaceRequest, GetOwnPlaceResponse>,
    pub get_own_preferences: Scripted<GetOwnPreferencesRequest, GetOwnPreferencesResponse>,
    pub set_own_preferences: Scripted<SetOwnPreferencesRequest, SetOwnPreferencesResponse>,
    pub get_subscription: Scripted<GetSubscriptionRequest, GetSubscriptionResponse>,
    pub unsubscribe: Scripted<UnsubscribeRequest, UnsubscribeResponse>,
    pub publish_events: Scripted<PublishEventsRequest, PublishEventsResponse>,
}

impl Script {
    /// How many calls were made that could change something.
    pub fn writes(&self) -> usize {
        let Self {
            save_answers,
            answer_resolution,
            send_message,
            set_own_preferences,
            unsubscribe,
            publish_events,
            ..
        } = self;
        save_answers.asked().len()
            + answer_resolution.asked().len()
            + send_message.asked().len()
            + set_own_preferences.asked().len()
            + unsubscribe.asked().len()
            + publish_events.asked().len()
    }
}

/// The services, as servers see them.
#[derive(Clone)]
struct Behind(Arc<Script>);

/// For what the portal never calls.
fn never<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the portal does not call this"))
}

#[tonic::async_trait]
impl ResponseService for Behind {
    async fn get_questionnaire(
        &self,
        request: Request<GetQuestionnaireRequest>,
    ) -> Result<Response<GetQuestionnaireResponse>, Status> {
        self.0.get_questionnaire.call(request)
    }

    async fn save_answers(
        &self,
        request: Request<SaveAnswersRequest>,
    ) -> Result<Response<SaveAnswersResponse>, Status> {
        self.0.save_answers.call(request)
    }

    async fn list_responses(
        &self,
        _: Request<ListResponsesRequest>,
    ) -> Result<Response<ListResponsesResponse>, Status> {
        never()
    }
}

#[tonic::async_trait]
impl ConversationService for Behind {
    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        self.0.get_conversation.call(request)
    }

    async fn answer_resolution(
        &self,
        request: Request<AnswerResolutionRequest>,
    ) -> Result<Response<AnswerResolutionResponse>, Status> {
        self.0.answer_resolution.call(request)
    }

    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        self.0.send_message.call(request)
    }
}

#[tonic::async_trait]
impl OwnPlaceService for Behind {
    async fn get_own_place(
        &self,
        request: Request<GetOwnPlaceRequest>,
    ) -> Result<Response<GetOwnPlaceResponse>, Status> {
        self.0.get_own_place.call(request)
    }
}

#[tonic::async_trait]
impl OwnPreferenceService for Behind {
    async fn get_own_preferences(
        &self,
        request: Request<GetOwnPreferencesRequest>,
    ) -> Result<Response<GetOwnPreferencesResponse>, Status> {
        self.0.get_own_preferences.call(request)
    }

    async fn set_own_preferences(
        &self,
        request: Request<SetOwnPreferencesRequest>,
    ) -> Result<Response<SetOwnPreferencesResponse>, Status> {
        self.0.set_own_preferences.call(request)
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<GetSubscriptionResponse>, Status> {
        self.0.get_subscription.call(request)
    }

    async fn unsubscribe(&self, request: Request<UnsubscribeRequest>) -> Result<Response<UnsubscribeResponse>, Status> {
        self.0.unsubscribe.call(request)
    }
}

#[tonic::async_trait]
impl IntakeService for Behind {
    type StreamEventsStream = Pin<Box<dyn Stream<Item = Result<StreamEventsResponse, Status>> + Send>>;

    async fn publish_events(
        &self,
        request: Request<PublishEventsRequest>,
    ) -> Result<Response<PublishEventsResponse>, Status> {
        self.0.publish_events.call(request)
    }

    async fn stream_events(
        &self,
        _: Request<Streaming<StreamEventsRequest>>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        never()
    }
}

/// API keys of the test.
struct Keys(HashMap<Uuid, StoredApiKey>);

#[tonic::async_trait]
impl ApiKeys for Keys {
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
        Ok(self.0.get(&id).cloned())
    }
}

/// The running services.
pub struct Services {
    pub script: Arc<Script>,
    pub keyring: Arc<Keyring>,
    pub urls: HashMap<&'static str, String>,
    /// A key that may push events.
    pub key: ApiKeySecret,
    /// A key that may not.
    pub powerless_key: ApiKeySecret,
    _tasks: Tasks,
}

impl Services {
    pub async fn start() -> Self {
        let script = Arc::new(Script::default());
        let behind = Behind(Arc::clone(&script));
        let keyring = seva_testkit::keyring();
        let (key, powerless_key) = (ApiKeySecret::generate(), ApiKeySecret::generate());
        let stored = |key: &ApiKeySecret, scopes: &[&str]| {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            let sources = vec!["//shop.example".to_owned()];
            let (id, secret_sha256) = (key.id, key.sha256);
            (id, StoredApiKey { id, secret_sha256, scopes, sources, expires_at: None, revoked: false })
        };
        let keys = Keys([stored(&key, &["events.publish"]), stored(&powerless_key, &[])].into());
        let keys: Arc<dyn ApiKeys> = Arc::new(keys);
        let tasks = Tasks::new();
        let mut urls = HashMap::new();
        for (name, rpcs) in [
            ("surveys", &["seva.surveys.v1.ResponseService"][..]),
            ("tickets", &["seva.tickets.v1.ConversationService"]),
            ("notifications", &["seva.notifications.v1.OwnPreferenceService"]),
            ("customers", &["seva.customers.v1.IntakeService", "seva.customers.v1.OwnPlaceService"]),
        ] {
            let rules = Rules::for_services(rpcs).unwrap();
            let verifier = Arc::new(Verifier::open(name, OWN_ISSUER, &keyring.jwks).unwrap());
            let keys = (name == "customers").then(|| Arc::clone(&keys));
            let server = Server::builder(name, rules, verifier, keys, tasks.clone(), Limits::default());
            let server = match name {
                "surveys" => server.add_service(ResponseServiceServer::new(behind.clone())),
                "tickets" => server.add_service(ConversationServiceServer::new(behind.clone())),
                "notifications" => server.add_service(OwnPreferenceServiceServer::new(behind.clone())),
                _ => server
                    .add_service(IntakeServiceServer::new(behind.clone()))
                    .add_service(OwnPlaceServiceServer::new(behind.clone())),
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            urls.insert(name, format!("http://{}", listener.local_addr().unwrap()));
            let health = server.health();
            tasks.spawn("server", OnFailure::Log, server.serve(listener));
            health.set_ready(true).await;
        }
        Self { script, keyring, urls, key, powerless_key, _tasks: tasks }
    }
}
