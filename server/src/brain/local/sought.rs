//! What kind of thing a question asks for, where its words say so: an amount or a time. A sentence that holds one is
//! likelier to answer than one that only speaks of the same matter.

use super::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    Amount,
    Time,
}

/// Words and pairs of words of questions.
const OF_AMOUNTS: &[&str] = &[
    "cost",
    "costs",
    "price",
    "prices",
    "pricing",
    "pricey",
    "fee",
    "fees",
    "charge",
    "charges",
    "expensive",
    "cheap",
    "cheaper",
    "rate",
    "rates",
    "how much",
];
const OF_TIMES: &[&str] = &[
    "when",
    "how long",
    "how soon",
    "how fast",
    "how quickly",
    "how many days",
    "how many weeks",
    "what time",
];

/// Words that only say that a time is asked for: an answer seldom has them.
const ASK_TIMES: &[&str] = &["long", "soon", "fast", "quickly", "take", "takes", "time"];

/// Words of answers.
const AMOUNTS: &[&str] = &[
    "pound", "pounds", "euro", "euros", "dollar", "dollars", "francs", "free", "eur", "gbp", "usd", "cent",
    "cents", "percent",
];
const SIGNS: &[char] = &['€', '£', '$', '%'];
const TIMES: &[&str] = &[
    "second",
    "seconds",
    "minute",
    "minutes",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "once",
    "immediately",
    "today",
    "tomorrow",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

impl Sought {
    pub fn by(question: &str) -> Option<Self> {
        let question = spaced(question);
        let asks = |words: &[&str]| words.iter().any(|word| question.contains(&format!(" {word} ")));
        if asks(OF_AMOUNTS) { Some(Self::Amount) } else { asks(OF_TIMES).then_some(Self::Time) }
    }

    /// The stem of a word of the question that is no word of the matter.
    pub fn is_asked_by(self, stem: &str) -> bool {
        self == Self::Time && ASK_TIMES.iter().any(|word| words::stem(word) == stem)
    }

    pub fn is_in(self, sentence: &str) -> bool {
        let spaced = spaced(sentence);
        let has = |words: &[&str]| spaced.split(' ').any(|word| words.contains(&word));
        match self {
            Self::Amount => sentence.contains(SIGNS) || has(AMOUNTS),
            Self::Time => has(TIMES),
        }
    }
}

/// Its words in small letters, a space before and behind each.
fn spaced(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |spaced, word| spaced + &word.to_lowercase() + " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_say_what_they_seek() {
        for (question, sought) in [
            ("What does a membership cost?", Some(Sought::Amount)),
            ("how much is it", Some(Sought::Amount)),
            ("How long does a refund take?", Some(Sought::Time)),
            ("When are you open?", Some(Sought::Time)),
            ("how do I join", None),
            ("it costs me nerves whenever I call", Some(Sought::Amount)),
        ] {
            assert_eq!(Sought::by(question), sought, "{question}");
        }
        let take = words::stem("take");
        assert!(Sought::Time.is_asked_by(&take) && !Sought::Amount.is_asked_by(&take));
        assert!(Sought::Amount.is_in("It is 24 pounds a month.") && Sought::Amount.is_in("5% a year"));
        assert!(Sought::Time.is_in("Within two working days.") && !Sought::Time.is_in("In the app."));
    }
}
