//! The newest of several states.

use std::{cmp::Ordering, collections::BTreeMap};

/// Of each thing its newest state among these, in the order of the things: a statement writes a row once, and all writers in one order.
/// `of` tells which thing a state is of, and its sequence.
pub fn newest<K: Ord, T>(states: impl IntoIterator<Item = T>, of: impl Fn(&T) -> (K, i64)) -> Vec<T> {
    let mut by_thing: BTreeMap<K, (i64, T)> = BTreeMap::new();
    for state in states {
        let (thing, sequence) = of(&state);
        let known = by_thing.get(&thing).map(|(known, _)| sequence.cmp(known));
        if known.is_none_or(Ordering::is_gt) {
            by_thing.insert(thing, (sequence, state));
        }
    }
    by_thing.into_values().map(|(_, state)| state).collect()
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn each_thing_comes_once_in_its_newest_state_whatever_the_order() {
        let told = [("b", 2, "b2"), ("a", 1, "a1"), ("b", 3, "b3"), ("b", 1, "b1"), ("a", 1, "again")];
        let kept = newest(told, |(thing, sequence, _)| (*thing, *sequence));
        assert_eq!(kept, [("a", 1, "a1"), ("b", 3, "b3")]);
    }
}
