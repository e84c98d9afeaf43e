//! A short number for people. (Signatures; bodies follow.)
use crate::Invalid;
/// A short number with a check character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanNumber(u64);
impl HumanNumber {
    /// The number of a sequence value.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }
    /// The sequence value.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
    /// Parses; `NUMBER_MALFORMED`, `NUMBER_CHECK_FAILED`.
    pub fn parse(_text: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
}
impl std::fmt::Display for HumanNumber {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        unimplemented!()
    }
}
