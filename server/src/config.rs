//! What the server goes by: each setting from a flag, else the environment, else the file, else its default.
//!
//! Invariant: a value that is not understood is refused with its name, and nothing here shows a secret.

mod error;
mod file;
mod layers;
mod proxies;
mod secret;
pub mod setting;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{ConfigError, Origin};
pub use layers::{Flags, Given, Layers};
pub use proxies::TrustedProxies;
pub use secret::{Secret, create_folder};

use crate::access::limits::{LoginLimits, Tries};
use crate::brain::openai::{ApiKey, OpenAiConfig};
use crate::domain::preset;
use crate::session::queue::Rules as QueueRules;
use crate::store::administration::retention::Kept;
use crate::store::{Options, Source};

/// Everything that `serve` is told.
#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub port_file: Option<PathBuf>,
    pub source: Source,
    pub pg_env: Vec<(String, String)>,
    pub data: PathBuf,
    /// Where messages wait while the database is away.
    pub journal: Option<JournalConfig>,
    /// The name of a shipped preset, or the path of a preset file.
    pub preset: String,
    /// Of the embedding model, shared by all data folders of a user.
    pub model_dir: PathBuf,
    /// Whether texts are given a meaning, and not words alone.
    pub has_embedder: bool,
    /// Nothing where the local brain answers alone.
    pub remote: Option<OpenAiConfig>,
    pub limits: bool,
    pub login_limits: LoginLimits,
    pub trusted_proxies: TrustedProxies,
    pub token_lifetime: Duration,
    pub secret: Secret,
    pub drain: Duration,
    pub queue: QueueRules,
    pub max_connections: usize,
    /// Whether webhooks may lead to private addresses, and go over http.
    pub allow_private_webhooks: bool,
    /// Looked at here so that a wrong age is refused at the start; `retention run` goes by it.
    pub retention: BTreeMap<Kept, u32>,
    pub log: LogConfig,
}

/// Where the data is: all that the other commands need.
#[derive(Clone)]
pub struct Place {
    pub source: Source,
    pub pg_env: Vec<(String, String)>,
    pub data: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    pub folder: PathBuf,
    /// The most that it takes, in bytes.
    pub limit: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub format: LogFormat,
    /// In the syntax of `tracing_subscriber`, and valid.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads every setting; the last step makes the secret where there is none.
    pub fn resolve(layers: &Layers) -> Result<Self, ConfigError> {
        Self::read(layers, Secret::settle)
    }

    /// The same without a look at the secret: nothing is made.
    pub fn preview(layers: &Layers) -> Result<Self, ConfigError> {
        Self::read(layers, |_, _| Ok(Secret::unkept()))
    }

    fn read(
        layers: &Layers,
        secret: impl FnOnce(Option<Given>, &Path) -> Result<Secret, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let Place { source, pg_env, data } = Place::resolve(layers)?;
        Ok(Self {
            listen: listen(layers)?,
            journal: journal(layers, &source)?,
            port_file: layers.path(&setting::PORT_FILE)?,
            model_dir: model_dir(layers)?,
            has_embedder: layers.value(&setting::EMBEDDER, true, |text| match text {
                "minilm" => Some(true),
                "none" => Some(false),
                _ => None,
            })?,
            remote: remote(layers)?,
            preset: layers
                .value(&setting::PRESET, "member_support".to_owned(), known_preset)
                .map_err(with_presets)?,
            limits: layers.value(&setting::LIMITS, true, switch)?,
            login_limits: login_limits(layers)?,
            trusted_proxies: layers.value(
                &setting::TRUSTED_PROXIES,
                TrustedProxies::default(),
                TrustedProxies::read,
            )?,
            token_lifetime: seconds(layers, &setting::TOKEN_SECONDS, 1_800, 1..=86_400)?,
            drain: seconds(layers, &setting::DRAIN_SECONDS, 20, 0..=3_600)?,
            queue: QueueRules {
                assign: layers.value(&setting::AUTO_ASSIGN, false, switch)?,
                requeue_after: seconds(layers, &setting::REQUEUE_SECONDS, 600, 1..=604_800)?,
            },
            max_connections: max_connections(layers)?,
            allow_private_webhooks: allow_private_webhooks(layers)?,
            retention: retention(layers)?,
            log: LogConfig::resolve(layers, "info")?,
            secret: secret(layers.get(&setting::JWT_SECRET_KEY), &data)?,
            source,
            pg_env,
            data,
        })
    }

    pub fn database_options(&self) -> Options {
        Options { pg_env: self.pg_env.clone(), ..Options::default() }
    }
}

impl Place {
    pub fn resolve(layers: &Layers) -> Result<Self, ConfigError> {
        let source = match layers.get(&setting::DATABASE) {
            Some(Given { text, origin }) => {
                text.parse().map_err(|error| ConfigError::Database { origin, error })?
            }
            None => Source::Embedded,
        };
        let data = layers.path(&setting::DATA)?.unwrap_or_else(|| PathBuf::from("switchboard-data"));
        Ok(Self { source, pg_env: layers.pg_env(), data })
    }

    pub fn database_options(&self) -> Options {
        Options { pg_env: self.pg_env.clone(), ..Options::default() }
    }
}

impl LogConfig {
    /// `level` counts where none is given.
    pub fn resolve(layers: &Layers, level: &str) -> Result<Self, ConfigError> {
        let format = layers.value(&setting::LOG_FORMAT, LogFormat::Text, |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        })?;
        let filter = layers.value(&setting::LOG, level.to_owned(), filter)?;
        Ok(Self { format, filter })
    }
}

/// There is a remote brain where an address or a key says so.
fn remote(layers: &Layers) -> Result<Option<OpenAiConfig>, ConfigError> {
    let text =
        |setting| layers.value(setting, None, |text| (!text.is_empty()).then(|| Some(text.to_owned())));
    let (base_url, key) = (text(&setting::OPENAI_BASE_URL)?, text(&setting::OPENAI_API_KEY)?);
    if base_url.is_none() && key.is_none() {
        return Ok(None);
    }
    let default = OpenAiConfig::default();
    let total = seconds(layers, &setting::OPENAI_SECONDS, default.total.as_secs(), 1..=600)?;
    Ok(Some(OpenAiConfig {
        base_url: base_url.unwrap_or_else(|| default.base_url.clone()),
        api_key: key.map(ApiKey::new).unwrap_or_default(),
        model: text(&setting::OPENAI_MODEL)?.unwrap_or_else(|| default.model.clone()),
        classifier: text(&setting::OPENAI_CLASSIFIER)?,
        first_byte: default.first_byte.min(total),
        between: default.between.min(total),
        total,
        tokens_an_hour: layers
            .value(&setting::OPENAI_TOKENS_AN_HOUR, None, |text| text.parse().ok().map(Some))?,
        ..default
    }))
}

/// Where messages wait while the database is away; `doctor` asks for it alone.
pub fn journal(layers: &Layers, source: &Source) -> Result<Option<JournalConfig>, ConfigError> {
    let mib = |text: &str| text.parse().ok().filter(|number| (1..=65_536).contains(number));
    let limit: u64 = layers.value(&setting::JOURNAL_MIB, 256, mib)?;
    let Some(folder) = layers.path(&setting::JOURNAL)? else { return Ok(None) };
    if let (Source::Embedded, Some(Given { origin, .. })) = (source, layers.get(&setting::JOURNAL)) {
        return Err(ConfigError::JournalOfEmbedded(origin));
    }
    Ok(Some(JournalConfig { folder, limit: limit * 1024 * 1024 }))
}

/// How long what grows is kept, in days; what has no policy is kept for ever.
pub fn retention(layers: &Layers) -> Result<BTreeMap<Kept, u32>, ConfigError> {
    let mut policies = BTreeMap::new();
    for kept in Kept::ALL {
        let setting = match kept {
            Kept::Conversations => &setting::RETENTION_CONVERSATIONS,
            Kept::TurnSteps => &setting::RETENTION_TURN_STEPS,
            Kept::Interactions => &setting::RETENTION_INTERACTIONS,
            Kept::Outbox => &setting::RETENTION_OUTBOX,
            Kept::ProcessingFailures => &setting::RETENTION_PROCESSING_FAILURES,
            Kept::AuditLog => &setting::RETENTION_AUDIT_LOG,
        };
        if let Some(days) = layers.value(setting, None, age)? {
            policies.insert(kept, days);
        }
    }
    Ok(policies)
}

/// A year beyond a century is most likely a slip.
#[expect(clippy::option_option, reason = "`off` is an answer, and nonsense is none")]
fn age(text: &str) -> Option<Option<u32>> {
    if text == "off" {
        return Some(None);
    }
    let days = text.strip_suffix('d')?.parse().ok()?;
    (1..=36_525).contains(&days).then_some(Some(days))
}

/// Of the embedding model. A user without a home keeps it beside the data.
pub fn model_dir(layers: &Layers) -> Result<PathBuf, ConfigError> {
    let given = layers.path(&setting::MODEL_DIR)?;
    Ok(given.or_else(|| layers.cache_folder()).unwrap_or_else(|| PathBuf::from("switchboard-models")))
}

/// Where clients connect; `doctor` asks for it alone.
pub fn listen(layers: &Layers) -> Result<SocketAddr, ConfigError> {
    layers.value(&setting::LISTEN, SocketAddr::from(([127, 0, 0, 1], 8080)), |text| {
        // A name would have to be looked up, and this one needs no looking up.
        text.replace("localhost:", "127.0.0.1:").parse().ok()
    })
}

/// How many sockets at once; `doctor` asks for it alone.
pub fn max_connections(layers: &Layers) -> Result<usize, ConfigError> {
    let within = |text: &str| text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    layers.value(&setting::MAX_CONNECTIONS, 18_000, within)
}

/// A command without a server asks for it alone.
pub fn allow_private_webhooks(layers: &Layers) -> Result<bool, ConfigError> {
    layers.value(&setting::ALLOW_PRIVATE_WEBHOOKS, false, switch)
}

fn seconds(
    layers: &Layers,
    setting: &'static setting::Setting,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Duration, ConfigError> {
    let within = |text: &str| text.parse().ok().filter(|seconds| range.contains(seconds));
    layers.value(setting, default, within).map(Duration::from_secs)
}

fn login_limits(layers: &Layers) -> Result<LoginLimits, ConfigError> {
    let default = LoginLimits::default();
    Ok(LoginLimits {
        address: layers.value(&setting::LOGIN_ADDRESS_LIMIT, default.address, tries)?,
        account: layers.value(&setting::LOGIN_ACCOUNT_LIMIT, default.account, tries)?,
    })
}

/// Each try within the time is remembered, so there are not too many.
fn tries(text: &str) -> Option<Tries> {
    let (most, seconds) = text.split_once('/')?;
    let most = most.trim().parse().ok().filter(|most| (1..=1_000).contains(most))?;
    let seconds = seconds.trim().parse().ok().filter(|seconds| (1..=86_400).contains(seconds))?;
    Some(Tries { most, within: Duration::from_secs(seconds) })
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => None,
    }
}

fn known_preset(text: &str) -> Option<String> {
    let is_file = std::path::Path::new(text).extension().is_some_and(|extension| extension == "toml");
    (is_file || preset::NAMES.contains(&text)).then(|| text.to_owned())
}

/// Says which presets there are, so that nobody has to look them up.
fn with_presets(error: ConfigError) -> ConfigError {
    match error {
        ConfigError::Wrong { origin, given, takes } => {
            let there_are = format!("{takes}: {}", preset::NAMES.join(", "));
            ConfigError::Wrong { origin, given, takes: there_are }
        }
        other => other,
    }
}

/// A bare word that is no level would be taken for the name of a module, and silence everything else.
fn filter(text: &str) -> Option<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
    let fits = |part: &str| match part.rsplit_once('=') {
        Some((module, level)) => !module.trim().is_empty() && is_level(level.trim()),
        None => is_level(part),
    };
    text.split(',').map(str::trim).all(fits).then(|| text.to_owned())
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Config")
            .field("listen", &self.listen)
            .field("source", &self.source)
            .field("data", &self.data)
            .field("preset", &self.preset)
            .field("limits", &self.limits)
            .field("login_limits", &self.login_limits)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("token_lifetime", &self.token_lifetime)
            .field("drain", &self.drain)
            .field("queue", &self.queue)
            .field("max_connections", &self.max_connections)
            .field("allow_private_webhooks", &self.allow_private_webhooks)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
