//! Both sides laid beside each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use uuid::Uuid;

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
    pub only: [Vec<Only>; 2],
}

/// A row that the other side has not.
#[derive(Debug, Clone)]
pub struct Only {
    /// What of it is compared.
    pub row: String,
    /// Its ids that are like none of the other side: when the rest is there too, these are what differs.
    pub unlike: Vec<Uuid>,
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
            let [one, other] = [0, 1].map(|side| only[side].get(place));
            let parting = one.zip(other).map_or(0, |(one, other)| parting(&one.row, &other.row));
            for (side, only) in [("first", one), ("second", other)] {
                let Some(Only { row, unlike }) = only else { continue };
                write!(f, "\n    only in the {side}: {}", excerpt(row, parting))?;
                if !unlike.is_empty() {
                    write!(f, "\n        ids that are like none of the other side: {unlike:?}")?;
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
    let ids = one[..one.floor_char_boundary(same)].matches(ID).count();
    same + ids * (ID_LENGTH - ID.len_utf8())
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
    let mut sources = BTreeMap::new();
    for at_rest in [&mut *one, &mut *other] {
        sources.extend(at_rest.sources().await.into_iter().map(|source| (source.name(), source)));
    }
    let (mut first, mut second) = (one.all_rows().await, other.all_rows().await);
    tell_apart(&mut first, &mut second);
    let mut tables = Vec::new();
    for (name, source) in sources {
        let hashes = [first.hashes(&name), second.hashes(&name)];
        let only = if hashes[0] == hashes[1] {
            [Vec::new(), Vec::new()]
        } else {
            let [in_one, in_other] = [missing(&hashes[0], &hashes[1]), missing(&hashes[1], &hashes[0])];
            [
                shown(&in_one, one, [&first, &second], &source).await,
                shown(&in_other, other, [&second, &first], &source).await,
            ]
        };
        let fingerprints = hashes.map(|hashes| fingerprint(&hashes));
        tables.push(Compared { rows: [first.count(&name), second.count(&name)], table: name, fingerprints, only });
    }
    Comparison { tables }
}

/// The tables whose rows differ, of what was read before.
pub fn differing(one: &mut Rows, other: &mut Rows) -> Vec<String> {
    tell_apart(one, other);
    differing_by_now(one, other)
}

fn differing_by_now(one: &Rows, other: &Rows) -> Vec<String> {
    let tables: BTreeSet<_> = one.tables().chain(other.tables()).collect();
    tables.into_iter().filter(|table| one.hashes(table) != other.hashes(table)).map(str::to_owned).collect()
}

/// Tells ids apart until something differs, or no further ids are told apart.
fn tell_apart(one: &mut Rows, other: &mut Rows) {
    one.forget();
    other.forget();
    for _ in 0..ROUNDS {
        if !differing_by_now(one, other).is_empty() {
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
async fn shown(hashes: &[Hash], at_rest: &mut AtRest, [own, others]: [&Rows; 2], source: &Source) -> Vec<Only> {
    let mut wanted: BTreeMap<Hash, usize> = BTreeMap::new();
    for hash in hashes {
        *wanted.entry(*hash).or_default() += 1;
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut texts = at_rest.rows(source).await;
    // Of rows that are alike, no more than there are too many.
    texts.retain(|text| match wanted.get_mut(&own.hash_of(text)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    });
    texts.sort_by_cached_key(|text| nameless(text).text);
    texts.truncate(SHOWN);
    let only = |row: String| Only { unlike: own.unlike(&row, others), row };
    texts.into_iter().map(only).collect()
}

fn fingerprint(hashes: &[Hash]) -> String {
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect();
    format!("{:016x}", hash(&[&bytes]) >> 64)
}
