//! API keys: shown once, bound to sources, ended for good.

use prost::Message;
use seva_customers::api_key::Keys;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        ApiKey, ApiKeyEvent, CreateApiKeyRequest, CreateApiKeyResponse, GetApiKeyProofRequest, ListApiKeysRequest,
        RevokeApiKeyRequest, api_key_service_server::ApiKeyService,
    },
};
use seva_runtime::{auth::ApiKeys, clock::machine_now};
use seva_values::new_id;
use sha2::{Digest, Sha256};
use sqlx::Row;
use tonic::Status;
use uuid::Uuid;

use crate::world::{World, call, id_of, is_refused, violations};

fn a_key(display_name: &str, sources: &[&str]) -> ApiKey {
    ApiKey {
        display_name: display_name.to_owned(),
        sources: sources.iter().map(|&source| source.to_owned()).collect(),
        ..ApiKey::default()
    }
}

async fn create(world: &World, api_key: ApiKey, request_id: Uuid) -> Result<CreateApiKeyResponse, Status> {
    let request = CreateApiKeyRequest { api_key: Some(api_key), request_id: request_id.to_string() };
    Ok(world.api_keys.create_api_key(call("CreateApiKey", request)).await?.into_inner())
}

async fn revoke(world: &World, name: &str, request_id: Uuid) -> Result<ApiKey, Status> {
    let request = RevokeApiKeyRequest { name: name.to_owned(), request_id: request_id.to_string() };
    let answer = world.api_keys.revoke_api_key(call("RevokeApiKey", request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

fn in_seconds(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: machine_now().as_second() + seconds, nanos: 123_456_789 })
}

/// CU8
#[tokio::test]
async fn a_secret_is_answered_once_and_kept_nowhere() {
    let world = World::new().await;
    let request_id = new_id();
    let wanted = a_key("The shop", &["//shop.example"]);

    let first = create(&world, wanted.clone(), request_id).await.unwrap();
    let again = create(&world, wanted, request_id).await.unwrap();

    assert_eq!(again, CreateApiKeyResponse { secret: String::new(), ..first.clone() });
    assert_eq!(world.count("select count(*) from api_key").await, 1);
    let secret = first.secret.splitn(3, '_').nth(2).unwrap();
    assert_eq!(secret.len(), 43);
    for table in ["api_key", "seva.idempotency", "seva.outbox", "seva.audit"] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("select t::text as whole from {table} t")))
            .fetch_all(&world.database.owner)
            .await
            .unwrap();
        assert!(!rows.is_empty(), "{table}");
        let in_hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for row in rows {
            let whole: String = row.get("whole");
            assert!(!whole.contains(secret) && !whole.contains(&in_hex), "the secret is in {table}");
        }
    }
}

#[tokio::test]
async fn a_key_is_found_for_verification_with_its_hash_sources_and_scope() {
    let world = World::new().await;
    let keys = Keys::new(world.foundation.db.clone());
    let wanted =
        ApiKey { expire_time: in_seconds(60), ..a_key("The shop", &["//shop.example", "//shop.example:8443/eu"]) };
    let created = create(&world, wanted, new_id()).await.unwrap();
    let key = created.api_key.unwrap();

    let stored = keys.find(id_of(&key.name)).await.unwrap().unwrap();
    let secret = created.secret.splitn(3, '_').nth(2).unwrap();
    assert_eq!(stored.secret_sha256, <[u8; 32]>::from(Sha256::digest(secret)));
    assert_eq!(created.secret.split('_').nth(1), Some(id_of(&key.name).simple().to_string().as_str()));
    assert_eq!(stored.scopes, ["events.publish"]);
    assert_eq!(stored.sources, key.sources);
    assert_eq!(stored.expires_at.unwrap().as_second(), key.expire_time.unwrap().seconds);
    assert!(!stored.revoked);
    assert!(keys.find(new_id()).await.unwrap().is_none());

    revoke(&world, &key.name, new_id()).await.unwrap();
    assert!(keys.find(id_of(&key.name)).await.unwrap().unwrap().revoked);
}

#[tokio::test]
async fn a_key_may_do_what_it_was_made_for_and_other_services_are_told_what_proves_it() {
    let world = World::new().await;
    let prove = async |name: &str| {
        let request = GetApiKeyProofRequest { name: name.to_owned() };
        Ok::<_, Status>(world.api_keys.get_api_key_proof(call("GetApiKeyProof", request)).await?.into_inner())
    };
    let usual = create(&world, a_key("The shop", &["//shop.example"]), new_id()).await.unwrap().api_key.unwrap();
    assert_eq!(usual.scopes, ["events.publish"]);
    let wanted = ApiKey {
        scopes: vec!["messages.publish".to_owned()],
        expire_time: in_seconds(60),
        ..a_key("Mail", &["//mail/support"])
    };
    let created = create(&world, wanted, new_id()).await.unwrap();
    let key = created.api_key.unwrap();

    let proof = prove(&key.name).await.unwrap();
    let secret = created.secret.splitn(3, '_').nth(2).unwrap();
    assert_eq!(proof.secret_sha256, Sha256::digest(secret).to_vec());
    assert_eq!((proof.scopes, proof.sources, proof.expire_time), (key.scopes.clone(), key.sources, key.expire_time));
    assert!(!proof.revoked);
    revoke(&world, &key.name, new_id()).await.unwrap();
    assert!(prove(&key.name).await.unwrap().revoked);
    is_refused(prove(&format!("apiKeys/{}", new_id())).await, ErrorReason::ResourceNotFound);

    let scopes = ["messages.publish", "tickets.write", "messages.publish"].map(str::to_owned).to_vec();
    let refused = is_refused(
        create(&world, ApiKey { scopes, ..a_key("x", &["//a"]) }, new_id()).await,
        ErrorReason::FieldsInvalid,
    );
    let expected = [("api_key.scopes[1]", "SCOPE_UNKNOWN"), ("api_key.scopes[2]", "SCOPE_REPEATED")];
    assert_eq!(violations(&refused), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}

#[tokio::test]
async fn an_ended_key_stays_as_it_was_ended() {
    let world = World::new().await;
    let key = create(&world, a_key("The shop", &["//shop.example"]), new_id()).await.unwrap().api_key.unwrap();
    let request_id = new_id();

    let ended = revoke(&world, &key.name, request_id).await.unwrap();
    assert!(ended.revoke_time.is_some());
    assert_eq!(ended, ApiKey { revoke_time: ended.revoke_time, ..key.clone() });
    assert_eq!(revoke(&world, &key.name, request_id).await.unwrap(), ended);
    assert_eq!(revoke(&world, &key.name, new_id()).await.unwrap(), ended);

    let events = sqlx::query("select type, subject, sequence, payload from seva.outbox order by position")
        .fetch_all(&world.database.owner)
        .await
        .unwrap();
    let told: Vec<_> = events.iter().map(|row| (row.get::<String, _>("type"), row.get::<i64, _>("sequence"))).collect();
    let expected = [("seva.customers.api_key.created.v1", 1), ("seva.customers.api_key.revoked.v1", 2)];
    assert_eq!(told, expected.map(|(kind, sequence)| (kind.to_owned(), sequence)));
    assert!(events.iter().all(|row| row.get::<String, _>("subject") == key.name));
    let last = ApiKeyEvent::decode(events[1].get::<Vec<u8>, _>("payload").as_slice()).unwrap();
    assert_eq!(last, ApiKeyEvent { api_key: key.name, sources: key.sources, revoked: true });
    assert_eq!(world.count("select count(*) from seva.audit where changed = '{revoke_time}'").await, 1);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_not_found() {
    let world = World::new().await;

    is_refused(revoke(&world, &format!("apiKeys/{}", new_id()), new_id()).await, ErrorReason::ResourceNotFound);
    is_refused(revoke(&world, "customers/1", new_id()).await, ErrorReason::FieldsInvalid);
}

#[tokio::test]
async fn all_faults_of_a_new_key_are_told_at_once() {
    let world = World::new().await;
    let sources = ["shop.example", "//", "//Shop.example", "https://shop.example", "//shop.example", "//shop.example"];
    let wanted =
        ApiKey { expire_time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), ..a_key(" ", &sources) };

    let status = is_refused(create(&world, wanted, new_id()).await, ErrorReason::FieldsInvalid);

    let expected = [
        ("api_key.display_name", "FIELD_REQUIRED"),
        ("api_key.expire_time", "TIME_MALFORMED"),
        ("api_key.sources[0]", "SOURCE_MALFORMED"),
        ("api_key.sources[1]", "SOURCE_MALFORMED"),
        ("api_key.sources[2]", "SOURCE_MALFORMED"),
        ("api_key.sources[3]", "SOURCE_MALFORMED"),
        ("api_key.sources[5]", "SOURCE_REPEATED"),
    ];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}

#[tokio::test]
async fn a_key_needs_one_to_twenty_sources_and_a_future() {
    let world = World::new().await;
    let refused = async |key| violations(&is_refused(create(&world, key, new_id()).await, ErrorReason::FieldsInvalid));
    let many: Vec<_> = (0..21).map(|number| format!("//shop{number}.example")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();

    assert_eq!(refused(a_key("x", &[])).await, [("api_key.sources".to_owned(), "FIELD_REQUIRED".to_owned())]);
    assert_eq!(refused(a_key("x", &many)).await, [("api_key.sources".to_owned(), "SOURCES_TOO_MANY".to_owned())]);
    create(&world, a_key("x", &many[..20]), new_id()).await.unwrap();
    let past = ApiKey { expire_time: in_seconds(-2), ..a_key("x", &["//a"]) };
    assert_eq!(refused(past).await, [("api_key.expire_time".to_owned(), "EXPIRY_PAST".to_owned())]);
}

#[tokio::test]
async fn keys_are_listed_oldest_first_without_secrets() {
    let world = World::new().await;
    let mut created = Vec::new();
    for number in 0..5 {
        let key = a_key(&format!("Key {number}"), &["//shop.example"]);
        created.push(create(&world, key, new_id()).await.unwrap().api_key.unwrap());
    }

    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = call("ListApiKeys", ListApiKeysRequest { page_size: 2, page_token });
        let page = world.api_keys.list_api_keys(request).await.unwrap().into_inner();
        listed.extend(page.api_keys);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, created);
}
