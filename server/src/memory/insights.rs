//! What is known of people grows by itself: each conversation of a known contact that came to its end becomes a group of
//! insights.
//!
//! Invariant: what waits stands in the database, and a part of a conversation becomes one group, however often it is tried.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use super::contact;
use crate::brain::distiller::Distiller;
use crate::domain::experience::{Experience, Line};
use crate::domain::failure::{Failure, Kind};
use crate::domain::insight::{Group, Note, Notes, Source, Status, fields};
use crate::domain::message::Role;
use crate::store::StoreError;
use crate::store::failures::{Failures, reason};
use crate::store::insights::{Insights, Waiting};
use crate::store::memory::Archive;

/// What draws insights.
pub struct Distillery {
    pub insights: Insights,
    pub archive: Archive,
    pub failures: Failures,
    pub distiller: Distiller,
}

/// What nobody told us of is found within this: what another node left, or an outage.
const LOOK: Duration = Duration::from_secs(10);
/// Conversations that are looked for together.
const PAGE: i64 = 100;
/// Conversations that are distilled at once: a remote model takes seconds for one, and has visitors to answer as well.
const AT_ONCE: usize = 4;

/// The type of a group's source, and what its key begins with.
const CONVERSATION: &str = "conversation";

impl Distillery {
    /// Distils whatever waits, for as long as it is polled. It may be dropped at any time.
    pub async fn keep_distilling(&self, ended: &Notify) {
        loop {
            match self.distil_all().await {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "nothing is distilled; the database is away");
                }
                Err(error) => {
                    tracing::warn!(%error, "conversations that wait to be distilled could not be read");
                }
            }
            let _ = timeout(LOOK, ended.notified()).await;
        }
    }

    async fn distil_all(&self) -> Result<(), StoreError> {
        let mut after = Uuid::nil();
        loop {
            let page = self.insights.waiting(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.conversation.uuid();
            let each = stream::iter(page).map(Ok).try_for_each_concurrent(AT_ONCE, |part| self.settle(part));
            each.await?;
        }
    }

    /// One conversation. One that can never be distilled is let go of, and listed with the reason.
    async fn settle(&self, part: Waiting) -> Result<(), StoreError> {
        let found = self.archive.experience(part.workspace, part.conversation).await;
        let (of, outcome) = match found {
            // Its row is gone with it.
            Ok(None) => return Ok(()),
            Ok(Some((of, _))) => {
                let outcome = self.distil(&part, &of).await;
                (Some(of), outcome)
            }
            Err(error) => (None, Err(error)),
        };
        match outcome {
            // Somebody else was first, or it is gone by now.
            Ok(()) | Err(StoreError::Stale) => Ok(()),
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                let conversation = part.conversation;
                tracing::warn!(%conversation, %error, "no insight was drawn from a conversation");
                self.fail(&part, reason(&error)).await?;
                let upto = of.as_ref().map_or(part.after, |of| head(of, &part));
                let contact = of.as_ref().and_then(contact::of).map(|known| known.contact);
                match self.insights.give_up(&part, upto, contact).await {
                    Err(StoreError::Stale) => Ok(()),
                    outcome => outcome,
                }
            }
        }
    }

    async fn distil(&self, part: &Waiting, of: &Experience) -> Result<(), StoreError> {
        let Some(known) = contact::of(of) else { return self.insights.pass_over(part, None).await };
        let notes = notes(of, part.after);
        if notes.citable().is_empty() {
            return self.insights.pass_over(part, Some(known.contact)).await;
        }
        self.insights.mark(part.workspace, part.conversation, &known.contact, Status::Processing).await?;
        let distilled = self.distiller.distil(&notes).await;
        if let Some(error) = &distilled.fell_back {
            let conversation = part.conversation;
            tracing::warn!(%conversation, %error, "the remote brain drew no insights; the rules did");
            self.fail(part, format!("The remote model failed, and the local rules did it: {error}.")).await?;
        } else {
            let subject = part.conversation.to_string();
            self.failures.mend(part.workspace, Kind::Distillation, vec![subject]).await?;
        }
        if distilled.facts.is_empty() {
            return self.insights.pass_over(part, Some(known.contact)).await;
        }
        // A name that the visitor's page told is no better than one that is known already.
        let before = self.insights.get(part.workspace, known.contact.clone()).await?;
        let has_name = before.is_some_and(|insight| insight.member_name.is_some());
        let group = Group {
            contact: known.contact,
            key: Some(format!("{CONVERSATION}:{}:{}", part.conversation, part.after)),
            member_name: known.name.filter(|_| !has_name),
            source_types: vec![CONVERSATION.to_owned()],
            source_subtypes: subtype(of).into_iter().collect(),
            // One that goes on is the same conversation.
            total_eni_ids: i64::from(part.after == 0),
            record_count: messages(of, part.after),
            fields: fields(&distilled.facts, &format!("({CONVERSATION} {})", part.conversation)),
            status: Status::Completed,
            generated_at: Some(of.at),
            metadata: known.metadata,
        };
        self.insights.take_in(part, head(of, part), group).await
    }

    async fn fail(&self, part: &Waiting, reason: String) -> Result<(), StoreError> {
        let failure = Failure::new(part.conversation.to_string(), reason);
        self.failures.record(part.workspace, Kind::Distillation, vec![failure]).await
    }
}

/// How far the log goes.
fn head(of: &Experience, part: &Waiting) -> i64 {
    of.lines.last().map_or(part.after, |line| line.seq.max(part.after))
}

/// What was said behind `after`.
fn notes(of: &Experience, after: i64) -> Notes {
    let said = of.lines.iter().filter(|line| line.seq > after && line.role != Role::System);
    let note =
        |line: &Line| Note { number: line.seq, by_desk: line.role != Role::User, text: line.content.clone() };
    Notes { workspace: of.workspace, source: Source::Conversation, said: said.map(note).collect() }
}

/// Messages behind `after`; of those before the part of the log that was read, every one is counted.
fn messages(of: &Experience, after: i64) -> i64 {
    let read = of.lines.iter().filter(|line| line.seq > after);
    let unread = of.lines.first().map_or(0, |first| (first.seq - after - 1).max(0));
    let said = read.filter(|line| line.role != Role::System).count();
    unread + i64::try_from(said).unwrap_or(i64::MAX)
}

/// Its mode, or else the desk that answered.
fn subtype(of: &Experience) -> Option<String> {
    of.mode.map(|mode| mode.name().to_owned()).or_else(|| of.preset.clone())
}
