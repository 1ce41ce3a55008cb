//! Words and sentences, as far as comparing them needs it.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that say nothing of what a text is about.
static STOP: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a about above after again all also am an and any anybody anyone are as at be because been before being below but by \
     can could did do does doing don down during each few for from further get getting give given go going got had has \
     have having he hello help her here hers hi him his how i if im in into is it its itself just kind know let like ll \
     many may me might more most much must my myself need no nor not now of off on once only or other our ours out over \
     own please possible re same she should so some somebody someone such t tell than thank thanks that the their them \
     then there these they thing this those through to too under until up us use ve very want was way we were what when \
     where whether which while who whom why will wish with would yes yet you your yours"
        .split_whitespace()
        .collect()
});

/// The stems of the words that say something, in their order.
pub fn terms(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’')
        .map(|word| word.to_lowercase().replace(['\'', '’'], ""))
        .filter(|word| !word.is_empty() && !STOP.contains(word.as_str()))
        .map(|word| stem(&word))
        .collect()
}

/// Enough for plurals and the common endings of verbs; both sides of a comparison pass through it.
pub fn stem(word: &str) -> String {
    if word.len() <= 3 || !word.is_ascii() {
        return word.to_owned();
    }
    let cut = |ending: &str, least: usize| word.strip_suffix(ending).filter(|rest| rest.len() >= least);
    let rest = cut("ies", 2)
        .map(|rest| format!("{rest}y"))
        .or_else(|| cut("sses", 2).map(|rest| format!("{rest}ss")))
        .or_else(|| cut("ations", 3).or_else(|| cut("ation", 3)).map(str::to_owned))
        .or_else(|| cut("ings", 3).or_else(|| cut("ing", 3)).map(undoubled))
        .or_else(|| cut("edly", 3).or_else(|| cut("ed", 3)).map(undoubled))
        .or_else(|| cut("ments", 3).or_else(|| cut("ment", 3)).map(str::to_owned))
        .or_else(|| cut("ers", 3).or_else(|| cut("er", 4)).map(undoubled))
        .or_else(|| cut("ly", 3).map(str::to_owned))
        .or_else(|| cut("es", 3).map(str::to_owned))
        .or_else(|| cut("s", 3).filter(|rest| !rest.ends_with('s')).map(str::to_owned))
        .unwrap_or_else(|| word.to_owned());
    let rest = rest.strip_suffix('e').filter(|rest| rest.len() >= 3).unwrap_or(&rest);
    // `cancelled` and `cancel`, `calls` and `calling`.
    if rest.ends_with("ll") { rest[..rest.len() - 1].to_owned() } else { rest.to_owned() }
}

fn undoubled(word: &str) -> String {
    let bytes = word.as_bytes();
    match bytes {
        [.., a, b] if a == b && !matches!(b, b'l' | b's' | b'z' | b'e' | b'o') => {
            word[..word.len() - 1].to_owned()
        }
        _ => word.to_owned(),
    }
}

/// The sentences of a passage that can stand alone: headings and the marks of lists and tables are taken off.
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in blocks(text) {
        let mut from = 0;
        let letters: Vec<(usize, char)> = block.char_indices().collect();
        for (index, (at, letter)) in letters.iter().enumerate() {
            let next = letters.get(index + 1).map(|(_, letter)| *letter);
            let ends = matches!(letter, '.' | '!' | '?') && next.is_none_or(char::is_whitespace);
            let begins =
                letters[index + 1..].iter().map(|(_, letter)| *letter).find(|letter| !letter.is_whitespace());
            let goes_on = begins.is_some_and(char::is_lowercase);
            if ends && !goes_on && !abbreviated(&block[from..*at]) {
                push(&mut found, &block[from..at + letter.len_utf8()]);
                from = at + letter.len_utf8();
            }
        }
        push(&mut found, &block[from..]);
    }
    found
}

fn push(found: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if text.chars().any(char::is_alphanumeric) {
        found.push(text.to_owned());
    }
}

fn abbreviated(before: &str) -> bool {
    let last =
        before.rsplit(|letter: char| letter.is_whitespace() || letter == '(').next().unwrap_or_default();
    matches!(
        last.to_lowercase().as_str(),
        "e.g" | "i.e" | "mr" | "mrs" | "ms" | "dr" | "no" | "vs" | "etc" | "approx" | "st"
    ) && !before.is_empty()
}

/// Paragraphs and list items, each on one line.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim();
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).or_else(|| numbered(line));
        if line.is_empty() || line.starts_with('#') || line.starts_with("|-") || line.starts_with("```") {
            open = false;
        } else if let Some(item) = item {
            blocks.push(plain(item));
            open = true;
        } else if line.starts_with('|') {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            blocks.push(plain(&cells.join(": ")));
            open = false;
        } else if let Some(block) = blocks.last_mut().filter(|_| open) {
            block.push(' ');
            block.push_str(&plain(line));
        } else {
            blocks.push(plain(line));
            open = true;
        }
    }
    blocks
}

fn numbered(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    if rest.len() == line.len() { None } else { rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")) }
}

/// Without emphasis.
fn plain(text: &str) -> String {
    text.replace("**", "").replace("__", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_root_have_one_stem() {
        for (one, other) in [
            ("cards", "card"),
            ("cancelling", "cancel"),
            ("deliveries", "delivery"),
            ("shipped", "shipping"),
            ("charges", "charged"),
            ("paying", "pay"),
            ("refunded", "refunds"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} {other}");
        }
        assert_ne!(stem("card"), stem("care"));
    }

    #[test]
    fn sentences_can_stand_alone() {
        let text = "# Fees\n\nA transfer costs 2.50 euros. It takes e.g. one day.\nThat is all!\n\n- First item\n- Second **item**.\n";
        assert_eq!(
            sentences(text),
            [
                "A transfer costs 2.50 euros.",
                "It takes e.g. one day.",
                "That is all!",
                "First item",
                "Second item."
            ]
        );
    }
}
