//! What staff have of their own: names, presence, notes, short texts, and conversations as they look them up.

use switchboard_protocol::ids::{CannedId, ClientId, ConversationId, Seq, WorkspaceId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::clock;
use crate::domain::conversation::{Conversation, Person, Status};
use crate::domain::message::{Author, Draft, Receipt};
use crate::domain::mint;
use crate::domain::note::Note;
use crate::domain::staff::{Canned, Colleague, Presence};

/// Handle to the tables.
#[derive(Clone)]
pub struct Staff {
    pools: Pools,
}

/// What became of a note.
#[derive(Debug)]
pub enum Noted {
    Added(Note),
    /// A note or a message has its client id: who has it, and whether it is the same note.
    Known(Receipt, bool),
    /// The conversation has no row.
    Nowhere,
}

/// Which conversations staff look for.
#[derive(Clone, Debug, Default)]
pub struct LookUp {
    pub before: Option<ConversationId>,
    pub status: Option<Status>,
    pub assignee: Option<Uuid>,
    pub visitor: Option<Uuid>,
    pub query: Option<String>,
}

/// One page of those.
#[derive(Debug)]
pub struct Found {
    pub conversations: Vec<Conversation>,
    /// Where the next page begins, if there may be one.
    pub next: Option<ConversationId>,
}

/// So many conversations one look-up by name walks through.
const WALK: i64 = 1_000;

impl Staff {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    /// The name of somebody who may answer in this workspace; nothing where nobody of this id may.
    pub async fn person(&self, workspace: WorkspaceId, id: Uuid) -> Result<Option<Person>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::STAFF_PERSON, workspace.uuid(), id)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let name: Option<String> = rows::get(row, "name")?;
        Ok(Some(Person { id, name: name.unwrap_or_else(|| NAMELESS.to_owned()).into() }))
    }

    /// Says whether somebody is there. Without a capacity it stays as it was, at first `usual`.
    pub async fn set_presence(
        &self,
        workspace: WorkspaceId,
        person: &Person,
        status: Presence,
        (capacity, usual): (Option<i32>, i32),
        node: Uuid,
    ) -> Result<Colleague, StoreError> {
        let step = step!(
            statement::STAFF_SET_PRESENCE,
            workspace.uuid(),
            person.id,
            person.name.to_string(),
            status.name(),
            capacity,
            usual,
            node,
            clock::now()
        );
        let rows = self.pools.write(&[workspace], step).await?;
        rows.first().map_or_else(|| Err(nothing("a presence")), colleague)
    }

    /// The colleagues who are there.
    pub async fn present(&self, workspace: WorkspaceId) -> Result<Vec<Colleague>, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::STAFF_PRESENT, workspace.uuid())).await?;
        rows.iter().map(colleague).collect()
    }

    /// Who is online and has room, the one with the least to do first.
    pub async fn freest(&self, workspace: WorkspaceId) -> Result<Option<Person>, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::STAFF_FREEST, workspace.uuid())).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let name: Option<String> = rows::get(row, "name")?;
        Ok(Some(Person { id: rows::get(row, "person_id")?, name: name.unwrap_or_default().into() }))
    }

    /// Whoever was there by a node that starts anew is not.
    pub async fn forget_node(&self, node: Uuid) -> Result<(), StoreError> {
        self.pools.lookup(vec![step!(statement::STAFF_FORGET_NODE, node)]).await.map(drop)
    }

    pub async fn add_note(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        draft: &Draft,
        author: &Author,
    ) -> Result<Noted, StoreError> {
        let step = step!(
            statement::NOTE_ADD,
            workspace.uuid(),
            conversation.uuid(),
            mint::id::<Uuid>(),
            draft.client_id.uuid(),
            author.id,
            author.name.clone(),
            draft.content.clone(),
            draft.attachments.clone(),
            draft.metadata.clone(),
            clock::now()
        );
        let rows = self.pools.write(&[workspace], step).await?;
        let Some(row) = rows.first() else { return Ok(Noted::Nowhere) };
        let note = rows::note(row)?;
        if !rows::get::<bool>(row, "known")? {
            return Ok(Noted::Added(note));
        }
        let private: bool = rows::get(row, "private")?;
        Ok(Noted::Known(note.receipt(private), private && note.fingerprint() == draft.fingerprint()))
    }

    /// The note that has this client id.
    pub async fn note_known(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        client_id: ClientId,
    ) -> Result<Option<Note>, StoreError> {
        let step = step!(statement::NOTE_KNOWN, workspace.uuid(), conversation.uuid(), client_id.uuid());
        self.pools.read(&[workspace], step).await?.first().map(rows::note).transpose()
    }

    /// Notes after a number, else the latest, in their order.
    pub async fn notes(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        after: Option<Seq>,
        limit: i64,
    ) -> Result<Vec<Note>, StoreError> {
        let after = after.map(Seq::get);
        let step = step!(statement::NOTES_LIST, workspace.uuid(), conversation.uuid(), after, limit);
        self.pools.read(&[workspace], step).await?.iter().map(rows::note).collect()
    }

    pub async fn canned(&self, workspace: WorkspaceId) -> Result<Vec<Canned>, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::CANNED_LIST, workspace.uuid())).await?;
        rows.iter().map(canned).collect()
    }

    /// Nothing where the name is another's, or the workspace has its fill.
    pub async fn save_canned(
        &self,
        workspace: WorkspaceId,
        text: &Canned,
        by: &Person,
    ) -> Result<Option<Canned>, StoreError> {
        let step = step!(
            statement::CANNED_SAVE,
            workspace.uuid(),
            text.id.uuid(),
            text.name.clone(),
            text.content.clone(),
            text.updated_at,
            mint::id::<Uuid>(),
            by.id.to_string()
        );
        match self.pools.write(&[workspace], step).await {
            Ok(rows) => rows.first().map(canned).transpose(),
            // Two of one name at once: the other was quicker.
            Err(StoreError::Refused { code, .. }) if code == "23505" => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn canned_named(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<Option<Canned>, StoreError> {
        let step = step!(statement::CANNED_NAMED, workspace.uuid(), name.to_owned());
        self.pools.read(&[workspace], step).await?.first().map(canned).transpose()
    }

    /// False where there was none.
    pub async fn delete_canned(
        &self,
        workspace: WorkspaceId,
        id: CannedId,
        by: &Person,
    ) -> Result<bool, StoreError> {
        let (audit, actor) = (mint::id::<Uuid>(), by.id.to_string());
        let step = step!(statement::CANNED_DELETE, workspace.uuid(), id.uuid(), audit, actor);
        Ok(!self.pools.write(&[workspace], step).await?.is_empty())
    }

    /// The workspace's conversations, the latest first.
    pub async fn conversations(
        &self,
        workspace: WorkspaceId,
        look_up: LookUp,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let walk = match &look_up.query {
            Some(_) => WALK,
            // One more than asked tells whether there is a next page.
            None => i64::try_from(limit + 1).unwrap_or(i64::MAX),
        };
        let step = step!(
            statement::CONVERSATIONS_OF_WORKSPACE,
            workspace.uuid(),
            look_up.before.map(ConversationId::uuid),
            look_up.status.map(Status::name),
            look_up.assignee,
            look_up.query,
            walk,
            look_up.visitor
        );
        let rows = self.pools.read(&[workspace], step).await?;
        let mut conversations = Vec::with_capacity(rows.len());
        let (mut walked_all, mut last) = (true, None);
        for row in &rows {
            let conversation = rows::conversation(row)?;
            walked_all = rows::get::<i64>(row, "walked")? < walk;
            last = Some(conversation.id);
            if rows::get(row, "matches")? {
                conversations.push(conversation);
            }
        }
        let next = if conversations.len() > limit {
            conversations.truncate(limit);
            conversations.last().map(|kept| kept.id)
        } else {
            last.filter(|_| !walked_all)
        };
        Ok(Found { conversations, next })
    }
}

/// What visitors read where an account has no name: an address is none.
const NAMELESS: &str = "Support";

fn colleague(row: &Row) -> Result<Colleague, StoreError> {
    let capacity: i32 = rows::get(row, "capacity")?;
    Ok(Colleague {
        id: rows::get(row, "person_id")?,
        name: rows::get(row, "name")?,
        status: rows::named(row, "status", Presence::from_name)?,
        capacity: u32::try_from(capacity).unwrap_or_default(),
        since: rows::get(row, "since")?,
    })
}

fn canned(row: &Row) -> Result<Canned, StoreError> {
    Ok(Canned {
        id: rows::get::<Uuid>(row, "id")?.into(),
        name: rows::get(row, "name")?,
        content: rows::get(row, "content")?,
        updated_at: rows::get(row, "updated_at")?,
    })
}

fn nothing(what: &str) -> StoreError {
    StoreError::Refused {
        code: "unreadable".to_owned(),
        message: format!("{what} was written and is not there"),
    }
}
