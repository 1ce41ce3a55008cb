//! A test's own universe: a data folder, a server in it, and everything that can be done to that
//! server from outside.
//!
//! Invariant: worlds share nothing: no port, no folder, no database, nothing of the environment that the
//! tests were started in. A world that ends stops its server properly and reads its log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::machine::{self, Lane};
use crate::process::{self, Process};
use crate::socket::{RpcError, Socket, Upgrade};
use crate::visitor::Visitor;
use crate::{database, log, patience, template};

/// Signs the tokens of every world: 32 characters are the least that the server takes.
pub const SECRET: &str = "only-for-tests-0123456789-abcdefghijk";

/// A cheap handle: clones are the same world.
#[derive(Clone, Debug)]
pub struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    lane: Lane,
    folder: TempDir,
    http: reqwest::Client,
    server: tokio::sync::Mutex<Option<Process>>,
    plan: Mutex<Plan>,
}

/// What the next start goes by.
#[derive(Debug, Default)]
struct Plan {
    preset: Option<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// The first start is to find no data folder, rather than one in which a server has started before.
    new_machine: bool,
    /// Known after the first start, and kept: clients that reconnect by themselves find the server again.
    address: Option<SocketAddr>,
    allowed_warnings: Vec<String>,
}

impl World {
    /// An empty world. The server is not running yet.
    pub fn new(name: &str, lane: Lane) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        // Short, as the path of a unix socket may have 107 bytes; open to others, as Postgres drops root's
        // rights.
        let folder = tempfile::Builder::new()
            .prefix("sb-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .context("making the world's folder")?;
        // Every test speaks to loopback in the clear, but the client wants one; the first call of a process counts.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(patience::PATIENCE).build()?;
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            lane,
            folder,
            http,
            server: tokio::sync::Mutex::default(),
            plan: Mutex::default(),
        })))
    }

    // ------------------------------------------------------------------------------------- before the start

    /// The first start finds nothing in the data folder, as on a new machine. Otherwise it finds what a first
    /// start leaves.
    pub fn on_a_new_machine(&self) -> &Self {
        self.plan(|plan| plan.new_machine = true);
        self
    }

    /// Adds arguments of `switchboard serve` to every later start.
    pub fn with_arguments(&self, arguments: &[&str]) -> &Self {
        self.plan(|plan| plan.arguments.extend(arguments.iter().map(ToString::to_string)));
        self
    }

    /// Runs this desk, by its name or file, from the next start on. Without it people alone answer.
    pub fn with_preset(&self, preset: &str) -> &Self {
        self.plan(|plan| plan.preset = Some(preset.to_owned()));
        self
    }

    /// The same with a desk of the test's own, which is written into a file.
    pub fn with_desk(&self, text: &str) -> Result<&Self> {
        let desk = self.path("desk.toml");
        std::fs::write(&desk, text)?;
        Ok(self.with_preset(desk.to_str().context("a path in UTF-8")?))
    }

    /// Sets a variable of the server's environment for every later start.
    pub fn with_variable(&self, name: &str, value: &str) -> &Self {
        self.plan(|plan| plan.environment.push((name.to_owned(), value.to_owned())));
        self
    }

    /// No rate limits: for tests that send in bulk.
    pub fn without_limits(&self) -> &Self {
        self.allow_warning("limits");
        self.with_arguments(&["--limits", "off"])
    }

    /// The server may log warnings and errors whose line contains `part`. All others fail the test.
    pub fn allow_warning(&self, part: &str) -> &Self {
        self.plan(|plan| plan.allowed_warnings.push(part.to_owned()));
        self
    }

    // ------------------------------------------------------------------------------------- its life

    /// Starts the server and waits until it is ready. A later start listens on the same port.
    pub async fn start(&self) -> Result<()> {
        let mut server = self.0.server.lock().await;
        ensure!(server.is_none(), "the server is running already");
        if !self.data().exists() && !self.plan(|plan| plan.new_machine) {
            template::copy_to(&self.data())?;
        }
        let port_file = self.path("port");
        if port_file.exists() {
            std::fs::remove_file(&port_file)?;
        }
        let listen = self
            .plan(|plan| plan.address)
            .map_or_else(|| "127.0.0.1:0".to_owned(), |known| known.to_string());
        let preset = self.plan(|plan| plan.preset.clone()).unwrap_or_else(|| "relay".to_owned());
        let mut command = self.program();
        command.args(["serve", "--listen", &listen, "--preset", &preset, "--port-file"]).arg(&port_file);
        command.args(self.plan(|plan| plan.arguments.clone()));

        let mut process = Process::start(command, &self.log_file())?;
        let address: SocketAddr = patience::eventually("the server to be ready", async || {
            if let Some(status) = process.ended()? {
                bail!("the server ended at once: {status}");
            }
            // The server renames the finished file into place: what is there is whole.
            let text = std::fs::read_to_string(&port_file).unwrap_or_default();
            text.trim().parse().map(Some).or(Ok(None))
        })
        .await?;
        self.plan(|plan| plan.address = Some(address));
        *server = Some(process);
        Ok(())
    }

    /// `kill -9`: the server has no chance to do anything more.
    pub async fn kill(&self) -> Result<()> {
        let mut server = self.0.server.lock().await;
        let mut process = server.take().context("there is no server to kill")?;
        // Its private cluster needs a moment longer to notice.
        self.allow_warning("the Postgres of a server that was killed still runs");
        process.signal(Signal::SIGKILL)?;
        process.wait().await?;
        Ok(())
    }

    /// Tells the server to stop, and does not wait: for tests that watch it drain.
    pub async fn terminate(&self) -> Result<()> {
        self.signal(Signal::SIGTERM).await
    }

    /// Waits for the end of a server that was told to stop, or that stops by itself.
    pub async fn ended(&self) -> Result<ExitStatus> {
        let mut server = self.0.server.lock().await;
        let status = server.as_mut().context("no server is running")?.wait().await?;
        *server = None;
        Ok(status)
    }

    /// SIGTERM, as a service manager would; gives the time that it took.
    pub async fn stop(&self) -> Result<Duration> {
        let begun = Instant::now();
        self.terminate().await?;
        let status = self.ended().await?;
        ensure!(status.success(), "the server was told to stop and ended with {status}");
        Ok(begun.elapsed())
    }

    /// Stops the server properly and starts it again at the same address.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// Any signal: `SIGSTOP` and `SIGCONT` freeze and thaw the server.
    pub async fn signal(&self, signal: Signal) -> Result<()> {
        self.0.server.lock().await.as_ref().context("no server is running")?.signal(signal)
    }

    /// The server's resident memory in bytes.
    pub async fn memory(&self) -> Result<u64> {
        self.0.server.lock().await.as_ref().context("no server is running")?.resident_memory()
    }

    /// The server's process id.
    pub async fn process_id(&self) -> Result<i32> {
        Ok(self.0.server.lock().await.as_ref().context("no server is running")?.id())
    }

    /// Runs `switchboard` with other arguments in this world, whether or not its server runs: `["user",
    /// "list"]`.
    pub async fn command(&self, arguments: &[&str]) -> Result<Output> {
        self.command_with_input(arguments, "").await
    }

    /// The same, with something on its standard input.
    pub async fn command_with_input(&self, arguments: &[&str], input: &str) -> Result<Output> {
        use tokio::io::AsyncWriteExt as _;
        let mut child = self
            .program()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().context("the input is a pipe")?;
        // A program that reads nothing may have closed it.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        patience::within(&format!("the end of `switchboard {}`", arguments.join(" ")), async {
            Ok(child.wait_with_output().await?)
        })
        .await
    }

    /// The running server will die at this place of its code, as if by `kill -9`; `NAME:N` means the N-th time.
    pub async fn arm(&self, place: &str) -> Result<()> {
        let answer = database::command(&self.data(), &json!({"command": "arm", "place": place})).await?;
        ensure!(answer["done"] == true, "the server does not take the place {place}: {answer}");
        Ok(())
    }

    // ------------------------------------------------------------------------------------- speaking to it

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.plan(|plan| plan.address).expect("the test starts the server first")
    }

    /// The URL of a path that starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The HTTP client of this world, for anything that is not below.
    pub fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// `GET` of a path, whatever the status.
    pub async fn get(&self, path: &str) -> Result<reqwest::Response> {
        Ok(self.0.http.get(self.url(path)).send().await?)
    }

    /// A request over `POST /rpc`. A JSON-RPC error is an [`RpcError`] within the error.
    pub async fn rpc(&self, bearer: Option<&str>, method: &str, params: Value) -> Result<Value> {
        let mut request = self.0.http.post(self.url("/rpc"));
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let response = request.json(&body).send().await?;
        let status = response.status();
        let mut answer: Value =
            response.json().await.with_context(|| format!("{method} over HTTP: {status} without JSON"))?;
        match answer.get_mut("error") {
            Some(error) => Err(RpcError::from(error.take()).into()),
            None => Ok(answer["result"].take()),
        }
    }

    /// A socket on which nothing has been opened.
    pub async fn socket(&self) -> Result<Socket> {
        Socket::connect(self.address(), Upgrade::default()).await
    }

    /// A new anonymous visitor with a conversation.
    pub async fn visitor(&self) -> Result<Visitor> {
        Visitor::open(self.address(), json!({})).await
    }

    // ------------------------------------------------------------------------------------- looking behind it

    /// The rows of a `select`, each an object by column name, past row-level security.
    pub async fn rows(&self, select: &str) -> Result<Vec<Value>> {
        database::rows(self.lane(), &self.data(), select).await
    }

    /// The one value of a query that gives one row with one column.
    pub async fn value(&self, select: &str) -> Result<Value> {
        let mut rows = self.rows(select).await?;
        ensure!(rows.len() == 1, "one row was expected of {select}, not {}", rows.len());
        let row = rows.remove(0).as_object().cloned().context("a row is an object")?;
        ensure!(row.len() == 1, "one column was expected of {select}");
        row.into_iter().next().map(|(_, value)| value).context("the column is there")
    }

    /// Runs a statement behind the server's back.
    pub async fn execute(&self, statement: &str) -> Result<()> {
        database::execute(self.lane(), &self.data(), statement).await
    }

    /// The messages of a conversation as they are stored, by `seq`; fails unless that is dense from 1.
    pub async fn stored_messages(&self, conversation: &str) -> Result<Vec<Value>> {
        let messages = self
            .rows(&format!(
                "select seq, id, client_id, role, content, metadata from messages \
                 where conversation_id = '{conversation}' order by seq"
            ))
            .await?;
        for (expected, message) in (1_u64..).zip(&messages) {
            ensure!(
                message["seq"] == expected,
                "the stored log is not dense: {expected} was due at {message}"
            );
        }
        Ok(messages)
    }

    pub fn lane(&self) -> Lane {
        self.0.lane
    }

    /// The server's data folder.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A path in the world's folder, for files of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.folder.path().join(name)
    }

    /// All that the server has logged so far, in all its lives.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.log_file())?)
    }

    // ------------------------------------------------------------------------------------- its end

    /// Stops what still runs and reads the log. The runner calls this after each test.
    pub async fn end(&self) -> Result<()> {
        let stopped = self.end_server().await;
        let undeclared = if self.log_file().exists() {
            let allowed = self.plan(|plan| plan.allowed_warnings.clone());
            log::undeclared(&self.log_file(), &allowed)?
        } else {
            Vec::new()
        };
        stopped?;
        if !undeclared.is_empty() {
            bail!("the server's log holds what the test did not allow:\n  {}", undeclared.join("\n  "));
        }
        Ok(())
    }

    async fn end_server(&self) -> Result<()> {
        let Some(mut process) = self.0.server.lock().await.take() else { return Ok(()) };
        if let Some(status) = process.ended()? {
            bail!("the server ended by itself: {status}");
        }
        // A test that failed may have left it frozen.
        process.signal(Signal::SIGCONT)?;
        process.signal(Signal::SIGTERM)?;
        let status = process.wait().await.context("after SIGTERM")?;
        ensure!(status.success(), "the server was told to stop and ended with {status}");
        Ok(())
    }

    /// For a test that failed: keeps the log where it can be read, and quotes its end.
    pub fn obituary(&self) -> String {
        const LINES: usize = 30;
        let kept = machine::repository().join("tests/out").join(format!(
            "{}.{}.log",
            self.0.name.replace("::", "-"),
            self.lane().name()
        ));
        let copy = || {
            std::fs::create_dir_all(kept.parent()?).ok()?;
            std::fs::copy(self.log_file(), &kept).ok()
        };
        match copy() {
            Some(_) => format!(
                "in the {} lane; the server's log is {}, and ends with\n{}\n",
                self.lane().name(),
                kept.display(),
                log::tail(&self.log_file(), LINES)
            ),
            None => format!("in the {} lane; the server wrote no log", self.lane().name()),
        }
    }

    fn log_file(&self) -> PathBuf {
        self.path("server.log")
    }

    /// The program, told where this world's data is, and nothing else.
    fn program(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(process::program());
        command
            .env_clear()
            .env("PATH", machine::search_path())
            .env("HOME", self.0.folder.path())
            .env("RUST_BACKTRACE", "1")
            .env("DATABASE_URL", self.lane().name())
            .env("SWITCHBOARD_DATA", self.data())
            // What was learned of the shipped desks once is known to every world; by words, so that none needs the model.
            .env("SWITCHBOARD_MODEL_DIR", machine::model_folder())
            .env("SWITCHBOARD_EMBEDDER", "none")
            .env("SWITCHBOARD_LOG_FORMAT", "json")
            .env("JWT_SECRET_KEY", SECRET)
            .current_dir(self.0.folder.path());
        command.envs(self.plan(|plan| plan.environment.clone()));
        command
    }

    fn plan<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        change(&mut self.0.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a command printed, for assertions; fails unless it succeeded.
pub fn printed(output: &Output) -> Result<String> {
    if !output.status.success() {
        return Err(anyhow!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8(output.stdout.clone())?)
}

/// Where the tests leave what a person may want to look at: logs of failed tests, screenshots.
pub fn out_folder() -> Result<PathBuf> {
    let folder = Path::new(machine::repository()).join("tests/out");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
