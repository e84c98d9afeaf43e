//! Both sides laid beside each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    at_rest::{AtRest, Source},
    likeness::{Hash, Rows, hash},
    text::{ID, ID_LENGTH, nameless},
};

/// How many rows that differ are shown of each side.
const SHOWN: usize = 3;
/// So much of a row is shown, and of what comes before the place at which it differs.
const SHOWN_LENGTH: usize = 400;
const BEFORE_PLACE: usize = 60;
/// More than enough: a round follows a reference one step further.
const ROUNDS: usize = 50;

/// What came of a comparison.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Every table of either side, and the mails.
    pub tables: Vec<Compared>,
}

/// What came of comparing a table.
#[derive(Debug, Clone)]
pub struct Compared {
    /// With its database.
    pub table: String,
    /// Rows of either side.
    pub rows: [usize; 2],
    /// Of all rows of either side, with ids told apart by what is said about them.
    pub fingerprints: [String; 2],
    /// Some of the rows of either side that the other has not.
    pub only: [Vec<String>; 2],
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.differing().next().is_none()
    }

    /// The tables that differ.
    pub fn differing(&self) -> impl Iterator<Item = &Compared> {
        self.tables.iter().filter(|table| !table.is_equal())
    }
}

impl Compared {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.fingerprints[0] == self.fingerprints[1]
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tables.iter().try_for_each(|table| writeln!(f, "{table}"))
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, rows: [one, other], fingerprints: [fingerprint, _], only } = self;
        if self.is_equal() {
            return write!(f, "{table:44} equal ({one} rows) {fingerprint}");
        }
        write!(f, "{table:44} DIFFERS ({one} rows and {other})")?;
        for place in 0..only.iter().map(Vec::len).max().unwrap_or(0) {
            let [one, other] = [0, 1].map(|side| only[side].get(place).map(String::as_str));
            let parting = one.zip(other).map_or(0, |(one, other)| parting(one, other));
            for (side, row) in [("first", one), ("second", other)] {
                if let Some(row) = row {
                    write!(f, "\n    only in the {side}: {}", excerpt(row, parting))?;
                }
            }
        }
        Ok(())
    }
}

/// Where two texts part, but for their ids. Ids are of the same length on both sides.
fn parting(one: &str, other: &str) -> usize {
    let [one, other] = [one, other].map(|text| nameless(text).text);
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let ids = nameless_ids(&one[..one.floor_char_boundary(same)]);
    same + ids * ID_LENGTH - ids * ID.len_utf8()
}

fn nameless_ids(text: &str) -> usize {
    text.matches(ID).count()
}

/// The beginning of a row, and what is around a place in it.
fn excerpt(row: &str, place: usize) -> String {
    let from = row.floor_char_boundary(place.saturating_sub(BEFORE_PLACE).min(row.len()));
    if row.len() <= SHOWN_LENGTH || from <= SHOWN_LENGTH / 2 {
        return cut(row, SHOWN_LENGTH);
    }
    format!("{} {}", cut(row, SHOWN_LENGTH / 2), cut(&row[from..], SHOWN_LENGTH / 2))
}

fn cut(text: &str, length: usize) -> String {
    if text.len() <= length { text.to_owned() } else { format!("{} ..", &text[..text.floor_char_boundary(length)]) }
}

/// Compares two installations that do not run. Rows that differ are shown as soon as some do: later rounds would only show what depends on
/// them.
pub async fn compare(one: &mut AtRest, other: &mut AtRest) -> Comparison {
    let (mut sources, mut sides) = (BTreeMap::new(), Vec::new());
    for at_rest in [&mut *one, &mut *other] {
        let mut rows = Rows::default();
        for source in at_rest.sources().await {
            rows.add(&source.name(), &at_rest.rows(&source).await);
            sources.insert(source.name(), source);
        }
        sides.push(rows);
    }
    let [mut first, mut second] = <[Rows; 2]>::try_from(sides).unwrap();
    tell_apart(&mut first, &mut second);
    let mut tables = Vec::new();
    for (name, source) in sources {
        let hashes = [first.hashes(&name), second.hashes(&name)];
        let only = if hashes[0] == hashes[1] {
            [Vec::new(), Vec::new()]
        } else {
            let [in_one, in_other] = [missing(&hashes[0], &hashes[1]), missing(&hashes[1], &hashes[0])];
            [shown(&in_one, one, &first, &source).await, shown(&in_other, other, &second, &source).await]
        };
        let fingerprints = hashes.map(|hashes| fingerprint(&hashes));
        tables.push(Compared { rows: [first.count(&name), second.count(&name)], table: name, fingerprints, only });
    }
    Comparison { tables }
}

/// Tells ids apart until something differs, or no further ids are told apart.
fn tell_apart(one: &mut Rows, other: &mut Rows) {
    for _ in 0..ROUNDS {
        let names: BTreeSet<_> = one.tables().chain(other.tables()).collect();
        if names.into_iter().any(|table| one.hashes(table) != other.hashes(table)) {
            return;
        }
        let before = one.sorts();
        one.tell_apart();
        other.tell_apart();
        if one.sorts() == before {
            return;
        }
    }
}

/// What is in `these` more often than in `those`; both are sorted.
fn missing(these: &[Hash], those: &[Hash]) -> Vec<Hash> {
    let mut counts: BTreeMap<Hash, usize> = BTreeMap::new();
    for hash in those {
        *counts.entry(*hash).or_default() += 1;
    }
    let is_missing = |hash: &&Hash| match counts.get_mut(hash) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    these.iter().filter(is_missing).copied().collect()
}

/// The texts of some of these rows. Sorted, so that rows that belong together stand at the same place on both sides.
async fn shown(hashes: &[Hash], at_rest: &mut AtRest, rows: &Rows, source: &Source) -> Vec<String> {
    let mut wanted: BTreeMap<Hash, usize> = BTreeMap::new();
    for hash in hashes {
        *wanted.entry(*hash).or_default() += 1;
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut texts = at_rest.rows(source).await;
    // Of rows that are alike, no more than there are too many.
    texts.retain(|text| match wanted.get_mut(&rows.hash_of(text)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    });
    texts.sort_by_cached_key(|text| nameless(text).text);
    texts.truncate(SHOWN);
    texts
}

fn fingerprint(hashes: &[Hash]) -> String {
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect();
    format!("{:016x}", hash(&[&bytes]) >> 64)
}
