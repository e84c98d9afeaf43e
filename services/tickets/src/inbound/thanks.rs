//! Whether what a customer says about a resolution is thanks or a yes, and nothing else (TK96).
//!
//! The rule can be read to anybody: of the customer's own words, quotations and signature apart, every single one is a word of thanks, of yes, of
//! courtesy or of their own name, at least one of them is thanks or yes, they are few, and nothing is asked: neither by a mark nor by the order of
//! the words. Whatever else is said is not thanks, nor is what could be read as both: a ticket that is opened again once too often costs a look, one
//! that is closed over an open problem costs the customer.

/// More words than these say more than thanks.
const MOST_WORDS: usize = 12;

/// Thanks and yes: English, Hindi, Bengali, Urdu, and the first three as they are written in Latin letters.
const WELL: &[&str] = &[
    "thanks",
    "thank",
    "thankyou",
    "thx",
    "ty",
    "yes",
    "yep",
    "solved",
    "resolved",
    "fixed",
    "works",
    "working",
    "perfect",
    "great",
    "ok",
    "okay",
    "👍",
    "🙏", //
    "धन्यवाद",
    "शुक्रिया",
    "हाँ",
    "हां",
    "जी",
    "ठीक",
    "dhanyavaad",
    "dhanyavad",
    "shukriya",
    "haan",
    "theek", //
    "ধন্যবাদ",
    "হ্যাঁ",
    "ঠিক",
    "সমাধান",
    "dhonnobad", //
    "شکریہ",
    "مہربانی",
    "ہاں",
    "جی",
    "ٹھیک",
];

/// Words of courtesy, which say nothing by themselves.
const COURTESY: &[&str] = &[
    "you",
    "so",
    "very",
    "much",
    "a",
    "lot",
    "many",
    "again",
    "for",
    "your",
    "the",
    "help",
    "kind",
    "quick",
    "reply",
    "it",
    "its",
    "is",
    "all",
    "now",
    "good",
    "dear",
    "team",
    "sir",
    "madam",
    "hi",
    "hello",
    "regards",
    "best",
    "everything", //
    "बहुत",
    "आपका",
    "आपको",
    "का",
    "के",
    "लिए",
    "मदद",
    "हो",
    "गया",
    "है",
    "सब",
    "अब",
    "नमस्ते",
    "bahut",
    "aapka",
    "hai",
    "ho",
    "gaya", //
    "অনেক",
    "আপনাকে",
    "আপনার",
    "হ\u{9AF}\u{9BC}েছে",
    "আছে",
    "সব",
    "এখন",
    "সাহায্যের",
    "জন্য", //
    "بہت",
    "آپ",
    "کا",
    "کے",
    "لیے",
    "مدد",
    "ہو",
    "گیا",
    "ہے",
    "سب",
    "اب",
];

/// Words with which a question begins, whatever stands at its end: in English the verb or what is asked for, in the others, whose verb stands at the
/// end, what is asked for alone. But for "is" none of them is a word of thanks: they are here for those for whom one of them is a name.
const ASKING: &[&str] = &[
    "is",
    "are",
    "am",
    "was",
    "were",
    "do",
    "does",
    "did",
    "has",
    "have",
    "had",
    "can",
    "could",
    "will",
    "would",
    "shall",
    "should",
    "may",
    "might",
    "when",
    "why",
    "what",
    "which",
    "how",
    "where",
    "who", //
    "क्या",
    "कब",
    "क्यों",
    "कैसे",
    "कहाँ",
    "कहां",
    "कौन",
    "kya",
    "kab",
    "kyon",
    "kyun",
    "kaise",
    "kahan",
    "kaun", //
    "কি",
    "কী",
    "কবে",
    "কখন",
    "কেন",
    "কোথা\u{9AF}\u{9BC}",
    "কে",
    "ki",
    "keno", //
    "کیا",
    "کب",
    "کیوں",
    "کیسے",
    "کہاں",
    "کون",
];

/// Words with which somebody is spoken to before anything is said or asked.
const ADDRESSING: &[&str] = &["hi", "hello", "dear", "team", "sir", "madam", "नमस्ते"];

/// Beginnings of the lines of a quotation or signature.
const ENDS: &[&str] = &[">", "-----", "Sent from my"];
/// Ends of the lines with which mail programs begin a quotation.
const QUOTES: &[&str] = &["wrote:", "लिखा:", "লিখেছেন:", "لکھا:"];

/// Whether a text of somebody with this name is thanks or a yes, and nothing else.
pub fn is_thanks(text: &str, name: &str) -> bool {
    let own: Vec<&str> = text.lines().map(str::trim_end).take_while(|line| !ends_own_words(line)).collect();
    let (words, name) = (words(&own), words(&[name]));
    words.len() <= MOST_WORDS
        && !own.iter().any(|line| line.contains(['?', '؟']))
        && !asks(&words)
        && words.iter().any(|word| WELL.contains(&word.as_str()))
        && words
            .iter()
            .all(|word| [WELL, COURTESY].iter().any(|list| list.contains(&word.as_str())) || name.contains(word))
}

/// Whether the order of the words asks: a question begins with one of those words, after a greeting too, and "is" asks wherever it is turned.
fn asks(words: &[String]) -> bool {
    let word = |at: usize| words.get(at).map(String::as_str);
    let begin = words.iter().find(|word| !ADDRESSING.contains(&word.as_str()));
    begin.is_some_and(|word| ASKING.contains(&word.as_str()))
        || (0..words.len())
            .any(|at| word(at) == Some("is") && is_turned(at.checked_sub(1).and_then(word), word(at + 1)))
}

/// Whether an "is" between these words may ask: what it is said of stands after it, or does not stand right before it.
fn is_turned(before: Option<&str>, after: Option<&str>) -> bool {
    let may_say = matches!(before, Some("it" | "everything" | "all"));
    !may_say || before == after || matches!(after, Some("it" | "everything"))
}

/// Whether a quotation or a signature begins.
fn ends_own_words(line: &str) -> bool {
    let quotes_somebody = line.contains('<') && line.contains('@');
    line == "--"
        || quotes_somebody
        || ENDS.iter().any(|begin| line.starts_with(begin))
        || QUOTES.iter().any(|end| line.ends_with(end))
}

/// The words of some lines, in small letters.
fn words(lines: &[&str]) -> Vec<String> {
    let mut words = Vec::new();
    for line in lines {
        let mut word = String::new();
        for char in line.chars() {
            if char == '\u{9DF}' {
                // One letter of Bengali that is also written as two.
                word.push_str("\u{9AF}\u{9BC}");
            } else if char.is_alphanumeric() || is_mark(char) {
                word.extend(char.to_lowercase());
            } else if !matches!(char, '\'' | '’' | '\u{200C}' | '\u{200D}') {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                if matches!(char, '👍' | '🙏') {
                    words.push(char.to_string());
                }
            }
        }
        words.extend((!word.is_empty()).then_some(word));
    }
    words
}

/// Vowel signs and joiners of the scripts of India and of Arabic, which belong to their word without being letters.
const fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36F}' | '\u{64B}'..='\u{65F}' | '\u{900}'..='\u{DFF}') && !matches!(char, '।' | '॥')
}
