use seva_proto::{
    customers::v1::{ListOrdersRequest, order_service_client::OrderServiceClient},
    events::v1::{AdvanceToRequest, GetTimeRequest, clock_service_client::ClockServiceClient},
};
use seva_runtime::{client::Identity, config::Secret};
use tonic::Code;

use crate::world::{folder, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_starts_stops_and_starts_again_with_what_it_had() {
    let folder = folder();
    let instance = start(folder.path(), None).await;
    let layout = instance.layout().clone();
    let running = layout.running().unwrap();
    assert_eq!(
        running.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(),
        ["customers", "notifications", "staff", "surveys", "tickets"]
    );
    let key = instance.keyring.issuer.public_key().to_owned();

    let refused = Box::pin(seva::instance::Instance::start(settings(folder.path(), None))).await.err().unwrap();
    assert!(refused.to_string().contains("is in use by process"), "{refused}");
    assert_eq!(refused.exit_code(), 69);

    assert!(instance.stop(None).await, "everything ends within its bound");
    assert_eq!(layout.running(), None);
    let again = start(folder.path(), None).await;
    assert_eq!(*again.keyring.issuer.public_key(), key);
    assert!(again.stop(None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_served_without_a_token_and_services_have_no_rights_to_their_schema() {
    let folder = folder();
    let instance = start(folder.path(), None).await;
    let list = ListOrdersRequest::default();

    let mut nobody = OrderServiceClient::new(instance.peer("customers", Identity::Anonymous).unwrap());
    assert_eq!(nobody.list_orders(list.clone()).await.unwrap_err().code(), Code::Unauthenticated);
    let tokens = seva::tokens::ready(&instance.keyring.issuer);
    let token_of = |role: &str| {
        let line = tokens.lines().find_map(|line| line.strip_prefix(role)?.strip_prefix('=')).unwrap();
        Identity::Bearer(Secret::new(line.to_owned()))
    };
    let mut hr = OrderServiceClient::new(instance.peer("customers", token_of("hr")).unwrap());
    assert_eq!(hr.list_orders(list.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let mut agent = OrderServiceClient::new(instance.peer("customers", token_of("agent")).unwrap());
    assert!(agent.list_orders(list).await.is_ok());

    for service in &instance.services {
        let db = service.foundation.db.calls();
        for forbidden in [
            "create table public.mine ()",
            "drop table seva.feed",
            "delete from seva.outbox",
            "update seva.audit set actor = ''",
        ] {
            let refused = sqlx::query(forbidden).execute(db).await.unwrap_err();
            let code = refused.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
            assert_eq!(code.as_deref(), Some("42501"), "{forbidden} in {}: {refused}", service.name);
        }
    }
    instance.stop(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_time_is_moved_by_operators_and_outlives_the_process() {
    let folder = folder();
    let begin: jiff::Timestamp = "2018-01-01T00:00:00Z".parse().unwrap();
    let later: jiff::Timestamp = "2018-02-01T12:30:00Z".parse().unwrap();
    let instance = start(folder.path(), Some(begin)).await;
    let mut clock = ClockServiceClient::new(instance.operators_peer("customers").unwrap());
    clock.advance_to(AdvanceToRequest { time: Some(seva::report::proto_time(later)) }).await.unwrap();
    assert_eq!(instance.clock.now(), later);
    let back = AdvanceToRequest { time: Some(seva::report::proto_time(begin)) };
    assert_eq!(clock.advance_to(back).await.unwrap_err().code(), Code::FailedPrecondition);
    instance.stop(None).await;

    let again = start(folder.path(), Some(begin)).await;
    assert_eq!(again.clock.now(), later);
    again.stop(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_machines_time_there_is_no_clock_to_be_moved() {
    let folder = folder();
    let instance = start(folder.path(), None).await;
    let mut clock = ClockServiceClient::new(instance.operators_peer("customers").unwrap());

    assert_eq!(clock.get_time(GetTimeRequest {}).await.unwrap_err().code(), Code::Unimplemented);
    instance.stop(None).await;
}
