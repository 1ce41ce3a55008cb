//! Which field of an insight something belongs in that was only written down: by the words it uses, where no model reads it.

use super::Place;

/// Words that speak for a field, as they begin. The first of two that are level has it.
const SIGNS: [(Place, &[&str]); 5] = [
    (
        Place::Introductions,
        &["introduc", "intro", "referr", "connect", "acquaint", "met", "meet", "knows", "contact"],
    ),
    (
        Place::Deals,
        &[
            "deal",
            "round",
            "series",
            "acqui",
            "merger",
            "exit",
            "term sheet",
            "valuation",
            "pitch",
            "closing",
            "closed",
            "raise",
            "raising",
            "due diligence",
            "offer",
        ],
    ),
    (
        Place::Investing,
        &[
            "invest",
            "fund",
            "portfolio",
            "equity",
            "stock",
            "bond",
            "allocat",
            "angel",
            "venture",
            "capital",
            "return",
            "dividend",
            "asset",
            "ticket size",
            "risk",
        ],
    ),
    (
        Place::ThreeI,
        &["impact", "innovat", "inclusi", "philanthrop", "donat", "charit", "sustainab", "non-profit"],
    ),
    (
        Place::Personal,
        &[
            "family", "wife", "husband", "partner", "daughter", "son", "sons", "child", "kids", "married",
            "birthday", "hobby", "hobbies", "lives", "moved", "grew up", "school", "studied", "alum",
            "travel", "enjoys", "loves", "sails", "golf", "health", "dog",
        ],
    ),
];

/// Business, where nothing speaks for another.
pub fn field_of(text: &str) -> Place {
    let text = text.to_lowercase();
    let begins = |sign: &str| {
        let found = text.match_indices(sign).filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            before.is_none_or(|before| !before.is_alphanumeric())
        });
        found.count()
    };
    let said = |signs: &[&str]| signs.iter().map(|sign| begins(sign)).sum::<usize>();
    let mut best = (Place::Business, 0);
    for (place, signs) in SIGNS {
        let count = said(signs);
        if count > best.1 {
            best = (place, count);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_note_is_about_decides() {
        for (text, place) in [
            ("Lives in Lyon with his wife and two kids.", Place::Personal),
            ("Looking at the Series B round of Acme.", Place::Deals),
            ("Prefers venture funds; allocates 10% of the portfolio.", Place::Investing),
            ("Asked for an introduction to Bob.", Place::Introductions),
            ("Cares about impact and philanthropy.", Place::ThreeI),
            ("Runs a bakery of twelve people.", Place::Business),
            ("", Place::Business),
            ("Reasons were given.", Place::Business),
        ] {
            assert_eq!(field_of(text), place, "{text}");
        }
    }
}
