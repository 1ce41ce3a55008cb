//! A data folder in which a server has started once, copied into each new world: making a database takes
//! seconds of a core, copying one a tenth.
//!
//! Invariant: it is made by the program under test, in this run, and was closed properly.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

use crate::machine::Lane;
use crate::world::World;

static DATA: OnceLock<PathBuf> = OnceLock::new();

/// Keeps the folder; dropping it removes it.
#[derive(Debug)]
pub struct Template {
    _world: World,
}

impl Template {
    /// Lets a server make everything that a first start makes.
    pub async fn make(lane: Lane) -> Result<Self> {
        let world = World::new("template", lane)?;
        world.on_a_new_machine();
        let started = world.start().await;
        let ended = world.end().await;
        started.and(ended).with_context(|| world.obituary()).context("the first start")?;
        ensure!(DATA.set(world.data()).is_ok(), "the template is made once a run");
        Ok(Self { _world: world })
    }
}

/// Fills a data folder that does not exist yet.
pub fn copy_to(data: &Path) -> Result<()> {
    let Some(template) = DATA.get() else { return Ok(()) };
    // With owners and times: a private cluster belongs to the user that runs it.
    let copied = Command::new("cp").arg("-a").arg(template).arg(data).output().context("running cp")?;
    ensure!(copied.status.success(), "copying the template: {}", String::from_utf8_lossy(&copied.stderr));
    Ok(())
}
