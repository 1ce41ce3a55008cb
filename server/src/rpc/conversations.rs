//! Conversations as a whole: listed, closed, rated, handed to a person.

use std::sync::Arc;

use switchboard_protocol::RpcError;
use switchboard_protocol::ids::VisitorId;
use switchboard_protocol::methods::{
    ConversationClose, ConversationList, ConversationListed, ConversationNow, ConversationRate,
    EscalationNow, EscalationRequest, TurnCancel, TurnCancelled,
};
use tokio::sync::oneshot;

use super::{Desk, Standing, wire};
use crate::domain::conversation::{Change, EscalationRef, Rating};
use crate::domain::escalation::{Contact, Escalation, Trigger};
use crate::domain::masking::mask;
use crate::domain::{clock, mint};
use crate::session::{Answer, Refusal, Room};
use crate::store::staff::LookUp;

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
        let (workspace, now) = (room.workspace(), clock::now());
        let escalation = Escalation {
            reason: params.reason.map(|reason| mask(&reason).into_owned()),
            contact,
            ..Escalation::new(mint::id(), workspace, room.id(), Trigger::UserRequest, now)
        };
        let change = Change::Escalate(EscalationRef { id: escalation.id, status: escalation.status });
        match self.after(&room, change, Some(escalation)).await? {
            Answer::Escalated(escalation) => Ok(EscalationNow { escalation: wire::escalation(&escalation) }),
            // One is open already: that is the answer.
            Answer::State(state) => {
                let open = state.escalation.as_ref().ok_or_else(|| RpcError::not_found("escalation"))?;
                let stored = self.stored_escalation(workspace, open.id).await?;
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
        if !standing.caller.is_visitor() {
            return self.look_conversations_up(standing, params).await;
        }
        let before = wire::cursor(params.cursor.as_deref())?;
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

    async fn look_conversations_up(
        &self,
        standing: &Standing,
        params: ConversationList,
    ) -> Result<ConversationListed, RpcError> {
        let look_up = LookUp {
            before: wire::cursor(params.cursor.as_deref())?,
            status: params.status.map(wire::status),
            assignee: params.assignee.map(VisitorId::uuid),
            visitor: params.visitor.map(VisitorId::uuid),
            query: params.query.as_deref().map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned),
        };
        let staff = self.registry.store().staff();
        let found = staff
            .conversations(standing.caller.workspace, look_up, params.rows())
            .await
            .map_err(wire::store_error)?;
        Ok(ConversationListed {
            next_cursor: found.next.map(|next| next.to_string()),
            conversations: found
                .conversations
                .iter()
                .map(|conversation| wire::state(conversation, &self.epoch))
                .collect(),
        })
    }

    pub(super) async fn state_after(
        &self,
        room: &Arc<Room>,
        change: Change,
    ) -> Result<ConversationNow, RpcError> {
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
        self.outcome(room, change, escalation).await.map_err(|refusal| wire::refused(refusal, &self.epoch))
    }

    /// What became of a change.
    pub(super) async fn outcome(
        &self,
        room: &Arc<Room>,
        change: Change,
        escalation: Option<Escalation>,
    ) -> Result<Answer, Refusal> {
        let (told, answer) = oneshot::channel();
        let reply = Box::new(move |outcome| {
            // A caller that went away no longer asks.
            let _ = told.send(outcome);
        });
        room.change(change, escalation, reply).await;
        answer.await.unwrap_or(Err(Refusal::Unavailable))
    }
}
