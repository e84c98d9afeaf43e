//! `seva keys`: the keys of an installation whose services are processes of their own.

use std::path::PathBuf;

use clap::Args;
use seva_runtime::auth::Keyring;

use crate::{data_dir::secret, failure::Failure};

/// Where to.
#[derive(Debug, Clone, Args)]
pub struct KeysArgs {
    /// Folder of the keys; what is there stays
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Makes the keys that are missing: of the issuer, of every service, of links and of page tokens, and the public ones in `jwks.json`.
///
/// # Errors
/// A file cannot be written or read, or holds something else than it should.
pub fn run(args: &KeysArgs) -> Result<(), Failure> {
    Keyring::open_or_create(&args.folder).map_err(|error| Failure::Unavailable(error.to_string()))?;
    let page_key = args.folder.join("page.key");
    secret(&page_key).map_err(|error| Failure::Unavailable(format!("{}: {error}", page_key.display())))?;
    println!("the keys are in {}; all but jwks.json are secret", args.folder.display());
    Ok(())
}
