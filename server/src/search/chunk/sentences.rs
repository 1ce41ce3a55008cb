//! Where sentences end.

/// The sentences of a text with single spaces, without the spaces between them.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        if !is_end(sign) {
            continue;
        }
        let mut end = at + sign.len_utf8();
        while let Some(&(_, next)) = signs.peek().filter(|(_, next)| is_end(*next) || CLOSING.contains(*next))
        {
            end += next.len_utf8();
            signs.next();
        }
        let rest = &text[end..];
        let follows = rest.trim_start().chars().next();
        let apart = WIDE.contains(sign) || rest.starts_with(' ');
        let begins_anew =
            follows.is_some_and(|next| !next.is_lowercase() && !matches!(next, ',' | ';' | ')'));
        if apart && begins_anew && !(sign == '.' && is_abbreviation(text[begin..at].trim_start(), follows)) {
            found.push(text[begin..end].trim());
            begin = end;
        }
    }
    let last = text[begin..].trim();
    if !last.is_empty() {
        found.push(last);
    }
    found
}

const CLOSING: &str = "\"'”’»)]";
/// These need no space behind them.
const WIDE: &str = "。！？";

fn is_end(sign: char) -> bool {
    matches!(sign, '.' | '!' | '?' | '…') || WIDE.contains(sign)
}

/// Always before what they belong to.
const BEFORE_A_NAME: &[&str] =
    &["mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "z.b", "bzw", "approx", "ca"];
/// Words too, unless a number follows.
const BEFORE_A_NUMBER: &[&str] =
    &["no", "nr", "art", "sec", "fig", "para", "p", "pp", "tel", "ext", "vol", "ch"];

/// Whether the point behind `before` belongs to its last word.
fn is_abbreviation(before: &str, follows: Option<char>) -> bool {
    let word = before.rsplit([' ', '(', '"']).next().unwrap_or_default();
    let small = word.to_lowercase();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
    // "2." at the beginning counts something.
    let is_count = word.len() == before.len() && word.chars().all(|sign| sign.is_ascii_digit());
    is_initial
        || is_count
        || BEFORE_A_NAME.contains(&small.as_str())
        || (BEFORE_A_NUMBER.contains(&small.as_str()) && follows.is_some_and(|next| next.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn a_sentence_ends_where_the_next_begins() {
        check(
            "Lock the card. Then call us! Is it back? Good.",
            &["Lock the card.", "Then call us!", "Is it back?", "Good."],
        );
        check(
            "It said \"no.\" Then it went. (Twice.) 3 days later…",
            &["It said \"no.\"", "Then it went.", "(Twice.)", "3 days later…"],
        );
        check("锁定卡片。然后打电话！好", &["锁定卡片。", "然后打电话！", "好"]);
        check("no end", &["no end"]);
        check("", &[]);
    }

    #[test]
    fn not_every_point_is_an_end() {
        for whole in [
            "Ask Dr. Smith about e.g. Cards or i.e. Limits.",
            "See No. 5 of version 1.2.3 at example.com today.",
            "J. S. Bach paid 3.50 euro.",
            "He waited... and waited.",
            "2. Open the app",
        ] {
            check(whole, &[whole]);
        }
        check("The answer is no. Cards stay locked.", &["The answer is no.", "Cards stay locked."]);
    }
}
