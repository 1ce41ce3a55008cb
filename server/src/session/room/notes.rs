//! Notes among staff: beside the log, numbered for themselves, and told to nobody else.
//!
//! Invariant: one note of a conversation at a time is written and told, and nobody joins between the two.

use std::sync::Arc;

use switchboard_protocol::ids::Seq;

use super::{Broadcast, Event, Member, Room, Saying, Side, Streaming, View, tell};
use crate::domain::message::{Author, Role};
use crate::domain::note::Note;
use crate::session::{Answer, Refusal};
use crate::store::StoreError;
use crate::store::staff::Noted;

impl Room {
    /// Joins as staff, and reads the notes after a number or the latest: none is missed and none comes twice.
    pub async fn join_with_notes(
        &self,
        member: Member,
        after: Option<Seq>,
        limit: i64,
    ) -> Result<(View, Option<Streaming>, Vec<Note>), StoreError> {
        let _noting = self.noting.lock().await;
        let notes = self.shared.store.staff().notes(self.workspace, self.id, after, limit).await?;
        let (view, streaming) = self.join_as_staff(member);
        Ok((view, streaming, notes))
    }

    /// What staff say, unless it is a note, or has the client id of one: that is answered here.
    pub(super) async fn unless_noted(self: &Arc<Self>, saying: Saying) -> Option<Saying> {
        if saying.draft.role != Role::Staff {
            return Some(saying);
        }
        if saying.draft.private {
            self.note(saying).await;
            return None;
        }
        let known =
            self.shared.store.staff().note_known(self.workspace, self.id, saying.draft.client_id).await;
        let refusal = match known {
            Ok(None) => return Some(saying),
            Ok(Some(note)) => Refusal::Reused(note.receipt(true)),
            Err(error) => refused(&error),
        };
        tell(saying.reply, Err(refusal));
        None
    }

    async fn note(&self, saying: Saying) {
        let Saying { draft, from, reply } = saying;
        let author = draft.author.clone().unwrap_or(Author { id: uuid::Uuid::nil(), name: None });
        let _noting = self.noting.lock().await;
        let noted = self.shared.store.staff().add_note(self.workspace, self.id, &draft, &author).await;
        match noted {
            Ok(Noted::Added(note)) => {
                let receipt = note.receipt(false);
                let broadcast = Broadcast::new(Event::Note(Arc::new(note)));
                self.lock().tell_side(Side::Staff, &broadcast, from);
                tell(reply, Ok(Answer::Said(receipt)));
            }
            Ok(Noted::Known(receipt, true)) => tell(reply, Ok(Answer::Said(receipt))),
            Ok(Noted::Known(receipt, false)) => tell(reply, Err(Refusal::Reused(receipt))),
            // A conversation that nobody has acted in is not known to staff.
            Ok(Noted::Nowhere) => tell(reply, Err(Refusal::Moved)),
            Err(error) => tell(reply, Err(refused(&error))),
        }
    }
}

fn refused(error: &StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(_) => Refusal::Unavailable,
        other => Refusal::Rejected(other.to_string()),
    }
}
