//! Rows whose ids are random, compared by all that is said about the ids.
//!
//! First all ids count as the same. Then, round by round, an id is told from others by the rows in which it stands and by its place there, with
//! the other ids of these rows told apart as far as the round before did. Two sides that went through the same come out with the same rows in
//! every round, until no further ids are told apart. An order that became another customer's, or an event caused by the wrong one, does not:
//! its row differs as soon as the two customers or events are told apart.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::text::nameless;

#[cfg(test)]
mod tests;

/// The first half of a SHA-256.
pub type Hash = u128;

/// All rows of one side.
#[derive(Debug, Default)]
pub struct Rows {
    tables: BTreeMap<String, Vec<Row>>,
    numbers: HashMap<Uuid, usize>,
    /// What each id is told apart by, by its number.
    told_apart: Vec<Hash>,
}

#[derive(Debug)]
struct Row {
    /// Of the text without ids.
    text: Hash,
    /// The numbers of its ids in their order.
    ids: Box<[usize]>,
}

impl Rows {
    /// Adds a table with its rows.
    pub fn add(&mut self, table: &str, rows: &[String]) {
        let rows = rows.iter().map(|row| self.row(row)).collect();
        let known = self.tables.insert(table.to_owned(), rows);
        assert!(known.is_none(), "{table} comes twice");
    }

    fn row(&mut self, row: &str) -> Row {
        let nameless = nameless(row);
        let mut number = |id| {
            let next = self.numbers.len();
            *self.numbers.entry(id).or_insert(next)
        };
        let ids = nameless.ids.into_iter().map(&mut number).collect();
        self.told_apart.resize(self.numbers.len(), 0);
        Row { text: hash(&[nameless.text.as_bytes()]), ids }
    }

    /// The names of all tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, Vec::len)
    }

    /// The rows of a table with their ids told apart as far as they are by now, sorted.
    pub fn hashes(&self, table: &str) -> Vec<Hash> {
        let rows = self.tables.get(table).map(Vec::as_slice).unwrap_or_default();
        let mut hashes: Vec<_> = rows.iter().map(|row| self.hash(row.text, row.ids.iter().copied())).collect();
        hashes.sort_unstable();
        hashes
    }

    /// As in [`Rows::hashes`], of the text of one row of this side.
    pub fn hash_of(&self, row: &str) -> Hash {
        let nameless = nameless(row);
        self.hash(hash(&[nameless.text.as_bytes()]), nameless.ids.iter().map(|id| self.numbers[id]))
    }

    /// Those ids of a row of this side that are like none of the other side.
    pub fn unlike(&self, row: &str, other: &Self) -> Vec<Uuid> {
        let unlike = |id: &Uuid| !other.told_apart.contains(&self.told_apart[self.numbers[id]]);
        let mut ids: Vec<_> = nameless(row).ids.into_iter().filter(unlike).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn hash(&self, text: Hash, ids: impl Iterator<Item = usize>) -> Hash {
        let mut hash = Sha256::new();
        hash.update(text.to_be_bytes());
        for id in ids {
            hash.update(self.told_apart[id].to_be_bytes());
        }
        half(&hash.finalize())
    }

    /// Makes all ids count as the same again.
    pub fn forget(&mut self) {
        self.told_apart.fill(0);
    }

    /// How many sorts of ids are told apart.
    pub fn sorts(&self) -> usize {
        let mut sorts = self.told_apart.clone();
        sorts.sort_unstable();
        sorts.dedup();
        sorts.len()
    }

    /// One more round.
    pub fn tell_apart(&mut self) {
        // The rows in which an id stands come in no order: a sum has none.
        let mut next: Vec<Hash> = self.told_apart.iter().map(|before| hash(&[&before.to_be_bytes()])).collect();
        for (table, rows) in &self.tables {
            for row in rows {
                let row_hash = self.hash(row.text, row.ids.iter().copied());
                for (place, id) in row.ids.iter().enumerate() {
                    let said = hash(&[table.as_bytes(), &row_hash.to_be_bytes(), &place.to_be_bytes()]);
                    next[*id] = next[*id].wrapping_add(said);
                }
            }
        }
        self.told_apart = next;
    }
}

/// Of several texts, each of which ends where the next begins.
pub fn hash(texts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    half(&hash.finalize())
}

fn half(hash: &[u8]) -> Hash {
    u128::from_be_bytes(hash[..16].try_into().unwrap())
}
