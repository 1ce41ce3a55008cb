//! What turns leave behind, as statements of the batch that commits their replies.

use serde_json::Value;

use super::super::pool::{Step, step};
use super::super::statement;
use super::{Write, column};
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::escalation::Trigger;
use crate::domain::workflow::{self, Awaiting, Interaction, Recorded, Records, Workflow};

pub(super) fn steps<'a>(writes: &[&'a Write]) -> impl Iterator<Item = Step<'a>> {
    let records: Vec<&'a Records> = writes.iter().filter_map(|write| write.records.as_deref()).collect();
    [checkpoints(writes), recorded(&records), agents(&records), interactions(&records)].into_iter().flatten()
}

fn checkpoints<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(&'a Conversation, &'a Workflow, (i16, Value))> = writes
        .iter()
        .filter_map(|write| {
            let state = write.state.as_deref()?;
            let workflow = state.workflow.as_deref()?;
            Some((state, workflow, workflow.checkpoint.stored()))
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::WORKFLOW_SAVE,
        column!(rows, |(state, ..)| state.id.uuid()),
        column!(rows, |(state, ..)| state.workspace.uuid()),
        column!(rows, |(_, workflow, _)| &*workflow.kind),
        column!(rows, |(_, workflow, _)| workflow.turn),
        column!(rows, |(_, workflow, _)| workflow.step.map(workflow::Step::name)),
        column!(rows, |(_, workflow, _)| workflow.awaiting.map(Awaiting::name)),
        column!(rows, |(_, workflow, _)| workflow.open.map(|open| open.reply.uuid())),
        column!(rows, |(_, workflow, _)| workflow.open.map(|open| open.from.get())),
        column!(rows, |(_, workflow, _)| workflow.open.map(|open| open.upto.get())),
        column!(rows, |(_, workflow, _)| workflow.open.map(|open| open.at)),
        column!(rows, |(.., (version, _))| *version),
        column!(rows, |(.., (_, content))| content.clone()),
        column!(rows, |(state, ..)| state.updated_at),
    ))
}

fn recorded<'a>(records: &[&'a Records]) -> Option<Step<'a>> {
    let rows: Vec<(&'a Records, &'a Recorded)> =
        records.iter().flat_map(|records| records.steps.iter().map(|step| (*records, step))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::TURN_STEPS_SAVE,
        column!(rows, |(records, _)| records.conversation.uuid()),
        column!(rows, |(records, _)| records.turn),
        column!(rows, |(_, step)| step.step.name()),
        column!(rows, |(records, _)| records.workspace.uuid()),
        column!(rows, |(_, step)| step.status.name()),
        column!(rows, |(_, step)| step.started_at),
        column!(rows, |(_, step)| step.ms),
        column!(rows, |(_, step)| &step.output),
    ))
}

fn agents<'a>(records: &[&'a Records]) -> Option<Step<'a>> {
    let rows: Vec<(&'a Records, &'a (String, Value))> =
        records.iter().filter_map(|records| Some((*records, records.agent.as_ref()?))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::AGENT_STATES_SAVE,
        column!(rows, |(records, _)| records.conversation.uuid()),
        column!(rows, |(_, (name, _))| name.as_str()),
        column!(rows, |(records, _)| records.workspace.uuid()),
        column!(rows, |(records, _)| records.turn),
        column!(rows, |(_, (_, state))| state),
        column!(rows, |(records, _)| records.at),
    ))
}

fn interactions<'a>(records: &[&'a Records]) -> Option<Step<'a>> {
    let rows: Vec<(&'a Records, &'a Interaction)> =
        records.iter().filter_map(|records| Some((*records, records.interaction.as_ref()?))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::INTERACTIONS_INSERT,
        column!(rows, |(records, _)| records.workspace.uuid()),
        column!(rows, |(_, it)| it.id),
        column!(rows, |(records, _)| records.conversation.uuid()),
        column!(rows, |(records, _)| records.turn),
        column!(rows, |(_, it)| it.mode.map(Mode::name)),
        column!(rows, |(_, it)| it.agent.as_deref()),
        column!(rows, |(_, it)| it.user_message.as_deref()),
        column!(rows, |(_, it)| it.response.as_deref()),
        column!(rows, |(_, it)| it.intent.as_deref()),
        column!(rows, |(_, it)| it.category),
        column!(rows, |(_, it)| it.confidence),
        column!(rows, |(_, it)| it.outcome.name()),
        column!(rows, |(_, it)| it.trigger.is_some()),
        column!(rows, |(_, it)| it.trigger.map(Trigger::name)),
        column!(rows, |(_, it)| it.reason.as_deref()),
        column!(rows, |(_, it)| it.brain.as_deref()),
        column!(rows, |(_, it)| it.processing_ms),
        column!(rows, |(_, it)| it.detail.as_ref()),
        column!(rows, |(records, _)| records.at),
    ))
}
