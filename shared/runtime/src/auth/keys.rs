//! The key files of an installation that issues its own tokens: made on first start, readable by their owner only.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey, pkcs8::spki::der::pem::LineEnding};
use serde_json::json;

use super::{LinkSigner, Signer, links::LinkKeys, roles};

#[cfg(test)]
mod tests;

/// The issuer's name in tokens of an installation that issues its own.
pub const OWN_ISSUER: &str = "seva";
/// The name of that issuer's key.
const ISSUER_KID: &str = "issuer";

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {detail}")]
pub struct KeyError {
    path: String,
    detail: String,
}

impl KeyError {
    pub(super) fn new(path: &Path, detail: impl Into<String>) -> Self {
        Self { path: path.display().to_string(), detail: detail.into() }
    }
}

/// All keys of an installation, opened.
#[derive(Debug)]
pub struct Keyring {
    /// Signs the tokens of people.
    pub issuer: Arc<Signer>,
    /// The signers of the services, by name.
    pub services: BTreeMap<String, Arc<Signer>>,
    /// The file of all public keys.
    pub jwks: PathBuf,
    /// Signs links for customers.
    pub links: LinkSigner,
}

impl Keyring {
    /// Opens the keys in `folder`; makes the ones that are missing.
    ///
    /// # Errors
    /// A file cannot be written or read, or holds something else than it should.
    pub fn open_or_create(folder: &Path) -> Result<Self, KeyError> {
        create_folder(folder)?;
        let issuer_file = folder.join("issuer.pem");
        ensure_signing_key(&issuer_file)?;
        let issuer = Arc::new(Signer::for_issuer(OWN_ISSUER, ISSUER_KID, &issuer_file)?);

        let mut services = BTreeMap::new();
        for name in roles::SERVICES {
            let file = folder.join(format!("service-{name}.pem"));
            ensure_signing_key(&file)?;
            services.insert(name.to_owned(), Arc::new(Signer::for_service(name, &file)?));
        }

        let link_file = folder.join("links.json");
        create_private(&link_file, || LinkKeys::generate().to_json())?;
        let links = LinkSigner::new(LinkKeys::read(&link_file)?);

        // Written anew each time: it follows from the private keys, and a half-written one would lock everybody out.
        let jwks = folder.join("jwks.json");
        replace(&jwks, jwks_of(std::iter::once(&issuer).chain(services.values())).as_bytes())?;
        Ok(Self { issuer, services, jwks, links })
    }
}

/// Makes an Ed25519 key in PKCS#8 PEM when the file does not exist.
///
/// # Errors
/// The file cannot be written.
pub fn ensure_signing_key(file: &Path) -> Result<(), KeyError> {
    create_private(file, || {
        let key = SigningKey::from_bytes(&rand::random());
        key.to_pkcs8_pem(LineEnding::LF).expect("any 32 bytes are an Ed25519 key").to_string()
    })
}

/// The key set (JWKS) with the public halves of `signers`.
pub fn jwks_of<'s>(signers: impl IntoIterator<Item = &'s Arc<Signer>>) -> String {
    let keys: Vec<_> = signers
        .into_iter()
        .map(|signer| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": signer.kid(), "x": BASE64_URL_SAFE_NO_PAD.encode(signer.public_key()),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "keys": keys }))
}

fn create_folder(folder: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| KeyError::new(folder, error.to_string()))
}

/// Writes a file only its owner can read, unless it exists. Two processes that start at once end up with the same file.
fn create_private(file: &Path, content: impl FnOnce() -> String) -> Result<(), KeyError> {
    if file.exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| KeyError::new(file, error.to_string());
    let draft = write_draft(file, content().as_bytes(), 0o600).map_err(failed)?;
    // A link, and not a rename: it fails when another process was first, and never shows half a file.
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Writes a public file, replacing the one before at once.
fn replace(file: &Path, content: &[u8]) -> Result<(), KeyError> {
    let failed = |error: std::io::Error| KeyError::new(file, error.to_string());
    let draft = write_draft(file, content, 0o644).map_err(failed)?;
    fs::rename(&draft, file).map_err(failed)
}

fn write_draft(file: &Path, content: &[u8], mode: u32) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;
    let draft = file.with_extension(format!("{}.draft", seva_values::new_id()));
    let mut draft_file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    draft_file.write_all(content)?;
    draft_file.sync_all()?;
    Ok(draft)
}
