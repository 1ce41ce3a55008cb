//! One of the staff: takes an escalation, answers, gives the conversation back to the agent, at a set pace.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::Stage;
use crate::client::wire::log::Stored;
use crate::client::wire::staff::{Escalation, Held, Status};
use crate::client::{CallError, Gone};
use crate::console::{Catalogue, Console};
use crate::view::{Fault, Faults};

/// Between two tries while the server is away.
const PAUSE: Duration = Duration::from_millis(300);

/// What was said and acknowledged.
pub struct Said {
    pub conversation: Uuid,
    pub client_id: Uuid,
    pub seq: Option<u64>,
    pub content: String,
}

pub struct Clerk {
    stage: Arc<Stage>,
    nth: u32,
    key: String,
    pace: Duration,
    dice: StdRng,
    /// Who this is to the server, once it has said so.
    me: Option<Uuid>,
    console: Option<Console>,
    said: Vec<Said>,
    faults: Faults,
}

impl Clerk {
    pub fn new(stage: Arc<Stage>, nth: u32, key: String, pace: Duration, dice: StdRng) -> Self {
        Self {
            stage,
            nth,
            key,
            pace,
            dice,
            me: None,
            console: None,
            said: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Works until visitors have gone.
    pub async fn work(mut self, over: watch::Receiver<bool>) -> (Vec<Said>, Faults) {
        while !*over.borrow() {
            if let Err(error) = self.help_somebody().await {
                self.faults.add(Fault::of(&error), format!("one of the staff: {error}"));
                break;
            }
        }
        if let Some(console) = self.console {
            self.faults.merge(console.faults);
        }
        (self.said, self.faults)
    }

    async fn help_somebody(&mut self) -> Result<(), CallError> {
        self.listen(self.pace).await?;
        let (id, conversation) = match (self.left_open().await?, self.waiting().await?) {
            (Some(mine), _) => mine,
            (None, Some(next)) if self.claim(next.0).await? => next,
            _ => return Ok(()),
        };
        for _ in 0..self.dice.random_range(1..=2) {
            self.listen(self.pace).await?;
            self.say(conversation).await?;
        }
        self.listen(self.pace).await?;
        let resolution = json!({"id": id, "resolution": "Answered.", "reopen_ai": true});
        self.deed::<IgnoredAny>("escalation.resolve", &resolution).await.map(drop)
    }

    /// One that this clerk has claimed without hearing so: the server was killed before it could answer.
    async fn left_open(&mut self) -> Result<Option<(Uuid, Uuid)>, CallError> {
        let me = self.me;
        let is_mine = move |escalation: &Escalation| {
            let assignee = escalation.assignee.as_ref().map(|assignee| assignee.id);
            escalation.status == Some(Status::InProgress) && assignee.is_some() && assignee == me
        };
        Ok(self.console().await?.known.values().find_map(|row| place(&row.escalation, &is_mine)))
    }

    /// Any of those that wait.
    async fn waiting(&mut self) -> Result<Option<(Uuid, Uuid)>, CallError> {
        let waits = |row: &Escalation| matches!(row.status, Some(Status::Pending | Status::Notified));
        let known = &self.console().await?.known;
        let waiting: Vec<_> = known.values().filter_map(|row| place(&row.escalation, &waits)).collect();
        Ok(waiting.into_iter().choose(&mut self.dice))
    }

    async fn claim(&mut self, id: Uuid) -> Result<bool, CallError> {
        let claimed: Option<Held> = self.deed("escalation.claim", &json!({"id": id})).await?;
        self.me = claimed.as_ref().and_then(|held| Some(held.escalation.assignee.as_ref()?.id)).or(self.me);
        Ok(claimed.is_some())
    }

    /// Does it. Nothing where somebody else was quicker, or it was done by a try whose answer was lost.
    async fn deed<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<Option<T>, CallError> {
        match self.persist(method, params).await {
            Ok(done) => Ok(Some(done)),
            Err(CallError::Refused(refusal)) if refusal.kind() == Some("conflict") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn say(&mut self, conversation: Uuid) -> Result<(), CallError> {
        let client_id = Uuid::new_v4();
        let content = format!("This is message {} of colleague {}.", self.said.len() + 1, self.nth + 1);
        let send = json!({"conversation_id": conversation, "client_id": client_id, "content": content});
        let stored: Stored = match self.persist("message.send", &send).await {
            Ok(stored) => stored,
            // The visitor has closed it meanwhile.
            Err(CallError::Refused(refusal)) if refusal.kind() == Some("conflict") => return Ok(()),
            Err(error) => return Err(error),
        };
        if stored.durability != "postgres" || stored.seq.is_none() {
            self.faults.add(Fault::NotDurable, "a message of the staff was not acknowledged as stored");
        }
        self.said.push(Said { conversation, client_id, seq: stored.seq, content });
        Ok(())
    }

    /// Asks until there is an answer that is more than "not now".
    async fn persist<T: DeserializeOwned>(&mut self, method: &str, params: &Value) -> Result<T, CallError> {
        let deadline = Instant::now() + self.stage.lifeline();
        loop {
            let answer = self.console().await?.call(method, params).await;
            match answer {
                Err(error) => self.bear(error, deadline).await?,
                answer => return answer,
            }
        }
    }

    async fn listen(&mut self, time: Duration) -> Result<(), CallError> {
        let until = Instant::now() + time.mul_f64(self.dice.random_range(0.5..1.5));
        while Instant::now() < until {
            let console = self.console().await?;
            let taken = match timeout_at(until, console.receive()).await {
                Err(_) => return Ok(()),
                Ok(frame) => frame.and_then(|frame| console.take(&frame)),
            };
            if let Err(gone) = taken {
                self.bear(gone.into(), until + self.stage.lifeline()).await?;
            }
        }
        Ok(())
    }

    /// The console, connected.
    async fn console(&mut self) -> Result<&mut Console, CallError> {
        let deadline = Instant::now() + self.stage.lifeline();
        loop {
            let opened = match &mut self.console {
                Some(console) if console.is_there() => break,
                Some(console) => console.come_back().await.map(drop),
                none => {
                    let (entrance, catalogue) = (&self.stage.entrance, Catalogue::default());
                    let opened = Console::open(entrance, self.nth, &self.key, &catalogue).await;
                    opened.map(|console| *none = Some(console))
                }
            };
            if let Err(error) = opened {
                self.bear(error, deadline).await?;
            }
        }
        self.console.as_mut().ok_or_else(|| Gone::Broken("there is no console".into()).into())
    }

    async fn bear(&mut self, error: CallError, deadline: Instant) -> Result<(), CallError> {
        if !self.stage.hostile || !error.is_passing() || Instant::now() > deadline {
            return Err(error);
        }
        if let (CallError::Gone(_), Some(console)) = (&error, &mut self.console) {
            console.lose();
        }
        sleep(PAUSE).await;
        Ok(())
    }
}

/// Which escalation, and of which conversation, where it is one of these.
fn place(escalation: &Escalation, is_one: &impl Fn(&Escalation) -> bool) -> Option<(Uuid, Uuid)> {
    Some((escalation.id, escalation.conversation_id?)).filter(|_| is_one(escalation))
}
