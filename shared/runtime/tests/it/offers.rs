//! What every server offers: health and reflection; and what it refuses to offer.

use std::sync::Arc;

use futures::StreamExt;
use prost::Message;
use seva_proto::events::v1::{GetTimeRequest, clock_service_server::ClockServiceServer};
use seva_runtime::{
    auth::{Keyring, Rules, Verifier, keys},
    client::Identity,
    server::{Limits, ServeError, Server},
    tasks::Tasks,
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::{v1, v1alpha};

use crate::harness::Setup;

#[tokio::test]
async fn nothing_is_served_until_the_server_is_ready() {
    let server = Setup::default().start().await;
    let mut health = HealthClient::new(server.peer(Identity::Anonymous));
    let mut status = async |service: &str| {
        health.check(HealthCheckRequest { service: service.into() }).await.map(|answer| answer.into_inner().status)
    };
    let (serving, not_serving) = (1, 2);

    for name in ["", "readiness", "seva.events.v1.ClockService"] {
        assert_eq!(status(name).await.unwrap(), not_serving, "{name:?}");
    }
    server.health.set_ready(true).await;
    for name in ["", "readiness", "seva.events.v1.ClockService"] {
        assert_eq!(status(name).await.unwrap(), serving, "{name:?}");
    }
    server.health.set_ready(false).await;
    assert_eq!(status("readiness").await.unwrap(), not_serving);
    assert_eq!(status("").await.unwrap(), serving, "a process that drains must not be killed");
    assert_eq!(status("seva.none").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_what_is_served_and_keeps_our_options() {
    use v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let server = Setup::default().start().await;
    let mut client = ServerReflectionClient::new(server.peer(Identity::Anonymous));
    let ask = |message| ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let questions = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("seva.events.v1.ClockService".into())),
    ];

    let answers = client.server_reflection_info(futures::stream::iter(questions)).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await;

    let MessageResponse::ListServicesResponse(list) = &answers[0] else { panic!("{:?}", answers[0]) };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["grpc.health.v1.Health", "seva.events.v1.ClockService", "seva.events.v1.EventFeedService"]);
    let MessageResponse::FileDescriptorResponse(files) = &answers[1] else { panic!("{:?}", answers[1]) };
    // An option that is kept is a field that the plain descriptor does not know.
    let file = &files.file_descriptor_proto[0];
    let needle = b"clock.write";
    assert!(file.windows(needle.len()).any(|window| window == needle));
    assert!(!prost_types::FileDescriptorProto::decode(file.as_slice()).unwrap().service.is_empty());
}

#[tokio::test]
async fn old_tools_are_answered_too() {
    use v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let server = Setup::default().start().await;
    let mut client = ServerReflectionClient::new(server.peer(Identity::Anonymous));
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol("seva.events.v1.ClockService".into())),
    };

    let mut answers = client.server_reflection_info(futures::stream::iter([question])).await.unwrap().into_inner();

    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
}

struct NoClock;

#[tonic::async_trait]
impl seva_proto::events::v1::clock_service_server::ClockService for NoClock {
    async fn get_time(
        &self,
        _: tonic::Request<GetTimeRequest>,
    ) -> Result<tonic::Response<seva_proto::events::v1::GetTimeResponse>, tonic::Status> {
        unreachable!("never served")
    }

    async fn advance_to(
        &self,
        _: tonic::Request<seva_proto::events::v1::AdvanceToRequest>,
    ) -> Result<tonic::Response<seva_proto::events::v1::AdvanceToResponse>, tonic::Status> {
        unreachable!("never served")
    }
}

#[tokio::test]
async fn a_server_does_not_start_with_a_service_that_has_no_rules() {
    let folder = tempfile::tempdir().unwrap();
    let ring = Keyring::open_or_create(folder.path()).unwrap();
    let verifier = Arc::new(Verifier::open("customers", keys::OWN_ISSUER, &ring.jwks).unwrap());
    let rules = Rules::for_services(&["seva.events.v1.EventFeedService"]).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();

    let served = Server::builder("customers", rules, verifier, None, Tasks::new(), Limits::default())
        .add_service(ClockServiceServer::new(NoClock))
        .serve(listener)
        .await;

    assert!(matches!(served, Err(ServeError::Undeclared("seva.events.v1.ClockService"))), "{served:?}");
}
