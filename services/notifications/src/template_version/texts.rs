//! Published versions in memory: they never change, so each is read once.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use seva_runtime::Error;
use seva_store::Database;

use super::store;
use crate::template::TemplateVersion;

/// By key and number.
type Versions = HashMap<(String, i32), Arc<TemplateVersion>>;

/// The texts that messages are written from; a cheap handle.
#[derive(Clone)]
pub struct Texts {
    db: Database,
    read: Arc<RwLock<Versions>>,
}

impl Texts {
    /// Nothing read yet.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self { db, read: Arc::default() }
    }

    /// A published version.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`, or when the database cannot be asked.
    pub async fn get(&self, key: &str, number: i32) -> Result<Arc<TemplateVersion>, Error> {
        let place = (key.to_owned(), number);
        let known = self.read.read().expect("no holder of this lock panics").get(&place).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let (version, _) = store::load(&self.db, key, Some(number)).await?;
        let template = Arc::new(version.to_template());
        if version.published_at.is_some() {
            self.read.write().expect("no holder of this lock panics").insert(place, Arc::clone(&template));
        }
        Ok(template)
    }
}
