//! A webhook that is told what is known of contacts, signed as Standard Webhooks has it.
//!
//! Invariant: the id of a body follows from what is in it, so that a receiver tells a repeat by its id, and what has changed
//! since is no repeat.

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::fields::{known, written};
use super::settings;
use super::sink::{Fault, Parcel, Put, Sink};
use crate::domain::mint;
use crate::notify::{self, Sender, SenderError};

pub struct Webhook {
    sender: Sender,
    settings: settings::Webhook,
}

const TYPE: &str = "insights.synced";

impl Webhook {
    pub fn new(settings: &settings::Webhook, allow_private: bool) -> Result<Self, SenderError> {
        Ok(Self { sender: Sender::new(allow_private)?, settings: settings.clone() })
    }

    async fn tell(&self, parcel: Parcel<'_>) -> Result<Put, Fault> {
        let insights = parcel.insights;
        let versions = insights.iter().map(|insight| (insight.contact.as_str(), insight.version));
        let id = mint::parcel(parcel.workspace, parcel.job, versions);
        let body = json!({
            "type": TYPE,
            // Of what it tells, so that the same parcel is the same body.
            "timestamp": insights.iter().map(|insight| insight.updated_at).max().map(written),
            "data": {
                "workspace_id": parcel.workspace,
                "job_id": parcel.job,
                "insights": insights.iter().map(known).collect::<Vec<_>>(),
            },
        });
        let settings::Webhook { url, secret } = &self.settings;
        let sent = self.sender.post(url, Some(secret.expose_secret()), id, body.to_string()).await;
        let answer = sent.map_err(unreached)?;
        if answer.status().is_success() {
            // What was new to it, it does not say.
            return Ok(Put { created: 0, updated: i64::try_from(insights.len()).unwrap_or(i64::MAX) });
        }
        Err(Fault::of("the webhook", &answer))
    }
}

impl Sink for Webhook {
    fn put<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<Put, Fault>> {
        Box::pin(self.tell(parcel))
    }
}

fn unreached(fault: notify::Fault) -> Fault {
    match fault {
        notify::Fault::Address(error) => Fault::Shut(format!("sync_webhook_url: {error}")),
        notify::Fault::Secret => {
            Fault::Shut("SWITCHBOARD_SYNC_WEBHOOK_SECRET is no secret such as whsec_…".to_owned())
        }
        other => Fault::Away(format!("the webhook: {other}")),
    }
}
