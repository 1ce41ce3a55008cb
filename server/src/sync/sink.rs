//! Somewhere that insights are sent to, and how it may fail.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::RETRY_AFTER;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use crate::domain::insight::Insight;

/// Contacts of one request.
pub const BATCH: usize = 10;

/// Somewhere that insights are sent to. What it has been sent it may be sent again, since nobody knows what became of a
/// request that was cut off: a sink finds a contact by its id.
pub trait Sink: Send + Sync {
    /// Sends contacts, at most [`BATCH`], in one request. All of them are taken, or none.
    fn put<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<Put, Fault>>;
}

/// What is sent at once.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    pub workspace: WorkspaceId,
    pub job: Uuid,
    pub insights: &'a [Insight],
}

/// What the sink did with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    pub created: i64,
    pub updated: i64,
}

/// Why a parcel was not taken. No sentence holds an address, a token or what is known of anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was asked too often; perhaps it said when to come again.
    Busy(Option<Duration>),
    /// It failed, or was not reached. What it took of it, nobody knows.
    Away(String),
    /// It will not have these contacts, or one of them.
    Refused(String),
    /// It will have none until somebody has done something.
    Shut(String),
}

impl Fault {
    /// What a status says by itself, of whom it is asked.
    pub fn of(who: &str, answer: &reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        match status {
            429 => Self::Busy(retry_after(answer)),
            408 | 425 | 500..=599 => Self::Away(format!("{who} answered {status}")),
            400 | 413 | 422 => Self::Refused(format!("{who} refuses it with {status}")),
            300..=399 => Self::Shut(format!("{who} answered {status}: redirects are not followed")),
            _ => Self::Shut(format!("{who} answered {status}")),
        }
    }
}

/// In seconds; a date is nothing that a sink of ours says.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
