//! Messages: said, listed, read, judged; and who is typing.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;
use switchboard_protocol::ids::Seq;
use switchboard_protocol::methods::{
    Empty, MessageFeedback, MessageList, MessageListed, MessageRead, MessageSend, Typing,
};
use switchboard_protocol::{Position, RpcError};

use super::{Desk, Line, Standing, wire};
use crate::domain::conversation::ReadMarks;
use crate::domain::masking::mask;
use crate::domain::message::{Author, Draft, Role};
use crate::session::Room;
use crate::store::reader::Range;

impl Desk {
    /// A message as it is accepted: by somebody who may, within its limits, and without their secrets.
    pub async fn accept(
        &self,
        standing: &Standing,
        params: MessageSend,
    ) -> Result<(Arc<Room>, Draft), RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        Ok((room.clone(), draft(standing, &room, params)?))
    }

    /// The same for the conversation that is open, without looking for it.
    pub fn prepare(standing: &Standing, params: MessageSend) -> Result<(Arc<Room>, Draft), RpcError> {
        let room = standing.room.clone().ok_or_else(|| RpcError::not_found("conversation"))?;
        let draft = draft(standing, &room, params)?;
        Ok((room, draft))
    }

    pub(super) async fn list_messages(
        &self,
        standing: &Standing,
        params: MessageList,
    ) -> Result<MessageListed, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let head = room.view().head;
        let lost = || RpcError::position_lost(Position { epoch: self.epoch.clone(), seq: head });
        let limit = i64::try_from(params.rows()).unwrap_or(i64::MAX);
        let range = |after: i64, upto: i64| Range {
            workspace: room.workspace(),
            conversation: room.id(),
            after: Seq::new(after).unwrap_or(Seq::ZERO),
            upto: Seq::new(upto).unwrap_or(Seq::ZERO),
        };
        let reader = &self.registry.store().reader;
        if let Some(after) = params.after_seq {
            if after > head {
                return Err(lost());
            }
            let upto = after.get().saturating_add(limit).min(head.get());
            let messages = reader.oldest(range(after.get(), upto)).await.map_err(wire::store_error)?;
            let has_more = messages.last().map_or(after, |last| last.seq) < head;
            return Ok(MessageListed { messages: wire::messages(&messages), has_more });
        }
        let before = params.before_seq.unwrap_or(head.next()).get();
        if !(1..=head.next().get()).contains(&before) {
            return Err(lost());
        }
        let after = (before - 1 - limit).max(0);
        let messages = if before == 1 {
            Vec::new()
        } else {
            reader.newest(range(after, before - 1)).await.map_err(wire::store_error)?
        };
        let has_more = messages.first().is_some_and(|first| first.seq.get() > 1);
        Ok(MessageListed { messages: wire::messages(&messages), has_more })
    }

    pub(super) async fn read_message(
        &self,
        standing: &Standing,
        params: MessageRead,
    ) -> Result<Empty, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let marks = if standing.caller.is_visitor() {
            ReadMarks { user: params.seq, staff: Seq::ZERO }
        } else {
            ReadMarks { user: Seq::ZERO, staff: params.seq }
        };
        room.read(marks).await;
        Ok(Empty {})
    }

    pub(super) async fn feedback(
        &self,
        standing: &Standing,
        params: MessageFeedback,
    ) -> Result<Empty, RpcError> {
        let reader = &self.registry.store().reader;
        let caller = &standing.caller;
        let comment = params.comment.map(|comment| mask(&comment).into_owned());
        let known = reader
            .feedback(caller.workspace, caller.id, params.message_id, params.helpful, comment)
            .await
            .map_err(wire::store_error)?;
        if !known {
            return Err(RpcError::not_found("message"));
        }
        self.registry.store().writer.news().finished.notify_one();
        Ok(Empty {})
    }

    pub(super) async fn typing(
        &self,
        standing: &Standing,
        line: Option<&dyn Line>,
        params: Typing,
    ) -> Result<Empty, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        if let Some(line) = line {
            let (role, author) = speaker(standing, &room)?;
            room.typing(line.id(), role, Some(author), params.on);
        }
        Ok(Empty {})
    }
}

fn draft(standing: &Standing, room: &Room, params: MessageSend) -> Result<Draft, RpcError> {
    if params.attachments.as_ref().is_some_and(|attachments| !attachments.is_empty()) {
        return Err(RpcError::invalid_param("attachments", "names a document that is not stored here"));
    }
    let (role, author) = speaker(standing, room)?;
    let private = params.private.unwrap_or(false);
    if private && role != Role::Staff {
        return Err(RpcError::forbidden("Only staff write notes."));
    }
    let masked = match mask(&params.content) {
        Cow::Owned(masked) if role == Role::User => Some(masked),
        _ => None,
    };
    Ok(Draft {
        client_id: params.client_id,
        role,
        author: Some(author),
        content: masked.unwrap_or(params.content),
        metadata: params.metadata.map(Value::Object),
        attachments: None,
        private,
    })
}

/// Who says something here, and as what.
fn speaker(standing: &Standing, room: &Room) -> Result<(Role, Author), RpcError> {
    let id = standing.caller.id.uuid();
    if standing.caller.is_visitor() {
        return Ok((Role::User, Author { id, name: room.visitor().profile.name.clone() }));
    }
    let name = standing.myself()?.name.to_string();
    Ok((Role::Staff, Author { id, name: Some(name) }))
}
