//! Conversations as a whole: listed, closed, rated, handed to a person.

use std::str::FromStr;
use std::sync::Arc;

use switchboard_protocol::RpcError;
use switchboard_protocol::ids::ConversationId;
use switchboard_protocol::methods::{
    ConversationClose, ConversationList, ConversationListed, ConversationNow, ConversationRate,
    EscalationNow, EscalationRequest, TurnCancel, TurnCancelled,
};
use tokio::sync::oneshot;

use super::{Desk, Standing, wire};
use crate::domain::conversation::{Change, EscalationRef, Rating};
use crate::domain::escalation::{Contact, Escalation, Status, Trigger};
use crate::domain::masking::mask;
use crate::domain::{clock, mint};
use crate::session::{Answer, Refusal, Room};

impl Desk {
    pub(super) async fn close_conversation(
        &self,
        standing: &Standing,
        params: ConversationClose,
    ) -> Result<ConversationNow, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        self.state_after(&room, Change::Close).await
    }

    pub(super) async fn rate_conversation(
        &self,
        standing: &Standing,
        params: ConversationRate,
    ) -> Result<ConversationNow, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let comment = params.comment.map(|comment| mask(&comment).into());
        self.state_after(&room, Change::Rate(Rating { score: params.score.into(), comment })).await
    }

    pub(super) async fn request_escalation(
        &self,
        standing: &Standing,
        params: EscalationRequest,
    ) -> Result<EscalationNow, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let contact = params.contact.map(|contact| Contact {
            name: contact.name,
            email: contact.email,
            phone: contact.phone,
        });
        let escalation = Escalation {
            id: mint::id(),
            workspace: room.workspace(),
            conversation: room.id(),
            interaction: None,
            issue: None,
            trigger: Trigger::UserRequest,
            original_request: None,
            context: None,
            summary: None,
            priority: 0,
            reason: params.reason.map(|reason| mask(&reason).into_owned()),
            contact,
            status: Status::Pending,
            assignee_name: None,
            created_at: clock::now(),
        };
        let change = Change::Escalate(EscalationRef { id: escalation.id, status: escalation.status });
        match self.after(&room, change, Some(escalation)).await? {
            Answer::Escalated(escalation) => Ok(EscalationNow { escalation: wire::escalation(&escalation) }),
            // One is open already: that is the answer.
            Answer::State(state) => {
                let open = state.escalation.as_ref().ok_or_else(|| RpcError::not_found("escalation"))?;
                let reader = &self.registry.store().reader;
                let stored = reader.escalation(room.workspace(), open.id).await.map_err(wire::store_error)?;
                let stored = stored.ok_or_else(|| RpcError::not_found("escalation"))?;
                Ok(EscalationNow { escalation: wire::escalation(&stored) })
            }
            Answer::Said(_) | Answer::Journaled { .. } | Answer::Cancelled => {
                Err(RpcError::not_found("escalation"))
            }
        }
    }

    /// Ends the open turn; nothing to cancel is no error.
    pub(super) async fn cancel_turn(
        &self,
        standing: &Standing,
        params: TurnCancel,
    ) -> Result<TurnCancelled, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let answer = self.after(&room, Change::Cancel, None).await?;
        Ok(TurnCancelled { cancelled: matches!(answer, Answer::Cancelled) })
    }

    pub(super) async fn list_conversations(
        &self,
        standing: &Standing,
        params: ConversationList,
    ) -> Result<ConversationListed, RpcError> {
        let before = match &params.cursor {
            Some(cursor) => Some(
                ConversationId::from_str(cursor)
                    .map_err(|_| RpcError::invalid_param("cursor", "is not one that a list has given"))?,
            ),
            None => None,
        };
        let limit = params.rows();
        // One more than asked tells whether there is a next page.
        let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let caller = &standing.caller;
        let reader = &self.registry.store().reader;
        let mut found = reader
            .conversations_of(caller.workspace, caller.id, before, wanted)
            .await
            .map_err(wire::store_error)?;
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(ConversationListed {
            next_cursor: found.last().filter(|_| more).map(|last| last.id.to_string()),
            conversations: found.iter().map(|conversation| wire::state(conversation, &self.epoch)).collect(),
        })
    }

    async fn state_after(&self, room: &Arc<Room>, change: Change) -> Result<ConversationNow, RpcError> {
        match self.after(room, change, None).await? {
            Answer::State(state) => Ok(ConversationNow { conversation: wire::state(&state, &self.epoch) }),
            Answer::Said(_) | Answer::Journaled { .. } | Answer::Escalated(_) | Answer::Cancelled => {
                Ok(ConversationNow { conversation: wire::state(&room.view().conversation, &self.epoch) })
            }
        }
    }

    async fn after(
        &self,
        room: &Arc<Room>,
        change: Change,
        escalation: Option<Escalation>,
    ) -> Result<Answer, RpcError> {
        let (told, answer) = oneshot::channel();
        let reply = Box::new(move |outcome| {
            // A caller that went away no longer asks.
            let _ = told.send(outcome);
        });
        room.change(change, escalation, reply).await;
        answer
            .await
            .unwrap_or(Err(Refusal::Unavailable))
            .map_err(|refusal| wire::refused(refusal, &self.epoch))
    }
}
