//! The program under test: built once a run, started, told to stop, killed.
//!
//! Invariant: the program that runs is the one built from this tree, with the hooks that the tests look
//! through, and it cannot change under a running test: each run starts from a link of its own to the file
//! that cargo made.
//!
//! Why a cargo within cargo: the path of a program is known at compile time to tests of its own crate only,
//! and these are a crate of their own. A file left by an earlier build may be older than the source, so the
//! question is put to cargo, which answers in a fraction of a second when there is nothing to do. The whole
//! workspace is selected, and this test with it, so that every dependency has the very features that
//! `cargo test` built it with.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::process::Child;

use crate::{machine, patience};

/// The server's own cargo feature, which makes its control socket answer queries.
const TEST_HOOKS: &str = "switchboard-server/test-hooks";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// The program under test. Only after [`build`].
pub fn program() -> &'static Path {
    PROGRAM.get().expect("the runner builds the program before it runs a test")
}

/// Builds the program, or takes the one that `SWITCHBOARD_BIN` names.
pub fn build() -> Result<()> {
    let program = match machine::given_program() {
        Some(given) => {
            given.canonicalize().with_context(|| format!("SWITCHBOARD_BIN is {}", given.display()))?
        }
        None => link(&build_with_cargo()?)?,
    };
    ensure!(PROGRAM.set(program).is_ok(), "the program is built once a run");
    Ok(())
}

fn build_with_cargo() -> Result<PathBuf> {
    let place = Place::of_this_test()?;
    let output = machine::cargo()
        .args([
            "build",
            "--locked",
            "--workspace",
            "--bin",
            "switchboard",
            "--test",
            "e2e",
            "--features",
            TEST_HOOKS,
        ])
        .args(["--message-format", "json-render-diagnostics", "--profile", &place.profile])
        .arg("--target-dir")
        .arg(&place.target)
        .current_dir(machine::repository())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    ensure!(output.status.success(), "cargo build failed");
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find(|message| message["target"]["name"] == "switchboard" && message["executable"].is_string())
        .and_then(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo named no executable")
}

/// Another build may replace the file while tests run; what a link of ours leads to stays.
fn link(program: &Path) -> Result<PathBuf> {
    let folder = program.parent().context("a program is in a folder")?.join("under-test");
    std::fs::create_dir_all(&folder)?;
    remove_links_of_earlier_runs(&folder)?;
    let link = folder.join(format!("switchboard-{}", std::process::id()));
    let _ = std::fs::remove_file(&link);
    std::fs::hard_link(program, &link)
        .or_else(|_| std::fs::copy(program, &link).map(|_| ()))
        .with_context(|| format!("linking {} to {}", link.display(), program.display()))?;
    Ok(link)
}

fn remove_links_of_earlier_runs(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let owner = path.file_name().and_then(|name| name.to_str()?.rsplit_once('-')?.1.parse().ok());
        let owner_runs = owner.is_some_and(|pid| kill(Pid::from_raw(pid), None).is_ok());
        if !owner_runs {
            // Another run may have been quicker.
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(())
}

/// Where this test program was built, and how: the server is built likewise.
struct Place {
    target: PathBuf,
    profile: String,
}

impl Place {
    fn of_this_test() -> Result<Self> {
        // …/target/debug/deps/e2e-0123456789abcdef
        let this = std::env::current_exe().context("asking where this program is")?;
        let outputs = this.ancestors().nth(2).context("a test program is in a folder of its profile")?;
        let target = outputs.parent().context("a profile's folder is in the target folder")?;
        let folder = outputs.file_name().and_then(|name| name.to_str()).context("the folder has a name")?;
        let profile = if folder == "debug" { "dev" } else { folder };
        Ok(Self { target: target.to_owned(), profile: profile.to_owned() })
    }
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: Pid,
}

impl Process {
    /// Starts `command` with its output at the end of `log`.
    pub fn start(mut command: tokio::process::Command, log: &Path) -> Result<Self> {
        let out = std::fs::File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .context("starting the server")?;
        let pid = child.id().context("a process that was just started has an id")?;
        Ok(Self { child, pid: Pid::from_raw(i32::try_from(pid)?) })
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.pid, signal).with_context(|| format!("sending {signal} to the server"))
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        patience::within("the server's end", async { Ok(self.child.wait().await?) }).await
    }

    /// What it takes of the machine's memory, in bytes.
    pub fn resident_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmRSS:")) else {
            bail!("the process has no memory: it has ended");
        };
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }

    pub fn id(&self) -> i32 {
        self.pid.as_raw()
    }
}
