//! The numbers and conditions of a desk: thresholds, limits, what is asked before a hand-over, the security check.

use regex::Regex;

use super::read::{Reader, is_name};

/// Each from 0 to 1; below it a turn does not go on by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// Of the classifier: less is a question that no intent covers.
    pub intent: f64,
    /// Of the best passage: less is `insufficient_evidence`.
    pub evidence: f64,
    /// Of the whole answer: less is `low_confidence`.
    pub confidence: f64,
    /// Of the guard: from here a message is an attempt to change the rules, or abuse.
    pub guard: f64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A longer message is answered with `guard_length`.
    pub message_characters: usize,
    /// What a turn may last, with all its calls.
    pub turn_seconds: usize,
    pub passages: usize,
    /// Of an extractive answer.
    pub answer_sentences: usize,
    /// How much of the log's tail a remote model is shown, and how much text in all.
    pub history_messages: usize,
    pub prompt_tokens: usize,
}

/// What a person needs to know of somebody who is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRule {
    pub required: Vec<Detail>,
    /// After so many questions without an answer the hand-over goes on with what there is.
    pub attempts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Name,
    Email,
    Phone,
    EmailOrPhone,
}

impl Detail {
    pub const ALL: &[(&str, Self)] = &[
        ("name", Self::Name),
        ("email", Self::Email),
        ("phone", Self::Phone),
        ("email_or_phone", Self::EmailOrPhone),
    ];
}

/// What somebody has to tell before anything is done about an intent with `identity`.
#[derive(Clone, Debug)]
pub struct Security {
    /// A visitor whose identity the surrounding site has signed need not be asked.
    pub accept_verified: bool,
    pub attempts: usize,
    pub proofs: Vec<Proof>,
}

#[derive(Clone, Debug)]
pub struct Proof {
    pub name: String,
    /// As the visitor is asked for it.
    pub label: String,
    /// Finds it in free text.
    pub pattern: Regex,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { intent: 0.4, evidence: 0.45, confidence: 0.5, guard: 0.8 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_characters: 4000,
            turn_seconds: 60,
            passages: 5,
            answer_sentences: 4,
            history_messages: 12,
            prompt_tokens: 6000,
        }
    }
}

impl Default for ContactRule {
    fn default() -> Self {
        Self { required: vec![Detail::Name, Detail::EmailOrPhone], attempts: 2 }
    }
}

pub(super) fn thresholds(desk: &Reader<'_>) -> Thresholds {
    let mut rule = Thresholds::default();
    if let Some(table) = desk.table("thresholds") {
        rule.intent = table.fraction("intent", rule.intent);
        rule.evidence = table.fraction("evidence", rule.evidence);
        rule.confidence = table.fraction("confidence", rule.confidence);
        rule.guard = table.fraction("guard", rule.guard);
        table.finish();
    }
    rule
}

pub(super) fn limits(desk: &Reader<'_>) -> Limits {
    let mut rule = Limits::default();
    if let Some(table) = desk.table("limits") {
        rule.message_characters = table.count("message_characters", rule.message_characters, 100, 10_000);
        rule.turn_seconds = table.count("turn_seconds", rule.turn_seconds, 5, 600);
        rule.passages = table.count("passages", rule.passages, 1, 20);
        rule.answer_sentences = table.count("answer_sentences", rule.answer_sentences, 1, 12);
        rule.history_messages = table.count("history_messages", rule.history_messages, 0, 100);
        rule.prompt_tokens = table.count("prompt_tokens", rule.prompt_tokens, 1000, 200_000);
        table.finish();
    }
    rule
}

pub(super) fn contact(desk: &Reader<'_>) -> ContactRule {
    let mut rule = ContactRule::default();
    if let Some(table) = desk.table("contact") {
        let names: Vec<&str> = Detail::ALL.iter().map(|(name, _)| *name).collect();
        if let Some(required) = table.texts("required") {
            rule.required = required
                .iter()
                .filter_map(|detail| table.known("required", detail, &names, "a contact detail"))
                .filter_map(|name| Detail::ALL.iter().find(|(known, _)| *known == name))
                .map(|(_, detail)| *detail)
                .collect();
        }
        rule.attempts = attempts(&table);
        table.finish();
    }
    rule
}

pub(super) fn security(desk: &Reader<'_>) -> Option<Security> {
    let table = desk.table("security")?;
    let proofs: Vec<Proof> = table.tables("proofs", "proof").iter().filter_map(proof).collect();
    if !table.has("proofs") {
        table.missing("proofs", "what is asked: `[[security.proofs]]` with name, label and pattern");
    }
    let security = Security {
        accept_verified: table.flag("accept_verified").unwrap_or(true),
        attempts: attempts(&table),
        proofs,
    };
    table.finish();
    Some(security)
}

fn attempts(table: &Reader<'_>) -> usize {
    table.count("attempts", 2, 1, 5)
}

fn proof(table: &Reader<'_>) -> Option<Proof> {
    let (name, _) = table.name("name");
    let label = table.required_text("label", "how the visitor is asked for it, like \"your policy number\"");
    let pattern = table.required_text("pattern", "a regular expression that finds it in a message");
    table.finish();
    let compiled = Regex::new(&pattern).map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        table.fault(&table.site("pattern"), "`pattern` is no regular expression", &why);
    });
    // An empty one has been reported as missing; it would match anything.
    is_name(&name).then_some(())?;
    (!pattern.is_empty()).then_some(Proof { name, label, pattern: compiled.ok()? })
}
