//! The one place that asks for the time. Everything else is given it.

use chrono::{DateTime, SubsecRound, Utc};

pub type Timestamp = DateTime<Utc>;

/// Now, in the resolution that the protocol speaks: what is stored and what is sent are the same instant.
#[expect(clippy::disallowed_methods, reason = "the clock itself")]
pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}
