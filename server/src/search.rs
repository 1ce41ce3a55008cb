//! What can be found: knowledge by words and by meaning.

use switchboard_protocol::ids::WorkspaceId;

use crate::domain::turn::Passage;
use crate::domain::vector::Vector;
use crate::store::StoreError;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Search;

impl Search {
    /// The meaning of a text; nothing while there is no model.
    #[expect(clippy::unused_async, reason = "stub")]
    pub async fn embed(&self, _text: &str) -> Option<Vector> {
        None
    }

    #[expect(clippy::unused_async, reason = "stub")]
    pub async fn passages(
        &self,
        _workspace: WorkspaceId,
        _query: &str,
        _vector: Option<&Vector>,
        _limit: usize,
        _topics: Option<&[String]>,
    ) -> Result<Vec<Passage>, StoreError> {
        Ok(Vec::new())
    }
}
