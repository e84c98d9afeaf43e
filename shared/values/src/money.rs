//! Amounts of money, in the smallest unit of one currency.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Invalid;

/// Currencies without a smaller unit.
const WITHOUT_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Currencies whose unit has a thousand parts.
const WITH_THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Currencies whose unit has a hundred parts. ANG and BGN are no longer issued, but old invoices are in them.
const WITH_TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP \
BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL \
HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD \
SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

/// A currency of ISO 4217, by its three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: &'static str,
    exponent: u8,
}

impl Currency {
    /// The currency of three capital letters.
    ///
    /// # Errors
    ///
    /// `CURRENCY_UNKNOWN` for anything that is no code of a currency people pay with.
    pub fn parse(code: &str) -> Result<Self, Invalid> {
        for (codes, exponent) in [(WITH_TWO_DECIMALS, 2), (WITHOUT_DECIMALS, 0), (WITH_THREE_DECIMALS, 3)] {
            if let Some(code) = codes.split(' ').find(|known| *known == code) {
                return Ok(Self { code, exponent });
            }
        }
        Err(Invalid::new("CURRENCY_UNKNOWN", "a currency is a code of ISO 4217 in capital letters, such as INR"))
    }

    /// The three letters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// How many decimals an amount has: 0, 2 or 3.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}

// By hand, because derived code would borrow the text it reads for the program's whole life.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code)
    }
}

/// An amount of money. Amounts of different currencies are never added or compared by size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in the smallest unit of the currency: cents, paise, or the unit itself where it has no parts.
    pub minor_units: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount in the smallest unit of a currency.
    #[must_use]
    pub const fn new(minor_units: i64, currency: Currency) -> Self {
        Self { minor_units, currency }
    }

    /// The amount in the form that `Display` writes: `12.30 EUR`, `-500 JPY`.
    ///
    /// # Errors
    ///
    /// `CURRENCY_UNKNOWN`; `AMOUNT_MALFORMED` unless the amount has the decimals of its currency, all or none;
    /// `AMOUNT_OUT_OF_RANGE` when it does not fit into 64 bits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("AMOUNT_MALFORMED", "an amount looks like 12.30 EUR");
        let (amount, code) = text.split_once(' ').ok_or_else(malformed)?;
        let currency = Currency::parse(code)?;
        let exponent = usize::from(currency.exponent);
        let (sign, unsigned) = amount.strip_prefix('-').map_or(("", amount), |unsigned| ("-", unsigned));
        let (whole, decimals) = match unsigned.split_once('.') {
            Some((whole, decimals)) if exponent > 0 && decimals.len() == exponent => (whole, decimals.to_owned()),
            Some(_) => return Err(malformed()),
            None => (unsigned, "0".repeat(exponent)),
        };
        let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !are_digits(whole) || !are_digits(&decimals) {
            return Err(malformed());
        }
        let minor_units = format!("{sign}{whole}{decimals}").parse().map_err(|_| out_of_range())?;
        Ok(Self { minor_units, currency })
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    ///
    /// `CURRENCY_MISMATCH` for two currencies, `AMOUNT_OUT_OF_RANGE` when the sum does not fit into 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, Invalid> {
        self.of_same_currency(other)?;
        let minor_units = self.minor_units.checked_add(other.minor_units).ok_or_else(out_of_range)?;
        Ok(Self { minor_units, ..self })
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    ///
    /// `CURRENCY_MISMATCH` for two currencies, `AMOUNT_OUT_OF_RANGE` when the difference does not fit into 64 bits.
    pub fn checked_sub(self, other: Self) -> Result<Self, Invalid> {
        self.of_same_currency(other)?;
        let minor_units = self.minor_units.checked_sub(other.minor_units).ok_or_else(out_of_range)?;
        Ok(Self { minor_units, ..self })
    }

    fn of_same_currency(self, other: Self) -> Result<(), Invalid> {
        if self.currency == other.currency {
            return Ok(());
        }
        let description = format!("{} and {} are not counted together", self.currency, other.currency);
        Err(Invalid::new("CURRENCY_MISMATCH", description))
    }
}

fn out_of_range() -> Invalid {
    Invalid::new("AMOUNT_OUT_OF_RANGE", "the amount does not fit into 64 bits")
}

impl fmt::Display for Money {
    /// Latin digits in every language, with a point and no grouping: `12.30 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor_units < 0 { "-" } else { "" };
        let amount = self.minor_units.unsigned_abs();
        let width = usize::from(self.currency.exponent);
        if width == 0 {
            return write!(f, "{sign}{amount} {}", self.currency);
        }
        let parts = 10_u64.pow(u32::from(self.currency.exponent));
        write!(f, "{sign}{}.{:0width$} {}", amount / parts, amount % parts, self.currency)
    }
}

#[cfg(test)]
mod tests;
