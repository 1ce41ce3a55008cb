//! What the agent does with a question: guard, classify, route, retrieve, respond, assess, and then finish or escalate.
//!
//! A pure state machine: it says what it needs, is given it, and says what comes next. Invariant: the rules of the
//! preset decide, and a brain only advises: a category that goes to a person goes to one, whatever a model says.

mod caution;
mod check;
mod citations;
mod contact;
mod guard;
mod hand_over;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::conversation::Mode;
use crate::domain::escalation::{Contact, Trigger};
use crate::domain::preset::{Category, Intent, Kind, Placeholder, Preset, Text};
use crate::domain::turn::{Action, Classified, Passage, Reply};
use crate::domain::workflow::{Awaiting, Memory, Outcome, Pending, Recorded, Step, StepStatus, Steps};

pub use caution::more_careful;
pub use citations::Cited;
pub use hand_over::HandOver;

/// All that a turn begins with.
#[derive(Clone, Debug)]
pub struct Brief {
    pub preset: Arc<Preset>,
    pub mode: Mode,
    pub memory: Memory,
    pub awaiting: Option<Awaiting>,
    pub question: String,
    /// The site that shows the widget has signed who this is.
    pub verified: bool,
    /// What the site told of how to reach them.
    pub known: Contact,
    pub now: Timestamp,
}

/// What the machine cannot go on without.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    Classify,
    /// Passages that may answer, better those of these pages.
    Retrieve {
        pages: Vec<String>,
    },
    /// An answer of this agent from these passages.
    Respond {
        agent: String,
        passages: Vec<Passage>,
    },
    /// Nothing: this is the turn.
    Nothing(Box<Conclusion>),
}

/// How a turn ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    pub text: String,
    pub agent: String,
    pub cited: Vec<Cited>,
    pub memory: Memory,
    pub awaiting: Option<Awaiting>,
    pub outcome: Outcome,
    pub hand_over: Option<HandOver>,
    pub intent: Option<String>,
    pub category: Option<&'static str>,
    pub confidence: Option<f32>,
    pub reason: Option<String>,
}

/// The machine of one turn.
pub struct Turn {
    brief: Brief,
    /// Recorded before the last process died: their outputs are taken, and they do not run again.
    recorded: Steps,
    steps: Vec<Recorded>,
    /// When the step in hand began.
    since: Timestamp,
    classified: Option<Classified>,
    passages: Option<Vec<Passage>>,
    reply: Option<Reply>,
    failure: Option<String>,
}

/// What `assess` came to.
#[derive(Debug, Serialize, Deserialize)]
struct Assessed {
    confidence: f32,
    /// Under it a person goes on.
    threshold: f64,
    evidence: f32,
    intent: f32,
    own: f32,
}

impl Turn {
    pub fn new(brief: Brief, recorded: Steps) -> Self {
        let since = brief.now;
        let mut turn = Self {
            brief,
            recorded,
            steps: Vec::new(),
            since,
            classified: None,
            passages: None,
            reply: None,
            failure: None,
        };
        turn.classified = turn.known(Step::Classify);
        turn.passages = turn.known(Step::Retrieve);
        turn.reply = turn.known(Step::Respond);
        turn
    }

    /// What was recorded of a step in an earlier life.
    fn known<T: for<'de> Deserialize<'de>>(&self, step: Step) -> Option<T> {
        let recorded = self.recorded.get(&step).filter(|recorded| recorded.status == StepStatus::Done)?;
        T::deserialize(&recorded.output).ok()
    }

    /// Takes the steps that are not recorded yet, to record them.
    pub fn take_steps(&mut self) -> Vec<Recorded> {
        let steps = std::mem::take(&mut self.steps);
        self.recorded.extend(steps.iter().map(|step| (step.step, step.clone())));
        steps
    }

    pub fn classified(&mut self, classified: Classified, now: Timestamp) {
        self.record(Step::Classify, StepStatus::Done, json!(classified), now);
        self.classified = Some(classified);
    }

    pub fn retrieved(&mut self, passages: Vec<Passage>, now: Timestamp) {
        self.record(Step::Retrieve, StepStatus::Done, json!(passages), now);
        self.passages = Some(passages);
    }

    pub fn replied(&mut self, mut reply: Reply, now: Timestamp) {
        // The database takes no U+0000, and nobody misses it.
        reply.text.retain(|letter| letter != '\0');
        self.record(Step::Respond, StepStatus::Done, json!(reply), now);
        self.reply = Some(reply);
    }

    /// No brain could do what was needed: a person goes on.
    pub fn failed(&mut self, step: Step, reason: String, now: Timestamp) {
        self.record(step, StepStatus::Failed, json!({ "error": reason }), now);
        self.failure = Some(reason);
    }

    fn record(&mut self, step: Step, status: StepStatus, output: Value, now: Timestamp) {
        let known =
            self.recorded.contains_key(&step) || self.steps.iter().any(|recorded| recorded.step == step);
        if !known {
            let ms = (now - self.since).num_milliseconds().max(0);
            self.steps.push(Recorded { step, status, started_at: self.since, ms, output });
        }
        self.since = now;
    }

    /// Goes on as far as it can.
    pub fn next(&mut self, now: Timestamp) -> Need {
        if let Some(reason) = self.failure.clone() {
            return self.give_up(Trigger::AgentError, reason, now);
        }
        if let Some(conclusion) = self.guard(now) {
            return conclusion;
        }
        if let Some(conclusion) = self.answer_to_us(now) {
            return conclusion;
        }
        let Some(classified) = self.classified.clone() else { return Need::Classify };
        let preset = self.brief.preset.clone();
        let intent = caution::understood(&classified, &preset, self.brief.mode);
        let kind = intent.map_or(Kind::Question, |intent| intent.kind);
        self.record(
            Step::Route,
            StepStatus::Done,
            json!({ "agent": self.agent(intent), "kind": kind.name(), "category": intent.map(|it| it.category.name()) }),
            now,
        );
        if let Some(need) = self.by_rule(intent, kind, now) {
            return need;
        }
        let Some(passages) = self.passages.clone() else {
            let pages = intent.map(|intent| intent.pages.clone()).unwrap_or_default();
            return Need::Retrieve { pages };
        };
        let evidence = passages.first().map_or(0.0, |best| best.score);
        if f64::from(evidence) < preset.thresholds.evidence {
            let reason = format!("nothing in the knowledge answers this (best {evidence:.2})");
            return self.give_up(Trigger::InsufficientEvidence, reason, now);
        }
        let agent = self.agent(intent);
        let Some(reply) = self.reply.clone() else { return Need::Respond { agent, passages } };
        self.assess(intent, &classified, evidence, &passages, &reply, now)
    }

    /// Secrets are masked already; what is left are attempts on the rules, abuse, and length.
    fn guard(&mut self, now: Timestamp) -> Option<Need> {
        let verdict = guard::judge(&self.brief.question, &self.brief.preset);
        self.record(Step::Guard, StepStatus::Done, json!(verdict), now);
        let texts = &self.brief.preset.texts;
        let text = match verdict.finding? {
            guard::Finding::Length => {
                let limit = self.brief.preset.limits.message_characters.to_string();
                texts.guard_length.render(&[(Placeholder::Limit, &limit)])
            }
            guard::Finding::Injection => texts.guard_injection.render(&[]),
            guard::Finding::Abuse => texts.guard_abuse.render(&[]),
        };
        let stopped = self.brief.memory.stopped + 1;
        if stopped > guard::PATIENCE {
            return Some(self.give_up(
                Trigger::Guard,
                format!("the guard stopped {stopped} messages in a row"),
                now,
            ));
        }
        let mut conclusion = self.conclusion(text, Outcome::Refused, None);
        conclusion.memory.stopped = stopped;
        conclusion.awaiting = self.brief.awaiting;
        Some(self.finish(conclusion, now))
    }

    /// The message answers what the last turn asked.
    fn answer_to_us(&mut self, now: Timestamp) -> Option<Need> {
        match self.brief.awaiting {
            Some(Awaiting::ContactDetails) => {
                let pending = self.brief.memory.pending.clone()?;
                let told = contact::understand(&self.brief.question);
                // Nothing of the kind: it may be another question, which is answered first.
                if told == Contact::default() {
                    let Some(classified) = &self.classified else { return Some(Need::Classify) };
                    let preset = self.brief.preset.clone();
                    let asks =
                        caution::understood(classified, &preset, self.brief.mode).is_some_and(|intent| {
                            intent.kind == Kind::Question && pending.intent.as_ref() != Some(&intent.name)
                        });
                    if asks {
                        return None;
                    }
                }
                self.brief.memory.contact = contact::merged(&self.brief.memory.contact, told);
                Some(self.hand_over(pending, "", now))
            }
            Some(Awaiting::Confirmation) => {
                self.brief.memory.check.clone().map(|check| self.go_on_checking(check, now))
            }
            Some(Awaiting::Staff) | None => None,
        }
    }

    /// What is decided without a look at the knowledge.
    fn by_rule(&mut self, intent: Option<&Intent>, kind: Kind, now: Timestamp) -> Option<Need> {
        let preset = self.brief.preset.clone();
        let texts = &preset.texts;
        let said = |turn: &Self, text: &Text| text.render(&turn.name_value());
        match (kind, intent) {
            (Kind::HumanRequest, Some(intent)) => {
                let lead = intent.reply.as_ref().map(|reply| said(self, reply)).unwrap_or_default();
                let pending = self.pending(Trigger::UserRequest, "the visitor asked for a person".to_owned());
                Some(self.hand_over(pending, &lead, now))
            }
            (Kind::ContactDetails, _) => {
                let told = contact::understand(&self.brief.question);
                self.brief.memory.contact = contact::merged(&self.brief.memory.contact, told);
                let text = said(self, &texts.contact_unasked);
                let conclusion = self.conclusion(text, Outcome::Resolved, intent);
                Some(self.finish(conclusion, now))
            }
            (Kind::Yes, _) => {
                if self.brief.memory.offered.take().is_some() {
                    let pending = self
                        .pending(Trigger::UserRequest, "the visitor took the offer of a person".to_owned());
                    return Some(self.hand_over(pending, "", now));
                }
                let conclusion = self.conclusion(said(self, &texts.yes_unasked), Outcome::Resolved, intent);
                Some(self.finish(conclusion, now))
            }
            (Kind::No, _) => {
                let text = if self.brief.memory.offered.take().is_some() {
                    &texts.offer_declined
                } else {
                    &texts.no_unasked
                };
                let conclusion = self.conclusion(said(self, text), Outcome::Resolved, intent);
                Some(self.finish(conclusion, now))
            }
            (_, Some(intent)) if intent.category.goes_to_a_person() => {
                let trigger = match intent.category {
                    Category::Sensitive => Trigger::Sensitive,
                    _ => Trigger::HumanOnly,
                };
                let reason =
                    format!("{} is {} in this desk", intent.name, intent.category.name().replace('_', " "));
                let lead = intent.reply.as_ref().map(|reply| said(self, reply)).unwrap_or_default();
                if intent.identity
                    && let Some(need) = self.begin_checking(intent, &lead, now)
                {
                    return Some(need);
                }
                let pending = Pending {
                    intent: Some(intent.name.clone()),
                    priority: intent.priority.rank(),
                    ..self.pending(trigger, reason)
                };
                Some(self.hand_over(pending, &lead, now))
            }
            (_, Some(intent)) if intent.identity => self.begin_checking(intent, "", now),
            (_, Some(intent)) => {
                let reply = intent.reply.as_ref()?;
                let mut conclusion = self.conclusion(said(self, reply), Outcome::Resolved, Some(intent));
                self.offer(&mut conclusion, intent);
                Some(self.finish(conclusion, now))
            }
            (_, None) => None,
        }
    }

    fn assess(
        &mut self,
        intent: Option<&Intent>,
        classified: &Classified,
        evidence: f32,
        passages: &[Passage],
        reply: &Reply,
        now: Timestamp,
    ) -> Need {
        // The evidence weighs most: a sure classifier with nothing to quote is sure of nothing.
        let understood = if intent.is_some() { classified.confidence } else { 0.5 };
        let confidence = 0.5 * evidence.clamp(0.0, 1.0) + 0.2 * understood + 0.3 * reply.confidence;
        let threshold = self.brief.preset.thresholds.confidence;
        let assessed =
            Assessed { confidence, threshold, evidence, intent: understood, own: reply.confidence };
        self.record(Step::Assess, StepStatus::Done, json!(assessed), now);
        let reason = |otherwise: &str| reply.reason.clone().unwrap_or_else(|| otherwise.to_owned());
        match reply.action {
            Action::Insufficient => {
                return self.give_up(
                    Trigger::InsufficientEvidence,
                    reason("the passages do not hold the answer"),
                    now,
                );
            }
            Action::Escalate => {
                return self.give_up(
                    Trigger::LowConfidence,
                    reason("the agent wants a person to answer"),
                    now,
                );
            }
            Action::Answer => {}
        }
        let (text, cited) = citations::keep(&reply.text, passages);
        if f64::from(confidence) < threshold || text.trim().is_empty() {
            let reason = format!("confidence {confidence:.2} is under {threshold:.2}");
            return self.give_up(Trigger::LowConfidence, reason, now);
        }
        let mut conclusion = self.conclusion(text, Outcome::Resolved, intent);
        conclusion.cited = cited;
        conclusion.confidence = Some(confidence);
        if let Some(intent) = intent {
            self.offer(&mut conclusion, intent);
        }
        self.finish(conclusion, now)
    }

    fn offer(&self, conclusion: &mut Conclusion, intent: &Intent) {
        if let Some(offer) = &intent.offer {
            conclusion.text = joined(&conclusion.text, &offer.render(&self.name_value()));
            conclusion.memory.offered = Some(intent.name.clone());
            conclusion.awaiting = Some(Awaiting::Confirmation);
        }
    }

    /// A person goes on, and is told why; the visitor is told so too.
    fn give_up(&mut self, trigger: Trigger, reason: String, now: Timestamp) -> Need {
        let texts = &self.brief.preset.texts;
        let lead = match trigger {
            Trigger::InsufficientEvidence => texts.insufficient_evidence.render(&[]),
            Trigger::LowConfidence => texts.low_confidence.render(&[]),
            Trigger::AgentError => texts.agent_error.render(&[]),
            _ => String::new(),
        };
        let pending = self.pending(trigger, reason);
        self.hand_over(pending, &lead, now)
    }

    fn pending(&self, trigger: Trigger, reason: String) -> Pending {
        let intent = self.classified.as_ref().and_then(|classified| classified.intent.clone());
        Pending { trigger, reason, intent, priority: 0, request: self.brief.question.clone() }
    }

    fn agent(&self, intent: Option<&Intent>) -> String {
        let preset = &self.brief.preset;
        intent
            .map(|intent| intent.agent.clone())
            .or_else(|| preset.mode(self.brief.mode).map(|desk| desk.agent.clone()))
            .or_else(|| preset.agents.first().map(|agent| agent.name.clone()))
            .unwrap_or_default()
    }

    fn name_value(&self) -> Vec<(Placeholder, &str)> {
        let told = self.brief.memory.contact.name.as_deref().or(self.brief.known.name.as_deref());
        told.map(|name| (Placeholder::Name, name)).into_iter().collect()
    }

    fn conclusion(&self, text: String, outcome: Outcome, intent: Option<&Intent>) -> Conclusion {
        let agent = self.agent(intent);
        let mut memory = self.brief.memory.clone();
        memory.agent = Some(agent.clone());
        memory.stopped = 0;
        memory.offered = None;
        Conclusion {
            text,
            agent,
            cited: Vec::new(),
            memory,
            awaiting: None,
            outcome,
            hand_over: None,
            intent: intent.map(|intent| intent.name.clone()),
            category: intent.map(|intent| intent.category.name()),
            confidence: self.classified.as_ref().map(|classified| classified.confidence),
            reason: None,
        }
    }

    fn finish(&mut self, mut conclusion: Conclusion, now: Timestamp) -> Need {
        // A question between has been answered; the hand-over still waits for what it needs.
        if conclusion.hand_over.is_none()
            && conclusion.awaiting.is_none()
            && conclusion.memory.pending.is_some()
        {
            let details = self.missing_details();
            let again = self.brief.preset.texts.ask_contact_again.render(&[(Placeholder::Details, &details)]);
            conclusion.text = joined(&conclusion.text, &again);
            conclusion.awaiting = Some(Awaiting::ContactDetails);
        }
        let step = if conclusion.hand_over.is_some() { Step::Escalate } else { Step::Finish };
        self.record(
            step,
            StepStatus::Done,
            json!({ "outcome": conclusion.outcome.name(), "reason": conclusion.reason }),
            now,
        );
        Need::Nothing(Box::new(conclusion))
    }
}

/// Two parts of a reply, either of which may be empty.
fn joined(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second.to_owned(),
        (_, true) => first.to_owned(),
        _ => format!("{first} {second}"),
    }
}
