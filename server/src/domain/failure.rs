//! What could not be processed, and why.

use uuid::Uuid;

use super::clock::Timestamp;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To take in what a file holds.
    Import,
    /// To draw insights from a conversation.
    Distillation,
    /// To learn from a conversation.
    Learning,
    /// To bring a contact to another system.
    Sync,
}

super::conversation::stored_names!(Kind {
    Import = "import",
    Distillation = "distillation",
    Learning = "learning",
    Sync = "sync",
});

impl Kind {
    pub const ALL: [Self; 4] = [Self::Import, Self::Distillation, Self::Learning, Self::Sync];
}

/// Something that failed, on its way into the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A conversation, a contact, or a file with its line. What fails again under the same one is the same failure.
    pub subject: String,
    /// A sentence, for whoever keeps the desk.
    pub reason: String,
}

/// Something that failed and was not mended yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: Uuid,
    pub kind: Kind,
    pub subject: String,
    /// That of the last time.
    pub reason: String,
    pub times: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Characters of a subject, of which the end says more, and of a reason.
const SUBJECT: usize = 500;
const REASON: usize = 500;

impl Failure {
    pub fn new(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject_of(subject), reason: storable(&reason.into()).take(REASON).collect() }
    }
}

/// As it is stored, so that it is found by it again.
pub fn subject_of(subject: impl Into<String>) -> String {
    let subject = subject.into();
    let beyond = subject.chars().count().saturating_sub(SUBJECT);
    storable(&subject).skip(beyond).collect()
}

/// A file can hold the one character that the database does not take.
fn storable(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|sign| if sign == '\0' { char::REPLACEMENT_CHARACTER } else { sign })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_subject_is_what_tells_it_from_others() {
        let failure = Failure::new(format!("{}.csv:7", "x".repeat(600)), "y".repeat(600));
        assert!(failure.subject.ends_with("x.csv:7"));
        assert_eq!((failure.subject.len(), failure.reason.len()), (SUBJECT, REASON));
        assert_eq!(subject_of(failure.subject.clone()), failure.subject);
    }
}
