//! A Postgres of the test's own, reached at an address as one that somebody else runs: it can be stopped in
//! each of Postgres' ways, frozen, and started again, while the server lives on.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown, geteuid};
use switchboard_tests::prelude::*;
use switchboard_tests::{database, machine, world};
use tokio::process::{Child, Command};

pub(crate) const TESTS: &[Test] = tests![
    a_server_on_somebody_elses_postgres_leaves_it_running needs LocalDatabase,
    an_address_where_nobody_answers_is_refused_with_a_sentence needs LocalDatabase,
];

async fn a_server_on_somebody_elses_postgres_leaves_it_running(world: World) -> Result<()> {
    let postgres = Postgres::start(&world).await?;
    world.start().await?;
    let mut visitor = world.visitor().await?;
    ensure!(visitor.send("hello").await?.seq == 1);
    world.restart().await?;
    ensure!(visitor.tab().await?.said() == ["hello"]);
    world.stop().await?;
    ensure!(postgres.rows("select content from messages").await? == [json!({"content": "hello"})]);
    ensure!(!world.data().join("database-kind").exists(), "nothing in the folder is bound to a database");
    Ok(())
}

async fn an_address_where_nobody_answers_is_refused_with_a_sentence(world: World) -> Result<()> {
    let nowhere = world.path("nowhere");
    let address = format!("host={} user=nobody dbname=none", nowhere.display());
    let output = world.command(&["serve", "--listen", "127.0.0.1:0", "--database", &address]).await?;
    ensure!(!output.status.success(), "it starts without a database");
    let said = String::from_utf8(output.stderr)?;
    ensure!(said.contains("no database answers at"), "it says why: {said}");
    ensure!(world::printed(&world.command(&["--version"]).await?)?.starts_with("switchboard"));
    Ok(())
}

/// A running cluster. It ends with this value: the server must have been stopped by then.
pub(crate) struct Postgres {
    /// Laid out as the server's own, so that the harness can ask both in the same way.
    folder: PathBuf,
    process: Option<Child>,
}

impl Postgres {
    /// Makes one in the world's folder, starts it, and tells the world's server to use it.
    pub(crate) async fn start(world: &World) -> Result<Self> {
        let folder = world.path("elsewhere");
        let place = folder.join("postgres-local");
        for made in [&folder, &place, &place.join("socket")] {
            std::fs::create_dir(made)?;
            // The users of Postgres and of the server differ where the test runs as root.
            std::fs::set_permissions(made, std::fs::Permissions::from_mode(0o755))?;
            if geteuid().is_root() {
                let postgres = User::from_name("postgres")?.context("there is no user postgres")?;
                chown(made, Some(postgres.uid), Some(postgres.gid))?;
            }
        }
        let output = program("initdb")?
            .args(["--no-sync", "-A", "trust", "-U", "switchboard", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(place.join("cluster"))
            .output()
            .await?;
        world::printed(&output).context("initdb")?;
        let mut postgres = Self { folder, process: None };
        postgres.run().await?;
        world.on_a_new_machine().with_variable("DATABASE_URL", &postgres.address());
        Ok(postgres)
    }

    /// As `--database` takes it.
    pub(crate) fn address(&self) -> String {
        format!("host={} user=switchboard dbname=postgres", self.socket().display())
    }

    /// Starts it again, and waits until it takes connections.
    pub(crate) async fn run(&mut self) -> Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut process = program("postgres")?
            .arg("-D")
            .arg(self.cluster())
            .arg("-k")
            .arg(self.socket())
            .args(["-c", "listen_addresses=", "-c", "max_connections=60", "-c", "jit=off"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting Postgres")?;
        eventually("Postgres to take connections", async || {
            if let Some(status) = process.try_wait()? {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("Postgres ended at once: {status}\n{log}");
            }
            Ok(self.rows("select 1 as one").await.ok().map(|_| ()))
        })
        .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it: SIGINT is `fast`, SIGQUIT `immediate`, SIGKILL is what nobody should do.
    pub(crate) async fn stop(&mut self, how: Signal) -> Result<()> {
        kill(self.postmaster()?, how)?;
        let mut process = self.process.take().context("Postgres is not running")?;
        within("the end of Postgres", async { Ok(process.wait().await?) }).await?;
        // After a SIGKILL its other processes take a moment to notice.
        eventually("the end of its other processes", async || Ok(self.processes()?.is_empty().then_some(())))
            .await
    }

    /// Nothing of it moves any more, as on a machine that hangs; connections stay open.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal_all(Signal::SIGSTOP)
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal_all(Signal::SIGCONT)
    }

    /// The rows of a `select`, each an object by column name.
    pub(crate) async fn rows(&self, select: &str) -> Result<Vec<Value>> {
        database::rows(Lane::Local, &self.folder, select).await
    }

    fn signal_all(&self, signal: Signal) -> Result<()> {
        // The postmaster first, so that nobody new comes meanwhile.
        kill(self.postmaster()?, signal)?;
        for process in self.processes()? {
            // One that has just ended needs no signal.
            let _ = kill(process, signal);
        }
        Ok(())
    }

    fn postmaster(&self) -> Result<Pid> {
        let id = self.process.as_ref().and_then(Child::id).context("Postgres is not running")?;
        Ok(Pid::from_raw(i32::try_from(id)?))
    }

    /// Each of Postgres' processes works in the cluster's folder.
    fn processes(&self) -> Result<Vec<Pid>> {
        let cluster = self.cluster().canonicalize()?;
        let ids = std::fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        Ok(ids.filter(|id| works_in(*id, &cluster)).map(Pid::from_raw).collect())
    }

    fn cluster(&self) -> PathBuf {
        self.folder.join("postgres-local/cluster")
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("postgres-local/socket")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Ok(postmaster) = self.postmaster() {
            // A test that failed may have left it frozen.
            let _ = self.thaw();
            let _ = kill(postmaster, Signal::SIGQUIT);
        }
    }
}

/// One of Postgres' programs, run by somebody whom it allows: it refuses root.
fn program(name: &str) -> Result<Command> {
    let programs = machine::postgres_programs().context("no Postgres is installed here")?;
    let path = programs.join(name);
    if !geteuid().is_root() {
        return Ok(Command::new(path));
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=QUIT", "--"])
        .arg(path);
    // It must not need a folder that this user may not enter.
    command.current_dir("/");
    Ok(command)
}

fn works_in(process: i32, folder: &Path) -> bool {
    std::fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|cwd| cwd == folder)
}
