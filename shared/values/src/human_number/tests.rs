use proptest::{prelude::*, sample};

use super::*;

const TYPEABLE: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*~$= -_/.";

fn number(value: i64) -> HumanNumber {
    HumanNumber::new(value).unwrap()
}

/// What a character means, so that an O for a 0 is no error.
fn meaning(character: char) -> char {
    match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }
}

#[test]
fn small_numbers_have_five_digits_and_a_check_character() {
    assert_eq!(number(0).to_string(), "000000");
    assert_eq!(number(1).to_string(), "000011");
    assert_eq!(number(36).to_string(), "00014U");
    assert_eq!(number(1_234).to_string(), "0016JD");
    assert_eq!(number(i64::MAX).to_string(), "7ZZZZZZZZZZZZ5");
}

#[test]
fn a_number_is_read_as_people_write_it() {
    for text in ["0016JD", "oo16jd", "OOI6JD", "00l6Jd", "16JD", "00000000016JD"] {
        assert_eq!(HumanNumber::parse(text), Ok(number(1_234)), "{text}");
    }
    assert_eq!(HumanNumber::parse("00014u"), Ok(number(36)));
}

#[test]
fn a_mistyped_number_is_told_from_one_that_is_no_number() {
    assert_eq!(HumanNumber::parse("0016JE").unwrap_err().reason, "NUMBER_CHECK_FAILED");
    assert_eq!(HumanNumber::parse("0061JD").unwrap_err().reason, "NUMBER_CHECK_FAILED");
    for text in
        ["", "0", " 0016JD", "0016JD ", "001-6JD", "0016U0", "0016JD!", "००१६JD", "0000000000016JD", "ZZZZZZZZZZZZZ0"]
    {
        assert_eq!(HumanNumber::parse(text).unwrap_err().reason, "NUMBER_MALFORMED", "{text:?}");
    }
}

#[test]
fn a_negative_value_has_no_number() {
    assert_eq!(HumanNumber::new(-1).unwrap_err().reason, "NUMBER_OUT_OF_RANGE");
}

#[test]
fn a_value_beyond_the_largest_sequence_value_is_refused() {
    // 2^63 in base 32, with its right check character.
    let check = char::from(ALPHABET[usize::try_from((1_u64 << 63) % MODULUS).unwrap()]);
    let text = format!("8000000000000{check}");

    assert_eq!(HumanNumber::parse(&text).unwrap_err().reason, "NUMBER_MALFORMED");
}

#[test]
fn a_number_is_serialised_as_people_see_it() {
    assert_eq!(serde_json::to_string(&number(1_234)).unwrap(), r#""0016JD""#);
    assert_eq!(serde_json::from_str::<HumanNumber>(r#""0016jd""#).unwrap(), number(1_234));
    assert!(serde_json::from_str::<HumanNumber>(r#""0016JE""#).is_err());
}

proptest! {
    #[test]
    fn a_written_number_is_read_back(value in 0_i64..) {
        prop_assert_eq!(HumanNumber::parse(&number(value).to_string()), Ok(number(value)));
        prop_assert_eq!(HumanNumber::parse(&number(value).to_string().to_lowercase()), Ok(number(value)));
    }

    #[test]
    fn every_single_wrong_character_is_detected(
        value in prop_oneof![0_i64..100_000, 0_i64..],
        place in any::<sample::Index>(),
        wrong in sample::select(TYPEABLE.chars().collect::<Vec<_>>()),
    ) {
        let mut characters: Vec<char> = number(value).to_string().chars().collect();
        let place = place.index(characters.len());
        prop_assume!(meaning(characters[place]) != meaning(wrong));
        characters[place] = wrong;
        prop_assert!(HumanNumber::parse(&String::from_iter(characters)).is_err());
    }

    #[test]
    fn every_swap_of_neighbours_is_detected(value in prop_oneof![0_i64..100_000, 0_i64..]) {
        let written: Vec<char> = number(value).to_string().chars().collect();
        for place in 1..written.len() {
            let mut swapped = written.clone();
            swapped.swap(place - 1, place);
            if swapped != written {
                prop_assert!(HumanNumber::parse(&String::from_iter(swapped)).is_err());
            }
        }
    }

    #[test]
    fn any_text_is_refused_or_is_its_number(text in "\\PC{0,16}") {
        if let Ok(read) = HumanNumber::parse(&text) {
            let written: String = text.chars().map(meaning).collect();
            let again = read.to_string();
            prop_assert_eq!(written.trim_start_matches('0'), again.trim_start_matches('0'));
        }
    }
}
