//! What was said, before it is understood: the flags, the environment and the file, in that order.
//!
//! Invariant: the environment of the process is read here and nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Origin};
use super::file;
use super::setting::{self, Setting};

/// Flags by the name of their setting.
pub type Flags = BTreeMap<&'static str, String>;

/// Every value that was given, and where.
#[derive(Clone, Default)]
pub struct Layers {
    pub(super) flags: Flags,
    pub(super) environment: BTreeMap<String, String>,
    /// With their lines.
    pub(super) keys: BTreeMap<&'static str, (String, usize)>,
    pub(super) file: PathBuf,
}

/// The value that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub text: String,
    pub origin: Origin,
}

impl Layers {
    /// Reads the environment of this process, and the file that it or a flag names.
    pub fn read(flags: Flags) -> Result<Self, ConfigError> {
        // What is no UTF-8 cannot be one of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::of(flags, environment)
    }

    /// The same, of an environment that is given.
    pub fn of(flags: Flags, environment: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut layers = Self { flags, environment, ..Self::default() };
        if let Some(given) = layers.get(&setting::CONFIG) {
            layers.file = PathBuf::from(given.text);
            layers.keys = file::read(&layers.file)?;
        }
        Ok(layers)
    }

    /// A flag wins over the environment, the environment over the file. An empty variable says nothing.
    pub fn get(&self, setting: &'static Setting) -> Option<Given> {
        if let Some(text) = self.flags.get(setting.name) {
            return Some(Given { text: text.clone(), origin: Origin::Flag(setting) });
        }
        if let Some(text) = self.environment.get(setting.variable).filter(|text| !text.is_empty()) {
            return Some(Given { text: text.clone(), origin: Origin::Variable(setting) });
        }
        let (text, line) = self.keys.get(setting.name)?;
        let origin = Origin::File { setting, file: self.file.clone(), line: *line };
        Some(Given { text: text.clone(), origin })
    }

    /// The value as `read` understands it, or the default.
    pub fn value<T>(
        &self,
        setting: &'static Setting,
        default: T,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let Some(Given { text, origin }) = self.get(setting) else { return Ok(default) };
        read(text.trim()).ok_or_else(|| ConfigError::Wrong {
            origin,
            given: format!("`{text}`"),
            takes: setting.takes.to_owned(),
        })
    }

    /// Where a path in the file starts from is where the file lies: it means the same wherever the server is
    /// started.
    pub fn path(&self, setting: &'static Setting) -> Result<Option<PathBuf>, ConfigError> {
        let path = self.value(setting, None, |text| (!text.is_empty()).then(|| Some(PathBuf::from(text))))?;
        let in_file = matches!(self.get(setting), Some(Given { origin: Origin::File { .. }, .. }));
        let beside = self.file.parent().filter(|_| in_file).unwrap_or(Path::new(""));
        Ok(path.map(|path| beside.join(path)))
    }

    /// `PGHOST` and its like, for an address that leaves something open.
    pub fn pg_env(&self) -> Vec<(String, String)> {
        let named = self.environment.iter().filter(|(name, _)| name.starts_with("PG"));
        named.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Of this program, in the folder that the user's machine keeps such things in.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let folder = |name| self.environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        Some(cache?.join("switchboard"))
    }

    /// Variables that look like ours and set nothing: most likely misspelt.
    pub fn strays(&self) -> Vec<&str> {
        let ours = |name: &&String| {
            name.starts_with("SWITCHBOARD_") && setting::ALL.iter().all(|setting| setting.variable != **name)
        };
        self.environment.keys().filter(ours).map(String::as_str).collect()
    }
}
