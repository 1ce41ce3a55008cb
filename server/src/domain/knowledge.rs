//! The nouns of a knowledge base: documents, and the chunks of them that are searched and quoted.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A document as it is handed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: Uuid,
    /// The file or preset that it was imported from.
    pub source: Option<String>,
    pub title: String,
    /// Where a person can read it.
    pub url: Option<String>,
    pub content: String,
    pub kind: Kind,
    pub topic: Option<String>,
    pub metadata: Option<Value>,
}

/// A piece of a document. Its text is data, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The headings above it, the outermost first; the document's title is not among them.
    pub heading: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Written by people.
    Public,
    /// Made up by a model.
    Synthetic,
}

super::conversation::stored_names!(Kind { Public = "public", Synthetic = "synthetic" });

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Found by its words; some of its vectors are still to come.
    Pending,
    Ready,
}

super::conversation::stored_names!(Status { Pending = "pending", Ready = "ready" });

/// Which topic collections are looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    All,
    /// These, and the documents of none.
    Quotable(Vec<String>),
    Only(String),
}

impl Topics {
    pub fn include(&self, topic: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Quotable(topics) => topic.is_none_or(|topic| topics.iter().any(|known| known == topic)),
            Self::Only(wanted) => topic == Some(wanted),
        }
    }
}

/// How documents are cut into chunks and chunks embedded. With another name for it, every import does both anew.
const RECIPE: &str = "3";

impl Document {
    /// Of all that it says: the same means that nothing has changed.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        feed(&mut hash, Some(RECIPE));
        feed(&mut hash, Some(&self.title));
        feed(&mut hash, self.url.as_deref());
        feed(&mut hash, Some(&self.content));
        feed(&mut hash, Some(self.kind.name()));
        feed(&mut hash, self.topic.as_deref());
        feed(&mut hash, self.metadata.as_ref().map(Value::to_string).as_deref());
        hash.finalize().into()
    }
}

impl Chunk {
    /// Of what is embedded: the same means that its vector holds.
    pub fn hash(&self, title: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [RECIPE, title, &self.heading, &self.text] {
            feed(&mut hash, Some(part));
        }
        hash.finalize().into()
    }
}

/// What an embedder is given for a chunk: what it says, and what it is about, without the marks of headings.
pub fn embedded(title: &str, heading: &str, text: &str) -> String {
    let text = &*text.replace("\n## ", "\n");
    let mut whole = String::with_capacity(title.len() + heading.len() + text.len() + 4);
    for part in [title, heading, text] {
        if !part.is_empty() {
            if !whole.is_empty() {
                whole.push('\n');
            }
            whole.push_str(part);
        }
    }
    whole
}

/// With its length, so that two neighbours are never taken for two others.
fn feed(hash: &mut Sha256, text: Option<&str>) {
    match text {
        Some(text) => {
            hash.update((text.len() as u64 + 1).to_le_bytes());
            hash.update(text);
        }
        None => hash.update(0_u64.to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document {
            id: Uuid::nil(),
            source: None,
            title: "Cards".to_owned(),
            url: None,
            content: "Text".to_owned(),
            kind: Kind::Public,
            topic: None,
            metadata: None,
        }
    }

    #[test]
    fn every_field_counts_in_the_hash_and_where_it_is_from_does_not() {
        let hash = document().hash();
        let elsewhere = Document { id: Uuid::max(), source: Some("a.md".to_owned()), ..document() };
        assert_eq!(hash, elsewhere.hash());
        for other in [
            Document { title: "Card".to_owned(), content: "sText".to_owned(), ..document() },
            Document { url: Some(String::new()), ..document() },
            Document { kind: Kind::Synthetic, ..document() },
            Document { topic: Some("banker".to_owned()), ..document() },
            Document { metadata: Some(Value::Null), ..document() },
        ] {
            assert_ne!(hash, other.hash(), "{other:?}");
        }
    }

    #[test]
    fn what_may_be_quoted_is_of_a_topic_or_of_none() {
        let banker = Topics::Quotable(vec!["banker".to_owned()]);
        assert!(banker.include(None) && banker.include(Some("banker")) && !banker.include(Some("staff")));
        let only = Topics::Only("banker".to_owned());
        assert!(!only.include(None) && only.include(Some("banker")) && !only.include(Some("staff")));
        assert!(Topics::All.include(None) && Topics::All.include(Some("staff")));
    }

    #[test]
    fn a_chunk_is_embedded_with_what_it_is_about() {
        assert_eq!(embedded("Cards", "Lost", "Lock it."), "Cards\nLost\nLock it.");
        assert_eq!(embedded("Cards", "", "Lock it."), "Cards\nLock it.");
        assert_eq!(embedded("Cards", "", "Lock it.\n\n## Found\n\nGo."), "Cards\nLock it.\n\nFound\n\nGo.");
    }
}
