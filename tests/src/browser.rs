//! A real browser: headless Chromium, driven through chromedriver, with a profile that nobody has used
//! before.
//!
//! Invariant: a browser of one test knows nothing of another's, and what it logs as an error is seen.

use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::wd::WebDriverCompatibleCommand;
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

/// A browser with one window; `client` is everything that a driver can do.
#[derive(Debug)]
pub struct Browser {
    pub client: Client,
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts one, with a fresh profile.
    pub async fn start() -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("sb-browser-").tempdir()?;
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
        Ok(Self { client, _driver: driver, _profile: profile })
    }

    /// Goes to a page and waits until it is loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        patience::within(url, async { Ok(self.client.goto(url).await?) }).await
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

    /// A picture of the window in `tests/out/`.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let picture = patience::within("a screenshot", async { Ok(self.client.screenshot().await?) }).await?;
        let path = world::out_folder()?.join(format!("{name}.png"));
        std::fs::write(&path, picture)?;
        Ok(path)
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

    /// Ends the browser; fails if a page logged an error.
    pub async fn close(self) -> Result<()> {
        let errors = self.console_errors().await?;
        patience::within("the browser's end", async { Ok(self.client.close().await?) }).await?;
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
    async fn start() -> Result<Self> {
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
        while let Some(line) = lines.next_line().await? {
            // "ChromeDriver was started successfully on port 34567."
            let Some((_, rest)) = line.split_once("started successfully on port ") else { continue };
            let port = rest.trim_end_matches('.').parse()?;
            // It goes on talking, and a closed pipe would end it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Self { port, group, _process: process });
        }
        bail!("chromedriver ended without naming its port")
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
