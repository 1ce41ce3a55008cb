//! One attempt to deliver: signed, bounded in time, to a checked address, and nowhere else.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use uuid::Uuid;

use super::address::{self, AddressError, CheckedNames};
use super::payload;
use crate::access::trust::{self, TrustError};
use crate::domain::clock;
use crate::domain::outbox::{Event, Webhook};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    http: reqwest::Client,
    allow_private: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("the client of webhooks cannot be made: {0}")]
    Client(reqwest::Error),
}

/// Why an attempt has failed. None of it holds the address, which may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("its secret cannot be read: remove the webhook, and add it anew")]
    Secret,
    #[error("it answered {0}, which only 200 to 299 would have accepted; redirects are not followed")]
    Answered(u16),
    #[error("it did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Late,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it answered with what is no HTTP")]
    Garbled,
}

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The whole attempt.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

impl Sender {
    pub fn new(allow_private: bool) -> Result<Self, SenderError> {
        Ok(Self { http: client(allow_private, ANSWER_WITHIN)?, allow_private })
    }

    /// Whether private addresses are allowed.
    pub fn allows_private(&self) -> bool {
        self.allow_private
    }

    /// Delivers an event. Of the answer only its status counts: not a byte of its body is read.
    pub async fn send(&self, webhook: &Webhook, event: &Event) -> Result<(), Fault> {
        let body = payload::body(webhook.kind, event);
        let answer = self.post(&webhook.url, webhook.secret.as_deref(), event.id, body).await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Fault::Answered(StatusCode::as_u16(&status))),
        }
    }

    /// Sends a body under its id, signed where there is a secret, and gives whatever it is answered.
    pub async fn post(
        &self,
        url: &str,
        secret: Option<&str>,
        id: Uuid,
        body: String,
    ) -> Result<reqwest::Response, Fault> {
        let url = address::check(url, self.allow_private)?;
        let id = id.to_string();
        let now = clock::now().timestamp();
        let mut request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now);
        if let Some(secret) = secret {
            let signing = standardwebhooks::Webhook::new(secret).map_err(|_| Fault::Secret)?;
            let signature = signing.sign(&id, now, body.as_bytes()).map_err(|_| Fault::Secret)?;
            request = request.header(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        request.body(body).send().await.map_err(|error| fault(&error))
    }
}

/// A client for addresses that were [checked](address::check): it connects to what was checked, and goes nowhere else.
pub fn client(allow_private: bool, answer_within: Duration) -> Result<reqwest::Client, SenderError> {
    reqwest::Client::builder()
        .dns_resolver(CheckedNames { allow_private }.resolver())
        // A redirect would lead past the check, and a proxy beyond it.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_WITHIN)
        .timeout(answer_within)
        .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(trust::client(false)?)
        .build()
        .map_err(SenderError::Client)
}

/// What went wrong before there was an answer.
pub fn fault(error: &reqwest::Error) -> Fault {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<AddressError>() {
            return Fault::Address(*refused);
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        Fault::Late
    } else if error.is_connect() {
        Fault::Unreachable
    } else {
        Fault::Garbled
    }
}
