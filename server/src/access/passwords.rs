//! Passwords: hashed and checked with argon2id, by one thread with a short queue.
//!
//! Invariant: whatever strangers send, at most a third of a core and the memory of one hash go into it. Who comes while
//! the queue is full is told so; nothing piles up behind it.

use std::thread;
use std::time::Instant;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{mpsc, oneshot};

/// A cheap handle; the thread ends with the last one.
#[derive(Clone)]
pub struct Passwords {
    queue: mpsc::Sender<Job>,
}

/// A place in the queue.
pub struct Turn<'a>(mpsc::Permit<'a, Job>);

/// More is waiting than will be done in some three seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at this moment; try again in a second")]
pub struct Overloaded;

struct Job {
    password: String,
    work: Work,
}

enum Work {
    Hash(oneshot::Sender<String>),
    /// Nothing to check against is no match, and takes as long.
    Check(Option<String>, oneshot::Sender<bool>),
}

/// Some three seconds of work: a person at a login page waits that long. Beyond it, [`Overloaded`].
const QUEUE: usize = 32;

/// After each password the thread rests so many times as long as it took: a crowd at the login page takes no more of the
/// processors from those who talk. One who logs in alone does not notice.
const REST: u32 = 2;

/// What OWASP recommends: 19 MiB, two passes, one lane. Tens of milliseconds of a whole core.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

impl Passwords {
    pub fn start() -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        thread::Builder::new().name("passwords".to_owned()).spawn(move || work(jobs))?;
        Ok(Self { queue })
    }

    /// The hash of a password, for somebody who may wait: an administrator.
    pub async fn hash(&self, password: String) -> Result<String, Overloaded> {
        let (answer, hash) = oneshot::channel();
        let job = Job { password, work: Work::Hash(answer) };
        self.queue.send(job).await.map_err(|_| Overloaded)?;
        hash.await.map_err(|_| Overloaded)
    }

    /// A turn for a stranger, taken before anything else is done for them.
    pub fn turn(&self) -> Result<Turn<'_>, Overloaded> {
        self.queue.try_reserve().map(Turn).map_err(|_| Overloaded)
    }
}

impl Turn<'_> {
    pub async fn hash(self, password: String) -> Result<String, Overloaded> {
        let (answer, hash) = oneshot::channel();
        self.0.send(Job { password, work: Work::Hash(answer) });
        hash.await.map_err(|_| Overloaded)
    }

    /// Whether this is the password of the hash; where there is none, it is not, after the same time.
    pub async fn check(self, password: String, hash: Option<String>) -> Result<bool, Overloaded> {
        let (answer, fits) = oneshot::channel();
        self.0.send(Job { password, work: Work::Check(hash, answer) });
        fits.await.map_err(|_| Overloaded)
    }
}

fn work(mut jobs: mpsc::Receiver<Job>) {
    let hasher = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within argon2's bounds"),
    );
    let nobodys = hash(&hasher, "nobody's");
    // A client that has gone meanwhile costs nothing more.
    while let Some(Job { password, work }) = jobs.blocking_recv() {
        let begun = Instant::now();
        match work {
            Work::Hash(answer) if !answer.is_closed() => _ = answer.send(hash(&hasher, &password)),
            Work::Check(known, answer) if !answer.is_closed() => {
                let is_known = known.is_some();
                let fits = fits(&hasher, &password, known.as_deref().unwrap_or(&nobodys));
                _ = answer.send(fits && is_known);
            }
            Work::Hash(_) | Work::Check(..) => {}
        }
        thread::sleep(begun.elapsed() * REST);
    }
}

fn fits(hasher: &Argon2<'_>, password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| hasher.verify_password(password.as_bytes(), &hash).is_ok())
}

fn hash(hasher: &Argon2<'_>, password: &str) -> String {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).expect("16 bytes are a salt");
    let hash = hasher.hash_password(password.as_bytes(), &salt);
    hash.expect("a password of any length can be hashed").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_hashed_as_owasp_has_it_and_checked() {
        let passwords = Passwords::start().unwrap();
        let text = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert_ne!(
            text,
            passwords.turn().unwrap().hash("correct horse".to_owned()).await.unwrap(),
            "each has its salt"
        );
        let check = async |password: &str, hash: Option<&str>| {
            let turn = passwords.turn().unwrap();
            turn.check(password.to_owned(), hash.map(str::to_owned)).await.unwrap()
        };
        assert!(check("correct horse", Some(&text)).await);
        assert!(!check("wrong horse", Some(&text)).await);
        assert!(!check("correct horse", None).await);
        assert!(!check("nobody's", None).await);
        assert!(!check("correct horse", Some("$argon2id$nonsense")).await);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_strangers_and_recovers() {
        let passwords = Passwords::start().unwrap();
        let turns: Vec<_> = (0..QUEUE).map(|_| passwords.turn().unwrap()).collect();
        assert_eq!(passwords.turn().err(), Some(Overloaded));
        let checks = turns.into_iter().map(|turn| turn.check("x".to_owned(), None));
        let outcomes = futures_util::future::join_all(checks).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Ok(false)), "{outcomes:?}");
        assert_eq!(passwords.turn().unwrap().check("x".to_owned(), None).await, Ok(false));
    }
}
