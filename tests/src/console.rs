//! A console of the staff as a well-made client: it knows what waits from the feed alone, and comes back with the cursor
//! that it was told last.
//!
//! Invariant: of each escalation it keeps the larger version, as the protocol says.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::socket::Socket;
use crate::world::{World, printed};

#[derive(Debug)]
pub struct Console {
    world: World,
    pub key: String,
    /// None while it is away.
    socket: Option<Socket>,
    /// By id, as told; one that was erased keeps its version.
    table: BTreeMap<String, Value>,
    cursor: Option<String>,
}

impl Console {
    /// Somebody new of the staff of the workspace `default`, with a key of that name, and a socket of theirs.
    pub async fn open(world: &World, name: &str) -> Result<Self> {
        let arguments = ["key", "add", "--name", name, "--role", "staff", "--workspace", "default"];
        let text = printed(&world.command(&arguments).await?)?;
        let key = text.lines().last().context("the key is the last line")?.trim().to_owned();
        Self::with_key(world, &key).await
    }

    /// Another socket of somebody who has a key.
    pub async fn with_key(world: &World, key: &str) -> Result<Self> {
        let (world, key) = (world.clone(), key.to_owned());
        let mut console = Self { world, key, socket: None, table: BTreeMap::new(), cursor: None };
        console.come_back().await?;
        Ok(console)
    }

    /// Opens a socket, after the one before was lost.
    pub async fn come_back(&mut self) -> Result<()> {
        let mut socket = self.world.socket().await?;
        socket.call("session.open", json!({ "token": self.key })).await?;
        self.socket = Some(socket);
        Ok(())
    }

    /// The connection is lost, without a word.
    pub fn lose(&mut self) {
        self.socket = None;
    }

    pub fn socket(&mut self) -> Result<&mut Socket> {
        self.socket.as_mut().context("the console is not connected")
    }

    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.socket()?.call(method, params).await
    }

    // ------------------------------------------------------------------------------------- the feed

    /// Subscribes from where it stopped, or anew; what was answered.
    pub async fn subscribe(&mut self) -> Result<Value> {
        let params = self.cursor.as_ref().map_or_else(|| json!({}), |since| json!({ "since": since }));
        let answer = self.call("escalation.subscribe", params).await?;
        if answer["snapshot"] == true {
            self.table.clear();
        }
        for escalation in answer["escalations"].as_array().context("a list")? {
            self.take_in(escalation.clone());
        }
        self.cursor = answer["cursor"].as_str().map(str::to_owned);
        Ok(answer)
    }

    /// The next change that is told.
    pub async fn next_change(&mut self) -> Result<Value> {
        let mut told = self.socket()?.notification("escalation.updated").await?;
        self.cursor = told["cursor"].as_str().map(str::to_owned);
        let escalation = told["escalation"].take();
        self.take_in(escalation.clone());
        Ok(escalation)
    }

    /// Reads on until an escalation is as wanted.
    pub async fn until(&mut self, id: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            if let Some(known) = self.table.get(id).filter(|known| wanted(known)) {
                return Ok(known.clone());
            }
            self.next_change()
                .await
                .with_context(|| format!("{id}, of which is known {:?}", self.table.get(id)))?;
        }
    }

    /// Reads on until an escalation has this status.
    pub async fn until_status(&mut self, id: &str, status: &str) -> Result<Value> {
        self.until(id, |known| known["status"] == status).await
    }

    /// What is known of every escalation.
    pub fn table(&self) -> &BTreeMap<String, Value> {
        &self.table
    }

    fn take_in(&mut self, escalation: Value) {
        let id = escalation["id"].as_str().unwrap_or_default().to_owned();
        let known = self.table.get(&id).and_then(|known| known["version"].as_i64());
        if known < escalation["version"].as_i64() {
            self.table.insert(id, escalation);
        }
    }

    // ------------------------------------------------------------------------------------- conversations

    /// Says something in a conversation; the answer.
    pub async fn say(&mut self, conversation: &str, content: &str) -> Result<Value> {
        let params =
            json!({ "conversation_id": conversation, "client_id": Uuid::new_v4(), "content": content });
        self.call("message.send", params).await
    }

    /// Leaves a note.
    pub async fn note(&mut self, conversation: &str, content: &str) -> Result<Value> {
        self.call(
            "message.send",
            json!({ "conversation_id": conversation, "client_id": Uuid::new_v4(), "content": content, "private": true }),
        )
        .await
    }
}
