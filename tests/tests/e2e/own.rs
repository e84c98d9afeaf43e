//! A customer's own token reaches that customer and nobody else, on every RPC that it may call.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use seva_runtime::{
    auth::{Rules, roles},
    client::Peer,
};
use seva_tests::raw;
use seva_values::id::new_id;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::served;

/// What a customer may call that is about nobody in particular.
const ABOUT_NOBODY: [&str; 1] = ["/seva.notifications.v1.PreferenceService/ListCategories"];

/// A request that is valid as far as can be told from its shape, about `customer`.
fn about(method: &MethodDescriptor, customer: Uuid) -> Bytes {
    let mut message = DynamicMessage::new(method.input());
    message.set_field_by_name("customer", Value::String(format!("customers/{customer}")));
    let texts = [("request_id", new_id().to_string()), ("category", "categories/orders".to_owned())];
    for (field, text) in texts.into_iter().chain([("evidence", "a test".to_owned())]) {
        if method.input().get_field_by_name(field).is_some() {
            message.set_field_by_name(field, Value::String(text));
        }
    }
    message.encode_to_vec().into()
}

async fn reason_of(peer: &Peer, method: &MethodDescriptor, customer: Uuid) -> String {
    let outcome: Result<_, Status> = raw::call(peer, method, about(method, customer)).await;
    let Err(status) = outcome else { return "OK".to_owned() };
    let reason = status.get_details_error_info().expect("every error has a reason").reason;
    assert_eq!(status.code() == Code::PermissionDenied, reason == "RESOURCE_FORBIDDEN", "{status:?}");
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_token_reaches_that_customer_only() {
    let may = roles::scopes_of_role(roles::CUSTOMER);
    let mut looked_at = 0;
    for served in served::all().await {
        let rules = Rules::for_services(&served.rpcs).unwrap();
        for method in raw::methods_of(&served.rpcs) {
            let path = raw::path_of(&method);
            let scopes = &rules.find(&path).unwrap().scopes;
            if !scopes.iter().any(|scope| may.contains(&scope.as_str())) || ABOUT_NOBODY.contains(&path.as_str()) {
                continue;
            }
            assert!(
                method.input().get_field_by_name("customer").is_some(),
                "{path} is open to customers and does not say whom it is about"
            );
            let (own, other) = (new_id(), new_id());
            let peer = served.server.as_customer(own);
            // The same answer whether or not there is such a customer: ids cannot be found by trying.
            assert_eq!(reason_of(&peer, &method, other).await, "RESOURCE_FORBIDDEN", "{path}");
            assert_ne!(reason_of(&peer, &method, own).await, "RESOURCE_FORBIDDEN", "{path}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 0, "customers may call something");
}
