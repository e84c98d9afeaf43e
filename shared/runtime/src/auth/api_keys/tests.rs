use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[derive(Default)]
struct Stored {
    keys: Mutex<HashMap<Uuid, StoredApiKey>>,
    asked: AtomicUsize,
}

#[async_trait::async_trait]
impl ApiKeys for Stored {
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.keys.lock().unwrap().get(&id).cloned())
    }
}

fn a_key(stored: &Stored, change: impl FnOnce(&mut StoredApiKey)) -> String {
    let secret = ApiKeySecret::generate();
    let mut key = StoredApiKey {
        id: secret.id,
        secret_sha256: secret.sha256,
        scopes: vec!["events.publish".into()],
        sources: vec!["//shipping".into()],
        expires_at: None,
        revoked: false,
    };
    change(&mut key);
    stored.keys.lock().unwrap().insert(secret.id, key);
    secret.text.reveal().clone()
}

async fn refused(verifier: &ApiKeyVerifier, key: &str) -> &'static str {
    Error::from(verifier.verify(key).await.unwrap_err()).reason_name()
}

#[test]
fn a_key_shows_its_id_and_hides_its_secret() {
    let secret = ApiKeySecret::generate();

    let (id, text) = parse(secret.text.reveal()).unwrap();

    assert_eq!(id, secret.id);
    assert_eq!(hash(text), secret.sha256);
    assert_eq!(text.len(), 43);
    assert!(!format!("{secret:?}").contains(text));
}

#[tokio::test]
async fn a_key_brings_its_scopes_and_sources() {
    let stored = Arc::new(Stored::default());
    let key = a_key(&stored, |_| {});
    let verifier = ApiKeyVerifier::new(stored);

    let principal = verifier.verify(&key).await.unwrap();

    assert_eq!(principal.kind, PrincipalKind::ApiKey);
    assert!(principal.subject.starts_with("key:"));
    assert!(principal.has_scope("events.publish") && !principal.has_scope("customers.read"));
    assert!(principal.may_push_for("//shipping") && !principal.may_push_for("//billing"));
}

#[tokio::test]
async fn keys_that_are_wrong_in_any_way_are_refused() {
    let stored = Arc::new(Stored::default());
    let good = a_key(&stored, |_| {});
    let other = a_key(&stored, |_| {});
    let revoked = a_key(&stored, |key| key.revoked = true);
    let ended = a_key(&stored, |key| key.expires_at = Some(machine_now()));
    let unknown = ApiKeySecret::generate().text.reveal().clone();
    let mixed = format!("{}_{}", good.rsplit_once('_').unwrap().0, &other[other.len() - 43..]);
    let verifier = ApiKeyVerifier::new(stored);

    assert_eq!(refused(&verifier, &revoked).await, "CREDENTIAL_INVALID");
    assert_eq!(refused(&verifier, &ended).await, "CREDENTIAL_EXPIRED");
    assert_eq!(refused(&verifier, &unknown).await, "CREDENTIAL_INVALID");
    for wrong in ["", "sk_", "sk__", &good[..good.len() - 1], &format!("{good}A"), &good[3..]] {
        assert_eq!(refused(&verifier, wrong).await, "CREDENTIAL_INVALID", "{wrong:?}");
    }
    if mixed.len() == good.len() {
        assert_eq!(refused(&verifier, &mixed).await, "CREDENTIAL_INVALID");
    }
    assert!(verifier.verify(&good).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_differs_in_one_character_is_refused() {
    let stored = Arc::new(Stored::default());
    let key = a_key(&stored, |_| {});
    let verifier = ApiKeyVerifier::new(stored);
    let last = key.chars().next_back().unwrap();

    let wrong = format!("{}{}", &key[..key.len() - 1], if last == 'A' { 'B' } else { 'A' });

    assert_eq!(refused(&verifier, &wrong).await, "CREDENTIAL_INVALID");
}

#[tokio::test]
async fn keys_are_remembered_for_ten_seconds_found_or_not() {
    tokio::time::pause();
    let stored = Arc::new(Stored::default());
    let key = a_key(&stored, |_| {});
    let unknown = ApiKeySecret::generate().text.reveal().clone();
    let verifier = ApiKeyVerifier::new(stored.clone());

    for _ in 0..5 {
        verifier.verify(&key).await.unwrap();
        refused(&verifier, &unknown).await;
    }
    assert_eq!(stored.asked.load(Ordering::Relaxed), 2);

    stored.keys.lock().unwrap().values_mut().for_each(|key| key.revoked = true);
    assert!(verifier.verify(&key).await.is_ok(), "still remembered");
    tokio::time::advance(CACHED_FOR).await;
    assert_eq!(refused(&verifier, &key).await, "CREDENTIAL_INVALID");
}
