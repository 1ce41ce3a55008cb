//! One turn of the agent, from the messages it is about to an ending that the session can commit.
//!
//! Invariant: it writes nothing but steps that were paid for. A turn that is dropped half-way leaves no trace beyond
//! these, and the next attempt takes them up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use switchboard_protocol::ids::Seq;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use super::event::{Phase, Withdrawal};
use super::minds::Minds;
use super::room::Room;
use crate::brain::local::{FollowUp, follow_up};
use crate::brain::{BrainError, Case};
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::escalation::{Contact, Escalation, Trigger};
use crate::domain::message::{Message, Role, sources};
use crate::domain::preset::Preset;
use crate::domain::turn::Said;
use crate::domain::workflow::{
    AgentMessage, Checkpoint, Ending, Interaction, Memory, OpenTurn, Outcome, Recorded, Records, Step, Steps,
    Workflow,
};
use crate::domain::{clock, failpoint, mint};
use crate::store::reader::Range;
use crate::store::writer::Write;
use crate::workflow::{Brief, Conclusion, Need, Turn};

/// A turn at work.
pub type Thinking = Pin<Box<dyn Future<Output = Box<Ending>> + Send>>;

/// Deltas are gathered for so long: at most twenty a second.
const DELTA: Duration = Duration::from_millis(50);
/// Between two tries to read while the database is away.
const RETRY: Duration = Duration::from_millis(500);

/// Begins the turn that is open in this state; nothing where none is. `again`: some of it may be recorded.
pub fn begin(room: &Arc<Room>, state: Arc<Conversation>, again: bool) -> Option<Thinking> {
    let workflow = state.workflow.clone()?;
    let open = workflow.open?;
    let minds = room.shared.minds.clone();
    let work = Work {
        room: room.clone(),
        preset: minds.preset(),
        minds,
        state,
        workflow,
        open,
        brain: None,
        fell_back: Vec::new(),
        hints: Vec::new(),
    };
    Some(Box::pin(async move { Box::new(work.run(again).await) }))
}

struct Work {
    room: Arc<Room>,
    minds: Minds,
    preset: Arc<Preset>,
    state: Arc<Conversation>,
    workflow: Arc<Workflow>,
    open: OpenTurn,
    /// Whose answer it is.
    brain: Option<&'static str>,
    /// The steps in which the remote brain failed, and how.
    fell_back: Vec<(Step, BrainError)>,
    /// What it should bear in mind.
    hints: Vec<String>,
}

impl Work {
    async fn run(mut self, again: bool) -> Ending {
        failpoint::hit("turn.begun");
        let started = Instant::now();
        let log = self.log().await;
        let asked = |message: &&Message| message.role == Role::User && message.seq >= self.open.from;
        let question =
            log.iter().filter(asked).map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n");
        if question.is_empty() {
            return self.ending(Step::Finish, Vec::new());
        }
        let recorded = if again { self.recorded().await } else { Steps::new() };
        let memory = match &self.workflow.checkpoint {
            Checkpoint::Known(memory) => Memory::clone(memory),
            Checkpoint::Unreadable { .. } => Memory::default(),
        };
        let mode = self.mode();
        let visitor = self.room.visitor();
        let brief = Brief {
            preset: self.preset.clone(),
            mode,
            memory,
            awaiting: self.workflow.awaiting,
            question: question.clone(),
            verified: visitor.verified,
            known: Contact {
                name: visitor.profile.name.clone(),
                email: visitor.profile.email.clone(),
                phone: visitor.profile.phone.clone(),
            },
            now: clock::now(),
        };
        let history: Vec<Said> = log
            .iter()
            .filter(|message| message.seq < self.open.from)
            .map(|message| Said { role: message.role, content: message.content.clone() })
            .collect();
        let sources = |message: &Message| message.citations.as_ref().map(sources).unwrap_or_default();
        let before = log[..history.len()].iter().rev().take_while(|message| message.role != Role::System);
        let spoken_of = before.map(sources).find(|sources| !sources.is_empty()).unwrap_or_default();
        let mut case = Case {
            preset: self.preset.clone(),
            mode,
            workspace: self.state.workspace,
            agent: String::new(),
            vector: None,
            own: None,
            known: None,
            query: question.clone(),
            question,
            history,
            spoken_of,
        };
        let mut turn = Turn::new(brief, recorded);
        if let Checkpoint::Unreadable { version, .. } = &self.workflow.checkpoint {
            let reason = format!("the checkpoint of this conversation (version {version}) cannot be read");
            turn.failed(Step::Guard, reason, clock::now());
        }
        let limit = Duration::from_secs(self.preset.limits.turn_seconds as u64);
        let conclusion = self.decide(&mut turn, &mut case, started + limit).await;
        let steps = turn.take_steps();
        let ending = self.concluded(conclusion, &case, steps);
        failpoint::hit("turn.before_commit");
        ending
    }

    /// Gives the machine what it needs until it needs nothing.
    async fn decide(&mut self, turn: &mut Turn, case: &mut Case, deadline: Instant) -> Conclusion {
        loop {
            let (step, outcome) = match turn.next(clock::now()) {
                Need::Nothing(conclusion) => return *conclusion,
                Need::Classify => {
                    let _ = timeout_at(deadline, self.read(case)).await;
                    (Step::Classify, timeout_at(deadline, self.classify(turn, case)).await)
                }
                Need::Retrieve { pages } => {
                    let _ = timeout_at(deadline, self.read(case)).await;
                    (Step::Retrieve, timeout_at(deadline, self.retrieve(turn, case, &pages)).await)
                }
                Need::Respond { agent, passages } => {
                    case.agent = agent;
                    (Step::Respond, timeout_at(deadline, self.respond(turn, case, &passages)).await)
                }
            };
            let outcome = outcome.unwrap_or_else(|_| Err("the turn took longer than it may".to_owned()));
            if let Err(reason) = outcome {
                self.room.withdraw(Withdrawal::Restarted);
                self.tell(step, Phase::Failed);
                turn.failed(step, reason, clock::now());
            }
        }
    }

    /// Finds out what is asked: the question alone, or with the one that it leans on.
    async fn read(&self, case: &mut Case) {
        if case.vector.is_some() || case.leans() {
            return;
        }
        let Some(FollowUp { in_context, is_sure }) = follow_up(&case.question, &case.history) else {
            case.vector = self.minds.embed(&case.question).await;
            return;
        };
        let mut texts = vec![case.question.clone()];
        texts.extend(is_sure.then(|| in_context.clone()));
        // Together: at a busy hour each wait is a second.
        let mut vectors = self.minds.embed_all(texts).await.into_iter().flatten();
        case.vector = vectors.next();
        case.known = if is_sure { None } else { self.minds.known(case).await };
        if case.known.is_none() {
            case.own = case.vector.take();
            case.vector = if is_sure { vectors.next() } else { self.minds.embed(&in_context).await };
            case.query = in_context;
        }
    }

    async fn classify(&mut self, turn: &mut Turn, case: &Case) -> Result<(), String> {
        self.tell(Step::Classify, Phase::Running);
        let thought = self.minds.classify(case).await.map_err(|error| error.to_string())?;
        let detail = json!(thought.value);
        turn.classified(thought.value, clock::now());
        failpoint::hit("turn.classified");
        self.brain = Some(thought.brain);
        self.fell_back.extend(thought.fell_back.map(|error| (Step::Classify, error)));
        if thought.paid {
            self.commit(turn.take_steps()).await;
        }
        self.tell_done(Step::Classify, &detail);
        Ok(())
    }

    async fn retrieve(&mut self, turn: &mut Turn, case: &Case, pages: &[String]) -> Result<(), String> {
        self.tell(Step::Retrieve, Phase::Running);
        let found = self.minds.retrieve(case, pages).await.map_err(|error| error.to_string())?;
        let detail = json!(found.passages);
        self.hints = found.hints;
        turn.retrieved(found.passages, clock::now());
        failpoint::hit("turn.retrieved");
        self.tell_done(Step::Retrieve, &detail);
        Ok(())
    }

    async fn respond(
        &mut self,
        turn: &mut Turn,
        case: &Case,
        passages: &[crate::domain::turn::Passage],
    ) -> Result<(), String> {
        self.tell(Step::Respond, Phase::Running);
        let (pieces, mut growing) = tokio::sync::watch::channel(String::new());
        let restarted = AtomicBool::new(false);
        let mut told = 0;
        let thought = {
            let mut take = |piece: &str| pieces.send_modify(|text| text.push_str(piece));
            let restart = || {
                pieces.send_modify(String::clear);
                restarted.store(true, Ordering::Relaxed);
            };
            let mut answer =
                std::pin::pin!(self.minds.respond(case, passages, &self.hints, &mut take, &restart));
            let mut ticks = interval(DELTA);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    thought = &mut answer => break thought,
                    _ = ticks.tick() => {
                        if restarted.swap(false, Ordering::Relaxed) {
                            self.room.withdraw(Withdrawal::Restarted);
                            told = 0;
                        }
                        told = self.stream(&growing.borrow_and_update(), told);
                    }
                }
            }
        };
        if restarted.load(Ordering::Relaxed) {
            self.room.withdraw(Withdrawal::Restarted);
            told = 0;
        }
        let thought = thought.map_err(|error| error.to_string())?;
        self.stream(&growing.borrow_and_update(), told);
        failpoint::hit("turn.streamed");
        let detail = json!(thought.value);
        turn.replied(thought.value, clock::now());
        self.brain = Some(thought.brain);
        self.fell_back.extend(thought.fell_back.map(|error| (Step::Respond, error)));
        if thought.paid {
            self.commit(turn.take_steps()).await;
        }
        self.tell_done(Step::Respond, &detail);
        Ok(())
    }

    /// Tells what has come since; how much is told then.
    fn stream(&self, text: &str, told: usize) -> usize {
        if text.len() > told {
            self.room.stream(self.open.reply, &text[told..]);
        }
        text.len()
    }

    fn tell(&self, step: Step, phase: Phase) {
        self.room.tell_step(self.workflow.turn, step, phase, None);
    }

    /// With what it decided.
    fn tell_done(&self, step: Step, detail: &serde_json::Value) {
        self.room.tell_step(self.workflow.turn, step, Phase::Done, Some(detail));
    }

    /// What was paid for is recorded before anything else happens.
    async fn commit(&self, steps: Vec<Recorded>) {
        failpoint::hit("turn.before_step");
        let at = clock::now();
        let write = Write {
            workspace: self.state.workspace,
            conversation: self.state.id,
            write_id: mint::id(),
            visitor: None,
            state: None,
            escalation: None,
            advance: None,
            audit: None,
            reads: None,
            messages: Vec::new(),
            records: Some(Box::new(Records { steps, ..self.no_records(at) })),
            event: None,
            at,
        };
        let writer = &self.room.shared.store.writer;
        if let Some(place) = writer.reserve(self.state.id).await {
            // Refused or not, the turn goes on: the step would only be paid for twice.
            let _ = place.submit(write).await;
        }
        failpoint::hit("turn.after_step");
    }

    fn no_records(&self, at: clock::Timestamp) -> Records {
        Records {
            workspace: self.state.workspace,
            conversation: self.state.id,
            turn: self.workflow.turn,
            steps: Vec::new(),
            agent: None,
            interaction: None,
            at,
        }
    }

    fn ending(&self, step: Step, steps: Vec<Recorded>) -> Ending {
        Ending {
            turn: self.workflow.turn,
            owner_epoch: self.state.owner_epoch,
            said: None,
            step,
            awaiting: None,
            memory: None,
            escalation: None,
            records: Box::new(Records { steps, ..self.no_records(clock::now()) }),
        }
    }

    fn concluded(&self, conclusion: Conclusion, case: &Case, steps: Vec<Recorded>) -> Ending {
        let now = clock::now();
        let interaction_id = mint::id();
        let trigger = conclusion.hand_over.as_ref().map(|hand_over| hand_over.pending.trigger);
        let step = if trigger.is_some() { Step::Escalate } else { Step::Finish };
        let (workspace, conversation) = (self.state.workspace, self.state.id);
        let escalation = conclusion.hand_over.as_ref().map(|hand_over| Escalation {
            interaction: Some(interaction_id),
            issue: hand_over.pending.intent.clone(),
            reason: Some(hand_over.pending.reason.clone()),
            original_request: Some(hand_over.pending.request.clone()),
            context: Some(context(case, &conclusion)),
            summary: Some(hand_over.summary.clone()),
            priority: hand_over.pending.priority,
            contact: Some(hand_over.contact.clone()),
            ..Escalation::new(mint::id(), workspace, conversation, hand_over.pending.trigger, now)
        });
        let interaction = self.interaction(interaction_id, &conclusion, case, trigger, now);
        let citations = (!conclusion.cited.is_empty()).then(|| json!(conclusion.cited));
        let remembers = json!({ "outcome": conclusion.outcome.name(), "intent": conclusion.intent });
        let mut ending = self.ending(step, steps);
        ending.awaiting = conclusion.awaiting;
        ending.memory = Some(conclusion.memory);
        ending.escalation = escalation;
        ending.records.agent = Some((conclusion.agent.clone(), remembers));
        ending.records.interaction = Some(interaction);
        ending.said = Some(AgentMessage { agent: conclusion.agent, content: conclusion.text, citations });
        ending
    }

    fn interaction(
        &self,
        id: uuid::Uuid,
        conclusion: &Conclusion,
        case: &Case,
        trigger: Option<Trigger>,
        now: clock::Timestamp,
    ) -> Interaction {
        Interaction {
            id,
            mode: Some(case.mode),
            agent: Some(conclusion.agent.clone()),
            user_message: Some(case.question.clone()),
            response: Some(conclusion.text.clone()),
            intent: conclusion.intent.clone(),
            category: conclusion.category,
            confidence: conclusion.confidence,
            outcome: if trigger.is_some() { Outcome::Escalated } else { conclusion.outcome },
            trigger,
            reason: conclusion.reason.clone(),
            brain: self.brain.map(str::to_owned),
            processing_ms: (now - self.open.at).num_milliseconds().max(0),
            detail: self.detail(),
        }
    }

    /// What else there is to know of how this answer came about.
    fn detail(&self) -> Option<serde_json::Value> {
        let failed =
            |(step, error): &(Step, BrainError)| json!({ "step": step.name(), "error": error.to_string() });
        let failures: Vec<_> = self.fell_back.iter().map(failed).collect();
        (!failures.is_empty()).then(|| json!({ "fell_back": failures }))
    }

    /// The messages of the turn, and those before them that a brain is shown.
    async fn log(&self) -> Vec<Message> {
        let history = i64::try_from(self.preset.limits.history_messages).unwrap_or(i64::MAX);
        let after = Seq::new((self.open.from.get() - 1 - history).max(0)).unwrap_or(Seq::ZERO);
        let (workspace, conversation) = (self.state.workspace, self.state.id);
        let range = Range { workspace, conversation, after, upto: self.open.upto };
        loop {
            match self.room.shared.store.reader.newest(range).await {
                Ok(messages) => return messages,
                Err(error) => self.wait_for_database(&error).await,
            }
        }
    }

    async fn recorded(&self) -> Steps {
        loop {
            let reader = &self.room.shared.store.reader;
            match reader.steps(self.state.workspace, self.state.id, self.workflow.turn).await {
                Ok(steps) => return steps,
                Err(error) => self.wait_for_database(&error).await,
            }
        }
    }

    async fn wait_for_database(&self, error: &crate::store::StoreError) {
        tracing::debug!(%error, "a turn could not be read; trying again");
        sleep(RETRY).await;
    }

    fn mode(&self) -> Mode {
        let first = || self.preset.modes.first().map(|desk| desk.mode);
        self.state
            .mode
            .filter(|mode| self.preset.mode(*mode).is_some())
            .or_else(first)
            .unwrap_or(Mode::Customer)
    }
}

/// What a person sees of what led to a hand-over, without leafing back.
fn context(case: &Case, conclusion: &Conclusion) -> serde_json::Value {
    let said: Vec<_> = case
        .history
        .iter()
        .map(|said| json!({ "role": said.role.name(), "content": said.content }))
        .chain([json!({ "role": "user", "content": case.question })])
        .collect();
    json!({ "messages": said, "intent": conclusion.intent, "agent": conclusion.agent })
}
