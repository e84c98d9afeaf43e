//! A short number that a person can read out, with a character that gives a slip away.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Invalid;

/// Crockford's base 32, which has no I, L, O and U, then the five symbols that only a check character can be.
const ALPHABET: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
const BASE: u64 = 32;
/// A prime above the base: no single wrong character and no swap of two neighbours leaves the remainder as it was.
const MODULUS: u64 = 37;
/// Five digits hold 33 million numbers of equal length.
const SHORTEST: usize = 5;
/// Thirteen digits of 5 bits hold 63 bits.
const LONGEST: usize = 13;

/// The short number of a ticket or an order, such as `0001A` and its check character.
///
/// Written in Crockford's base 32 with a check character modulo 37 at the end. Parsing takes small letters, O for 0
/// and I or L for 1, and detects every single wrong character and every swap of two neighbours. It is not a secret:
/// whoever knows one number knows the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanNumber(i64);

impl HumanNumber {
    /// The number of a sequence value.
    ///
    /// # Errors
    ///
    /// `NUMBER_OUT_OF_RANGE` for a negative one.
    pub fn new(value: i64) -> Result<Self, Invalid> {
        if value < 0 {
            return Err(Invalid::new("NUMBER_OUT_OF_RANGE", "a number cannot be negative"));
        }
        Ok(Self(value))
    }

    /// The sequence value; never negative.
    #[must_use]
    pub const fn value(self) -> i64 {
        self.0
    }

    /// The number that a person typed or read out.
    ///
    /// # Errors
    ///
    /// `NUMBER_MALFORMED` for other characters (spaces and hyphens too) or an impossible length,
    /// `NUMBER_CHECK_FAILED` when the check character shows that something was mistyped.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("NUMBER_MALFORMED", "a number is made of digits and letters without spaces");
        let (check, digits) = text.as_bytes().split_last().ok_or_else(malformed)?;
        if digits.is_empty() || digits.len() > LONGEST {
            return Err(malformed());
        }
        let mut value: u64 = 0;
        for digit in digits {
            let digit = value_of(*digit).filter(|digit| *digit < BASE).ok_or_else(malformed)?;
            value = value.checked_mul(BASE).and_then(|shifted| shifted.checked_add(digit)).ok_or_else(malformed)?;
        }
        if value_of(*check).ok_or_else(malformed)? != value % MODULUS {
            return Err(Invalid::new("NUMBER_CHECK_FAILED", "the number has a typing error"));
        }
        i64::try_from(value).map(Self).map_err(|_| malformed())
    }
}

/// The position of a character in the alphabet, as a person may write it.
fn value_of(character: u8) -> Option<u64> {
    let meant = match character.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    (0..).zip(ALPHABET).find(|(_, known)| **known == meant).map(|(value, _)| value)
}

fn character_of(value: u64) -> char {
    let index = usize::try_from(value).expect("below 37");
    char::from(ALPHABET[index])
}

impl fmt::Display for HumanNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0.unsigned_abs();
        let mut reversed = String::with_capacity(LONGEST + 1);
        let mut rest = value;
        while rest > 0 || reversed.len() < SHORTEST {
            reversed.push(character_of(rest % BASE));
            rest /= BASE;
        }
        let mut written: String = reversed.chars().rev().collect();
        written.push(character_of(value % MODULUS));
        f.pad(&written)
    }
}

impl Serialize for HumanNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
