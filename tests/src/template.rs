//! A data folder in which a server has started once, copied into each new world: making a database takes
//! seconds of a core, copying one a tenth.
//!
//! Invariant: it is made by the program under test, in this run, and was closed properly.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail, ensure};

use crate::machine::Lane;
use crate::patience::eventually;
use crate::world::World;

/// The shipped desks that tests run. An unoptimised build learns one in a minute, once a machine, and no test waits for it.
const DESKS: [&str; 2] = ["bank", "member_support"];
/// Turns that may give up before a lesson is learned.
const LESSONS: usize = 3;
/// Of the harness's patience, for one answer: more than a turn may last.
const WAITS: usize = 3;

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
        for desk in DESKS {
            learn(lane, desk).await.with_context(|| format!("learning the desk {desk}"))?;
        }
        Ok(Self { _world: world })
    }
}

/// Lets a server learn a desk's intents, which it keeps for all later ones.
async fn learn(lane: Lane, desk: &str) -> Result<()> {
    for _ in 0..LESSONS {
        let world = World::new("lesson", lane)?;
        world.with_preset(desk);
        let outcome = first_answer(&world).await;
        world.end().await.with_context(|| world.obituary())?;
        if outcome.with_context(|| world.obituary())? {
            return Ok(());
        }
    }
    bail!("a greeting is still not understood")
}

/// Whether a greeting was understood. One that waited too long for the lesson goes to a person.
async fn first_answer(world: &World) -> Result<bool> {
    world.start().await?;
    world.visitor().await?.send("hello").await?;
    let answered = async || {
        let rows = world.rows("select outcome from interactions").await?;
        Ok(rows.first().map(|row| row["outcome"] == "resolved"))
    };
    for _ in 1..WAITS {
        if let Ok(outcome) = eventually("the first answer", answered).await {
            return Ok(outcome);
        }
    }
    eventually("the first answer", answered).await
}

/// Fills a data folder that does not exist yet.
pub fn copy_to(data: &Path) -> Result<()> {
    let Some(template) = DATA.get() else { return Ok(()) };
    // With owners and times: a private cluster belongs to the user that runs it.
    let copied = Command::new("cp").arg("-a").arg(template).arg(data).output().context("running cp")?;
    ensure!(copied.status.success(), "copying the template: {}", String::from_utf8_lossy(&copied.stderr));
    Ok(())
}
