//! Letting loop cases follow their tickets, inside a consumer's transaction.

use std::collections::BTreeSet;

use seva_store::Fault;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{model::TicketWord, store};

/// Applies the words of tickets that came from low scores, and of those that carry such ones on, in order (SU14).
pub async fn follow(connection: &mut PgConnection, actor: &str, words: &[TicketWord]) -> Result<(), Fault> {
    if words.is_empty() {
        return Ok(());
    }
    let responses: BTreeSet<Uuid> = words.iter().filter_map(|word| word.response).collect();
    let tickets: BTreeSet<Uuid> = words.iter().map(|word| word.ticket).collect();
    let (responses, tickets): (Vec<Uuid>, Vec<Uuid>) = (responses.into_iter().collect(), tickets.into_iter().collect());
    let mut cases = store::lock_of(connection, &responses, &tickets).await?;
    let (mut touched, mut changes) = (BTreeSet::new(), Vec::new());
    for word in words {
        for case in &mut cases {
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
