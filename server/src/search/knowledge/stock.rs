//! The pages of the preset that runs, as part of the knowledge of the workspaces that it serves.

use std::collections::{HashMap, HashSet};

use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::Knowledge;
use crate::domain::clock;
use crate::domain::knowledge::{Document, Kind};
use crate::domain::mint;
use crate::domain::preset::{Page, Preset};
use crate::search::chunk;
use crate::search::shelf::blocking;
use crate::store::StoreError;

/// What changed; nothing where the same preset had run before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stocked {
    pub stored: usize,
    pub deleted: usize,
}

/// Before the name of a preset, in the source of its pages.
const SOURCE: &str = "preset:";

/// Brings the preset's pages into the workspaces that it serves, and takes out those of other presets. What has not
/// changed is not touched.
pub async fn stock(knowledge: &Knowledge, preset: &Preset) -> Result<Stocked, StoreError> {
    let library = knowledge.library();
    let mut stocked = Stocked::default();
    for workspace in library.workspaces_running(&preset.name).await? {
        let there = library.imported(workspace, SOURCE).await?;
        let known: HashMap<Uuid, Vec<u8>> = there.into_iter().map(|page| (page.id, page.hash)).collect();
        let documents: Vec<_> = preset.pages.iter().map(|page| document(workspace, preset, page)).collect();
        let wanted: HashSet<Uuid> = documents.iter().map(|document| document.id).collect();
        let changed: Vec<_> = documents
            .into_iter()
            .filter(|document| known.get(&document.id).is_none_or(|hash| hash[..] != document.hash()))
            .collect();
        let gone: Vec<Uuid> = known.into_keys().filter(|id| !wanted.contains(id)).collect();
        if changed.is_empty() && gone.is_empty() {
            continue;
        }
        stocked.stored += changed.len();
        stocked.deleted += gone.len();
        let changed = blocking(move || {
            let chunked = |document: Document| {
                let chunks = chunk::chunks(&document.title, &document.content);
                (document, chunks)
            };
            changed.into_iter().map(chunked).collect::<Vec<_>>()
        })
        .await;
        library.put(workspace, &changed, clock::now()).await?;
        if !gone.is_empty() {
            library.delete(workspace, gone).await?;
        }
        knowledge.changed(workspace);
    }
    Ok(stocked)
}

fn document(workspace: WorkspaceId, preset: &Preset, page: &Page) -> Document {
    let source = format!("{SOURCE}{}/{}", preset.name, page.path);
    Document {
        id: mint::imported_document(workspace, &source),
        source: Some(source),
        title: page.title.clone(),
        url: None,
        content: page.text.clone(),
        kind: Kind::Public,
        topic: page.topic.clone(),
        metadata: None,
    }
}
