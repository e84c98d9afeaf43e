use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::auth::{Keyring, keys};

struct Fixture {
    _folder: TempDir,
    ring: Keyring,
    verifier: Verifier,
    issuer_key: EncodingKey,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let ring = Keyring::open_or_create(folder.path()).unwrap();
    let verifier = Verifier::open("customers", keys::OWN_ISSUER, &ring.jwks).unwrap();
    let issuer_key = EncodingKey::from_ed_pem(&std::fs::read(folder.path().join("issuer.pem")).unwrap()).unwrap();
    Fixture { _folder: folder, ring, verifier, issuer_key }
}

fn claims() -> Value {
    let now = machine_now().as_second();
    json!({"iss": "seva", "sub": "asha", "aud": "seva", "exp": now + 600, "nbf": now, "roles": ["agent"]})
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

impl Fixture {
    fn signed(&self, claims: &Value) -> String {
        self.signed_as("issuer", claims)
    }

    fn signed_as(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.issuer_key).unwrap()
    }

    fn refused(&self, token: &str) -> (&'static str, String) {
        let error = self.verifier.verify(token).unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated);
        (error.reason_name(), error.to_string())
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[test]
fn a_person_is_proven_with_roles_and_scopes() {
    let fixture = fixture();
    let token = fixture.ring.issuer.mint_user_token("asha", &["agent", "unknown"], None, Duration::from_secs(60));

    let principal = fixture.verifier.verify(token.reveal()).unwrap();

    assert_eq!((principal.subject.as_str(), principal.kind), ("user:asha", PrincipalKind::User));
    assert!(principal.has_scope("customers.write") && !principal.has_scope("deadletters.read"));
    assert_eq!(principal.customer, None);
    assert!(principal.expires_at.unwrap() > machine_now());
}

#[test]
fn a_token_that_has_ended_is_refused_beyond_the_leeway() {
    let fixture = fixture();
    let now = machine_now().as_second();

    assert_eq!(fixture.refused(&fixture.signed(&with("exp", json!(now - 60)))).0, "CREDENTIAL_EXPIRED");
    assert!(fixture.verifier.verify(&fixture.signed(&with("exp", json!(now - 5)))).is_ok());
}

#[test]
fn a_token_of_the_future_is_refused_beyond_the_leeway() {
    let fixture = fixture();
    let now = machine_now().as_second();

    assert_eq!(fixture.refused(&fixture.signed(&with("nbf", json!(now + 120)))).0, "CREDENTIAL_INVALID");
    assert!(fixture.verifier.verify(&fixture.signed(&with("nbf", json!(now + 5)))).is_ok());
}

#[test]
fn another_audience_another_issuer_and_missing_claims_are_refused() {
    let fixture = fixture();
    for audience in [json!("other"), json!("service:customers"), json!(["other"])] {
        let (reason, text) = fixture.refused(&fixture.signed(&with("aud", audience)));
        assert_eq!((reason, text.contains("audience")), ("CREDENTIAL_INVALID", true), "{text}");
    }
    let (reason, text) = fixture.refused(&fixture.signed(&with("iss", json!("somebody"))));
    assert_eq!((reason, text.contains("issuer")), ("CREDENTIAL_INVALID", true), "{text}");
    for claim in ["exp", "aud", "iss", "sub"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(fixture.refused(&fixture.signed(&claims)).0, "CREDENTIAL_INVALID", "{claim}");
    }
}

#[test]
fn a_changed_token_is_refused() {
    let fixture = fixture();
    let token = fixture.signed(&claims());
    assert!(fixture.verifier.verify(&token).is_ok());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = fixture.signed(&with("roles", json!(["ops"])));
    let other_claims = other.split('.').nth(1).unwrap();

    assert_eq!(fixture.refused(&format!("{header}.{other_claims}.{signature}")).0, "CREDENTIAL_INVALID");
    assert_eq!(fixture.refused(&format!("{signed}.{}", &signature[2..])).0, "CREDENTIAL_INVALID");
    for malformed in ["", ".", "..", "a.b.c", signed] {
        assert_eq!(fixture.refused(malformed).0, "CREDENTIAL_INVALID", "{malformed:?}");
    }
}

#[test]
fn algorithms_other_than_the_keys_own_are_refused() {
    let fixture = fixture();
    let unsigned_token = unsigned(&json!({"alg": "none", "kid": "issuer", "typ": "JWT"}), &claims());
    assert_eq!(fixture.refused(&unsigned_token).0, "CREDENTIAL_INVALID");

    // Signed with the public key as if it were a shared secret.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("issuer".into());
    let shared = EncodingKey::from_secret(fixture.ring.issuer.public_key());
    let confused = jsonwebtoken::encode(&header, &claims(), &shared).unwrap();
    let (reason, text) = fixture.refused(&confused);
    assert_eq!((reason, text.contains("algorithm")), ("CREDENTIAL_INVALID", true), "{text}");
}

#[test]
fn a_token_of_an_unknown_key_or_of_none_is_refused() {
    let fixture = fixture();
    assert!(fixture.refused(&fixture.signed_as("nobody", &claims())).1.contains("unknown"));
    let nameless = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims(), &fixture.issuer_key).unwrap();
    assert!(fixture.refused(&nameless).1.contains("names no key"));
}

#[test]
fn a_service_is_proven_by_its_own_key_for_the_called_service() {
    let fixture = fixture();
    let notifications = &fixture.ring.services["notifications"];

    let principal = fixture.verifier.verify(notifications.mint_service_token("service:customers").reveal()).unwrap();

    assert_eq!((principal.subject.as_str(), principal.kind), ("service:notifications", PrincipalKind::Service));
    assert!(principal.has_scope("recipients.read"));
    let elsewhere = notifications.mint_service_token("service:tickets");
    assert!(fixture.refused(elsewhere.reveal()).1.contains("audience"));
}

#[test]
fn a_services_key_signs_for_nobody_else() {
    let fixture = fixture();
    let now = machine_now().as_second();
    let folder = fixture._folder.path();
    let portal_key = EncodingKey::from_ed_pem(&std::fs::read(folder.join("service-portal.pem")).unwrap()).unwrap();
    let forge = |kid: &str, iss: &str, sub: &str, aud: &str| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.to_owned());
        let claims = json!({"iss": iss, "sub": sub, "aud": aud, "exp": now + 60, "roles": ["ops"]});
        jsonwebtoken::encode(&header, &claims, &portal_key).unwrap()
    };

    for (kid, iss, sub, aud) in [
        ("service:portal", "service:portal", "service:notifications", "service:customers"),
        ("service:portal", "service:notifications", "service:notifications", "service:customers"),
        ("service:notifications", "service:notifications", "service:notifications", "service:customers"),
        ("service:portal", "seva", "asha", "seva"),
        ("issuer", "seva", "asha", "seva"),
    ] {
        assert_eq!(fixture.refused(&forge(kid, iss, sub, aud)).0, "CREDENTIAL_INVALID", "{kid} {iss} {sub} {aud}");
    }
}

#[test]
fn the_issuers_key_signs_for_no_service() {
    let fixture = fixture();
    let forged = with("sub", json!("service:notifications"));

    let principal = fixture.verifier.verify(&fixture.signed(&forged)).unwrap();

    assert_eq!(principal.subject, "user:service:notifications");
    assert_eq!(principal.kind, PrincipalKind::User);
    assert!(!principal.has_scope("recipients.read"));
}

#[test]
fn a_customers_token_names_one_customer_and_has_no_other_role() {
    let fixture = fixture();
    let id = seva_values::new_id();
    let token = fixture.ring.issuer.mint_user_token("c", &["customer"], Some(id), Duration::from_secs(60));

    assert_eq!(fixture.verifier.verify(token.reveal()).unwrap().customer, Some(id));
    assert_eq!(fixture.refused(&fixture.signed(&with("roles", json!(["customer"])))).0, "CREDENTIAL_INVALID");
    assert_eq!(fixture.refused(&fixture.signed(&with("customer", json!(id)))).0, "CREDENTIAL_INVALID");
    let both = fixture.ring.issuer.mint_user_token("c", &["customer", "agent"], Some(id), Duration::from_secs(60));
    assert_eq!(fixture.refused(both.reveal()).0, "CREDENTIAL_INVALID");
}

#[test]
fn a_service_token_is_given_again_until_it_is_nearly_over() {
    let fixture = fixture();
    let signer = &fixture.ring.services["notifications"];

    let first = signer.mint_service_token("service:customers");

    assert_eq!(first.reveal(), signer.mint_service_token("service:customers").reveal());
    assert_ne!(first.reveal(), signer.mint_service_token("service:tickets").reveal());
}

#[test]
fn the_cache_of_verified_tokens_is_bounded_and_ends_with_the_tokens() {
    let fixture = fixture();
    let principal = fixture.verifier.verify(&fixture.signed(&claims())).unwrap();
    for number in 0..MAX_CACHED as u64 + 10 {
        let hash: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
        fixture.verifier.remember(hash, &principal);
    }
    assert!(fixture.verifier.verified.lock().unwrap().len() <= MAX_CACHED);

    let mut ended = principal;
    ended.expires_at = Some(machine_now() - LEEWAY);
    fixture.verifier.remember([1; 32], &ended);
    assert!(matches!(fixture.verifier.cached(&[1; 32]), Some(Err(Refusal::Expired(_)))));
}

#[tokio::test]
async fn a_new_key_is_found_and_a_removed_key_ends_when_the_file_is_read_again() {
    tokio::time::pause();
    let fixture = fixture();
    let old = fixture.ring.issuer.mint_user_token("asha", &["agent"], None, Duration::from_secs(600));
    assert!(fixture.verifier.verify(old.reveal()).is_ok());
    let other = tempfile::tempdir().unwrap();
    let file = other.path().join("next.pem");
    keys::ensure_signing_key(&file).unwrap();
    let next = Arc::new(super::super::Signer::for_issuer("seva", "next", &file).unwrap());
    std::fs::write(&fixture.ring.jwks, keys::jwks_of([&next])).unwrap();
    let new = next.mint_user_token("asha", &["agent"], None, Duration::from_secs(600));

    assert!(fixture.verifier.verify(new.reveal()).is_err(), "the file was read a moment ago");
    tokio::time::advance(REREAD_AT_MOST_EVERY).await;
    assert!(fixture.verifier.verify(new.reveal()).is_ok());
    assert_eq!(fixture.refused(old.reveal()).0, "CREDENTIAL_INVALID");

    std::fs::write(&fixture.ring.jwks, "broken").unwrap();
    tokio::time::advance(REREAD_AFTER).await;
    assert!(fixture.verifier.verify(new.reveal()).is_ok(), "keys read before are kept");
}

#[test]
fn key_sets_that_cannot_be_used_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let read = |content: &str| {
        std::fs::write(&file, content).unwrap();
        Verifier::open("customers", "seva", &file).unwrap_err().to_string()
    };
    let ed = |kid: &str, x: &str| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x});
    let good = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    assert!(read("[]").contains("is not a JWKS"));
    assert!(read(&json!({"keys": []}).to_string()).contains("no key"));
    // A shared secret, and a key too short to be one, which would make the library panic.
    assert!(read(&json!({"keys": [{"kty": "oct", "kid": "k", "k": "c2VjcmV0"}]}).to_string()).contains("no key"));
    assert!(read(&json!({"keys": [ed("k", "AAAA")]}).to_string()).contains("no key"));
    assert!(read(&json!({"keys": [ed("k", good), ed("k", good)]}).to_string()).contains("twice"));
}

/// A key for this test only: ES256 tokens come from issuers that we do not run, so nothing here can make one.
const EC_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrV173PVuDTIudLaf\n\
    rsmM0dNWo1eRaMwlE9QRG82LK5KhRANCAARjPkV5FA56C4dH6IcdtWukCq4o/3+Q\n\
    pSoQPpdU2SDClVC3EoHHXQcb9O1nKyrrT0MLdmU4rwpL0Pq2oJz6qZBI\n\
    -----END PRIVATE KEY-----\n";

#[test]
fn an_issuer_may_sign_with_es256_and_its_key_verifies_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let (x, y) = ("Yz5FeRQOeguHR-iHHbVrpAquKP9_kKUqED6XVNkgwpU", "ULcSgcddBxv07WcrKutPQwt2ZTivCkvQ-ragnPqpkEg");
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "idp", "use": "sig", "x": x, "y": y});
    let other_use = json!({"kty": "EC", "crv": "P-256", "kid": "enc", "use": "enc", "x": x, "y": y});
    std::fs::write(&file, json!({"keys": [key, other_use]}).to_string()).unwrap();
    let verifier = Verifier::open("customers", "seva", &file).unwrap();
    let sign = |algorithm, kid: &str, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, &claims(), key).unwrap()
    };
    let ec = EncodingKey::from_ec_pem(EC_KEY.as_bytes()).unwrap();
    let ed = fixture().issuer_key;

    assert_eq!(verifier.verify(&sign(Algorithm::ES256, "idp", &ec)).unwrap().subject, "user:asha");
    assert!(verifier.verify(&sign(Algorithm::EdDSA, "idp", &ed)).is_err());
    assert!(verifier.verify(&sign(Algorithm::ES256, "enc", &ec)).is_err(), "a key for encryption signs nothing");
}
