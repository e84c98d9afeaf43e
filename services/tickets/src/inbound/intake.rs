//! Takes messages: kept first, then answered, each once (TK90, TK91).

use std::collections::{BTreeSet, HashMap};

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{self as pb, MessageResult, message_result::Outcome},
};
use seva_runtime::{BusinessClock, Error, auth::Principal, call::current_traceparent};
use seva_store::{Database, Fault, event::lock_subjects};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    Delivery,
    convert::{self, Received},
    model::{Incoming, Kept, Progress, State},
    screening, store,
};

/// How often a batch is tried when another call keeps one of its messages at the same time: the next try sees it.
const TRIES: u32 = 3;

/// Takes messages of adapters.
#[derive(Clone)]
pub struct Intake {
    db: Database,
    clock: BusinessClock,
    delivery: Delivery,
}

/// A message that is kept, since now or before.
struct Identified {
    id: Uuid,
    hash: Vec<u8>,
    /// Kept by this call, and not yet answered.
    is_new: bool,
    is_pending: bool,
}

impl Intake {
    /// Takes messages into this database; `delivery` brings them to their tickets.
    pub const fn new(db: Database, clock: BusinessClock, delivery: Delivery) -> Self {
        Self { db, clock, delivery }
    }

    /// Takes a batch and answers for each message, in the order given.
    ///
    /// # Errors
    /// When nothing could be kept. Whoever pushes the batch again gets DUPLICATE for what was.
    pub async fn take(
        &self,
        principal: &Principal,
        messages: Vec<pb::InboundMessage>,
    ) -> Result<Vec<MessageResult>, Error> {
        let batch: Vec<_> = messages.into_iter().map(|message| convert::received(message, principal)).collect();
        let mut kept = self.keep(&principal.subject, &batch).await?;
        let pending: Vec<Uuid> =
            kept.values().filter(|kept| kept.is_new && kept.is_pending).map(|kept| kept.id).collect();
        self.delivery.deliver_now(&pending).await;
        let ids: Vec<Uuid> = kept.values().map(|kept| kept.id).collect();
        let progress = store::progress(&self.db, &ids).await?;
        Ok(batch.iter().map(|received| answer(received, &mut kept, &progress)).collect())
    }

    async fn keep(&self, actor: &str, batch: &[Received]) -> Result<HashMap<(String, String), Identified>, Error> {
        for _ in 0..TRIES {
            match self.try_to_keep(actor, batch).await {
                Err(fault) if fault.violates("inbound_message_once") => {}
                kept => return Ok(kept?),
            }
        }
        Err(Fault::Serialization.into())
    }

    /// One transaction, in which the senders are locked: how many of theirs are let in is counted exactly (TK94).
    async fn try_to_keep(
        &self,
        actor: &str,
        batch: &[Received],
    ) -> Result<HashMap<(String, String), Identified>, Fault> {
        let valid: Vec<(&Received, &Incoming)> =
            batch.iter().filter_map(|received| Some((received, received.read.as_ref().ok()?))).collect();
        if valid.is_empty() {
            return Ok(HashMap::new());
        }
        let messages: Vec<&Incoming> = valid.iter().map(|(_, message)| *message).collect();
        let senders: BTreeSet<_> = messages.iter().map(|message| sender(message)).collect();
        let locks: Vec<String> = senders.iter().map(|(kind, address)| format!("senders:{kind}:{address}")).collect();
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        lock_subjects(&mut transaction, &locks).await?;
        let known = store::identities(&mut transaction, &messages).await?;
        let mut sent = store::sent_since(&mut transaction, &messages, now - screening::WINDOW).await?;
        let before = |(id, hash)| Identified { id, hash, is_new: false, is_pending: false };
        let mut kept: HashMap<_, _> = known.into_iter().map(|(key, known)| (key, before(known))).collect();
        let mut new = Vec::new();
        for (received, message) in valid {
            let key = (message.source.clone(), message.external_id.clone());
            if kept.contains_key(&key) {
                continue;
            }
            let count = sent.entry(sender(message)).or_default();
            let progress = screening::stopped(message, *count).map_or(Progress::PENDING, Progress::stopped);
            let is_pending = progress.state == State::Pending;
            *count += i64::from(is_pending);
            let id = new_id();
            kept.insert(key, Identified { id, hash: received.hash.to_vec(), is_new: true, is_pending });
            new.push(store::New {
                kept: Kept {
                    id,
                    incoming: message.clone(),
                    pushed_by: actor.to_owned(),
                    traceparent: current_traceparent(),
                    received_at: now,
                    released: false,
                    progress,
                },
                hash: &received.hash,
            });
        }
        store::insert(&mut transaction, &new).await?;
        self.db.commit(transaction).await?;
        Ok(kept)
    }
}

fn sender(message: &Incoming) -> (String, String) {
    (message.sender.from.kind().to_owned(), message.sender.from.as_str().to_owned())
}

/// The first of several messages with one identity is the one that was accepted.
fn answer(
    received: &Received,
    kept: &mut HashMap<(String, String), Identified>,
    progress: &HashMap<Uuid, Progress>,
) -> MessageResult {
    if let Err(error) = &received.read {
        return convert::rejected(received, error);
    }
    let key = (received.source.clone(), received.external_id.clone());
    let identified = kept.get_mut(&key).expect("what is valid is kept");
    if identified.hash != received.hash {
        let message = "a message with this source and id came before with another body";
        return convert::rejected(received, &Error::invalid(ErrorReason::MessageIdReused, message));
    }
    let outcome = if std::mem::take(&mut identified.is_new) { Outcome::Accepted } else { Outcome::Duplicate };
    let progress = progress.get(&identified.id).unwrap_or(&Progress::PENDING);
    convert::taken(received, outcome, identified.id, progress)
}
