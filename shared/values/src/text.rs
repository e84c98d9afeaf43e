//! Texts of one line, such as names and titles.

use crate::Invalid;

/// A text of one line that may be empty, without space around it, of at most `longest` characters.
///
/// # Errors
///
/// `TEXT_TOO_LONG`; `TEXT_CONTROL_CHARACTER` for line breaks and the like, which turn up in headers and logs.
pub fn line(text: &str, longest: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {longest} characters at most")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold line breaks or other control characters"));
    }
    Ok(text.to_owned())
}

/// A text of one line that is not empty.
///
/// # Errors
///
/// As [`line()`]; `FIELD_REQUIRED`.
pub fn required_line(text: &str, longest: usize) -> Result<String, Invalid> {
    let text = line(text, longest)?;
    if text.is_empty() { Err(Invalid::new("FIELD_REQUIRED", "is required")) } else { Ok(text) }
}

/// A short word that programs compare: 1 to `longest` lower-case letters, digits, and `separator`, beginning with a letter.
///
/// # Errors
///
/// `WORD_MALFORMED`.
pub fn word(text: &str, separator: char, longest: usize) -> Result<String, Invalid> {
    let fits = text.len() <= longest
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == separator);
    if fits {
        return Ok(text.to_owned());
    }
    let description =
        format!("has to be 1 to {longest} lower-case letters, digits and {separator}, beginning with a letter");
    Err(Invalid::new("WORD_MALFORMED", description))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_bounded_in_characters_not_bytes() {
        assert_eq!(line("  आशा ", 5).unwrap(), "आशा");
        assert_eq!(line("आशाआशा", 5).unwrap_err().reason, "TEXT_TOO_LONG");
        assert_eq!(line("a\nb", 5).unwrap_err().reason, "TEXT_CONTROL_CHARACTER");
        assert_eq!(required_line("  ", 5).unwrap_err().reason, "FIELD_REQUIRED");
    }

    #[test]
    fn a_word_is_what_programs_compare() {
        assert_eq!(word("complaint-service", '-', 40).unwrap(), "complaint-service");
        for wrong in ["", "-a", "1a", "Delivery", "a_b", "ए", "a b"] {
            assert_eq!(word(wrong, '-', 40).unwrap_err().reason, "WORD_MALFORMED", "{wrong}");
        }
        assert_eq!(word("abc", '-', 2).unwrap_err().reason, "WORD_MALFORMED");
    }
}
