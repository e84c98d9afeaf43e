//! What must hold over all databases once nothing is left to do, whatever was killed before.
//!
//! The ids are those of the invariants: I1 nothing acknowledged is lost, I2 no commit is torn, I3 one request id has one effect, I4 no event
//! is lost, I5 none is applied twice, I6 a subject's events keep their order, I7 no message is handed over twice; TK.. and SU.. stand in the
//! READMEs of tickets and surveys.
//!
//! - [`rules`]: what holds inside one database
//! - [`projections`]: what one service knows of another one's things is what that one says of them
//! - [`acknowledged`]: what clients were told is done; [`mails`]: what was handed over

mod acknowledged;
mod mails;
mod projections;
mod rules;

use sqlx::PgPool;

use crate::{Installation, journal::Acknowledged};

pub use mails::misdelivered;

/// Everything that is broken, in words; nothing when all holds. To be asked when nothing is left to do.
///
/// # Errors
/// A database cannot be asked.
pub async fn broken(installation: &Installation, journal: &[Acknowledged]) -> Result<Vec<String>, sqlx::Error> {
    let mut broken = Vec::new();
    for service in installation.services() {
        let db = installation.database(service);
        apply(rules::OF_FEEDS, service, db, &mut broken).await?;
        apply(rules::of(service), service, db, &mut broken).await?;
    }
    acknowledged::check(installation, journal, &mut broken).await?;
    projections::check(installation, &mut broken).await?;
    mails::check(installation, &mut broken).await?;
    Ok(broken)
}

async fn apply(rules: &[rules::Rule], service: &str, db: &PgPool, broken: &mut Vec<String>) -> Result<(), sqlx::Error> {
    for rules::Rule { id, says, finds } in rules {
        let found: Vec<String> = sqlx::query_scalar(*finds).fetch_all(db).await?;
        tell(id, service, says, found, broken);
    }
    Ok(())
}

fn tell(id: &str, service: &str, says: &str, found: Vec<String>, broken: &mut Vec<String>) {
    if !found.is_empty() {
        let some = &found[..found.len().min(5)];
        broken.push(format!("{id} {service}: {says}: broken {} times, such as {some:?}", found.len()));
    }
}
