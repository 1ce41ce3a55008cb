//! What a sync goes by: where to, as whom, and how often by itself.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;

use super::fields::Fields;

/// All of it. Syncs are of one workspace, since the sinks are: contacts of two would become one there.
#[derive(Clone, Debug)]
pub struct Settings {
    pub workspace: String,
    pub airtable: Setup<Airtable>,
    pub webhook: Setup<Webhook>,
    pub schedule: Option<Schedule>,
    /// Whether sinks may be at private addresses, and be spoken to over http.
    pub allow_private: bool,
}

/// One sink, or the settings that are missing for it.
pub type Setup<T> = Result<T, Vec<&'static str>>;

/// What each cannot do without, as it is said in the file or, of secrets, in the environment.
pub const AIRTABLE: [&str; 3] = ["SWITCHBOARD_AIRTABLE_TOKEN", "airtable_base", "airtable_table"];
pub const WEBHOOK: [&str; 2] = ["sync_webhook_url", "SWITCHBOARD_SYNC_WEBHOOK_SECRET"];

#[derive(Clone)]
pub struct Airtable {
    /// Where its API is, up to and without `/v0`.
    pub url: String,
    pub token: SecretString,
    pub base: String,
    /// By its name or id.
    pub table: String,
    pub fields: Fields,
    /// How long to wait after it was asked too often, unless it says so.
    pub pause: Duration,
}

#[derive(Clone)]
pub struct Webhook {
    pub url: String,
    /// As Standard Webhooks has it.
    pub secret: SecretString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub minutes: u32,
    pub hours_back: u32,
}

impl Default for Settings {
    /// Nothing is set up.
    fn default() -> Self {
        Self {
            workspace: "default".to_owned(),
            airtable: Err(AIRTABLE.to_vec()),
            webhook: Err(WEBHOOK.to_vec()),
            schedule: None,
            allow_private: false,
        }
    }
}

impl fmt::Debug for Airtable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Airtable")
            .field("base", &self.base)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Webhook").finish_non_exhaustive()
    }
}
