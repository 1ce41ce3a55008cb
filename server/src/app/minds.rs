//! How the agent comes to its senses: by words alone first, and by meaning as soon as there is a model.

use std::path::{Path, PathBuf};

use crate::brain::Brain;
use crate::brain::local::LocalBrain;
use crate::brain::openai::OpenAi;
use crate::config::Config;
use crate::domain::preset::Preset;
use crate::search::Search;
use crate::session::Minds;

/// What the agent thinks with. It has learned nothing yet: its turns wait until it has.
pub fn asleep(config: &Config, search: Search) -> anyhow::Result<Minds> {
    let preset = Preset::load(&config.preset)?;
    let remote = match &config.remote {
        Some(remote) => Some(Box::new(OpenAi::new(remote.clone())?) as Box<dyn Brain>),
        None => None,
    };
    Ok(Minds::new(preset, LocalBrain::default(), remote, search))
}

/// Learns the desk's intents by their words. A second or so for one that was never seen, nothing for one that was.
pub async fn wake(minds: Minds, model_dir: PathBuf) {
    let preset = minds.preset();
    let local = minds.local().clone();
    let learned = tokio::task::spawn_blocking(move || {
        for desk in preset.modes.iter().filter(|_| preset.ai) {
            local.teach(&preset, desk.mode, None, &lessons(&model_dir));
        }
    });
    if learned.await.is_err() {
        tracing::error!("learning the desk's intents has crashed; its conversations wait for people");
    }
}

/// Where what was learned of intents is kept.
pub fn lessons(model_dir: &Path) -> PathBuf {
    model_dir.join("intents")
}
