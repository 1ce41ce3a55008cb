//! What the agents of an older desk did and remembered: a turn each, and the last state of each agent and workflow.

use serde_json::{Value, json};
use switchboard_protocol::limits;
use uuid::Uuid;

use super::ledger::Page;
use super::plan::{Found, Plan};
use super::row::{self, Row};
use super::shape::Kind;
use super::{Run, Waiting};
use crate::domain::clock::{self, Timestamp};
use crate::domain::conversation::Mode;
use crate::domain::escalation::Trigger;
use crate::domain::masking;
use crate::domain::workflow::{CHECKPOINT_VERSION, Step};
use crate::store::administration::bulk::Brought;

const OUTCOMES: [(&str, &[&str]); 4] = [
    ("escalated", &["escalated", "escalation", "handoff", "human"]),
    ("asked", &["asked", "clarification", "clarifying", "awaiting"]),
    ("refused", &["refused", "blocked", "rejected"]),
    ("cancelled", &["cancelled", "canceled", "aborted"]),
];

impl Run {
    /// Turns, numbered anew within each conversation.
    pub(super) async fn interactions(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let tables: Vec<&Found> = plan.of(Kind::Interactions).collect();
        let pages = self.begin_all(&tables).await?;
        let Some(mut lines) = self.by_conversation(plan, &tables) else { return Ok(()) };
        let (mut waiting, mut current, mut turn) = (Waiting::default(), None, 0);
        while let Some(line) = lines.next().await? {
            let (found, page) = (tables[line.part], pages[line.part]);
            let Some((mut row, place)) = self.row(found, page, &line).await? else { continue };
            let conversation = match self.conversation(plan, found, row.text("conversation").as_deref()) {
                Ok(conversation) => conversation,
                Err(why) => {
                    self.ledger.refuse(page, &place, &why).await?;
                    continue;
                }
            };
            if current.replace(conversation) != Some(conversation) {
                turn = 0;
            }
            match self.interaction(found, row, conversation, turn + 1) {
                Ok(row) => {
                    turn += 1;
                    self.book.turns.insert(conversation, turn);
                    self.wait(Brought::Interactions, &mut waiting, row, page, place).await?;
                }
                Err(why) => self.ledger.refuse(page, &place, &why).await?,
            }
        }
        self.bring(Brought::Interactions, &mut waiting).await
    }

    /// The id that an interaction has here.
    pub(super) fn interaction_id(&self, plan: &Plan, key: &str) -> Uuid {
        let table = plan.of(Kind::Interactions).next().map_or("", Found::name);
        self.id("interaction", table, key)
    }

    fn interaction(
        &self,
        found: &Found,
        mut row: Row,
        conversation: Uuid,
        turn: i64,
    ) -> Result<Value, String> {
        let key = row.text("id").unwrap_or_else(|| format!("{conversation} {turn}"));
        let at = row.time("at")?.unwrap_or_else(clock::now);
        row.take("place");
        let escalated = row.truth("escalated");
        let outcome = outcome_of(&row.text("outcome").unwrap_or_default(), escalated.unwrap_or(false));
        let masked = |text: Option<String>| text.map(|text| masking::mask(&text).into_owned());
        let milliseconds = row.whole("ms").or_else(|| {
            #[expect(clippy::cast_possible_truncation, reason = "the time of one answer")]
            row.number("seconds")
                .and_then(|seconds| seconds.as_f64())
                .map(|seconds| (seconds * 1_000.0) as i64)
        });
        let trigger =
            row.text("trigger").map(|name| name.to_lowercase()).and_then(|name| Trigger::from_name(&name));
        let mut told = json!({
            "id": self.id("interaction", found.name(), &key), "conversation_id": conversation, "turn": turn,
            "mode": row.text("mode").and_then(|mode| Mode::from_name(&mode)).map(Mode::name),
            "agent_name": row.short("agent", limits::NAME),
            "user_message": masked(row.words("message")), "response": row.words("response"),
            "intent": row.short("intent", limits::INTENT), "category": row.short("category", limits::INTENT),
            "confidence": row.number("confidence"), "outcome": outcome,
            "escalated": escalated.unwrap_or(outcome == "escalated"), "trigger_type": trigger.map(Trigger::name),
            "reason": masked(row.short("reason", limits::COMMENT)), "brain": row.short("brain", limits::NAME),
            "processing_time_ms": milliseconds.unwrap_or(0).max(0), "created_at": at,
        });
        told["detail"] = json!(row::or_null(row.rest()));
        Ok(told)
    }

    pub(super) async fn agent_states(&mut self, plan: &Plan) -> anyhow::Result<()> {
        self.last_states(plan, Kind::AgentStates, Brought::AgentStates).await
    }

    pub(super) async fn workflows(&mut self, plan: &Plan) -> anyhow::Result<()> {
        self.last_states(plan, Kind::WorkflowStates, Brought::Workflows).await
    }

    /// States overtake each other: of those of one agent in one conversation, the last one comes over.
    async fn last_states(&mut self, plan: &Plan, kind: Kind, what: Brought) -> anyhow::Result<()> {
        let tables: Vec<&Found> = plan.of(kind).collect();
        let pages = self.begin_all(&tables).await?;
        let Some(mut lines) = self.by_conversation(plan, &tables) else { return Ok(()) };
        let mut waiting = Waiting::default();
        let mut of_one: Vec<(Value, Page, String)> = Vec::new();
        while let Some(line) = lines.next().await? {
            let (found, page) = (tables[line.part], pages[line.part]);
            let Some((row, place)) = self.row(found, page, &line).await? else { continue };
            let state = match kind {
                Kind::AgentStates => self.agent_state(plan, found, row),
                _ => self.workflow(plan, found, row),
            };
            let state = match state {
                Ok(state) => state,
                Err(why) => {
                    self.ledger.refuse(page, &place, &why).await?;
                    continue;
                }
            };
            let is_another =
                of_one.last().is_some_and(|(last, ..)| last["conversation_id"] != state["conversation_id"]);
            if is_another {
                self.pass_on(what, &mut of_one, &mut waiting).await?;
            }
            let same = of_one.iter_mut().find(|(other, ..)| other["agent_name"] == state["agent_name"]);
            if let Some(former) = same {
                self.ledger.overtaken(former.1);
                *former = (state, page, place);
            } else {
                of_one.push((state, page, place));
            }
        }
        self.pass_on(what, &mut of_one, &mut waiting).await?;
        self.bring(what, &mut waiting).await
    }

    async fn pass_on(
        &mut self,
        what: Brought,
        of_one: &mut Vec<(Value, Page, String)>,
        waiting: &mut Waiting,
    ) -> anyhow::Result<()> {
        for (state, page, place) in of_one.drain(..) {
            self.wait(what, waiting, state, page, place).await?;
        }
        Ok(())
    }

    fn agent_state(&self, plan: &Plan, found: &Found, mut row: Row) -> Result<Value, String> {
        let conversation = self.conversation(plan, found, row.text("conversation").as_deref())?;
        let agent = row.short("agent", limits::NAME).ok_or("it names no agent")?;
        let at = row.time("at")?.unwrap_or_else(clock::now);
        let turn = row.whole("turn").unwrap_or(0).max(0);
        row.take("id");
        let state = row.json("state");
        let mut rest = row.rest();
        let state = match state {
            Some(Value::Object(mut state)) => {
                state.extend(rest);
                state
            }
            Some(other) => {
                rest.insert("state".to_owned(), other);
                rest
            }
            None => rest,
        };
        Ok(json!({
            "conversation_id": conversation, "agent_name": agent, "turn": turn, "state": state, "updated_at": at,
        }))
    }

    /// What an older workflow kept is kept in a checkpoint that begins anew: nothing here could go on from it.
    fn workflow(&self, plan: &Plan, found: &Found, mut row: Row) -> Result<Value, String> {
        let conversation = self.conversation(plan, found, row.text("conversation").as_deref())?;
        let at = row.time("at")?.unwrap_or_else(clock::now);
        let turn =
            row.whole("turn").unwrap_or(0).max(self.book.turns.get(&conversation).copied().unwrap_or(0));
        let kind = row.short("kind", limits::NAME).unwrap_or_else(|| IMPORTED.to_owned());
        let step = row.text("step");
        row.take("id");
        let state = row.json("state");
        let mut kept = row.rest();
        kept.extend(state.map(|state| ("state".to_owned(), state)));
        kept.extend(step.clone().map(|step| ("step".to_owned(), step.into())));
        let mut workflow = fresh_workflow(conversation, turn, at);
        workflow["workflow_type"] = json!(kind);
        workflow["step"] = json!(step.and_then(|step| Step::from_name(&step)).map(Step::name));
        workflow["checkpoint"] = json!({"imported": kept});
        Ok(workflow)
    }

    /// Rows of tables that speak of conversations, those of one together.
    fn by_conversation(&self, plan: &Plan, tables: &[&Found]) -> Option<crate::store::foreign::Lines> {
        let walks: Vec<_> = tables.iter().map(|found| found.by_conversation(plan)).collect();
        (!walks.is_empty()).then(|| self.foreign.walk(&walks))
    }
}

/// The kind of a workflow that does not say which it is.
const IMPORTED: &str = "imported";

/// A workflow that goes on behind so many turns.
pub(super) fn fresh_workflow(conversation: Uuid, turn: i64, at: Timestamp) -> Value {
    json!({
        "conversation_id": conversation, "workflow_type": IMPORTED, "turn": turn, "step": null,
        "checkpoint_version": CHECKPOINT_VERSION, "checkpoint": {}, "updated_at": at,
    })
}

fn outcome_of(name: &str, escalated: bool) -> &'static str {
    let name = name.to_lowercase();
    let found = OUTCOMES.iter().find(|(_, words)| words.iter().any(|word| name.contains(word)));
    found.map_or(if escalated { "escalated" } else { "resolved" }, |(outcome, _)| outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::Checkpoint;

    #[test]
    fn an_outcome_is_taken_from_its_older_name() {
        for (name, escalated, outcome) in [
            ("ESCALATED_TO_HUMAN", false, "escalated"),
            ("needs_clarification", false, "asked"),
            ("success", false, "resolved"),
            ("pending", true, "escalated"),
            ("", false, "resolved"),
        ] {
            assert_eq!(outcome_of(name, escalated), outcome, "{name}");
        }
    }

    #[test]
    fn what_an_older_workflow_kept_is_a_checkpoint_that_can_be_read() {
        let read = Checkpoint::read(CHECKPOINT_VERSION, json!({"imported": {"state": {"step": 3}}}));
        assert!(matches!(read, Checkpoint::Known(_)));
    }
}
