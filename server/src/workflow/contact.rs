//! How to reach somebody, found in what they wrote.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::escalation::Contact;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("checked by the tests")
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)[a-z0-9][a-z0-9._%+'-]*@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
});
static PHONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+?\(?\d[\d ()/.\-]{5,20}\d"));
/// `My name is Ada Lovelace`; a name ends before a word that is none.
static INTRODUCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i:\b(?:my name is|my name's|name is|name:|i am called|call me|this is|it's|it is|i am|i'm|im))\s+((?:[\p{L}][\p{L}'’.-]*\s*){1,4})",
    )
});
/// Words that end a name, and words that begin no name.
const NO_NAME: &[&str] = &[
    "and",
    "or",
    "my",
    "is",
    "at",
    "email",
    "e-mail",
    "mail",
    "phone",
    "number",
    "tel",
    "telephone",
    "mobile",
    "the",
    "a",
    "an",
    "you",
    "can",
    "could",
    "reach",
    "call",
    "me",
    "on",
    "under",
    "via",
    "by",
    "it",
    "it's",
    "its",
    "i",
    "i'm",
    "im",
    "am",
    "yes",
    "no",
    "not",
    "sure",
    "ok",
    "okay",
    "thanks",
    "thank",
    "please",
    "hi",
    "hello",
    "hey",
    "name",
    "with",
    "about",
    "this",
    "that",
    "here",
    "there",
    "so",
    "just",
    "still",
    "very",
    "waiting",
    "looking",
    "trying",
    "asking",
    "calling",
    "writing",
    "sorry",
    "happy",
    "unhappy",
    "angry",
    "upset",
    "from",
    "to",
    "for",
    "in",
    "of",
    "but",
    "what",
    "why",
    "how",
    "when",
    "where",
    "who",
    "do",
    "does",
    "don't",
    "dont",
    "want",
    "need",
    "have",
    "has",
    "will",
    "would",
    "use",
    "address",
    "contact",
    "details",
    "cell",
    "work",
    "home",
];
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
const LONGEST_NAME: usize = 80;

/// Whatever of the three stands in a text.
pub fn understand(text: &str) -> Contact {
    let email = EMAIL.find(text).map(|found| found.as_str().to_owned());
    let rest = email.as_deref().map_or_else(|| text.to_owned(), |email| text.replace(email, " , "));
    let phone = PHONE
        .find_iter(&rest)
        .map(|found| found.as_str().trim().to_owned())
        .find(|found| PHONE_DIGITS.contains(&found.chars().filter(char::is_ascii_digit).count()));
    let rest = phone.as_deref().map_or_else(|| rest.clone(), |phone| rest.replace(phone, " , "));
    let introduced = INTRODUCED.captures_iter(&rest).find_map(|found| name(&found[1]));
    // Beside an address or a number, what is left over is mostly the name.
    let found_one = email.is_some() || phone.is_some();
    let alone = || rest.split([',', ';', '\n', ':', '(', ')']).find_map(|part| short_name(part, found_one));
    Contact { name: introduced.or_else(alone), email, phone }
}

/// What was told later goes before what was known.
pub fn merged(known: &Contact, told: Contact) -> Contact {
    Contact {
        name: told.name.or_else(|| known.name.clone()),
        email: told.email.or_else(|| known.email.clone()),
        phone: told.phone.or_else(|| known.phone.clone()),
    }
}

/// The words up to the first that is no part of a name.
fn name(text: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split_whitespace()
        .take_while(|word| !NO_NAME.contains(&word.trim_matches('.').to_lowercase().as_str()))
        .collect();
    let name = words.join(" ").trim_matches(['.', '-', '\'']).to_owned();
    (!name.is_empty() && name.len() <= LONGEST_NAME).then_some(name)
}

/// A part of a message that is nothing but a name: one to four words, each capitalised unless it stands beside an address.
fn short_name(part: &str, beside_address: bool) -> Option<String> {
    let words: Vec<&str> = part.split_whitespace().collect();
    let is_word = |word: &&str| {
        let letters = word.chars().all(|letter| letter.is_alphabetic() || "'’.-".contains(letter));
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        letters
            && (capital || beside_address)
            && !NO_NAME.contains(&word.trim_matches('.').to_lowercase().as_str())
    };
    let fits = (1..=4).contains(&words.len()) && words.iter().all(is_word);
    // A single capitalised word may as well be a sentence of one word.
    (fits && (beside_address || words.len() > 1)).then(|| words.join(" ").trim_matches(['.', '-']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: Option<&str>, email: Option<&str>, phone: Option<&str>) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let wanted = Contact { name: owned(name), email: owned(email), phone: owned(phone) };
        assert_eq!(understand(text), wanted, "{text}");
    }

    #[test]
    fn contact_details_are_found_in_free_text() {
        check(
            "My name is Ada Lovelace and my email is ada@example.org",
            Some("Ada Lovelace"),
            Some("ada@example.org"),
            None,
        );
        check(
            "Ada Lovelace, ada@example.org, +44 20 7946 0958",
            Some("Ada Lovelace"),
            Some("ada@example.org"),
            Some("+44 20 7946 0958"),
        );
        check("ada lovelace ada@example.org", Some("ada lovelace"), Some("ada@example.org"), None);
        check(
            "you can reach me at ada.l+desk@mail.example.co.uk",
            None,
            Some("ada.l+desk@mail.example.co.uk"),
            None,
        );
        check("call me on (020) 7946-0958", None, None, Some("(020) 7946-0958"));
        check("I'm José Ángel Ruiz, 600 123 456", Some("José Ángel Ruiz"), None, Some("600 123 456"));
        check("it's Bob", Some("Bob"), None, None);
        check("Grace Hopper", Some("Grace Hopper"), None, None);
        check(
            "this is Grace Hopper. grace@navy.example.mil",
            Some("Grace Hopper"),
            Some("grace@navy.example.mil"),
            None,
        );
    }

    #[test]
    fn what_is_no_contact_detail_is_none() {
        check("no", None, None, None);
        check("why do you need that?", None, None, None);
        check("I am not sure about this", None, None, None);
        check("my order is 12345", None, None, None);
        check("Please just answer", None, None, None);
        check("I'm still waiting", None, None, None);
    }
}
