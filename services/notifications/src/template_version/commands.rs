//! Writes of template versions: drafts, and publishing.

use seva_proto::{
    common::v1::ErrorReason,
    notifications::v1::{CreateTemplateVersionResponse, PublishTemplateVersionResponse},
};
use seva_runtime::{BusinessClock, Error, Violations, Write};
use seva_store::{Database, fault::write_conflict, idempotency::once};
use seva_values::{Invalid, new_id};

use super::{
    convert::{Name, version_name},
    model::{State, Version},
    store,
};
use crate::template::{Fault as TemplateFault, TemplateDraft, check};

/// How often a write is tried again when other writes come between.
const TRIES: usize = 3;

/// What writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a draft, faulty or not.
    pub async fn create(&self, write: &Write, draft: TemplateDraft) -> Result<CreateTemplateVersionResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let number = store::next_number(&self.db, &draft.key).await?;
                let version = Version::draft(new_id(), number, draft.clone(), self.clock.now());
                let response = CreateTemplateVersionResponse { template_version: Some((&version).into()) };
                if store::insert(&self.db, write, &version, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Freezes a draft and sends from it from now on.
    pub async fn publish(&self, write: &Write, name: Name) -> Result<PublishTemplateVersionResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let (version, template_changes) = store::load(&self.db, &name.key, name.number).await?;
                // NO10
                if version.state() != State::Draft {
                    let name = version_name(&name.key, Some(version.number));
                    let description = "it was published before; a changed text is another version";
                    return Err(Error::precondition(ErrorReason::TemplateFrozen, "NO10", name, description));
                }
                let faults = check(&version.draft);
                if !faults.is_empty() {
                    return Err(faulty(&faults, &version.draft));
                }
                let now = self.clock.now();
                let published = Version { published_at: Some(now), is_current: true, ..version };
                let response = PublishTemplateVersionResponse { template_version: Some((&published).into()) };
                if store::save_published(&self.db, write, &published, template_changes, now, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}

/// Every fault of a draft with its field.
fn faulty(faults: &[TemplateFault], draft: &TemplateDraft) -> Error {
    let mut violations = Violations::default();
    for TemplateFault { language, field, reason, description } in faults {
        let at = draft.variants.iter().position(|variant| variant.language.as_str() == language);
        let path = at.map_or_else(|| field.clone(), |at| format!("variants[{at}].{field}"));
        let said = if language.is_empty() { description.clone() } else { format!("{language}: {description}") };
        violations.add(path, Invalid::new(reason, said));
    }
    let message = format!("{} faults keep the template from being published", faults.len());
    Error::invalid(ErrorReason::TemplateFaulty, message).joined(Some(violations.into()))
}
