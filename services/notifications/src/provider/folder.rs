//! A folder that mail is written to, one file per message: for development, and for looking at what would be sent.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Fault, OutgoingMail, Provider, Sender, compose};

/// Writes `{notification id}.eml` into a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    sender: Sender,
}

impl Folder {
    /// Writes into `path`, which is made when it is not there.
    #[must_use]
    pub const fn new(path: PathBuf, sender: Sender) -> Self {
        Self { path, sender }
    }
}

#[async_trait]
impl Provider for Folder {
    async fn deliver(&self, message: &OutgoingMail) -> Result<(), Fault> {
        let bytes = compose(&self.sender, message)?.formatted();
        let (folder, name) = (self.path.clone(), file_name(message.id));
        let written = tokio::task::spawn_blocking(move || write_once(&folder, &name, &bytes)).await;
        let fault = match written {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.kind().to_string(),
            Err(_) => "interrupted".to_owned(),
        };
        // What was half written is under another name, and what was written is found the next time: nothing comes twice.
        Err(Fault::Transient { code: format!("the mail folder cannot be written: {fault}") })
    }

    async fn has_taken(&self, id: Uuid) -> Option<bool> {
        tokio::fs::try_exists(self.path.join(file_name(id))).await.ok()
    }
}

fn file_name(id: Uuid) -> String {
    format!("{id}.eml")
}

/// Writes a file that is whole and durable once it has its name. One that is there already is left as it is.
fn write_once(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let finished = folder.join(name);
    if finished.exists() {
        return Ok(());
    }
    let unfinished = folder.join(format!(".{name}.unfinished"));
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, &finished)?;
    File::open(folder)?.sync_all()
}
