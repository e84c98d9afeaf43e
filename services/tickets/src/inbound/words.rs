//! What of a message's words can be kept: everything but characters that no screen shows and no database takes.

/// Longest subject that is kept, in characters.
const MAX_SUBJECT_CHARS: usize = 500;
/// Stands at the end of words that were cut.
const CUT: &str = " […]";

/// A subject as one line.
pub fn subject(given: &str) -> String {
    let shown = given.chars().map(|char| if char.is_control() { ' ' } else { char }).filter(|char| !turns_text(*char));
    let words: String = shown.collect();
    cut(words.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), MAX_SUBJECT_CHARS)
}

/// A text of several lines, each ended by `\n`.
pub fn body(given: &str) -> String {
    let lines = given.replace("\r\n", "\n").replace('\r', "\n");
    let kept = lines.chars().filter(|char| matches!(char, '\n' | '\t') || !(char.is_control() || turns_text(*char)));
    kept.collect::<String>().trim().to_owned()
}

/// At most so many characters, with a mark where something is missing.
pub fn cut(words: &str, longest: usize) -> String {
    match words.char_indices().nth(longest) {
        None => words.to_owned(),
        Some(_) => words.chars().take(longest - CUT.chars().count()).chain(CUT.chars()).collect(),
    }
}

/// Characters that turn the direction of what stands beside them: with them a text shows as another one.
const fn turns_text(char: char) -> bool {
    matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
