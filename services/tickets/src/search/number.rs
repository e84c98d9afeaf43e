//! Numbers of tickets as somebody may remember them.

use std::ops::RangeInclusive;

use seva_values::HumanNumber;

/// Digits of a number at least; the check character follows.
const DIGITS: usize = 5;
/// The shortest beginning that is looked for.
const SHORTEST: usize = 3;
/// All that a check character can be.
const CHECKS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/// What numbers a query may mean: it is one, it is one without its check character, or it begins one. None for what is more like a word.
pub fn meant(query: &str) -> Vec<RangeInclusive<i64>> {
    if query.len() < SHORTEST || !query.contains(|char: char| char.is_ascii_digit()) {
        return Vec::new();
    }
    let whole = HumanNumber::parse(query).ok().map(HumanNumber::value);
    let bare =
        CHECKS.chars().find_map(|check| HumanNumber::parse(&format!("{query}{check}")).ok()).map(HumanNumber::value);
    let mut meant: Vec<_> = whole.into_iter().chain(bare).map(|number| number..=number).collect();
    if let (Some(beginning), Some(missing)) = (bare, DIGITS.checked_sub(query.len())) {
        let span = 32_i64.pow(u32::try_from(missing).unwrap_or_default());
        meant.push(beginning * span..=(beginning + 1) * span - 1);
    }
    meant
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_meant_by_itself_without_its_check_character_and_by_a_beginning_of_three(value in 0_i64..32_i64.pow(5)) {
            let number = HumanNumber::new(value).unwrap().to_string();
            for shown in [number.clone(), number.to_lowercase(), number[..5].to_owned(), number[..4].to_owned(), number[..3].to_owned()] {
                // A beginning of letters alone is a word.
                if shown.contains(|char: char| char.is_ascii_digit()) {
                    prop_assert!(meant(&shown).iter().any(|range| range.contains(&value)), "{shown}");
                }
            }
        }

        #[test]
        fn any_text_means_few_numbers(text in ".{0,20}") {
            prop_assert!(meant(&text).iter().all(|range| range.end() - range.start() < 1024));
        }
    }

    #[test]
    fn words_and_identifiers_are_no_numbers() {
        for word in ["red", "A-1029", "रिफंड", "12", "two 12"] {
            assert!(meant(word).is_empty(), "{word}");
        }
    }
}
