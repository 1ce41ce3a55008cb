//! What was said: conversations with their messages, gathered in one pass over both.
//!
//! Invariant: both are read in the order of the conversations' ids, so that none of them is ever held in memory but the one
//! that is being told.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::writer::{Fault, Tally, Whole, Writer};
use super::ledger::Page;
use super::plan::{Found, Plan};
use super::row::{self, Row};
use super::shape::Kind;
use super::{Run, requests, turns};
use crate::domain::clock::{self, Timestamp};
use crate::domain::conversation::{Mode, Owner, Status};
use crate::domain::escalation;
use crate::domain::masking;
use crate::domain::message::Role;
use crate::store::administration::bulk::{Opened, Said};
use crate::store::foreign::{Line, Lines};

/// Of a message; longer than what may be sent, since answers of models were not bounded.
const CONTENT: usize = 100_000;
/// The sizes of what is stored of a person, and of a rating.
const NAME: usize = switchboard_protocol::limits::NAME;
const COMMENT: usize = switchboard_protocol::limits::COMMENT;

/// A conversation as its row tells it.
struct Head {
    id: Uuid,
    key: String,
    place: String,
    visitor: Uuid,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mode: Option<Mode>,
    rating: Option<i16>,
    comment: Option<String>,
    metadata: Map<String, Value>,
    at: Option<Timestamp>,
    updated: Option<Timestamp>,
}

/// The messages of some tables as they come, and where they are counted.
struct Talk<'p> {
    tables: Vec<&'p Found>,
    page: Page,
    lines: Lines,
    next: Option<Line>,
}

/// Where a log has come to.
#[derive(Default)]
struct Log {
    head: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Run {
    pub(super) async fn talk(&mut self, plan: &Plan) -> anyhow::Result<()> {
        for conversations in plan.of(Kind::Conversations) {
            let page = self.begin(conversations).await?;
            let mut talk = self.listen(plan, Some(conversations)).await?;
            let mut heads = self.foreign.walk(&[conversations.gathered(conversations.column("id"))]);
            let mut writer = Writer::new(&self.desk, self.workspace, self.rehearsal);
            let mut before: Option<String> = None;
            while let Some(line) = heads.next().await? {
                let head = self.head(conversations, page, &line).await?;
                let Some(key) = line.gathered else { continue };
                if before.as_ref() == Some(&key) {
                    if let Some(head) = head {
                        self.ledger
                            .refuse(page, &head.place, "another one of this id came before it")
                            .await?;
                    }
                    continue;
                }
                while talk
                    .next
                    .as_ref()
                    .is_some_and(|next| next.gathered.as_ref().is_some_and(|other| *other < key))
                {
                    self.orphan(&mut talk, None).await?;
                }
                match head {
                    Some(head) => self.tell(&mut writer, &mut talk, &key, head).await?,
                    None => {
                        while talk.is_of(&key) {
                            self.orphan(&mut talk, Some("its conversation was refused")).await?;
                        }
                    }
                }
                self.name_faults(&mut writer, page, talk.page).await?;
                before = Some(key);
            }
            while talk.next.is_some() {
                self.orphan(&mut talk, None).await?;
            }
            self.written(writer, page, talk.page).await?;
        }
        self.talk_alone(plan).await
    }

    /// Messages of a desk that has no table of conversations: each key that they name is one.
    async fn talk_alone(&mut self, plan: &Plan) -> anyhow::Result<()> {
        if !plan.of(Kind::Messages).any(|found| plan.link(found).is_none()) {
            return Ok(());
        }
        let page = self.ledger.open("conversations that only messages name", Kind::Conversations.noun(), 0);
        let mut talk = self.listen(plan, None).await?;
        let mut writer = Writer::new(&self.desk, self.workspace, self.rehearsal);
        while let Some(next) = &talk.next {
            let Some(key) = next.gathered.clone() else {
                self.orphan(&mut talk, Some("it names no conversation")).await?;
                continue;
            };
            self.ledger.read(page).await?;
            let head = Head {
                id: self.id("conversation", "", &key),
                place: format!("{}/conversation {key}", self.source),
                visitor: self.made_id("visitor", "", &key),
                key: key.clone(),
                name: None,
                email: None,
                phone: None,
                mode: None,
                rating: None,
                comment: None,
                metadata: Map::new(),
                at: None,
                updated: None,
            };
            self.tell(&mut writer, &mut talk, &key, head).await?;
            self.name_faults(&mut writer, page, talk.page).await?;
        }
        self.written(writer, page, talk.page).await
    }

    /// Begins to read the messages that speak of a table of conversations, or of none.
    async fn listen<'p>(
        &mut self,
        plan: &'p Plan,
        conversations: Option<&Found>,
    ) -> anyhow::Result<Talk<'p>> {
        let of_these = |found: &&Found| match (plan.link(found), conversations) {
            (Some(link), Some(conversations)) => link.table == conversations.name(),
            (None, None) => true,
            _ => false,
        };
        let tables: Vec<&Found> = plan.of(Kind::Messages).filter(of_these).collect();
        let mut rows = 0;
        for found in &tables {
            rows += self.foreign.count(&found.table).await?;
        }
        let names: Vec<_> = tables.iter().map(|found| found.name()).collect();
        let name = if names.is_empty() { "no table".to_owned() } else { names.join(" and ") };
        let page = self.ledger.open(&name, Kind::Messages.noun(), rows);
        let walks: Vec<_> = tables.iter().map(|found| found.by_conversation(plan)).collect();
        let mut lines = if walks.is_empty() { Lines::none() } else { self.foreign.walk(&walks) };
        let next = lines.next().await?;
        Ok(Talk { tables, page, lines, next })
    }

    /// Tells one log to its end.
    async fn tell(
        &mut self,
        writer: &mut Writer,
        talk: &mut Talk<'_>,
        key: &str,
        head: Head,
    ) -> anyhow::Result<()> {
        let mut log = Log { last: head.at, ..Log::default() };
        while talk.is_of(key) {
            let Some((found, line)) = talk.take().await? else { break };
            let Some((row, place)) = self.row(found, talk.page, &line).await? else { continue };
            match self.said(found, row, head.id, &mut log) {
                Ok(said) => writer.say(said).await?,
                Err(why) => self.ledger.refuse(talk.page, &place, &why).await?,
            }
        }
        let whole = self.whole(head, &log);
        writer.end(whole).await
    }

    /// A message of a log, or why it is none.
    fn said(&self, found: &Found, mut row: Row, conversation: Uuid, log: &mut Log) -> Result<Said, String> {
        let role = row.text("role").ok_or("it does not say who spoke")?;
        let role = role_of(&role).ok_or_else(|| format!("the role `{role}` is not known"))?;
        let content = row.words("content").unwrap_or_default();
        if content.trim().is_empty() {
            return Err("it says nothing".to_owned());
        }
        if content.chars().count() > CONTENT {
            return Err(format!("it has more than {CONTENT} characters"));
        }
        let at = row.time("at")?.or(log.last).unwrap_or_else(clock::now);
        let id = row.text("id");
        row.take("conversation");
        let agent_name = row.short("agent", NAME).filter(|_| role == Role::Assistant);
        let name = row.short("name", NAME).filter(|_| role == Role::Staff);
        row.take("place");
        log.head += 1;
        log.first = log.first.or(Some(at));
        log.last = Some(at);
        let key = id.unwrap_or_else(|| format!("{conversation} {}", log.head));
        Ok(Said {
            conversation,
            seq: log.head,
            id: self.id("message", found.name(), &key),
            role,
            agent_name,
            author: name.map(|name| (self.made_id("author", "", &name), name)),
            content: masking::mask(&content).into_owned(),
            metadata: row::or_null(row.rest()),
            at,
        })
    }

    /// A conversation as it comes into being here: closed, unless somebody still waits in it.
    fn whole(&mut self, head: Head, log: &Log) -> Whole {
        let Head { id, key, place, visitor, mode, mut metadata, at, updated, .. } = head;
        metadata.insert("import_id".to_owned(), json!(key));
        metadata.insert("import_messages".to_owned(), json!(log.head));
        let created_at = at.or(log.first).unwrap_or_else(clock::now);
        let (escalations, open) = requests::settled(self.book.open.remove(&id).unwrap_or_default());
        let turn = self.book.turns.remove(&id).filter(|_| open.is_some());
        let opened = Opened {
            id,
            visitor,
            name: head.name,
            email: head.email,
            phone: head.phone,
            status: if open.is_some() { Status::Waiting } else { Status::Closed },
            owner: Owner::None,
            mode,
            escalation: open.map(|open| (open, escalation::Status::Pending)),
            rating: head.rating,
            rating_comment: head.comment,
            head: log.head,
            metadata: metadata.into(),
            created_at,
            updated_at: updated.or(log.last).unwrap_or(created_at).max(created_at),
        };
        let workflow = turn.map(|turn| turns::fresh_workflow(id, turn, created_at));
        Whole { place, opened, escalations, workflow }
    }

    async fn head(&mut self, found: &Found, page: Page, line: &Line) -> anyhow::Result<Option<Head>> {
        let Some((row, place)) = self.row(found, page, line).await? else { return Ok(None) };
        let Some(key) = line.gathered.clone() else {
            self.ledger.refuse(page, &place, "it has no id").await?;
            return Ok(None);
        };
        match self.read_head(found, row, key, place.clone()) {
            Ok(head) => Ok(Some(head)),
            Err(why) => {
                self.ledger.refuse(page, &place, &why).await?;
                Ok(None)
            }
        }
    }

    fn read_head(&self, found: &Found, mut row: Row, key: String, place: String) -> Result<Head, String> {
        row.take("id");
        let visitor = match row.text("user") {
            Some(user) => self.book.person(&user).unwrap_or_else(|| self.made_id("visitor", "user", &user)),
            None => self.made_id("visitor", found.name(), &key),
        };
        let rating = row.whole("rating").and_then(|rating| i16::try_from(rating).ok());
        let mut head = Head {
            id: self.id("conversation", found.name(), &key),
            key,
            place,
            visitor,
            name: row.short("name", NAME),
            email: row.short("email", NAME),
            phone: row.short("phone", switchboard_protocol::limits::PHONE),
            mode: row.text("mode").and_then(|mode| Mode::from_name(&mode)),
            rating: rating.filter(|rating| (1..=5).contains(rating)),
            comment: row.short("comment", COMMENT),
            metadata: Map::new(),
            at: row.time("at")?,
            updated: row.time("updated")?,
        };
        let status = row.text("status");
        let session = row.text("session");
        head.metadata = row.rest();
        for (name, value) in [("import_status", status), ("session_id", session)] {
            head.metadata.extend(value.map(|value| (name.to_owned(), Value::from(value))));
        }
        Ok(head)
    }

    /// A message that belongs to no conversation that comes over.
    async fn orphan(&mut self, talk: &mut Talk<'_>, why: Option<&str>) -> anyhow::Result<()> {
        let Some((found, line)) = talk.take().await? else { return Ok(()) };
        let Some((mut row, place)) = self.row(found, talk.page, &line).await? else { return Ok(()) };
        let why = match (why, row.text("conversation")) {
            (Some(why), _) => why.to_owned(),
            (None, Some(key)) => format!("its conversation {key} is not there"),
            (None, None) => "it names no conversation".to_owned(),
        };
        self.ledger.refuse(talk.page, &place, &why).await
    }

    async fn name_faults(&mut self, writer: &mut Writer, page: Page, said: Page) -> anyhow::Result<()> {
        for Fault { place, why, messages } in writer.faults() {
            self.ledger.refuse(page, &place, &why).await?;
            self.ledger.failed_rows(said, messages);
        }
        Ok(())
    }

    async fn written(&mut self, mut writer: Writer, page: Page, said: Page) -> anyhow::Result<()> {
        writer.finish().await?;
        self.name_faults(&mut writer, page, said).await?;
        let Tally { conversations, messages, known, known_messages } = writer.tally();
        self.ledger.new_rows(page, conversations);
        self.ledger.known_rows(page, known);
        self.ledger.new_rows(said, messages);
        self.ledger.known_rows(said, known_messages);
        Ok(())
    }
}

impl<'p> Talk<'p> {
    fn is_of(&self, key: &str) -> bool {
        self.next.as_ref().is_some_and(|next| next.gathered.as_deref() == Some(key))
    }

    async fn take(&mut self) -> anyhow::Result<Option<(&'p Found, Line)>> {
        let Some(line) = self.next.take() else { return Ok(None) };
        self.next = self.lines.next().await?;
        Ok(self.tables.get(line.part).map(|found| (*found, line)))
    }
}

fn role_of(name: &str) -> Option<Role> {
    Some(match name.to_lowercase().as_str() {
        "user" | "human" | "customer" | "member" | "visitor" | "client" | "contact" => Role::User,
        "assistant" | "ai" | "bot" | "model" | "agent" | "ai_agent" | "chatbot" => Role::Assistant,
        "staff" | "human_agent" | "operator" | "support" | "employee" | "banker" | "advisor" | "admin" => {
            Role::Staff
        }
        "system" | "tool" | "function" | "developer" => Role::System,
        _ => return None,
    })
}
