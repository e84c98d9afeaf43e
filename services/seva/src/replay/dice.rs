//! Chance that comes out the same on every machine and in every version: a sequence of numbers from a seed.
//!
//! Own arithmetic (`SplitMix64`) instead of a library's generator, whose sequence may change with its version: what is invented from a seed
//! has to stay the same, because events that are pushed again must be the same events.

/// A sequence of numbers that follows from its seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The sequence that belongs to a text under a seed.
    pub fn of(seed: u64, text: &str) -> Self {
        // FNV-1a: spreads texts well enough, and has no version.
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(seed ^ hash)
    }

    /// The next number of the sequence.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.saturating_sub(least).saturating_add(1).max(1).unsigned_abs();
        least + i64::try_from(self.roll() % span).unwrap_or(0)
    }

    /// An index into something with `length` entries, which must have one.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll() % length.max(1) as u64).unwrap_or(0)
    }

    /// Brings entries into another order.
    pub fn shuffle<T>(&mut self, entries: &mut [T]) {
        for last in (1..entries.len()).rev() {
            entries.swap(last, self.index(last + 1));
        }
    }
}

#[cfg(test)]
mod tests;
