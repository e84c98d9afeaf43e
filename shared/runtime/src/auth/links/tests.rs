use std::time::Duration;

use super::*;

fn now() -> Timestamp {
    "2026-05-01T10:00:00Z".parse().unwrap()
}

fn link() -> Link {
    Link {
        subject: "01890a5d-ac96-774b-bcce-b302099a8057:offers".into(),
        generation: 3,
        expires_at: now() + Duration::from_secs(60),
    }
}

fn reason(refused: Result<Link, Error>) -> &'static str {
    refused.unwrap_err().reason_name()
}

#[test]
fn a_link_says_what_was_signed() {
    let signer = LinkSigner::new(LinkKeys::generate());

    let token = signer.sign("unsubscribe", &link());

    assert_eq!(signer.verify(&token, "unsubscribe", now()).unwrap(), link());
}

#[test]
fn every_flipped_bit_is_refused() {
    let signer = LinkSigner::new(LinkKeys::generate());
    let token = signer.sign("survey", &link());

    for position in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            // What is no text cannot be passed at all.
            let Ok(tampered) = String::from_utf8(bytes) else { continue };
            assert_eq!(reason(signer.verify(&tampered, "survey", now())), "CREDENTIAL_INVALID", "{tampered}");
        }
    }
}

#[test]
fn anything_cut_off_or_added_is_refused() {
    let signer = LinkSigner::new(LinkKeys::generate());
    let token = signer.sign("survey", &link());

    for end in 0..token.len() {
        assert_eq!(reason(signer.verify(&token[..end], "survey", now())), "CREDENTIAL_INVALID");
    }
    for added in [format!("{token}="), format!("{token}A"), format!(" {token}"), format!("x.{token}"), "a".repeat(5000)]
    {
        assert_eq!(reason(signer.verify(&added, "survey", now())), "CREDENTIAL_INVALID");
    }
}

#[test]
fn a_link_is_good_for_its_own_purpose_only() {
    let signer = LinkSigner::new(LinkKeys::generate());

    let token = signer.sign("survey", &link());

    assert_eq!(reason(signer.verify(&token, "place", now())), "CREDENTIAL_INVALID");
}

#[test]
fn a_link_ends_at_its_end() {
    let signer = LinkSigner::new(LinkKeys::generate());
    let token = signer.sign("survey", &link());

    assert!(signer.verify(&token, "survey", now() + Duration::from_secs(59)).is_ok());
    assert_eq!(reason(signer.verify(&token, "survey", now() + Duration::from_secs(60))), "CREDENTIAL_EXPIRED");
}

#[test]
fn links_of_an_earlier_key_stay_good_and_those_of_others_never_were() {
    let keys = LinkKeys::generate();
    let token = LinkSigner::new(keys.clone()).sign("survey", &link());

    let rotated = LinkSigner::new(keys.rotated("k2", [7; 32]));

    assert!(rotated.verify(&token, "survey", now()).is_ok());
    assert!(rotated.sign("survey", &link()).contains(".k2."));
    assert_eq!(reason(LinkSigner::new(LinkKeys::generate()).verify(&token, "survey", now())), "CREDENTIAL_INVALID");
}

#[test]
fn a_ring_survives_its_file_and_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.json");
    let keys = LinkKeys::generate();
    std::fs::write(&file, keys.to_json()).unwrap();

    let read = LinkKeys::read(&file).unwrap();

    let token = LinkSigner::new(keys.clone()).sign("survey", &link());
    assert!(LinkSigner::new(read).verify(&token, "survey", now()).is_ok());
    assert!(format!("{keys:?}").contains("***"));
    std::fs::write(&file, r#"{"active": "k9", "keys": {"k1": "secret"}}"#).unwrap();
    let error = LinkKeys::read(&file).unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}
