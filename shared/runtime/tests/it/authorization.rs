//! Who is admitted.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use seva_proto::events::v1::{AdvanceToRequest, GetTimeRequest, clock_service_client::ClockServiceClient};
use seva_runtime::{
    Call,
    auth::PrincipalKind,
    client::{Identity, Peer},
    config::Secret,
};
use tonic::{Code, Request, Status};

use crate::harness::{Behaviour, Setup, does, reason};

fn seen() -> (Arc<Mutex<Vec<Call>>>, Behaviour) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let behaviour = {
        let seen = Arc::clone(&seen);
        does(move |call| {
            seen.lock().unwrap().push(call);
            async { Ok(()) }
        })
    };
    (seen, behaviour)
}

async fn refused(mut client: ClockServiceClient<Peer>) -> Status {
    client.get_time(GetTimeRequest {}).await.unwrap_err()
}

#[tokio::test]
async fn a_handler_is_told_who_calls_which_method() {
    let (seen, reads) = seen();
    let server = Setup { reads, ..Setup::default() }.start().await;

    server.ops().get_time(GetTimeRequest {}).await.unwrap();

    let call = seen.lock().unwrap().pop().unwrap();
    assert_eq!(call.method, "/seva.events.v1.ClockService/GetTime");
    assert_eq!((call.principal.subject.as_str(), call.principal.kind), ("user:asha", PrincipalKind::User));
}

#[tokio::test]
async fn callers_without_a_good_credential_reach_no_handler() {
    let (seen, reads) = seen();
    let server = Setup { reads, ..Setup::default() }.start().await;
    let ended = server.ring.issuer.mint_user_token("asha", &["ops"], None, Duration::ZERO);
    let bearer = |text: &str| Identity::Bearer(Secret::new(text.to_owned()));

    let status = refused(server.clock(Identity::Anonymous)).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CREDENTIAL_MISSING"));
    let status = refused(server.clock(bearer("a.b.c"))).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CREDENTIAL_INVALID"));
    let elsewhere = server.ring.services["tickets"].mint_service_token("service:staff");
    assert_eq!(reason(&refused(server.clock(Identity::Bearer(elsewhere))).await), "CREDENTIAL_INVALID");
    // Within the leeway of clocks it is still good.
    assert!(server.clock(Identity::Bearer(ended)).get_time(GetTimeRequest {}).await.is_ok());
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_missing_scope_is_named_and_the_handler_is_not_reached() {
    let (seen, reads) = seen();
    let server = Setup { reads, ..Setup::default() }.start().await;

    let status = refused(server.clock(server.token(&["agent"]))).await;

    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "SCOPE_MISSING"));
    let info = tonic_types::StatusExt::get_details_error_info(&status).unwrap();
    assert_eq!(info.metadata["required_scope"], "clock.write");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_for_everybody() {
    let server = Setup::default().start().await;
    let mut other = seva_proto::events::v1::dead_letter_service_client::DeadLetterServiceClient::new(
        server.peer(Identity::Anonymous),
    );

    let status = other.list_dead_letters(seva_proto::events::v1::ListDeadLettersRequest::default()).await.unwrap_err();

    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn an_api_key_is_admitted_by_its_scopes() {
    let (seen, reads) = seen();
    let server = Setup { reads, ..Setup::default() }.start().await;

    server.clock(server.add_key(&["clock.write"])).get_time(GetTimeRequest {}).await.unwrap();
    let status = refused(server.clock(server.add_key(&["events.publish"]))).await;

    assert_eq!(reason(&status), "SCOPE_MISSING");
    assert!(seen.lock().unwrap()[0].principal.subject.starts_with("key:"));
    let unknown = seva_runtime::auth::ApiKeySecret::generate().text;
    assert_eq!(reason(&refused(server.clock(Identity::ApiKey(unknown))).await), "CREDENTIAL_INVALID");
}

#[tokio::test]
async fn two_credentials_are_one_too_many() {
    let server = Setup::default().start().await;
    let Identity::ApiKey(key) = server.add_key(&["clock.write"]) else { unreachable!() };
    let mut request = Request::new(GetTimeRequest {});
    request.metadata_mut().insert("x-api-key", key.reveal().parse().unwrap());

    let status = server.ops().get_time(request).await.unwrap_err();

    assert_eq!(reason(&status), "CREDENTIAL_INVALID");
}

#[tokio::test]
async fn a_service_forwards_the_person_it_works_for() {
    let (seen, writes) = seen();
    let inner = Setup { writes, ..Setup::default() }.start().await;
    // The outer server calls the inner one as the service it is, for whoever called it: from inside a detached write.
    let forward = inner.clock(inner.service("portal"));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let forwards = does(move |_| {
        let mut forward = forward.clone();
        counted.fetch_add(1, Ordering::Relaxed);
        async move { forward.advance_to(AdvanceToRequest { time: None }).await.map(|_| ()) }
    });
    // Both servers have to trust the same keys for that: the outer one is given the inner one's.
    let outer = Setup { writes: forwards, ..Setup::default() }.start_with(&inner).await;

    outer.clock(inner.token(&["ops"])).advance_to(AdvanceToRequest { time: None }).await.unwrap();

    let call = seen.lock().unwrap().pop().unwrap();
    assert_eq!(call.principal.subject, "service:portal");
    assert_eq!(call.principal.on_behalf_of.as_deref(), Some("user:asha"));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn only_services_forward_and_only_people_are_forwarded() {
    let server = Setup::default().start().await;
    let forwarding = |token: &Secret<String>| {
        let mut request = Request::new(GetTimeRequest {});
        request.metadata_mut().insert("x-seva-actor", token.reveal().parse().unwrap());
        request
    };
    let person = server.ring.issuer.mint_user_token("omar", &["ops"], None, Duration::from_secs(60));
    let service = server.ring.services["tickets"].mint_service_token("service:customers");

    let by_person = server.ops().get_time(forwarding(&person)).await.unwrap_err();
    let of_service = server.clock(server.service("portal")).get_time(forwarding(&service)).await.unwrap_err();
    let proper = server.clock(server.service("portal")).get_time(forwarding(&person)).await;
    let alone = refused(server.clock(server.service("portal"))).await;

    assert_eq!(reason(&by_person), "CREDENTIAL_INVALID");
    assert_eq!(reason(&of_service), "CREDENTIAL_INVALID");
    assert!(proper.is_ok());
    assert_eq!(reason(&alone), "SCOPE_MISSING");
}
