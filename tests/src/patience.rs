//! How a test waits: for something to happen, up to a generous bound, never for time to pass.
//!
//! Invariant: a bound that is reached is a failure that names what did not happen. A test that passes never
//! waited longer than the thing itself took.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Far beyond what anything takes on a busy machine: reaching it means that the thing does not happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Where nothing tells us of a change (a file, another process), it is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The outcome of `future`, or a failure that says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, future)
        .await
        .with_context(|| format!("waited {} s for {what}", PATIENCE.as_secs()))?
}

/// Looks again and again until there is something to see. For what announces itself there is [`within`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if tokio::time::Instant::now() > deadline {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
    }
}
