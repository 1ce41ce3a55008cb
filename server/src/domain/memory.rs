//! The nouns of what the desk learned: traces of work that was done, and the items of them that are worth remembering.

use serde_json::Value;
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;
use super::vector::Vector;

/// One piece of work, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub id: Uuid,
    /// What was to be done.
    pub task: String,
    /// The steps that were taken.
    pub trajectory: Vec<Value>,
    pub outcome: Outcome,
    pub items: Vec<Item>,
    pub metadata: Option<Value>,
    pub created_at: Timestamp,
}

/// Something worth remembering.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub id: Uuid,
    pub title: String,
    pub description: String,
    pub content: String,
    /// What went wrong, where it was learned from an error.
    pub error_context: Option<Value>,
    pub tags: Vec<String>,
    pub domain: Option<String>,
    pub purpose: Option<Purpose>,
    /// One that is known already, with the embedder that made it.
    pub vector: Option<(Vector, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
    Partial,
}

stored_names!(Outcome { Success = "success", Failure = "failure", Partial = "partial" });

/// What the agent may do with an item that is drawn from a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Quote it to visitors, where the workspace allows that: an answer of the staff.
    Quote,
    /// Look at this document sooner: it has answered such a question.
    Page(Uuid),
    /// Bear it in mind; nothing of it is shown.
    Hint,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Page(_) => "page",
            Self::Hint => "hint",
        }
    }

    pub fn document(self) -> Option<Uuid> {
        match self {
            Self::Page(document) => Some(document),
            Self::Quote | Self::Hint => None,
        }
    }

    pub fn stored(name: &str, document: Option<Uuid>) -> Option<Self> {
        match (name, document) {
            ("quote", None) => Some(Self::Quote),
            ("page", Some(document)) => Some(Self::Page(document)),
            ("hint", None) => Some(Self::Hint),
            _ => None,
        }
    }
}

/// Which items are looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Also those that were learned from an error.
    pub errors: bool,
    pub domain: Option<String>,
    /// One of these is enough; with none of them all pass.
    pub tags: Vec<String>,
    /// Also what may be shown to visitors, or was told by others than the desk itself.
    pub quotable: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self { errors: true, domain: None, tags: Vec::new(), quotable: true }
    }
}

impl Filter {
    /// Whether an item passes; `has_error` is whether it has an error's context.
    pub fn passes(
        &self,
        has_error: bool,
        domain: Option<&str>,
        tags: &[String],
        purpose: Option<Purpose>,
    ) -> bool {
        (self.errors || !has_error)
            && self.domain.as_deref().is_none_or(|wanted| domain == Some(wanted))
            && (self.tags.is_empty() || self.tags.iter().any(|wanted| tags.contains(wanted)))
            && (self.quotable || is_the_desks_own(purpose))
    }
}

/// Whether nothing of an item is ever shown to visitors.
fn is_the_desks_own(purpose: Option<Purpose>) -> bool {
    matches!(purpose, Some(Purpose::Page(_) | Purpose::Hint))
}

/// An item that a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    pub trace: Uuid,
    pub id: Uuid,
    pub title: String,
    pub description: String,
    pub content: String,
    pub error_context: Option<Value>,
    pub tags: Vec<String>,
    pub domain: Option<String>,
    pub purpose: Option<Purpose>,
    pub outcome: Outcome,
    pub created_at: Timestamp,
    pub score: f32,
}

impl Remembered {
    /// Whether visitors may come to see it, where the workspace allows that.
    pub fn is_quotable(&self) -> bool {
        !is_the_desks_own(self.purpose)
    }
}

/// What an embedder is given for an item: all that it says, together.
pub fn embedded(title: &str, description: &str, content: &str) -> String {
    let parts = [title, description, content];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_embedded_with_all_that_it_says() {
        assert_eq!(embedded("Fees", "When asked.", "Five euro."), "Fees\nWhen asked.\nFive euro.");
        assert_eq!(embedded("Fees", "", "Five euro."), "Fees\nFive euro.");
    }

    #[test]
    fn every_part_of_a_filter_counts() {
        let tags = ["fees".to_owned(), "abroad".to_owned()];
        let passes = |filter: &Filter| filter.passes(true, Some("payments"), &tags, None);
        let all = Filter::default();
        assert!(passes(&all));
        assert!(!passes(&Filter { errors: false, ..all.clone() }));
        assert!(passes(&Filter { domain: Some("payments".to_owned()), ..all.clone() }));
        assert!(!passes(&Filter { domain: Some("cards".to_owned()), ..all.clone() }));
        assert!(passes(&Filter { tags: vec!["other".to_owned(), "fees".to_owned()], ..all.clone() }));
        assert!(!passes(&Filter { tags: vec!["fee".to_owned()], ..all.clone() }));
        let own = Filter { quotable: false, ..all };
        assert!(!passes(&own) && !own.passes(false, None, &[], Some(Purpose::Quote)));
        assert!(own.passes(false, None, &[], Some(Purpose::Hint)));
    }

    #[test]
    fn a_purpose_is_stored_and_read_again() {
        for purpose in [Purpose::Quote, Purpose::Page(Uuid::max()), Purpose::Hint] {
            assert_eq!(Purpose::stored(purpose.name(), purpose.document()), Some(purpose));
        }
        assert_eq!(Purpose::stored("page", None), None);
    }
}
