//! Money. (Signatures; bodies follow.)
use crate::Invalid;
/// A currency of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: &'static str,
    exponent: u8,
}
impl Currency {
    /// Parses; `CURRENCY_UNKNOWN`.
    pub fn parse(_code: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The three letters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }
    /// The number of decimals.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}
/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in the smallest unit of the currency.
    pub minor_units: i64,
    /// The currency.
    pub currency: Currency,
}
impl Money {
    /// An amount.
    #[must_use]
    pub const fn new(minor_units: i64, currency: Currency) -> Self {
        Self { minor_units, currency }
    }
    /// Parses `12.30 EUR`; `AMOUNT_MALFORMED`, `CURRENCY_UNKNOWN`.
    pub fn parse(_text: &str) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The sum; `CURRENCY_MISMATCH`, `AMOUNT_OUT_OF_RANGE`.
    pub fn checked_add(self, _other: Self) -> Result<Self, Invalid> {
        unimplemented!()
    }
    /// The difference; `CURRENCY_MISMATCH`, `AMOUNT_OUT_OF_RANGE`.
    pub fn checked_sub(self, _other: Self) -> Result<Self, Invalid> {
        unimplemented!()
    }
}
