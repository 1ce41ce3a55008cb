//! What this machine can run: the database lane that was asked for, and whether a browser and native Postgres
//! are here.
//!
//! Invariant: the only place of the harness that reads the environment.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Which database the servers of this run stand on. Every test runs on both, one lane after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Postgres inside the server's own process: needs nothing installed.
    Embedded,
    /// A private cluster of the Postgres binaries that are installed.
    Local,
}

impl Lane {
    /// The lane named by `SWITCHBOARD_TEST_DATABASE`; the embedded one where nothing is named.
    pub fn of_this_run() -> Self {
        match setting("SWITCHBOARD_TEST_DATABASE").as_deref() {
            None | Some("" | "embedded") => Self::Embedded,
            Some("local") => Self::Local,
            Some(other) => panic!("SWITCHBOARD_TEST_DATABASE is `{other}`: it can be `embedded` or `local`"),
        }
    }

    /// The word for it, as the server's `--database` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Local => "local",
        }
    }
}

/// What a test needs beside the server. One that lacks it is not run, and is named at the end with the
/// reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Chromium and chromedriver.
    Browser,
    /// axe-core, which looks for what keeps people out of a page.
    Axe,
    /// The weights of the embedding model, where the server looks for them.
    Model,
    /// Native Postgres, for what only makes sense there (its own processes are stopped, its socket is spoken
    /// to).
    LocalDatabase,
}

/// Why a test cannot run here.
#[derive(Debug)]
pub struct Missing {
    /// For a person: what is not there and how to get it.
    pub reason: String,
    /// It is a matter of the lane, and the other lane runs it: not a lack of this machine.
    pub runs_in_other_lane: bool,
}

impl Need {
    /// What stands in the way of this need on `lane`, if anything does.
    pub fn missing(self, lane: Lane) -> Option<Missing> {
        match self {
            Self::Browser => {
                let lacking: Vec<&str> = [("Chromium", browser()), ("chromedriver", driver())]
                    .into_iter()
                    .filter_map(|(name, path)| path.is_none().then_some(name))
                    .collect();
                (!lacking.is_empty()).then(|| Missing {
                    reason: format!(
                        "no {} on this machine (tests/install brings it)",
                        lacking.join(" and no ")
                    ),
                    runs_in_other_lane: false,
                })
            }
            Self::Axe => (!axe().exists()).then(|| Missing {
                reason: "no axe-core on this machine (tests/install brings it)".into(),
                runs_in_other_lane: false,
            }),
            Self::Model => {
                let weights = model_folder().join("all-MiniLM-L6-v2/model.safetensors");
                (!weights.exists()).then(|| Missing {
                    reason: "no embedding model on this machine (`switchboard model fetch` brings it)".into(),
                    runs_in_other_lane: false,
                })
            }
            Self::LocalDatabase => (lane != Lane::Local).then(|| Missing {
                reason: "about native Postgres only (tests/run runs it, in the local lane)".into(),
                runs_in_other_lane: true,
            }),
        }
    }
}

/// Whether a test that cannot run is a failure: so in `tests/run`, which installs what is missing.
pub fn nothing_may_be_skipped() -> bool {
    setting("SWITCHBOARD_TEST_STRICT").is_some_and(|value| value == "1")
}

/// The program under test, where the caller brings one.
pub fn given_program() -> Option<PathBuf> {
    setting("SWITCHBOARD_BIN").map(PathBuf::from)
}

/// The cargo that runs this test, or the one on the path, as if it were started from a shell: cargo tells a
/// test of its package in variables, and there are build scripts that run again, and all that stands on them,
/// when those change.
pub fn cargo() -> Command {
    let mut command = Command::new(setting("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_this_package = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"].iter().any(|prefix| name.starts_with(prefix))
                || ["CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&name)
        });
        if of_this_package {
            command.env_remove(name);
        }
    }
    command
}

/// The search path, which the programs under test get and nothing else of this environment.
pub fn search_path() -> String {
    setting("PATH").unwrap_or_default()
}

/// The browser, if one is installed.
pub fn browser() -> Option<PathBuf> {
    ["chromium", "google-chrome"].into_iter().find_map(installed)
}

/// The browser's driver, if it is installed.
pub fn driver() -> Option<PathBuf> {
    installed("chromedriver")
}

/// The script of axe-core, where `tests/install` puts it.
pub fn axe() -> PathBuf {
    let folder = setting("SWITCHBOARD_BUILD_DIR").map_or_else(model_folder, PathBuf::from);
    folder.join("tools/node/node_modules/axe-core/axe.min.js")
}

/// The programs of the newest Postgres that is installed.
pub fn postgres_programs() -> Option<PathBuf> {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|versions| {
        versions
            .filter_map(|version| Some(version.ok()?.path().join("bin")))
            .filter(|folder| folder.join("initdb").exists())
            .max_by_key(|folder| major_version(folder))
    });
    packaged.or_else(|| Some(installed("initdb")?.canonicalize().ok()?.parent()?.to_owned()))
}

/// Kept between runs: what a server learns of a desk's intents takes an unoptimised build a minute.
pub fn model_folder() -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    home.join(".cache/switchboard")
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository")
}

fn major_version(programs: &Path) -> Option<u32> {
    programs.parent()?.file_name()?.to_str()?.parse().ok()
}

fn installed(program: &str) -> Option<PathBuf> {
    search_path().split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

#[expect(clippy::disallowed_methods, reason = "the one place of the harness that reads the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
