//! Who runs Postgres. It refuses to run as root, so root hands it to another user, who must be able to reach
//! the cluster and the programs. Both ways lead through `setpriv`, which also has the kernel interrupt it
//! when the thread that started it is gone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

use super::LocalError;

#[derive(Debug, Clone)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    name: String,
    /// This process is root, and the account is not.
    switches: bool,
    has_setpriv: bool,
}

impl Account {
    /// Whoever owns the cluster in `place` or, where there is none yet, whoever may.
    pub(super) fn choose(place: &Path) -> Result<Self, LocalError> {
        let owner = fs::metadata(place).ok().map(|metadata| (metadata.uid(), metadata.gid()));
        let me = geteuid().as_raw();
        let has_setpriv = has_setpriv();
        if me != 0 {
            if let Some((owner, _)) = owner.filter(|(owner, _)| *owner != me) {
                return Err(LocalError::OtherOwner { folder: place.to_owned(), owner });
            }
            if !has_setpriv {
                tracing::warn!(
                    "there is no setpriv here: should this process be killed, its Postgres runs on for now"
                );
            }
            return Ok(Self { uid: me, gid: 0, name: me.to_string(), switches: false, has_setpriv });
        }
        if !has_setpriv {
            return Err(LocalError::NoSetpriv);
        }
        let (uid, gid, name) = match owner {
            Some((uid, gid)) if uid != 0 => (uid, gid, format!("with the id {uid}")),
            _ => {
                let known =
                    ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
                let user = known.ok_or(LocalError::NoUser)?;
                (user.uid.as_raw(), user.gid.as_raw(), user.name)
            }
        };
        Ok(Self { uid, gid, name, switches: true, has_setpriv })
    }

    /// A program that runs as this user and is interrupted when this thread ends.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = if self.has_setpriv {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "INT"]);
            if self.switches {
                let (uid, gid) = (self.uid.to_string(), self.gid.to_string());
                command.args(["--reuid", &uid, "--regid", &gid, "--clear-groups"]);
            }
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        // What this process is told about some database is not meant for this one.
        for name in
            ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGOPTIONS", "DATABASE_URL"]
        {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        command
    }

    /// Hands over what this process made.
    pub(super) fn give(&self, path: &Path) -> Result<(), LocalError> {
        if !self.switches {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid))
            .map_err(|error| LocalError::File { path: path.to_owned(), error })
    }

    pub(super) fn owns(&self, path: &Path) -> bool {
        is_dir_of(path, self.uid)
    }

    pub(super) fn may_take(&self, path: &Path) -> bool {
        self.switches && is_dir_of(path, 0)
    }

    /// Lets the user pass through the data folder, which is ours to change: pass, not look around.
    pub(super) fn admit(&self, data: &Path) -> Result<(), LocalError> {
        let failed = |error| LocalError::File { path: data.to_owned(), error };
        let metadata = fs::metadata(data).map_err(failed)?;
        if self.switches && metadata.uid() == 0 && !self.may_enter(&metadata) {
            fs::set_permissions(data, Permissions::from_mode(metadata.mode() | 0o111)).map_err(failed)?;
        }
        Ok(())
    }

    /// Refuses a folder that the user cannot get to, by the first one on the way that is closed.
    pub(super) fn check_reach(&self, folder: &Path) -> Result<(), LocalError> {
        if !self.switches {
            return Ok(());
        }
        let mut way: Vec<_> = folder.ancestors().collect();
        way.reverse();
        for step in way {
            let metadata =
                fs::metadata(step).map_err(|error| LocalError::File { path: step.to_owned(), error })?;
            if !self.may_enter(&metadata) {
                return Err(LocalError::OutOfReach { folder: step.to_owned(), user: self.name.clone() });
            }
        }
        Ok(())
    }

    fn may_enter(&self, metadata: &fs::Metadata) -> bool {
        let bit = match metadata {
            metadata if metadata.uid() == self.uid => 0o100,
            metadata if metadata.gid() == self.gid => 0o010,
            _ => 0o001,
        };
        metadata.mode() & bit != 0
    }
}

fn is_dir_of(path: &Path, uid: u32) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == uid)
}

/// The one of util-linux: others have no `--pdeathsig`.
fn has_setpriv() -> bool {
    let help = Command::new("setpriv").arg("--help").output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--pdeathsig"))
}
