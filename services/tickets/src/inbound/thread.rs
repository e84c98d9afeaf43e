//! The ticket that a message belongs to: by a number in its subject, by what it answers (theirs or ours), by its conversation. Pure.

use std::collections::{BTreeSet, HashMap};

use seva_values::HumanNumber;
use uuid::Uuid;

use super::model::{Incoming, Kept};

/// Numbers of a subject that are looked at.
const MOST_NUMBERS: usize = 3;
/// A number is not longer than this, its hyphen included.
const LONGEST_NUMBER: usize = 16;

/// The numbers of tickets in a subject: `[#00079X]`, `[#79-X]` and the like, each with its check character. One that was mistyped is none.
pub fn numbers(subject: &str) -> Vec<i64> {
    let mut numbers = Vec::new();
    for part in subject.split("[#").skip(1) {
        let Some((written, _)) = part.split_once(']') else { continue };
        if written.len() > LONGEST_NUMBER {
            continue;
        }
        let Ok(number) = HumanNumber::parse(&written.replace('-', "")) else { continue };
        if !numbers.contains(&number.value()) && numbers.len() < MOST_NUMBERS {
            numbers.push(number.value());
        }
    }
    numbers
}

/// The ticket of a message that we sent: what we write about it refers to `<ticket.{id}@domain>`, and so does whatever answers that.
fn ticket_of(reference: &str) -> Option<Uuid> {
    let (id, _) = reference.trim_start_matches('<').strip_prefix("ticket.")?.split_once('@')?;
    id.parse().ok()
}

/// Messages by their source and what they are called there.
type Named<T> = HashMap<(String, String), T>;

/// What is known of the threads of some messages.
#[derive(Debug, Default)]
pub struct Threads {
    /// Tickets by their number.
    pub numbers: HashMap<i64, Uuid>,
    /// Messages that came before, by their external id.
    pub messages: Named<Earlier>,
    /// The ticket of a conversation's newest message by a customer, or by anybody: many may write in one.
    pub conversations: HashMap<(String, String, Option<Uuid>), Uuid>,
}

/// A message that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    pub id: Uuid,
    /// Where it went; `None`: nowhere, or not yet.
    pub ticket: Option<Uuid>,
    /// It is on the way.
    pub pending: bool,
}

impl Threads {
    /// The tickets that a message may belong to, which may be these customers', the likeliest first. Whether its sender has a part in them is asked
    /// by whoever calls (TK92).
    pub fn of(&self, message: &Incoming, customers: &[Uuid]) -> Vec<Uuid> {
        let by_number = numbers(&message.subject);
        let by_number = by_number.iter().filter_map(|number| self.numbers.get(number).copied());
        let by_reply = self.earlier(message).filter_map(|earlier| earlier.ticket);
        let by_thread = message.in_reply_to.iter().filter_map(|reference| ticket_of(reference));
        // Of their own first; somebody who takes part may be new there.
        let whose = customers.iter().copied().map(Some).chain([None]);
        let conversations = whose.map(|customer| (message.source.clone(), message.thread_id.clone(), customer));
        let by_conversation = conversations.filter_map(|conversation| self.conversations.get(&conversation).copied());
        let mut seen = BTreeSet::new();
        by_number
            .chain(by_reply)
            .chain(by_thread)
            .chain(by_conversation)
            .filter(|ticket| seen.insert(*ticket))
            .collect()
    }

    /// Whether it answers one that came before it and is still on the way, outside these: it has to wait for that one.
    pub fn has_to_wait(&self, message: &Kept, among: &BTreeSet<Uuid>) -> bool {
        let mut earlier = self.earlier(&message.incoming);
        earlier.any(|earlier| earlier.pending && earlier.id < message.id && !among.contains(&earlier.id))
    }

    /// A message has come to its ticket: what answers it belongs there too.
    pub fn add(&mut self, message: &Kept, sender: Uuid, ticket: Uuid) {
        let Kept { id, incoming: Incoming { source, external_id, thread_id, .. }, .. } = message;
        let earlier = Earlier { id: *id, ticket: Some(ticket), pending: false };
        self.messages.insert((source.clone(), external_id.clone()), earlier);
        if !thread_id.is_empty() {
            for whose in [Some(sender), None] {
                self.conversations.insert((source.clone(), thread_id.clone(), whose), ticket);
            }
        }
    }

    fn earlier(&self, message: &Incoming) -> impl Iterator<Item = Earlier> {
        let keys = message.in_reply_to.iter().map(|id| (message.source.clone(), id.clone()));
        keys.filter_map(|key| self.messages.get(&key).copied())
    }
}
