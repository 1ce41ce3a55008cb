//! What in a text says who somebody is: names, addresses, numbers. It is taken out before others may read the text.
//!
//! Invariant: rather a word too many is taken out than one too few.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::domain::masking::mask;

/// What is known to belong to the people of one conversation.
#[derive(Debug, Default)]
pub struct Private {
    /// Longest first, so that a whole name goes before a part of it.
    words: Vec<Regex>,
}

const NAME: &str = "[name removed]";
const EMAIL: &str = "[e-mail address removed]";
const PHONE: &str = "[phone number removed]";
const NUMBER: &str = "[number removed]";
const ADDRESS: &str = "[address removed]";

/// Names and numbers shorter than this are words of the language too.
const SHORTEST: usize = 3;
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Digits from which on a number names something of somebody.
const LONG: usize = 5;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("checked by the tests")
}

/// `Hi Ada,` and `Dear Mr Lovelace:` at the beginning of a line.
static GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^[ \t]*(?i:hi|hello|hey|dear|hallo|liebe[r]?|good (?:morning|afternoon|evening))[ \t]+(?:(?i:mr|mrs|ms|miss|dr|prof|herr|frau)\.?[ \t]+)?(?:[\p{Lu}][\p{L}'’.-]*[ \t]*){1,4}(?:[,!:.–-]+\s*|$)",
    )
});
/// `Kind regards, Kim` at the end.
static FAREWELL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?s)(?:^|\n|[.!?]\s)\s*(?i:kind regards|best regards|warm regards|best wishes|regards|best|cheers|many thanks|thanks|sincerely|yours(?: sincerely| truly)?|viele grüße|mit freundlichen grüßen)[ \t]*,?[ \t]*\n?[ \t]*[\p{Lu}][\p{L}'’.-]*(?:[ \t]+[\p{Lu}][\p{L}'’.-]*){0,3}[\s.!]*$",
    )
});
static EMAILS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)[\p{L}\d][\p{L}\d._%+'-]*@[\p{L}\d](?:[\p{L}\d.-]*[\p{L}\d])?"));
/// What is behind a question mark in a link is often whose it is.
static LINK_TAILS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?P<link>https?://[^\s?#]+)[?#]\S*"));
static PHONES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+?\(?\d[\d ()/.\-]{5,20}\d"));
static DATES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:[ T]\d{1,2}(?:[.:]\d{2})?)?$")
});
static STREETS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b\d{1,5}[a-zA-Z]?[ ]+(?:[\p{Lu}][\p{L}'’.-]+[ ]+){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Way|Square|Court|Place|Boulevard|Blvd|Terrace|Close)\b\.?|\b[\p{Lu}][\p{L}-]*(?:straße|strasse|str\.|weg|platz|gasse|allee)[ ]+\d{1,4}[a-z]?\b",
    )
});
static TITLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herr|Frau)\b\.?[ \t]+[\p{Lu}][\p{L}'’-]+(?:[ \t]+[\p{Lu}][\p{L}'’-]+)?",
    )
});
static INTRODUCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?P<lead>(?i:\bmy name is|\bmy name's|\bi am called|\bmy colleague|\bi am|\bi'm|\bi’m|\bthis is)[ \t]+)(?P<name>[\p{Lu}][\p{Ll}'’-]+(?:[ \t]+[\p{Lu}][\p{Ll}'’-]+){0,2})",
    )
});
/// `order no. 4711`: what such a word announces is somebody's, however short.
static ANNOUNCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?P<lead>(?i:\b(?:order|ticket|case|invoice|account|customer|member|membership|policy|contract|booking|reservation|reference|ref|tracking|claim|passport|licen[cs]e)\b(?:[ ]+(?:number|no|nr|id|code))?[ ]*[.:#]*[ ]*(?:is[ ]+)?)|\#[ ]?)(?P<id>[\p{L}-]{0,6}\d[\p{L}\d/-]+)",
    )
});
static TOKENS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[\p{L}\d][\p{L}\d_-]*\d[\p{L}\d_-]*|\d[\p{L}\d_-]*"));
static IBANS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?\b"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| pattern(r"[ \t]{2,}"));
static REMOVED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[[a-z -]+ removed\]"));

impl Private {
    /// Of names, addresses and ids that are known; the parts of names are names too.
    pub fn of(known: impl IntoIterator<Item = String>) -> Self {
        let mut words = HashSet::new();
        for known in known {
            let known = known.trim().to_owned();
            words.extend(known.split_whitespace().map(str::to_owned));
            words.insert(known);
        }
        let mut words: Vec<String> = words
            .into_iter()
            .map(|word| word.trim_matches(|sign: char| !sign.is_alphanumeric()).to_owned())
            .filter(|word| word.chars().count() >= SHORTEST)
            .collect();
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let whole = |word: &String| Regex::new(&format!(r"(?i)\b{}\b", regex::escape(word))).ok();
        Self { words: words.iter().filter_map(whole).collect() }
    }

    /// The text without what says who somebody is.
    pub fn taken_out_of(&self, text: &str) -> String {
        let text = mask(text);
        let text = GREETING.replace_all(&text, "");
        let text = FAREWELL.replace(&text, |found: &Captures<'_>| {
            found[0].chars().next().filter(|sign| ".!?".contains(*sign)).map(String::from).unwrap_or_default()
        });
        let text = EMAILS.replace_all(&text, EMAIL);
        let text = LINK_TAILS.replace_all(&text, "${link}");
        let text = STREETS.replace_all(&text, ADDRESS);
        let text = IBANS.replace_all(&text, NUMBER);
        let text = PHONES.replace_all(&text, |found: &Captures<'_>| {
            let digits = found[0].chars().filter(char::is_ascii_digit).count();
            let is_one = PHONE_DIGITS.contains(&digits) && !DATES.is_match(found[0].trim());
            if is_one { PHONE.to_owned() } else { found[0].to_owned() }
        });
        let text = ANNOUNCED.replace_all(&text, |found: &Captures<'_>| format!("{}{NUMBER}", &found["lead"]));
        let text = TOKENS.replace_all(&text, |found: &Captures<'_>| {
            if is_id(&found[0]) && !DATES.is_match(&found[0]) {
                NUMBER.to_owned()
            } else {
                found[0].to_owned()
            }
        });
        let text = TITLED.replace_all(&text, NAME);
        let text = INTRODUCED.replace_all(&text, |found: &Captures<'_>| format!("{}{NAME}", &found["lead"]));
        let mut text = text;
        for word in &self.words {
            if let Cow::Owned(without) = word.replace_all(&text, NAME) {
                text = Cow::Owned(without);
            }
        }
        tidy(&text)
    }
}

/// Whether enough is left of a text to help somebody else.
pub fn says_something(text: &str) -> bool {
    let removed = REMOVED.find_iter(text).count();
    let words = REMOVED.replace_all(text, " ").split_whitespace().filter(|word| word.len() > 1).count();
    words >= 4 && words >= removed * 4
}

/// A number that names something: long, or mixed with letters. Amounts with a unit (`100GB`) and years are none.
fn is_id(token: &str) -> bool {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let letters = token.chars().filter(|sign| sign.is_alphabetic()).count();
    let measure = token.trim_end_matches(|sign: char| sign.is_alphabetic());
    let is_measure =
        letters <= 3 && measure.chars().all(|sign| sign.is_ascii_digit()) && measure.len() < LONG;
    digits >= LONG || (letters > 0 && digits >= SHORTEST && !is_measure)
}

/// One name after another is one, and what stood around it closes up.
fn tidy(text: &str) -> String {
    let mut text = text.to_owned();
    for mark in [NAME, NUMBER, EMAIL, PHONE, ADDRESS] {
        let twice = format!("{mark} {mark}");
        while text.contains(&twice) {
            text = text.replace(&twice, mark);
        }
    }
    let text = SPACES.replace_all(text.trim(), " ");
    let mut signs = text.chars();
    // A sentence that lost its greeting begins anew.
    signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, left: &str) {
        let known = ["Ada Lovelace", "Kim", "cust-77", "ada@example.org"].map(str::to_owned);
        assert_eq!(Private::of(known).taken_out_of(text), left);
    }

    #[test]
    fn names_go() {
        check("Hi Ada, yes, plans can be frozen.", "Yes, plans can be frozen.");
        check("Dear Mrs Lovelace,\nit takes two days.", "It takes two days.");
        check("It takes two days.\nKind regards,\nKim", "It takes two days.");
        check("It takes two days. Best, Kim Smith", "It takes two days.");
        check("Plans can be frozen, Ada.", "Plans can be frozen, [name removed].");
        check("I asked Mr. Babbage about it.", "I asked [name removed] about it.");
        check("My name is Grace Hopper and it works.", "My name is [name removed] and it works.");
        check("ada lovelace has a plan.", "[name removed] has a plan.");
        check("LOVELACE's plan is frozen.", "[name removed]'s plan is frozen.");
    }

    #[test]
    fn addresses_and_numbers_go() {
        check("Write to bob.smith+x@mail.example.com now.", "Write to [e-mail address removed] now.");
        check("Call +44 20 7946 0958 then.", "Call [phone number removed] then.");
        check("Order ORD-4821 is sent.", "Order [number removed] is sent.");
        check("Your order no. 4711 is sent.", "Your order no. [number removed] is sent.");
        check("See ticket #812.", "See ticket #[number removed].");
        check("It is 0198c0de-7a00-7000-8000-000000000001.", "It is [number removed].");
        check("Pay to DE89 3704 0044 0532 0130 00 please.", "Pay to [number removed] please.");
        check("Card 4111 1111 1111 1111 is blocked.", "Card [card number removed] is blocked.");
        check("Send it to 12 Upper Market Street today.", "Send it to [address removed] today.");
        check("Look at https://a.example/x?user=5 there.", "Look at https://a.example/x there.");
        check("The id CUST-77 is old.", "The id [name removed] is old.");
    }

    #[test]
    fn what_helps_others_stays() {
        for text in [
            "It takes 3-5 days, until 2026-11-28 at the latest.",
            "Annual plans cost 120 euros, monthly ones 12.50.",
            "Up to 100GB are free within 24 hours.",
            "Hi there, open Settings and choose Freeze.",
            "In 2027 the limit is 5000 euros.",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn what_is_left_of_nothing_but_names_says_nothing() {
        assert!(says_something("Yes, annual plans can be frozen."));
        assert!(!says_something("Done."));
        assert!(!says_something("It is [number removed] and [name removed] now there."));
    }
}
