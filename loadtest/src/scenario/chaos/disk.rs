//! A small disk of its own: memory that is mounted for the run, filled to the last byte and emptied again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use nix::unistd::Uid;
use tempfile::TempDir;

/// Room for the database, its log of changes at its longest, and the conversations of a long run. Postgres runs as
/// another user and passes through.
const OPTIONS: &str = "size=2500m,mode=0755";

const BALLAST: &str = "ballast";
const PIECE: usize = 1024 * 1024;

/// It is unmounted with its owner.
pub struct Disk(TempDir);

impl Disk {
    /// None where this user may not mount anything.
    pub fn mount() -> anyhow::Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let folder = TempDir::with_prefix_in("switchboard-loadtest-disk-", "/var/tmp")?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", OPTIONS, "switchboard-loadtest"]).arg(folder.path());
        let done = mount.output().context("mount cannot be run")?;
        let problem = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "a small disk cannot be mounted: {}", problem.trim());
        Ok(Some(Self(folder)))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no byte free.
    pub fn fill(&self) -> io::Result<()> {
        let mut ballast = File::create(self.path().join(BALLAST))?;
        let piece = vec![0; PIECE];
        loop {
            match ballast.write(&piece) {
                Ok(1..) => {}
                Ok(0) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(self.path().join(BALLAST)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still holds a file of it does not keep it here. It fails only where it is unmounted already.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
