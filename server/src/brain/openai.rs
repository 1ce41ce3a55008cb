//! The brain far away: a model behind any address that speaks as OpenAI's does.
//!
//! Invariant: whatever the server does, a call ends within its time with an answer or a clean error, is within the
//! workspace's budget, and never shows more than the text that it returns. No text, key or token is logged.
//!
//! ```text
//! Case ─▶ prompt ─▶ dialect ─▶ transport (retries) ─▶ gate ─▶ chunk ─▶ answer ─▶ citations ─▶ Reply
//!                 budget, breaker and time around all of it
//! ```

mod answer;
mod breaker;
mod budget;
mod chunk;
mod citations;
mod config;
mod dialect;
mod facts;
mod gate;
mod json;
mod prompt;
mod retry;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Semaphore;

use self::answer::Answer;
use self::breaker::{Breaker, Health};
use self::budget::{Budget, Reservation};
use self::chunk::{Chunk, Finish};
use self::dialect::{Dialect, Request};
use self::prompt::Message;
use self::transport::{Begun, Fault, Transport};
use super::{Brain, BrainError, Case, Stream};
use crate::domain::insight::{Fact, Notes};
use crate::domain::turn::{Action, Classified, Passage, Reply};

pub use config::{ApiKey, OpenAiConfig, OpenAiConfigError};

pub struct OpenAi {
    config: OpenAiConfig,
    transport: Transport,
    breaker: Breaker,
    budget: Budget,
    /// Calls under way: a model that is slow must not gather connections without a bound.
    calls: Semaphore,
    answering: Voice,
    sorting: Voice,
}

/// A model, and what has been learnt about what may be asked of it.
struct Voice {
    model: String,
    dialect: Mutex<Dialect>,
}

/// One question to a model, and the form of its answer.
struct Question<'a> {
    voice: &'a Voice,
    workspace: WorkspaceId,
    messages: &'a [Message],
    form: (&'a str, &'a Value),
    tokens: u32,
    total: Duration,
}

/// What is known when an answer has come to its end.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    finish: Option<Finish>,
    refused: bool,
}

/// Takes the text of an answer as it comes.
type Listener<'a> = &'a mut (dyn FnMut(&str) -> Result<(), BrainError> + Send);

impl OpenAi {
    pub fn new(config: OpenAiConfig) -> Result<Self, OpenAiConfigError> {
        let voice = |model: &str| Voice {
            model: model.to_owned(),
            dialect: Mutex::new(Dialect::new(&config.base_url)),
        };
        Ok(Self {
            transport: Transport::new(&config)?,
            breaker: Breaker::new(config.failures, config.rest),
            budget: Budget::new(config.tokens_an_hour, Instant::now()),
            calls: Semaphore::new(config.concurrent.clamp(1, Semaphore::MAX_PERMITS)),
            answering: voice(&config.model),
            sorting: voice(config.classifier.as_ref().unwrap_or(&config.model)),
            config,
        })
    }

    async fn sort(&self, case: &Case) -> Result<Classified, BrainError> {
        let messages = prompt::intent(case);
        let names = case.preset.intents_in(case.mode).map(|intent| intent.name.as_str());
        let schema = prompt::intent_schema(names);
        let mut said = String::new();
        let heard = self
            .ask(
                &Question {
                    voice: &self.sorting,
                    workspace: case.workspace,
                    messages: &messages,
                    form: ("intent", &schema),
                    tokens: self.config.answer_tokens.min(SORTING_TOKENS),
                    total: self.total(case),
                },
                &mut |text| {
                    said.push_str(text);
                    Ok(())
                },
            )
            .await?;
        Ok(if heard.refused { Classified::default() } else { classified(case, &said) })
    }

    async fn answer(
        &self,
        case: &Case,
        passages: &[Passage],
        memories: &[String],
        stream: Stream<'_>,
    ) -> Result<Reply, BrainError> {
        let prompt = prompt::answer(case, passages, memories);
        let schema = prompt::answer_schema();
        let mut answer = Answer::new(prompt.shown);
        let question = Question {
            voice: &self.answering,
            workspace: case.workspace,
            messages: &prompt.messages,
            form: ("answer", &schema),
            tokens: self.config.answer_tokens,
            total: self.total(case),
        };
        let mut show = |shown: &str| {
            if !shown.is_empty() {
                stream(shown);
            }
        };
        let heard = self
            .ask(&question, &mut |text| {
                show(&answer.push(text)?);
                Ok(())
            })
            .await?;
        if heard.refused && answer.is_empty() {
            return Ok(Reply {
                action: Action::Escalate,
                reason: Some("the model declined to answer".to_owned()),
                ..Reply::default()
            });
        }
        let (reply, rest) = answer.finish(heard.finish == Some(Finish::Length))?;
        show(&rest);
        Ok(reply)
    }

    async fn draw(&self, notes: &Notes) -> Result<Vec<Fact>, BrainError> {
        let messages = prompt::facts(notes);
        let schema = prompt::facts_schema();
        let mut said = String::new();
        let question = Question {
            voice: &self.sorting,
            workspace: notes.workspace,
            messages: &messages,
            form: ("insights", &schema),
            tokens: self.config.answer_tokens,
            total: self.config.total,
        };
        let heard = self
            .ask(&question, &mut |text| {
                said.push_str(text);
                Ok(())
            })
            .await?;
        if heard.refused {
            return Err(BrainError::Refused("the model declined".to_owned()));
        }
        facts::read(&said, &notes.citable())
    }

    /// A turn holds several calls, and none may last longer than the turn.
    fn total(&self, case: &Case) -> Duration {
        let turn = u64::try_from(case.preset.limits.turn_seconds).unwrap_or(u64::MAX);
        self.config.total.min(Duration::from_secs(turn))
    }

    async fn ask(&self, question: &Question<'_>, listener: Listener<'_>) -> Result<Heard, BrainError> {
        let deadline = Instant::now() + question.total;
        let waited = tokio::time::timeout(question.total, self.calls.acquire()).await;
        let Ok(Ok(_call)) = waited else { return Err(BrainError::TooSlow) };
        let now = Instant::now();
        let prompt = prompt::of_messages(question.messages) as u64;
        let most = prompt + u64::from(question.tokens);
        let mut bill =
            self.budget.reserve(question.workspace, most, now).map_err(|_| BrainError::OverBudget)?;
        let permit = self.breaker.admit(now).map_err(|_| BrainError::Resting)?;
        let exchange = self.exchange(question, deadline, prompt, &mut bill, listener);
        let left = deadline.saturating_duration_since(now);
        let outcome = tokio::time::timeout(left, exchange).await.unwrap_or(Err(BrainError::TooSlow));
        permit.settle(health(&outcome), Instant::now());
        outcome
    }

    async fn exchange(
        &self,
        question: &Question<'_>,
        deadline: Instant,
        prompt: u64,
        bill: &mut Reservation<'_>,
        listener: Listener<'_>,
    ) -> Result<Heard, BrainError> {
        // Paid for from here on, also where nobody waits for the answer any longer.
        bill.used(prompt);
        let begun = self.begin(question, deadline).await.inspect_err(|error| {
            if *error != BrainError::NoFirstByte {
                bill.used(0);
            }
        })?;
        listen(begun, prompt, bill, listener).await
    }

    /// Asks for all that may help, and for less where the server refuses.
    async fn begin(&self, question: &Question<'_>, deadline: Instant) -> Result<Begun, BrainError> {
        let mut dialect = question.voice.dialect();
        loop {
            let body = dialect.body(&Request {
                model: &question.voice.model,
                messages: question.messages,
                form: question.form,
                tokens: question.tokens,
                temperature: self.config.temperature,
            });
            match self.transport.send(&body, deadline).await {
                Ok(begun) => {
                    question.voice.speaks(dialect);
                    return Ok(begun);
                }
                Err(Fault::Brain(error)) => return Err(error),
                Err(Fault::Declined { status, complaint }) => match dialect.without(&complaint) {
                    Some(less) => dialect = less,
                    None => return Err(BrainError::Refused(format!("status {}", status.as_u16()))),
                },
            }
        }
    }
}

impl Voice {
    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was understood once is asked for from now on.
    fn speaks(&self, dialect: Dialect) {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = dialect;
    }
}

impl Brain for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn classify<'a>(&'a self, case: &'a Case) -> BoxFuture<'a, Result<Classified, BrainError>> {
        Box::pin(self.sort(case))
    }

    fn respond<'a>(
        &'a self,
        case: &'a Case,
        passages: &'a [Passage],
        memories: &'a [String],
        stream: Stream<'a>,
    ) -> BoxFuture<'a, Result<Reply, BrainError>> {
        Box::pin(self.answer(case, passages, memories, stream))
    }

    fn distil<'a>(&'a self, notes: &'a Notes) -> BoxFuture<'a, Result<Vec<Fact>, BrainError>> {
        Box::pin(self.draw(notes))
    }
}

async fn listen(
    mut begun: Begun,
    prompt: u64,
    bill: &mut Reservation<'_>,
    listener: Listener<'_>,
) -> Result<Heard, BrainError> {
    let mut heard = Heard::default();
    let mut said = 0_usize;
    while let Some(chunk) = next(&mut begun, heard.finish.is_some()).await {
        let Ok(chunk) = chunk else { return Err(BrainError::Stalled) };
        if let Some(failure) = chunk.error {
            return Err(failure.into_error());
        }
        heard.refused |= chunk.refusal;
        heard.finish = heard.finish.or(chunk.finish);
        // Some repeat the whole at the end.
        let repeated = chunk.whole && said > 0;
        if !chunk.text.is_empty() && !repeated {
            said += prompt::tokens(&chunk.text);
            bill.used(prompt + said as u64);
            listener(&chunk.text)?;
        }
        if let Some(used) = chunk.used {
            bill.used(used);
        }
    }
    match (begun.ending.get(), heard.finish) {
        (_, Some(Finish::Filter)) => Err(BrainError::Refused("its own filter".to_owned())),
        (_, Some(_)) | (Some(Ok(())), None) => Ok(heard),
        (Some(Err(error)), None) => Err(error.clone()),
        // The connection closed, and nobody said that this was all.
        (None, None) if said > 0 => Err(BrainError::Stalled),
        (None, None) => Err(BrainError::Garbled("no answer in it".to_owned())),
    }
}

/// After the model has finished only its bill is waited for, and not for long.
async fn next(begun: &mut Begun, finished: bool) -> Option<Result<Chunk, ()>> {
    let next = begun.chunks.next();
    let chunk = if finished { tokio::time::timeout(LAST_WORDS, next).await.ok()? } else { next.await };
    chunk.map(|chunk| chunk.map_err(drop))
}

/// What the model makes of the question. Whatever is none of the desk's intents is none at all.
fn classified(case: &Case, said: &str) -> Classified {
    let said = json::after_thoughts(said).unwrap_or_default();
    let object = json::first_object(said);
    let field = |name| object.as_ref().and_then(|object| object.get(name));
    let named = match &object {
        Some(_) => field("intent").and_then(Value::as_str).unwrap_or_default(),
        None => said,
    };
    let named = named.trim_matches(|c: char| c.is_whitespace() || "\"'`.".contains(c));
    let intent = case.preset.intents_in(case.mode).find(|intent| intent.name.eq_ignore_ascii_case(named));
    let confidence = json::fraction(field("confidence")).unwrap_or(UNSTATED);
    // Of the next best nothing is known but that it cannot have more than what is left.
    let second = json::fraction(field("second_confidence")).unwrap_or(1.0 - confidence);
    let margin = (confidence - second).max(0.0);
    let reason = json::line(field("reason"), LONGEST_REASON).unwrap_or_default();
    match intent {
        Some(intent) => Classified { intent: Some(intent.name.clone()), confidence, margin, reason },
        None if named == prompt::NONE => Classified { intent: None, confidence, margin, reason },
        None => Classified {
            reason: "the model named no intent of this desk".to_owned(),
            ..Classified::default()
        },
    }
}

/// What a call's outcome says about the server, rather than about the question.
fn health(outcome: &Result<Heard, BrainError>) -> Health {
    match outcome {
        Ok(_) => Health::Well,
        Err(BrainError::RateLimited { retry_after: Some(pause) }) => Health::WellAfter(*pause),
        Err(BrainError::OverBudget | BrainError::Resting | BrainError::Refused(_)) => Health::Unknown,
        Err(_) => Health::Ill,
    }
}

/// A name, three numbers and a few words; reasoning models think first.
const SORTING_TOKENS: u32 = 800;
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Of a model that says nothing about it.
const UNSTATED: f32 = 0.5;
/// Characters.
const LONGEST_REASON: usize = 300;
