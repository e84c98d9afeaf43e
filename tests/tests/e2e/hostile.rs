//! Hostile input: whatever is sent, the answer is a proper one and the server goes on.

use std::{collections::BTreeMap, env, time::Duration};

use bytes::Bytes;
use prost_reflect::MethodDescriptor;
use seva_runtime::{
    auth::{Rules, roles},
    client::Peer,
    server::READINESS,
};
use seva_testkit::eventually;
use seva_tests::{hostile::Hostile, raw};
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;

use crate::served;

/// Messages of each sort for each RPC; `HOSTILE_ROUNDS` asks for more.
fn rounds() -> u64 {
    env::var("HOSTILE_ROUNDS").ok().map_or(40, |rounds| rounds.parse().expect("HOSTILE_ROUNDS is a number"))
}

/// The seed of the messages; printed with every fault, and given back by `HOSTILE_SEED`.
fn seed() -> u64 {
    env::var("HOSTILE_SEED").ok().map_or(0x5e7a, |seed| seed.parse().expect("HOSTILE_SEED is a number"))
}

/// A caller who may do everything that this method asks for.
fn caller_of(served: &served::Served, method: &MethodDescriptor) -> Peer {
    let rules = Rules::for_services(&served.rpcs).expect("it is served");
    let scopes = &rules.find(&raw::path_of(method)).expect("every method has a rule").scopes;
    let roles = roles::ROLES.iter().filter(|(role, _)| *role != roles::CUSTOMER);
    let role = roles.clone().find(|(_, given)| scopes.iter().any(|scope| given.contains(&scope.as_str())));
    match role {
        Some((role, _)) => served.server.as_role(role),
        None => {
            let holds =
                |name: &&str| scopes.iter().any(|scope| roles::scopes_of_service(name).contains(&scope.as_str()));
            served.server.as_service(roles::SERVICES.into_iter().find(holds).expect("every scope is held by somebody"))
        }
    }
}

/// What is wrong with an answer, if anything.
fn fault_of(outcome: &Result<Option<Bytes>, Status>) -> Option<String> {
    let status = outcome.as_ref().err()?;
    let info = status.get_details_error_info();
    let reason = info.as_ref().map(|info| info.reason.as_str());
    let leaks = ["sqlx", "postgres", "constraint", "panicked", "relation \""];
    let proper = !matches!(status.code(), Code::Internal | Code::Unknown | Code::Unavailable | Code::Unimplemented)
        && reason.is_some()
        && !leaks.iter().any(|word| status.message().contains(word));
    // The beginning says what is wrong, what follows says it of this message.
    let said: String = status.message().chars().take(34).collect();
    (!proper).then(|| format!("{:?} {reason:?}: {said}", status.code()))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_however_strange_breaks_a_handler_or_the_server() {
    let seed = seed();
    let mut hostile = Hostile::new(seed);
    let mut faults = BTreeMap::new();
    for served in served::all().await {
        for method in raw::methods_of(&served.rpcs) {
            let peer = caller_of(&served, &method);
            for round in 0..rounds() {
                let message = match round % 4 {
                    0 => hostile.bytes(),
                    1 => hostile.damaged(&method.input()),
                    _ => hostile.message(&method.input()),
                };
                let outcome = raw::call(&peer, &method, message.clone()).await;
                if let Some(fault) = fault_of(&outcome) {
                    faults.insert(format!("{}: {fault}", raw::path_of(&method)), round);
                }
            }
        }
        // It still serves, and lets nothing wait behind what was sent.
        let mut health = HealthClient::new(served.server.as_role("agent"));
        let health = health.check(HealthCheckRequest { service: READINESS.to_owned() }).await.unwrap().into_inner();
        assert_eq!(health.status(), ServingStatus::Serving);
        let owner = &served.database.owner;
        eventually("everything that was written is in the feed", || async {
            let pending: i64 =
                sqlx::query_scalar("select count(*) from seva.outbox_pending").fetch_one(owner).await.unwrap();
            (pending == 0).then_some(())
        })
        .await;
    }
    assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let served = served::one("customers").await;
    let methods = raw::methods_of(&["seva.customers.v1.CustomerService"]);
    let peer = served.server.as_role("agent").with_default_deadline(Duration::from_secs(5));
    let outcome = raw::call(&peer, &methods[0], Bytes::from(vec![0; 6 * 1024 * 1024])).await;
    let refused = outcome.unwrap_err();
    let reason = refused.get_details_error_info().map(|info| info.reason);
    assert_eq!(reason.as_deref(), Some("MESSAGE_TOO_LARGE"), "{refused:?}");
    let next = raw::call(&peer, &methods[0], Bytes::new()).await.unwrap_err();
    assert_eq!(next.code(), Code::InvalidArgument);
}
