//! How the agent comes to its senses: at once by words alone, and by meaning as soon as there is a model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::brain::local::LocalBrain;
use crate::domain::preset::Preset;
use crate::search::Search;
use crate::session::Minds;

/// What the agent thinks with, able to answer from the first message on.
pub async fn awake(preset: Preset, model_dir: &Path, search: Search) -> anyhow::Result<Minds> {
    let local = LocalBrain::default();
    let preset = learn_words(preset, &local, lessons(model_dir)).await?;
    Ok(Minds::new(preset, local, None, search))
}

/// Where what was learned of intents is kept.
pub fn lessons(model_dir: &Path) -> PathBuf {
    model_dir.join("intents")
}

/// A second or so for a desk that was never seen, nothing for one that was.
async fn learn_words(preset: Preset, local: &LocalBrain, cache: PathBuf) -> anyhow::Result<Preset> {
    let (local, preset) = (local.clone(), Arc::new(preset));
    let learned = preset.clone();
    tokio::task::spawn_blocking(move || {
        for desk in preset.modes.iter().filter(|_| preset.ai) {
            local.teach(&preset, desk.mode, None, &cache);
        }
    })
    .await?;
    Ok(Arc::unwrap_or_clone(learned))
}
