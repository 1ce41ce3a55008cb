//! Who answers, and where a visitor lands: the agents and the modes of a desk.

use super::Mode;
use super::Site;
use super::read::Reader;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    /// As staff read it, and visitors in `agent_name`.
    pub title: String,
    /// What a remote model is told of this agent's part, after the rules of the desk.
    pub prompt: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeDesk {
    pub mode: Mode,
    pub greeting: Option<String>,
    /// The agent that a conversation of this mode begins with.
    pub agent: String,
    /// The topic collections that may be quoted here, beside the knowledge that has none; without a list, all.
    pub topics: Option<Vec<String>>,
}

/// What was read with the places that a later check may have to name.
pub(super) struct Sited<T> {
    pub value: T,
    pub site: Site,
}

pub(super) fn agents(desk: &Reader<'_>) -> Vec<Sited<Agent>> {
    desk.tables("agents", "agent")
        .into_iter()
        .map(|table| {
            let (name, site) = table.name("name");
            let title = table.text("title").unwrap_or_else(|| name.replace('_', " "));
            let prompt = table.required_text("prompt", "what a model is told of this agent's part");
            table.finish();
            Sited { value: Agent { name, title, prompt }, site }
        })
        .collect()
}

/// A desk that names no mode serves customers.
pub(super) fn modes(desk: &Reader<'_>, agents: &[Sited<Agent>]) -> Vec<ModeDesk> {
    let first = agents.first().map(|agent| agent.value.name.clone()).unwrap_or_default();
    let known: Vec<&str> = agents.iter().map(|agent| agent.value.name.as_str()).collect();
    let mut modes = Vec::new();
    if let Some(table) = desk.table("modes") {
        for mode in [Mode::Customer, Mode::Banker] {
            let Some(table) = table.table(mode.name()) else { continue };
            modes.push(ModeDesk {
                mode,
                greeting: table.text("greeting"),
                agent: table
                    .one_of("agent", &known, "an agent of this desk")
                    .unwrap_or_else(|| first.clone()),
                topics: table.names("topics"),
            });
            table.finish();
        }
        table.finish();
    }
    if modes.is_empty() {
        modes.push(ModeDesk { mode: Mode::Customer, greeting: None, agent: first, topics: None });
    }
    modes
}
