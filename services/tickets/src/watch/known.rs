//! What a watcher has been told of: which tickets the filter matches, for it.

use std::collections::HashMap;

use uuid::Uuid;

/// Tickets that a watcher can follow.
pub const MOST: usize = 5_000;

/// What a watcher knows.
///
/// After a snapshot it knows everything: what it was not told of it does not have. After a resumption it may have any ticket, until it was told
/// that one is gone.
#[derive(Debug)]
pub struct Known {
    /// Whether the watcher has a ticket, and in which version when that came with the snapshot.
    tickets: HashMap<Uuid, Held>,
    may_have_others: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Has { version: i64 },
    HasNot,
}

/// What a watcher is told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// It has come, or has changed.
    Matched,
    /// It is gone.
    Removed,
    /// Nothing: the watcher knows, or does not mind.
    Nothing,
}

/// More tickets match than can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Known {
    /// Of a watcher that begins with a snapshot.
    pub fn from_snapshot() -> Self {
        Self { tickets: HashMap::new(), may_have_others: false }
    }

    /// Of a watcher that goes on.
    pub fn resumed() -> Self {
        Self { tickets: HashMap::new(), may_have_others: true }
    }

    /// A ticket of the snapshot, in this version.
    pub fn shown(&mut self, ticket: Uuid, version: i64) -> Result<(), TooMany> {
        self.hold(ticket, Held::Has { version })
    }

    /// What to tell of a change to this version, after which the filter matches the ticket or does not.
    pub fn changed(&mut self, ticket: Uuid, version: i64, matches: bool) -> Result<Tell, TooMany> {
        let before = self.tickets.get(&ticket).copied();
        if let Some(Held::Has { version: shown }) = before
            && version <= shown
        {
            // The snapshot was read after it.
            return Ok(Tell::Nothing);
        }
        if matches {
            self.hold(ticket, Held::Has { version })?;
            return Ok(Tell::Matched);
        }
        if self.may_have_others {
            self.hold(ticket, Held::HasNot)?;
        } else {
            self.tickets.remove(&ticket);
        }
        // Nobody had a ticket before it was opened.
        let had = before.map_or(self.may_have_others && version > 1, |before| before != Held::HasNot);
        Ok(if had { Tell::Removed } else { Tell::Nothing })
    }

    fn hold(&mut self, ticket: Uuid, held: Held) -> Result<(), TooMany> {
        if self.tickets.len() >= MOST && !self.tickets.contains_key(&ticket) {
            // What is gone may be told once more.
            self.tickets.retain(|_, held| *held != Held::HasNot);
            if self.tickets.len() >= MOST && held != Held::HasNot {
                return Err(TooMany);
            }
        }
        self.tickets.insert(ticket, held);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A step of one of a few tickets: whether the filter matches it then.
    fn story() -> impl Strategy<Value = Vec<(u128, bool)>> {
        prop::collection::vec((0_u128..4, any::<bool>()), 0..60)
    }

    fn id(ticket: u128) -> Uuid {
        Uuid::from_u128(ticket)
    }

    /// What a client has: the tickets of the filter, in their version.
    type Client = BTreeMap<Uuid, i64>;

    /// A client takes no change that is not newer than what it has.
    fn told(client: &mut Client, ticket: Uuid, version: i64, tell: Tell) {
        if client.get(&ticket).is_some_and(|has| *has >= version) {
            return;
        }
        match tell {
            Tell::Matched => drop(client.insert(ticket, version)),
            Tell::Removed => drop(client.remove(&ticket)),
            Tell::Nothing => {}
        }
    }

    proptest! {
        /// A snapshot that is read some time after its place in the feed was noted, and resumptions anywhere after that place.
        #[test]
        fn tk105_a_watcher_ends_with_what_the_filter_matches_wherever_it_was_interrupted(
            steps in story(), begins in 0_usize..60, snapshot_lag in 0_usize..5, resumes in prop::collection::btree_set(0_usize..60, 0..5)
        ) {
            let mut versions: BTreeMap<u128, i64> = BTreeMap::new();
            let feed: Vec<(Uuid, i64, bool)> = steps.iter().map(|(ticket, matches)| {
                let version = versions.entry(*ticket).or_default();
                *version += 1;
                (id(*ticket), *version, *matches)
            }).collect();
            let begins = begins.min(feed.len());
            let state_at = |at: usize| {
                let newest = feed[..at].iter().map(|(ticket, version, matches)| (*ticket, (*version, *matches)));
                newest.collect::<BTreeMap<Uuid, (i64, bool)>>()
            };
            let mut known = Known::from_snapshot();
            let mut client = Client::new();
            for (ticket, (version, matches)) in state_at((begins + snapshot_lag).min(feed.len())) {
                if matches {
                    known.shown(ticket, version).unwrap();
                    client.insert(ticket, version);
                }
            }
            for (at, (ticket, version, matches)) in feed.iter().enumerate().skip(begins) {
                if resumes.contains(&at) {
                    known = Known::resumed();
                }
                let tell = known.changed(*ticket, *version, *matches).unwrap();
                prop_assert!(!(tell == Tell::Nothing && *matches) || client.get(ticket).is_some_and(|has| has >= version), "lost");
                told(&mut client, *ticket, *version, tell);
            }
            let wanted: Client = state_at(feed.len())
                .into_iter()
                .filter(|(_, (_, matches))| *matches)
                .map(|(ticket, (version, _))| (ticket, version))
                .collect();
            prop_assert_eq!(client, wanted);
        }
    }

    #[test]
    fn what_a_watcher_holds_is_bounded() {
        let mut known = Known::resumed();
        for ticket in 0..u128::try_from(MOST).unwrap() * 3 {
            assert_eq!(known.changed(id(ticket), 2, false), Ok(Tell::Removed));
            assert!(known.tickets.len() <= MOST);
        }
        let mut known = Known::from_snapshot();
        let shown: Vec<_> = (0..=MOST).map(|ticket| known.shown(id(u128::try_from(ticket).unwrap()), 1)).collect();
        assert_eq!(shown.iter().position(Result::is_err), Some(MOST));
    }
}
