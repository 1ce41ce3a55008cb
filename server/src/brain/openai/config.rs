//! What the remote brain is told of its server. Invariant: nothing prints the key.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::access::trust::TrustError;

#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// Up to and without `/chat/completions`.
    pub base_url: String,
    pub api_key: ApiKey,
    /// What answers.
    pub model: String,
    /// What classifies, where that is another one.
    pub classifier: Option<String>,
    /// From sending a request until the first byte of its answer, each attempt by itself.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub between: Duration,
    /// One question to the model with all attempts; a desk's `turn_seconds` may make it shorter.
    pub total: Duration,
    /// How often a request is sent, where an attempt failed before its first byte.
    pub attempts: u32,
    /// A longer answer, counted as it comes over the wire, is one without an end.
    pub answer_bytes: usize,
    /// What the model is asked to keep to, its reasoning included.
    pub answer_tokens: u32,
    /// Not every model can be told; one that refuses is asked without.
    pub temperature: Option<f32>,
    /// How many calls may be under way at once; further ones wait, within their own time.
    pub concurrent: usize,
    /// What one workspace may use in any hour on this node. Without it, whatever the bill says.
    pub tokens_an_hour: Option<u64>,
    /// So many failures in a row, and the server is left alone …
    pub failures: u32,
    /// … for so long.
    pub rest: Duration,
}

/// May be empty: servers on one's own machine ask for none.
#[derive(Clone, Debug, Default)]
pub struct ApiKey(SecretString);

impl ApiKey {
    pub fn new(key: String) -> Self {
        Self(key.into())
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }

    pub(super) fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            api_key: ApiKey::default(),
            model: "gpt-4.1-mini".to_owned(),
            classifier: None,
            first_byte: Duration::from_secs(15),
            between: Duration::from_secs(10),
            total: Duration::from_secs(45),
            attempts: 3,
            answer_bytes: 4 * 1024 * 1024,
            answer_tokens: 1500,
            temperature: Some(0.2),
            concurrent: 64,
            tokens_an_hour: None,
            failures: 5,
            rest: Duration::from_secs(30),
        }
    }
}

/// The settings are wrong, and no call could succeed.
#[derive(Debug, thiserror::Error)]
pub enum OpenAiConfigError {
    /// Not the address itself: it may hold a password.
    #[error("the base URL of the model is no http:// or https:// address")]
    BaseUrl,
    #[error("the key of the model holds what no header can carry")]
    Key,
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("the client of the model cannot be made: {0}")]
    Client(String),
}
