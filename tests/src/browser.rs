//! A real browser: headless Chromium, driven through chromedriver, with a profile that nobody has used
//! before.
//!
//! Invariant: a browser of one test knows nothing of another's, and what it logs as an error is seen.

use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::actions::{
    ActionSequence, InputSource as _, KeyAction, KeyActions, MouseActions, PointerAction,
};
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{machine, patience, world};

pub use self::site::Site;
pub use fantoccini::key::Key;

mod site;

/// A browser with one window; `client` is everything that a driver can do.
#[derive(Debug)]
pub struct Browser {
    pub client: Client,
    driver: Driver,
    profile: TempDir,
    allowed_errors: Mutex<Vec<String>>,
}

impl Browser {
    /// Starts one, with a fresh profile.
    pub async fn start() -> Result<Self> {
        Self::of(tempfile::Builder::new().prefix("sb-browser-").tempdir()?).await
    }

    /// Ends it, as its user does in the evening, and starts it again with the same profile.
    pub async fn restart(self) -> Result<Self> {
        self.expect_no_errors().await?;
        let Self { client, driver, profile, allowed_errors } = self;
        patience::within("the browser's end", async { Ok(client.close().await?) }).await?;
        drop(driver);
        let mut again = Self::of(profile).await?;
        again.allowed_errors = allowed_errors;
        Ok(again)
    }

    /// Ends the browser; fails if a page logged an error that was not allowed.
    pub async fn close(self) -> Result<()> {
        self.expect_no_errors().await?;
        patience::within("the browser's end", async { Ok(self.client.close().await?) }).await
    }

    async fn of(profile: TempDir) -> Result<Self> {
        let browser = machine::browser().context("no Chromium on this machine")?;
        let driver = patience::within("chromedriver", Driver::start()).await?;
        let arguments = json!([
            "--headless=new",
            // As root, and in containers, Chromium's own sandbox cannot start.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.path().display()),
        ]);
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".into(), json!({"args": arguments, "binary": browser}));
        capabilities.insert("goog:loggingPrefs".into(), json!({"browser": "ALL"}));
        let client = patience::within("a browser", async {
            Ok(ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities)
                .connect(&format!("http://127.0.0.1:{}", driver.port))
                .await?)
        })
        .await?;
        Ok(Self { client, driver, profile, allowed_errors: Mutex::default() })
    }

    // ------------------------------------------------------------------------------------- pages and tabs

    /// Goes to a page and waits until it is loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        patience::within(url, async { Ok(self.client.goto(url).await?) }).await
    }

    /// Loads the page anew and waits until it is loaded.
    pub async fn reload(&self) -> Result<()> {
        patience::within("the page, anew", async { Ok(self.client.refresh().await?) }).await
    }

    /// Runs a script, with `return` for its result; it may return a promise.
    pub async fn run(&self, script: &str) -> Result<Value> {
        patience::within(script, async { Ok(self.client.execute(script, vec![]).await?) }).await
    }

    /// Runs a script until its result is neither null, false nor undefined.
    pub async fn wait_for(&self, script: &str) -> Result<Value> {
        patience::eventually(script, async || {
            let found = self.client.execute(script, vec![]).await?;
            Ok((!found.is_null() && found != json!(false)).then_some(found))
        })
        .await
    }

    /// Opens another tab, and all that follows is about it.
    pub async fn open_tab(&self) -> Result<WindowHandle> {
        let tab = patience::within("another tab", async { Ok(self.client.new_window(true).await?) }).await?;
        self.switch_to(&tab.handle).await?;
        Ok(tab.handle)
    }

    /// All that follows is about this tab.
    pub async fn switch_to(&self, tab: &WindowHandle) -> Result<()> {
        patience::within("a tab", async { Ok(self.client.switch_to_window(tab.clone()).await?) }).await
    }

    /// The tab that all is about just now.
    pub async fn tab(&self) -> Result<WindowHandle> {
        patience::within("the tab", async { Ok(self.client.window().await?) }).await
    }

    /// Closes the tab that all is about just now.
    pub async fn close_tab(&self) -> Result<()> {
        patience::within("the tab's end", async { Ok(self.client.close_window().await?) }).await
    }

    // ------------------------------------------------------------------------------------- hands

    /// Types on the keyboard, into whatever has the focus. A [`Key`] is text, too.
    pub async fn keys(&self, text: &str) -> Result<()> {
        let strokes = text
            .chars()
            .flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }])
            .fold(KeyActions::new("keyboard".into()), KeyActions::then);
        self.act(strokes).await
    }

    /// Presses a key while another is held down.
    pub async fn chord(&self, held: Key, pressed: Key) -> Result<()> {
        let [held, pressed] = [held, pressed].map(char::from);
        let strokes = [
            KeyAction::Down { value: held },
            KeyAction::Down { value: pressed },
            KeyAction::Up { value: pressed },
            KeyAction::Up { value: held },
        ];
        self.act(strokes.into_iter().fold(KeyActions::new("keyboard".into()), KeyActions::then)).await
    }

    /// Clicks in the middle of the element that a script returns.
    pub async fn click(&self, element: &str) -> Result<()> {
        self.click_while(element, async { Ok(()) }).await
    }

    /// The same with something that happens between press and release.
    pub async fn click_while(&self, element: &str, happens: impl Future<Output = Result<()>>) -> Result<()> {
        let middle = format!(
            "const {{ x, y, width, height }} = (() => {{ {element} }})().getBoundingClientRect();
             return [x + width / 2, y + height / 2]"
        );
        let (x, y): (f64, f64) = serde_json::from_value(self.run(&middle).await?)?;
        let button = fantoccini::actions::MOUSE_BUTTON_LEFT;
        let mouse = || MouseActions::new("mouse".into());
        let press = mouse().then(PointerAction::MoveTo { duration: None, x, y });
        self.act(press.then(PointerAction::Down { button })).await?;
        happens.await?;
        self.act(mouse().then(PointerAction::Up { button })).await
    }

    async fn act(&self, actions: impl Into<ActionSequence>) -> Result<()> {
        let actions = actions.into();
        patience::within("the hands", async { Ok(self.client.perform_actions(actions).await?) }).await
    }

    // ------------------------------------------------------------------------------------- eyes

    /// A picture of the window in `tests/out/`.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let picture = patience::within("a screenshot", async { Ok(self.client.screenshot().await?) }).await?;
        let path = world::out_folder()?.join(format!("{name}.png"));
        std::fs::write(&path, picture)?;
        Ok(path)
    }

    /// What axe-core finds wrong within what a selector finds, and what keeps people out: its serious and critical
    /// faults, each with where it is.
    pub async fn barriers(&self, within: &str) -> Result<Vec<String>> {
        let axe = std::fs::read_to_string(machine::axe()).context("reading axe-core")?;
        // As an extension would: the page's own policy is about its own scripts.
        self.devtools("Runtime.evaluate", json!({"expression": axe})).await?;
        let found = self
            .run(&format!(
                "return axe.run({}).then(({{ violations }}) => violations
                   .filter(({{ impact }}) => impact === 'serious' || impact === 'critical')
                   .map(({{ id, nodes }}) => `${{id}}: ${{nodes.map(({{ target }}) => target.join(' ')).join(', ')}}`))",
                json!(within)
            ))
            .await?;
        Ok(serde_json::from_value(found)?)
    }

    /// Makes the page see a screen of this size, as a phone or a desktop has it.
    pub async fn screen(&self, width: u32, height: u32, phone: bool) -> Result<()> {
        let scale = if phone { 2 } else { 1 };
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
        Ok(())
    }

    /// What the page sees in media queries: `[("prefers-color-scheme", "dark"), ("prefers-reduced-motion",
    /// "reduce")]`.
    pub async fn media(&self, features: &[(&str, &str)]) -> Result<()> {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await?;
        Ok(())
    }

    // ------------------------------------------------------------------------------------- what only a driver can

    /// Cuts the page off from the network, or connects it again.
    pub async fn offline(&self, offline: bool) -> Result<()> {
        let conditions =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.devtools("Network.enable", json!({})).await?;
        self.devtools("Network.emulateNetworkConditions", conditions).await?;
        Ok(())
    }

    /// Any command of Chromium's own protocol.
    pub async fn devtools(&self, command: &str, params: Value) -> Result<Value> {
        let body = json!({"cmd": command, "params": params});
        patience::within(command, async {
            Ok(self.client.issue_cmd(ChromiumCommand { path: "goog/cdp/execute", body }).await?)
        })
        .await
    }

    /// Pages may log errors whose text contains `part`. All others fail the test.
    pub fn allow_error(&self, part: &str) -> &Self {
        self.allowed_errors.lock().unwrap_or_else(PoisonError::into_inner).push(part.to_owned());
        self
    }

    /// What the page logged as an error since this was last asked.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        let entries = patience::within("the browser's log", async {
            let command = ChromiumCommand { path: "se/log", body: json!({"type": "browser"}) };
            Ok(self.client.issue_cmd(command).await?)
        })
        .await?;
        let entries = entries.as_array().context("the log is a list")?;
        Ok(entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect())
    }

    async fn expect_no_errors(&self) -> Result<()> {
        let mut errors = self.console_errors().await?;
        let allowed = self.allowed_errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.retain(|error| !allowed.iter().any(|part| error.contains(part)));
        ensure!(errors.is_empty(), "the page logged errors:\n  {}", errors.join("\n  "));
        Ok(())
    }
}

/// The driver, on a port that it finds itself. Dropping it ends its whole process group: the browser would
/// outlive it.
#[derive(Debug)]
struct Driver {
    port: u16,
    group: Pid,
    _process: Child,
}

impl Driver {
    /// It listens at 127.0.0.1 and at `::1`, has the system choose a port that is free at one of them, and gives up
    /// where the other's is taken, which is not rare beside a test with thousands of connections.
    async fn start() -> Result<Self> {
        loop {
            match Self::start_once().await? {
                Ok(driver) => return Ok(driver),
                Err(said) if said.contains("port not available") => {}
                Err(said) => bail!("chromedriver ended at once: {said}"),
            }
        }
    }

    /// What it said is the error.
    async fn start_once() -> Result<Result<Self, String>> {
        let mut process = Command::new(machine::driver().context("no chromedriver on this machine")?)
            .arg("--port=0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let group =
            Pid::from_raw(i32::try_from(process.id().context("a process that was just started has an id")?)?);
        let mut lines = BufReader::new(process.stdout.take().context("its output is a pipe")?).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await? {
            // "ChromeDriver was started successfully on port 34567."
            let Some((_, rest)) = line.split_once("started successfully on port ") else {
                said = said + &line + "\n";
                continue;
            };
            let port = rest.trim_end_matches('.').parse()?;
            // It goes on talking, and a closed pipe would end it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Ok(Self { port, group, _process: process }));
        }
        Ok(Err(said))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Nothing is left of the group after a proper end.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// A command that only Chromium's driver knows, posted to a path of the session.
#[derive(Debug)]
struct ChromiumCommand {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for ChromiumCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
