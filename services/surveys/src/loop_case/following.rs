//! Letting loop cases follow their tickets, inside a consumer's transaction.

use std::collections::BTreeSet;

use seva_store::Fault;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{model::TicketWord, store};

/// Applies the words of tickets that came from low scores, in order (SU14).
pub async fn follow(connection: &mut PgConnection, actor: &str, words: &[TicketWord]) -> Result<(), Fault> {
    let responses: BTreeSet<Uuid> = words.iter().map(|word| word.response).collect();
    if responses.is_empty() {
        return Ok(());
    }
    let mut cases = store::lock_of(connection, &responses.into_iter().collect::<Vec<_>>()).await?;
    let (mut touched, mut changes) = (BTreeSet::new(), Vec::new());
    for word in words {
        for case in cases.iter_mut().filter(|case| case.response == word.response) {
            let (is_new, change) = case.follow(word);
            if is_new {
                touched.insert(case.id);
            }
            changes.extend(change);
        }
    }
    cases.retain(|case| touched.contains(&case.id));
    store::save(connection, actor, &cases, &changes).await
}
