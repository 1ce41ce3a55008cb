//! The texts that a workflow and the local brain speak, with what each stands for and what it may be filled with.

use std::collections::BTreeMap;

use super::Placeholder::{self, Day, Details, Limit, Month, Name, Opening, Time, Weekday};
use super::Text;
use crate::domain::preset::read::Reader;

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident($($placeholder:ident),*) = $default:literal;)*) => {
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Texts { $($(#[doc = $doc])+ pub $name: Text),* }

        impl Texts {
            /// Name, what it is for, placeholders, default: the table of the documentation.
            pub const TABLE: &[(&str, &str, &[Placeholder], &str)] = &[
                $((stringify!($name), concat!($($doc),+), &[$($placeholder),*], $default)),*
            ];

            fn of(text: impl Fn(&'static str) -> Text) -> Self {
                Self { $($name: text(stringify!($name))),* }
            }
        }
    };
}

texts! {
    /// Before a hand-over, for what is missing to reach somebody.
    ask_contact(Details) = "So that a colleague can get back to you, please tell me {details}.";
    /// The same, when the answer did not hold all of it.
    ask_contact_again(Details) = "I still need {details}, so that a colleague can reach you.";
    /// When all of it is there.
    contact_thanks(Name) = "Thank you[, {name}].";
    /// When contact details come and nothing asked for them.
    contact_unasked(Name) = "Thank you[, {name}], I have noted that. What can I do for you?";
    /// The hand-over while somebody is there.
    handover(Name) = "I am passing this on to a colleague, who will answer you here.";
    /// The hand-over while nobody is there.
    handover_closed(Name, Opening) = "I am passing this on to a colleague. Nobody is at the desk right now; we are back {opening}.";
    /// Before a hand-over, when nothing in the knowledge answers.
    insufficient_evidence() = "I have not found a reliable answer to that, and I would rather not guess.";
    /// Before a hand-over, when there was an answer that is not sure enough.
    low_confidence() = "I am not certain enough about that to answer it myself.";
    /// Before a hand-over, when the agent failed.
    agent_error() = "Something went wrong on our side while I was answering.";
    /// The title under which an answer of the staff to an earlier question is cited.
    staff_answer() = "An answer of our team";
    /// When somebody declines what an intent offered.
    offer_declined() = "All right, I will leave it at that. Is there anything else?";
    /// A yes that answers no question.
    yes_unasked() = "Good. What would you like to know?";
    /// A no that answers no question.
    no_unasked() = "All right. I am here if you need anything.";
    /// To an attempt to change the rules.
    guard_injection() = "I can only help with questions about our service, and I keep to my rules for that. What would you like to know?";
    /// To abuse.
    guard_abuse() = "I would like to help, but please let us stay polite. What is it about?";
    /// To a message that is too long.
    guard_length(Limit) = "That is more than I can read at once. Please put it in at most {limit} characters.";
    /// Begins the security check.
    security_ask(Details) = "Before I can do anything about this I have to check that it is you. Please tell me {details}.";
    /// When the answer did not hold all of it.
    security_again(Details) = "To go on I still need {details}.";
    /// When all was told; it is a person who compares it.
    security_passed(Name) = "Thank you[, {name}]. I am passing your details on with your question, so that a colleague can check them.";
    /// When it was not told.
    security_failed() = "Without these details I cannot say anything about it here. A colleague will take care of it.";
    /// In `{details}`.
    detail_name() = "your name";
    /// In `{details}`.
    detail_email() = "your email address";
    /// In `{details}`.
    detail_phone() = "your phone number";
    /// In `{details}`.
    detail_email_or_phone() = "an email address or a phone number";
    /// Between the last two of a list.
    and() = "and";
    /// `{opening}` on the same day.
    opening_today(Time) = "today at {time}";
    /// `{opening}` on the next day.
    opening_tomorrow(Time) = "tomorrow at {time}";
    /// `{opening}` within a week.
    opening_weekday(Weekday, Time) = "on {weekday} at {time}";
    /// `{opening}` later than that.
    opening_later(Weekday, Day, Month, Time) = "on {weekday}, {day} {month}, at {time}";
}

impl Texts {
    /// Those of the file, and the defaults of the others.
    pub(in crate::domain::preset) fn read(desk: &Reader<'_>) -> Self {
        let mut given = BTreeMap::new();
        if let Some(table) = desk.table("texts") {
            for (name, _, placeholders, _) in Self::TABLE {
                given.extend(table.template(name, placeholders).map(|text| (*name, text)));
            }
            table.finish();
        }
        Self::of(|name| given.get(name).cloned().unwrap_or_else(|| default(name)))
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::of(default)
    }
}

/// What stands in the table; a test reads each of them.
fn default(name: &str) -> Text {
    let entry = Texts::TABLE.iter().find(|(known, ..)| *known == name);
    let text = entry.and_then(|(_, _, placeholders, text)| Text::parse(text, placeholders).ok());
    text.unwrap_or(Text { pieces: Vec::new() })
}
