//! Secrets that a visitor types are masked before anything sees them: neither the log, nor a model, nor a person.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// `text` without card numbers, passwords and tokens. Most messages hold none and are returned as they came.
pub fn mask(text: &str) -> Cow<'_, str> {
    let text = mask_cards(text);
    match SECRET.replace_all(&text, hide_secret) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => Cow::Owned(masked),
    }
}

/// What looks like a secret by its shape, or is announced as one ("my password is …"). A named group `secret` is
/// what goes; the words around it stay, so that the sentence still reads.
#[expect(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    // Word boundaries are ASCII ones: those of Unicode would cost a hundred times as much, on every message.
    Regex::new(concat!(
        r"(?x)",
        r"(?P<jwt>(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
        r"|(?P<key>(?-u:\b)(?:(?:sk|pk|rk)[-_](?:[a-z]+[-_])*[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}",
        r"|github_pat_(?-u:\w){20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}(?-u:\b)|AIza[A-Za-z0-9_-]{30,}",
        r"|glpat-[A-Za-z0-9_-]{16,}))",
        r"|(?P<lead>(?i-u:\bbearer\s+))(?P<bearer>[A-Za-z0-9_.~+/=-]{16,})",
        r"|(?P<said>(?i-u:\b(?:password|passwd|passphrase|passwort|kennwort|pwd|api[\ _-]?key|access[\ _-]?token",
        r"|secret[\ _-]?key)\b\s*(?:(?:is|was|ist|lautet)\b\s*:?|[:=])\s*))(?P<told>[^\s,;]+)",
    ))
    .expect("the pattern of secrets")
});

fn hide_secret(found: &Captures) -> String {
    let kept = |name| found.name(name).map_or("", |part| part.as_str());
    match found.name("told") {
        // "my password is wrong" tells no secret.
        Some(told) if COMMON_WORDS.contains(&bare(told.as_str()).as_str()) => found[0].to_owned(),
        Some(told) => {
            let tail: String = told.as_str().chars().rev().take_while(|c| ".!?)".contains(*c)).collect();
            format!("{}[secret removed]{}", kept("said"), tail.chars().rev().collect::<String>())
        }
        None => format!("{}[secret removed]", kept("lead")),
    }
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Words that follow "password is" in ordinary complaints.
const COMMON_WORDS: &[&str] = &[
    "",
    "a",
    "also",
    "always",
    "being",
    "blocked",
    "broken",
    "correct",
    "expired",
    "falsch",
    "forgotten",
    "gone",
    "in",
    "incorrect",
    "invalid",
    "lost",
    "missing",
    "my",
    "no",
    "not",
    "now",
    "old",
    "on",
    "really",
    "rejected",
    "required",
    "reset",
    "right",
    "safe",
    "still",
    "stolen",
    "the",
    "this",
    "too",
    "unknown",
    "valid",
    "vergessen",
    "weak",
    "what",
    "working",
    "wrong",
];

/// Runs of 13 to 19 digits, single spaces or dashes between them, that pass the Luhn check.
fn mask_cards(text: &str) -> Cow<'_, str> {
    if text.bytes().filter(u8::is_ascii_digit).count() < 13 {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut masked = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (end, digits) = digit_run(bytes, at);
        if let Some(card_end) = card_within(&digits) {
            masked.push_str(&text[copied..digits[card_end.0].0]);
            masked.push_str("[card number removed]");
            copied = digits[card_end.1].0 + 1;
        }
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// The run of digits that begins at `start`: where it ends, and each digit with its place.
fn digit_run(bytes: &[u8], start: usize) -> (usize, Vec<(usize, u32)>) {
    let mut digits = Vec::new();
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            digits.push((at, u32::from(byte - b'0')));
        } else if !(matches!(byte, b' ' | b'-' | b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) {
            break;
        }
        at += 1;
    }
    (at, digits)
}

/// The first and last digit of the longest card number within a run. A card may stand beside its expiry date, so
/// it may be a part of the run, but only one that begins and ends where a group of digits does.
fn card_within(digits: &[(usize, u32)]) -> Option<(usize, usize)> {
    let parted = |left: usize| digits.get(left + 1).is_none_or(|next| next.0 != digits[left].0 + 1);
    (13..=19.min(digits.len())).rev().find_map(|length| {
        (0..=digits.len() - length)
            .map(|first| (first, first + length - 1))
            .filter(|&(first, last)| (first == 0 || parted(first - 1)) && parted(last))
            .find(|&(first, last)| luhn(&digits[first..=last]))
    })
}

fn luhn(digits: &[(usize, u32)]) -> bool {
    // Issuers begin with 2 to 6; a row of zeros passes the sum and is no card.
    if !(2..=6).contains(&digits[0].1) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &(_, digit))| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) => doubled / 10 + doubled % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_sentence_stays() {
        for (typed, kept) in [
            ("my card is 4111 1111 1111 1111, exp 12/29", "my card is [card number removed], exp 12/29"),
            ("4111-1111-1111-1111", "[card number removed]"),
            ("4111 1111 1111 1111 12 29", "[card number removed] 12 29"),
            ("pay with 5500005555555559 please", "pay with [card number removed] please"),
            ("378282246310005", "[card number removed]"),
            ("my password is hunter2.", "my password is [secret removed]."),
            ("Password: s3cr3t!x and more", "Password: [secret removed] and more"),
            ("mein Passwort lautet Blume7", "mein Passwort lautet [secret removed]"),
            ("use sk-proj-abcdefghijklmnop1234", "use [secret removed]"),
            ("Authorization: Bearer abcdefghijklmnop.qrst", "Authorization: Bearer [secret removed]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz", "[secret removed]"),
            ("ghp_abcdefghijklmnopqrstuvwx", "[secret removed]"),
        ] {
            assert_eq!(mask(typed), kept);
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in [
            "order 4111111111111112 has not come",
            "call me at +49 30 1234567 or 0800 1234567",
            "my password is wrong",
            "I forgot my password, the token is expired",
            "0000000000000000",
            "invoice 2026-11-20 14:50:56.123456",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
