//! The place in a text where a word stands.

/// Characters before the word, and from it on, at most.
const BEFORE: usize = 60;
const FROM: usize = 120;

/// Some of a text around the first of these words that it has; `None` when it has none of them.
pub fn around(text: &str, words: &[String]) -> Option<String> {
    let chars: Vec<char> = text.chars().map(|char| if char.is_whitespace() { ' ' } else { char }).collect();
    let begins = |at: &usize| at.checked_sub(1).is_none_or(|before| !chars[before].is_alphanumeric());
    let stands = |at: &usize| words.iter().any(|word| is_at(&chars[*at..], word));
    let at = (0..chars.len()).filter(begins).find(stands)?;
    // From one space to another, so that no word is torn.
    let start = at.saturating_sub(BEFORE);
    let start = if start == 0 {
        0
    } else {
        start + chars[start..at].iter().position(|char| *char == ' ').map_or(0, |gap| gap + 1)
    };
    let end = chars.len().min(at + FROM);
    let end = if end == chars.len() {
        end
    } else {
        at + chars[at..end].iter().rposition(|char| *char == ' ').unwrap_or(end - at)
    };
    let shown: String = chars[start..end].iter().collect();
    let ellipsis = |cut: bool| if cut { "…" } else { "" };
    Some(format!("{}{}{}", ellipsis(start > 0), shown.trim(), ellipsis(end < chars.len())))
}

/// Whether a text begins with this word, which is in small letters.
fn is_at(text: &[char], word: &str) -> bool {
    let mut small = text.iter().flat_map(|char| char.to_lowercase());
    !word.is_empty() && word.chars().all(|char| small.next() == Some(char))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, word: &str) -> Option<String> {
        around(text, &[word.to_owned()])
    }

    #[test]
    fn a_word_is_shown_with_what_stands_around_it_in_any_script() {
        assert_eq!(shown("Where is my\nREFUND?", "refund").as_deref(), Some("Where is my REFUND?"));
        assert_eq!(shown("मेरा रिफंड कब आएगा?", "रिफंड").as_deref(), Some("मेरा रिफंड कब आएगा?"));
        assert_eq!(shown("میری رقم کی واپسی", "واپسی").as_deref(), Some("میری رقم کی واپسی"));
        let long = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let found = shown(&long, "needle").unwrap();
        assert!(found.starts_with("…hay") && found.ends_with("straw…") && found.chars().count() < 190, "{found}");
        assert_eq!(shown("a needless word", "less"), None);
    }

    proptest! {
        #[test]
        fn a_snippet_is_short_and_of_the_text(text in "(?s).{0,400}", word in "\\PC{1,6}") {
            if let Some(found) = shown(&text, &word.to_lowercase()) {
                prop_assert!(found.chars().count() <= BEFORE + FROM + 2);
            }
        }
    }
}
