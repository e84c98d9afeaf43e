//! What was handed over, by the mails that lie in the folder or by the word of the mail server.

use std::collections::{BTreeMap, BTreeSet};

use super::tell;
use crate::{Installation, mail};

/// I7: there is one mail for each notification that was sent, and none for any other.
pub async fn check(installation: &Installation, broken: &mut Vec<String>) -> Result<(), sqlx::Error> {
    let db = installation.database("notifications");
    let mails = mail::all_in(&installation.mail);
    if mails.is_empty() {
        // They went elsewhere, where the one who asked looks at them.
        return Ok(());
    }
    let sent: Vec<String> =
        sqlx::query_scalar("select id::text from notification where state = 'sent'").fetch_all(db).await?;
    let ambiguous: BTreeSet<String> =
        sqlx::query_scalar("select notification_id::text from decision where reason = 'ambiguous'")
            .fetch_all(db)
            .await?
            .into_iter()
            .collect();
    let sent: BTreeSet<_> = sent.into_iter().collect();
    let files: BTreeSet<_> = mails.iter().map(|mail| mail.id.clone()).collect();
    let missing = sent.difference(&files).cloned().collect();
    tell("I7", "notifications", "what was sent is a mail", missing, broken);
    // A crash between the hand-over and its record leaves a mail that is not known to have gone out.
    let unknown = files.difference(&sent).filter(|id| !ambiguous.contains(*id)).cloned().collect();
    tell("I7", "notifications", "what is a mail was sent", unknown, broken);
    let mut message_ids = BTreeSet::new();
    let repeated =
        mails.iter().filter(|mail| !message_ids.insert(&mail.message_id)).map(|mail| mail.id.clone()).collect();
    tell("I7", "notifications", "no Message-ID comes twice", repeated, broken);
    Ok(())
}

/// I7, by the word of the mail server: what it took, and how often, against what is recorded.
///
/// # Errors
/// The database cannot be asked.
pub async fn misdelivered(
    installation: &Installation,
    taken: &BTreeMap<String, u32>,
) -> Result<Vec<String>, sqlx::Error> {
    let rows: Vec<(String, String, String, i32)> = sqlx::query_as(
        "select n.id::text, n.state, c.duplicate_policy, n.handovers from notification n join category c on c.key = n.category",
    )
    .fetch_all(installation.database("notifications"))
    .await?;
    let recorded: BTreeMap<_, _> =
        rows.into_iter().map(|(id, state, policy, count)| (id, (state, policy, count))).collect();
    let mut broken = Vec::new();
    let unknown = taken.keys().filter(|id| !recorded.contains_key(*id)).cloned().collect();
    tell("I7", "the mail server", "it got nothing that is not recorded", unknown, &mut broken);
    let (mut missing, mut twice, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for (id, (state, policy, handovers)) in &recorded {
        let count = taken.get(id).copied().unwrap_or(0);
        if state == "sent" && count == 0 {
            missing.push(id.clone());
        }
        if policy == "at_most_once" && count > 1 {
            twice.push(format!("{id} {count} times"));
        }
        if i64::from(count) > i64::from(*handovers) {
            more.push(format!("{id} {count} times, recorded {handovers}"));
        }
    }
    tell("I7", "the mail server", "it got what is said to be sent", missing, &mut broken);
    tell("I7", "the mail server", "nothing came twice that may come once at most", twice, &mut broken);
    tell("I7", "the mail server", "every hand-over was recorded before it began", more, &mut broken);
    Ok(broken)
}
