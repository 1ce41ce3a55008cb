//! Trained heads on disk, so that a preset that did not change loads at once.
//!
//! Invariant: a file is whole or it is not used; what is wrong with one costs a training, nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Example, IntentHead};

/// What a head was learned from: texts, labels, their order, and the embedder. Another content is another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key([u8; DIGEST]);

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("cannot write {}: {error}", path.display())]
    Unwritable { path: PathBuf, error: io::Error },
    #[error("cannot encode an intent head: {0}")]
    Encoding(postcard::Error),
}

/// Goes up with any change to how heads are trained or written.
const VERSION: &str = "switchboard intent head 2";

const DIGEST: usize = 32;

impl Key {
    /// `embedder` names what makes the vectors, if anything does: the vectors themselves are not read, so that a
    /// head can be found before anything is embedded.
    pub fn of(examples: &[Example<'_>], embedder: Option<&str>) -> Self {
        let mut digest = Sha256::new();
        let texts = examples.iter().flat_map(|example| [example.text, example.label]);
        for part in [VERSION, embedder.unwrap_or("")].into_iter().chain(texts) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    fn path(&self, folder: &Path) -> PathBuf {
        // Half of it tells heads apart as well.
        let name: u128 = self.0[..16].iter().fold(0, |name, byte| name << 8 | u128::from(*byte));
        folder.join(format!("{name:032x}.intents"))
    }
}

/// The head of that key, if the folder holds it and it is whole.
pub fn load(folder: &Path, key: &Key) -> Option<IntentHead> {
    let bytes = fs::read(key.path(folder)).ok()?;
    let (digest, body) = bytes.split_at_checked(DIGEST)?;
    if Sha256::digest(body)[..] != *digest {
        return None;
    }
    postcard::from_bytes(body).ok().filter(IntentHead::is_whole)
}

/// Keeps a head; the folder is made where it is missing.
pub fn store(folder: &Path, key: &Key, head: &IntentHead) -> Result<(), CacheError> {
    let body = postcard::to_stdvec(head).map_err(CacheError::Encoding)?;
    let path = key.path(folder);
    let write = || {
        fs::create_dir_all(folder)?;
        // Under a name of its own until it is whole: another process may be writing the same.
        let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
        fs::write(&unfinished, [&Sha256::digest(&body)[..], &body].concat())?;
        fs::rename(&unfinished, &path)
    };
    write().map_err(|error| CacheError::Unwritable { path: path.clone(), error })
}
