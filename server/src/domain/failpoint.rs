//! Places at which a test may have the process killed, as if by `kill -9`. A release has none of them.

/// Dies here, if a test has asked for it.
#[inline]
pub fn hit(name: &str) {
    #[cfg(feature = "test-hooks")]
    armed::hit(name);
    #[cfg(not(feature = "test-hooks"))]
    let _ = name;
}

#[cfg(feature = "test-hooks")]
pub use armed::arm;

#[cfg(feature = "test-hooks")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The place, and how often it may be passed before.
    static ARMED: OnceLock<(String, AtomicUsize)> = OnceLock::new();

    /// `NAME`, or `NAME:N` to die at the N-th time. Only the first call counts.
    pub fn arm(wanted: &str) {
        let (name, nth) = wanted.split_once(':').unwrap_or((wanted, "1"));
        let passes = nth.parse::<usize>().unwrap_or(1).saturating_sub(1);
        let _ = ARMED.set((name.to_owned(), AtomicUsize::new(passes)));
    }

    pub fn hit(name: &str) {
        let Some((armed, passes)) = ARMED.get() else { return };
        if armed != name {
            return;
        }
        let left = passes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            // Nothing is flushed, no destructor runs: the next process finds what was committed.
            std::process::abort();
        }
    }
}
