//! The service as it runs, with its workers, on a port.

use std::sync::Arc;

use seva_notifications::{MIGRATOR, NAME, Peers, ensure_catalog, service};
use seva_proto::{
    common::v1::{LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item},
    notifications::v1::{
        GetPreferencesRequest, UnsubscribeRequest, own_preference_service_client::OwnPreferenceServiceClient,
        preference_service_client::PreferenceServiceClient,
    },
};
use seva_runtime::BusinessClock;
use seva_store::{due::Due, service::Service};
use seva_testkit::{TestDatabase, TestServer, eventually, server::foundation};
use tonic::Code;

use crate::town::{Town, request_id, settings};

fn assemble(town: &Town, database: &TestDatabase, clock: BusinessClock) -> Service {
    let peers = Peers {
        customers: Arc::new(town.feed.clone()),
        tickets: Arc::new(town.neighbours.tickets.feed.clone()),
        surveys: Arc::new(town.neighbours.surveys.feed.clone()),
        recipients: town.recipients(),
        links: town.neighbours.owners(),
    };
    service(foundation(database.db.clone(), clock), peers, settings(town.post.clone()), town.signer.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_a_time_only_ends_on_a_clock_that_goes_by_itself() {
    let town = Town::new().await;
    let work = |clock| {
        let service = assemble(&town, &town.notifications, clock);
        service.due.iter().map(Due::name).collect::<Vec<_>>()
    };
    assert_eq!(work(BusinessClock::system()), ["dispatch", "retention"]);
    assert_eq!(work(BusinessClock::manual(town.clock.now())), ["dispatch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_becomes_a_mail_whose_one_click_ends_such_mails_and_only_the_portal_may_click() {
    let town = Town::new().await;
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    ensure_catalog(&database.db, &town.clock).await.unwrap();
    let server = TestServer::start(assemble(&town, &database, town.clock.clone())).await;
    let somebody = town.somebody(&["en"]).await;
    town.neighbours.ticket(somebody).await;

    let mail = eventually("the mail is handed over", || async { town.post.handed().into_iter().next() }).await;
    let link = mail.unsubscribe.unwrap();
    let token = link.as_str().strip_prefix("http://127.0.0.1:8080/unsubscribe/").unwrap().to_owned();
    let click = || UnsubscribeRequest { token: token.clone(), request_id: request_id() };
    let refused = OwnPreferenceServiceClient::new(server.as_role("agent")).unsubscribe(click()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut portal = OwnPreferenceServiceClient::new(server.as_service("portal"));
    portal.unsubscribe(click()).await.unwrap();

    let request = GetPreferencesRequest { customer: format!("customers/{somebody}") };
    let mut preferences = PreferenceServiceClient::new(server.as_customer(somebody));
    let seen = preferences.get_preferences(request).await.unwrap().into_inner().preferences;
    let tickets = seen.iter().find(|preference| preference.category == "categories/tickets").unwrap();
    assert!(tickets.explicit && !tickets.wanted);
    let item = Item { purpose: LinkPurpose::Preferences.into(), subject: format!("customers/{somebody}") };
    let mut links = LinkServiceClient::new(server.as_service("notifications"));
    let answer = links.mint_links(MintLinksRequest { items: vec![item] }).await.unwrap().into_inner();
    assert!(!answer.links[0].token.is_empty());
}
