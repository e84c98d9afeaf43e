//! Who may call: every RPC of the contract by every sort of caller.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
};

use bytes::Bytes;
use prost_reflect::MethodDescriptor;
use seva_proto::customers::v1::{ApiKey, CreateApiKeyRequest, api_key_service_client::ApiKeyServiceClient};
use seva_runtime::{
    auth::{Rules, roles},
    client::{Identity, Peer},
    config::Secret,
    server::READINESS,
};
use seva_tests::raw;
use seva_values::id::new_id;
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;

use crate::served::{self, Served};

/// What a call says about who may make it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Admission {
    /// The handler ran, whatever it answered.
    Admitted,
    /// The credential was taken, and lacks one of these scopes.
    LacksScope(String),
    /// There was no credential that could be taken.
    Unproven(String),
}

impl Admission {
    fn of(outcome: &Result<Option<Bytes>, Status>) -> Self {
        let Err(status) = outcome else { return Self::Admitted };
        let info = status.get_details_error_info();
        let reason = info.as_ref().map_or("", |info| info.reason.as_str()).to_owned();
        match status.code() {
            // The caller's own credential was taken; the handler has looked for the customer's link in an empty message.
            Code::Unauthenticated if status.message() == "the link is not valid" => Self::Admitted,
            Code::Unauthenticated => Self::Unproven(reason),
            Code::PermissionDenied if reason == "SCOPE_MISSING" => {
                let info = info.expect("a reason was read from it");
                Self::LacksScope(info.metadata.get("required_scope").cloned().unwrap_or_default())
            }
            Code::Unimplemented => panic!("a served method is not implemented: {status}"),
            _ => Self::Admitted,
        }
    }
}

/// Every sort of caller with the scopes that the tables give it; `None`: its credential is none.
async fn callers(served: &Served, key: &Secret<String>) -> Vec<(String, Option<Vec<&'static str>>, Peer)> {
    let server = &served.server;
    let mut callers = Vec::new();
    for (role, scopes) in roles::ROLES {
        callers.push((role.to_owned(), Some(scopes.to_vec()), server.as_role(role)));
    }
    for service in roles::SERVICES {
        let scopes = roles::scopes_of_service(service).to_vec();
        callers.push((format!("service {service}"), Some(scopes), server.as_service(service)));
    }
    let bearer = |text: &str| server.with_token(Secret::new(text.to_owned()));
    callers.push(("nobody".to_owned(), None, server.with_identity(Identity::Anonymous)));
    callers.push(("a made-up token".to_owned(), None, bearer("eyJhbGciOiJub25lIn0.e30.")));
    let made_up = Secret::new(format!("sk_{}_{}", "0".repeat(32), "A".repeat(43)));
    if served.takes_api_keys {
        // A key pushes events and messages, and does nothing else.
        callers.push((
            "an API key".to_owned(),
            Some(KEY_SCOPES.to_vec()),
            server.with_identity(Identity::ApiKey(key.clone())),
        ));
    }
    callers.push(("a made-up API key".to_owned(), None, server.with_identity(Identity::ApiKey(made_up))));
    callers
}

/// All that a key can be made for.
const KEY_SCOPES: [&str; 2] = ["events.publish", "messages.publish"];

/// A key of a pushing system, which customers makes.
async fn api_key(all: &[Served]) -> Secret<String> {
    let customers = all.iter().find(|served| served.name == "customers").expect("customers is served");
    let mut keys = ApiKeyServiceClient::new(customers.server.as_role("ops"));
    let api_key = ApiKey {
        display_name: "a pushing system".to_owned(),
        sources: vec!["//shop.example".to_owned()],
        scopes: KEY_SCOPES.map(str::to_owned).to_vec(),
        ..ApiKey::default()
    };
    let request = CreateApiKeyRequest { api_key: Some(api_key), request_id: new_id().to_string() };
    Secret::new(keys.create_api_key(request).await.expect("operators make keys").into_inner().secret)
}

/// The scopes that a method asks for, as its options say.
fn scopes_of(rules: &Rules, method: &MethodDescriptor) -> Vec<String> {
    let rule = rules.find(&raw::path_of(method)).expect("every method has a rule");
    assert!(!rule.public, "{} is open to everybody: only health and reflection are", rule.name);
    rule.scopes.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_admits_exactly_the_callers_that_the_contract_and_the_roles_say() {
    let mut admitted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let all = served::all().await;
    let key = api_key(&all).await;
    for served in &all {
        let rules = Rules::for_services(&served.rpcs).unwrap();
        let callers = callers(served, &key).await;
        for method in raw::methods_of(&served.rpcs) {
            let asked = scopes_of(&rules, &method);
            for (caller, scopes, peer) in &callers {
                let outcome = raw::call(peer, &method, Bytes::new()).await;
                let seen = Admission::of(&outcome);
                let cell = format!("{} by {caller} at {}", raw::path_of(&method), served.name);
                match scopes {
                    None => assert!(matches!(&seen, Admission::Unproven(_)), "{cell}: {seen:?} ({outcome:?})"),
                    Some(scopes) if asked.iter().any(|scope| scopes.contains(&scope.as_str())) => {
                        assert_eq!(seen, Admission::Admitted, "{cell}: {outcome:?}");
                        let row = admitted.entry(raw::path_of(&method)).or_default();
                        // What every service offers comes once for each of them.
                        if !row.contains(caller) {
                            row.push(caller.clone());
                        }
                    }
                    Some(_) => assert_eq!(seen, Admission::LacksScope(asked.join(",")), "{cell}: {outcome:?}"),
                }
            }
            admitted.entry(raw::path_of(&method)).or_default();
        }
    }
    assert_as_reviewed(&admitted);
}

/// The table as somebody last looked at it: a change of a role or a scope shows up in a review as a change of who may do what.
fn assert_as_reviewed(admitted: &BTreeMap<String, Vec<String>>) {
    let mut table = String::new();
    for (path, callers) in admitted {
        writeln!(table, "{path}: {}", callers.join(", ")).expect("writing to a string cannot fail");
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/access.txt");
    let reviewed = fs::read_to_string(&file).unwrap_or_default();
    if reviewed == table {
        return;
    }
    let draft = file.with_extension("txt.new");
    fs::write(&draft, &table).expect("the test's own folder can be written");
    panic!("who may call what has changed; look at it and move {} over access.txt:\n{table}", draft.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_tells_the_reason_and_the_scope_that_would_be_needed() {
    let served = served::one("customers").await;
    let method = &raw::methods_of(&["seva.customers.v1.CustomerService"])[0];
    let by_customer = raw::call(&served.server.as_role("customer"), method, Bytes::new()).await;
    assert_eq!(Admission::of(&by_customer), Admission::LacksScope("customers.write".to_owned()));
    let by_nobody = raw::call(&served.server.with_identity(Identity::Anonymous), method, Bytes::new()).await;
    assert_eq!(Admission::of(&by_nobody), Admission::Unproven("CREDENTIAL_MISSING".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_open_to_everybody_but_health_and_reflection() {
    for served in served::all().await {
        let anonymous = served.server.with_identity(Identity::Anonymous);
        let mut health = HealthClient::new(anonymous.clone());
        let answer = health.check(HealthCheckRequest { service: READINESS.to_owned() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{}", served.name);

        let open = Rules::for_services(&served.rpcs).unwrap();
        let open: Vec<_> = open.iter().filter(|rule| rule.public).map(|rule| rule.name.to_string()).collect();
        let expected = |name: &String| name.starts_with("grpc.health.") || name.starts_with("grpc.reflection.");
        assert!(open.iter().all(expected), "{open:?}");
        assert_eq!(open.len(), 4, "{open:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_of_the_contract_is_served_by_somebody() {
    let served: BTreeSet<&str> = served::all().await.iter().flat_map(|served| served.rpcs.clone()).collect();
    let pool = seva_proto::descriptor_pool();
    let contract = pool.services().map(|service| service.full_name().to_owned());
    let contract = contract.filter(|name| name.starts_with("seva."));
    let missing: Vec<_> = contract.filter(|name| !served.contains(name.as_str())).collect();
    assert_eq!(missing, [""; 0]);
}
