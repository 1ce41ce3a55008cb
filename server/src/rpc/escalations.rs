//! Escalations as staff work on them: told live, listed, taken, given, let go of, settled.

use std::str::FromStr;
use std::sync::Arc;

use switchboard_protocol::RpcError;
use switchboard_protocol::ids::{EscalationId, VisitorId, WorkspaceId};
use switchboard_protocol::methods::{
    ConversationNow, ConversationTakeover, EscalationAssign, EscalationClaim, EscalationGet, EscalationGot,
    EscalationHeld, EscalationList, EscalationListed, EscalationRelease, EscalationResolve,
    EscalationSubscribe, EscalationSubscribed,
};

use super::{Desk, Line, Standing, wire};
use crate::domain::conversation::Change;
use crate::domain::deed::{Deed, What};
use crate::domain::escalation::{Changed, Escalation, Status};
use crate::domain::mint;
use crate::session::{Answer, Refusal};
use crate::store::escalations::{Place, Wanted};

/// Escalations of one answer to `escalation.subscribe`: of what is settled the latest; who missed more begins anew.
const SNAPSHOT: i64 = 1_000;
/// Turns that are shown with an escalation.
const TRACES: i64 = 50;

impl Desk {
    pub(super) async fn subscribe(
        &self,
        standing: &Standing,
        line: Arc<dyn Line>,
        params: EscalationSubscribe,
    ) -> Result<EscalationSubscribed, RpcError> {
        let workspace = standing.caller.workspace;
        let feed = self.registry.feed();
        let id = line.id();
        // It is told from before the read: what changes in between comes twice rather than never.
        feed.subscribe(workspace, id.0, line).await.map_err(wire::store_error)?;
        self.consoles.subscribed(id, workspace);
        let missed = match params.since.as_deref() {
            Some(since) => self.missed(workspace, since).await?,
            None => None,
        };
        let snapshot = missed.is_none();
        let (changes, number) = match missed {
            Some(missed) => missed,
            None => self.snapshot(workspace, params.statuses).await?,
        };
        let unseen = changes.iter().filter(|changed| changed.is_unseen());
        feed.delivered(unseen.map(|changed| Place::of(&changed.escalation)).collect());
        let present = self.registry.store().staff().present(workspace).await.map_err(wire::store_error)?;
        Ok(EscalationSubscribed {
            escalations: changes.iter().map(wire::staff::news).collect(),
            cursor: wire::staff::feed_cursor(&self.epoch, number),
            snapshot,
            staff: present.iter().map(wire::staff::colleague).collect(),
        })
    }

    /// What changed after a cursor, and the last number of it; nothing where it is of another database, or of so long
    /// ago that a snapshot says it shorter.
    async fn missed(
        &self,
        workspace: WorkspaceId,
        since: &str,
    ) -> Result<Option<(Vec<Changed>, i64)>, RpcError> {
        let (epoch, number) = since
            .rsplit_once('.')
            .and_then(|(epoch, number)| Some((epoch, i64::from_str(number).ok()?)))
            .ok_or_else(|| RpcError::invalid_param("since", "is not a cursor that was told"))?;
        if epoch != self.epoch.as_str() {
            return Ok(None);
        }
        let escalations = self.registry.store().escalations();
        let changes =
            escalations.changes(workspace, number, SNAPSHOT + 1).await.map_err(wire::store_error)?;
        if i64::try_from(changes.len()).is_ok_and(|missed| missed > SNAPSHOT) {
            return Ok(None);
        }
        let upto = changes.last().map_or(number, |last| last.number);
        Ok(Some((changes, upto)))
    }

    /// The number is read first: what changes meanwhile is told after it.
    async fn snapshot(
        &self,
        workspace: WorkspaceId,
        statuses: Option<Vec<switchboard_protocol::chat::EscalationStatus>>,
    ) -> Result<(Vec<Changed>, i64), RpcError> {
        let escalations = self.registry.store().escalations();
        let number = escalations.head(workspace).await.map_err(wire::store_error)?;
        let asked: Option<Vec<Status>> =
            statuses.map(|statuses| statuses.into_iter().map(wire::staff::status).collect());
        let wants = |status: Status| asked.as_ref().is_none_or(|asked| asked.contains(&status));
        let open = [Status::Pending, Status::Notified, Status::InProgress];
        let mut all = Vec::new();
        // All that is open, page by page.
        let mut wanted = Wanted {
            statuses: Some(open.into_iter().filter(|status| wants(*status)).collect()),
            ..Wanted::default()
        };
        loop {
            let page = escalations.list(workspace, wanted.clone(), SNAPSHOT).await;
            let page = page.map_err(wire::store_error)?;
            let is_last = i64::try_from(page.len()).is_ok_and(|rows| rows < SNAPSHOT);
            wanted.before = page.last().map(|last| last.id);
            all.extend(page);
            if is_last {
                break;
            }
        }
        if wants(Status::Resolved) {
            let resolved = Wanted { statuses: Some(vec![Status::Resolved]), ..Wanted::default() };
            all.extend(escalations.list(workspace, resolved, SNAPSHOT).await.map_err(wire::store_error)?);
        }
        let as_news = |escalation| Changed { number, escalation, erased: false };
        Ok((all.into_iter().map(as_news).collect(), number))
    }

    pub(super) async fn list_escalations(
        &self,
        standing: &Standing,
        params: EscalationList,
    ) -> Result<EscalationListed, RpcError> {
        let limit = params.rows();
        let wanted = Wanted {
            before: wire::cursor(params.cursor.as_deref())?,
            statuses: params.statuses.map(|statuses| statuses.into_iter().map(wire::staff::status).collect()),
            trigger: params.trigger_type.map(wire::staff::trigger),
            assignee: params.assignee.map(VisitorId::uuid),
        };
        // One more than asked tells whether there is a next page.
        let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let escalations = self.registry.store().escalations();
        let mut found =
            escalations.list(standing.caller.workspace, wanted, rows).await.map_err(wire::store_error)?;
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(EscalationListed {
            next_cursor: found.last().filter(|_| more).map(|last| last.id.to_string()),
            escalations: found.iter().map(wire::staff::escalation).collect(),
        })
    }

    pub(super) async fn get_escalation(
        &self,
        standing: &Standing,
        params: EscalationGet,
    ) -> Result<EscalationGot, RpcError> {
        let workspace = standing.caller.workspace;
        let escalation = self.stored_escalation(workspace, params.id).await?;
        let room = self.room(standing, escalation.conversation).await?;
        let traces = self
            .registry
            .store()
            .escalations()
            .traces(workspace, escalation.conversation, TRACES)
            .await
            .map_err(wire::store_error)?;
        Ok(EscalationGot {
            escalation: wire::staff::escalation(&escalation),
            conversation: wire::state(&room.view().conversation, &self.epoch),
            interactions: traces.into_iter().filter_map(wire::staff::trace).collect(),
        })
    }

    pub(super) async fn claim(
        &self,
        standing: &Standing,
        params: EscalationClaim,
    ) -> Result<EscalationHeld, RpcError> {
        self.act_on(standing, params.id, What::Claim(params.id)).await
    }

    pub(super) async fn assign(
        &self,
        standing: &Standing,
        params: EscalationAssign,
    ) -> Result<EscalationHeld, RpcError> {
        let workspace = standing.caller.workspace;
        let to = if let Some(id) = params.assignee {
            let person = self.people.find(workspace, id.uuid()).await.map_err(wire::store_error)?;
            person.ok_or_else(|| RpcError::invalid_param("assignee", "is nobody who may answer here"))?
        } else {
            let freest = self.registry.store().staff().freest(workspace).await;
            let Some(person) = freest.map_err(wire::store_error)? else {
                let stands = self.stored_escalation(workspace, params.id).await?;
                return Err(RpcError::conflict(
                    "Nobody who is online has room for more; name somebody.",
                    &wire::staff::escalation(&stands),
                ));
            };
            person
        };
        self.act_on(standing, params.id, What::Assign(params.id, to)).await
    }

    pub(super) async fn release(
        &self,
        standing: &Standing,
        params: EscalationRelease,
    ) -> Result<EscalationHeld, RpcError> {
        let what = What::Release { id: params.id, hand_back: params.hand_back.unwrap_or(true) };
        self.act_on(standing, params.id, what).await
    }

    pub(super) async fn resolve(
        &self,
        standing: &Standing,
        params: EscalationResolve,
    ) -> Result<EscalationHeld, RpcError> {
        let reopen_ai = params.reopen_ai.unwrap_or(false);
        let what = What::Resolve { id: params.id, resolution: params.resolution, reopen_ai };
        self.act_on(standing, params.id, what).await
    }

    pub(super) async fn take_over(
        &self,
        standing: &Standing,
        params: ConversationTakeover,
    ) -> Result<ConversationNow, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let deed = Deed { by: standing.myself()?, what: What::TakeOver(mint::id()) };
        self.state_after(&room, Change::Deed(Box::new(deed))).await
    }

    /// Does it, and tells how the escalation stands then; also to whoever was not quick enough.
    async fn act_on(
        &self,
        standing: &Standing,
        id: EscalationId,
        what: What,
    ) -> Result<EscalationHeld, RpcError> {
        let workspace = standing.caller.workspace;
        let escalation = self.stored_escalation(workspace, id).await?;
        let room = self.room(standing, escalation.conversation).await?;
        let deed = Deed { by: standing.myself()?, what };
        let outcome: Result<Answer, Refusal> = self.outcome(&room, Change::Deed(Box::new(deed)), None).await;
        match outcome {
            Ok(_) => {
                let escalation = self.stored_escalation(workspace, id).await?;
                Ok(EscalationHeld { escalation: wire::staff::escalation(&escalation) })
            }
            Err(Refusal::Lost(_)) => {
                let stands = self.stored_escalation(workspace, id).await?;
                let sentence = match (stands.status, &stands.assignee) {
                    (Status::Resolved, _) => "This escalation is resolved.".to_owned(),
                    (_, Some(holder)) => format!("{} has this escalation.", holder.name),
                    (_, None) => "The conversation has another escalation by now.".to_owned(),
                };
                Err(RpcError::conflict(sentence, &wire::staff::escalation(&stands)))
            }
            Err(refusal) => Err(wire::refused(refusal, &self.epoch)),
        }
    }

    pub(super) async fn stored_escalation(
        &self,
        workspace: WorkspaceId,
        id: EscalationId,
    ) -> Result<Escalation, RpcError> {
        let stored = self.registry.store().escalations().get(workspace, id).await;
        stored.map_err(wire::store_error)?.ok_or_else(|| RpcError::not_found("escalation"))
    }
}
