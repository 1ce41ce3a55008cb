//! Reads of conversations, for those who open them and those who leaf through them.

use switchboard_protocol::ids::{ConversationId, MessageId, Seq, VisitorId, WorkspaceId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::gather::{Bulk, Gather};
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::conversation::{Conversation, ReadMarks};
use crate::domain::message::Message;
use crate::domain::visitor::Visitor;
use crate::domain::workflow::Steps;

/// A conversation as it is stored, with the head of its log.
#[derive(Clone, Debug)]
pub struct Stored {
    pub conversation: Conversation,
    pub visitor: Visitor,
    pub head: Seq,
    pub reads: ReadMarks,
}

/// Which conversation is wanted.
#[derive(Clone, Debug)]
pub enum Wanted {
    ById(ConversationId),
    /// By the visitor's own name for it.
    BySession(VisitorId, String),
    /// The visitor's latest that is not closed.
    Latest(VisitorId),
}

/// The messages after one position, up to and with another.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    pub after: Seq,
    pub upto: Seq,
}

#[derive(Clone)]
pub struct Reader {
    pools: Pools,
    found: Gather<Find>,
    pages: Gather<Pages>,
    tails: Gather<Pages>,
    resumes: Gather<Resumes>,
}

/// Bytes of the messages of one page, as they are sent; the rest of the contract's 512 KiB is for what is around them.
const PAGE_BYTES: i64 = 508 * 1024;

impl Reader {
    pub fn new(pools: &Pools) -> Self {
        Self {
            found: Gather::start(Find(pools.clone())),
            pages: Gather::start(Pages { pools: pools.clone(), resuming: true }),
            tails: Gather::start(Pages { pools: pools.clone(), resuming: false }),
            resumes: Gather::start(Resumes(pools.clone())),
            pools: pools.clone(),
        }
    }

    pub async fn find(&self, workspace: WorkspaceId, wanted: Wanted) -> Result<Option<Stored>, StoreError> {
        self.found.ask((workspace, wanted)).await
    }

    /// The messages of a range for somebody who opens a conversation, as many of the newest as fit a page.
    pub async fn page(&self, range: Range) -> Result<Vec<Message>, StoreError> {
        self.pages.ask(range).await
    }

    /// The same for an actor that wakes, or a person who leafs back.
    pub async fn newest(&self, range: Range) -> Result<Vec<Message>, StoreError> {
        self.tails.ask(range).await
    }

    /// The messages of a range, as many of the oldest as fit a page.
    pub async fn oldest(&self, range: Range) -> Result<Vec<Message>, StoreError> {
        let Range { workspace, conversation, after, upto } = range;
        let step =
            step!(statement::MESSAGES_OLDEST, conversation.uuid(), after.get(), upto.get(), PAGE_BYTES);
        self.pools.read(&[workspace], step).await?.iter().map(rows::message).collect()
    }

    /// Whose resume secret this is.
    pub async fn visitor_by_resume(&self, digest: [u8; 32]) -> Result<Option<Visitor>, StoreError> {
        let Some((visitor, stale)) = self.resumes.ask(digest).await? else { return Ok(None) };
        if stale {
            self.pools.lookup(vec![step!(statement::RESUME_USED, visitor.id.uuid())]).await?;
        }
        Ok(Some(visitor))
    }

    /// A visitor's conversations before `before`, the newest first.
    pub async fn conversations_of(
        &self,
        workspace: WorkspaceId,
        visitor: VisitorId,
        before: Option<ConversationId>,
        limit: i64,
    ) -> Result<Vec<Conversation>, StoreError> {
        let before = before.map(ConversationId::uuid);
        let step = step!(statement::CONVERSATIONS_OF_VISITOR, visitor.uuid(), before, limit);
        self.pools.read(&[workspace], step).await?.iter().map(rows::conversation).collect()
    }

    /// One page of the conversations whose turn is open, in the order of their ids.
    pub async fn open_turns(
        &self,
        after: ConversationId,
    ) -> Result<Vec<(ConversationId, WorkspaceId)>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::WORKFLOW_OPEN, after.uuid())]).await?;
        let pair = |row: &Row| -> Result<_, StoreError> {
            let conversation: Uuid = rows::get(row, "conversation_id")?;
            let workspace: Uuid = rows::get(row, "workspace_id")?;
            Ok((conversation.into(), workspace.into()))
        };
        rows.iter().map(pair).collect()
    }

    /// What is recorded of one turn.
    pub async fn steps(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        turn: i64,
    ) -> Result<Steps, StoreError> {
        let rows =
            self.pools.read(&[workspace], step!(statement::TURN_STEPS, conversation.uuid(), turn)).await?;
        let recorded: Result<Vec<_>, _> = rows.iter().map(rows::recorded).collect();
        Ok(recorded?.into_iter().flatten().map(|recorded| (recorded.step, recorded)).collect())
    }

    /// Keeps what a visitor said of a message; false when it is no message of theirs.
    pub async fn feedback(
        &self,
        workspace: WorkspaceId,
        visitor: VisitorId,
        message: MessageId,
        helpful: bool,
        comment: Option<String>,
    ) -> Result<bool, StoreError> {
        let step = step!(statement::MESSAGES_FEEDBACK, message.uuid(), visitor.uuid(), helpful, comment);
        Ok(!self.pools.write(&[workspace], step).await?.is_empty())
    }
}

/// Statements run on behalf of `session.open`, so that a storm can be held against its statements.
fn count_resume_statement() {
    metrics::counter!("switchboard_resume_statements_total").increment(1);
}

struct Find(Pools);

impl Bulk for Find {
    type Key = (WorkspaceId, Wanted);
    type Answer = Option<Stored>;

    async fn ask(&self, keys: Vec<Self::Key>) -> Result<Vec<Self::Answer>, StoreError> {
        count_resume_statement();
        let mut workspaces: Vec<_> = keys.iter().map(|(workspace, _)| *workspace).collect();
        workspaces.sort_unstable();
        workspaces.dedup();
        let mut ids: Vec<Option<Uuid>> = Vec::with_capacity(keys.len());
        let mut visitors: Vec<Option<Uuid>> = Vec::with_capacity(keys.len());
        let mut sessions: Vec<Option<String>> = Vec::with_capacity(keys.len());
        let mut asked = Vec::with_capacity(keys.len());
        for (workspace, wanted) in keys {
            asked.push(workspace);
            let (id, visitor, session) = match wanted {
                Wanted::ById(id) => (Some(id.uuid()), None, None),
                Wanted::BySession(visitor, session) => (None, Some(visitor.uuid()), Some(session)),
                Wanted::Latest(visitor) => (None, Some(visitor.uuid()), None),
            };
            ids.push(id);
            visitors.push(visitor);
            sessions.push(session);
        }
        let mut found: Vec<Option<Stored>> = asked.iter().map(|_| None).collect();
        let step = step!(statement::CONVERSATIONS_FIND, ids, visitors, sessions);
        for row in self.0.read(&workspaces, step).await? {
            let place = place(&row, found.len())?;
            let stored = Stored {
                conversation: rows::conversation(&row)?,
                visitor: rows::visitor(&row, "user_id")?,
                head: rows::seq(&row, "head")?,
                reads: rows::read_marks(&row)?,
            };
            // One batch may serve several workspaces; each caller sees its own.
            if stored.conversation.workspace == asked[place] {
                found[place] = Some(stored);
            }
        }
        Ok(found)
    }
}

struct Pages {
    pools: Pools,
    resuming: bool,
}

impl Bulk for Pages {
    type Key = Range;
    type Answer = Vec<Message>;

    async fn ask(&self, keys: Vec<Range>) -> Result<Vec<Vec<Message>>, StoreError> {
        if self.resuming {
            count_resume_statement();
        }
        let mut workspaces: Vec<_> = keys.iter().map(|range| range.workspace).collect();
        workspaces.sort_unstable();
        workspaces.dedup();
        let conversations: Vec<_> = keys.iter().map(|range| range.conversation.uuid()).collect();
        let after: Vec<_> = keys.iter().map(|range| range.after.get()).collect();
        let upto: Vec<_> = keys.iter().map(|range| range.upto.get()).collect();
        let mut pages: Vec<Vec<Message>> = keys.iter().map(|_| Vec::new()).collect();
        let step = step!(statement::MESSAGES_NEWEST, conversations, after, upto, PAGE_BYTES);
        for row in self.pools.read(&workspaces, step).await? {
            let place = place(&row, pages.len())?;
            pages[place].push(rows::message(&row)?);
        }
        Ok(pages)
    }
}

struct Resumes(Pools);

impl Bulk for Resumes {
    type Key = [u8; 32];
    type Answer = Option<(Visitor, bool)>;

    async fn ask(&self, keys: Vec<[u8; 32]>) -> Result<Vec<Self::Answer>, StoreError> {
        count_resume_statement();
        let digests: Vec<Vec<u8>> = keys.iter().map(|digest| digest.to_vec()).collect();
        let rows = self.0.lookup(vec![step!(statement::VISITORS_BY_RESUME, digests)]).await?;
        let mut known = std::collections::HashMap::with_capacity(rows.len());
        for row in &rows {
            let digest: Vec<u8> = rows::get(row, "resume_hash")?;
            known.insert(digest, (rows::visitor(row, "id")?, rows::get(row, "stale")?));
        }
        Ok(keys.iter().map(|digest| known.get(digest.as_slice()).cloned()).collect())
    }
}

/// `WITH ORDINALITY` counts from one.
fn place(row: &Row, of: usize) -> Result<usize, StoreError> {
    let ord: i64 = rows::get(row, "ord")?;
    usize::try_from(ord - 1).ok().filter(|place| *place < of).ok_or_else(|| StoreError::Refused {
        code: "unreadable".to_owned(),
        message: "an answer to a question that was not asked".to_owned(),
    })
}
