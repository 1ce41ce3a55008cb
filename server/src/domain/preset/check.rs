//! What no single field can tell: names given twice, examples under two intents, pages that are not there.

use std::collections::HashMap;

use super::agent::Sited;
use super::intent::Draft;
use super::read::{Reader, suggest};
use super::{Agent, Kind, Page, Site};

/// Fewer teach a classifier nothing.
const FEWEST_EXAMPLES: usize = 3;

pub(super) fn agents(desk: &Reader<'_>, agents: &[Sited<Agent>]) {
    if agents.is_empty() && !desk.has("agents") {
        desk.missing(
            "agents",
            "at least one, under a line `[[agents]]`, or `ai = false` for a desk of people alone",
        );
    }
    let names = agents.iter().map(|agent| (agent.value.name.as_str(), &agent.site));
    twice(desk, "agent", names);
}

pub(super) fn intents(desk: &Reader<'_>, drafts: &[Draft], pages: &[Page]) {
    if drafts.is_empty() && !desk.has("intents") {
        desk.missing(
            "intents",
            "at least two, each under a line `[[intents]]`, or `ai = false` for a desk of people alone",
        );
    }
    twice(desk, "intent", drafts.iter().map(|draft| (draft.intent.name.as_str(), &draft.name)));
    if !drafts.is_empty() && !drafts.iter().any(|draft| draft.intent.kind == Kind::HumanRequest) {
        let first = &drafts[0].name;
        desk.fault(
            first,
            "no intent has the kind `human_request`",
            "add one, so that whoever asks for a person gets one",
        );
    }
    for draft in drafts {
        let name = &draft.intent.name;
        if draft.examples.len() < FEWEST_EXAMPLES {
            let what = format!("in intent `{name}`, `examples` has {}", draft.examples.len());
            desk.fault(&draft.name, &what, &format!("give at least {FEWEST_EXAMPLES}, better fifteen"));
        }
        if draft.intent.identity && !desk.has("security") {
            let what = format!("in intent `{name}`, `identity` asks for a security check");
            desk.fault(&draft.identity, &what, "there is none; add `[security]`, or remove the line");
        }
        for (path, site) in draft.intent.pages.iter().zip(&draft.pages) {
            if !pages.iter().any(|page| page.path == *path) {
                let known: Vec<&str> = pages.iter().map(|page| page.path.as_str()).collect();
                let mut mend = "give the path of a page in the desk's folder".to_owned();
                suggest(&mut mend, path, &known);
                desk.fault(site, &format!("in intent `{name}`, there is no page {path:?}"), &mend);
            }
        }
    }
    shared_examples(desk, drafts);
}

/// The same example under two intents that one classifier has to tell apart, or twice under one.
fn shared_examples(desk: &Reader<'_>, drafts: &[Draft]) {
    let mut seen: HashMap<String, Vec<&Draft>> = HashMap::new();
    for draft in drafts {
        for (example, site) in draft.intent.examples.iter().zip(&draft.examples) {
            let others = seen.entry(plain(example)).or_default();
            let meet =
                |other: &&&Draft| other.intent.modes.iter().any(|mode| draft.intent.modes.contains(mode));
            if let Some(other) = others.iter().find(meet) {
                let (name, other) = (&draft.intent.name, &other.intent.name);
                let mend = if name == other {
                    "it stands there already; remove one".to_owned()
                } else {
                    format!("it stands under `{other}` as well; keep it where it belongs")
                };
                desk.fault(
                    site,
                    &format!("in intent `{name}`, the example {example:?} is not its own"),
                    &mend,
                );
            }
            others.push(draft);
        }
    }
}

fn twice<'a>(desk: &Reader<'_>, noun: &str, names: impl Iterator<Item = (&'a str, &'a Site)>) {
    let mut seen = HashMap::new();
    // A name that was refused has its own fault.
    for (name, site) in names.filter(|(name, _)| !name.is_empty()) {
        if seen.insert(name, site).is_some() {
            desk.fault(site, &format!("there are two {noun}s `{name}`"), "rename one, or make one of both");
        }
    }
}

/// As a classifier hears it: without case, punctuation and spacing.
fn plain(example: &str) -> String {
    let words = example.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}
