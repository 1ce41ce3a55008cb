//! What staff do beside escalations: rooms they join, notes, short texts, and being there.

use std::sync::Arc;

use switchboard_protocol::chat::Streaming;
use switchboard_protocol::ids::Seq;
use switchboard_protocol::methods::{
    CannedDelete, CannedDeleted, CannedList, CannedListed, CannedSave, CannedSaved, ConversationJoin,
    ConversationJoined, ConversationLeave, Empty, NotesList, NotesListed, StaffPresence,
};
use switchboard_protocol::{Position, RpcError};

use super::{Desk, Line, Standing, wire};
use crate::domain::staff::Canned;
use crate::domain::{clock, mint};
use crate::session::room::Member;

/// Notes of one answer.
const NOTES: i64 = 200;

impl Desk {
    pub(super) async fn join(
        &self,
        standing: &Standing,
        line: Arc<dyn Line>,
        params: ConversationJoin,
    ) -> Result<ConversationJoined, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let connection = line.id();
        self.consoles.enter(connection, &room)?;
        let known = params.notes_position.as_ref().filter(|position| position.epoch == self.epoch);
        let after = known.map(|position| position.seq);
        let member = Member { connection, listener: line };
        let joined = async {
            let (view, streaming, notes) =
                room.join_with_notes(member, after, NOTES).await.map_err(wire::store_error)?;
            let page = self.page(&room, params.position.as_ref(), view.head).await?;
            Ok::<_, RpcError>((view, streaming, notes, page))
        };
        let (view, streaming, notes, page) = joined.await.inspect_err(|_| {
            room.leave(connection);
            self.consoles.exit(connection, room.id());
        })?;
        let last = notes.last().map(|note| note.seq).or(after).unwrap_or(Seq::ZERO);
        Ok(ConversationJoined {
            conversation: wire::state(&view.conversation, &self.epoch),
            visitor: wire::staff::visitor(&room.visitor()),
            position: Position { epoch: self.epoch.clone(), seq: view.head },
            recovered: page.recovered,
            messages: wire::messages(&page.messages),
            has_more: page.has_more,
            read: wire::reads(view.reads),
            streaming: streaming
                .map(|streaming| Streaming { message_id: streaming.message, text: streaming.text }),
            notes: notes.iter().map(wire::staff::note).collect(),
            notes_position: Position { epoch: self.epoch.clone(), seq: last },
        })
    }

    /// Leaving what one is not in is no error.
    pub(super) async fn leave(
        &self,
        standing: &Standing,
        line: &dyn Line,
        params: ConversationLeave,
    ) -> Result<Empty, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        room.leave(line.id());
        self.consoles.exit(line.id(), room.id());
        Ok(Empty {})
    }

    pub(super) async fn list_notes(
        &self,
        standing: &Standing,
        params: NotesList,
    ) -> Result<NotesListed, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let limit = i64::try_from(params.rows()).unwrap_or(i64::MAX);
        let staff = self.registry.store().staff();
        let notes = staff.notes(room.workspace(), room.id(), params.after_seq, limit).await;
        Ok(NotesListed { notes: notes.map_err(wire::store_error)?.iter().map(wire::staff::note).collect() })
    }

    pub(super) async fn list_canned(
        &self,
        standing: &Standing,
        _: CannedList,
    ) -> Result<CannedListed, RpcError> {
        let canned = self.registry.store().staff().canned(standing.caller.workspace).await;
        Ok(CannedListed {
            canned: canned.map_err(wire::store_error)?.iter().map(wire::staff::canned).collect(),
        })
    }

    pub(super) async fn save_canned(
        &self,
        standing: &Standing,
        params: CannedSave,
    ) -> Result<CannedSaved, RpcError> {
        let (workspace, staff) = (standing.caller.workspace, self.registry.store().staff());
        let text = Canned {
            id: params.id.unwrap_or_else(mint::id),
            name: params.name,
            content: params.content,
            updated_at: clock::now(),
        };
        let saved = staff.save_canned(workspace, &text, &standing.myself()?).await;
        if let Some(saved) = saved.map_err(wire::store_error)? {
            return Ok(CannedSaved { canned: wire::staff::canned(&saved) });
        }
        match staff.canned_named(workspace, &text.name).await.map_err(wire::store_error)? {
            Some(other) => {
                Err(RpcError::conflict("Another short text has this name.", &wire::staff::canned(&other)))
            }
            None => Err(RpcError::conflict(
                "A workspace has room for 1000 short texts; delete some first.",
                &serde_json::Value::Null,
            )),
        }
    }

    pub(super) async fn delete_canned(
        &self,
        standing: &Standing,
        params: CannedDelete,
    ) -> Result<CannedDeleted, RpcError> {
        let myself = standing.myself()?;
        let deleted =
            self.registry.store().staff().delete_canned(standing.caller.workspace, params.id, &myself).await;
        Ok(CannedDeleted { deleted: deleted.map_err(wire::store_error)? })
    }

    pub(super) async fn set_presence(
        &self,
        standing: &Standing,
        line: &dyn Line,
        params: StaffPresence,
    ) -> Result<Empty, RpcError> {
        let (workspace, myself) = (standing.caller.workspace, standing.myself()?);
        self.consoles.present(line.id(), workspace, &myself);
        let status = wire::staff::presence(params.status);
        let set = self.presences.set(workspace, &myself, line.id().0, status, params.capacity).await;
        set.map_err(wire::store_error)?;
        Ok(Empty {})
    }
}
